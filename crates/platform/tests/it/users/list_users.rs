//! `GET /users`

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{Person, TestApp};

const COLUMNS: [&str; 6] = ["email", "first_name", "last_name", "created_at", "updated_at", "last_login_at"];

async fn list(person: &Person, query: &str) -> Value {
    person.http.get(&format!("/api/v1/users?{query}")).send().await.expect(200).body
}

/// The addresses on a page, in order.
async fn emails(person: &Person, query: &str) -> Vec<String> {
    let page = list(person, query).await;
    assert_eq!(page["users"], page["data"], "both names carry the same people");
    let people = page["users"].as_array().unwrap();
    people.iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn list_users_logged_out() {
    let app = TestApp::new().await;
    let path = "/users".to_owned();
    Refusals { app: &app, method: Method::GET, path, body: None }.logged_out("User ID not found in request").await;
    // The headers of the old gateway mean nothing without the internal key (T-32).
    let request = app.http.get("/users").header("x-user-id", NOBODY).header("x-tenant-id", NOBODY);
    request.send().await.expect_error(401, "User ID not found in request", "UNAUTHORIZED");
    let request = app.http.get("/users").header("x-tenant-id", NOBODY).header("x-api-key", "any");
    request.send().await.expect_error(401, "Invalid API key", "UNAUTHORIZED");
}

#[tokio::test]
async fn list_users_success() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let answer = admin.http.get("/users").send().await.expect(200);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    assert_eq!(list(&member, "").await, answer.body);
    insta::assert_json_snapshot!(
        "list_users_by_cursor",
        crate::support::stable(&list(&admin, "cursor=&limit=1").await)
    );
}

#[tokio::test]
async fn list_users_success_for_a_service() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let request = app.internal(Method::GET, "/users").header("x-tenant-id", &admin.tenant);
    assert_eq!(request.send().await.expect(200).body["total"], 2);
    // A service that names no tenant has none.
    app.internal(Method::GET, "/users").send().await.expect_error(403, "Access denied", "FORBIDDEN");
    // Beside a token the headers count for nothing.
    let stranger = app.login("eve@example.com").await;
    let request = stranger.http.get("/users").header("x-tenant-id", &admin.tenant);
    assert_eq!(request.send().await.expect(200).body["total"], 1);
}

#[tokio::test]
async fn list_users_other_tenant() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let query = format!("tenant_id={}", admin.tenant);
    // Ignored for everybody but super admins (T-58).
    assert_eq!(emails(&stranger, &query).await, ["eve@example.com"]);
    assert_eq!(list(&member, &format!("tenant_id={}", stranger.tenant)).await["total"], 2);
    assert_eq!(list(&admin, &query).await["total"], 2);
    let root = app.super_admin().await;
    assert_eq!(list(&root, &query).await["total"], 2);
    assert_eq!(emails(&root, "").await, ["root@example.com"]);
    assert_eq!(list(&root, &format!("tenant_id={NOBODY}")).await["users"], json!([]));
}

#[tokio::test]
async fn list_users_success_of_nobody_is_an_empty_list() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let page = list(&admin, "search=nobody").await;
    assert_eq!((&page["users"], &page["data"], &page["total"]), (&json!([]), &json!([]), &json!(0)));
    assert_eq!((&page["total_pages"], &page["pagination"]["has_next"]), (&json!(0), &json!(false)));
    assert_eq!(list(&admin, "page=99").await["users"], json!([]));
    assert_eq!(list(&admin, "cursor=&search=nobody").await["users"], json!([]));
}

