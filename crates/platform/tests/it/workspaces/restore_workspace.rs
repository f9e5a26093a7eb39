//! `POST /workspaces/{id}/restore`

use axum::http::Method;
use serde_json::json;

use super::scene::{Scene, create};
use super::schema::Schema;

#[tokio::test]
async fn restore_workspace_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::POST, &scene.path("/restore"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn restore_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/restore"), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn restore_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/restore"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let admin = scene.with_role("admin").await;
    refusals.expect(&admin.http, 403, "Unauthorized", "FORBIDDEN").await;
}

/// Restoring is creating as far as limit and name are concerned; the old trigger does not look at it.
#[tokio::test]
async fn restore_workspace_conflict_and_quota() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.owner.http.delete(&scene.path("")).send().await.expect(204);
        let again = create(&scene.owner.http, "Marketing").await;
        let refusals = scene.refusals(Method::POST, &scene.path("/restore"), None);
        refusals.expect(&scene.owner.http, 409, "Workspace already exists", "CONFLICT").await;
        create(&scene.owner.http, "Two").await;
        create(&scene.owner.http, "Three").await;
        refusals.expect(&scene.owner.http, 403, "Quota exceeded", "QUOTA_EXCEEDED").await;
        scene.owner.http.delete(&format!("/workspaces/{again}")).send().await.expect(204);
        scene.owner.http.post(&scene.path("/restore")).send().await.expect(200);
    }
}

#[tokio::test]
async fn restore_workspace_success_after_a_deletion() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let before = scene.owner.http.get(&scene.path("")).send().await.expect(200);
        scene.owner.http.delete(&scene.path("")).send().await.expect(204);
        let after = scene.owner.http.post(&scene.path("/restore")).send().await.expect(200);
        assert_eq!((&after.body["deleted_at"], &after.body["is_active"]), (&json!(null), &json!(true)));
        for field in ["id", "name", "settings", "created_at", "created_by", "owner_id", "member_count"] {
            assert_eq!(after.body[field], before.body[field], "{schema:?} {field}");
        }
        Scene::expect_last(&scene.trail().await, 3, "workspace.restored");
    }
}

#[tokio::test]
async fn restore_workspace_repeated() {
    let scene = Scene::new().await;
    scene.owner.http.post(&scene.path("/restore")).send().await.expect(200);
    Scene::expect_last(&scene.trail().await, 1, "workspace.created");
}
