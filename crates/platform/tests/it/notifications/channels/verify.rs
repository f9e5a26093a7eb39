//! Codes.

use jiff::SignedDuration;
use serde_json::json;

use super::CHANNELS;
use crate::notifications::mail_server::MailServer;
use crate::support::TestApp;

#[tokio::test]
async fn verify_notification_channel_success() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    let path = ada.mailbox("ada@example.org").await;
    // Nothing but the code before.
    ada.note("Too early").await;
    app.send_mails().await;
    let mails = server.take();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!((mails[0].to.as_str(), mails[0].header("To").as_str()), ("ada@example.org", "ada@example.org"));
    let code = mails[0].code();
    let (first, last) = code.split_at(4);
    let verify =
        async |code: &str| ada.http.post(&format!("{path}/verify")).json(&json!({ "code": code })).send().await;
    let done = verify(&format!(" {first} {last} ")).await.expect(200);
    assert_eq!((&done.body["verified"], &done.body["verified_at"]), (&json!(true), &json!(app.now())));
    // It stays so.
    verify("00000000").await.expect(200);
    let again = ada.http.post(&format!("{path}/resend")).send().await;
    again.expect_error(409, "Channel verified", "CONFLICT");
    ada.note("Hello").await;
    app.send_mails().await;
    assert_eq!(server.take()[0].header("Subject"), "Hello");
    let shown = ada.http.get(&path).send().await.expect(200);
    assert_eq!((&shown.body["last_sent_at"], &shown.body["last_error"]), (&json!(app.now()), &json!(null)));
}

#[tokio::test]
async fn verify_notification_channel_gives_five_tries_and_fifteen_minutes() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    let path = ada.mailbox("ada@example.org").await;
    app.send_mails().await;
    let code = server.take().pop().unwrap().code();
    let verify =
        async |code: &str| ada.http.post(&format!("{path}/verify")).json(&json!({ "code": code })).send().await;
    let wrong = if code == "00000000" { "00000001" } else { "00000000" };
    for _ in 0..5 {
        verify(wrong).await.expect_error(400, "Invalid input", "VALIDATION_ERROR");
    }
    verify(&code).await.expect_error(409, "Code expired", "CONFLICT");

    let resend = async || {
        ada.http.post(&format!("{path}/resend")).send().await.expect(202);
        app.send_mails().await;
        server.take().pop().unwrap().code()
    };
    let old = resend().await;
    app.clock.advance(SignedDuration::from_secs(1));
    let new = resend().await;
    verify(&old).await.expect(400);
    app.clock.advance(SignedDuration::from_mins(15));
    let ada = app.login("ada@example.com").await;
    let verify =
        async |code: &str| ada.http.post(&format!("{path}/verify")).json(&json!({ "code": code })).send().await;
    verify(&new).await.expect_error(409, "Code expired", "CONFLICT");
    ada.http.post(&format!("{path}/resend")).send().await.expect(202);
    app.send_mails().await;
    verify(&server.take().pop().unwrap().code()).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn verify_notification_channel_counts_guesses_that_come_at_once() {
    let app = TestApp::new().await;
    let (ada, ..) = app.cast().await;
    for round in 0..10 {
        let path = ada.mailbox(&format!("ada{round}@example.org")).await;
        let guesses: Vec<_> = (0..20)
            .map(|guess| {
                let request = ada.http.post(&format!("{path}/verify")).json(&json!({ "code": format!("{guess:08}") }));
                tokio::spawn(async move { request.send().await.status.as_u16() })
            })
            .collect();
        let mut wrong = 0;
        for guess in guesses {
            wrong += usize::from(guess.await.unwrap() == 400);
        }
        assert_eq!(wrong, 5, "round {round}");
        ada.http.delete(&path).send().await.expect(204);
        app.sql("UPDATE notification_channel_codes SET created_at = created_at - interval '1 hour'").await;
    }
}

#[tokio::test]
async fn resend_notification_channel_code_sends_ten_an_hour_whatever_became_of_the_channel() {
    let app = TestApp::new().await;
    let (ada, grace, _) = app.cast().await;
    for round in 0..10 {
        let path = ada.mailbox("victim@example.org").await;
        assert_eq!(app.one("SELECT count(*) FROM notification_channel_codes").await, (round + 1).to_string());
        ada.http.delete(&path).send().await.expect(204);
    }
    let body = json!({ "type": "email", "address": "victim@example.org" });
    let refused = ada.http.post(CHANNELS).json(&body).send().await;
    let refused = refused.expect_error(429, "Rate limit exceeded", "RATE_LIMITED");
    assert_eq!(refused.headers["retry-after"], "3600");
    // Somebody else's ten are their own.
    grace.mailbox("victim@example.org").await;
    app.clock.advance(SignedDuration::from_hours(1));
    app.login("ada@example.com").await.mailbox("victim@example.org").await;
}

#[tokio::test]
async fn create_notification_channel_of_the_accounts_verified_address_needs_no_code() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, grace, _) = app.cast().await;
    app.sql("UPDATE users SET email_verified = email = 'ada@example.com'").await;
    let made = ada.http.post(CHANNELS).json(&json!({ "type": "email" })).send().await.expect(201);
    assert_eq!((made.text("address").as_str(), &made.body["verified"]), ("ada@example.com", &json!(true)));
    let made = grace.http.post(CHANNELS).json(&json!({ "type": "email" })).send().await.expect(201);
    assert_eq!((made.text("address").as_str(), &made.body["verified"]), ("grace@example.com", &json!(false)));
    // Nobody else's address, verified or not.
    let body = json!({ "type": "email", "address": "ada@example.com" });
    let made = grace.http.post(CHANNELS).json(&body).send().await.expect(201);
    assert_eq!(made.body["verified"], false);
}

#[tokio::test]
async fn codes_are_read_in_no_table() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    ada.mailbox("ada@example.org").await;
    let tables = "SELECT (SELECT string_agg(m::text, '') FROM notification_mails m)
        || (SELECT string_agg(c::text, '') FROM notification_channel_codes c) || (SELECT string_agg(j::text, '') FROM jobs j)";
    let before = app.one(tables).await;
    app.send_mails().await;
    let code = server.take().pop().unwrap().code();
    let (first, last) = code.split_at(4);
    for text in [code.clone(), format!("{first} {last}"), code.bytes().map(|byte| format!("{byte:02x}")).collect()] {
        assert!(!before.contains(&text), "{text}");
    }
    assert_eq!(app.one("SELECT content IS NULL FROM notification_mails").await, "true");
}