#[tokio::test]
async fn list_users_speaks_every_pagination_dialect() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.old_people(&admin.tenant, 1, 249).await;
    // (query, rows, page, page_size, offset): T-05, T-10, T-11.
    for (query, rows, page, size, offset) in [
        ("", 20, 1, 20, 0),
        ("page=3", 20, 3, 20, 40),
        ("page=2&page_size=100", 100, 2, 100, 100),
        ("page=3&page_size=100", 50, 3, 100, 200),
        ("page_size=101", 20, 1, 20, 0),
        ("page_size=0", 20, 1, 20, 0),
        ("page_size=-5", 20, 1, 20, 0),
        ("page_size=abc", 20, 1, 20, 0),
        ("page=abc&page_size=50", 50, 1, 50, 0),
        ("page=0", 20, 1, 20, 0),
        ("page=-3", 20, 1, 20, 0),
        ("page=1.5", 20, 1, 20, 0),
        ("per_page=30", 30, 1, 30, 0),
        ("page=2&limit=30", 30, 2, 30, 30),
        ("limit=30", 30, 1, 30, 0),
        ("limit=1000", 100, 1, 100, 0),
        ("limit=0", 10, 1, 10, 0),
        ("limit=x", 10, 1, 10, 0),
        ("offset=25", 10, 3, 10, 25),
        ("limit=100&offset=245", 5, 3, 100, 245),
        ("offset=-1", 10, 1, 10, 0),
        ("page=99999999999999999999", 20, 1, 20, 0),
        ("page=9223372036854775807", 0, 54_975_581_389, 20, 1_099_511_627_776),
    ] {
        let body = list(&admin, query).await;
        assert_eq!(body["users"].as_array().unwrap().len(), rows, "{query}");
        assert_eq!(body["users"], body["data"], "{query}");
        assert_eq!(body["total"], 250, "{query}");
        for (name, value) in [("page", page), ("page_size", size), ("limit", size), ("offset", offset)] {
            assert_eq!(body[name], json!(value), "{name} of {query}");
        }
        let pages = 250_i64.div_euclid(size) + i64::from(250 % size != 0);
        let (next, prev) = (offset + size < 250, offset > 0);
        let expected = json!({
            "page": page, "per_page": size, "limit": size, "total": 250, "total_pages": pages, "totalPages": pages,
            "has_next": next, "hasNext": next, "has_prev": prev, "hasPrev": prev,
        });
        assert_eq!((&body["pagination"], &body["total_pages"]), (&expected, &json!(pages)), "{query}");
    }
}

#[tokio::test]
async fn list_users_shows_everybody_once_by_every_order_and_dialect() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.old_people(&admin.tenant, 1, 249).await;
    for column in COLUMNS {
        for direction in ["asc", "desc"] {
            let order = format!("sort_by={column}&sort_order={direction}");
            let mut by_page = Vec::new();
            for page in 1..=36 {
                by_page.extend(emails(&admin, &format!("{order}&page={page}&page_size=7")).await);
            }
            let (mut by_cursor, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let page = list(&admin, &format!("{order}&limit=7&cursor={cursor}")).await;
                assert_eq!((page.get("total"), page.get("pagination")), (None, None));
                by_cursor.extend(page["users"].as_array().unwrap().iter().map(|user| user["email"].clone()));
                pages += 1;
                match page["next_cursor"].as_str() {
                    Some(next) => next.clone_into(&mut cursor),
                    None => break,
                }
            }
            assert_eq!(pages, 36, "{order}");
            assert_eq!(by_cursor, by_page, "{order}");
            assert_eq!(by_page.iter().collect::<BTreeSet<_>>().len(), 250, "{order}");
        }
    }
}

