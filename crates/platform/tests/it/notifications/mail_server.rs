//! A mail server that keeps what it is handed, and refuses it on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use notifications::{MailConfig, MailTransport, mail_sender, mail_server};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

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

pub(crate) struct MailServer {
    port: u16,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let replies: Arc<Mutex<VecDeque<Reply>>> = Arc::default();
        let (kept, told) = (Arc::clone(&arrived), Arc::clone(&replies));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&kept), Arc::clone(&told)));
            }
        });
        Self { port, arrived, replies }
    }

    /// Says this to the next mail, and yes to those after it.
    pub(crate) fn replies(&self, reply: Reply) {
        self.replies.lock().unwrap().push_back(reply);
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    /// What has arrived since this was last asked.
    pub(crate) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.arrived.lock().unwrap())
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

async fn talk(stream: TcpStream, kept: Arc<Mutex<Vec<Arrived>>>, replies: Arc<Mutex<VecDeque<Reply>>>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = String::new();
    let _ = write.write_all(b"220 test\r\n").await;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME\r\n",
            "RCPT" => {
                to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                "250 ok\r\n"
            }
            "DATA" => {
                let _ = write.write_all(b"354 go on\r\n").await;
                let mut raw = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    raw.push_str(&line);
                    raw.push_str("\r\n");
                }
                let reply = replies.lock().unwrap().pop_front();
                if matches!(reply, None | Some(Reply::TakeAndHangUp)) {
                    kept.lock().unwrap().push(Arrived { to: to.clone(), raw });
                }
                match reply {
                    None => "250 taken\r\n",
                    Some(Reply::Later) => "451 try again later\r\n",
                    Some(Reply::Never) => "550 no such mailbox\r\n",
                    Some(Reply::TakeAndHangUp) => return,
                }
            }
            "QUIT" => {
                let _ = write.write_all(b"221 bye\r\n").await;
                return;
            }
            _ => "250 ok\r\n",
        };
        if write.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
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
