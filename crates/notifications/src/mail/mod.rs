//! Sending mail: what a mail is, and the ways it can leave. Nothing here knows the database.

mod file;
mod server;

use std::path::PathBuf;

use jiff::Timestamp;
use kernel::Redacted;
use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use uuid::Uuid;

use crate::templates::Mail;

use server::Connections;
pub use server::MailServer;

/// Where mails go.
pub enum MailTransport {
    /// Into files of this directory, for whoever develops.
    Files(PathBuf),
    /// To a server.
    Server(Box<MailServer>),
}

/// Why a mail did not leave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    /// Whether it would fail again.
    pub(crate) for_good: bool,
}

impl Failure {
    fn for_good(message: &impl ToString) -> Self {
        Self { message: message.to_string(), for_good: true }
    }

    fn for_now(message: &impl ToString) -> Self {
        Self { message: message.to_string(), for_good: false }
    }
}

/// Sends mails.
pub(crate) struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Files(PathBuf),
    Server(Connections),
}

impl Mailer {
    pub(crate) fn new(from: Mailbox, transport: MailTransport) -> Self {
        let way = match transport {
            MailTransport::Files(directory) => Way::Files(directory),
            MailTransport::Server(server) => Way::Server(server.connections()),
        };
        Self { from, way }
    }

    /// Hands a mail over. However often that is tried, it carries the same `Message-ID`, so that a receiver that looks
    /// at it shows it once.
    pub(crate) async fn send(&self, to: &str, id: Uuid, at: Timestamp, mail: &Mail) -> Result<(), Failure> {
        let message = self.compose(to, id, at, mail)?;
        match &self.way {
            Way::Files(directory) => file::write(directory, at, id, message.formatted()).await,
            Way::Server(connections) => connections.send(message).await,
        }
    }

    fn compose(&self, to: &str, id: Uuid, at: Timestamp, mail: &Mail) -> Result<Message, Failure> {
        let domain = self.from.email.domain();
        // A line of its own is the only thing a subject must not begin.
        let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Message::builder()
            .from(self.from.clone())
            .to(to.parse().map_err(|error| Failure::for_good(&error))?)
            .subject(subject)
            .date(at.into())
            .message_id(Some(format!("<{id}@{domain}>")))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| Failure::for_good(&error))
    }
}

/// Keeps holiday replies and other robots from answering (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Whom mails come from, as `Name <address>` or an address alone.
pub type MailSender = Mailbox;

/// Reads `MAIL_FROM`.
pub fn sender(text: &str) -> Result<MailSender, String> {
    text.parse().map_err(|_| "it is no e-mail address that can be understood".to_owned())
}

/// As a secret, since passwords stand in it.
pub fn server(url: &Redacted<String>) -> Result<MailServer, String> {
    MailServer::parse(url.expose())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str) -> Mail {
        Mail { subject: subject.to_owned(), text: "Grüße\n".to_owned(), html: "<p>Grüße</p>".to_owned() }
    }

    fn compose(to: &str, subject: &str) -> Result<String, Failure> {
        let mailer = Mailer::new(
            sender("PyAirtable <no-reply@example.com>").unwrap(),
            MailTransport::Files("/does/not/exist".into()),
        );
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        let message = mailer.compose(to, Uuid::from_u128(7), at, &mail(subject))?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn a_mail_says_who_when_and_which_one_it_is() {
        let mail = compose("ada@example.org", "Hello").unwrap();
        for line in [
            "From: PyAirtable <no-reply@example.com>\r\n",
            "To: ada@example.org\r\n",
            "Subject: Hello\r\n",
            "Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: multipart/alternative",
        ] {
            assert!(mail.contains(line), "{line} in {mail}");
        }
    }

    #[test]
    fn no_subject_adds_a_header() {
        let mail = compose("ada@example.org", "Hello\r\nBcc: eve@example.org\n\u{2028}x").unwrap();
        assert!(!mail.lines().any(|line| line.starts_with("Bcc")), "{mail}");
    }

    #[test]
    fn a_recipient_is_one_address() {
        for bad in ["ada@example.org, eve@example.org", "ada@example.org\r\nBcc: eve@example.org", "ada", ""] {
            assert!(compose(bad, "Hello").is_err_and(|failure| failure.for_good), "{bad:?}");
        }
    }
}
