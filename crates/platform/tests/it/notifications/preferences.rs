//! What people want to be told of, and that they are told of nothing else.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::mail_server::MailServer;
use super::text;
use crate::support::{Person, TestApp};

const OWN: &str = "/notifications/preferences";
const DEFAULTS: &str = "/notifications/preferences/defaults";

async fn want(person: &Person, change: Value) -> Value {
    person.http.put(OWN).json(&change).send().await.expect(200).body
}

#[tokio::test]
async fn get_notification_preferences_success() {
    let app = TestApp::new().await;
    let (_, grace, _) = app.cast().await;
    let answer = grace.http.get(OWN).send().await.expect(200);
    insta::assert_json_snapshot!(answer.body);
    app.sql("UPDATE user_profiles SET preferences = '{\"language\": \"de-at\"}'").await;
    assert_eq!(grace.http.get(OWN).send().await.expect(200).text("locale"), "de-AT");
}

#[tokio::test]
async fn update_notification_preferences_and_reset_notification_preferences_success() {
    let app = TestApp::new().await;
    let (ada, grace, _) = app.cast().await;
    let change = json!({ "categories": { "workspaces": { "email": false } }, "digest": "daily", "locale": "de" });
    ada.http.put(DEFAULTS).json(&change).send().await.expect(200);
    let change = json!({ "categories": { "workspaces": { "in_app": false } }, "digest": "weekly" });
    let after = want(&grace, change).await;
    let workspaces = json!({ "in_app": false, "email": false, "webhook": true });
    assert_eq!((&after["categories"]["workspaces"], after["digest"].as_str()), (&workspaces, Some("weekly")));
    assert_eq!(after["locale"], "de");
    assert_eq!(want(&grace, json!({ "digest": null })).await["digest"], "daily");
    let before = app.all_rows().await;
    want(&grace, json!({})).await;
    assert_eq!(app.all_rows().await, before, "what changes nothing writes nothing");
    let back = grace.http.delete(OWN).send().await.expect(200);
    assert_eq!(back.body, grace.http.get(OWN).send().await.expect(200).body);
    assert_eq!(back.body["categories"]["workspaces"], json!({ "in_app": true, "email": false, "webhook": true }));
    ada.http.delete(DEFAULTS).send().await.expect(200);
    assert_eq!(app.one("SELECT count(*) FROM notification_preferences").await, "0");
}

#[tokio::test]
async fn update_notification_preferences_invalid_body() {
    let app = TestApp::new().await;
    let (ada, ..) = app.cast().await;
    let before = app.all_rows().await;
    for path in [OWN, DEFAULTS] {
        for (change, field) in [
            (json!({ "digest": "hourly" }), "digest"),
            (json!({ "categories": { "security": { "in_app": false } } }), "categories"),
            (json!({ "time_zone": "Berlin" }), "time_zone"),
            (json!({ "colour": "red" }), "preferences"),
        ] {
            let answer = ada.http.put(path).json(&change).send().await.expect(400);
            assert_eq!(answer.body["details"][0]["field"], field, "{}", answer.body);
        }
        ada.http.put(path).json(&json!([])).send().await.expect(400);
    }
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn get_notification_preferences_and_update_notification_preferences_and_reset_notification_preferences_logged_out()
 {
    let app = TestApp::new().await;
    app.http.get(OWN).send().await.expect(401);
    app.http.put(OWN).json(&json!({ "digest": "daily" })).send().await.expect(401);
    app.http.delete(OWN).send().await.expect(401);
}

#[tokio::test]
async fn get_notification_defaults_and_update_notification_defaults_and_reset_notification_defaults_logged_out() {
    let app = TestApp::new().await;
    app.http.get(DEFAULTS).send().await.expect(401);
    app.http.put(DEFAULTS).json(&json!({ "digest": "daily" })).send().await.expect(401);
    app.http.delete(DEFAULTS).send().await.expect(401);
}

#[tokio::test]
async fn get_notification_defaults_and_update_notification_defaults_and_reset_notification_defaults_forbidden_role() {
    let app = TestApp::new().await;
    let (_, grace, _) = app.cast().await;
    let before = app.all_rows().await;
    grace.http.get(DEFAULTS).send().await.expect(403);
    grace.http.put(DEFAULTS).json(&json!({ "digest": "daily" })).send().await.expect(403);
    grace.http.delete(DEFAULTS).send().await.expect(403);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn get_notification_preferences_and_update_notification_preferences_and_reset_notification_preferences_other_tenant()
 {
    let app = TestApp::new().await;
    let (_, grace, eve) = app.cast().await;
    want(&eve, json!({ "digest": "weekly" })).await;
    assert_eq!(grace.http.get(OWN).send().await.expect(200).text("digest"), "never");
    eve.http.delete(OWN).send().await.expect(200);
}

#[tokio::test]
async fn get_notification_defaults_and_update_notification_defaults_and_reset_notification_defaults_other_tenant() {
    let app = TestApp::new().await;
    let (ada, grace, eve) = app.cast().await;
    ada.http.put(DEFAULTS).json(&json!({ "digest": "weekly" })).send().await.expect(200);
    assert_eq!(eve.http.get(DEFAULTS).send().await.expect(200).text("digest"), "never");
    eve.http.delete(DEFAULTS).send().await.expect(200);
    assert_eq!(grace.http.get(OWN).send().await.expect(200).text("digest"), "weekly");
}

#[tokio::test]
async fn nobody_is_told_what_they_do_not_want_to_be_told() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, grace, _) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    grace.verified_mailbox(&app, &server, "grace@example.org").await;
    want(&grace, json!({ "categories": { "announcements": { "in_app": false } } })).await;
    want(&ada, json!({ "categories": { "announcements": { "email": false } } })).await;
    ada.http.post("/notifications/bulk").json(&text("Party")).send().await.expect(202);
    app.tell_of_events().await;
    app.send_mails().await;
    assert_eq!((ada.titles().await, grace.titles().await), (vec!["Party".to_owned()], vec![]));
    assert_eq!(server.take().iter().map(|mail| mail.to.clone()).collect::<Vec<_>>(), ["grace@example.org"]);
    // Whoever tells one person something has it shown, and is answered with it.
    want(&grace, json!({ "categories": { "other": { "in_app": false } } })).await;
    grace.note("Remember").await;
    assert_eq!(grace.titles().await, ["Remember"]);
}

