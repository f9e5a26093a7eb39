//! Stands between the program and PostgreSQL and changes statements on their way, so that tests can ask what holds when
//! the program's own SQL is wrong. The program has no part in it and no switch for it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use db::DatabaseUrl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio_postgres::config::Host;

type Change = dyn Fn(&str) -> Option<String> + Send + Sync;

/// A listening socket and what passed through it.
#[derive(Clone)]
pub struct Rewriter {
    url: DatabaseUrl,
    folder: PathBuf,
    inner: Arc<Inner>,
}

struct Inner {
    upstream: PathBuf,
    /// Sessions that became this role have their statements changed; all do when there is none.
    role: Option<String>,
    change: Box<Change>,
    ran: Mutex<BTreeSet<String>>,
}

impl Rewriter {
    /// Listens in front of `server`, which is reached through a Unix socket. In sessions that say `SET ROLE {role}`, from
    /// then on, `change` says what a statement becomes; `None` leaves it as it is.
    pub fn start(
        server: &tokio_postgres::Config,
        role: &str,
        change: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(server, Some(format!("SET ROLE {role};")), Box::new(change))
    }

    /// The same for every session, whatever its role.
    pub fn everywhere(
        server: &tokio_postgres::Config,
        change: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::listen(server, None, Box::new(change))
    }

    fn listen(server: &tokio_postgres::Config, role: Option<String>, change: Box<Change>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let port = server.get_ports().first().copied().unwrap_or(5432);
        let Some(Host::Unix(folder)) = server.get_hosts().first() else { panic!("the test server has a socket") };
        let socket = format!(".s.PGSQL.{port}");
        let own = folder.join(format!("rewriter{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir(&own).expect("a folder for the socket");
        let listener = UnixListener::bind(own.join(&socket)).expect("a socket to listen on");
        let mut config = tokio_postgres::Config::new();
        config.host_path(&own).port(port);
        if let Some(user) = server.get_user() {
            config.user(user);
        }
        if let Some(name) = server.get_dbname() {
            config.dbname(name);
        }
        if let Some(password) = server.get_password() {
            config.password(password);
        }
        let inner = Arc::new(Inner { upstream: folder.join(socket), role, change, ran: Mutex::default() });
        let rewriter = Self { url: DatabaseUrl::from_config(config), folder: own, inner: Arc::clone(&inner) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&inner).serve(client));
            }
        });
        rewriter
    }

    /// Where to connect to instead of the server itself.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// The folder of its socket: the `host` of a connection string.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The statements of the role that ran since the last call, as the program wrote them.
    pub fn take_ran(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.inner.ran.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    /// Until either side hangs up.
    async fn serve(self: Arc<Self>, client: UnixStream) -> Option<()> {
        let mut server = UnixStream::connect(&self.upstream).await.ok()?;
        let (mut from_client, mut to_client) = client.into_split();
        // The first message has no type; before it, encryption may be asked for, and is declined.
        loop {
            let length = from_client.read_u32().await.ok()?;
            let mut first = vec![0; (length as usize).checked_sub(4)?];
            from_client.read_exact(&mut first).await.ok()?;
            if first == SSL_REQUEST {
                to_client.write_all(b"N").await.ok()?;
                continue;
            }
            server.write_u32(length).await.ok()?;
            server.write_all(&first).await.ok()?;
            break;
        }
        let (mut from_server, mut to_server) = server.into_split();
        tokio::spawn(async move {
            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        });

        let mut is_of_role = self.role.is_none();
        let mut prepared = HashMap::new();
        loop {
            let kind = from_client.read_u8().await.ok()?;
            let length = from_client.read_u32().await.ok()?;
            let mut body = vec![0; (length as usize).checked_sub(4)?];
            from_client.read_exact(&mut body).await.ok()?;
            match kind {
                b'Q' => {
                    is_of_role |= self.role.as_ref().is_some_and(|role| body.starts_with(role.as_bytes()));
                    let (sql, _) = text(&body)?;
                    if let Some(changed) = is_of_role.then(|| (self.change)(&String::from_utf8_lossy(sql))).flatten() {
                        body = [changed.as_bytes(), b"\0"].concat();
                    }
                }
                b'P' if is_of_role => {
                    let (name, rest) = text(&body)?;
                    let (sql, types) = text(rest)?;
                    let sql = String::from_utf8_lossy(sql).into_owned();
                    let changed = (self.change)(&sql);
                    prepared.insert(name.to_vec(), sql);
                    if let Some(changed) = changed {
                        body = [name, b"\0", changed.as_bytes(), b"\0", types].concat();
                    }
                }
                b'B' if is_of_role => {
                    let (_, rest) = text(&body)?;
                    let (name, _) = text(rest)?;
                    if let Some(sql) = prepared.get(name) {
                        self.ran.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.clone());
                    }
                }
                _ => {}
            }
            let length = u32::try_from(body.len() + 4).ok()?;
            let message = [&[kind][..], &length.to_be_bytes(), &body].concat();
            to_server.write_all(&message).await.ok()?;
        }
    }
}

/// What a client that would rather be encrypted sends first.
const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();

/// A text that ends with a zero byte, and what follows it.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
