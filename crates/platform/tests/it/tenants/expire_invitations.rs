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

/// Overdue invitations as if made by the program: more than one transaction marks.
async fn overdue(app: &TestApp, tenant: &str, count: i32) {
    app.sql(&format!(
        "INSERT INTO invitations (id, tenant_id, email, role, status, token_hash, created_at, updated_at, expires_at)
         SELECT gen_random_uuid(), '{tenant}', 'late' || n || '@example.com', 'user', 'pending',
             sha256(('{tenant}' || n)::bytea), now, now, now + interval '1 day'
         FROM generate_series(1, {count}) n, (SELECT '2026-01-01T00:00:00Z'::timestamptz AS now) then_"
    ))
    .await;
}

/// How many records say that an invitation expired, and of how many invitations.
const RECORDS: &str = "SELECT count(*) || ' of ' || count(DISTINCT resource_id) FROM audit_events
    WHERE action = 'invitation.expired'";

#[tokio::test]
async fn expire_invitations_success_takes_many_in_batches() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    overdue(&app, &admin.tenant, 250).await;
    overdue(&app, &stranger.tenant, 1).await;
    assert_eq!(app.app.tenants.expire_invitations(&app.cx()).await.unwrap(), 251);
    assert_eq!(app.one("SELECT count(*) FROM invitations WHERE status = 'expired'").await, "251");
    assert_eq!(app.one(RECORDS).await, "251 of 251");
    // Batches are transactions of their own, so no tenant is locked for long.
    let batches = "SELECT count(DISTINCT xmin::text) FROM audit_events WHERE action = 'invitation.expired'";
    assert_eq!(app.one(batches).await, "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn expire_invitations_repeated_by_two_replicas_at_once_records_each_once() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    let other = TestApp::on(app.db.clone(), |_| {});
    for round in 1..=10 {
        app.sql("DELETE FROM invitations").await;
        overdue(&app, &admin.tenant, 150).await;
        overdue(&app, &stranger.tenant, 20).await;
        let runs: Vec<_> = [&app.app.tenants, &other.app.tenants, &app.app.tenants, &other.app.tenants]
            .map(|tenants| {
                let (tenants, cx) = (std::sync::Arc::clone(tenants), app.cx());
                tokio::spawn(async move { tenants.expire_invitations(&cx).await.unwrap() })
            })
            .into();
        let mut expired = 0;
        for run in runs {
            expired += run.await.unwrap();
        }
        assert_eq!(expired, 170, "round {round}");
        assert_eq!(app.one(RECORDS).await, format!("{0} of {0}", 170 * round), "round {round}");
    }
}

#[tokio::test]
async fn expire_invitations_conflict_with_one_tenant_leaves_the_others_expired() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    overdue(&app, &admin.tenant, 1).await;
    overdue(&app, &stranger.tenant, 1).await;
    let blocker = app.db.superuser().await;
    let lock = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('tenant:";
    blocker.batch_execute(&format!("{lock}{}', 0))", admin.tenant)).await.unwrap();
    app.app.tenants.expire_invitations(&app.cx()).await.unwrap_err();
    let pending = "SELECT tenant_id FROM invitations WHERE status = 'pending'";
    assert_eq!(app.one(pending).await, admin.tenant);
    blocker.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(app.app.tenants.expire_invitations(&app.cx()).await.unwrap(), 1);
}
