//! HAProxy's runtime API: one command on one connection, the answer up to the end.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

/// HAProxy answers within a millisecond, on a starved machine within one second; one that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(2);
/// A page of statistics of thousands of servers is less.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Where HAProxy listens for commands, its `stats socket ... level admin`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A host and a port.
    Tcp(String),
}

impl FromStr for Address {
    type Err = String;

    /// A path, or `HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return Ok(Self::Unix(PathBuf::from(text)));
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0) => {
                Ok(Self::Tcp(text.to_owned()))
            }
            _ => Err(format!("{text:?} is neither a path such as /run/haproxy/admin.sock nor HOST:PORT")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => f.write_str(address),
        }
    }
}

/// Why HAProxy did not do something. The text says what to do.
#[derive(Debug)]
pub enum Trouble {
    /// Nobody answers there, or not in time.
    Unreachable(Address, io::Error),
    /// It answered, and not what was hoped for.
    Refused(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(address, error) => {
                write!(f, "HAProxy does not answer at {address} ({error}): start it, or check its `stats socket`")
            }
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Trouble {}

/// Says `command` and reads the answer, without the empty lines around it.
pub(super) async fn ask(address: &Address, command: &str) -> Result<String, Trouble> {
    // A line break would begin another command.
    debug_assert!(!command.contains('\n'), "{command:?}");
    let asked = async {
        match address {
            Address::Unix(path) => speak(UnixStream::connect(path).await?, command).await,
            Address::Tcp(address) => speak(TcpStream::connect(address).await?, command).await,
        }
    };
    let answer = timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let answer = answer.map_err(|error| Trouble::Unreachable(address.clone(), error))?;
    if answer.starts_with("Permission denied") {
        let why = "HAProxy's socket allows no changes: write `level admin` behind its `stats socket`";
        return Err(Trouble::Refused(why.to_owned()));
    }
    Ok(answer.trim().to_owned())
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, command: &str) -> io::Result<String> {
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Does something that HAProxy answers with nothing.
pub(super) async fn tell(address: &Address, command: &str) -> Result<(), Trouble> {
    match &*ask(address, command).await? {
        "" => Ok(()),
        answer => Err(Trouble::Refused(format!("HAProxy refused `{command}`: {answer}"))),
    }
}

/// Lines of columns by the names of a line that begins with `#`, as `show servers state` answers.
pub(super) fn columns(answer: &str) -> impl Iterator<Item = BTreeMap<&str, &str>> {
    let mut lines = answer.lines().skip_while(|line| !line.starts_with("# "));
    let names: Vec<&str> = lines.next().map(|line| line.split(' ').skip(1).collect()).unwrap_or_default();
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(move |line| names.iter().copied().zip(line.split(' ')).collect())
}
