//! The words of the control socket, as a driver of HAProxy understands them.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use serde_json::{Value, json};

use super::driver::{Driver, Order, failed};
use super::servers::well;
use crate::control::history::Entry;
use crate::control::socket::{self, Controlled, Refused, Said, changed, json, order, said, scope, seconds};
use crate::control::state::{Change, Command};
use crate::control::there::movable;
use crate::counters::metrics;
use crate::forced::Side;
use crate::gates;

impl Driver {
    /// Moving people to a side where nobody is would make it worse.
    async fn somebody_there(&self, changes: &[Change], anyway: bool) -> Result<(), Refused> {
        if anyway || changes.is_empty() {
            return Ok(());
        }
        let routes = self.routes().await.map_err(|trouble| failed(&trouble))?;
        for Change { family, from, to } in changes {
            let (side, name) = if to > from { (Side::Platform, "new") } else { (Side::Legacy, "old") };
            let (well, all) = well(&routes, family, side);
            if well == 0 {
                let why = format!(
                    "HAProxy has no server of the {name} side of {family} that is up ({all} are down): start one, or send \
                     \"anyway\": true (--anyway)"
                );
                return Err((StatusCode::CONFLICT, why));
            }
        }
        Ok(())
    }

    async fn obey(&self, path: &str, body: &[u8]) -> Result<Value, Refused> {
        let said = said(body)?;
        match path {
            "/force" => {
                let why = "HAProxy has rules in its configuration only: write them under `force:` in the routes file and \
                           print it again";
                return Err((StatusCode::CONFLICT, why.to_owned()));
            }
            "/arm" | "/disarm" => return self.arm(&said, path == "/arm").await,
            _ if path.starts_with("/shadow") => return Err(no_shadow()),
            _ => {}
        }
        let (scope, command) = order(path, &said)?;
        let mut state = self.state.lock().await;
        let (_, now) = self.now();
        let mut next = state.control.clone();
        next.expire(now + self.early());
        let (scope, skipped) = movable(&scope, &command, &next.show(now), |_| true)?;
        let frozen = next.frozen();
        let changes =
            next.apply(&scope, &command, now).map_err(|refusal| (StatusCode::CONFLICT, refusal.to_string()))?;
        match self.somebody_there(&changes, said.anyway).await {
            // Whoever wants to go back gets it as soon as HAProxy answers.
            Err((StatusCode::BAD_GATEWAY, _)) if command == Command::Return => {}
            asked => asked?,
        }
        let order = Order { scope, command, who: &said.who, why: &said.why };
        self.change(&mut state, next, &changes, &order).await?;
        if let Some(measured) = &self.measured
            && order.command == Command::Thaw
            && frozen.iter().any(|name| order.scope.has(name))
        {
            let shown = state.control.show(now);
            shown.keys().filter(|name| order.scope.has(name)).for_each(|name| measured.forget(name));
        }
        Ok(changed(&changes, &skipped))
    }

    /// Whether gates that fail take traffic back.
    async fn arm(&self, said: &Said, armed: bool) -> Result<Value, Refused> {
        let scope = scope(said)?;
        let measured = self.measured.as_ref().ok_or_else(unmeasured)?;
        let mut state = self.state.lock().await;
        let shown = state.control.show(Instant::now());
        let names: Vec<&str> = shown.keys().map(String::as_str).collect();
        let meant = gates::meant(&scope, &names).map_err(|why| (StatusCode::CONFLICT, why))?;
        measured.gates().arm(meant.into_iter(), armed);
        let what = if armed { "arm" } else { "disarm" };
        tracing::info!(who = said.who, why = said.why, armed, "whether failed gates return traffic");
        state.history.add(Entry {
            at: self.parts.clock.now(),
            who: said.who.clone(),
            why: said.why.clone(),
            what: what.to_owned(),
            family: Some(scope.name().to_owned()),
            changes: Vec::new(),
        });
        Ok(json!({ "armed": armed }))
    }
}

pub(super) fn unmeasured() -> Refused {
    let why = "nothing is measured here, so no gate looks: HAProxy tells of requests with the configuration of `gateway \
               print haproxy` only, and weights of servers have none";
    (StatusCode::CONFLICT, why.to_owned())
}

fn no_shadow() -> Refused {
    let why = "HAProxy mirrors nothing, only `gateway serve` has a shadow: leave it out (`cutover run --shadow none`)";
    (StatusCode::CONFLICT, why.to_owned())
}

impl Controlled for Driver {
    async fn status(&self) -> Value {
        self.overview().await
    }

    async fn read(&self, path: &str, query: Option<&str>) -> Option<Result<Value, Refused>> {
        let measured = || self.measured.as_ref().ok_or_else(unmeasured);
        Some(match path {
            "/view" => match seconds(query) {
                Ok(seconds) => self.view(seconds).await.map(|view| json(&view)),
                Err(refused) => Err(refused),
            },
            "/counters" => seconds(query)
                .and_then(|seconds| Ok(json(&measured()?.meter().snapshot(seconds, self.parts.clock.now())))),
            "/metrics" => measured().map(|measured| json!({ "metrics": metrics(&measured.meter()) })),
            "/gates" => measured().and_then(|measured| socket::gates(measured.gates().report())),
            "/shadow" => Err(no_shadow()),
            _ => return None,
        })
    }

    async fn command(self: &Arc<Self>, path: &str, body: &[u8]) -> Result<Value, Refused> {
        self.obey(path, body).await
    }
}
