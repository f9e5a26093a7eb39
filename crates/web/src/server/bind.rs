//! Opening the listening socket, with errors an operator can act on.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpSocket;

use super::Bound;

/// Connections the kernel holds for us while we are busy, or at the cap.
const BACKLOG: u32 = 1024;

/// Why an address cannot be listened on.
#[derive(Debug)]
pub enum BindError {
    /// Another program listens there.
    InUse {
        /// The port.
        port: u16,
    },
    /// Everything else: no such address here, a privileged port.
    Io {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { port } => write!(f, "port {port} is in use: stop the other program or set PORT"),
            Self::Io { addr, .. } => write!(f, "cannot listen on {addr}"),
        }
    }
}

impl Error for BindError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InUse { .. } => None,
            Self::Io { source, .. } => Some(source),
        }
    }
}

/// Listens on `addr`. Clients can connect from now on; they are answered once [`Bound::serve`] runs.
pub async fn bind(addr: SocketAddr) -> Result<Bound, BindError> {
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for the previous run's connections to leave TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        let listener = socket.listen(BACKLOG)?;
        Ok(Bound { local_addr: listener.local_addr()?, listener })
    };
    listen().map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::InUse { port: addr.port() },
        _ => BindError::Io { addr, source },
    })
}
