//! `POST /projects`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use crate::fixtures::NOBODY;

#[tokio::test]
async fn create_project_logged_out() {
    let scene = Scene::new().await;
    let body = json!({ "workspace_id": scene.workspace, "name": "Launch" });
    scene.refusals(Method::POST, "/projects", Some(body)).logged_out("Missing authentication").await;
}

/// A body that names another tenant's workspace is refused, like one that names none (T-16).
#[tokio::test]
async fn create_project_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    for id in [&scene.workspace, NOBODY] {
        let body = json!({ "workspace_id": id, "name": "Launch" });
        let refusals = scene.refusals(Method::POST, "/projects", Some(body));
        refusals.expect(&foreigner.http, 403, "Forbidden", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn create_project_forbidden_role() {
    let scene = Scene::new().await;
    let body = json!({ "workspace_id": scene.workspace, "name": "Launch" });
    let refusals = scene.refusals(Method::POST, "/projects", Some(body));
    let (viewer, stranger) = (scene.with_role("viewer").await, scene.stranger().await);
    for person in [&viewer, &stranger] {
        refusals.expect(&person.http, 403, "Unauthorized", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn create_project_invalid_body() {
    let scene = Scene::new().await;
    for body in [json!({ "name": "Launch" }), json!({ "workspace_id": "seven", "name": "Launch" })] {
        let refusals = scene.refusals(Method::POST, "/projects", Some(body));
        refusals.expect(&scene.owner.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn create_project_conflict() {
    let scene = Scene::new().await;
    scene.project("Launch").await;
    let body = json!({ "workspace_id": scene.workspace, "name": "Launch" });
    let refusals = scene.refusals(Method::POST, "/projects", Some(body));
    refusals.expect(&scene.owner.http, 409, "Project already exists", "CONFLICT").await;
}

#[tokio::test]
async fn create_project_success() {
    let scene = Scene::new().await;
    let body = json!({ "workspaceId": scene.workspace, "name": "Launch" });
    let answer = scene.owner.http.post("/api/v1/projects").json(&body).send().await.expect(201);
    assert_eq!(
        (&answer.body["workspace_id"], &answer.body["workspace"]["id"]),
        (&json!(scene.workspace), &json!(scene.workspace))
    );
    Scene::expect_last(&scene.trail().await, 2, "project.created");
    // A super admin reaches the workspaces of every tenant.
    let body = json!({ "workspace_id": scene.workspace, "name": "Second" });
    scene.app.super_admin().await.http.post("/projects").json(&body).send().await.expect(201);
}
