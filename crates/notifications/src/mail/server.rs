//! A mail server, as `SMTP_URL` names it.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::{AsyncSmtpTransportBuilder, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use url::{Host, Url};

use super::Failure;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take for a whole mail; shorter than a lease.
const LONGEST: Duration = Duration::from_secs(40);
/// As many connections as mails are sent at the same time.
const CONNECTIONS: u32 = 4;

/// Where mails are handed over.
#[derive(Clone)]
pub struct MailServer {
    builder: AsyncSmtpTransportBuilder,
    shown: String,
    encrypts: bool,
    here: bool,
}

impl MailServer {
    /// Reads a URL: `smtps://` for TLS from the first byte, `smtp://` for STARTTLS, which `?tls=` makes `required` (the
    /// default, but for this machine), `opportunistic` or `none`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut url = Url::parse(text).map_err(|_| "it is no URL that can be understood")?;
        if !matches!(url.scheme(), "smtp" | "smtps") {
            return Err("it must begin with smtp:// or smtps://".to_owned());
        }
        // To `url`, hosts of schemes it does not know are texts.
        let Some(host) = url.host_str().filter(|host| !host.is_empty()).map(ToOwned::to_owned) else {
            return Err("it names no host".to_owned());
        };
        let mut wish = None;
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", "required" | "opportunistic" | "none") => wish = Some(value.into_owned()),
                ("tls", _) => return Err("tls must be required, opportunistic or none".to_owned()),
                (name, _) => return Err(format!("it has an unknown parameter `{}`", name.escape_debug())),
            }
        }
        let here = is_here(&host);
        let wish = wish.unwrap_or_else(|| if here { "none" } else { "required" }.to_owned());
        let encrypts = url.scheme() == "smtps" || wish != "none";
        url.set_query((url.scheme() == "smtp" && wish != "none").then(|| format!("tls={wish}")).as_deref());
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
            .map_err(|_| "it cannot be used")?
            .timeout(Some(PATIENCE))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { builder, shown: format!("{}://{host}{port}", url.scheme()), encrypts, here })
    }

    /// Whether what passes on the way is encrypted, or at least may be.
    pub const fn encrypts(&self) -> bool {
        self.encrypts
    }

    /// Whether it is on this machine.
    pub const fn is_here(&self) -> bool {
        self.here
    }

    /// Its connections, of which there is none yet. They are looked after by a task, so this takes a runtime.
    pub(super) fn connections(self) -> Connections {
        Connections(self.builder.build())
    }
}

/// Connections to a mail server.
pub(crate) struct Connections(AsyncSmtpTransport<Tokio1Executor>);

impl Connections {
    pub(super) async fn send(&self, message: Message) -> Result<(), Failure> {
        match tokio::time::timeout(LONGEST, self.0.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            // The server's own 5xx; all else may be another time.
            Ok(Err(error)) if error.is_permanent() => Err(Failure::for_good(&error)),
            Ok(Err(error)) => Err(Failure::for_now(&error)),
            Err(_) => Err(Failure::for_now(&"the mail server took too long")),
        }
    }
}

fn is_here(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Ok(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Ok(Host::Domain(name)) => name == "localhost",
        Err(_) => false,
    }
}

/// Without user name and password.
impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_sent_mail_in_clear_unless_told() {
        for (url, shown, encrypts) in [
            ("smtp://mail.example.com", "smtp://mail.example.com", true),
            ("smtp://user:p%40ss@mail.example.com:2525", "smtp://mail.example.com:2525", true),
            ("smtp://mail.example.com?tls=none", "smtp://mail.example.com", false),
            ("smtp://mail.example.com?tls=opportunistic", "smtp://mail.example.com", true),
            ("smtps://user:secret@mail.example.com", "smtps://mail.example.com", true),
            ("smtp://localhost:1025", "smtp://localhost:1025", false),
            ("smtp://127.0.0.1:1025", "smtp://127.0.0.1:1025", false),
            ("smtp://localhost?tls=required", "smtp://localhost", true),
        ] {
            let server = MailServer::parse(url).unwrap_or_else(|why| panic!("{url}: {why}"));
            assert_eq!((server.to_string().as_str(), server.encrypts()), (shown, encrypts), "{url}");
            assert!(!format!("{server:?}").contains("secret"));
        }
        for bad in ["", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://a?tls=maybe", "smtp://a?x=1"]
        {
            assert!(MailServer::parse(bad).is_err(), "{bad}");
        }
    }
}
