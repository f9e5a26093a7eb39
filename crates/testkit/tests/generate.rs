//! Generated rows fit every layout, are the same for the same seed, and hold what old tables hold.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use pyairtable_testkit::legacy::generate::{Counts, PASSWORDS, Plan, fill};
use pyairtable_testkit::legacy::layouts::{Layout, Place, Places};
use pyairtable_testkit::legacy::suite::{JWT_SECRET, Scene};
use pyairtable_testkit::legacy::{Config, Legacy};
use pyairtable_testkit::{SeededRng, TestDb, TestRedis};
use serde_json::json;

fn plan(people: u32) -> Plan {
    Plan { people, seed: 7, now: "2026-03-01T12:00:00Z".parse().unwrap() }
}

async fn filled(layout: Layout, people: u32) -> (TestDb, Places, Counts) {
    let db = TestDb::empty().await;
    let places = layout.create(db.config()).await.unwrap();
    let counts = fill(layout, &places, plan(people)).await.unwrap();
    (db, places, counts)
}

/// Everything in a service's database as one text.
async fn rows(place: &Place) -> String {
    let (client, connection) = place.config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let tables = "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r'
        AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)' ORDER BY 1";
    let mut all = String::new();
    for table in client.query(tables, &[]).await.unwrap() {
        let table: &str = table.get(0);
        let sql = format!("SELECT coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM {table} t");
        let digest: String = client.query_one(&sql, &[]).await.unwrap().get(0);
        all.extend([table, " ", &digest, "\n"]);
    }
    all
}

#[tokio::test]
async fn generate_fits_every_layout_and_is_the_same_for_the_same_seed() {
    for layout in Layout::ALL {
        let (_first_db, first, counts) = filled(layout, 400).await;
        let Counts { tenants, people, profiles, workspaces, members, projects, bases, audit_logs } = counts;
        assert_eq!(people, 400);
        assert_eq!(tenants > 30, layout.has_tenants(), "{layout:?}: {counts:?}");
        let others = [profiles, workspaces, members, projects, bases, audit_logs];
        assert!(others.iter().all(|count| *count > 50), "{layout:?}: {counts:?}");
        let (_second_db, second, _) = filled(layout, 400).await;
        for (first, second) in [(&first.auth, &second.auth), (&first.workspaces, &second.workspaces)] {
            assert_eq!(rows(first).await, rows(second).await, "{layout:?}");
        }
    }
}

#[tokio::test]
async fn generate_holds_what_old_tables_hold() {
    let scene = Scene::unexpanded(Layout::Public, pyairtable_testkit::legacy::layouts::OldRole::Superuser).await;
    fill(Layout::Public, &scene.places, plan(3000)).await.unwrap();
    for condition in [
        "users WHERE is_active IS NULL",
        "users WHERE email_verified IS NULL",
        "users WHERE created_at IS NULL",
        "users WHERE password_hash NOT LIKE '$2_$__$%'",
        "users WHERE password_hash LIKE '$2y$04$%'",
        "users WHERE password_hash LIKE '$2b$12$%'",
        "users a JOIN users b ON lower(a.email) = lower(b.email) AND a.email < b.email",
        "users u WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id)",
        "users u WHERE NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id)",
        "user_profiles p JOIN users u ON u.id = p.user_id WHERE p.deleted_at IS NOT NULL AND u.is_active",
        "user_profiles WHERE preferences = 'null'",
        "user_profiles WHERE preferences IS NULL AND display_name IS NULL",
        "tenants WHERE status = 'suspended' AND NOT is_active",
        "workspaces WHERE deleted_at IS NOT NULL",
        "workspaces WHERE description IS NULL",
        "workspaces a JOIN workspaces b ON (a.tenant_id, a.name) = (b.tenant_id, b.name) AND a.id < b.id
             AND a.deleted_at IS NULL AND b.deleted_at IS NULL",
        "workspace_members m WHERE NOT EXISTS (SELECT FROM users u WHERE u.id::text = m.user_id)",
        "airtable_bases WHERE sync_enabled IS NULL",
        "workspace_audit_logs WHERE changes IS NULL AND action = 'workspace.deleted'",
    ] {
        let count = scene.value(&scene.places.auth, &format!("SELECT count(*)::text FROM {condition}")).await;
        assert_ne!(count.as_deref(), Some("0"), "no {condition}");
    }
    let most = "SELECT max(n)::text FROM (SELECT count(*) n FROM workspaces WHERE deleted_at IS NULL
        GROUP BY tenant_id) t";
    assert!(scene.value(&scene.places.auth, most).await.unwrap().parse::<u32>().unwrap() <= 10);
}

#[tokio::test]
async fn generate_makes_people_who_can_log_in() {
    let (_db, places, _) = filled(Layout::Schemas, 200).await;
    let (client, connection) = places.auth.config.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let (password, hash) = PASSWORDS[0];
    let sql = "SELECT email FROM auth.users WHERE password_hash = $1 AND is_active AND email_verified IS NOT NULL
        AND created_at IS NOT NULL AND updated_at IS NOT NULL LIMIT 1";
    let email: String = client.query_one(sql, &[&hash]).await.unwrap().get(0);
    let redis_url = tokio::task::spawn_blocking(TestRedis::url).await.unwrap();
    let config = Config {
        places,
        redis_url,
        jwt_secret: JWT_SECRET.to_owned(),
        clock: Arc::new(kernel::SystemClock),
        rng: Arc::new(SeededRng::new(1)),
        auth_bearer: false,
        connections: 2,
    };
    let legacy = Legacy::start(config).await.unwrap();
    assert!(legacy.urls.auth.starts_with("http://127.0.0.1:"), "{}", legacy.urls.auth);
    let login = json!({ "email": email, "password": password });
    legacy.clients().auth.post("/auth/login").json(&login).send().await.expect(200);
    // And the sockets are there.
    let address = legacy.urls.notifications.trim_start_matches("http://").to_owned();
    tokio::net::TcpStream::connect(address).await.unwrap();
}
