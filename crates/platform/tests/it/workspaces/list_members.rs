//! `GET /workspaces/{id}/members`

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::Scene;
use super::schema::Schema;

#[tokio::test]
async fn list_members_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, &scene.path("/members"), None).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn list_members_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let refusals = scene.refusals(Method::GET, &scene.path("/members"), None);
    refusals.expect(&foreigner.http, 404, "Workspace not found", "NOT_FOUND").await;
}

/// Who is no member is told nothing, not even how many there are (contract 1.3.7).
#[tokio::test]
async fn list_members_forbidden_role_sees_an_empty_list() {
    let scene = Scene::new().await;
    let answer = scene.stranger().await.http.get(&scene.path("/members?page=3&page_size=7")).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
}

#[tokio::test]
async fn list_members_invalid_query() {
    let scene = Scene::new().await;
    for query in ["page=x", "limit=x", "cursor=x"] {
        let answer = scene.owner.http.get(&scene.path(&format!("/members?{query}"))).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn list_members_success() {
    let scene = Scene::new().await;
    scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
    scene.with_role("viewer").await;
    let answer = scene.owner.http.get(&scene.path("/members")).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
    let admin = scene.admin.http.get(&scene.path("/members")).send().await.expect(200);
    assert_eq!(admin.body, answer.body);
}

/// Old rows: somebody who is gone, and an id that never was a UUID (T-34).
#[tokio::test]
async fn list_members_success_with_people_who_are_gone() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let viewer = scene.with_role("viewer").await;
        scene.admin.http.delete(&format!("/users/{}", viewer.id)).send().await.expect(200);
        let old = "INSERT INTO workspace_members VALUES ('{}', 'legacy-7', 'member', NULL)";
        scene.app.sql(&old.replace("{}", &scene.workspace)).await;
        let list = scene.owner.http.get(&scene.path("/members?sort_by=role")).send().await.expect(200);
        let user = |index: usize| &list.body["members"][index]["user"];
        assert_eq!(list.body["members"][0]["user_id"], viewer.id.as_str(), "{schema:?} {}", list.body);
        assert_eq!((user(0), &user(1)["email"], user(2)), (&Value::Null, &json!("owner@example.com"), &Value::Null));
        assert_eq!(list.body["members"][2]["joined_at"], "1970-01-01T00:00:00Z");
        let gone = scene.owner.http.delete(&scene.path("/members/legacy-7")).send().await;
        gone.expect(204);
    }
}

#[tokio::test]
async fn list_members_success_page_by_page() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let fill = format!(
            "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at)
             SELECT '{}', 'legacy-' || n, 'member', '2026-01-01'::timestamptz + n % 3 * interval '1 us'
             FROM generate_series(1, 130) n",
            scene.workspace
        );
        scene.app.sql(&fill).await;
        let ids = |body: &Value| -> Vec<String> {
            body["members"].as_array().unwrap().iter().map(|one| one["user_id"].as_str().unwrap().to_owned()).collect()
        };
        let get = async |query: &str| {
            scene.owner.http.get(&scene.path(&format!("/members?{query}"))).send().await.expect(200).body
        };
        let first = get("page_size=500").await;
        assert_eq!((&first["page_size"], &first["total"]), (&json!(100), &json!(131)));
        let mut by_number = ids(&first);
        by_number.extend(ids(&get("page_size=500&page=2").await));
        let first = get("cursor=&limit=100").await;
        let mut by_key = ids(&first);
        by_key.extend(ids(&get(&format!("limit=100&cursor={}", first["next_cursor"].as_str().unwrap())).await));
        assert_eq!(by_number, by_key, "{schema:?}");
        assert_eq!((by_key.len(), by_key[0].as_str()), (131, scene.owner.id.as_str()));
    }
}
