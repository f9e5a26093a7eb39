//! Where values come from, and what is said about those that are none.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use pyairtable_platform::config::{Config, Database, Environment, Inputs, Loaded, LogLevel, load};

/// The configuration of an environment and a file, without flags.
fn given(environment: &[(&str, &str)], file: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("pyairtable-platform.toml"), file).unwrap();
    load(&inputs(directory.path(), environment, &[]))
}

fn inputs(directory: &Path, environment: &[(&str, &str)], flags: &[(&'static str, &str)]) -> Inputs {
    Inputs {
        environment: environment.iter().map(|(name, text)| (OsString::from(name), OsString::from(text))).collect(),
        flags: flags.iter().map(|(name, text)| (*name, (*text).to_owned())).collect(),
        config_file: None,
        directory: directory.to_owned(),
    }
}

#[track_caller]
fn good(loaded: Loaded) -> Config {
    assert_eq!(loaded.findings, []);
    loaded.config
}

/// The findings as they are shown, one a line.
fn complaints(loaded: &Loaded) -> String {
    loaded.findings.iter().flat_map(|finding| [finding.to_string(), "\n".to_owned()]).collect()
}

fn source<'a>(loaded: &'a Loaded, key: &str) -> &'a str {
    &loaded.entries.iter().find(|entry| entry.key == key).unwrap().source
}

#[test]
fn nothing_given_serves_on_this_machine() {
    let config = good(given(&[], ""));
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(config.public, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)));
    assert_eq!(config.internal, SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)));
    assert_eq!(config.data_dir, Path::new("./data"));
    assert!(matches!(config.database, Database::Local(directory) if directory == Path::new("./data")));
    assert_eq!(config.cors_origins, ["http://localhost:3000", "http://localhost:3003"]);
    assert_eq!(config.log_level, LogLevel::Info);
    let limits = web::Limits { auth: 60, users: 100, workspaces: 50, notifications: 200 };
    assert_eq!((config.limits, config.auth_failures), (limits, 10));
    assert!(!config.legacy_coexistence);
    assert!(config.jwt_secret.is_none() && config.internal_api_key.is_none() && config.redis.is_none());
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(
        directory.path().join("pyairtable-platform.toml"),
        "port = 1\ninternal_port = 1\nlog_level = 'warn'",
    )
    .unwrap();
    let environment = [("PORT", "2"), ("INTERNAL_PORT", "2")];
    let loaded = load(&inputs(directory.path(), &environment, &[("PORT", "3")]));
    assert_eq!((loaded.config.public.port(), source(&loaded, "PORT")), (3, "flag"));
    assert_eq!((loaded.config.internal.port(), source(&loaded, "INTERNAL_PORT")), (2, "environment"));
    assert_eq!((loaded.config.log_level, source(&loaded, "LOG_LEVEL")), (LogLevel::Warn, "file"));
    assert_eq!(source(&loaded, "ENVIRONMENT"), "default");
    assert_eq!(loaded.findings, []);
}

#[test]
fn secret_files_take_part_in_the_same_order() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (unix, windows) = (file("unix", "from a file\n"), file("windows", "from a file\r\n"));
    let read = |environment: &[(&str, &str)], flags: &[(&'static str, &str)]| {
        let loaded = load(&inputs(directory.path(), environment, flags));
        let source = source(&loaded, "JWT_SECRET").to_owned();
        (good(loaded).jwt_secret.unwrap().expose().clone(), source)
    };
    let expected = |source: &str| ("from a file".to_owned(), source.to_owned());
    assert_eq!(read(&[("JWT_SECRET_FILE", &unix)], &[]), expected("environment JWT_SECRET_FILE"));
    assert_eq!(read(&[("JWT_SECRET_FILE", &windows)], &[]), expected("environment JWT_SECRET_FILE"));
    assert_eq!(
        read(&[("JWT_SECRET", "from the environment")], &[("JWT_SECRET_FILE", &unix)]),
        expected("flag --jwt-secret-file")
    );
    // Compose files pass empty values for what is not set.
    assert_eq!(read(&[("JWT_SECRET", ""), ("JWT_SECRET_FILE", &unix)], &[]), expected("environment JWT_SECRET_FILE"));
}

#[test]
fn secret_given_twice_is_refused_naming_both() {
    for key in ["JWT_SECRET", "INTERNAL_API_KEY", "AUDIT_KEY", "DATABASE_URL", "REDIS_URL", "REDIS_PASSWORD"] {
        let file = format!("{key}_FILE");
        let loaded = given(&[(key, "one"), (&file, "/some/file")], "");
        let complaints = complaints(&loaded);
        assert!(complaints.contains(&format!("both {key} and {file} are set")), "{complaints}");
    }
}

#[test]
fn secret_file_that_cannot_be_read_is_no_reason_to_use_another_layer() {
    let loaded = given(&[("JWT_SECRET_FILE", "/does/not/exist")], "jwt_secret = 'of the file'");
    assert!(loaded.config.jwt_secret.is_none());
    assert!(complaints(&loaded).contains("JWT_SECRET_FILE names /does/not/exist, which cannot be read"));
}

#[test]
fn file_takes_every_key_in_its_natural_type() {
    let config = good(given(
        &[],
        "environment = 'test'\nport = 18080\nlegacy_coexistence = true\nredis_url = 'redis://cache:6380/2'\n\
         cors_origins = ['https://one.example', 'https://two.example/']\nrate_limit_users = 0\nrate_limit_auth = 7\ndatabase_url = 'local:/srv/data'",
    ));
    assert_eq!(config.environment, Environment::Test);
    assert_eq!(config.public.port(), 18080);
    assert_eq!((config.limits.users, config.limits.auth, config.limits.workspaces), (0, 7, 50));
    assert!(config.legacy_coexistence);
    assert_eq!(config.cors_origins, ["https://one.example", "https://two.example"]);
    assert_eq!(config.redis.unwrap().to_string(), "redis://cache:6380/2");
    assert!(matches!(config.database, Database::Local(directory) if directory == Path::new("/srv/data")));
}

