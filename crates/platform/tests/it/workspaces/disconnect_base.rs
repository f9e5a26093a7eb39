//! `DELETE /airtable-bases/{id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn disconnect_base_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    scene.refusals(Method::DELETE, &format!("/airtable-bases/{base}"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn disconnect_base_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::DELETE, &format!("/airtable-bases/{base}"), None);
    refusals.expect(&foreigner.http, 404, "Airtable base not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn disconnect_base_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::DELETE, &format!("/airtable-bases/{base}"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn disconnect_base_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        let base = scene.base(&project, "appOne").await;
        scene.admin.http.delete(&format!("/airtable-bases/{base}")).send().await.expect(204);
        let last = Scene::expect_last(&scene.trail().await, 4, "airtable_base.disconnected");
        assert_eq!(last["changes"], json!({ "base_id": "appOne", "name": "Leads" }), "{schema:?}");
    }
}

#[tokio::test]
async fn disconnect_base_repeated() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let path = format!("/airtable-bases/{}", scene.base(&project, "appOne").await);
    let request = scene.owner.http.delete(&path).header("accept", "application/json");
    assert_eq!(request.send().await.expect(200).text("message"), "Airtable base disconnected successfully");
    let refusals = scene.refusals(Method::DELETE, &path, None);
    refusals.expect(&scene.owner.http, 404, "Airtable base not found", "NOT_FOUND").await;
}
