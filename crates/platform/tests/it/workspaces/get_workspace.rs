//! `GET /workspaces/{id}`

use axum::http::Method;

use super::scene::Scene;
use super::schema::Schema;
use crate::fixtures::NOBODY;

#[tokio::test]
async fn get_workspace_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, &scene.path(""), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn get_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::GET, &scene.path(""), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn get_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::GET, &scene.path(""), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn get_workspace_success_for_every_role_and_admins() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        scene.base(&project, "appOne").await;
        let gone = scene.project("Gone").await;
        let base = scene.base(&gone, "appTwo").await;
        scene.owner.http.delete(&format!("/airtable-bases/{base}")).send().await.expect(204);
        let viewer = scene.with_role("viewer").await;
        let root = scene.app.super_admin().await;
        for person in [&viewer, &scene.owner, &scene.admin, &root] {
            let answer = person.http.get(&scene.path("")).send().await.expect(200);
            let workspace = &answer.body;
            assert_eq!((&workspace["member_count"], &workspace["base_count"]), (&2.into(), &1.into()), "{schema:?}");
            assert_eq!(workspace["owner_id"], scene.owner.id.as_str());
            assert_eq!(workspace["tenant_id"], scene.owner.tenant.as_str());
        }
    }
}

#[tokio::test]
async fn get_workspace_missing_or_malformed() {
    let scene = Scene::new().await;
    for id in [NOBODY, "7", "not-an-id", "%27%3B--"] {
        let answer = scene.owner.http.get(&format!("/workspaces/{id}")).send().await;
        answer.expect_error(404, "Workspace not found", "NOT_FOUND");
    }
    let upper = scene.path("").replace(&scene.workspace, &scene.workspace.to_uppercase());
    scene.owner.http.get(&upper).send().await.expect(200);
}

/// Whoever owned it longest, and is an owner still; else who created it (T-17).
#[tokio::test]
async fn get_workspace_success_names_the_oldest_owner() {
    let scene = Scene::new().await;
    let second = scene.with_role("owner").await;
    scene.app.sql("UPDATE workspace_members SET joined_at = '2020-01-01' WHERE user_id <> ''").await;
    let owner = |body: &serde_json::Value| body["owner_id"].as_str().unwrap().to_owned();
    scene.owner.http.post(&scene.path("/leave")).send().await.expect(204);
    let answer = second.http.get(&scene.path("")).send().await.expect(200);
    assert_eq!(owner(&answer.body), second.id);
    scene.app.sql("DELETE FROM workspace_members").await;
    let answer = scene.admin.http.get(&scene.path("")).send().await.expect(200);
    assert_eq!(owner(&answer.body), scene.owner.id);
}
