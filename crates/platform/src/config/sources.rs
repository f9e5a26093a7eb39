//! Where values come from: defaults < file < environment < flags. Each value keeps the name of its origin.
//!
//! An empty value counts as none: compose files pass `REDIS_URL=${REDIS_URL:-}` for "not set".

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::keys::{self, CONFIG_FILE, KEYS, Key, USUAL_FILE};
use crate::finding::Finding;

/// What the outside gives. Injected, so that tests need not change the environment of their process.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// Values of flags, by the environment name of their key.
    pub flags: BTreeMap<&'static str, String>,
    /// `--config`
    pub config_file: Option<PathBuf>,
    /// Where the usual configuration file is looked for.
    pub directory: PathBuf,
}

impl Inputs {
    /// The environment and directory of this process.
    pub fn of_process() -> Self {
        Self { environment: std::env::vars_os().collect(), ..Self::default() }
    }
}

/// All values that were given, merged, before any is understood.
pub(super) struct Merged {
    figment: Figment,
    /// Keys whose value was given but cannot be had; a value of a lower layer must not stand in for it.
    pub(super) unreadable: BTreeSet<&'static str>,
}

impl Merged {
    /// The text of a key and where it came from.
    pub(super) fn get(&self, name: &'static str) -> Option<(String, String)> {
        if self.unreadable.contains(name) {
            return None;
        }
        let Ok(Value::String(_, text)) = self.figment.find_value(name) else { return None };
        let origin = self.figment.find_metadata(name).map_or_else(String::new, |origin| origin.name.to_string());
        Some((text, origin))
    }
}

/// Reads all layers. What cannot be read is reported and left out.
pub(super) fn merge(inputs: &Inputs, findings: &mut Vec<Finding>) -> Merged {
    let mut merged = Merged { figment: Figment::new(), unreadable: BTreeSet::new() };
    for key in KEYS {
        if let Some(default) = key.default {
            merged.add(key, default.to_owned(), "default".to_owned());
        }
    }
    merged.layer("file", &file(inputs, findings), findings);
    merged.layer("environment", &environment(inputs, findings), findings);
    let flags = inputs.flags.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    merged.layer("flag", &flags, findings);
    merged
}

/// Values of one layer by the environment spelling of their names.
type Layer = BTreeMap<String, String>;

impl Merged {
    fn layer(&mut self, source: &'static str, values: &Layer, findings: &mut Vec<Finding>) {
        for key in KEYS {
            let given = |name: &str| values.get(name).filter(|text| !text.is_empty());
            let file_name = format!("{}_FILE", key.name);
            match (given(key.name), given(&file_name).filter(|_| key.secret)) {
                (None, None) => {}
                (Some(text), None) => self.add(key, text.clone(), source.to_owned()),
                (None, Some(path)) => match secret_file(Path::new(path)) {
                    Ok(text) => self.add(key, text, format!("{source} {}", spelling(source, &file_name))),
                    Err(reason) => {
                        self.unreadable.insert(key.name);
                        findings.push(Finding::problem(
                            key.name,
                            format!("{file_name} names {}, which {reason}", Path::new(path).display()),
                            format!("correct {file_name}, or make the file readable to this user"),
                        ));
                    }
                },
                (Some(_), Some(_)) => {
                    self.unreadable.insert(key.name);
                    findings.push(Finding::problem(
                        key.name,
                        format!("both {} and {file_name} are set ({source})", key.name),
                        format!("unset one of {} and {file_name}", key.name),
                    ));
                }
            }
        }
    }

    fn add(&mut self, key: &'static Key, text: String, origin: String) {
        self.unreadable.remove(key.name);
        let figment = std::mem::take(&mut self.figment);
        self.figment = figment.merge(Given { key, text, origin });
    }
}

/// One value. The environment provider of figment is not used: it guesses types, and a secret of digits would come
/// back as a number without its leading zeros.
struct Given {
    key: &'static Key,
    text: String,
    origin: String,
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(Dict::from([(self.key.name.to_owned(), Value::from(self.text.clone()))])))
    }
}

