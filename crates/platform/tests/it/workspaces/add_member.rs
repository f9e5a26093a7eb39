//! `POST /workspaces/{id}/members`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;
use crate::fixtures::NOBODY;

#[tokio::test]
async fn add_member_logged_out() {
    let scene = Scene::new().await;
    scene
        .refusals(Method::POST, &scene.path("/members"), Some(json!({ "user_id": scene.admin.id, "role": "viewer" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn add_member_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(
        Method::POST,
        &scene.path("/members"),
        Some(json!({ "user_id": scene.admin.id, "role": "viewer" })),
    );
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn add_member_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(
        Method::POST,
        &scene.path("/members"),
        Some(json!({ "user_id": scene.admin.id, "role": "viewer" })),
    );
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

/// Who belongs to another tenant is nobody.
#[tokio::test]
async fn add_member_other_tenant_by_body() {
    let scene = Scene::new().await;
    for id in [&scene.foreigner().await.id, NOBODY] {
        let body = json!({ "user_id": id, "role": "viewer" });
        let refusals = scene.refusals(Method::POST, &scene.path("/members"), Some(body));
        refusals.expect(&scene.owner.http, 404, "User not found", "NOT_FOUND").await;
    }
    let stranger = scene.stranger().await;
    scene.admin.http.delete(&format!("/users/{}", stranger.id)).send().await.expect(200);
    let body = json!({ "user_id": stranger.id, "role": "viewer" });
    let refusals = scene.refusals(Method::POST, &scene.path("/members"), Some(body));
    refusals.expect(&scene.owner.http, 404, "User not found", "NOT_FOUND").await;
}

/// Another owner takes an owner; a tenant's admin is none.
#[tokio::test]
async fn add_member_forbidden_role_grants_no_ownership() {
    let scene = Scene::new().await;
    let (admin, stranger) = (scene.with_role("admin").await, scene.stranger().await);
    let body = json!({ "user_id": stranger.id, "role": "owner" });
    let refusals = scene.refusals(Method::POST, &scene.path("/members"), Some(body.clone()));
    for person in [&admin, &scene.admin] {
        refusals.expect(&person.http, 403, "Unauthorized", "FORBIDDEN").await;
    }
    scene.owner.http.post(&scene.path("/members")).json(&body).send().await.expect(201);
}

#[tokio::test]
async fn add_member_invalid_body() {
    let scene = Scene::new().await;
    let id = &scene.admin.id;
    for (body, field) in [
        (json!({ "role": "member" }), "user_id"),
        (json!({ "user_id": "legacy-7", "role": "member" }), "user_id"),
        (json!({ "user_id": id }), "role"),
        (json!({ "user_id": id, "role": "Owner" }), "role"),
        (json!({ "user_id": id, "role": "root" }), "role"),
    ] {
        let answer = scene.owner.http.post(&scene.path("/members")).json(&body).send().await;
        let answer = answer.expect_error(400, "Invalid input", "VALIDATION_ERROR");
        assert_eq!(answer.body["details"][0]["field"], field);
    }
}

#[tokio::test]
async fn add_member_conflict() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let body = json!({ "user_id": scene.owner.id, "role": "viewer" });
        let refusals = scene.refusals(Method::POST, &scene.path("/members"), Some(body));
        refusals.expect(&scene.owner.http, 409, "Member already exists", "CONFLICT").await;
    }
}

#[tokio::test]
async fn add_member_success() {
    let scene = Scene::new().await;
    let body = json!({ "userId": scene.admin.id.to_uppercase(), "role": "editor", "permissions": { "all": true } });
    let answer = scene.owner.http.post(&scene.path("/members")).json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(answer.body);
    insta::assert_json_snapshot!(scene.trail().await.last());
}

#[tokio::test]
async fn add_member_success_under_every_word_for_a_role() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let path = scene.path(&format!("/members/{}", scene.admin.id));
        for (word, role) in [
            ("viewer", "viewer"),
            ("commenter", "viewer"),
            ("guest", "viewer"),
            ("member", "member"),
            ("editor", "member"),
            ("admin", "admin"),
            ("owner", "owner"),
        ] {
            let body = json!({ "user_id": scene.admin.id, "role": word });
            let answer = scene.owner.http.post(&scene.path("/members")).json(&body).send().await.expect(201);
            assert_eq!(answer.body["role"], role);
            assert!(scene.members().await.contains(&(scene.admin.id.clone(), role.to_owned())), "{schema:?} {word}");
            scene.owner.http.delete(&path).send().await.expect(204);
        }
    }
}
