//! `POST /auth/register`

use serde_json::json;

use crate::support::{PASSWORD, TestApp, stable};

#[tokio::test]
async fn register_success_founds_a_tenant_and_logs_in() {
    let app = TestApp::new().await;
    let body = json!({
        "email": "Ada@Example.com", "password": PASSWORD, "first_name": "Ada", "last_name": "Lovelace",
        "username": "ada", "tenant_name": "Analytical Engines"
    });
    let answer = app.http.post("/api/v1/auth/register").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(stable(&answer.body));

    let me = app.http.with_bearer(&answer.text("access_token")).get("/users/me").send().await.expect(200);
    assert_eq!(me.body["email"], "Ada@Example.com");
    assert_eq!(me.body["role"], "admin");
    let database = app.db.superuser().await;
    let tenant = database.query_one("SELECT name, slug, plan, status FROM tenants", &[]).await.unwrap();
    assert_eq!(tenant.get::<_, &str>("name"), "Analytical Engines");
    assert_eq!((tenant.get::<_, &str>("plan"), tenant.get::<_, &str>("status")), ("free", "active"));
}
