//! Beside the old service: its limit, its caches, and its triggers as the last line.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;
use serde_json::json;

use super::scene::{Scene, create, try_create};
use super::schema::Schema;
use crate::support::TestApp;

/// A Redis of the test's own, on a socket in a directory of its own.
struct Redis {
    server: Child,
    connection: ConnectionManager,
    _directory: tempfile::TempDir,
}

impl Redis {
    #[expect(clippy::zombie_processes, reason = "stopped when dropped; a test that fails here ends anyway")]
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("redis.sock");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let client = redis::Client::open(format!("redis+unix://{}", socket.display())).unwrap();
        for _ in 0..200 {
            if let Ok(connection) = client.get_connection_manager().await {
                return Self { server, connection, _directory: directory };
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("redis-server did not start");
    }

    async fn scene(&self, schema: Schema) -> Scene {
        let connection = self.connection.clone();
        let app: TestApp = schema
            .app_with(|parts| {
                parts.coexistence = true;
                parts.redis = Some(connection);
            })
            .await;
        Scene::in_app(app).await
    }

    /// Plays the old service filling its caches; returns what is left of them after `change`.
    async fn left_after(&self, keys: &[String], change: impl Future<Output = ()>) -> Vec<String> {
        let mut redis = self.connection.clone();
        for key in keys {
            let _: () = redis.set(key, "cached").await.unwrap();
        }
        change.await;
        let mut left = Vec::new();
        for key in keys {
            if redis.exists(key).await.unwrap() {
                left.push(key.clone());
            }
        }
        left
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Ten in code and trigger, whatever the plan says (T-48).
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn coexistence_keeps_the_old_limit_of_ten() {
    let redis = Redis::start().await;
    for schema in Schema::ALL {
        let scene = redis.scene(schema).await;
        for number in 2..=9 {
            create(&scene.owner.http, &format!("Number {number}")).await;
        }
        let names: Vec<String> = (0..20).map(|number| format!("Race {number}")).collect();
        let answers = join_all(names.iter().map(|name| try_create(&scene.owner.http, name))).await;
        let mut statuses = BTreeMap::new();
        for answer in &answers {
            *statuses.entry(answer.status.as_u16()).or_insert(0) += 1;
        }
        assert_eq!(statuses, BTreeMap::from([(201, 1), (403, 19)]), "{schema:?}");
    }
}

/// Should the old side slip in between count and insert, its trigger's refusal reads like this program's own (T-47).
#[tokio::test]
async fn coexistence_refusals_of_triggers_read_like_our_own() {
    let scene = Scene::on(Schema::Triggers).await;
    scene
        .app
        .sql(
            "CREATE OR REPLACE FUNCTION check_workspace_quota() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              RAISE EXCEPTION 'Workspace quota exceeded for tenant %', NEW.tenant_id; END $$;
              CREATE OR REPLACE FUNCTION check_workspace_owner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              RAISE EXCEPTION 'Cannot remove the last owner from workspace'; END $$",
        )
        .await;
    try_create(&scene.owner.http, "Sales").await.expect_error(403, "Quota exceeded", "QUOTA_EXCEEDED");
    let viewer = scene.with_role("viewer").await;
    let error = "Cannot remove the last owner from workspace";
    let path = scene.member_path(&viewer);
    scene.refusals(Method::DELETE, &path, None).expect(&scene.owner.http, 409, error, "CONFLICT").await;
    let body = Some(json!({ "role": "member" }));
    scene.refusals(Method::PUT, &path, body).expect(&scene.owner.http, 409, error, "CONFLICT").await;
}

/// The triggers of these tests do what the contract measured; else the tests above would prove nothing.
#[tokio::test]
async fn coexistence_triggers_discard_updates_and_keep_the_last_owner() {
    let scene = Scene::on(Schema::Triggers).await;
    scene.with_role("viewer").await;
    let database = scene.app.db.superuser().await;
    let touched =
        database.execute("UPDATE workspace_members SET role = 'admin' WHERE role = 'viewer'", &[]).await.unwrap();
    assert_eq!(touched, 1);
    assert!(scene.members().await.iter().all(|(_, role)| role != "admin"));
    for change in ["UPDATE workspace_members SET role = 'owner' WHERE role = 'owner'", "DELETE FROM workspaces"] {
        let refusal = database.batch_execute(change).await.unwrap_err();
        assert_eq!(refusal.code().map(tokio_postgres::error::SqlState::code), Some("P0001"), "{change}");
    }
}

/// What the old service cached of an object is gone once the object changed; the rest stays (T-57).
#[tokio::test]
async fn coexistence_deletes_what_the_old_service_cached() {
    let redis = Redis::start().await;
    let scene = redis.scene(Schema::Own).await;
    let (project, viewer) = (scene.project("Launch").await, scene.with_role("viewer").await);
    let workspace_key = format!("workspace:{}", scene.workspace);
    let project_key = format!("project:{project}");
    let (owner_key, viewer_key) =
        (format!("user:workspaces:{}", scene.owner.id), format!("user:workspaces:{}", viewer.id));
    let bystanders =
        ["workspace:another".to_owned(), "user:workspaces:another".to_owned(), "refresh_token:x".to_owned()];
    let keys: Vec<String> = [&workspace_key, &project_key, &owner_key, &viewer_key]
        .into_iter()
        .cloned()
        .chain(bystanders.iter().cloned())
        .collect();
    let http = &scene.owner.http;
    let expect = |left: &[String], gone: &[&String]| {
        let expected: Vec<&String> = keys.iter().filter(|key| !gone.contains(key)).collect();
        assert_eq!(left.iter().collect::<Vec<_>>(), expected);
    };

    let put = json!({ "description": "new" });
    let left =
        redis.left_after(&keys, async { drop(http.put(&scene.path("")).json(&put).send().await.expect(200)) }).await;
    expect(&left, &[&workspace_key]);
    let path = format!("/projects/{project}");
    let left = redis.left_after(&keys, async { drop(http.put(&path).json(&put).send().await.expect(200)) }).await;
    expect(&left, &[&project_key]);
    let role = json!({ "role": "admin" });
    let left = redis
        .left_after(&keys, async { drop(http.put(&scene.member_path(&viewer)).json(&role).send().await.expect(200)) })
        .await;
    expect(&left, &[&workspace_key, &viewer_key]);
    let left =
        redis.left_after(&keys, async { drop(http.post(&scene.path("/archive")).send().await.expect(200)) }).await;
    expect(&left, &[&workspace_key, &owner_key, &viewer_key]);
    // A refusal and a read forget nothing.
    let left = redis.left_after(&keys, async { drop(http.get(&scene.path("")).send().await.expect(404)) }).await;
    expect(&left, &[]);
}
