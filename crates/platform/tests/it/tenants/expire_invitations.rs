//! The job that marks invitations which time has ended.

use serde_json::json;

use super::{accept, invite};
use crate::support::TestApp;

#[tokio::test]
async fn expire_invitations_success_marks_what_is_overdue_and_nothing_else() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let old = invite(&admin, "old@example.com").await.expect(201);
    invite(&stranger, "old@example.com").await.expect(201);
    let revoked = invite(&admin, "revoked@example.com").await.expect(201);
    admin
        .http
        .delete(&format!("/tenants/{}/invitations/{}", admin.tenant, revoked.text("id")))
        .send()
        .await
        .expect(204);
    app.clock.advance(jiff::SignedDuration::from_hours(6 * 24));
    let admin = app.login(&admin.email).await;
    let fresh = invite(&admin, "fresh@example.com").await.expect(201);
    app.clock.advance(jiff::SignedDuration::from_hours(24) - jiff::SignedDuration::from_micros(1));
    assert_eq!(app.app.tenants.expire_invitations(&app.cx()).await.unwrap(), 0);
    app.clock.advance(jiff::SignedDuration::from_micros(1));
    assert_eq!(app.app.tenants.expire_invitations(&app.cx()).await.unwrap(), 2);
    assert_eq!(app.app.tenants.expire_invitations(&app.cx()).await.unwrap(), 0, "once");

    let states = "SELECT string_agg(email || ' ' || status, ', ' ORDER BY email, tenant_id) FROM invitations";
    assert_eq!(
        app.one(states).await,
        "fresh@example.com pending, old@example.com expired, old@example.com expired, revoked@example.com revoked"
    );
    for tenant in [&admin.tenant, &stranger.tenant] {
        let expired: Vec<_> =
            app.trail(tenant).await.into_iter().filter(|record| record["action"] == "invitation.expired").collect();
        assert_eq!(expired.len(), 1);
        assert_eq!(expired[0]["changes"], json!({ "status": { "old": "pending", "new": "expired" } }));
    }
    accept(&app, &old.text("token")).await.expect_error(409, "Invitation is expired", "CONFLICT");
    accept(&app, &fresh.text("token")).await.expect(201);
}
