//! What the machine must give: a writable directory, free ports.

use std::fs::{self, OpenOptions};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use crate::config::{Config, Database, Loaded, keys};
use crate::finding::{Finding, Severity};

/// Whether the data directory can be written, when something would be.
pub(super) fn data_dir(config: &Config, findings: &mut Vec<Finding>) {
    let local = match &config.database {
        Database::Local(directory) => Some(directory),
        Database::Server(_) => None,
    };
    let generated = (config.jwt_secret.is_none() && !config.is_production()).then_some(&config.data_dir);
    let Some(directory) = local.or(generated) else { return };
    findings.push(match writable(directory) {
        Ok(true) => Finding::ok(keys::PLATFORM_DATA_DIR, format!("{} is writable", directory.display())),
        Ok(false) => Finding::ok(keys::PLATFORM_DATA_DIR, format!("{} can be created", directory.display())),
        Err(error) => Finding::problem(
            keys::PLATFORM_DATA_DIR,
            format!("{} cannot be written ({})", directory.display(), error.kind()),
            "choose a directory of this user, or change its owner",
        ),
    });
}

/// Tries it, because permission bits do not tell the whole story. `false` when it is yet to be created.
fn writable(directory: &Path) -> io::Result<bool> {
    match fs::metadata(directory) {
        Ok(found) if !found.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        Ok(_) => {
            let probe = directory.join(format!(".write-check-{}", std::process::id()));
            OpenOptions::new().write(true).create_new(true).open(&probe)?;
            fs::remove_file(probe)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty());
            writable(parent.unwrap_or(Path::new("."))).map(|_| false)
        }
        Err(error) => Err(error),
    }
}

/// Whether both ports are free. To `check-config` a busy port is a warning only: most likely the server is running.
pub(super) fn ports(loaded: &Loaded, busy: Severity, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    for (key, address) in [(keys::PORT, config.public), (keys::INTERNAL_PORT, config.internal)] {
        if address.port() == 0 || loaded.broken.contains(key) {
            continue;
        }
        findings.push(match TcpListener::bind(address) {
            Ok(_) => Finding::ok(key, format!("{address} is free")),
            Err(error) => Finding { severity: busy, ..taken(key, address, &error) },
        });
    }
}

fn taken(key: &'static str, address: SocketAddr, error: &io::Error) -> Finding {
    match error.kind() {
        io::ErrorKind::AddrInUse => Finding::warning(
            key,
            format!("port {} is in use", address.port()),
            format!("stop the program that listens there, or set {key} to another port"),
        ),
        io::ErrorKind::PermissionDenied => Finding::warning(
            key,
            format!("this user may not listen on port {}", address.port()),
            format!("set {key} to a port above 1023"),
        ),
        kind => Finding::warning(
            key,
            format!("{address} cannot be listened on ({kind})"),
            format!("use an address of this machine and a free {key}"),
        ),
    }
}
