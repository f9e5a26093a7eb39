//! `POST /workspaces/{id}/transfer`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;
use crate::fixtures::NOBODY;

#[tokio::test]
async fn transfer_workspace_logged_out() {
    let scene = Scene::new().await;
    scene
        .refusals(Method::POST, &scene.path("/transfer"), Some(json!({ "user_id": scene.owner.id })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn transfer_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/transfer"), Some(json!({ "user_id": scene.owner.id })));
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn transfer_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/transfer"), Some(json!({ "user_id": scene.owner.id })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let admin = scene.with_role("admin").await;
    refusals.expect(&admin.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn transfer_workspace_invalid_body() {
    let scene = Scene::new().await;
    let refuse = async |user: &str, status, error: &str, code: &str| {
        let refusals = scene.refusals(Method::POST, &scene.path("/transfer"), Some(json!({ "user_id": user })));
        refusals.expect(&scene.owner.http, status, error, code).await;
    };
    refuse("", 400, "Invalid input", "VALIDATION_ERROR").await;
    refuse("seven", 400, "Invalid input", "VALIDATION_ERROR").await;
    refuse(NOBODY, 404, "User not found", "NOT_FOUND").await;
    refuse(&scene.foreigner().await.id, 404, "User not found", "NOT_FOUND").await;
    refuse(&scene.stranger().await.id, 404, "Member not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn transfer_workspace_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let viewer = scene.with_role("viewer").await;
        let joined = scene.owner.http.get(&scene.path("/members?sort_order=asc")).send().await.expect(200);
        let body = json!({ "userId": viewer.id });
        let answer = scene.owner.http.post(&scene.path("/transfer")).json(&body).send().await.expect(200);
        assert_eq!(answer.body["owner_id"], viewer.id.as_str(), "{schema:?}");
        assert_eq!(
            scene.members().await,
            [(scene.owner.id.clone(), "admin".to_owned()), (viewer.id.clone(), "owner".to_owned())],
            "{schema:?}"
        );
        let after = scene.owner.http.get(&scene.path("/members?sort_order=asc")).send().await.expect(200);
        for index in 0..2 {
            assert_eq!(after.body["members"][index]["joined_at"], joined.body["members"][index]["joined_at"]);
        }
        let last = Scene::expect_last(&scene.trail().await, 3, "workspace.ownership_transferred");
        assert_eq!(last["changes"], json!({ "owner_id": { "old": scene.owner.id, "new": viewer.id } }));
        let refusals = scene.refusals(Method::POST, &scene.path("/transfer"), Some(body));
        refusals.expect(&scene.owner.http, 403, "Unauthorized", "FORBIDDEN").await;
    }
}

/// Who is no owner has nothing to give up: a super admin only makes one.
#[tokio::test]
async fn transfer_workspace_success_by_a_super_admin() {
    let scene = Scene::new().await;
    let viewer = scene.with_role("viewer").await;
    let root = scene.app.super_admin().await;
    let body = json!({ "user_id": viewer.id });
    root.http.post(&scene.path("/transfer")).json(&body).send().await.expect(200);
    let owners = scene.members().await.into_iter().filter(|(_, role)| role == "owner").count();
    assert_eq!(owners, 2);
    root.http.post(&scene.path("/transfer")).json(&body).send().await.expect(200);
    Scene::expect_last(&scene.trail().await, 3, "workspace.ownership_transferred");
}

#[tokio::test]
async fn transfer_workspace_repeated() {
    let scene = Scene::new().await;
    let body = json!({ "user_id": scene.owner.id });
    scene.owner.http.post(&scene.path("/transfer")).json(&body).send().await.expect(200);
    Scene::expect_last(&scene.trail().await, 1, "workspace.created");
}
