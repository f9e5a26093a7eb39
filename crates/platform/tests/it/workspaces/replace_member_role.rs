//! `PUT /workspaces/{id}/members/{user_id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn replace_member_role_logged_out() {
    let scene = Scene::new().await;
    scene
        .refusals(Method::PUT, &scene.member_path(&scene.owner), Some(json!({ "role": "viewer" })))
        .logged_out("Missing authentication")
        .await;
}

#[tokio::test]
async fn replace_member_role_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::PUT, &scene.member_path(&scene.owner), Some(json!({ "role": "viewer" })));
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn replace_member_role_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::PUT, &scene.member_path(&scene.owner), Some(json!({ "role": "viewer" })));
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

/// An owner is touched, and made, by owners only.
#[tokio::test]
async fn replace_member_role_forbidden_role_of_admins() {
    let scene = Scene::new().await;
    let (second, admin) = (scene.with_role("owner").await, scene.with_role("admin").await);
    for (path, role) in [(scene.member_path(&second), "viewer"), (scene.member_path(&admin), "owner")] {
        let refusals = scene.refusals(Method::PUT, &path, Some(json!({ "role": role })));
        for person in [&admin, &scene.admin] {
            refusals.expect(&person.http, 403, "Unauthorized", "FORBIDDEN").await;
        }
    }
}

#[tokio::test]
async fn replace_member_role_invalid_body() {
    let scene = Scene::new().await;
    let path = scene.member_path(&scene.owner);
    for body in [json!({}), json!({ "role": "" }), json!({ "role": "boss" }), json!({ "role": null })] {
        let refusals = scene.refusals(Method::PUT, &path, Some(body));
        refusals.expect(&scene.owner.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
    let refusals = scene.refusals(Method::PUT, &path, Some(json!({ "role": 4 })));
    refusals.expect(&scene.owner.http, 400, "Invalid request body", "VALIDATION_ERROR").await;
}

#[tokio::test]
async fn replace_member_role_invalid_body_names_no_member() {
    let scene = Scene::new().await;
    for id in [scene.admin.id.as_str(), "legacy-7", "%00"] {
        let path = scene.path(&format!("/members/{id}"));
        let answer = scene.owner.http.put(&path).json(&json!({ "role": "viewer" })).send().await;
        answer.expect_error(404, "Member not found", "NOT_FOUND");
    }
}

#[tokio::test]
async fn replace_member_role_conflict_of_the_last_owner() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.with_role("admin").await;
        let root = scene.app.super_admin().await;
        let refusals = scene.refusals(Method::PUT, &scene.member_path(&scene.owner), Some(json!({ "role": "admin" })));
        for person in [&scene.owner, &root] {
            let error = "Cannot remove the last owner from workspace";
            refusals.expect(&person.http, 409, error, "CONFLICT").await;
        }
    }
}

/// Every role becomes every other, on the schema whose trigger discards updates too (T-45); nothing else changes.
#[tokio::test]
async fn replace_member_role_success_from_every_role_to_every_role() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let person = scene.with_role("viewer").await;
        let before = scene.owner.http.get(&scene.path("/members")).send().await.expect(200);
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let mut records = scene.trail().await.len();
        let roles = ["viewer", "member", "admin", "owner", "viewer", "admin", "member", "owner", "member", "viewer"];
        for pair in roles.windows(2) {
            let body = json!({ "role": pair[1] });
            let answer = scene.owner.http.put(&scene.member_path(&person)).json(&body).send().await.expect(200);
            assert_eq!(answer.body["role"], pair[1]);
            assert_eq!(answer.body["message"], "Member role updated successfully");
            let joined = &before.body["members"][0]["joined_at"];
            assert_eq!(&answer.body["joined_at"], joined, "{schema:?} {pair:?}");
            assert!(scene.members().await.contains(&(person.id.clone(), pair[1].to_owned())), "{schema:?} {pair:?}");
            records += 1;
            let last = Scene::expect_last(&scene.trail().await, records, "member.role_updated");
            let changes = json!({ "user_id": person.id, "old_role": pair[0], "new_role": pair[1] });
            assert_eq!((&last["changes"], &last["resource_id"]), (&changes, &json!(person.id)));
        }
        assert_eq!(scene.members().await.len(), 2);
    }
}

#[tokio::test]
async fn replace_member_role_success() {
    let scene = Scene::new().await;
    let viewer = scene.with_role("viewer").await;
    let body = json!({ "role": "guest" });
    let answer = scene.admin.http.put(&scene.member_path(&viewer)).json(&body).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
}

#[tokio::test]
async fn replace_member_role_repeated() {
    let scene = Scene::new().await;
    let body = json!({ "role": "owner" });
    scene.owner.http.put(&scene.member_path(&scene.owner)).json(&body).send().await.expect(200);
    Scene::expect_last(&scene.trail().await, 1, "workspace.created");
}
