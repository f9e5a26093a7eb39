//! `PUT /projects/{id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn update_project_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene
        .refusals(Method::PUT, &format!("/projects/{project}"), Some(json!({ "name": "Other" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn update_project_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::PUT, &format!("/projects/{project}"), Some(json!({ "name": "Other" })));
    refusals.expect(&foreigner.http, 404, "Project not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn update_project_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::PUT, &format!("/projects/{project}"), Some(json!({ "name": "Other" })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let viewer = scene.with_role("viewer").await;
    refusals.expect(&viewer.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_project_invalid_body() {
    let scene = Scene::new().await;
    let path = format!("/projects/{}", scene.project("Launch").await);
    for body in [json!({ "name": "" }), json!({ "status": "deleted" }), json!({ "status": "Active" })] {
        let refusals = scene.refusals(Method::PUT, &path, Some(body));
        refusals.expect(&scene.owner.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn update_project_conflict() {
    let scene = Scene::new().await;
    let path = format!("/projects/{}", scene.project("Launch").await);
    scene.project("Other").await;
    let refusals = scene.refusals(Method::PUT, &path, Some(json!({ "name": "Other" })));
    refusals.expect(&scene.owner.http, 409, "Project already exists", "CONFLICT").await;
}

#[tokio::test]
async fn update_project_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let member = scene.with_role("member").await;
        let path = format!("/projects/{}", scene.project("Launch").await);
        let body = json!({ "name": "Lift-off", "description": "Soon", "status": "archived", "settings": { "a": [1] } });
        let answer = member.http.put(&path).json(&body).send().await.expect(200);
        let read = member.http.get(&path).send().await.expect(200);
        assert_eq!(answer.body, read.body, "{schema:?}");
        let last = Scene::expect_last(&scene.trail().await, 4, "project.updated");
        insta::assert_json_snapshot!("update_project_success_changes", last["changes"]);

        let body = json!({ "description": "", "status": "active" });
        let answer = member.http.put(&path).json(&body).send().await.expect(200);
        assert_eq!((&answer.body["description"], &answer.body["name"]), (&json!(""), &json!("Lift-off")));
        assert_eq!(answer.body["settings"], json!({ "a": [1] }));
    }
}

#[tokio::test]
async fn update_project_repeated() {
    let scene = Scene::new().await;
    let path = format!("/projects/{}", scene.project("Launch").await);
    let body = json!({ "name": "Launch", "description": "", "status": "active", "settings": {} });
    scene.owner.http.put(&path).json(&body).send().await.expect(200);
    Scene::expect_last(&scene.trail().await, 2, "project.created");
}
