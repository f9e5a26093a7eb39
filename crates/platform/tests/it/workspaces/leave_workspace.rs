//! `POST /workspaces/{id}/leave`

use axum::http::Method;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn leave_workspace_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::POST, &scene.path("/leave"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn leave_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/leave"), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn leave_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/leave"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn leave_workspace_conflict_of_the_last_owner() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.with_role("admin").await;
        let refusals = scene.refusals(Method::POST, &scene.path("/leave"), None);
        let error = "Cannot remove the last owner from workspace";
        refusals.expect(&scene.owner.http, 409, error, "CONFLICT").await;
    }
}

#[tokio::test]
async fn leave_workspace_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let second = scene.with_role("owner").await;
        scene.owner.http.post(&scene.path("/leave")).send().await.expect(204);
        assert_eq!(scene.members().await, [(second.id.clone(), "owner".to_owned())], "{schema:?}");
        Scene::expect_last(&scene.trail().await, 3, "member.removed");
        scene.owner.http.get(&scene.path("")).send().await.expect_error(403, "Unauthorized", "FORBIDDEN");
    }
}

/// A tenant's admin who is no member has nothing to leave.
#[tokio::test]
async fn leave_workspace_repeated() {
    let scene = Scene::new().await;
    let viewer = scene.with_role("viewer").await;
    viewer.http.post(&scene.path("/leave")).send().await.expect(204);
    let refusals = scene.refusals(Method::POST, &scene.path("/leave"), None);
    refusals.expect(&viewer.http, 403, "Unauthorized", "FORBIDDEN").await;
    refusals.expect(&scene.admin.http, 404, "Member not found", "NOT_FOUND").await;
}
