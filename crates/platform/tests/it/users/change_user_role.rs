//! `PUT /users/{id}/role`

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{Person, TestApp};

fn refusals<'a>(app: &'a TestApp, target: &Person, role: &str) -> Refusals<'a> {
    let path = format!("/users/{}/role", target.id);
    Refusals { app, method: Method::PUT, path, body: Some(json!({ "role": role })) }
}

#[tokio::test]
async fn change_user_role_logged_out() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    refusals(&app, &member, "admin").logged_out("User ID not found in request").await;
}

#[tokio::test]
async fn change_user_role_other_tenant() {
    let app = TestApp::new().await;
    let (_, member, stranger) = app.cast().await;
    refusals(&app, &member, "admin").expect(&stranger.http, 403, "Access denied", "FORBIDDEN").await;
}

#[tokio::test]
async fn change_user_role_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    // A member changes nobody, least of all themselves.
    for target in [&admin, &member] {
        refusals(&app, target, "admin").expect(&member.http, 403, "Access denied", "FORBIDDEN").await;
    }
    // An admin gives no more than they have, and not to themselves.
    let higher = "Insufficient permissions";
    refusals(&app, &member, "super_admin").expect(&admin.http, 403, higher, "FORBIDDEN").await;
    refusals(&app, &admin, "super_admin").expect(&admin.http, 403, higher, "FORBIDDEN").await;
    for role in ["user", "admin"] {
        refusals(&app, &admin, role).expect(&admin.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
    let root = app.super_admin().await;
    refusals(&app, &root, "user").expect(&root.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    app.sql(&format!("UPDATE users SET tenant_id = '{0}'; UPDATE user_profiles SET tenant_id = '{0}'", admin.tenant))
        .await;
    refusals(&app, &root, "user").expect(&admin.http, 403, higher, "FORBIDDEN").await;
}

#[tokio::test]
async fn change_user_role_success_holds_from_the_next_request() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let path = format!("/api/v1/users/{}/role", member.id);
    let answer = admin.http.put(&path).json(&json!({ "role": "admin" })).send().await.expect(200);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    // The same token, whose claim still says "user" (T-31).
    member.http.put(&format!("/users/{}", admin.id)).json(&json!({ "bio": "x" })).send().await.expect(200);
    // And down again, by the one just raised.
    let back = member.http.put(&format!("/users/{}/role", admin.id)).json(&json!({ "role": "user" }));
    back.send().await.expect(200);
    refusals(&app, &member, "user").expect(&admin.http, 403, "Access denied", "FORBIDDEN").await;
    let roles: Vec<Value> = ["users", "user_profiles"].map(Value::from).to_vec();
    let database = app.db.superuser().await;
    for table in roles {
        let table = table.as_str().unwrap();
        let sql = format!("SELECT count(*) FROM {table} WHERE email LIKE 'grace%' AND role = 'admin'");
        assert_eq!(database.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0), 1, "{table}");
    }
}

#[tokio::test]
async fn change_user_role_success_by_a_super_admin_across_tenants() {
    let app = TestApp::new().await;
    let (_, member, _) = app.cast().await;
    let root = app.super_admin().await;
    let path = format!("/users/{}/role", member.id);
    let answer = root.http.put(&path).json(&json!({ "role": "super_admin" })).send().await.expect(200);
    assert_eq!((answer.text("role"), answer.text("tenant_id")), ("super_admin".to_owned(), member.tenant));
}

#[tokio::test]
async fn change_user_role_repeated() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let request = || admin.http.put(&format!("/users/{}/role", member.id)).json(&json!({ "role": "admin" }));
    let first = request().send().await.expect(200);
    assert_eq!(request().send().await.expect(200).body, first.body);
}

#[tokio::test]
async fn change_user_role_invalid_body() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    for role in ["", "owner", "Admin", " admin", "moderator", "readonly", "admin\n"] {
        refusals(&app, &member, role).expect(&admin.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
    for body in [json!({}), json!({ "role": null })] {
        let refusals = Refusals { body: Some(body), ..refusals(&app, &member, "") };
        refusals.expect(&admin.http, 400, "Invalid input", "VALIDATION_ERROR").await;
    }
    for body in [json!({ "role": 1 }), json!({ "role": ["admin"] }), json!([])] {
        let refusals = Refusals { body: Some(body), ..refusals(&app, &member, "") };
        refusals.expect(&admin.http, 400, "Invalid request body", "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn change_user_role_not_found() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    admin.http.delete(&format!("/users/{}", member.id)).send().await.expect(200);
    for id in [NOBODY, "x", &member.id] {
        let refusals = Refusals { path: format!("/users/{id}/role"), ..refusals(&app, &member, "admin") };
        refusals.expect(&admin.http, 404, "User not found", "NOT_FOUND").await;
    }
}
