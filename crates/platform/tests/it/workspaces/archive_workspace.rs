//! `POST /workspaces/{id}/archive`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn archive_workspace_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::POST, &scene.path("/archive"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn archive_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/archive"), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn archive_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::POST, &scene.path("/archive"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let admin = scene.with_role("admin").await;
    refusals.expect(&admin.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn archive_workspace_success_takes_live_projects_along() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        let base = scene.base(&project, "appOne").await;
        let answer = scene.owner.http.post(&scene.path("/archive")).send().await.expect(200);
        assert_eq!((&answer.body["is_active"], &answer.body["id"]), (&json!(false), &json!(scene.workspace)));
        assert!(answer.body["deleted_at"].is_string());
        let paths = [scene.path(""), format!("/projects/{project}"), format!("/airtable-bases/{base}")];
        for path in &paths {
            scene.owner.http.get(path).send().await.expect(404);
        }
        for (path, name) in [("/workspaces", "workspaces"), ("/projects", "projects"), ("/airtable-bases", "bases")] {
            let list = scene.admin.http.get(path).send().await.expect(200);
            assert_eq!((&list.body[name], &list.body["total"]), (&json!([]), &json!(0)), "{schema:?}");
        }
        Scene::expect_last(&scene.trail().await, 4, "workspace.archived");

        scene.owner.http.post(&scene.path("/restore")).send().await.expect(200);
        for path in &paths {
            scene.owner.http.get(path).send().await.expect(200);
        }
        Scene::expect_last(&scene.trail().await, 5, "workspace.restored");
    }
}

#[tokio::test]
async fn archive_workspace_repeated() {
    let scene = Scene::new().await;
    scene.owner.http.post(&scene.path("/archive")).send().await.expect(200);
    let refusals = scene.refusals(Method::POST, &scene.path("/archive"), None);
    refusals.expect(&scene.owner.http, 404, "Workspace not found", "NOT_FOUND").await;
}