#[tokio::test]
async fn list_users_sorts_as_asked() {
    let app = TestApp::new().await;
    let admin = app.admin("c@example.com").await;
    for (email, first) in [("a@example.com", "Zoe"), ("b@example.com", "Amy")] {
        app.clock.advance(jiff::SignedDuration::from_secs(60));
        let body = json!({ "email": email, "first_name": first, "tenant_id": admin.tenant });
        app.internal(Method::POST, "/users").json(&body).send().await.expect(201);
    }
    let letters = async |query: &str| -> String {
        emails(&admin, query).await.iter().map(|email| email.chars().next().unwrap()).collect()
    };
    let newest_first = "bac";
    for (query, expected) in [
        ("", newest_first),
        ("sort_by=email", "cba"),
        ("sort_by=email&sort_order=asc", "abc"),
        ("sort=email&order=asc", "abc"),
        // The synonym counts only when the name itself is missing.
        ("sort_by=email&sort=first_name&sort_order=asc", "abc"),
        ("sort_by=first_name&sort_order=asc", "cba"),
        ("sort_by=created_at&sort_order=asc", "cab"),
        ("sort_order=asc", "cab"),
        // Only the exact lower-case word ascends.
        ("sort_by=email&sort_order=ASC", "cba"),
        ("sort_by=email&sort_order=up", "cba"),
        // Anything but the six columns is the default order, direction included (T-60).
        ("sort_by=EMAIL&sort_order=asc", newest_first),
        ("sort_by=password_hash&sort_order=asc", newest_first),
        ("sort_by=id&sort_order=asc", newest_first),
        ("sort_by=email;DROP+TABLE+users&sort_order=asc", newest_first),
        ("sort_by=(SELECT+pg_sleep(10))", newest_first),
        ("sort_by=email,(CASE+WHEN+true+THEN+1+END)", newest_first),
        ("sort_by=email%27--&sort_order=asc%27--", newest_first),
        ("sort_by=u.email&sort_order=asc", newest_first),
        ("sort_by=1&sort_order=asc", newest_first),
        ("sort_by=", newest_first),
    ] {
        assert_eq!(letters(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn list_users_filters() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let people = [
        json!({ "email": "percent@example.com", "first_name": "100%", "last_name": "Sure", "is_active": true }),
        json!({ "email": "under_score@example.com", "first_name": "Under", "email_verified": true }),
        json!({ "email": "back@example.com", "first_name": "C:\\Temp", "last_name": "Ärger", "role": "admin" }),
    ];
    for mut body in people {
        body["tenant_id"] = admin.tenant.clone().into();
        app.internal(Method::POST, "/users").json(&body).send().await.expect(201);
    }
    app.sql("UPDATE users SET created_at = '2025-12-31T23:59:59.999999Z' WHERE email LIKE 'back%'").await;
    let words = async |query: &str| -> String {
        let mut found = emails(&admin, &format!("{query}&sort_by=email&sort_order=asc")).await;
        for email in &mut found {
            email.truncate(3);
        }
        found.join(" ")
    };
    let all = "ada bac per und";
    for (query, expected) in [
        ("role=admin", "ada bac"),
        ("role=ADMIN", ""),
        ("role=", all),
        ("is_active=true", "ada per"),
        ("is_active=1&email_verified=F", "ada per"),
        ("is_active=t", "ada per"),
        ("is_active=TRUE", "ada per"),
        // Anything that is no Go word for true is false.
        ("is_active=false", "bac und"),
        ("is_active=yes", "bac und"),
        ("is_active=tRUE", "bac und"),
        ("is_active=", all),
        ("email_verified=True", "und"),
        ("search=EXAMPLE", all),
        ("search=100%25", "per"),
        // Wildcards are letters like any other (T-61).
        ("search=%25", "per"),
        ("search=_", "und"),
        ("search=%5C", "bac"),
        ("search=%5C%25", ""),
        ("search=a_a", ""),
        ("search=lovelace", "ada"),
        ("search=Ada+Love", "ada"),
        ("search=ada+lovelace", "ada"),
        ("search=%C3%A4rger", if cfg!(target_os = "linux") { "" } else { "bac" }),
        ("search=", all),
        ("search=%27+OR+1%3D1--", ""),
        ("created_after=2026-01-01", "ada per und"),
        ("created_after=2025-12-31", all),
        ("created_after=2025-12-31T23:59:59.999999Z", all),
        ("created_after=2026-03-01T13:00:00%2B01:00", "ada per und"),
        ("created_after=2030-01-01", ""),
        ("created_after=yesterday", all),
        ("created_after=2026-13-45", all),
        ("role=admin&is_active=true&search=ada", "ada"),
    ] {
        if query.contains("%A4") {
            continue; // What counts as upper and lower case outside ASCII follows the database's locale.
        }
        assert_eq!(words(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn list_users_leaves_deleted_people_out() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    assert_eq!(emails(&admin, "").await, ["ada@example.com"]);
    assert_eq!(emails(&admin, "cursor=").await, ["ada@example.com"]);
    assert_eq!(emails(&admin, "search=grace").await, [""; 0]);
}

#[tokio::test]
async fn list_users_invalid_query() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    app.old_people(&admin.tenant, 1, 9).await;
    let page = list(&admin, "cursor=&limit=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    let mut broken = cursor.to_owned();
    broken.replace_range(8..9, "~");
    let nonsense = [
        "cursor=x".to_owned(),
        "cursor=null".to_owned(),
        format!("cursor={broken}"),
        format!("cursor={}", &cursor[..cursor.len() / 2]),
        // A cursor belongs to the order it was made for.
        format!("cursor={cursor}&sort_by=email"),
        format!("cursor={cursor}&sort_order=asc"),
        "role=%00".to_owned(),
        "search=a%00b".to_owned(),
    ];
    for query in nonsense {
        let answer = admin.http.get(&format!("/users?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn list_users_cursor_carries_nobody_across_tenants() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let cursor = list(&admin, "cursor=&limit=1&sort_by=email").await["next_cursor"].as_str().unwrap().to_owned();
    let page = list(&stranger, &format!("cursor={cursor}&sort_by=email")).await;
    assert!(!page.to_string().contains("ada@"), "{page}");
}
