//! `GET /projects`

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::{Scene, create};
use super::schema::Schema;
use crate::fixtures::NOBODY;

fn names(body: &Value) -> Vec<&str> {
    body["projects"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_projects_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, "/projects", None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn list_projects_other_tenant() {
    let scene = Scene::new().await;
    scene.project("Launch").await;
    let foreigner = scene.foreigner().await;
    for path in ["/projects".to_owned(), format!("/projects?workspace_id={}&include_deleted=1", scene.workspace)] {
        let list = foreigner.http.get(&path).send().await.expect(200);
        assert_eq!((&list.body["projects"], &list.body["total"]), (&json!([]), &json!(0)));
    }
}

/// Who is no member of a workspace finds it empty, whether it exists or not.
#[tokio::test]
async fn list_projects_forbidden_role_sees_an_empty_list() {
    let scene = Scene::new().await;
    scene.project("Launch").await;
    let stranger = scene.stranger().await;
    let mut answers = Vec::new();
    for id in [scene.workspace.as_str(), NOBODY, "seven"] {
        let list = stranger.http.get(&format!("/projects?workspace_id={id}&page_size=7")).send().await.expect(200);
        assert_eq!((&list.body["page"], &list.body["page_size"]), (&json!(1), &json!(7)));
        answers.push(list.body);
    }
    assert!(answers.iter().all(|body| body == &answers[0] && body["total"] == 0), "{answers:?}");
}

#[tokio::test]
async fn list_projects_invalid_query() {
    let scene = Scene::new().await;
    for query in ["page=abc", "include_deleted=maybe", "cursor=x"] {
        let answer = scene.owner.http.get(&format!("/projects?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn list_projects_success() {
    let scene = Scene::new().await;
    scene.project("Launch").await;
    let list = scene.owner.http.get("/api/v1/projects").send().await.expect(200);
    insta::assert_json_snapshot!(list.body);
}

/// Without a workspace: those of the caller's workspaces, and for the tenant's admins all (T-58).
#[tokio::test]
async fn list_projects_success_with_filters_and_orders() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.project("Launch").await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let other = create(&scene.admin.http, "Sales").await;
        let body = json!({ "name": "Fair", "description": "With 100_%" });
        let fair = scene.admin.http.post(&format!("/workspaces/{other}/projects")).json(&body).send().await.expect(201);
        let archived = json!({ "status": "archived" });
        scene.admin.http.put(&format!("/projects/{}", fair.text("id"))).json(&archived).send().await.expect(200);
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let gone = scene.project("Gone").await;
        scene.owner.http.delete(&format!("/projects/{gone}")).send().await.expect(204);

        let mine = scene.owner.http.get("/projects?include_deleted=true").send().await.expect(200);
        assert_eq!(names(&mine.body), ["Launch"], "{schema:?}");
        for (query, expected) in [
            ("", vec!["Fair", "Launch"]),
            ("include_deleted=T", vec!["Gone", "Fair", "Launch"]),
            ("status=archived", vec!["Fair"]),
            ("search=100_%25", vec!["Fair"]),
            ("search=LAUN", vec!["Launch"]),
            ("sort_by=name&sort_order=asc", vec!["Fair", "Launch"]),
            ("sort_by=status&sort_order=asc", vec!["Launch", "Fair"]),
            (&format!("workspace_id={other}"), vec!["Fair"]),
            (&format!("created_by={}", scene.owner.id), vec!["Launch"]),
        ] {
            let list = scene.admin.http.get(&format!("/projects?{query}")).send().await.expect(200);
            assert_eq!(names(&list.body), expected, "{schema:?} {query}");
        }
        let root = scene.app.super_admin().await;
        let list = root.http.get(&format!("/projects?workspace_id={other}")).send().await.expect(200);
        assert_eq!(names(&list.body), ["Fair"]);
    }
}
