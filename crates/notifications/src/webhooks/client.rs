//! Posting to a receiver: one connection, one request, within a time and a size.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use web::BoxFuture;

use super::guard::{Guard, Target};

/// From the look-up of the host's name to the end of the answer.
const LIMIT: Duration = Duration::from_secs(5);
/// How much of an answer is read; the rest says nothing either.
const MOST: usize = 64 * 1024;
const AGENT: &str = concat!("pyairtable-platform/", env!("CARGO_PKG_VERSION"));

/// Finds the addresses of a host. Injected, so that a test can answer with what an attacker's name server would.
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, asked for once a delivery.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, std::io::Result<Vec<SocketAddr>>>;
}

/// The machine's own way of resolving names.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, std::io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }
}

/// What a receiver answered, as far as it matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Only 2xx is a success.
    pub status: StatusCode,
    /// `Retry-After`
    pub retry_after: Option<String>,
}

/// Why there is no answer. Shown to the tenant's admins, so it says nothing about networks they cannot see.
pub(crate) type Failure = &'static str;

/// Posts to receivers.
pub struct Client {
    guard: Guard,
    resolver: Arc<dyn Resolver>,
    tls: TlsConnector,
}

impl Client {
    /// Trusts the certificates that the machine trusts.
    pub fn new(guard: Guard, resolver: Arc<dyn Resolver>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|_| unreachable!("ring has the suites of both versions"))
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { guard, resolver, tls: TlsConnector::from(Arc::new(config)) }
    }

    /// What `text` leads to, if it may be posted to.
    pub(crate) fn target(&self, text: &str) -> Result<Target, &'static str> {
        self.guard.target(text)
    }

    /// Posts `body` to `url` and says how it was answered. Redirects are answers like others: what they lead to was
    /// never checked.
    pub async fn post(&self, url: &str, headers: HeaderMap, body: String) -> Result<Answer, Failure> {
        let target = self.guard.target(url)?;
        timeout(LIMIT, self.exchange(&target, headers, body)).await.unwrap_or(Err("no answer within 5 seconds"))
    }

    async fn exchange(&self, target: &Target, headers: HeaderMap, body: String) -> Result<Answer, Failure> {
        let stream = self.connect(target).await?;
        if !target.tls {
            return send(stream, target, headers, body).await;
        }
        let name = target.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| "the host's name fits no certificate")?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| tls_failure(&error))?;
        send(stream, target, headers, body).await
    }

    /// Connects to an address that was checked, and to no other: asking for the name again could bring another answer.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Failure> {
        let addresses = match target.address {
            Some(address) => vec![SocketAddr::new(address, target.port)],
            None => self.resolver.resolve(&target.host, target.port).await.map_err(|_| "the host was not found")?,
        };
        self.guard.addresses(&addresses)?;
        for address in addresses {
            // A resolver's port is as little to be trusted as its addresses.
            if let Ok(stream) = TcpStream::connect(SocketAddr::new(address.ip(), target.port)).await {
                return Ok(stream);
            }
        }
        Err("the connection failed")
    }
}

/// What is wrong with the receiver's certificate: whoever runs it can mend that, if they know.
fn tls_failure(error: &std::io::Error) -> Failure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(certificate)) = inner else {
        return "TLS failed: the receiver speaks no TLS 1.2 or 1.3 that this program knows";
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "TLS failed: the receiver's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "TLS failed: the receiver's certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "TLS failed: the receiver's certificate is for another name"
        }
        CertificateError::UnknownIssuer => {
            "TLS failed: the receiver's certificate was issued by nobody this program trusts, or its chain is incomplete"
        }
        _ => "TLS failed: the receiver's certificate is not valid",
    }
}

async fn send<S>(stream: S, target: &Target, headers: HeaderMap, body: String) -> Result<Answer, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    const BROKEN: Failure = "the connection broke, or the answer is not HTTP/1.1";
    let mut request = Request::post(&target.path)
        .header(HOST, &target.authority)
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| "the URL fits no request")?;
    request.headers_mut().extend(headers);
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MOST)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(|_| BROKEN)?;
    // Both at once and not a task of its own, so that the time limit ends the connection too.
    tokio::pin!(connection);
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|_| BROKEN)?;
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let told = Answer { status: answer.status(), retry_after: retry_after.map(str::to_owned) };
        let mut body = answer.into_body();
        let mut read = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { break };
            read += frame.data_ref().map_or(0, Bytes::len);
            if read >= MOST {
                break;
            }
        }
        Ok(told)
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        // The connection ends by itself once the whole answer is there.
        _ = &mut connection => answer.await,
    }
}
