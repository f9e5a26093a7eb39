//! `GET /tenants`

use axum::http::Method;
use serde_json::json;
use testkit::Answer;

use super::{MISSING, refusals};
use crate::support::{Person, TestApp, stable};

/// Twenty-five tenants with equal times, two plans and a few words in common; and the super admin's own.
async fn many(app: &TestApp) -> Person {
    let root = app.super_admin().await;
    app.sql(
        "INSERT INTO tenants (id, name, slug, domain, plan, status, is_active, created_at, updated_at)
         SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Tenant ' || n % 7, 'slug-' || n,
             CASE WHEN n % 5 = 0 THEN 'd' || n || '.example.com' END,
             CASE WHEN n % 3 = 0 THEN 'starter' ELSE 'free' END,
             CASE n % 8 WHEN 0 THEN 'suspended' WHEN 1 THEN 'deleted' ELSE 'active' END, n % 8 > 1,
             '2026-01-01Z'::timestamptz + n % 4 * interval '1 day', '2026-02-01Z'
         FROM generate_series(1, 25) n",
    )
    .await;
    root
}

fn slugs(answer: &Answer) -> Vec<String> {
    let tenants = answer.body["tenants"].as_array().unwrap();
    tenants.iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn list_tenants_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::GET, "/tenants", None).logged_out(MISSING).await;
}

#[tokio::test]
async fn list_tenants_forbidden_role() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::GET, "/tenants", None);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn list_tenants_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    for query in ["", "?search=a", "?cursor=", "?limit=5", "?status=active"] {
        let list = stranger.http.get(&format!("/tenants{query}")).send().await.expect(200);
        let tenants = list.body["tenants"].as_array().unwrap();
        assert!(tenants.iter().all(|tenant| tenant["id"] == stranger.tenant.as_str()), "{query}: {}", list.body);
        assert!(!String::from_utf8(list.bytes).unwrap().contains(&admin.tenant), "{query}");
    }
}

#[tokio::test]
async fn list_tenants_success_of_an_admin_is_the_own_one() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let list = admin.http.get("/api/v1/tenants").send().await.expect(200);
    insta::assert_json_snapshot!(stable(&list.body));
    // Without a row as well (T-53).
    app.sql("DELETE FROM tenants").await;
    let list = admin.http.get("/tenants").send().await.expect(200);
    assert_eq!((&list.body["total"], &list.body["tenants"][0]["id"]), (&json!(1), &json!(admin.tenant)));
}

#[tokio::test]
async fn list_tenants_success_filters() {
    let app = TestApp::new().await;
    let root = many(&app).await;
    // 25 made, of which 1, 9, 17 and 25 are deleted, and the super admin's own.
    for (query, total) in [
        ("", 22),
        ("?status=deleted", 4),
        ("?status=suspended", 3),
        ("?is_active=true", 19),
        ("?is_active=false", 3),
        ("?plan=starter", 7),
        ("?plan=basic", 7),
        ("?search=TENANT%203", 3),
        ("?search=example.com", 4),
        ("?search=%25", 0),
        ("?search=slug_1", 0),
        ("?created_after=2026-01-03", 13),
        ("?created_after=nonsense", 22),
    ] {
        let list = root.http.get(&format!("/tenants{query}")).send().await.expect(200);
        assert_eq!(list.body["total"], total, "{query}");
    }
}

#[tokio::test]
async fn list_tenants_success_every_order_pages_the_same_by_number_and_by_cursor() {
    let app = TestApp::new().await;
    let root = many(&app).await;
    for sort in ["name", "slug", "plan", "status", "created_at", "updated_at", "createdAt", "bogus"] {
        for order in ["asc", "desc"] {
            let order = format!("sort={sort}&order={order}");
            let all = slugs(&root.http.get(&format!("/tenants?{order}&limit=100")).send().await.expect(200));
            assert_eq!(all.len(), 22, "{order}");
            let (mut by_number, mut by_cursor) = (Vec::new(), Vec::new());
            for page in 1..=4 {
                let list = root.http.get(&format!("/tenants?{order}&page={page}&page_size=6")).send().await.expect(200);
                by_number.extend(slugs(&list));
            }
            let mut cursor = String::new();
            loop {
                let path = format!("/tenants?{order}&cursor={cursor}&page_size=6");
                let list = root.http.get(&path).send().await.expect(200);
                assert!(list.body.get("total").is_none());
                by_cursor.extend(slugs(&list));
                let Some(next) = list.body["next_cursor"].as_str() else { break };
                next.clone_into(&mut cursor);
            }
            assert_eq!(by_number, all, "{order}");
            assert_eq!(by_cursor, all, "{order}");
        }
    }
}

#[tokio::test]
async fn list_tenants_success_clamps_and_refuses_as_the_workspace_family() {
    let app = TestApp::new().await;
    let root = many(&app).await;
    let list = root.http.get("/tenants?page_size=1000").send().await.expect(200);
    assert_eq!((&list.body["page_size"], slugs(&list).len()), (&json!(100), 22));
    let list = root.http.get("/tenants?offset=20").send().await.expect(200);
    assert_eq!((&list.body["limit"], &list.body["offset"], slugs(&list).len()), (&json!(10), &json!(20), 2));
}

#[tokio::test]
async fn list_tenants_invalid_query() {
    let app = TestApp::new().await;
    let root = many(&app).await;
    let list = root.http.get("/tenants?cursor=&page_size=6").send().await.expect(200);
    let cursor = list.text("next_cursor");
    for query in ["page=abc".to_owned(), "cursor=garbage".to_owned(), format!("cursor={cursor}&sort=name")] {
        let answer = root.http.get(&format!("/tenants?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}
