//! Mail servers over TLS, talked to by the program as a process that trusts one authority as its operator told it to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::CHANNELS;
use crate::certificates::{acceptor, authority, certificate};
use crate::notifications::mail_server::{MailServer, Tls};
use crate::process::{Process, request, request_with};
use crate::support::PASSWORD;

/// Adds a mailbox with the program that has this mail server; what the channel looks like after the first attempt.
fn first_attempt(smtp_url: &str, roots: &str) -> Value {
    let data = tempfile::tempdir().unwrap();
    let environment =
        [("SSL_CERT_FILE", roots), ("SMTP_URL", smtp_url), ("MAIL_FROM", "PyAirtable <no-reply@example.com>")];
    let process = Process::start_with(data.path(), &environment);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "first_name": "A", "last_name": "L" });
    let (_, ada) = request(process.public, "POST", "/auth/register", Some(&body)).unwrap();
    let token = format!("Bearer {}", ada["access_token"].as_str().unwrap());
    let headers = [("Authorization", token.as_str())];
    let made = request_with(process.public, "POST", CHANNELS, &headers, Some(&json!({ "type": "email" }))).unwrap().1;
    let path = format!("{CHANNELS}/{}", made["id"].as_str().unwrap_or_else(|| panic!("{made}")));
    let began = Instant::now();
    loop {
        let (_, channel) = request_with(process.public, "GET", &path, &headers, None).unwrap();
        if !channel["last_sent_at"].is_null() || !channel["last_error"].is_null() {
            return channel;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{channel}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn passwords_and_mails_are_shown_to_the_right_server_only() {
    let (trusted, unknown) = (authority("An authority"), authority("Another authority"));
    let directory = tempfile::tempdir().unwrap();
    let roots = directory.path().join("roots.pem");
    std::fs::write(&roots, trusted.pem()).unwrap();
    let attempt = |scheme: &str, port: u16| {
        let (url, roots) = (format!("{scheme}://ada:p%40ss@localhost:{port}?tls=required"), roots.clone());
        tokio::task::spawn_blocking(move || first_attempt(&url, roots.to_str().unwrap()))
    };
    let good = || acceptor(&certificate("localhost"), Some(&trusted));
    for (scheme, tls) in [("smtps", Tls::FromTheStart(good())), ("smtp", Tls::WhenAsked(good()))] {
        let server = MailServer::with(tls).await;
        let channel = attempt(scheme, server.port).await.unwrap();
        assert_eq!((channel["last_error"].as_str(), server.arrived().len()), (None, 1), "{scheme}: {channel}");
        assert!(server.lines().iter().any(|line| line.starts_with("AUTH ")), "{:?}", server.lines());
    }
    let forged = || acceptor(&certificate("localhost"), Some(&unknown));
    let other = || acceptor(&certificate("example.com"), Some(&trusted));
    for (scheme, tls) in [
        ("smtps", Tls::FromTheStart(forged())),
        ("smtps", Tls::FromTheStart(other())),
        ("smtp", Tls::WhenAsked(forged())),
        // Whoever sits in between leaves the offer out.
        ("smtp", Tls::Never),
    ] {
        let server = MailServer::with(tls).await;
        let channel = attempt(scheme, server.port).await.unwrap();
        assert!(channel["last_error"].is_string() && channel["last_sent_at"].is_null(), "{scheme}: {channel}");
        assert!(server.arrived().is_empty());
        let said = server.lines().into_iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL"));
        assert!(!said, "{scheme}: {:?}", server.lines());
    }
}
