//! What the dashboards' paths refuse, by the rules of the operations they are like.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::Client;

use crate::fixtures::send;
use crate::support::TestApp;

/// Fails unless the request is answered so and nothing changes in the database.
async fn refused(app: &TestApp, client: &Client, request: (Method, &str, Value), status: u16, code: &str) {
    let (method, path, body) = request;
    let before = app.all_rows().await;
    let answer = send(client, method, path, Some(&body).filter(|body| !body.is_null())).await.expect(status);
    assert_eq!(answer.body["code"], code, "{path}: {}", answer.body);
    assert_eq!(app.all_rows().await, before, "{path}: a refused request wrote something");
}

#[tokio::test]
async fn admin_create_tenant_invalid_body_and_conflict() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let create = |body: Value| (Method::POST, "/admin/tenants", body);
    root.http.post("/admin/tenants").json(&json!({ "name": "Acme", "slug": "acme" })).send().await.expect(201);
    for body in [json!({ "name": "" }), json!({ "name": "A", "slug": "-a-" }), json!({ "name": "A", "plan": "gold" })] {
        refused(&app, &root.http, create(body), 400, "VALIDATION_ERROR").await;
    }
    refused(&app, &root.http, create(json!({ "name": "Acme", "slug": "acme" })), 409, "CONFLICT").await;
}

#[tokio::test]
async fn admin_update_tenant_invalid_body_and_conflict() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let (first, second) = (app.empty_tenant(&root, "first").await, app.empty_tenant(&root, "second").await);
    let path = format!("/admin/tenants/{first}");
    for body in [json!({ "name": "" }), json!({ "slug": "x" }), json!({ "plan": "gold" })] {
        refused(&app, &root.http, (Method::PUT, &path, body), 400, "VALIDATION_ERROR").await;
    }
    refused(&app, &root.http, (Method::PUT, &path, json!({ "slug": "second" })), 409, "CONFLICT").await;
    root.http.post(&format!("/tenants/{second}/suspend")).send().await.expect(200);
    let path = format!("/admin/tenants/{second}");
    refused(&app, &root.http, (Method::PUT, &path, json!({ "name": "x" })), 409, "CONFLICT").await;
}

#[tokio::test]
async fn admin_suspend_tenant_and_admin_reactivate_tenant_forbidden_role_and_conflict() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let (admin, _, _) = app.cast().await;
    let (suspend, back) =
        (format!("/admin/tenants/{}/suspend", admin.tenant), format!("/admin/tenants/{}/reactivate", admin.tenant));
    for path in [&suspend, &back] {
        refused(&app, &admin.http, (Method::POST, path, Value::Null), 403, "FORBIDDEN").await;
    }
    refused(&app, &root.http, (Method::POST, &back, Value::Null), 409, "CONFLICT").await;
    root.http.post(&suspend).send().await.expect(200);
    refused(&app, &root.http, (Method::POST, &suspend, Value::Null), 409, "CONFLICT").await;
    root.http.post(&back).send().await.expect(200);
}

#[tokio::test]
async fn admin_reactivate_tenant_conflict_when_it_is_not_suspended() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let tenant = app.empty_tenant(&root, "acme").await;
    let path = format!("/admin/tenants/{tenant}/reactivate");
    refused(&app, &root.http, (Method::POST, &path, Value::Null), 409, "CONFLICT").await;
}

#[tokio::test]
async fn update_own_tenant_invalid_body_and_conflict() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let taken = stranger.http.get("/tenant").send().await.expect(200).text("slug");
    for body in [json!({ "name": "" }), json!({ "slug": "No!" }), json!({ "domain": "no host" })] {
        refused(&app, &admin.http, (Method::PUT, "/tenant", body), 400, "VALIDATION_ERROR").await;
    }
    refused(&app, &admin.http, (Method::PUT, "/tenant", json!({ "slug": taken })), 409, "CONFLICT").await;
    refused(&app, &admin.http, (Method::PUT, "/tenant", json!({ "plan": "custom" })), 403, "FORBIDDEN").await;
    // What nobody knows is nobody's business (T-04).
    admin.http.put("/tenant").json(&json!({ "avatar": 7 })).send().await.expect(200);
}

