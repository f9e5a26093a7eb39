//! `POST /projects/{id}/airtable-bases`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn connect_base_logged_out() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene
        .refusals(
            Method::POST,
            &format!("/projects/{project}/airtable-bases"),
            Some(json!({ "base_id": "appOne", "name": "Leads" })),
        )
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn connect_base_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(
        Method::POST,
        &format!("/projects/{project}/airtable-bases"),
        Some(json!({ "base_id": "appOne", "name": "Leads" })),
    );
    refusals.expect(&foreigner.http, 404, "Project not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn connect_base_forbidden_role() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(
        Method::POST,
        &format!("/projects/{project}/airtable-bases"),
        Some(json!({ "base_id": "appOne", "name": "Leads" })),
    );
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let viewer = scene.with_role("viewer").await;
    refusals.expect(&viewer.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn connect_base_invalid_body() {
    let scene = Scene::new().await;
    let path = format!("/projects/{}/airtable-bases", scene.project("Launch").await);
    for (body, field) in [
        (json!({ "name": "Leads" }), "base_id"),
        (json!({ "base_id": " ", "name": "Leads" }), "base_id"),
        (json!({ "base_id": "x".repeat(256), "name": "Leads" }), "base_id"),
        (json!({ "base_id": "appOne" }), "name"),
    ] {
        let answer = scene.owner.http.post(&path).json(&body).send().await;
        let answer = answer.expect_error(400, "Invalid input", "VALIDATION_ERROR");
        assert_eq!(answer.body["details"][0]["field"], field);
    }
    let refusals = scene.refusals(Method::POST, &path, Some(json!({ "base_id": "appOne", "sync_enabled": "yes" })));
    refusals.expect(&scene.owner.http, 400, "Invalid request body", "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn connect_base_conflict() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let project = scene.project("Launch").await;
        for _ in 0..2 {
            let base = scene.base(&project, "appOne").await;
            let path = format!("/projects/{project}/airtable-bases");
            let body = json!({ "base_id": "appOne", "name": "Again" });
            let refusals = scene.refusals(Method::POST, &path, Some(body));
            refusals.expect(&scene.owner.http, 409, "Airtable base already connected", "CONFLICT").await;
            scene.owner.http.delete(&format!("/airtable-bases/{base}")).send().await.expect(204);
        }
        // Another project may have it too.
        scene.base(&project, "appOne").await;
        let other = scene.project("Other").await;
        scene.base(&other, "appOne").await;
    }
}

#[tokio::test]
async fn connect_base_success() {
    let scene = Scene::new().await;
    let member = scene.with_role("member").await;
    let path = format!("/projects/{}/airtable-bases", scene.project("Launch").await);
    let body = json!({ "baseId": "appOne", "name": "Leads", "description": "All of them", "syncEnabled": false });
    let answer = member.http.post(&path).json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(answer.body);
    insta::assert_json_snapshot!(scene.trail().await.last());
}

/// What the client says is stored, false included; what it leaves out is true, as it always came to be (T-52).
#[tokio::test]
async fn connect_base_success_keeps_what_was_sent() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let path = format!("/projects/{}/airtable-bases", scene.project("Launch").await);
        for (base_id, sent, stored) in [("a", json!(false), false), ("b", json!(true), true), ("c", json!(null), true)]
        {
            let body = json!({ "base_id": base_id, "name": "Leads", "sync_enabled": sent });
            let answer = scene.owner.http.post(&path).json(&body).send().await.expect(201);
            assert_eq!(answer.body["sync_enabled"], stored, "{schema:?} {base_id}");
            let read = scene.owner.http.get(&format!("/airtable-bases/{}", answer.text("id"))).send().await.expect(200);
            assert_eq!(read.body, answer.body);
            assert_eq!(read.body.get("last_sync_at"), None);
        }
    }
}
