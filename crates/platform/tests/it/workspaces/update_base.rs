//! `PUT /airtable-bases/{id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn update_base_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    scene
        .refusals(Method::PUT, &format!("/airtable-bases/{base}"), Some(json!({ "name": "Other" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn update_base_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::PUT, &format!("/airtable-bases/{base}"), Some(json!({ "name": "Other" })));
    refusals.expect(&foreigner.http, 404, "Airtable base not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn update_base_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::PUT, &format!("/airtable-bases/{base}"), Some(json!({ "name": "Other" })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let viewer = scene.with_role("viewer").await;
    refusals.expect(&viewer.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_base_invalid_body() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let path = format!("/airtable-bases/{}", scene.base(&project, "appOne").await);
    let refusals = scene.refusals(Method::PUT, &path, Some(json!({ "name": " " })));
    refusals.expect(&scene.owner.http, 400, "Invalid input", "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn update_base_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        let path = format!("/airtable-bases/{}", scene.base(&project, "appOne").await);
        let member = scene.with_role("member").await;
        let body = json!({ "name": "Prospects", "description": "Some", "sync_enabled": false, "base_id": "ignored" });
        let answer = member.http.put(&path).json(&body).send().await.expect(200);
        assert_eq!(answer.body, member.http.get(&path).send().await.expect(200).body, "{schema:?}");
        assert_eq!((&answer.body["sync_enabled"], &answer.body["base_id"]), (&json!(false), &json!("appOne")));
        let last = Scene::expect_last(&scene.trail().await, 5, "airtable_base.updated");
        insta::assert_json_snapshot!("update_base_success_changes", last["changes"]);

        let answer = member.http.put(&path).json(&json!({ "description": "" })).send().await.expect(200);
        assert_eq!((&answer.body["description"], &answer.body["sync_enabled"]), (&json!(""), &json!(false)));
    }
}

#[tokio::test]
async fn update_base_repeated() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let path = format!("/airtable-bases/{}", scene.base(&project, "appOne").await);
    let body = json!({ "name": "Leads", "sync_enabled": true });
    scene.owner.http.put(&path).json(&body).send().await.expect(200);
    Scene::expect_last(&scene.trail().await, 3, "airtable_base.connected");
}
