//! `PUT /workspaces/{id}`

use axum::http::Method;
use serde_json::json;

use super::scene::{Scene, create};
use super::schema::Schema;

#[tokio::test]
async fn update_workspace_logged_out() {
    let scene = Scene::new().await;
    scene
        .refusals(Method::PUT, &scene.path(""), Some(json!({ "name": "Sales" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn update_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::PUT, &scene.path(""), Some(json!({ "name": "Sales" })));
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn update_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::PUT, &scene.path(""), Some(json!({ "name": "Sales" })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn update_workspace_invalid_body() {
    let scene = Scene::new().await;
    for name in ["", "  ", &"x".repeat(256)] {
        let refusals = scene.refusals(Method::PUT, &scene.path(""), Some(json!({ "name": name })));
        refusals.expect(&scene.owner.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
    let refusals = scene.refusals(Method::PUT, &scene.path(""), Some(json!({ "description": 7 })));
    refusals.expect(&scene.owner.http, 400, "Invalid request body", "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn update_workspace_conflict() {
    let scene = Scene::new().await;
    let sales = create(&scene.owner.http, "Sales").await;
    let refusals = scene.refusals(Method::PUT, &scene.path(""), Some(json!({ "name": "Sales" })));
    refusals.expect(&scene.owner.http, 409, "Workspace already exists", "CONFLICT").await;
    // Its own name is no conflict, and a deleted one's is free.
    scene.owner.http.put(&scene.path("")).json(&json!({ "name": "Marketing" })).send().await.expect(200);
    scene.owner.http.delete(&format!("/workspaces/{sales}")).send().await.expect(204);
    scene.owner.http.put(&scene.path("")).json(&json!({ "name": "Sales" })).send().await.expect(200);
}

#[tokio::test]
async fn update_workspace_success() {
    let scene = Scene::new().await;
    let body = json!({
        "name": "Sales", "description": "Now with 100 %", "settings": { "theme": "dark" },
        "tenant_id": "ignored", "created_by": "ignored", "id": "ignored"
    });
    let admin = scene.with_role("admin").await;
    scene.app.clock.advance(jiff::SignedDuration::from_mins(5));
    let answer = admin.http.put(&scene.path("")).json(&body).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
    insta::assert_json_snapshot!(scene.trail().await.last());

    let read = scene.owner.http.get(&scene.path("")).send().await.expect(200);
    assert_eq!(read.body, answer.body);
}

/// Fields that are left out stay; what is sent empty is cleared, unlike the old ORM did (T-52).
#[tokio::test]
async fn update_workspace_success_in_part() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let put = async |body| scene.admin.http.put(&scene.path("")).json(&body).send().await.expect(200).body;
        put(json!({ "description": "About", "settings": { "a": 1, "b": 2 } })).await;
        let after = put(json!({ "settings": { "b": 3 } })).await;
        assert_eq!((&after["description"], &after["settings"]), (&json!("About"), &json!({ "b": 3 })), "{schema:?}");
        let after = put(json!({ "description": "", "settings": {}, "name": null })).await;
        assert_eq!((&after["description"], &after["settings"]), (&json!(""), &json!({})));
        assert_eq!(after["name"], "Marketing");
        Scene::expect_last(&scene.trail().await, 4, "workspace.updated");
    }
}

#[tokio::test]
async fn update_workspace_repeated() {
    let scene = Scene::new().await;
    let body = json!({ "description": "About", "settings": { "a": 1, "b": 2 } });
    let first = scene.owner.http.put(&scene.path("")).json(&body).send().await.expect(200);
    scene.app.clock.advance(jiff::SignedDuration::from_mins(5));
    let same = json!({ "description": "About", "settings": { "b": 2, "a": 1 } });
    let second = scene.owner.http.put(&scene.path("")).json(&same).send().await.expect(200);
    assert_eq!(first.body, second.body);
    Scene::expect_last(&scene.trail().await, 2, "workspace.updated");
}
