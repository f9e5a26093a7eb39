//! This machine: programs, space, ports, and the gateway.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpStream;

use super::Inputs;
use super::session::{Session, failed};
use super::verdict::Verdict;
use crate::Error;

const PROGRAMS: &str = "client-programs";
const BACKUP_SPACE: &str = "backup-space";
const SERVER_SPACE: &str = "server-space";
const PORTS: &str = "ports";
const GATEWAY: &str = "gateway";

pub(super) async fn programs(inputs: &Inputs, session: &Session) -> Verdict {
    let sql = "SELECT (current_setting('server_version_num')::int / 10000)::text";
    let server = match session.text(sql).await {
        Ok(text) => text.and_then(|text| text.parse().ok()).unwrap_or(0),
        Err(error) => return failed(PROGRAMS, &error),
    };
    for program in ["pg_dump", "pg_restore", "psql"] {
        match inputs.tools.find(program, server).await {
            Ok(_) => {}
            Err(Error::Refused { why, next }) => return Verdict::stop(PROGRAMS, why, next),
            Err(other) => return Verdict::stop(PROGRAMS, other.to_string(), "install PostgreSQL's client programs"),
        }
    }
    Verdict::ok(PROGRAMS, format!("pg_dump, pg_restore and psql of version {server} or later"))
}

/// Backup, restored copy and growth: three times the database, where the backup goes and, if it can be seen from here,
/// where the server keeps its data.
pub(super) async fn space(inputs: &Inputs, session: &Session) -> Vec<Verdict> {
    let asked = session
        .text(
            "SELECT pg_database_size(current_database())::text || '|' || coalesce((SELECT setting FROM pg_settings
            WHERE name = 'data_directory'), '')",
        )
        .await;
    let (bytes, directory) = match asked {
        Ok(text) => {
            let text = text.unwrap_or_default();
            let (bytes, directory) = text.split_once('|').unwrap_or(("0", ""));
            (bytes.parse::<u64>().unwrap_or(0), directory.to_owned())
        }
        Err(error) => return vec![failed(BACKUP_SPACE, &error)],
    };
    let needed = bytes.saturating_mul(inputs.limits.space);
    let here = inputs.url.is_on_this_host() && !directory.is_empty();
    vec![
        enough(BACKUP_SPACE, &inputs.backup, needed, "name a folder on a larger disk with --dir, or make room"),
        if here && Path::new(&directory).exists() {
            enough(SERVER_SPACE, Path::new(&directory), needed, "make room where the server keeps its data and WAL")
        } else {
            Verdict::ok(
                SERVER_SPACE,
                format!("cannot be seen from this machine: look yourself for {} MB", needed >> 20),
            )
        },
    ]
}

fn enough(check: &'static str, path: &Path, needed: u64, remedy: &'static str) -> Verdict {
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    match rustix::fs::statvfs(existing) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let shown = format!("{} MB free at {}, {} MB needed", free >> 20, existing.display(), needed >> 20);
            if free < needed { Verdict::stop(check, shown, remedy) } else { Verdict::ok(check, shown) }
        }
        Err(error) => Verdict::stop(check, format!("{}: {error}", existing.display()), remedy),
    }
}

pub(super) fn ports(inputs: &Inputs) -> Verdict {
    let taken: Vec<String> = inputs
        .surroundings
        .ports
        .iter()
        .filter(|address| address.port() != 0)
        .filter_map(|address| Some(format!("{address} ({})", TcpListener::bind(address).err()?.kind())))
        .collect();
    if taken.is_empty() {
        return Verdict::ok(PORTS, "the new service's are free");
    }
    Verdict::warn(
        PORTS,
        format!("cannot be listened on: {}", taken.join(", ")),
        "if it is not the new service itself, stop who listens there or set PORT and INTERNAL_PORT to others",
    )
}

pub(super) async fn gateway(inputs: &Inputs) -> Verdict {
    let Some(address) = &inputs.surroundings.gateway else {
        return Verdict::ok(GATEWAY, "not named: traffic is moved by something else, or not yet");
    };
    let tried = tokio::time::timeout(Duration::from_secs(1), TcpStream::connect(address.as_str())).await;
    match tried {
        Ok(Ok(_)) => Verdict::ok(GATEWAY, format!("{address} answers")),
        Ok(Err(error)) => unreachable(address, &error.to_string()),
        Err(_) => unreachable(address, "no answer within 1 s"),
    }
}

fn unreachable(address: &str, why: &str) -> Verdict {
    Verdict::stop(
        GATEWAY,
        format!("{address}: {why}"),
        "start it (`pyairtable-platform gateway serve`), or correct --gateway HOST:PORT",
    )
}
