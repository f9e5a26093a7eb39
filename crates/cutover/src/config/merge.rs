//! One environment out of many, and what stands in the way of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use kernel::{Redacted, Rng};
use serde::Serialize;

use super::key::LEFT_OUT;
use super::{Key, Service, dotenv};
use crate::files::{self, sha256};
use crate::{Error, Result};

/// What one setting of the new service is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name for this program.
    pub name: &'static str,
    /// What the services have; secrets as fingerprints that can be compared within this output only.
    pub services: BTreeMap<String, String>,
    /// Whether they contradict each other in something that must be one.
    pub conflict: bool,
    /// What becomes of it.
    pub note: String,
}

/// The new service's environment, and how it came about.
#[derive(Debug, Serialize)]
pub struct Merged {
    /// Each setting.
    pub settings: Vec<Setting>,
    /// Settings that are not carried over, with the reason where it is known.
    pub left_out: BTreeMap<String, String>,
    #[serde(skip)]
    values: Vec<(&'static str, Redacted<String>)>,
}

/// Whose value to take where services contradict each other: a key's name and a service's.
pub type Chosen = BTreeMap<String, String>;

/// Puts the environments together.
pub fn merge(services: &[Service], chosen: &Chosen, rng: &dyn Rng) -> Merged {
    let salt = rng.bytes::<16>();
    let mut merged = Merged { settings: Vec::new(), left_out: left_out(services), values: Vec::new() };
    for key in Key::ALL {
        let all: Vec<(&Service, &Redacted<String>)> =
            services.iter().filter_map(|service| Some((service, key.of(service)?))).collect();
        if all.is_empty() {
            continue;
        }
        let shown = |value: &str| match key {
            Key::DatabaseUrl | Key::RedisUrl => key.compared(value),
            _ if key.is_secret() => format!("#{}", &sha256([&salt[..], value.as_bytes()].concat())[..8]),
            _ => value.to_owned(),
        };
        let different: BTreeSet<String> = all.iter().map(|(_, value)| key.compared(value.expose())).collect();
        let choice = chosen.get(key.name()).and_then(|name| all.iter().find(|(service, _)| service.name == *name));
        let conflict = different.len() > 1 && key.must_agree() && choice.is_none();
        let (value, note) = match (key, choice) {
            (_, Some((service, value))) => (value.expose().clone(), format!("of {}, as chosen", service.name)),
            (Key::CorsOrigins, None) => origins(&all),
            (Key::LogLevel | Key::Environment, None) if different.len() > 1 => {
                let value = if key == Key::Environment { "production" } else { "info" };
                (value.to_owned(), format!("{value}, because they differ"))
            }
            _ => (all[0].1.expose().clone(), format!("of {}", all[0].0.name)),
        };
        let note = if conflict { format!("they differ: choose one with --take {}=SERVICE", key.name()) } else { note };
        if !conflict && !value.is_empty() {
            merged.values.push((key.name(), value.into()));
        }
        let services = all.iter().map(|(service, value)| (service.name.clone(), shown(value.expose()))).collect();
        merged.settings.push(Setting { name: key.name(), services, conflict, note });
    }
    merged.values.push(("LEGACY_COEXISTENCE", "true".to_owned().into()));
    merged
}

/// All sites that any service let in. `*` is not taken: with it, every site could act with its visitors' log-in (T-66).
fn origins(all: &[(&Service, &Redacted<String>)]) -> (String, String) {
    let sites: BTreeSet<&str> = all
        .iter()
        .flat_map(|(_, value)| value.expose().split(','))
        .map(str::trim)
        .filter(|site| !site.is_empty())
        .collect();
    let all_sites = sites.contains("*");
    let value = sites.into_iter().filter(|site| *site != "*").collect::<Vec<_>>().join(",");
    (value, if all_sites { "of all together, without *: list the sites" } else { "of all together" }.to_owned())
}

fn left_out(services: &[Service]) -> BTreeMap<String, String> {
    let carried = [
        "DATABASE_URL",
        "REDIS_URL",
        "JWT_SECRET",
        "INTERNAL_API_KEY",
        "API_KEY",
        "CORS_ORIGINS",
        "CORS_ALLOWED_ORIGINS",
        "LOG_LEVEL",
        "ENVIRONMENT",
    ];
    let parts = |name: &str| name.starts_with("DB_") || name.starts_with("REDIS_");
    let names: BTreeSet<&String> = services.iter().flat_map(|service| service.values.keys()).collect();
    names
        .into_iter()
        .filter(|name| !carried.contains(&name.as_str()) && !parts(name))
        .map(|name| {
            let why = LEFT_OUT
                .iter()
                .find(|(known, _)| known == name)
                .map_or("this program has no such setting", |(_, why)| why);
            (name.clone(), why.to_owned())
        })
        .collect()
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    /// It is new, or in place of another that was put aside.
    Written,
    /// It was there with the same contents.
    Unchanged,
}

impl Merged {
    /// Whether something must be chosen first.
    pub fn conflicts(&self) -> bool {
        self.settings.iter().any(|setting| setting.conflict)
    }

    /// A setting's value.
    pub fn value(&self, name: &str) -> Option<&Redacted<String>> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn text(&self) -> String {
        let mut text = "# Of the old services, for pyairtable-platform. Holds secrets.\n".to_owned();
        for (name, value) in &self.values {
            text.push_str(&dotenv::line(name, value.expose()));
        }
        text
    }

    /// Writes the new service's environment file: whole or not at all, for its owner alone. One with other contents stays,
    /// unless it may be replaced; then it is kept beside the new one.
    pub fn write(&self, path: &Path, replace: bool) -> Result<Written> {
        if let Some(setting) = self.settings.iter().find(|setting| setting.conflict) {
            return Err(Error::refused(
                format!("the services contradict each other in {}; nothing was written", setting.name),
                setting.note.clone(),
            ));
        }
        match std::fs::read_to_string(path) {
            Ok(there) if there == self.text() => return Ok(Written::Unchanged),
            Ok(_) if !replace => {
                return Err(Error::refused(
                    format!("{} is there with other contents", path.display()),
                    "look at it; --replace keeps it as .before and writes it anew",
                ));
            }
            Ok(there) => files::replace(&files::beside(path, ".before"), there.as_bytes())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("read", path)(error)),
        }
        files::replace(path, self.text().as_bytes())?;
        Ok(Written::Written)
    }
}

impl fmt::Display for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for setting in &self.settings {
            let word = if setting.conflict { "CONFLICT" } else { "" };
            writeln!(f, "{:<18} {} {word}", setting.name, setting.note)?;
            for (service, value) in &setting.services {
                writeln!(f, "    {service:<24} {value}")?;
            }
        }
        for (name, why) in &self.left_out {
            writeln!(f, "left out  {name}: {why}")?;
        }
        Ok(())
    }
}
