//! Rows that years of old services left, planted one class at a time and all at once, and counted exactly.

use std::collections::BTreeSet;

use pyairtable_cutover::preflight::look;
use testkit::TestDb;
use testkit::legacy::generate::{MALFORMED, Plan, fill};
use testkit::legacy::layouts::Layout;

use super::{Deployment, facts};
use crate::support::seed;

/// The check, how many it must count, and what plants them.
pub(super) const ROWS: &[(&str, u32, &str)] = &[
    (
        "duplicate-workspaces",
        2,
        "WITH made AS (INSERT INTO workspaces (tenant_id, name, created_by)
             SELECT tenant_id, name, created_by FROM workspaces WHERE name IN ('Workspace 3', 'Workspace 8')
             RETURNING id, created_by)
         INSERT INTO workspace_members (workspace_id, user_id, role) SELECT id, created_by, 'owner' FROM made",
    ),
    (
        "duplicate-projects",
        3,
        "INSERT INTO projects (workspace_id, name, created_by) SELECT workspace_id, name, created_by FROM projects
         WHERE name IN ('Project 1', 'Project 2', 'Project 3')",
    ),
    (
        "duplicate-bases",
        1,
        "INSERT INTO airtable_bases (project_id, base_id, name) SELECT project_id, base_id, 'again' FROM airtable_bases
         WHERE base_id = 'app4'",
    ),
    (
        "emails-by-case",
        4,
        "INSERT INTO users (email, password_hash, first_name, last_name, tenant_id)
         SELECT upper(email), password_hash, 'A', 'B', tenant_id FROM users WHERE email ~ '^person1[0-3]@'",
    ),
    (
        "members-without-workspace",
        2,
        "ALTER TABLE workspace_members DROP CONSTRAINT workspace_members_workspace_id_fkey;
         INSERT INTO workspace_members (workspace_id, user_id, role)
         SELECT gen_random_uuid(), id::text, 'owner' FROM users LIMIT 2",
    ),
    (
        "members-without-person",
        5,
        "INSERT INTO workspace_members (workspace_id, user_id, role)
         SELECT id, gen_random_uuid()::text, 'viewer' FROM workspaces LIMIT 5",
    ),
    (
        "projects-without-workspace",
        1,
        "ALTER TABLE projects DROP CONSTRAINT projects_workspace_id_fkey;
         INSERT INTO projects (workspace_id, name, created_by) VALUES (gen_random_uuid(), 'lost', 'x');
         INSERT INTO projects (workspace_id, name, created_by, deleted_at) VALUES (gen_random_uuid(), 'gone', 'x', now())",
    ),
    (
        "bases-without-project",
        2,
        "ALTER TABLE airtable_bases DROP CONSTRAINT airtable_bases_project_id_fkey;
         INSERT INTO airtable_bases (project_id, base_id, name)
         SELECT gen_random_uuid(), 'lost', 'lost' FROM generate_series(1, 2)",
    ),
    (
        "people-without-tenant",
        7,
        "INSERT INTO users (email, password_hash, first_name, last_name, tenant_id)
         SELECT 'orphan' || n || '@example.com', '!', 'A', 'B', gen_random_uuid() FROM generate_series(1, 7) n",
    ),
    (
        "profiles-without-person",
        1,
        "INSERT INTO user_profiles (user_id, email, first_name, last_name, tenant_id)
         SELECT gen_random_uuid(), 'nobody@example.com', 'A', 'B', id FROM tenants LIMIT 1",
    ),
    (
        "deleted-people-let-in",
        3,
        "UPDATE user_profiles SET deleted_at = now() WHERE email ~ '^person[1-4]@';
         UPDATE users SET is_active = false WHERE email = 'person4@example.com'",
    ),
    ("empty-passwords", 2, "UPDATE users SET password_hash = '' WHERE email ~ '^person[56]@'"),
    (
        "password-hashes",
        10,
        // Ten that are no hashes, and five that are.
        "UPDATE users SET password_hash = hash FROM (VALUES
            (1, 'plain'), (2, '$2a$10$short'), (3, 'pbkdf2_sha256$1000$salt$aGFzaA=='), (4, '$2a$10$' || repeat('x', 54)),
            (5, '$2a$32$' || repeat('x', 53)), (6, '$2a$03$' || repeat('x', 53)), (7, '$2z$10$' || repeat('x', 53)),
            (8, '$2a$10$' || repeat('x', 52) || '$'), (9, '$2a$10$' || repeat('x', 52) || 'é'),
            (10, '$2$10$' || repeat('x', 54)), (11, '$2$10$' || repeat('x', 53)), (12, '$2y$31$' || repeat('/', 53)),
            (13, '$2b$04$' || repeat('.', 53)), (14, '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA'), (15, '!'))
            AS planted (number, hash)
         WHERE email = 'person' || number || '@example.com'",
    ),
    ("nulls-in-accounts", 9, "UPDATE users SET is_active = NULL WHERE email ~ '^person[1-9]@'"),
    (
        "ownerless-workspaces",
        2,
        "INSERT INTO workspaces (tenant_id, name, created_by) SELECT id::text, 'ownerless', 'x' FROM tenants LIMIT 2;
         INSERT INTO workspaces (tenant_id, name, created_by, deleted_at)
         SELECT id::text, 'gone', 'x', now() FROM tenants LIMIT 1",
    ),
    (
        "member-roles",
        1,
        "ALTER TABLE workspace_members DROP CONSTRAINT workspace_members_role_check;
         INSERT INTO workspace_members (workspace_id, user_id, role)
         SELECT w.id, u.id::text, 'editor' FROM workspaces w, users u
         WHERE w.name = 'Workspace 0' AND u.email = 'person9@example.com'",
    ),
    (
        "workspaces-beyond-ten",
        1,
        "DROP TRIGGER check_workspace_quota_trigger ON workspaces;
         WITH made AS (INSERT INTO workspaces (tenant_id, name, created_by)
             SELECT t.id::text, 'more ' || n, u.id::text FROM generate_series(1, 9) n, tenants t, users u
             WHERE t.slug = 'tenant-3' AND u.email = 'person30@example.com' RETURNING id, created_by)
         INSERT INTO workspace_members (workspace_id, user_id, role) SELECT id, created_by, 'owner' FROM made",
    ),
    (
        "ids-in-text",
        7,
        // Seven that are no uuids, and one that is.
        "ALTER TABLE airtable_bases DROP CONSTRAINT airtable_bases_project_id_fkey, ALTER project_id TYPE text;
         UPDATE airtable_bases SET project_id = planted.place, deleted_at = now() FROM (VALUES
            (1, 'seven'), (2, ''), (3, '0190b1a0-0000-7000-8000-00000000000'), (4, '0190b1a0-0000-7000-8000-0000000000001'),
            (5, '0190b1a0-0000-7000-8000-00000000000g'), (6, '0190b1a0-0000-7000-8000-00-000000001'),
            (7, '0190b1a000007000800000000000000000000'), (8, '0190B1A0-0000-7000-8000-00000000000F'))
            AS planted (number, place)
         WHERE base_id = 'app' || number",
    ),
];

