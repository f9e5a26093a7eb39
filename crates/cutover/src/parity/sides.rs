//! Both sides of a replay: the environment each gets, and what is started for it.

use std::ffi::OsString;
use std::path::Path;

use kernel::Redacted;
use url::Url;

use super::clones::Clones;
use super::scene::Side;
use super::services::{self, SERVICES, Service, local};
use super::{Look, Old, Options};
use crate::Result;

/// Everything that is started; ended in the end, whatever came of it.
#[derive(Default)]
pub(super) struct Running(Vec<Service>);

impl Running {
    pub(super) async fn stop(self) {
        for service in self.0.into_iter().rev() {
            service.stop().await;
        }
    }
}

/// Secrets of the clones.
pub(super) struct Secrets {
    pub(super) jwt: Redacted<String>,
    pub(super) key: String,
    pub(super) password: String,
}

/// Where both sides serve.
pub(super) struct Sides {
    pub(super) old: Vec<Url>,
    pub(super) new: Url,
    pub(super) redis: (String, String),
}

/// Starts everything, this program last. What was started is in `running` even if something then fails.
pub(super) async fn start(
    options: &Options<'_>,
    look: &dyn Look,
    clones: &Clones,
    place: &Path,
    secrets: &Secrets,
    running: &mut Running,
) -> Result<Sides> {
    let path = options.path.as_ref();
    let redis = if let Some(redis) = &options.redis {
        redis.clone()
    } else {
        let (service, urls) = services::redis(place, path).await?;
        running.0.push(service);
        urls
    };
    let first = services::ports(7)?;
    let (public, internal) = (first + 5, first + 6);
    let common = |side| -> Vec<(String, OsString)> {
        let redis = if side == Side::Old { &redis.0 } else { &redis.1 };
        let url = clones.url(side).connection_string();
        [
            ("DATABASE_URL", url.expose().clone()),
            ("REDIS_URL", redis.clone()),
            ("JWT_SECRET", secrets.jwt.expose().clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .to_vec()
    };
    let mut environment = common(Side::Old);
    for (name, value) in clones.url(Side::Old).libpq_environment() {
        let value = value.expose().clone();
        let spelt = ["HOST", "PORT", "USER", "PASSWORD"].into_iter().find(|part| name == format!("PG{part}"));
        let spelt = spelt.or((name == "PGDATABASE").then_some("NAME"));
        environment.extend(spelt.map(|part| (format!("DB_{part}"), value.clone())));
        environment.push((name.to_owned(), value));
    }
    let ports =
        (first..).zip(SERVICES).map(|(port, name)| (format!("PORT_{}", name.to_uppercase()), port.to_string().into()));
    environment.extend(ports);
    environment.push(("PORT_BASE".to_owned(), first.to_string().into()));
    let old = match &options.old {
        Old::Command(line) => {
            look.says("starting the old services on their clone");
            running.0.push(Service::start("old", line, &environment, false, path, place)?);
            (first..first + 5).map(local).collect::<Result<Vec<_>>>()?
        }
        Old::At(bases, patience) => {
            look.says(
                "waiting for the old services; start them with this environment, which is for this machine only:",
            );
            // The ports are those of the addresses that were given.
            for (name, value) in environment.iter().filter(|(name, _)| !name.starts_with("PORT_")) {
                look.says(&format!("  {name}={}", value.to_string_lossy()));
            }
            services::wait_for(bases, *patience, options.stop).await?;
            bases.clone()
        }
    };
    if let (Old::Command(_), Some(service)) = (&options.old, running.0.last()) {
        for base in old.iter().take(4) {
            service.ready(base, "/health", options.stop).await?;
        }
    }
    let old = (0..SERVICES.len()).filter_map(|at| old.get(at).or(old.first()).cloned()).collect();
    look.says("starting this program on its clone");
    let mut environment = common(Side::New);
    for (name, value) in [
        ("PROGRAM", options.program.as_os_str().to_owned()),
        ("LEGACY_COEXISTENCE", "true".into()),
        ("BIND_ADDRESS", "127.0.0.1".into()),
        ("PORT", public.to_string().into()),
        ("INTERNAL_PORT", internal.to_string().into()),
        ("INTERNAL_API_KEY", secrets.key.clone().into()),
        ("PLATFORM_DATA_DIR", place.join("data").into()),
        ("RATE_LIMIT_AUTH", "0".into()),
        ("RATE_LIMIT_AUTH_FAILURES", "1000".into()),
        ("RATE_LIMIT_USERS", "0".into()),
        ("RATE_LIMIT_WORKSPACES", "0".into()),
        ("RATE_LIMIT_NOTIFICATIONS", "0".into()),
    ] {
        environment.push((name.to_owned(), value));
    }
    let new = local(public)?;
    let service = Service::start("new", "exec \"$PROGRAM\" serve", &environment, true, path, place)?;
    let ready = service.ready(&new, "/ready", options.stop).await;
    running.0.push(service);
    ready?;
    Ok(Sides { old, new, redis })
}
