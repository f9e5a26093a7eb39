//! `POST /workspaces/{id}/projects`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn create_workspace_project_logged_out() {
    let scene = Scene::new().await;
    scene
        .refusals(Method::POST, &scene.path("/projects"), Some(json!({ "name": "Launch" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn create_workspace_project_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/projects"), Some(json!({ "name": "Launch" })));
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn create_workspace_project_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/projects"), Some(json!({ "name": "Launch" })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let viewer = scene.with_role("viewer").await;
    refusals.expect(&viewer.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn create_workspace_project_invalid_body() {
    let scene = Scene::new().await;
    for body in [json!({}), json!({ "name": "" }), json!({ "name": "x".repeat(256) })] {
        let refusals = scene.refusals(Method::POST, &scene.path("/projects"), Some(body));
        refusals.expect(&scene.owner.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn create_workspace_project_conflict() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        for _ in 0..2 {
            let project = scene.project("Launch").await;
            let body = json!({ "name": "Launch" });
            let refusals = scene.refusals(Method::POST, &scene.path("/projects"), Some(body));
            refusals.expect(&scene.owner.http, 409, "Project already exists", "CONFLICT").await;
            // A deleted one's name is free, and deleting it again at the same instant collides with nothing (T-49).
            scene.owner.http.delete(&format!("/projects/{project}")).send().await.expect(204);
        }
        scene.project("launch").await;
    }
}

/// Fifty live ones; archived ones count, deleted ones do not.
#[tokio::test]
async fn create_workspace_project_quota() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let fill = format!(
            "INSERT INTO projects (id, workspace_id, name, status, settings, created_by, deleted_at)
             SELECT gen_random_uuid(), '{}', 'P' || n, CASE WHEN n % 2 = 0 THEN 'archived' ELSE 'active' END, '{{}}', 'x',
                 CASE WHEN n > 49 THEN '2026-01-01'::timestamp END
             FROM generate_series(1, 60) n",
            scene.workspace
        );
        scene.app.sql(&fill).await;
        scene.project("Fiftieth").await;
        let refusals = scene.refusals(Method::POST, &scene.path("/projects"), Some(json!({ "name": "Fiftieth" })));
        refusals.expect(&scene.owner.http, 403, "Quota exceeded", "QUOTA_EXCEEDED").await;
    }
}

#[tokio::test]
async fn create_workspace_project_success() {
    let scene = Scene::new().await;
    let member = scene.with_role("member").await;
    let body = json!({ "name": "Launch", "description": "In May", "settings": { "color": 7 }, "status": "archived" });
    let answer = member.http.post(&scene.path("/projects")).json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(answer.body);
    insta::assert_json_snapshot!(scene.trail().await.last());
}
