//! `POST /users`: by an admin with a password, or by a service with the internal key (T-73).

use axum::http::Method;
use serde_json::{Value, json};

use crate::fixtures::{NOBODY, Refusals};
use crate::support::{INTERNAL_KEY, PASSWORD, TestApp};

fn joan() -> Value {
    json!({ "email": "joan@example.com", "password": PASSWORD, "first_name": "Joan", "last_name": "Clarke" })
}

fn joan_with(field: &str, value: impl Into<Value>) -> Value {
    let mut body = joan();
    body[field] = value.into();
    body
}

fn refusals(app: &TestApp, body: Value) -> Refusals<'_> {
    Refusals { app, method: Method::POST, path: "/api/v1/users".to_owned(), body: Some(body) }
}

#[tokio::test]
async fn create_user_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, joan()).logged_out("Missing API key").await;
}

#[tokio::test]
async fn create_user_wrong_key() {
    let app = TestApp::new().await;
    let before = app.all_rows().await;
    for key in ["", "x", "any-non-empty-key", &INTERNAL_KEY[1..], &INTERNAL_KEY.to_uppercase()] {
        let request = app.http.post("/users").header("x-api-key", key).json(&joan());
        request.send().await.expect_error(401, "Invalid API key", "UNAUTHORIZED");
    }
    // Headers mean nothing without the key (T-32).
    let request = app.http.post("/users").header("x-user-id", NOBODY).header("x-tenant-id", NOBODY).json(&joan());
    request.send().await.expect_error(401, "Missing API key", "UNAUTHORIZED");
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn create_user_wrong_key_when_none_is_configured() {
    let app = TestApp::with(|parts| parts.internal_key = None).await;
    for key in ["", "x", INTERNAL_KEY] {
        let request = app.http.post("/users").header("x-api-key", key).json(&joan());
        request.send().await.expect_error(401, "Missing API key", "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn create_user_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let error = "Insufficient permissions";
    refusals(&app, joan()).expect(&member.http, 403, error, "FORBIDDEN").await;
    refusals(&app, joan_with("role", "super_admin")).expect(&admin.http, 403, error, "FORBIDDEN").await;
    // A key beside a token changes nothing, right or wrong: the token says who is asking (T-32).
    for key in [INTERNAL_KEY, "wrong"] {
        let request = member.http.post("/users").header("x-api-key", key).header("x-user-id", &admin.id);
        request.json(&joan()).send().await.expect_error(403, error, "FORBIDDEN");
    }
}

#[tokio::test]
async fn create_user_success_by_an_admin() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    // Fields that only services may set are ignored.
    let mut body = joan_with("metadata", json!({ "username": "jc", "n": 1 }));
    body["id"] = NOBODY.into();
    body["tenant_id"] = NOBODY.into();
    body["is_active"] = false.into();
    body["email_verified"] = true.into();
    let answer = admin.http.post("/api/v1/users").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    assert_eq!(answer.text("tenant_id"), admin.tenant);
    let login = json!({ "username": "jc", "password": PASSWORD });
    let login = app.http.post("/auth/login").json(&login).send().await.expect(200);
    assert_eq!(login.text("user_id"), answer.text("id"));
    let colleague = joan_with("role", "admin");
    let colleague = admin.http.post("/users").json(&{
        let mut body = colleague;
        body["email"] = "admin2@example.com".into();
        body
    });
    assert_eq!(colleague.send().await.expect(201).text("role"), "admin");
}

#[tokio::test]
async fn create_user_success_by_a_service() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let body = json!({
        "id": NOBODY, "email": "svc@example.com", "first_name": "", "tenant_id": admin.tenant, "role": "admin",
        "email_verified": true, "metadata": { "source": "import" }
    });
    let answer = app.internal(Method::POST, "/users").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(crate::support::stable(&answer.body));
    // Without a password no log-in succeeds, also not with the stored text (T-37).
    for password in ["!", "", "*", PASSWORD] {
        let login = json!({ "email": "svc@example.com", "password": password });
        let login = app.http.post("/auth/login").json(&login).send().await;
        assert!([400, 401].contains(&login.status.as_u16()), "{password:?}: {}", login.body);
    }
    // The header names the tenant when the body does not.
    let request = app.internal(Method::POST, "/users").header("x-tenant-id", &admin.tenant);
    let answer = request.json(&json!({ "email": "b@example.com" })).send().await.expect(201);
    assert_eq!((answer.text("tenant_id"), &answer.body["is_active"]), (admin.tenant, &json!(false)));
}

#[tokio::test]
async fn create_user_conflict() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    for email in ["grace@example.com", "GRACE@Example.COM", "eve@example.com"] {
        let refusals = refusals(&app, joan_with("email", email));
        refusals.expect(&admin.http, 409, "Email already registered", "CONFLICT").await;
    }
    let before = app.all_rows().await;
    let body = json!({ "id": member.id, "email": "new@example.com", "tenant_id": admin.tenant });
    let answer = app.internal(Method::POST, "/users").json(&body).send().await;
    answer.expect_error(409, "User already exists", "CONFLICT");
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn create_user_repeated() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    admin.http.post("/users").json(&joan()).send().await.expect(201);
    refusals(&app, joan()).expect(&admin.http, 409, "Email already registered", "CONFLICT").await;
}

#[tokio::test]
async fn create_user_invalid_body() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let short = "Password must be at least 8 characters long";
    for (body, error) in [
        (joan_with("email", ""), "Email is required"),
        (joan_with("email", json!(null)), "Email is required"),
        (joan_with("email", "joan"), "Invalid email format"),
        (joan_with("email", format!("{}@example.com", "a".repeat(250))), "Invalid email format"),
        (joan_with("password", ""), "Password is required"),
        (joan_with("password", "1234567"), short),
        (joan_with("password", "x".repeat(1025)), "Password is too long"),
        (joan_with("first_name", ""), "First name is required"),
        (joan_with("last_name", json!(null)), "Last name is required"),
        (joan_with("first_name", "x".repeat(101)), "Invalid request body"),
        (joan_with("last_name", "x".repeat(101)), "Invalid request body"),
        (joan_with("role", "owner"), "Invalid input"),
        (joan_with("metadata", "{}"), "Invalid request body"),
        (joan_with("is_active", "true"), "Invalid request body"),
        (joan_with("email", json!(["joan@example.com"])), "Invalid request body"),
        (json!([joan()]), "Invalid request body"),
    ] {
        refusals(&app, body).expect(&admin.http, 400, error, "VALIDATION_ERROR").await;
    }
    let before = app.all_rows().await;
    for (body, error) in [
        (json!({ "email": "a@example.com" }), "Invalid request body"),
        (json!({ "email": "a@example.com", "tenant_id": "7" }), "Invalid request body"),
        (json!({ "email": "a@example.com", "tenant_id": NOBODY, "id": "x" }), "Invalid request body"),
        (json!({ "email": "a", "tenant_id": NOBODY }), "Invalid email format"),
        (json!({ "tenant_id": NOBODY }), "Email is required"),
        (json!({ "email": "a@example.com", "tenant_id": NOBODY, "role": "root" }), "Invalid input"),
    ] {
        let answer = app.internal(Method::POST, "/users").json(&body).send().await;
        answer.expect_error(400, error, "VALIDATION_ERROR");
    }
    for header in ["x-tenant-id", "x-user-id"] {
        let request = app.internal(Method::POST, "/users").header(header, "7").json(&joan());
        request.send().await.expect_error(400, "Invalid request headers", "VALIDATION_ERROR");
    }
    assert_eq!(app.all_rows().await, before);
}
