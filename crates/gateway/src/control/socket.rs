//! The control socket: HTTP with JSON on a unix socket that only its owner may open.
//!
//! `GET /status`, `/view?seconds=N`, `/counters?seconds=N`, `/metrics`, `/gates` and `/shadow?values=true`; `POST /set`, `/return`, `/freeze`, `/thaw`, `/renew`, `/confirm`,
//! `/arm`, `/disarm` and `/force`, each with who and why.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Bytes};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::UnixListener;

use super::state::{Change, Command, Scope};
use super::status::status;
use crate::forced::{Side, Whom};
use crate::gates;
use crate::gateway::Gateway;
use crate::routes::header;
use crate::shadow::Mode;
use crate::split::Share;

const LONGEST: usize = 64 * 1024;

/// Listens on a unix socket at `path` that is its owner's only, in the place of one that a gateway before left there.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    bind_for(path, 0o600)
}

/// The same for others too.
pub(crate) fn bind_for(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if let Ok(metadata) = std::fs::symlink_metadata(path)
        && metadata.file_type().is_socket()
    {
        // Somebody who answers is another gateway, whose socket it stays.
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another program listens there already"));
        }
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Whatever the words of the control socket move: the gateway itself, or another proxy it drives.
pub(crate) trait Controlled: Send + Sync + 'static {
    /// Everything about it at one moment.
    fn status(&self) -> impl Future<Output = Value> + Send;

    /// What else can be read of it, by path; nothing where there is no such path.
    fn read(&self, path: &str, query: Option<&str>) -> impl Future<Output = Option<Result<Value, Refused>>> + Send;

    /// Does what the word after the slash asks for; the error is for the client.
    fn command(self: &Arc<Self>, path: &str, body: &[u8]) -> impl Future<Output = Result<Value, Refused>> + Send;
}

impl Controlled for Gateway {
    async fn status(&self) -> Value {
        serde_json::to_value(status(self)).unwrap_or_default()
    }

    async fn read(&self, path: &str, query: Option<&str>) -> Option<Result<Value, Refused>> {
        Some(match path {
            "/view" => seconds(query).map(|seconds| json(&self.view(seconds))),
            "/counters" => seconds(query).map(|seconds| json(&self.snapshot(seconds))),
            "/metrics" => Ok(json!({ "metrics": self.metrics() })),
            "/gates" => gates(self.gates_report()),
            "/shadow" => Ok(json(&self.shadow_report(query == Some("values=true")))),
            _ => return None,
        })
    }

    async fn command(self: &Arc<Self>, path: &str, body: &[u8]) -> Result<Value, Refused> {
        command(self, path, body)
    }
}

/// What the gates said, if they did.
pub(crate) fn gates(report: Option<gates::Report>) -> Result<Value, Refused> {
    let remedy = || (StatusCode::SERVICE_UNAVAILABLE, "the gates did not look yet: ask again in a second".to_owned());
    report.map(|report| json(&report)).ok_or_else(remedy)
}

pub(crate) fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// How far back somebody wants to look.
pub(crate) fn seconds(query: Option<&str>) -> Result<usize, Refused> {
    let seconds = query.and_then(|query| query.strip_prefix("seconds="));
    seconds.map_or(Ok(60), str::parse).map_err(|_| bad("ask for ?seconds=60, of which 900 are kept"))
}

/// Answers on the socket until dropped.
pub async fn serve(listener: UnixListener, gateway: Arc<Gateway>) {
    serve_for(listener, gateway).await;
}

/// The same for anything that is controlled.
pub(crate) async fn serve_for(listener: UnixListener, gateway: Arc<impl Controlled>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a control connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(answer(&gateway, request).await) }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a control connection failed");
            }
        });
    }
}

