//! `GET /airtable-bases`

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::Scene;
use super::schema::Schema;
use crate::fixtures::NOBODY;

fn ids(body: &Value) -> Vec<&str> {
    body["bases"].as_array().unwrap().iter().map(|one| one["base_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_bases_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, "/airtable-bases", None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn list_bases_other_tenant() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene.base(&project, "appOne").await;
    let foreigner = scene.foreigner().await;
    for path in ["/airtable-bases".to_owned(), format!("/airtable-bases?project_id={project}")] {
        let list = foreigner.http.get(&path).send().await.expect(200);
        assert_eq!((&list.body["bases"], &list.body["total"]), (&json!([]), &json!(0)));
    }
}

#[tokio::test]
async fn list_bases_forbidden_role_sees_an_empty_list() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene.base(&project, "appOne").await;
    let stranger = scene.stranger().await;
    for id in [project.as_str(), NOBODY, "seven"] {
        let list = stranger.http.get(&format!("/airtable-bases?project_id={id}")).send().await.expect(200);
        assert_eq!((&list.body["bases"], &list.body["total"]), (&json!([]), &json!(0)));
    }
}

#[tokio::test]
async fn list_bases_invalid_query() {
    let scene = Scene::new().await;
    for query in ["page=abc", "sync_enabled=maybe", "cursor=x"] {
        let answer = scene.owner.http.get(&format!("/airtable-bases?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn list_bases_success() {
    let scene = Scene::new().await;
    let project = scene.project("Launch").await;
    scene.base(&project, "appOne").await;
    let list = scene.owner.http.get("/api/v1/airtable-bases").send().await.expect(200);
    insta::assert_json_snapshot!(list.body);
}

#[tokio::test]
async fn list_bases_success_with_filters_and_orders() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let (first, second) = (scene.project("Launch").await, scene.project("Other").await);
        scene.base(&first, "appOne").await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let two = scene.base(&second, "appTwo").await;
        let off = json!({ "sync_enabled": false, "description": "50%" });
        scene.owner.http.put(&format!("/airtable-bases/{two}")).json(&off).send().await.expect(200);
        for (query, expected) in [
            ("", vec!["appTwo", "appOne"]),
            ("sync_enabled=false", vec!["appTwo"]),
            ("sync_enabled=true", vec!["appOne"]),
            ("search=PPT", vec!["appTwo"]),
            ("search=50%25", vec!["appTwo"]),
            ("sort_by=base_id&sort_order=asc", vec!["appOne", "appTwo"]),
            (&format!("project_id={first}"), vec!["appOne"]),
        ] {
            let list = scene.admin.http.get(&format!("/airtable-bases?{query}")).send().await.expect(200);
            assert_eq!(ids(&list.body), expected, "{schema:?} {query}");
        }
    }
}
