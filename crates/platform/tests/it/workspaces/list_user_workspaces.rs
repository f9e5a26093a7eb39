//! `GET /workspaces/user`

use axum::http::Method;
use serde_json::json;

use super::scene::{Scene, create};
use super::schema::Schema;

#[tokio::test]
async fn list_user_workspaces_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, "/workspaces/user", None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn list_user_workspaces_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    // Even a row that names them does not carry across tenants.
    let row =
        format!("INSERT INTO workspace_members VALUES ('{}', '{}', 'owner', now())", scene.workspace, foreigner.id);
    scene.app.sql(&row).await;
    let answer = foreigner.http.get("/workspaces/user").send().await.expect(200);
    assert_eq!(answer.body, json!({ "workspaces": [], "total": 0 }));
}

#[tokio::test]
async fn list_user_workspaces_success_shows_memberships_only() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let second = create(&scene.admin.http, "Sales").await;
        let viewer = scene.with_role("viewer").await;
        let ids = async |person: &crate::support::Person, path: &str| {
            let answer = person.http.get(path).send().await.expect(200);
            let ids: Vec<String> = answer.body["workspaces"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(answer.body["total"], ids.len());
            ids
        };
        assert_eq!(ids(&viewer, "/api/v1/workspaces/user").await, std::slice::from_ref(&scene.workspace), "{schema:?}");
        assert_eq!(ids(&scene.admin, "/Workspaces/User/").await, std::slice::from_ref(&second));
        let body = json!({ "user_id": viewer.id, "role": "viewer" });
        scene.admin.http.post(&format!("/workspaces/{second}/members")).json(&body).send().await.expect(201);
        assert_eq!(ids(&viewer, "/user/workspaces").await, [second, scene.workspace.clone()]);
    }
}