#[tokio::test]
async fn mails_wait_for_the_morning_and_warnings_do_not() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    // It is noon, UTC.
    let quiet = json!({ "enabled": true, "start": "11:00", "end": "13:30" });
    want(&ada, json!({ "quiet_hours": quiet, "digest": "never" })).await;
    ada.note("Later").await;
    assert_eq!(app.send_mails().await, 0);
    let change = json!({ "current_password": crate::support::PASSWORD, "new_password": "another horse battery" });
    ada.http.post("/auth/change-password").json(&change).send().await.expect(200);
    app.tell_of_events().await;
    app.send_mails().await;
    assert_eq!(server.take()[0].header("Subject"), "Your password was changed");
    app.clock.advance(SignedDuration::from_mins(90));
    app.send_mails().await;
    assert_eq!(server.take()[0].header("Subject"), "Later");
}

#[tokio::test]
async fn a_digest_is_one_mail_of_everything_and_there_is_none_of_nothing() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    want(&ada, json!({ "digest": "daily", "time_zone": "Europe/Berlin" })).await;
    for title in ["One", "Two", "Three"] {
        ada.note(title).await;
        app.clock.advance(SignedDuration::from_secs(1));
    }
    let write = async || app.app.notifications.write_digests(&app.cx()).await.unwrap();
    assert_eq!((write().await, app.send_mails().await), (0, 0));
    app.clock.advance(SignedDuration::from_hours(19));
    assert_eq!((write().await, app.send_mails().await), (1, 1));
    let mail = server.take().pop().unwrap();
    assert_eq!(mail.header("Subject"), "Your daily summary: 3 notifications");
    let places: Vec<_> = ["One", "Two", "Three"].iter().map(|title| mail.raw.find(title).unwrap()).collect();
    assert!(places.is_sorted(), "{}", mail.raw);
    app.clock.advance(SignedDuration::from_hours(24));
    assert_eq!((write().await, app.send_mails().await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn digests_lose_and_double_nothing_while_others_write() {
    let server = MailServer::start().await;
    let app = std::sync::Arc::new(server.app().await);
    let (ada, ..) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    want(&ada, json!({ "digest": "daily" })).await;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let http = ada.http.clone();
            tokio::spawn(async move {
                for number in 0..25 {
                    http.post("/notifications").json(&text(&format!("w{writer}n{number}e"))).send().await.expect(201);
                }
            })
        })
        .collect();
    // Digests that are due at once, so that they are written while lines are added.
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let (app, done) = (std::sync::Arc::clone(&app), std::sync::Arc::clone(&done));
            tokio::spawn(async move {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    app.sql("UPDATE jobs SET run_at = created_at WHERE kind = 'digest' AND lease IS NULL").await;
                    app.app.notifications.write_digests(&app.cx()).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    app.sql("UPDATE jobs SET run_at = created_at").await;
    app.app.notifications.write_digests(&app.cx()).await.unwrap();
    app.send_mails().await;
    let mails = server.take();
    assert!(mails.len() > 1, "{}", mails.len());
    for writer in 0..4 {
        for number in 0..25 {
            let title = format!("w{writer}n{number}e");
            let with = mails.iter().filter(|mail| mail.raw.contains(&title)).count();
            assert_eq!(with, 1, "{title}");
        }
    }
    let left = "SELECT (SELECT count(*) FROM notification_digest_items) + (SELECT count(*) FROM notification_digests)
        + (SELECT count(*) FROM jobs WHERE kind <> 'event')";
    assert_eq!(app.one(left).await, "0");
}
