//! `GET /workspaces`

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::{Scene, create};
use super::schema::Schema;
use crate::fixtures::NOBODY;

fn names(body: &Value) -> Vec<&str> {
    body["workspaces"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn list_workspaces_logged_out() {
    let scene = Scene::new().await;
    scene.refusals(Method::GET, "/workspaces", None).logged_out("Missing authentication").await;
}

/// The parameter that chose the tenant chooses it for super admins only (T-58).
#[tokio::test]
async fn list_workspaces_other_tenant() {
    let scene = Scene::new().await;
    let foreigner = scene.foreigner().await;
    let path = format!("/workspaces?tenant_id={}&include_deleted=true", scene.owner.tenant);
    let list = foreigner.http.get(&path).send().await.expect(200);
    assert_eq!((&list.body["workspaces"], &list.body["total"]), (&json!([]), &json!(0)));
    let list = scene.app.super_admin().await.http.get(&path).send().await.expect(200);
    assert_eq!(names(&list.body), ["Marketing"]);
}

#[tokio::test]
async fn list_workspaces_invalid_query() {
    let scene = Scene::new().await;
    for query in ["page=abc", "page_size=ten", "include_deleted=perhaps", "cursor=nonsense", "search=%00"] {
        let answer = scene.owner.http.get(&format!("/workspaces?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

/// Everybody of the tenant sees all; who is no member sees what the old service showed and no more (T-59).
#[tokio::test]
async fn list_workspaces_success() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let inside = scene.owner.http.get("/api/v1/workspaces").send().await.expect(200);
    insta::assert_json_snapshot!("list_workspaces_of_a_member", inside.body);
    let outside = stranger.http.get("/api/v1/workspaces").send().await.expect(200);
    insta::assert_json_snapshot!("list_workspaces_of_a_stranger", outside.body["workspaces"]);
    let admin = scene.admin.http.get("/api/v1/workspaces").send().await.expect(200);
    assert_eq!(admin.body, inside.body);
}

#[tokio::test]
async fn list_workspaces_success_with_filters_and_orders() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let half = create(&scene.admin.http, "50% Ärger_1").await;
        scene.app.clock.advance(jiff::SignedDuration::from_secs(1));
        let gone = create(&scene.owner.http, "Alpha").await;
        scene.owner.http.delete(&format!("/workspaces/{gone}")).send().await.expect(204);
        let description = json!({ "description": "Reine Handarbeit" });
        scene.admin.http.put(&format!("/workspaces/{half}")).json(&description).send().await.expect(200);

        let list = async |query: &str| scene.admin.http.get(&format!("/workspaces?{query}")).send().await.expect(200);
        for (query, expected) in [
            ("", vec!["50% Ärger_1", "Marketing"]),
            ("sort_order=ASC", vec!["Marketing", "50% Ärger_1"]),
            ("sort=name&order=asc", vec!["50% Ärger_1", "Marketing"]),
            ("sort_by=updated_at", vec!["50% Ärger_1", "Marketing"]),
            ("sort_by=(SELECT 1)&sort_order=asc", vec!["50% Ärger_1", "Marketing"]),
            ("search=MARK", vec!["Marketing"]),
            ("search=handarbeit", vec!["50% Ärger_1"]),
            ("search=%25", vec!["50% Ärger_1"]),
            ("search=_", vec!["50% Ärger_1"]),
            ("search=%5C", vec![]),
            ("include_deleted=true", vec!["Alpha", "50% Ärger_1", "Marketing"]),
            (&format!("created_by={}", scene.owner.id), vec!["Marketing"]),
            (&format!("created_by={}", scene.owner.id.to_uppercase()), vec!["Marketing"]),
            (&format!("created_by={NOBODY}"), vec![]),
        ] {
            let answer = list(&query.replace(' ', "%20")).await;
            assert_eq!(names(&answer.body), expected, "{schema:?} {query}");
            assert_eq!(answer.body["total"], expected.len(), "{query}");
        }
        // Deleted ones are for the tenant's admins.
        let answer = scene.owner.http.get("/workspaces?include_deleted=true").send().await.expect(200);
        assert_eq!(names(&answer.body), ["50% Ärger_1", "Marketing"]);
    }
}

/// Pages by number and by key show every row once, in one order, also where many share a time.
#[tokio::test]
async fn list_workspaces_success_page_by_page() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        let fill = format!(
            "SET session_replication_role = replica;
             INSERT INTO workspaces (id, tenant_id, name, settings, created_by, created_at, updated_at)
             SELECT gen_random_uuid(), '{}', 'W' || n, 'null', 'legacy-7', '2026-01-01'::timestamptz + n % 5 * interval '1 us',
                 '2026-01-01' FROM generate_series(1, 250) n",
            scene.owner.tenant
        );
        scene.app.sql(&fill).await;
        let list =
            async |query: &str| scene.owner.http.get(&format!("/workspaces?{query}")).send().await.expect(200).body;
        let ids = |body: &Value| -> Vec<String> {
            body["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        for order in ["sort_by=created_at", "sort_by=created_at&sort_order=asc", "sort_by=name", "sort_by=updated_at"] {
            let mut by_number = Vec::new();
            for page in 1..=3 {
                let body = list(&format!("{order}&page={page}&page_size=1000")).await;
                assert_eq!(
                    (&body["page_size"], &body["total"], &body["total_pages"]),
                    (&json!(100), &json!(251), &json!(3))
                );
                by_number.extend(ids(&body));
            }
            let mut by_key = Vec::new();
            let mut cursor = String::new();
            loop {
                let body = list(&format!("{order}&cursor={cursor}&limit=40")).await;
                assert_eq!(body["total"], json!(null));
                by_key.extend(ids(&body));
                match body["next_cursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(by_number, by_key, "{schema:?} {order}");
            let mut distinct = by_key.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), 251);
            // A cursor belongs to its order.
            let other = scene.owner.http.get(&format!("/workspaces?sort_by=name&sort_order=asc&cursor={cursor}"));
            other.send().await.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
        }
        let odd = list("sort_by=name&limit=1&offset=3").await;
        assert_eq!(
            (&odd["workspaces"][0]["settings"], &odd["limit"], &odd["offset"]),
            (&json!({}), &json!(1), &json!(3))
        );
    }
}
