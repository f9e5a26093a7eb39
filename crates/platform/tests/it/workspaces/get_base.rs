//! `GET /airtable-bases/{id}`

use axum::http::Method;

use super::scene::Scene;
use super::schema::Schema;
use crate::fixtures::NOBODY;

#[tokio::test]
async fn get_base_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    scene.refusals(Method::GET, &format!("/airtable-bases/{base}"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn get_base_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::GET, &format!("/airtable-bases/{base}"), None);
    refusals.expect(&foreigner.http, 404, "Airtable base not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_base_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let base = scene.base(&project, "appOne").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::GET, &format!("/airtable-bases/{base}"), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn get_base_missing_or_malformed() {
    let scene = Scene::new().await;
    for id in [NOBODY, "appOne"] {
        let answer = scene.owner.http.get(&format!("/airtable-bases/{id}")).send().await;
        answer.expect_error(404, "Airtable base not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn get_base_success() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        let base = scene.base(&project, "appOne").await;
        scene.app.sql("UPDATE airtable_bases SET last_sync_at = '2026-02-03 04:05:06.7', sync_enabled = NULL").await;
        let (viewer, root) = (scene.with_role("viewer").await, scene.app.super_admin().await);
        for person in [&viewer, &scene.admin, &root] {
            let answer = person.http.get(&format!("/api/v1/airtable-bases/{base}")).send().await.expect(200);
            assert_eq!(answer.body["project"]["workspace"]["name"], "Marketing", "{schema:?}");
            // A naive time is UTC (T-51).
            assert_eq!(answer.body["last_sync_at"], "2026-02-03T04:05:06.7Z", "{schema:?}");
            assert_eq!(answer.body["sync_enabled"], true);
        }
    }
}
