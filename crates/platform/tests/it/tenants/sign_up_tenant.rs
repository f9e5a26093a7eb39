//! `POST /tenants/sign-up`

use axum::http::Method;
use serde_json::{Value, json};

use super::refusals;
use crate::support::{PASSWORD, TestApp, stable};

fn form() -> Value {
    json!({
        "name": "Analytical Engines", "slug": "engines", "email": "ada@example.com", "password": PASSWORD,
        "first_name": "Ada", "last_name": "Lovelace"
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut form = form();
    form[field] = value;
    form
}

#[tokio::test]
async fn sign_up_tenant_success_logged_out() {
    let app = TestApp::new().await;
    let answer = app.http.post("/api/v1/tenants/sign-up").json(&form()).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));
    let admin = app.http.with_bearer(&answer.text("access_token"));
    let own = admin.get(&format!("/tenants/{}", answer.text("tenant_id"))).send().await.expect(200);
    assert_eq!(own.body, answer.body["tenant"]);
    assert_eq!(admin.get("/users/me").send().await.expect(200).body["role"], "admin");
    app.login("ada@example.com").await;
    insta::assert_json_snapshot!(
        "sign_up_tenant_success_trail",
        stable(&json!(app.trail(&answer.text("tenant_id")).await))
    );
}

#[tokio::test]
async fn sign_up_tenant_success_makes_a_free_slug() {
    let app = TestApp::new().await;
    app.http.post("/tenants/sign-up").json(&form()).send().await.expect(201);
    let mut second = with("email", json!("eve@example.com"));
    second["slug"] = json!(null);
    second["name"] = json!("Engines");
    let answer = app.http.post("/public/tenants/sign-up").json(&second).send().await.expect(201);
    let slug = answer.body["tenant"]["slug"].as_str().unwrap();
    assert!(slug.starts_with("engines-") && slug.len() == "engines-".len() + 12, "{slug}");
}

#[tokio::test]
async fn sign_up_tenant_invalid_body() {
    let app = TestApp::new().await;
    for (body, error) in [
        (with("name", json!("")), "Name is required"),
        (with("slug", json!("no slug")), "Invalid slug"),
        (with("domain", json!("nowhere")), "Invalid domain"),
        (with("email", json!("")), "Email is required"),
        (with("email", json!("ada")), "Invalid email format"),
        (with("password", json!("short")), "Password must be at least 8 characters long"),
        (with("first_name", json!("")), "First name is required"),
        (with("last_name", json!("")), "Last name is required"),
    ] {
        let refusals = refusals(&app, Method::POST, "/tenants/sign-up", Some(body));
        refusals.expect(&app.http, 400, error, "VALIDATION_ERROR").await;
    }
}

#[tokio::test]
async fn sign_up_tenant_conflict_leaves_neither_tenant_nor_account() {
    let app = TestApp::new().await;
    app.http.post("/tenants/sign-up").json(&form()).send().await.expect(201);
    for (body, error) in [
        (with("email", json!("eve@example.com")), "Slug already taken"),
        (with("slug", json!("other")), "Email already registered"),
        (
            json!({ "name": "x", "slug": "other", "email": "ADA@example.com", "password": PASSWORD, "first_name": "A",
                 "last_name": "L" }),
            "Email already registered",
        ),
    ] {
        let refusals = refusals(&app, Method::POST, "/tenants/sign-up", Some(body));
        refusals.expect(&app.http, 409, error, "CONFLICT").await;
    }
}
