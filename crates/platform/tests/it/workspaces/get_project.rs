//! `GET /projects/{id}`

use axum::http::Method;

use super::scene::Scene;
use super::schema::Schema;
use crate::fixtures::NOBODY;

#[tokio::test]
async fn get_project_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene.refusals(Method::GET, &format!("/projects/{project}"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn get_project_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::GET, &format!("/projects/{project}"), None);
    refusals.expect(&foreigner.http, 404, "Project not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_project_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::GET, &format!("/projects/{project}"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn get_project_missing_or_malformed() {
    let scene = Scene::new().await;
    for id in [NOBODY, "7"] {
        let answer = scene.owner.http.get(&format!("/projects/{id}")).send().await;
        answer.expect_error(404, "Project not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn get_project_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        let (viewer, root) = (scene.with_role("viewer").await, scene.app.super_admin().await);
        for person in [&viewer, &scene.admin, &root] {
            let answer = person.http.get(&format!("/api/v1/projects/{project}")).send().await.expect(200);
            assert_eq!(answer.body["workspace"]["name"], "Marketing", "{schema:?}");
            assert_eq!((&answer.body["status"], &answer.body["deleted_at"]), (&"active".into(), &().into()));
        }
    }
}
