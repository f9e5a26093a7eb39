//! The stand-in does what the old services are described to do, on every layout, as every kind of role, before this
//! program's migrations and after them.

#![expect(clippy::print_stderr, reason = "a failure says where")]

use pyairtable_testkit::legacy::layouts::{Layout, OldRole};
use pyairtable_testkit::legacy::suite::Scene;
use pyairtable_testkit::schema;

async fn everywhere(layout: Layout) {
    for role in OldRole::ALL {
        eprintln!("{layout:?} as {role:?}, as it was");
        Scene::unexpanded(layout, role).await.run().await;
        eprintln!("{layout:?} as {role:?}, expanded");
        Scene::expanded(layout, role).await.run().await;
    }
}

/// Services that are connected when the schema grows go on as if nothing had happened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn legacy_while_the_schema_is_expanded() {
    for layout in [Layout::Public, Layout::Orm, Layout::View, Layout::DraftTenants] {
        eprintln!("{layout:?}");
        let scene = Scene::unexpanded(layout, OldRole::Service).await;
        for (http, path) in [(&scene.http.auth, "/auth/login"), (&scene.http.users, "/users")] {
            http.post(path).json(&serde_json::json!({ "email": "x" })).send().await;
        }
        scene.workspaces_as("x", "y").get("/workspaces").send().await.expect(200);
        db::migrate::up(scene.db.url()).await.expect("all migrations apply");
        scene.run().await;
    }
}

/// Old services that start again and again after the schema has grown change nothing in it, and neither does this program.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn legacy_restarts_leave_the_expanded_schema_alone() {
    for (layout, role) in Layout::ALL.into_iter().flat_map(|layout| OldRole::ALL.map(|role| (layout, role))) {
        let scene = Scene::expanded(layout, role).await;
        let before = built(&scene).await;
        for _ in 0..20 {
            scene.legacy.auto_migrate().await.expect("the services migrate");
        }
        assert_eq!(built(&scene).await, before, "{layout:?} as {role:?}: the services restarted");
        if layout != Layout::Databases {
            let applied = db::migrate::up(scene.db.url()).await.expect("migrations run again");
            assert!(applied.is_empty(), "{layout:?} as {role:?}: {applied:?}");
        }
        assert_eq!(built(&scene).await, before, "{layout:?} as {role:?}: this program restarted");
    }
    // A table that somebody took away is made again, which shows.
    let scene = Scene::expanded(Layout::Public, OldRole::Superuser).await;
    let before = built(&scene).await;
    scene.sql(&scene.places.workspaces, "ALTER TABLE airtable_bases RENAME TO airtable_bases_gone").await;
    scene.legacy.auto_migrate().await.expect("the services migrate");
    scene.sql(&scene.places.workspaces, "DROP TABLE airtable_bases_gone").await;
    assert_ne!(built(&scene).await, before, "a table of the ORM in place of the script's");
}

async fn built(scene: &Scene) -> Vec<String> {
    let mut all = Vec::new();
    for database in scene.places.databases() {
        let url = db::DatabaseUrl::from_config(database.clone());
        all.extend(schema::lines(&url.connect().await.expect("a connection")).await);
    }
    assert!(all.len() > 100, "{}", all.len());
    all
}

/// What would break an old service, breaks the suite: changes as careless migrations make them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn legacy_suite_notices_careless_migrations() {
    let mut missed = Vec::new();
    for (layout, change) in [
        (Layout::Public, "ALTER TABLE users ENABLE ROW LEVEL SECURITY"),
        (Layout::Public, "ALTER TABLE users ADD COLUMN handle text NOT NULL DEFAULT 'x' UNIQUE"),
        (Layout::Public, "CREATE UNIQUE INDEX ON users (lower(email))"),
        (
            Layout::Widened,
            "ALTER TABLE users ALTER bio DROP NOT NULL, ALTER bio DROP DEFAULT; UPDATE users SET bio = NULL;
            CREATE RULE nulls AS ON INSERT TO users DO ALSO UPDATE users SET bio = NULL WHERE id = NEW.id",
        ),
        (Layout::Orm, "ALTER TABLE workspace_members ADD CHECK (role IN ('owner', 'admin', 'member', 'viewer'))"),
        (Layout::Public, "CREATE UNIQUE INDEX ON workspaces (tenant_id, name) WHERE name <> ''"),
        (Layout::Public, "REVOKE UPDATE ON airtable_bases FROM old_service"),
        (Layout::Tokyo, "ALTER TABLE workspaces ALTER created_at TYPE timestamptz"),
        (Layout::Public, "DROP TRIGGER ensure_workspace_owner_update ON workspace_members"),
        (Layout::Databases, "ALTER TABLE users ALTER tenant_id TYPE text"),
    ] {
        let expand = async |url: &db::DatabaseUrl| {
            let client = url.connect().await.expect("a connection");
            // A database that has no such table has nothing to break.
            let _ = client.batch_execute(change).await;
        };
        let scene = Scene::new(layout, OldRole::Service, expand).await;
        let ran = tokio::spawn(async move { scene.run().await }).await;
        let noticed = ran.is_err_and(|error| error.is_panic());
        eprintln!("{}: {change}", if noticed { "noticed" } else { "MISSED" });
        if !noticed {
            missed.push(change);
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

macro_rules! layouts {
    ($($name:ident: $layout:ident),+ $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            everywhere(Layout::$layout).await;
        }
    )+};
}

layouts! {
    legacy_on_everything_in_public: Public,
    legacy_on_tables_of_the_orm: Orm,
    legacy_on_a_schema_for_each_service: Schemas,
    legacy_on_a_database_for_each_service: Databases,
    legacy_on_users_that_are_a_view: View,
    legacy_on_sessions_in_tokyo: Tokyo,
    legacy_on_users_with_all_columns: Widened,
    legacy_on_drafted_tenants: DraftTenants,
}
