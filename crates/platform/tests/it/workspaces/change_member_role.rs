//! `PATCH /workspaces/{id}/members/{user_id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;

#[tokio::test]
async fn change_member_role_logged_out() {
    let scene = Scene::new().await;
    scene
        .refusals(Method::PATCH, &scene.member_path(&scene.owner), Some(json!({ "role": "viewer" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn change_member_role_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::PATCH, &scene.member_path(&scene.owner), Some(json!({ "role": "viewer" })));
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn change_member_role_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::PATCH, &scene.member_path(&scene.owner), Some(json!({ "role": "viewer" })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

/// The member alone, without PUT's sentence (T-20).
#[tokio::test]
async fn change_member_role_success() {
    let scene = Scene::new().await;
    let viewer = scene.with_role("viewer").await;
    let body = json!({ "Role": "admin" });
    let answer = scene.owner.http.patch(&scene.member_path(&viewer)).json(&body).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
    let last = Scene::expect_last(&scene.trail().await, 3, "member.role_updated");
    assert_eq!(last["changes"]["new_role"], "admin");
}
