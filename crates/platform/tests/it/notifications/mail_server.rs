//! A mail server that keeps what it is handed, and refuses it on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use notifications::{MailConfig, MailTransport, mail_sender, mail_server};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::TestApp;

/// A mail as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) to: String,
    pub(crate) raw: String,
}

impl Arrived {
    /// The header `name`, on one line.
    pub(crate) fn header(&self, name: &str) -> String {
        let beginning = format!("{name}: ");
        let unfolded = self.raw.replace("\r\n ", " ");
        let line = unfolded.lines().find_map(|line| line.strip_prefix(&beginning));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.raw)).trim().to_owned()
    }

    /// The eight digits of a code.
    pub(crate) fn code(&self) -> String {
        let groups: Vec<&str> = self.raw.split(|c: char| !c.is_ascii_digit() && c != ' ').map(str::trim).collect();
        let is_code = |text: &&&str| text.len() == 9 && text.split(' ').all(|half| half.len() == 4);
        groups.iter().find(is_code).unwrap_or_else(|| panic!("no code in {}", self.raw)).replace(' ', "")
    }
}

/// What is said to the next mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// 451: another time.
    Later,
    /// 550: never.
    Never,
    /// Takes it and hangs up before saying so.
    TakeAndHangUp,
}

/// How a server encrypts.
#[derive(Clone)]
pub(crate) enum Tls {
    Never,
    FromTheStart(TlsAcceptor),
    WhenAsked(TlsAcceptor),
}

pub(crate) struct MailServer {
    pub(crate) port: u16,
    told: Told,
}

/// What a server was told, and what it is to say.
#[derive(Clone, Default)]
struct Told {
    arrived: Arc<Mutex<Vec<Arrived>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    /// Every line outside of mails.
    lines: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        Self::with(Tls::Never).await
    }

    pub(crate) async fn with(tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, told: Told::default() };
        let told = server.told.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, tls) = (told.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Tls::Never => drop(talk(stream, &told, "220 test\r\n", false).await),
                        Tls::FromTheStart(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                talk(stream, &told, "220 test\r\n", false).await;
                            }
                        }
                        Tls::WhenAsked(acceptor) => {
                            if let Some(stream) = talk(stream, &told, "220 test\r\n", true).await
                                && let Ok(stream) = acceptor.accept(stream).await
                            {
                                talk(stream, &told, "", false).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    /// What it was told besides mails.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.told.lines.lock().unwrap().clone()
    }

    /// Says this to the next mail, and yes to those after it.
    pub(crate) fn replies(&self, reply: Reply) {
        self.told.replies.lock().unwrap().push_back(reply);
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.told.arrived.lock().unwrap().clone()
    }

    /// What has arrived since this was last asked.
    pub(crate) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.told.arrived.lock().unwrap())
    }

    /// How the program is told of it.
    pub(crate) fn config(&self) -> MailConfig {
        MailConfig {
            transport: MailTransport::Server(Box::new(
                mail_server(&format!("smtp://127.0.0.1:{}", self.port).into()).unwrap(),
            )),
            from: mail_sender("PyAirtable <no-reply@example.com>").unwrap(),
            invitation_url: Some("https://app.example.com/join?token={token}".to_owned()),
        }
    }

    /// The program, sending its mails here.
    pub(crate) async fn app(&self) -> TestApp {
        TestApp::with(|parts| {
            parts.mail = Some(self.config());
            parts.webhooks_allow_private = true;
        })
        .await
    }
}

/// A conversation; hands the stream back when it is to be encrypted.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    told: &Told,
    greeting: &str,
    offers_tls: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    let mut to = String::new();
    stream.write_all(greeting.as_bytes()).await.ok()?;
    loop {
        let line = next_line(&mut stream).await?;
        told.lines.lock().unwrap().push(line.clone());
        let answer = match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" if offers_tls => "250-test\r\n250 STARTTLS\r\n",
            "EHLO" => "250-test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n",
            "STARTTLS" => {
                stream.write_all(b"220 go on\r\n").await.ok()?;
                return Some(stream.into_inner());
            }
            "AUTH" => "235 welcome\r\n",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok\r\n"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut raw = String::new();
                loop {
                    match next_line(&mut stream).await?.as_str() {
                        "." => break,
                        line => raw.push_str(&format!("{line}\r\n")),
                    }
                }
                let reply = told.replies.lock().unwrap().pop_front();
                if matches!(reply, None | Some(Reply::TakeAndHangUp)) {
                    told.arrived.lock().unwrap().push(Arrived { to: to.clone(), raw });
                }
                match reply {
                    None => "250 taken\r\n",
                    Some(Reply::Later) => "451 try again later\r\n",
                    Some(Reply::Never) => "550 no such mailbox\r\n",
                    Some(Reply::TakeAndHangUp) => return None,
                }
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// Without its end; nothing at the end of the stream.
async fn next_line<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> Option<String> {
    let mut line = String::new();
    (stream.read_line(&mut line).await.ok()? > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

impl TestApp {
    /// Sends every mail that is due; returns how often it was tried.
    pub(crate) async fn send_mails(&self) -> usize {
        let mut tried = 0;
        loop {
            match self.app.notifications.send_mails(&self.cx()).await.unwrap() {
                0 => return tried,
                more => tried += more,
            }
        }
    }
}