#[tokio::test]
async fn update_own_settings_invalid_body_and_conflict() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let put = |body: Value| (Method::PUT, "/tenant/settings", body);
    refused(&app, &admin.http, put(json!([])), 400, "VALIDATION_ERROR").await;
    app.sql("UPDATE tenants SET status = 'delinquent'").await;
    refused(&app, &admin.http, put(json!({ "colour": "red" })), 409, "CONFLICT").await;
}

#[tokio::test]
async fn invite_own_member_invalid_body_and_conflict() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let invite =
        |email: &str, role: &str| (Method::POST, "/tenant/members/invite", json!({ "email": email, "role": role }));
    for (email, role) in [("", "user"), ("nobody", "user"), ("new@example.com", "king")] {
        refused(&app, &admin.http, invite(email, role), 400, "VALIDATION_ERROR").await;
    }
    refused(&app, &admin.http, invite(&member.email, "user"), 409, "CONFLICT").await;
    let body = json!({ "email": "new@example.com" });
    admin.http.post("/tenant/members/invite").json(&body).send().await.expect(201);
    refused(&app, &admin.http, invite("NEW@example.com", "user"), 409, "CONFLICT").await;
    // Another tenant's admin invites into their own.
    let theirs = stranger.http.post("/tenant/members/invite").json(&body).send().await.expect(201);
    assert_eq!(theirs.text("email"), "new@example.com");
    assert_eq!(app.one(&format!("SELECT count(*) FROM invitations WHERE tenant_id = '{}'", admin.tenant)).await, "1");
}

#[tokio::test]
async fn change_own_member_role_and_patch_own_member_role_forbidden_role_and_invalid_body() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    for method in [Method::PUT, Method::PATCH] {
        let path = format!("/tenant/members/{}/role", admin.id);
        let change = |role: &str| (method.clone(), path.as_str(), json!({ "role": role }));
        refused(&app, &member.http, change("user"), 403, "FORBIDDEN").await;
        refused(&app, &admin.http, change("user"), 400, "VALIDATION_ERROR").await;
        let path = format!("/tenant/members/{}/role", member.id);
        for role in ["king", ""] {
            let request = (method.clone(), path.as_str(), json!({ "role": role }));
            refused(&app, &admin.http, request, 400, "VALIDATION_ERROR").await;
        }
        let above = (method.clone(), path.as_str(), json!({ "role": "super_admin" }));
        refused(&app, &admin.http, above, 403, "FORBIDDEN").await;
    }
}

#[tokio::test]
async fn lists_of_the_dashboards_refuse_cursors_they_did_not_make() {
    let app = TestApp::new().await;
    let (admin, _, _) = app.cast().await;
    let invitations = format!("/tenants/{}/invitations", admin.tenant);
    for path in ["/admin/tenants", "/admin/users", "/tenant/members", &invitations] {
        refused(&app, &admin.http, (Method::GET, &format!("{path}?cursor=x"), Value::Null), 400, "VALIDATION_ERROR")
            .await;
    }
}

#[tokio::test]
async fn admin_create_user_and_admin_update_user_invalid_body_and_conflict() {
    let app = TestApp::new().await;
    let (admin, member, stranger) = app.cast().await;
    let create = |email: &str, password: &str| {
        let body = json!({ "email": email, "password": password, "first_name": "A", "last_name": "B" });
        (Method::POST, "/admin/users", body)
    };
    refused(&app, &admin.http, create("", "correct horse battery"), 400, "VALIDATION_ERROR").await;
    refused(&app, &admin.http, create("new@example.com", "short"), 400, "VALIDATION_ERROR").await;
    for taken in [&member.email, &stranger.email] {
        refused(&app, &admin.http, create(taken, "correct horse battery"), 409, "CONFLICT").await;
    }
    let path = format!("/admin/users/{}", member.id);
    let long = json!({ "first_name": "x".repeat(101) });
    refused(&app, &admin.http, (Method::PUT, &path, long), 400, "VALIDATION_ERROR").await;
    refused(&app, &stranger.http, (Method::PUT, &path, json!({ "bio": "x" })), 403, "FORBIDDEN").await;
}
