//! `DELETE /workspaces/{id}`

use axum::http::Method;

use super::scene::{Scene, create};
use super::schema::Schema;

#[tokio::test]
async fn delete_workspace_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::DELETE, &scene.path(""), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn delete_workspace_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::DELETE, &scene.path(""), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

#[tokio::test]
async fn delete_workspace_forbidden_role() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let refusals = scene.refusals(Method::DELETE, &scene.path(""), None);
    refusals.expect(&stranger.http, 403, "Unauthorized", "FORBIDDEN").await;
    let admin = scene.with_role("admin").await;
    refusals.expect(&admin.http, 403, "Unauthorized", "FORBIDDEN").await;
}

/// A tenant's admin administers workspaces and owns none.
#[tokio::test]
async fn delete_workspace_forbidden_role_of_the_tenants_admin() {
    let scene = Scene::new().await;
    let refusals = scene.refusals(Method::DELETE, &scene.path(""), None);
    refusals.expect(&scene.admin.http, 403, "Unauthorized", "FORBIDDEN").await;
    scene.app.super_admin().await.http.delete(&scene.path("")).send().await.expect(204);
}

#[tokio::test]
async fn delete_workspace_conflict_with_live_projects() {
    let scene = Scene::new().await;
    let (launch, archived) = (scene.project("Launch").await, scene.project("Old").await);
    let status = serde_json::json!({ "status": "archived" });
    scene.owner.http.put(&format!("/projects/{archived}")).json(&status).send().await.expect(200);
    let answer = scene.owner.http.delete(&scene.path("")).send().await;
    let answer = answer.expect_error(409, "Workspace has active projects", "CONFLICT");
    assert!(answer.text("message").contains("2 live projects"), "{}", answer.body);
    for project in [launch, archived] {
        scene.owner.http.delete(&format!("/projects/{project}")).send().await.expect(204);
    }
    scene.owner.http.delete(&scene.path("")).send().await.expect(204);
}

#[tokio::test]
async fn delete_workspace_success_keeps_the_rows() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let answer = scene.owner.http.delete(&scene.path("")).send().await.expect(204);
        assert!(answer.bytes.is_empty());
        scene.owner.http.get(&scene.path("")).send().await.expect_error(404, "Workspace not found", "NOT_FOUND");
        assert_eq!(scene.members().await, [(scene.owner.id.clone(), "owner".to_owned())], "{schema:?}");
        let last = Scene::expect_last(&scene.trail().await, 2, "workspace.deleted");
        assert_eq!((&last["changes"], &last["resource_id"]), (&().into(), &scene.workspace.as_str().into()));
        for path in ["/workspaces/user", "/workspaces"] {
            let listed = scene.owner.http.get(path).send().await.expect(200);
            assert_eq!((&listed.body["workspaces"], &listed.body["total"]), (&serde_json::json!([]), &0.into()));
        }
    }
}

/// Clients that say they want JSON get some (T-15).
#[tokio::test]
async fn delete_workspace_success_with_a_body() {
    let scene = Scene::new().await;
    let request = scene.owner.http.delete(&scene.path("")).header("accept", "application/json, text/plain, */*");
    assert_eq!(request.send().await.expect(200).text("message"), "Workspace deleted successfully");
    let other = create(&scene.owner.http, "Other").await;
    let request = scene.owner.http.delete(&format!("/workspaces/{other}")).header("accept", "*/*");
    request.send().await.expect(204);
}

#[tokio::test]
async fn delete_workspace_repeated() {
    let scene = Scene::new().await;
    scene.owner.http.delete(&scene.path("")).send().await.expect(204);
    let refusals = scene.refusals(Method::DELETE, &scene.path(""), None);
    refusals.expect(&scene.owner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

/// The unique key over (tenant, name, `deleted_at`) would collide when the clock stands still (T-49).
#[tokio::test]
async fn delete_workspace_repeated_under_one_name_at_one_instant() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.owner.http.delete(&scene.path("")).send().await.expect(204);
        for _ in 0..3 {
            let id = create(&scene.owner.http, "Marketing").await;
            scene.owner.http.delete(&format!("/workspaces/{id}")).send().await.expect(204);
        }
        let list = scene.admin.http.get("/workspaces?include_deleted=true").send().await.expect(200);
        let mut times: Vec<&str> =
            list.body["workspaces"].as_array().unwrap().iter().map(|one| one["deleted_at"].as_str().unwrap()).collect();
        times.dedup();
        assert_eq!(times.len(), 4, "{schema:?}: {times:?}");
    }
}
