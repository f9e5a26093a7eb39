//! `GET /workspaces/stats`

use axum::http::Method;
use serde_json::json;

use super::scene::{Scene, create};
use super::schema::Schema;

#[tokio::test]
async fn get_workspace_stats_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, "/workspaces/stats", None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn get_workspace_stats_other_tenant() {
    let scene = Scene::new().await;
    scene.project("Launch").await;
    let foreigner = scene.foreigner().await;
    let path = format!("/workspaces/stats?tenant_id={}", scene.owner.tenant);
    let answer = foreigner.http.get(&path).send().await.expect(200);
    assert_eq!((&answer.body["total_workspaces"], &answer.body["total_projects"]), (&json!(0), &json!(0)));
    let answer = scene.app.super_admin().await.http.get(&path).send().await.expect(200);
    assert_eq!((&answer.body["total_workspaces"], &answer.body["total_projects"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn get_workspace_stats_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        scene.base(&project, "appOne").await;
        let archived = scene.project("Old").await;
        let gone = scene.project("Gone").await;
        let status = json!({ "status": "archived" });
        scene.owner.http.put(&format!("/projects/{archived}")).json(&status).send().await.expect(200);
        scene.owner.http.delete(&format!("/projects/{gone}")).send().await.expect(204);
        let closed = create(&scene.owner.http, "Closed").await;
        let body = json!({ "name": "Out of reach" });
        scene.owner.http.post(&format!("/workspaces/{closed}/projects")).json(&body).send().await.expect(201);
        scene.owner.http.post(&format!("/workspaces/{closed}/archive")).send().await.expect(200);
        let answer = scene.stranger().await.http.get("/api/v1/workspaces/stats").send().await.expect(200);
        insta::assert_json_snapshot!("get_workspace_stats_success", answer.body);
    }
}
