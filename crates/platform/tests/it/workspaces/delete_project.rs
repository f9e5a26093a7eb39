//! `DELETE /projects/{id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn delete_project_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene.refusals(Method::DELETE, &format!("/projects/{project}"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn delete_project_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::DELETE, &format!("/projects/{project}"), None);
    refusals.expect(&foreigner.http, 404, "Project not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn delete_project_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::DELETE, &format!("/projects/{project}"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn delete_project_conflict_with_connected_bases() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let path = format!("/projects/{project}");
    let answer = scene.owner.http.delete(&path).send().await;
    let answer = answer.expect_error(409, "Project has connected Airtable bases", "CONFLICT");
    assert!(answer.text("message").contains("1 connected bases"), "{}", answer.body);
    scene.owner.http.delete(&format!("/airtable-bases/{base}")).send().await.expect(204);
    scene.owner.http.delete(&path).send().await.expect(204);
}

#[tokio::test]
async fn delete_project_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        scene.admin.http.delete(&format!("/projects/{project}")).send().await.expect(204);
        let last = Scene::expect_last(&scene.trail().await, 3, "project.deleted");
        assert_eq!(
            (&last["changes"], &last["resource_id"]),
            (&json!({ "name": "Launch" }), &json!(project)),
            "{schema:?}"
        );
    }
}

#[tokio::test]
async fn delete_project_repeated() {
    let scene = Scene::new().await;
    let path = format!("/projects/{}", scene.project("Launch").await);
    let request = scene.owner.http.delete(&path).header("accept", "application/json");
    assert_eq!(request.send().await.expect(200).text("message"), "Project deleted successfully");
    let refusals = scene.refusals(Method::DELETE, &path, None);
    refusals.expect(&scene.owner.http, 404, "Project not found", "NOT_FOUND").await;
}