/// How a name is written in its layer.
fn spelling(source: &str, name: &str) -> String {
    match source {
        "flag" => format!("--{}", name.to_ascii_lowercase().replace('_', "-")),
        "file" => name.to_ascii_lowercase(),
        _ => name.to_owned(),
    }
}

fn secret_file(path: &Path) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot be read ({})", error.kind()))?;
    // Editors and `echo` end files with a newline that is not part of the secret.
    let text = text.strip_suffix('\n').map_or(&*text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn environment(inputs: &Inputs, findings: &mut Vec<Finding>) -> Layer {
    let mut layer = Layer::new();
    for (name, value) in &inputs.environment {
        let Some((key, _)) = name.to_str().and_then(keys::find) else { continue };
        match value.to_str() {
            Some(text) => {
                layer.insert(name.to_string_lossy().into_owned(), text.to_owned());
            }
            None => findings.push(Finding::problem(
                key.name,
                "the value in the environment is not valid UTF-8",
                format!("set {} to plain text", key.name),
            )),
        }
    }
    layer
}

fn file(inputs: &Inputs, findings: &mut Vec<Finding>) -> Layer {
    let from_environment = || inputs.environment.get(&OsString::from(CONFIG_FILE)).filter(|path| !path.is_empty());
    let named = inputs.config_file.clone().or_else(|| from_environment().map(PathBuf::from));
    let path = named.clone().unwrap_or_else(|| inputs.directory.join(USUAL_FILE));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Layer::new(),
        Err(error) => {
            findings.push(Finding::problem(
                CONFIG_FILE,
                format!("the configuration file {} cannot be read ({})", path.display(), error.kind()),
                "correct --config or CONFIG_FILE, or make the file readable to this user",
            ));
            return Layer::new();
        }
    };
    let dict = match Figment::from(Toml::string(&text)).extract::<Dict>() {
        Ok(dict) => dict,
        Err(error) => {
            findings.push(Finding::problem(
                CONFIG_FILE,
                format!("the configuration file {} is not valid TOML: {}", path.display(), first_line(&error)),
                "write one `key = value` a line, texts in double quotes",
            ));
            return Layer::new();
        }
    };
    let mut layer = Layer::new();
    for (name, value) in dict {
        if let Some((upper, text)) = entry(&path, &name, &value, findings) {
            layer.insert(upper, text);
        }
    }
    layer
}

/// The parser quotes the offending line below its message, and that line may hold a secret.
fn first_line(error: &figment::Error) -> String {
    let text = error.to_string();
    let place = text.lines().next().unwrap_or_default();
    place.strip_suffix(" in TOML source string").unwrap_or(place).to_owned()
}

fn entry(path: &Path, name: &str, value: &Value, findings: &mut Vec<Finding>) -> Option<(String, String)> {
    let upper = name.to_ascii_uppercase();
    let known = keys::find(&upper).filter(|_| name.chars().all(|c| !c.is_ascii_uppercase()));
    let Some((key, _)) = known else {
        let remedy = match keys::closest(&upper) {
            Some(meant) => format!("did you mean `{}`?", meant.to_ascii_lowercase()),
            None => "remove it; `pyairtable-platform serve --help` lists the keys".to_owned(),
        };
        let message = format!("{} has the unknown key `{}`", path.display(), name.escape_debug());
        findings.push(Finding::problem(CONFIG_FILE, message, remedy));
        return None;
    };
    let text = match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Num(_, number) => number.to_u128().map(|n| n.to_string()).or(number.to_i128().map(|n| n.to_string())),
        Value::Bool(_, truth) => Some(truth.to_string()),
        Value::Array(_, items) if key.name == keys::CORS_ORIGINS => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.join(",")),
        _ => None,
    };
    if text.is_none() {
        findings.push(Finding::problem(
            key.name,
            format!("`{name}` in {} has the wrong type", path.display()),
            "give a text in double quotes, a whole number, or true or false",
        ));
    }
    text.map(|text| (upper, text))
}
