//! What is mailed, how often, and what becomes of it.

use jiff::SignedDuration;
use serde_json::json;

use crate::notifications::mail_server::{MailServer, Reply};
use crate::notifications::text;

#[tokio::test]
async fn a_mail_is_written_by_the_transaction_of_what_it_tells_and_sent_once() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, grace, _) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    ada.verified_mailbox(&app, &server, "ada@example.net").await;
    grace.verified_mailbox(&app, &server, "grace@example.org").await;
    ada.http.post("/notifications/bulk").json(&text("Maintenance")).send().await.expect(202);
    assert_eq!(app.send_mails().await, 0);
    app.tell_of_events().await;
    assert_eq!(app.send_mails().await, 3);
    assert_eq!(app.send_mails().await, 0);
    let mails = server.take();
    let mut recipients: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    recipients.sort_unstable();
    assert_eq!(recipients, ["ada@example.net", "ada@example.org", "grace@example.org"]);
    for mail in &mails {
        assert_eq!(mail.header("From"), "PyAirtable <no-reply@example.com>");
        assert_eq!(mail.header("Subject"), "Maintenance");
        assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
        assert!(mail.raw.contains("Sunday, 02:00") && mail.raw.contains("text/html"), "{}", mail.raw);
    }
    assert_eq!(app.one("SELECT count(*) FROM jobs").await, "0");
}

#[tokio::test]
async fn what_is_not_taken_now_is_sent_later_and_what_never_is_not_again() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    let path = ada.verified_mailbox(&app, &server, "ada@example.org").await;
    server.replies(Reply::Later);
    ada.note("Hello").await;
    assert_eq!(app.send_mails().await, 1);
    let error = ada.http.get(&path).send().await.expect(200).text("last_error");
    assert!(error.contains("try again later"), "{error}");
    app.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(app.send_mails().await, 1);
    assert_eq!(server.take().len(), 1);
    let ada = app.login("ada@example.com").await;
    assert_eq!(ada.http.get(&path).send().await.expect(200).body["last_error"], json!(null));

    server.replies(Reply::Never);
    ada.note("Again").await;
    app.send_mails().await;
    app.clock.advance(SignedDuration::from_hours(48));
    assert_eq!(app.send_mails().await, 0);
    let sql = "SELECT state || ' ' || attempts || ' ' || (content IS NULL) FROM notification_mails
        WHERE error IS NOT NULL";
    assert_eq!(app.one(sql).await, "dead 1 true");
}

#[tokio::test]
async fn a_mail_that_may_have_arrived_is_sent_again_as_the_same_mail() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    server.replies(Reply::TakeAndHangUp);
    ada.note("Hello").await;
    app.send_mails().await;
    app.clock.advance(SignedDuration::from_mins(1));
    app.send_mails().await;
    let mails = server.take();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
}

#[tokio::test]
async fn what_never_gets_through_is_given_up_after_a_day() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    ada.verified_mailbox(&app, &server, "ada@example.org").await;
    ada.note("Hello").await;
    let mut tried = 0;
    for _ in 0..20 {
        server.replies(Reply::Later);
        tried += app.send_mails().await;
        app.clock.advance(SignedDuration::from_hours(9));
    }
    assert_eq!(tried, 11);
    assert_eq!(app.one("SELECT count(*) FROM jobs WHERE kind = 'mail'").await, "0");
    app.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!(app.app.notifications.delete_old_mails(&app.cx()).await.unwrap(), 3);
}

#[tokio::test]
async fn what_was_to_be_sent_to_a_channel_goes_with_it() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    let one = ada.verified_mailbox(&app, &server, "one@example.org").await;
    let two = ada.verified_mailbox(&app, &server, "two@example.org").await;
    ada.note("Hello").await;
    ada.http.delete(&one).send().await.expect(204);
    ada.http.put(&two).json(&json!({ "is_active": false })).send().await.expect(200);
    app.send_mails().await;
    assert!(server.take().is_empty());
    ada.note("Again").await;
    assert_eq!(app.send_mails().await, 0);
}

#[tokio::test]
async fn invited_people_get_a_mail_with_the_link_and_the_language_of_the_tenant() {
    let server = MailServer::start().await;
    let app = server.app().await;
    let (ada, ..) = app.cast().await;
    let invitations = format!("/tenants/{}/invitations", ada.tenant);
    let invited = ada.http.post(&invitations).json(&json!({ "email": "guest@example.org" })).send().await.expect(201);
    app.send_mails().await;
    let mail = server.take().pop().unwrap();
    assert_eq!(mail.to, "guest@example.org");
    assert!(mail.header("Subject").starts_with("Ada Lovelace invites you to"), "{}", mail.raw);
    let readable = mail.raw.replace("=\r\n", "").replace("=3D", "=");
    assert!(readable.contains(&format!("https://app.example.com/join?token={}", invited.text("token"))), "{readable}");

    let german = json!({ "locale": "de" });
    ada.http.put("/notifications/preferences/defaults").json(&german).send().await.expect(200);
    let again = format!("{invitations}/{}/resend", invited.text("id"));
    let token = ada.http.post(&again).send().await.expect(200).text("token");
    app.send_mails().await;
    let mail = server.take().pop().unwrap();
    let readable = mail.raw.replace("=\r\n", "");
    assert!(readable.contains(&token) && readable.contains("Einladung"), "{readable}");
    // The token is in no table any more, and never was in the event.
    assert_eq!(app.one("SELECT count(*) FROM notification_mails WHERE content IS NOT NULL").await, "0");
    assert_eq!(app.one(&format!("SELECT count(*) FROM jobs WHERE payload::text LIKE '%{token}%'")).await, "0");
}

#[tokio::test]
async fn without_a_server_mails_are_files_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mail");
    let server = MailServer::start().await;
    let app = crate::support::TestApp::with(|parts| {
        let transport = notifications::MailTransport::Files(path.clone());
        parts.mail = Some(notifications::MailConfig { transport, ..server.config() });
    })
    .await;
    let (ada, ..) = app.cast().await;
    ada.mailbox("ada@example.org").await;
    assert_eq!(app.send_mails().await, 1);
    let files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mail = std::fs::read_to_string(files[0].path()).unwrap();
    assert!(mail.contains("To: ada@example.org\r\n"), "{mail}");
}
