//! `POST /notifications/system`

use std::time::Duration;

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::json;

use super::{MISSING, refusals, text};
use crate::support::{Person, TestApp};

const PATH: &str = "/notifications/system";

async fn announce(root: &Person, title: &str) -> String {
    root.http.post(PATH).json(&text(title)).send().await.expect(202).text("id")
}

/// Tenants with one account each, numbered from 1.
async fn old_tenants(app: &TestApp, count: i32) {
    for n in 1..=count {
        app.old_people(&format!("10000000-0000-4000-8000-{n:012}"), n, 1).await;
    }
}

/// How often each of the old tenants' people was told, as least and most.
async fn told(app: &TestApp) -> String {
    app.one(
        "SELECT count(*) || ' people, ' || coalesce(min(told), 0) || ' to ' || coalesce(max(told), 0) || ' times' FROM
            (SELECT count(*) AS told FROM user_notifications WHERE title = 'Hello all' GROUP BY user_id) counted",
    )
    .await
}

#[tokio::test]
async fn create_system_notification_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::POST, PATH, Some(text("x"))).logged_out(MISSING).await;
}

#[tokio::test]
async fn create_system_notification_forbidden_role() {
    let app = TestApp::new().await;
    let (ada, grace, _) = app.cast().await;
    let refusals = refusals(&app, Method::POST, PATH, Some(text("x")));
    refusals.expect(&ada.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    refusals.expect(&grace.http, 403, "Insufficient permissions", "FORBIDDEN").await;
    let before = app.all_rows().await;
    let service = || app.internal(Method::POST, PATH).json(&text("x"));
    service().send().await.expect(403);
    service().header("x-tenant-id", &ada.tenant).header("x-user-id", &ada.id).send().await.expect(403);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn create_system_notification_invalid_body() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let mut past = text("x");
    past["expires_at"] = json!("2020-01-01T00:00:00Z");
    for body in [text(""), json!({}), past] {
        root.http.post(PATH).json(&body).send().await.expect_error(400, "Invalid input", "VALIDATION_ERROR");
    }
    assert_eq!(app.one("SELECT count(*) FROM jobs WHERE kind = 'system_announcement'").await, "0");
}

#[tokio::test]
async fn create_system_notification_success() {
    let app = TestApp::new().await;
    let (ada, grace, eve) = app.cast().await;
    let root = app.super_admin().await;
    let suspended = app.admin("suspended@example.org").await;
    let deleted = app.admin("deleted@example.org").await;
    root.http.post(&format!("/tenants/{}/suspend", suspended.tenant)).send().await.expect(200);
    root.http.delete(&format!("/tenants/{}?force=true", deleted.tenant)).send().await.expect(204);
    app.tell_of_events().await;
    let answer = root.http.post("/api/v1/notifications/system").json(&text("Hello all")).send().await.expect(202);
    app.spread_announcements().await;
    app.tell_of_events().await;
    for person in [&ada, &grace, &eve, &root] {
        assert_eq!(person.titles().await, ["Hello all"], "{}", person.email);
    }
    assert_eq!(told(&app).await, "4 people, 1 to 1 times");
    let record = "SELECT action || ' ' || resource_id || ' ' || changes::text FROM audit_events
        WHERE resource_type = 'announcement' AND tenant_id = '";
    let expected = format!(
        r#"system_announcement.published {} {{"title":{{"new":"Hello all","old":null}},"type":{{"new":"system_update","old":null}}}}"#,
        answer.text("id")
    );
    assert_eq!(app.one(&format!("{record}{}'", root.tenant)).await, expected);
    assert_eq!(app.one("SELECT count(*) FROM audit_events WHERE resource_type = 'announcement'").await, "1");
}

#[tokio::test]
async fn create_system_notification_reaches_more_tenants_than_fit_into_one_step() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    let people = "INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id)
        SELECT gen_random_uuid(), 'p' || n || '@example.com', '!', 'F', 'L', 'user', gen_random_uuid()
        FROM generate_series(1, 1100) n";
    app.sql(people).await;
    announce(&root, "Hello all").await;
    let mut steps = 0;
    while app.app.notifications.spread(&app.cx()).await.unwrap() > 0 {
        steps += 1;
    }
    assert_eq!(steps, 4, "three with tenants, and one that finds no more");
    app.tell_of_events().await;
    assert_eq!(told(&app).await, "1101 people, 1 to 1 times");
}

#[tokio::test]
async fn create_system_notification_survives_a_crash_in_the_middle() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    old_tenants(&app, 20).await;
    announce(&root, "Hello all").await;
    // Taken, and the worker died: in the middle of its transaction or before, which leaves the same behind.
    let lease = Duration::from_secs(30);
    let taken = app.pool().take(&app.cx(), "system_announcement", 10, lease).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(app.app.notifications.spread(&app.cx()).await.unwrap(), 0, "it is another's as long as the lease");
    app.clock.advance(SignedDuration::from_secs(31));
    // Another takes over.
    assert_eq!(app.app.notifications.spread(&app.cx()).await.unwrap(), 1);
    // The first worker was only slow: it finds that the job is no longer its own, and all it did is undone.
    let late = app.pool().begin_system(&app.cx(), "a test").await.unwrap();
    assert!(matches!(late.finish(&taken[0]).await, Err(db::Error::LeaseLost)));
    drop(late);
    app.spread_announcements().await;
    app.tell_of_events().await;
    app.tell_of_events().await;
    assert_eq!(told(&app).await, "21 people, 1 to 1 times");
}

#[tokio::test]
async fn create_system_notification_fails_as_a_whole_and_is_tried_again() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    old_tenants(&app, 20).await;
    announce(&root, "Hello all").await;
    // The database refuses in the middle of a step: ten tenants have their event by then.
    app.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT count(*) FROM jobs WHERE kind = 'event' AND payload::text LIKE '%Hello all%') >= 10 THEN
                 RAISE EXCEPTION 'disk full';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    let events = "SELECT count(*) FROM jobs WHERE payload::text LIKE '%announcement%' AND kind = 'event'";
    assert_eq!(app.app.notifications.spread(&app.cx()).await.unwrap(), 1);
    assert_eq!(app.one(events).await, "0", "nothing of a step that failed stays");
    assert_eq!(app.app.notifications.spread(&app.cx()).await.unwrap(), 0, "it waits its turn");
    app.sql("DROP TRIGGER refuse ON jobs").await;
    app.clock.advance(SignedDuration::from_secs(2));
    app.spread_announcements().await;
    app.tell_of_events().await;
    assert_eq!(told(&app).await, "21 people, 1 to 1 times");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn create_system_notification_is_passed_on_by_many_workers_once() {
    let app = TestApp::new().await;
    let root = app.super_admin().await;
    old_tenants(&app, 20).await;
    announce(&root, "Hello all").await;
    let (cx, notifications) = (app.cx(), &app.app.notifications);
    futures_util::future::join_all((0..8).map(|_| async {
        for _ in 0..3 {
            notifications.spread(&cx).await.unwrap();
            notifications.dispatch(&cx).await.unwrap();
        }
    }))
    .await;
    app.spread_announcements().await;
    app.tell_of_events().await;
    assert_eq!(told(&app).await, "21 people, 1 to 1 times");
}