/// Answers what came over the socket, or over the admin port after its checks.
pub(crate) async fn answer<B>(gateway: &Arc<impl Controlled>, request: Request<B>) -> Response<Full<Bytes>>
where
    B: Body<Error: std::error::Error + Send + Sync + 'static>,
{
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    if (&method, &*path) == (&Method::GET, "/status") {
        return written(StatusCode::OK, &gateway.status().await);
    }
    if method == Method::GET
        && let Some(read) = gateway.read(&path, request.uri().query()).await
    {
        return match read {
            Ok(body) => written(StatusCode::OK, &body),
            Err((status, why)) => refused(status, &why),
        };
    }
    let body = match Limited::new(request.into_body(), LONGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if method != Method::POST {
        return refused(StatusCode::NOT_FOUND, "ask for GET /status, or POST a command");
    }
    match gateway.command(&path, &body).await {
        Ok(answer) => written(StatusCode::OK, &answer),
        Err((status, why)) => refused(status, &why),
    }
}

/// The status of the answer, and what it says.
pub(crate) type Refused = (StatusCode, String);

pub(crate) fn written(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let mut text = serde_json::to_vec(body).unwrap_or_default();
    text.push(b'\n');
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn refused(status: StatusCode, why: &str) -> Response<Full<Bytes>> {
    written(status, &json!({ "error": why }))
}

/// What every command says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    pub(crate) who: String,
    pub(crate) why: String,
    family: Option<Scope>,
    share: Option<Share>,
    /// The share of reads to mirror.
    rate: Option<Share>,
    /// Send people to a side although nobody answers there, or compare although too little is known about noise.
    #[serde(default)]
    pub(crate) anyway: bool,
    user: Option<String>,
    tenant: Option<String>,
    header: Option<String>,
    /// Nothing lifts the rule.
    to: Option<Side>,
}

fn bad(why: &str) -> Refused {
    (StatusCode::BAD_REQUEST, why.to_owned())
}

/// What a body says, with who and why.
pub(crate) fn said(body: &[u8]) -> Result<Said, Refused> {
    let said: Said = serde_json::from_slice(body)
        .map_err(|error| bad(&format!("{error}: send a JSON object with who, why and what the command needs")))?;
    if said.who.trim().is_empty() || said.why.trim().is_empty() {
        return Err(bad("say who you are and why, in `who` and `why`: both are logged"));
    }
    Ok(said)
}

/// The command a path and a body stand for, and for whom.
pub(crate) fn order(path: &str, said: &Said) -> Result<(Scope, Command), Refused> {
    let command = match path {
        "/set" => Command::Set(said.share.ok_or_else(|| bad("say which share, as in \"share\": \"10%\""))?),
        "/return" => Command::Return,
        "/freeze" => Command::Freeze,
        "/thaw" => Command::Thaw,
        "/renew" => Command::Renew,
        "/confirm" => Command::Confirm,
        _ => {
            return Err((
                StatusCode::NOT_FOUND,
                "no such command: use set, return, freeze, thaw, renew, confirm, arm, disarm, force, shadow/learn, shadow/start or shadow/stop".into(),
            ));
        }
    };
    Ok((scope(said)?, command))
}

fn command(gateway: &Arc<Gateway>, path: &str, body: &[u8]) -> Result<Value, Refused> {
    let said = said(body)?;
    match path {
        "/force" => return force(gateway, said),
        "/shadow/learn" => return shadow(gateway, &said, Mode::Learning),
        "/shadow/start" => return shadow(gateway, &said, Mode::Comparing),
        "/shadow/stop" => return shadow(gateway, &said, Mode::Off),
        "/arm" | "/disarm" => return arm(gateway, &said, path == "/arm"),
        _ => {}
    }
    let (scope, command) = order(path, &said)?;
    let (scope, skipped) = gateway.movable(&scope, &command)?;
    if !said.anyway {
        gateway.somebody_there(&scope, &command)?;
    }
    let changes = super::apply(gateway, &scope, &command, &said.who, &said.why)
        .map_err(|refusal| (StatusCode::CONFLICT, refusal.to_string()))?;
    Ok(changed(&changes, &skipped))
}

/// What came of a command.
pub(crate) fn changed(changes: &[Change], skipped: &[String]) -> Value {
    let mut answer = json!({ "changes": changes });
    if !skipped.is_empty() {
        answer["skipped"] = json!(skipped);
    }
    answer
}

fn shadow(gateway: &Arc<Gateway>, said: &Said, mode: Mode) -> Result<Value, Refused> {
    if mode == Mode::Off {
        gateway.stop_shadow();
    } else {
        let rate = said.rate.ok_or_else(|| {
            (StatusCode::BAD_REQUEST, "say which share of reads to mirror, as in \"rate\": \"10%\"".to_owned())
        })?;
        gateway.start_shadow(mode, rate, said.anyway).map_err(|why| (StatusCode::CONFLICT, why))?;
    }
    tracing::info!(who = said.who, why = said.why, mode = ?mode, rate = ?said.rate, "shadow");
    let what = match (mode, said.rate) {
        (Mode::Learning, Some(rate)) => format!("shadow learns from {rate} of reads"),
        (Mode::Comparing, Some(rate)) => format!("shadow compares {rate} of reads"),
        _ => "shadow stops".to_owned(),
    };
    super::remember(gateway, &said.who, &said.why, &what, None, &[]);
    Ok(json!({ "mode": mode }))
}

/// Which families a body means.
pub(crate) fn scope(said: &Said) -> Result<Scope, Refused> {
    said.family.clone().ok_or_else(|| bad("say which family, or \"family\": \"all\""))
}

fn arm(gateway: &Gateway, said: &Said, armed: bool) -> Result<Value, Refused> {
    let scope = scope(said)?;
    gateway.arm(&scope, armed).map_err(|why| (StatusCode::CONFLICT, why))?;
    let what = if armed { "arm" } else { "disarm" };
    super::remember(gateway, &said.who, &said.why, what, Some(scope.name()), &[]);
    tracing::info!(who = said.who, why = said.why, armed, "whether failed gates return traffic");
    Ok(json!({ "armed": armed }))
}

fn force(gateway: &Gateway, said: Said) -> Result<Value, Refused> {
    let header = said.header.as_deref().map(header).transpose().map_err(|why| bad(&why))?;
    let whom = [said.user.map(Whom::User), said.tenant.map(Whom::Tenant), header];
    let mut whom = whom.into_iter().flatten();
    let (Some(whom), None) = (whom.next(), whom.next()) else {
        return Err(bad("name one of user, tenant and header"));
    };
    let mut before = None;
    let mut overrides = gateway.overrides.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    overrides.insert(whom.clone(), said.to);
    gateway.change(|live| {
        let mut table = live.table.clone();
        before = table.forced.set(whom.clone(), said.to);
        live.with_table(table)
    });
    drop(overrides);
    // Ids of people are in logs, their addresses and names are not.
    tracing::info!(who = said.who, why = said.why, whom = ?whom, to = ?said.to, "forced");
    let (kind, name) = match &whom {
        Whom::User(id) => ("user", id.clone()),
        Whom::Tenant(id) => ("tenant", id.clone()),
        Whom::Header(name, value) => ("header", format!("{name}: {value}")),
    };
    let what = format!("force {kind} {name} to {}", said.to.map_or("none", Side::name));
    super::remember(gateway, &said.who, &said.why, &what, None, &[]);
    Ok(json!({ "before": before, "now": said.to }))
}