fn number(fact: &str) -> u32 {
    fact.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{fact}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflight_counts_what_was_planted() {
    let deployment = Deployment::start(200).await;
    let name = deployment.database().await;
    for (check, count, sql) in ROWS {
        let name = deployment.database().await;
        deployment.connect(&name).await.batch_execute(sql).await.unwrap();
        let found = facts(&look(&deployment.inputs(&name)).await.unwrap());
        assert_eq!(number(&found[check]), *count, "{}", found[check]);
    }
    // Those that do not share rows or constraints, all at once.
    let client = deployment.connect(&name).await;
    let together = [
        "duplicate-projects",
        "duplicate-bases",
        "members-without-person",
        "profiles-without-person",
        "deleted-people-let-in",
        "ownerless-workspaces",
        "members-without-workspace",
        "member-roles",
    ];
    for (_, _, sql) in ROWS.iter().filter(|(check, ..)| together.contains(check)) {
        client.batch_execute(sql).await.unwrap();
    }
    let found = facts(&look(&deployment.inputs(&name)).await.unwrap());
    assert_eq!(found.len(), together.len(), "{found:?}");
    for (check, count, _) in ROWS.iter().filter(|(check, ..)| together.contains(check)) {
        assert_eq!(number(&found[check]), *count, "{}", found[check]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflight_says_what_it_had_no_time_to_count() {
    let deployment = Deployment::start(10).await;
    let mut inputs = deployment.inputs(&deployment.database().await);
    inputs.limits.counting = Some(std::time::Duration::ZERO);
    let found = facts(&look(&inputs).await.unwrap());
    assert_eq!(found.keys().collect::<BTreeSet<_>>(), ROWS.iter().map(|(check, ..)| check).collect());
    assert!(found.values().all(|fact| fact == "not counted in the time there is"), "{found:?}");
}

/// What the generator of old worlds leaves, against a count that shares nothing with the checks: row by row, here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflight_counts_what_years_left() {
    let deployment = Deployment::start(10).await;
    for (number_of, layout) in [(0, Layout::Public), (1, Layout::Orm)] {
        let db = TestDb::empty().await;
        let places = layout.create(db.config()).await.unwrap();
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        fill(layout, &places, Plan { people: 3000, seed: seed() + number_of, now }).await.unwrap();
        let client = db.superuser().await;
        let texts = async |sql: &str| -> Vec<Vec<Option<String>>> {
            let rows = client.query(sql, &[]).await.unwrap();
            rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect()
        };
        let users = texts(
            "SELECT id::text, email, password_hash, is_active::text, email_verified::text,
            created_at::text, updated_at::text, tenant_id::text FROM users",
        )
        .await;
        let live = texts("SELECT id::text, tenant_id::text, name FROM workspaces WHERE deleted_at IS NULL").await;
        let members = texts("SELECT workspace_id::text, user_id::text, role FROM workspace_members").await;
        let mut expected = std::collections::BTreeMap::new();
        let mut expect = |check: &'static str, count: usize| expected.insert(check, u32::try_from(count).unwrap());
        let distinct = |all: Vec<String>| all.len() - all.iter().collect::<std::collections::BTreeSet<_>>().len();
        expect("emails-by-case", distinct(users.iter().map(|one| one[1].as_ref().unwrap().to_lowercase()).collect()));
        expect("empty-passwords", users.iter().filter(|one| one[2].as_deref() == Some("")).count());
        expect(
            "password-hashes",
            users
                .iter()
                .filter(|one| {
                    let hash = one[2].as_deref().unwrap();
                    MALFORMED.contains(&hash) && !["", "!"].contains(&hash)
                })
                .count(),
        );
        expect("nulls-in-accounts", users.iter().filter(|one| one[3..7].iter().any(Option::is_none)).count());
        expect("duplicate-workspaces", distinct(live.iter().map(|one| format!("{:?}{:?}", one[1], one[2])).collect()));
        expect(
            "members-without-person",
            members.iter().filter(|one| !users.iter().any(|user| user[0] == one[1])).count(),
        );
        expect("member-roles", members.iter().filter(|one| one[2].as_deref() == Some("editor")).count());
        expect(
            "ownerless-workspaces",
            live.iter()
                .filter(|one| {
                    !members.iter().any(|member| member[0] == one[0] && member[2].as_deref() == Some("owner"))
                })
                .count(),
        );
        if layout.has_tenants() {
            let tenants = texts("SELECT id::text FROM tenants").await;
            expect(
                "people-without-tenant",
                users.iter().filter(|one| !tenants.iter().any(|tenant| tenant[0] == one[7])).count(),
            );
        }
        let mut inputs = deployment.inputs("model");
        inputs.url = db.url().clone();
        let found = facts(&look(&inputs).await.unwrap());
        for (check, count) in expected {
            let counted = found.get(check).map_or(0, |fact| number(fact));
            assert_eq!(counted, count, "{layout:?}, {check}: {:?}", found.get(check));
        }
    }
}
