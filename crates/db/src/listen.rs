//! Listening to `NOTIFY`: a plain connection of its own, outside the pools.
//!
//! A pooled connection belongs to somebody else a moment later, and what arrives on it between statements is lost. This
//! one runs nothing but `LISTEN` and, while it is silent, an empty statement that notices a dead server.
//!
//! A notice is a hint and no record: what was sent while nobody listened is gone. Whoever listens reads the rows again
//! after every [`Listener::open`]. `LISTEN` does not pass through a pooler that hands out connections per transaction.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client};

use crate::config::{DatabaseUrl, PoolLimits};
use crate::error::describe;
use crate::pool::client_config;
use crate::{APP_ROLE, Error, tls};

/// After this long without a notice the server is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(5);
/// Notices held for a slow reader; more wait in the socket.
const HELD: usize = 1024;

/// A connection that listens to one channel.
pub struct Listener {
    client: Client,
    payloads: mpsc::Receiver<String>,
    answer: Duration,
}

impl Listener {
    /// Connects and listens. What is committed after this returns is told of; what was before can be read.
    pub async fn open(url: &DatabaseUrl, channel: &'static str) -> Result<Self, Error> {
        let limits = PoolLimits::default();
        let connector = tls::connector(url.tls, url.root_certificate.as_deref()).map_err(Error::Unavailable)?;
        let config = client_config(url, &limits);
        let connected =
            timeout(limits.connect, config.connect(connector)).await.map_err(|_| Error::Timeout("connect"))?;
        let (client, mut connection) = connected.map_err(|error| Error::Unavailable(describe(&error)))?;
        let (sender, payloads) = mpsc::channel(HELD);
        tokio::spawn(async move {
            let mut messages = stream::poll_fn(move |cx| connection.poll_message(cx));
            while let Some(message) = messages.next().await {
                match message {
                    Ok(AsyncMessage::Notification(notice)) => {
                        if sender.send(notice.payload().to_owned()).await.is_err() {
                            break;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "the listening connection ended");
                        break;
                    }
                }
            }
        });
        let listener = Self { client, payloads, answer: limits.answer };
        listener.run(&format!("SET ROLE {APP_ROLE}; LISTEN {channel}")).await?;
        Ok(listener)
    }

    /// The next notice's text. Fails once the connection is lost, and then always.
    pub async fn next(&mut self) -> Result<String, Error> {
        loop {
            match timeout(SILENCE, self.payloads.recv()).await {
                Ok(Some(payload)) => return Ok(payload),
                Ok(None) => return Err(Error::Unavailable("the listening connection was lost".to_owned())),
                Err(_) => self.run("").await?,
            }
        }
    }

    async fn run(&self, statement: &str) -> Result<(), Error> {
        let answer = timeout(self.answer, self.client.batch_execute(statement)).await;
        answer.map_err(|_| Error::Timeout("answer"))?.map_err(|error| Error::from_driver("listen", error))
    }
}
