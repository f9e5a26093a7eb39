//! Every change of a tenant or an invitation writes one record in its own transaction, or does not happen.

use axum::http::Method;
use serde_json::{Value, json};

use super::{accept, invite};
use crate::fixtures::send;
use crate::support::{PASSWORD, TestApp};

const COUNT: &str = "SELECT count(*) FROM audit_events";

#[tokio::test]
async fn audit_has_exactly_one_record_of_every_change() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let root = app.super_admin().await;
    let (own, theirs) = (format!("/tenants/{}", admin.tenant), format!("/tenants/{}", stranger.tenant));
    let invited = invite(&admin, "first@example.com").await.expect(201);
    let accepted = invite(&admin, "second@example.com").await.expect(201);
    let invitation = format!("{own}/invitations/{}", invited.text("id"));
    let sign_up = json!({ "name": "New", "email": "new@example.com", "password": PASSWORD, "first_name": "N",
                          "last_name": "N" });
    let accepting =
        json!({ "token": accepted.text("token"), "password": PASSWORD, "first_name": "N", "last_name": "N" });
    let requests: [(&_, Method, String, Value, &str); 13] = [
        (&root.http, Method::POST, "/tenants".to_owned(), json!({ "name": "Acme" }), "tenant.created"),
        (&app.http, Method::POST, "/tenants/sign-up".to_owned(), sign_up, "tenant.signed_up"),
        (&admin.http, Method::PUT, own.clone(), json!({ "name": "x", "plan": "starter" }), "tenant.updated"),
        (&admin.http, Method::PUT, "/tenant".to_owned(), json!({ "name": "y" }), "tenant.updated"),
        (&admin.http, Method::PUT, format!("{own}/settings"), json!({ "a": 1, "b": 2 }), "tenant.settings_updated"),
        (
            &admin.http,
            Method::POST,
            format!("{own}/invitations"),
            json!({ "email": "z@example.com" }),
            "invitation.created",
        ),
        (&admin.http, Method::POST, format!("{invitation}/resend"), json!({}), "invitation.resent"),
        (&admin.http, Method::DELETE, invitation, json!({}), "invitation.revoked"),
        (&app.http, Method::POST, "/public/invitations/accept".to_owned(), accepting, "invitation.accepted"),
        (&root.http, Method::POST, format!("{own}/suspend"), json!({}), "tenant.suspended"),
        (&root.http, Method::POST, format!("/admin{own}/reactivate"), json!({}), "tenant.reactivated"),
        (&stranger.http, Method::DELETE, theirs, json!({}), "tenant.deleted"),
        (&root.http, Method::DELETE, own, json!({}), "tenant.deleted"),
    ];
    for (client, method, path, body, action) in requests {
        let before: i64 = app.one(COUNT).await.parse().unwrap();

        // Without its record a change does not happen: both or neither.
        app.sql("REVOKE INSERT ON audit_events FROM pyairtable_app, pyairtable_system").await;
        let rows = app.all_rows().await;
        send(client, method.clone(), &path, Some(&body)).await.expect(500);
        assert_eq!(app.all_rows().await, rows, "{action} without a record");
        app.sql("GRANT INSERT ON audit_events TO pyairtable_app, pyairtable_system").await;

        let answer = send(client, method, &path, Some(&body)).await;
        assert!(answer.status.is_success(), "{action}: {}", answer.body);
        let after: i64 = app.one(COUNT).await.parse().unwrap();
        assert_eq!(after - before, 1, "{action}");
        let last =
            "SELECT action FROM audit_events WHERE id = (SELECT id FROM audit_events ORDER BY ctid DESC LIMIT 1)";
        assert_eq!(app.one(last).await, action);
    }
    app.clock.advance(jiff::SignedDuration::from_hours(30 * 24));
    app.sql("UPDATE invitations SET status = 'pending' WHERE email = 'z@example.com'").await;
    let before: i64 = app.one(COUNT).await.parse().unwrap();
    app.app.tenants.expire_invitations(&app.cx()).await.unwrap();
    assert_eq!(app.one(COUNT).await.parse::<i64>().unwrap() - before, 1, "invitation.expired");
}

#[tokio::test]
async fn audit_never_holds_a_token_or_password() {
    let app = TestApp::new().await;
    let admin = app.admin("ada@example.com").await;
    let invited = invite(&admin, "new@example.com").await.expect(201);
    let path = format!("/tenants/{}/invitations/{}/resend", admin.tenant, invited.text("id"));
    let again = admin.http.post(&path).send().await.expect(200);
    let accepted = accept(&app, &again.text("token")).await.expect(201);
    let all = app.one("SELECT string_agg(e::text, ' ') FROM audit_events e").await;
    for secret in [&invited.text("token"), &again.text("token"), &accepted.text("refresh_token"), &PASSWORD.to_owned()]
    {
        assert!(!all.contains(secret), "{all}");
    }
}
