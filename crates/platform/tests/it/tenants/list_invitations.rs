//! `GET /tenants/{id}/invitations`

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, accept, invite, refusals};
use crate::support::{TestApp, stable};

#[tokio::test]
async fn list_invitations_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    refusals(&app, Method::GET, format!("/tenants/{}/invitations", admin.tenant), None).logged_out(MISSING).await;
}

#[tokio::test]
async fn list_invitations_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    invite(&admin, "new@example.com").await.expect(201);
    let refusals = refusals(&app, Method::GET, format!("/tenants/{}/invitations", admin.tenant), None);
    refusals.expect(&stranger.http, 404, "Tenant not found", "NOT_FOUND").await;
    let own = stranger.http.get(&format!("/tenants/{}/invitations", stranger.tenant)).send().await.expect(200);
    assert_eq!(own.body["invitations"], json!([]));
}

#[tokio::test]
async fn list_invitations_forbidden_role() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    let refusals = refusals(&app, Method::GET, format!("/tenants/{}/invitations", admin.tenant), None);
    refusals.expect(&member.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn list_invitations_success() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    let revoked = invite(&admin, "revoked@example.com").await.expect(201);
    admin
        .http
        .delete(&format!("/tenants/{}/invitations/{}", admin.tenant, revoked.text("id")))
        .send()
        .await
        .expect(204);
    let old = invite(&admin, "old@example.com").await.expect(201);
    app.sql(&format!("UPDATE invitations SET expires_at = '2026-01-01Z' WHERE id = '{}'", old.text("id"))).await;
    let accepted = invite(&admin, "accepted@example.com").await.expect(201);
    accept(&app, &accepted.text("token")).await.expect(201);
    let pending = invite(&admin, "pending@example.com").await.expect(201);

    let path = format!("/api/v1/tenants/{}/invitations", admin.tenant);
    let list = admin.http.get(&path).send().await.expect(200);
    insta::assert_json_snapshot!(stable(&list.body));
    let text = String::from_utf8(list.bytes).unwrap();
    assert!(!text.contains(&pending.text("token")) && !text.contains("token"));
    for status in ["pending", "accepted", "revoked", "expired"] {
        let list = admin.http.get(&format!("{path}?status={status}")).send().await.expect(200);
        assert_eq!((&list.body["total"], &list.body["data"][0]["status"]), (&json!(1), &json!(status)));
    }
}

#[tokio::test]
async fn list_invitations_success_by_number_and_by_cursor() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    app.sql(&format!(
        "INSERT INTO invitations (id, tenant_id, email, role, status, token_hash, created_at, updated_at, expires_at)
         SELECT gen_random_uuid(), '{}', 'p' || n || '@example.com', 'user', 'revoked', n::text::bytea,
             '2026-01-01Z'::timestamptz + n % 4 * interval '1 microsecond', now(), now() FROM generate_series(1, 25) n",
        admin.tenant
    ))
    .await;
    let path = format!("/tenants/{}/invitations", admin.tenant);
    let items = |body: &Value| body["data"].as_array().unwrap().clone();
    let all = items(&admin.http.get(&format!("{path}?limit=100")).send().await.expect(200).body);
    let (mut by_number, mut by_cursor, mut cursor) = (Vec::new(), Vec::new(), String::new());
    for page in 1..=4 {
        by_number
            .extend(items(&admin.http.get(&format!("{path}?page={page}&page_size=7")).send().await.expect(200).body));
    }
    loop {
        let list = admin.http.get(&format!("{path}?cursor={cursor}&page_size=7")).send().await.expect(200);
        by_cursor.extend(items(&list.body));
        let Some(next) = list.body["next_cursor"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(all.len(), 25);
    assert_eq!(by_number, all);
    assert_eq!(by_cursor, all);
    for query in ["page=x", "cursor=x"] {
        let answer = admin.http.get(&format!("{path}?{query}")).send().await;
        answer.expect_error(400, "Invalid query parameters", "VALIDATION_ERROR");
    }
}