#[test]
fn unknown_keys_of_the_file_are_errors_with_a_suggestion() {
    let loaded = given(&[], "prot = 1\njwt_secert_file = 'x'\nPORT = 2\nzebra = 3\n[server]\nport = 1");
    insta::with_settings!({ filters => vec![(r"/\S+/pyairtable-platform.toml", "FILE")] }, {
        insta::assert_snapshot!(complaints(&loaded));
    });
}

#[test]
fn broken_file_is_reported_without_quoting_it() {
    let loaded = given(&[], "port = 1\njwt_secret = 'hunter2-hunter2\n");
    let complaints = complaints(&loaded);
    assert!(complaints.contains("not valid TOML"), "{complaints}");
    assert!(!complaints.contains("hunter2"), "{complaints}");
}

#[test]
fn file_that_was_named_must_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let named = Inputs { config_file: Some(PathBuf::from("/does/not/exist")), ..inputs(directory.path(), &[], &[]) };
    assert!(complaints(&load(&named)).contains("/does/not/exist cannot be read"));
    let by_environment = inputs(directory.path(), &[("CONFIG_FILE", "/does/not/exist")], &[]);
    assert!(complaints(&load(&by_environment)).contains("/does/not/exist cannot be read"));
}

#[test]
fn values_that_are_none_are_all_reported_at_once() {
    let loaded = given(
        &[
            ("ENVIRONMENT", "prod"),
            ("PORT", "65536"),
            ("INTERNAL_PORT", "-1"),
            ("BIND_ADDRESS", "localhost"),
            ("DATABASE_URL", "mysql://root:hunter2@db/x"),
            ("REDIS_URL", "rediss://:hunter2@cache:6379"),
            ("LEGACY_COEXISTENCE", "maybe"),
            ("RATE_LIMIT_USERS", "-1"),
            ("RATE_LIMIT_AUTH_FAILURES", "0"),
            ("LOG_LEVEL", "loud\nline"),
            ("CORS_ORIGINS", "app.example.com, ftp://x, https://ok.example/path, https://fine.example"),
        ],
        "",
    );
    assert!(!format!("{loaded:?}").contains("hunter2"));
    assert_eq!(loaded.config.cors_origins, ["https://fine.example"]);
    insta::assert_snapshot!(complaints(&loaded));
}

#[test]
fn truth_has_many_spellings() {
    for (text, truth) in [("true", true), ("1", true), ("YES", true), ("on", true), ("false", false), ("0", false)]
        .into_iter()
        .chain([("No", false), ("OFF", false)])
    {
        assert_eq!(good(given(&[("LEGACY_COEXISTENCE", text)], "")).legacy_coexistence, truth, "{text}");
    }
}

#[test]
fn empty_values_count_as_not_set() {
    let all = ["PORT", "DATABASE_URL", "JWT_SECRET", "REDIS_URL", "LOG_LEVEL", "CORS_ORIGINS", "LEGACY_COEXISTENCE"];
    let environment: Vec<_> = all.iter().map(|name| (*name, "")).collect();
    assert_eq!(good(given(&environment, "")).public.port(), 8080);
}

#[test]
fn redis_password_completes_the_url() {
    let shown = |environment: &[(&str, &str)]| {
        let loaded = given(environment, "");
        (loaded.config.redis.as_ref().map(ToString::to_string), loaded.findings.len())
    };
    let url = ("REDIS_URL", "redis://cache:6379");
    assert_eq!(shown(&[url]), (Some("redis://cache:6379/0".to_owned()), 0));
    let complete = Some("redis://:[redacted]@cache:6379/0".to_owned());
    assert_eq!(shown(&[url, ("REDIS_PASSWORD", "hunter2")]), (complete.clone(), 0));
    let two = [("REDIS_URL", "redis://:one@cache:6379"), ("REDIS_PASSWORD", "two")];
    assert_eq!(shown(&two), (complete, 1));
    assert_eq!(shown(&[("REDIS_PASSWORD", "hunter2")]), (None, 1));
}

#[test]
fn secrets_are_never_shown() {
    let secrets: BTreeMap<&str, &str> = [
        ("JWT_SECRET", "hunter2-jwt"),
        ("INTERNAL_API_KEY", "hunter2-key"),
        ("AUDIT_KEY", "hunter2-audit"),
        ("REDIS_URL", "redis://:hunter2-redis@cache"),
        ("REDIS_PASSWORD", "hunter2-other"),
        ("DATABASE_URL", "postgres://app:hunter2-db@db.internal/x"),
    ]
    .into();
    let environment: Vec<_> = secrets.into_iter().collect();
    let loaded = given(&environment, "");
    assert!(!format!("{loaded:?} {}", complaints(&loaded)).contains("hunter2"), "{loaded:?}");
    let json = serde_json::to_string(&loaded.entries).unwrap();
    assert!(!json.contains("hunter2"), "{json}");
    assert!(json.contains("postgres://app:[redacted]@db.internal:5432/x"), "{json}");
}

#[test]
fn secrets_of_digits_keep_their_zeros() {
    let config = good(given(&[("JWT_SECRET", "007"), ("INTERNAL_API_KEY", "[1]")], ""));
    assert_eq!(config.jwt_secret.unwrap().expose(), "007");
    assert_eq!(config.internal_api_key.unwrap().expose(), "[1]");
}
