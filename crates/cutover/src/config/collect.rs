//! Finding what the old services were started with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use url::Url;

use super::{Service, compose, dotenv};
use crate::{Error, Result};

const COMPOSE: &[&str] = &["docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml"];
/// Services of compose files that are known not to be ours: what the others rely on.
const NOT_SERVICES: &[&str] = &["postgres", "redis", "db", "database", "cache"];

/// All services in `folder`: those of a compose file there, and each folder below with a `.env`.
pub fn collect(folder: &Path) -> Result<Vec<Service>> {
    let mut all: BTreeMap<String, Service> = BTreeMap::new();
    let entries = fs::read_dir(folder).map_err(Error::file("read", folder))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    for path in folders {
        let file = path.join(".env");
        if let (true, Some(name)) = (file.is_file(), path.file_name().and_then(|name| name.to_str())) {
            let values = read(&file)?;
            all.insert(name.to_owned(), service(name, file, values));
        }
    }
    let known = match folder.join(".env") {
        file if file.is_file() => read(&file)?,
        _ => BTreeMap::new(),
    };
    for file in COMPOSE.iter().map(|name| folder.join(name)).filter(|file| file.is_file()) {
        let text = fs::read_to_string(&file).map_err(Error::file("read", &file))?;
        let said = compose::parse(&text, folder, &known).map_err(|why| {
            Error::refused(
                format!("{}: {why}", file.display()),
                "run `docker compose config > compose.yaml` in a folder of its own, which writes everything out, and name \
                 that folder with --old",
            )
        })?;
        for one in said {
            if one.values.is_empty() && one.files.is_empty() || NOT_SERVICES.contains(&one.name.as_str()) {
                continue;
            }
            // Later ones win, as in compose: files first, then its own values.
            let mut values = BTreeMap::new();
            for file in &one.files {
                values.extend(read(file)?);
            }
            values.extend(one.values);
            // What really runs is what compose starts; a .env of the folder is for running it by hand.
            all.insert(one.name.clone(), service(&one.name, file.clone(), values));
        }
    }
    if all.is_empty() {
        return Err(Error::refused(
            format!("no old service was found in {}", folder.display()),
            "name the folder that holds docker-compose.yml, or a folder with .env for each service",
        ));
    }
    Ok(all.into_values().collect())
}

fn read(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(file).map_err(Error::file("read", file))?;
    dotenv::parse(&text).map_err(|line| {
        Error::refused(
            format!("{}, line {line}: not NAME=value", file.display()),
            "correct it, or begin the line with #",
        )
    })
}

fn service(name: &str, source: PathBuf, mut values: BTreeMap<String, String>) -> Service {
    if let Some(url) = database(&values) {
        values.insert("DATABASE_URL".to_owned(), url);
    }
    if let Some(url) = redis(&values) {
        values.insert("REDIS_URL".to_owned(), url);
    }
    Service {
        name: name.to_owned(),
        source,
        values: values.into_iter().map(|(key, value)| (key, value.into())).collect(),
    }
}

/// The URL that is said in parts, or as a URL of old.
fn database(values: &BTreeMap<String, String>) -> Option<String> {
    let value = |name: &str| values.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if value("DATABASE_URL").is_some() {
        return None;
    }
    let mut url = Url::parse("postgres://localhost").ok()?;
    url.set_host(Some(value("DB_HOST")?)).ok()?;
    let port = value("DB_PORT").and_then(|port| port.parse().ok());
    url.set_port(port).ok()?;
    url.set_username(value("DB_USER").unwrap_or("postgres")).ok()?;
    url.set_password(value("DB_PASSWORD")).ok()?;
    url.set_path(value("DB_NAME")?);
    if let Some(mode) = value("DB_SSL_MODE").or(value("DB_SSLMODE")) {
        url.query_pairs_mut().append_pair("sslmode", mode);
    }
    Some(url.into())
}

fn redis(values: &BTreeMap<String, String>) -> Option<String> {
    let value = |name: &str| values.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let mut url = if let Some(given) = value("REDIS_URL") {
        // The old services took the password apart from the URL.
        Url::parse(given).ok().filter(|url| url.password().is_none() && value("REDIS_PASSWORD").is_some())?
    } else {
        let mut url = Url::parse("redis://localhost").ok()?;
        url.set_host(Some(value("REDIS_HOST")?)).ok()?;
        url.set_port(value("REDIS_PORT").and_then(|port| port.parse().ok())).ok()?;
        url.set_path(value("REDIS_DB").unwrap_or("0"));
        url
    };
    url.set_password(value("REDIS_PASSWORD")).ok()?;
    Some(url.into())
}
