//! What holds for the slice's lists however long they are and whatever the old rows lack.

use serde_json::{Value, json};

use super::scene::{Scene, create};
use super::schema::Schema;
use crate::support::Person;

fn ids(body: &Value) -> Vec<String> {
    body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn read(person: &Person, path: &str) -> Value {
    person.http.get(path).send().await.expect(200).body
}

/// All ids of a list, read page by page with cursors.
async fn by_key(person: &Person, path: &str, size: u32) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let body = read(person, &format!("{path}&cursor={cursor}&limit={size}")).await;
        all.extend(ids(&body));
        match body["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return all,
        }
    }
}

/// The columns allow NULL, and rows that somebody else wrote may have it (T-43).
#[tokio::test]
async fn lists_show_rows_without_times() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        scene.project("Landing").await;
        scene.base(&project, "appOne").await;
        scene.base(&project, "appTwo").await;
        create(&scene.owner.http, "Second").await;
        for table in ["workspaces", "projects", "airtable_bases"] {
            let forget = format!(
                "SET session_replication_role = replica; UPDATE {table} SET created_at = NULL, updated_at = NULL
                 WHERE id = (SELECT max(id::text)::uuid FROM {table})"
            );
            scene.app.sql(&forget).await;
        }
        for path in ["/workspaces", "/projects", "/airtable-bases"] {
            for sort in ["created_at", "updated_at", "name"] {
                let path = format!("{path}?sort_by={sort}");
                let whole = read(&scene.owner, &path).await;
                assert_eq!(whole["total"], json!(2), "{schema:?} {path}");
                assert_eq!(by_key(&scene.owner, &path, 1).await, ids(&whole), "{schema:?} {path}");
            }
        }
    }
}

/// Records of three workspaces and of the tenant, many at the same instant, some without a time.
async fn long_trail(scene: &Scene) {
    for name in ["Second", "Third"] {
        create(&scene.owner.http, name).await;
    }
    let tenant = &scene.owner.tenant;
    let fill = format!(
        "SET session_replication_role = replica;
         INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type, changes, created_at)
         SELECT gen_random_uuid(), w.id, 'legacy-7', 'project.updated', 'project', '{{}}',
             CASE WHEN n % 1000 > 0 THEN '2026-01-01'::timestamp + n / 7 * interval '1 second' END
         FROM workspaces w, generate_series(1, 2500) n WHERE w.tenant_id::text = '{tenant}';
         INSERT INTO audit_events (id, tenant_id, seq, at, actor_kind, action, resource_type, resource_id, changes, mac)
         SELECT gen_random_uuid(), '{tenant}', 1000 + n, '2026-01-01'::timestamptz + n / 7 * interval '1 second', 'user',
             'user.updated', 'user', '', '{{}}', '' FROM generate_series(1, 2600) n;
         ANALYZE"
    );
    scene.app.sql(&fill).await;
}

/// Parts are cut to the page before they are merged, unless the page is far; it must not show.
#[tokio::test]
async fn lists_of_a_long_trail_agree_in_all_dialects() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        long_trail(&scene).await;
        for sort in ["created_at", "created_at&sort_order=asc", "action"] {
            let path = format!("/audit-logs?sort_by={sort}");
            let keyed = by_key(&scene.admin, &path, 100).await;
            let total = read(&scene.admin, &path).await["total"].as_u64().unwrap();
            assert!(total > 10_100, "{total}");
            assert_eq!(keyed.len() as u64, total, "{schema:?} {sort}");
            for offset in [0, 1, 2_499, 9_950, 9_999, 10_001, 10_050, total - 3] {
                let skipped = read(&scene.admin, &format!("{path}&offset={offset}&limit=100")).await;
                let at = usize::try_from(offset).unwrap();
                assert_eq!(ids(&skipped), keyed[at..keyed.len().min(at + 100)], "{schema:?} {sort} {offset}");
            }
        }
    }
}

/// Otherwise a late page would cost more than an early one.
#[tokio::test]
async fn lists_of_a_long_trail_find_the_key_in_indexes() {
    // The ORM's tables hold a workspace's id as text, which no index of theirs finds as the uuid it is.
    for schema in [Schema::Own, Schema::Triggers] {
        let scene = Scene::on(schema).await;
        long_trail(&scene).await;
        let later = |sql: &&db::Sql| {
            sql.name.ends_with("audit::LIST")
                && sql.text.contains("ORDER BY l.created_at DESC, l.id DESC LIMIT 21")
                && !sql.text.contains("OFFSET")
        };
        let all = workspaces::statements();
        let [sql] = all.iter().filter(later).collect::<Vec<_>>()[..] else { panic!("not one statement") };
        let client = scene.app.db.superuser().await;
        let (tenant, person) = (&scene.admin.tenant, &scene.admin.id);
        // For its values: one plan for all values would cost more by PostgreSQL's own reckoning, so it is not used.
        let explain = format!(
            "SET ROLE pyairtable_app; SET app.tenant_id = '{tenant}'; SET timezone = 'UTC';
             SET plan_cache_mode = force_custom_plan; PREPARE planned AS {};
             EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE planned('{person}', '{tenant}', true, NULL, NULL, NULL,
                 NULL, NULL, '2026-01-01 00:03:00+00', '00000000-0000-4000-8000-000000000000')",
            sql.text
        );
        let answer = client.simple_query(&explain).await.unwrap();
        let lines: Vec<&str> = answer
            .iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        let plan = lines.join("\n");
        let keyed = lines.iter().filter(|line| line.contains("Index Cond") && line.contains("ROW(")).count();
        assert_eq!(keyed, 2, "{schema:?}\n{plan}");
        // No part reads more than a page holds, whatever the length of the trail.
        let scans = |line: &&&str| line.contains(" on workspace_audit_logs ") || line.contains(" on audit_events ");
        for line in lines.iter().filter(scans) {
            let rows: f64 =
                line.split("rows=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
            assert!(rows <= 21.0, "{schema:?} {line}\n{plan}");
        }
    }
}
