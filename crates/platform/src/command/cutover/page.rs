//! `cutover status --listen`: the run in a browser, out of its folder, while it goes on.
//!
//! Only looks, needs no database, and is made anew for each request. There is no token, so it is for this machine only: a
//! report names roles, addresses of services and the database.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::{Request, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFRESH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cutover::report::{self, Now};
use cutover::run::{State, Status};
use cutover::{Error, Exit};
use kernel::{Clock as _, SystemClock};
use tokio::sync::watch;
use web::server::{ServerConfig, bind, shutdown_signal};

use super::arguments::FolderArgs;
use super::status::look;
use super::watch::words;
use crate::command;

pub(super) fn serve(address: SocketAddr, folder: &FolderArgs) -> anyhow::Result<Exit> {
    if !address.ip().is_loopback() {
        let why = format!("{address} is open to other machines, and whoever asks is answered");
        let next =
            format!("use 127.0.0.1:{0}, and from elsewhere `ssh -L {0}:127.0.0.1:{0}` to this machine", address.port());
        return Err(Error::Refused { why, next }.into());
    }
    command::runtime(1)?.block_on(async {
        let bound = bind(address).await?;
        let shown = bound.local_addr();
        writeln!(io::stdout().lock(), "http://{shown}/")?;
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(bound.serve(router(folder.clone()), ServerConfig::default(), stopped));
        shutdown_signal().await.context("waiting for signals")?;
        let _ = stop.send(true);
        serving.await.context("serving")?;
        Ok(Exit::Done)
    })
}

fn router(folder: FolderArgs) -> Router {
    let routes = Router::new().route("/", get(page)).route("/status", get(status));
    routes.with_state(Arc::new(folder)).layer(from_fn(by_this_name))
}

/// A page from elsewhere whose name was made to lead here asks by that name.
async fn by_this_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "[::1]" | "localhost") {
        return next.run(request).await;
    }
    let why = "error: this page is for this machine: open it as http://127.0.0.1 or http://localhost\n";
    (StatusCode::MISDIRECTED_REQUEST, why).into_response()
}

async fn status(Shared(folder): Shared<Arc<FolderArgs>>) -> Response {
    read(move || Ok(Json(look(&folder)?).into_response())).await
}

async fn page(Shared(folder): Shared<Arc<FolderArgs>>) -> Response {
    read(move || {
        let status = look(&folder)?;
        let mut headers = HeaderMap::new();
        headers.insert(REFRESH, HeaderValue::from_static(if is_under_way(&status) { "2" } else { "10" }));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'"));
        if status.plan.is_none() {
            let text = format!("no run yet; this page shows it once `{}` was called", status.next.unwrap_or_default());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
            return Ok((headers, text).into_response());
        }
        let report = report::read(&folder.folder(), SystemClock.now())?;
        Ok((headers, report::live(&report, &now(&status))).into_response())
    })
    .await
}

/// Files are read where that holds up nobody.
async fn read(look: impl FnOnce() -> anyhow::Result<Response> + Send + 'static) -> Response {
    let looked = tokio::task::spawn_blocking(look).await.map_err(anyhow::Error::from).and_then(|looked| looked);
    let mut response = looked
        .unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, format!("error: {error:#}\n")).into_response());
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn is_under_way(status: &Status) -> bool {
    matches!(status.state, State::Running | State::Waiting)
}

fn now(status: &Status) -> Now {
    let progress = status.progress.as_ref();
    let paused = status.pause.as_ref().map(|pause| format!("asked to wait since {:.0}: {}", pause.at, pause.why));
    let doing = progress.map(|progress| format!("{}: {}", progress.step, words(progress)));
    Now {
        doing: paused.or(doing).or_else(|| status.holder.as_ref().map(|holder| format!("held by {holder}"))),
        part: progress.filter(|one| one.total > 0 && one.waits.is_none()).map(|one| (one.done, one.total)),
        next: status.next.clone(),
    }
}
