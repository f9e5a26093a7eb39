//! The stand-in does what the old services are described to do, on every layout, as every kind of role, before this
//! program's migrations and after them.

#![expect(clippy::print_stderr, reason = "a failure says where")]

use pyairtable_testkit::legacy::layouts::{Layout, OldRole};
use pyairtable_testkit::legacy::suite::Scene;

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
