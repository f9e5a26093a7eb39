//! Addresses: whose they are, how that is shown, and what is sent to them.

mod access;
mod mails;
mod tls;
mod verify;
mod webhook;

use serde_json::json;

use super::mail_server::MailServer;
use crate::support::{Person, TestApp};

const CHANNELS: &str = "/notifications/channels";

impl Person {
    /// Adds a mailbox; returns its path.
    async fn mailbox(&self, address: &str) -> String {
        let body = json!({ "type": "email", "address": address });
        let made = self.http.post(CHANNELS).json(&body).send().await.expect(201);
        assert_eq!(made.body["verified"], false);
        format!("{CHANNELS}/{}", made.text("id"))
    }

    /// Adds a mailbox and repeats the code that was sent to it; returns its path.
    pub(super) async fn verified_mailbox(&self, app: &TestApp, server: &MailServer, address: &str) -> String {
        let path = self.mailbox(address).await;
        app.send_mails().await;
        let code = server.take().pop().unwrap().code();
        self.http.post(&format!("{path}/verify")).json(&json!({ "code": code })).send().await.expect(200);
        path
    }
}
