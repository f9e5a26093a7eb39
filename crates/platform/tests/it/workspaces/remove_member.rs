//! `DELETE /workspaces/{id}/members/{user_id}`

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn remove_member_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::DELETE, &scene.member_path(&scene.owner), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn remove_member_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::DELETE, &scene.member_path(&scene.owner), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn remove_member_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::DELETE, &scene.member_path(&scene.owner), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let member = scene.with_role("member").await;
    refusals.expect(&member.http, 403, "Unauthorized", "FORBIDDEN").await;
}

#[tokio::test]
async fn remove_member_forbidden_role_of_admins() {
    let scene = Scene::new().await;
    scene.with_role("owner").await;
    let admin = scene.with_role("admin").await;
    let refusals = scene.refusals(Method::DELETE, &scene.member_path(&scene.owner), None);
    for person in [&admin, &scene.admin] {
        refusals.expect(&person.http, 403, "Unauthorized", "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn remove_member_conflict_of_the_last_owner() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let root = scene.app.super_admin().await;
        let refusals = scene.refusals(Method::DELETE, &scene.member_path(&scene.owner), None);
        for person in [&scene.owner, &root] {
            let error = "Cannot remove the last owner from workspace";
            refusals.expect(&person.http, 409, error, "CONFLICT").await;
        }
    }
}

#[tokio::test]
async fn remove_member_success_by_an_admin_or_oneself() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let (viewer, member, owner) =
            (scene.with_role("viewer").await, scene.with_role("member").await, scene.with_role("owner").await);
        for (by, who, role) in
            [(&scene.admin, &viewer, "viewer"), (&member, &member, "member"), (&scene.owner, &owner, "owner")]
        {
            let before = scene.trail().await.len();
            by.http.delete(&scene.member_path(who)).send().await.expect(204);
            let last = Scene::expect_last(&scene.trail().await, before + 1, "member.removed");
            assert_eq!(last["changes"], json!({ "user_id": who.id, "role": role }), "{schema:?}");
            who.http.get(&scene.path("")).send().await.expect_error(403, "Unauthorized", "FORBIDDEN");
        }
        assert_eq!(scene.members().await, [(scene.owner.id.clone(), "owner".to_owned())]);
    }
}

#[tokio::test]
async fn remove_member_repeated() {
    let scene = Scene::new().await;
    let viewer = scene.with_role("viewer").await;
    let request = scene.owner.http.delete(&scene.member_path(&viewer)).header("accept", "application/json");
    assert_eq!(request.send().await.expect(200).text("message"), "Member removed successfully");
    let refusals = scene.refusals(Method::DELETE, &scene.member_path(&viewer), None);
    refusals.expect(&scene.owner.http, 404, "Member not found", "NOT_FOUND").await;
}
