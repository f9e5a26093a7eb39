//! Production configurations that must not serve: each is refused with everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, Instant};

use pyairtable_platform::check;
use pyairtable_platform::config::{Inputs, load};
use pyairtable_platform::finding::Finding;

use crate::command::run_in;

/// One that is fine; every bad one differs from it where it says.
const GOOD: &[(&str, &str)] = &[
    ("ENVIRONMENT", "production"),
    ("PORT", "0"),
    ("INTERNAL_PORT", "0"),
    ("DATABASE_URL", "postgres://platform:9fQ2vL0xTz7K@db.internal/pyairtable?sslmode=verify-full"),
    ("JWT_SECRET", "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s="),
    ("INTERNAL_API_KEY", "k2Yt7Wq0ZpB5nXc8VsD1fGh3JrLm6Qa9"),
    ("AUDIT_KEY", "pR5sT8uVw2xYz4AbC7dEf0GhJ3kLm6Nq"),
    ("CORS_ORIGINS", "https://app.example.com"),
];

/// What is changed (an empty value unsets), and the keys that must be complained about.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const BAD: &[Case] = &[
    (&[("JWT_SECRET", "")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "secret")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "changeme")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "your-secret-key")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "your-secret-key-change-in-production")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "default-secret-change-in-production")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "Your-Secret-Key-Change-In-Production")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "eW91ci1zZWNyZXQta2V5LWNoYW5nZS1pbi1wcm9kdWN0aW9u")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "ZGVmYXVsdC1zZWNyZXQtY2hhbmdlLWluLXByb2R1Y3Rpb24=")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "eW91ci1zZWNyZXQta2V5")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "ababababababababababababababababababababab")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "0123456789abcdef0123456789abcdef0123456789abcdef")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEF")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", "my_super_secret_key_for_the_platform_2024")], &["JWT_SECRET"]),
    (&[("JWT_SECRET_FILE", "/dev/null")], &["JWT_SECRET"]),
    (&[("JWT_SECRET", ""), ("JWT_SECRET_FILE", "/does/not/exist")], &["JWT_SECRET"]),
    (&[("INTERNAL_API_KEY", "short")], &["INTERNAL_API_KEY"]),
    (&[("INTERNAL_API_KEY", "replace-me-with-a-real-internal-api-key")], &["INTERNAL_API_KEY"]),
    (&[("INTERNAL_API_KEY", "k2Yt7Wq0 ZpB5nXc8VsD1fGh3JrLm6Qa9")], &["INTERNAL_API_KEY"]),
    (&[("INTERNAL_API_KEY", "Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s=")], &["INTERNAL_API_KEY"]),
    (&[("AUDIT_KEY", "placeholder")], &["AUDIT_KEY"]),
    (&[("DATABASE_URL", "")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "local:/var/lib/pyairtable")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "postgres://postgres:postgres@localhost:5432/pyairtable")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "postgres://pyairtable:pyairtable@db.internal/x?sslmode=verify-full")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "postgres://app:Password@db.internal/x?sslmode=verify-full")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "postgres://app:9fQ2vL0xTz7K@db.internal/x?sslmode=yes")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "mysql://app:9fQ2vL0xTz7K@db.internal/x")], &["DATABASE_URL"]),
    (&[("DATABASE_URL", "postgres://app:9fQ2vL0xTz7K@db.internal:port/x")], &["DATABASE_URL"]),
    (&[("DATABASE_URL_FILE", "/some/file")], &["DATABASE_URL"]),
    (&[("CORS_ORIGINS", "*")], &["CORS_ORIGINS"]),
    (&[("CORS_ORIGINS", "https://app.example.com,*")], &["CORS_ORIGINS"]),
    (&[("CORS_ORIGINS", "app.example.com")], &["CORS_ORIGINS"]),
    (&[("CORS_ORIGINS", "https://app.example.com/path")], &["CORS_ORIGINS"]),
    (&[("TRUSTED_PROXIES", "10.0.0.0/8,everybody")], &["TRUSTED_PROXIES"]),
    (&[("WEBHOOKS_ALLOW_PRIVATE", "true")], &["WEBHOOKS_ALLOW_PRIVATE"]),
    (&[("SMTP_URL", "mail.example.com"), ("MAIL_FROM", "a@example.com")], &["SMTP_URL"]),
    (&[("SMTP_URL", "smtps://mail.example.com")], &["MAIL_FROM"]),
    (&[("MAIL_FROM", "PyAirtable")], &["MAIL_FROM"]),
    (&[("MAIL_DELIVER", "perhaps")], &["MAIL_DELIVER"]),
    (&[("INVITATION_URL", "https://app.example.com/join")], &["INVITATION_URL"]),
    (&[("LEGACY_COEXISTENCE", "true")], &["LEGACY_COEXISTENCE"]),
    (&[("LEGACY_COEXISTENCE", "perhaps")], &["LEGACY_COEXISTENCE"]),
    (&[("REDIS_URL", "cache:6379")], &["REDIS_URL"]),
    (&[("REDIS_URL", "rediss://cache:6379")], &["REDIS_URL"]),
    (&[("PORT", "http")], &["PORT"]),
    (&[("PORT", "9999"), ("INTERNAL_PORT", "9999")], &["INTERNAL_PORT"]),
    (&[("BIND_ADDRESS", "everywhere")], &["BIND_ADDRESS"]),
    (&[("LOG_LEVEL", "verbose")], &["LOG_LEVEL"]),
    (&[("ENVIRONMENT", "prod")], &["ENVIRONMENT"]),
    (&[("ENVIRONMENT", "prod"), ("JWT_SECRET", "secret")], &["ENVIRONMENT", "JWT_SECRET"]),
    (&[("CONFIG_FILE", "/does/not/exist")], &["CONFIG_FILE"]),
    (
        &[
            ("JWT_SECRET", "secret"),
            ("INTERNAL_API_KEY", "test"),
            ("DATABASE_URL", "postgres://postgres:postgres@localhost/x"),
            ("CORS_ORIGINS", "*"),
            ("LEGACY_COEXISTENCE", "1"),
            ("PORT", "zero"),
            ("LOG_LEVEL", "x"),
        ],
        &["CORS_ORIGINS", "DATABASE_URL", "INTERNAL_API_KEY", "JWT_SECRET", "LEGACY_COEXISTENCE", "LOG_LEVEL", "PORT"],
    ),
];

fn environment(changes: &[(&'static str, &'static str)]) -> BTreeMap<&'static str, &'static str> {
    let mut environment: BTreeMap<_, _> = GOOD.iter().copied().collect();
    environment.extend(changes.iter().copied());
    environment
}

fn findings(changes: &[(&'static str, &'static str)]) -> Vec<Finding> {
    let environment = environment(changes).into_iter();
    check::before_start(&load(&Inputs {
        environment: environment.map(|(name, text)| (OsString::from(name), OsString::from(text))).collect(),
        directory: Path::new("/does/not/exist").to_owned(),
        ..Inputs::default()
    }))
}

fn problems(findings: &[Finding]) -> BTreeSet<&str> {
    findings.iter().filter(|finding| finding.is_problem()).map(|finding| finding.subject).collect()
}

#[test]
fn good_configuration_has_no_complaints_at_all() {
    let findings = findings(&[]);
    assert!(findings.iter().all(|finding| finding.remedy.is_none()), "{findings:#?}");
}

#[test]
fn bad_configurations_are_refused_for_exactly_what_is_wrong_with_them() {
    assert!(BAD.len() >= 30);
    for (changes, expected) in BAD {
        let began = Instant::now();
        let findings = findings(changes);
        let took = began.elapsed();
        assert_eq!(problems(&findings), expected.iter().copied().collect(), "{changes:?}: {findings:#?}");
        assert!(took < Duration::from_millis(200), "{changes:?} took {took:?}");
        for finding in findings.iter().filter(|finding| finding.is_problem()) {
            assert!(finding.remedy.is_some(), "{finding:?}");
        }
    }
}

#[test]
fn serve_refuses_every_bad_configuration_at_once() {
    let directory = tempfile::tempdir().unwrap();
    for (changes, expected) in BAD {
        let environment: Vec<_> = environment(changes).into_iter().collect();
        let run = run_in(directory.path(), &["serve"], &environment);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{changes:?}: {}", run.shown());
        for key in *expected {
            assert!(run.stderr.contains(&format!("problem  {key}: ")), "{changes:?}: {}", run.stderr);
        }
        for (name, secret) in &environment {
            let hidden = name.contains("SECRET") || name.contains("KEY") || *name == "DATABASE_URL";
            // A short one may occur in a sentence by chance.
            if hidden && secret.len() > 12 && !secret.starts_with("local:") && !secret.starts_with('/') {
                assert!(!run.stderr.contains(secret), "{name} is shown: {}", run.stderr);
            }
        }
    }
}

#[test]
fn what_is_unwise_is_a_warning_only() {
    for (changes, subject) in [
        (&[("LOG_LEVEL", "debug")][..], "LOG_LEVEL"),
        (&[("LOG_LEVEL", "trace")], "LOG_LEVEL"),
        (&[("DATABASE_URL", "postgres://platform:9fQ2vL0xTz7K@db.internal/x?sslmode=require")], "DATABASE_URL"),
        (&[("CORS_ORIGINS", "http://localhost:3000")], "CORS_ORIGINS"),
        (&[("INTERNAL_BIND_ADDRESS", "0.0.0.0")], "INTERNAL_BIND_ADDRESS"),
        (&[("AUDIT_KEY", "")], "AUDIT_KEY"),
    ] {
        let findings = findings(changes);
        assert_eq!(problems(&findings), BTreeSet::new(), "{findings:#?}");
        let warned = |finding: &Finding| finding.subject == subject && finding.remedy.is_some();
        assert!(findings.iter().any(warned), "{changes:?}: {findings:#?}");
    }
}

#[test]
fn development_only_warns_of_weak_secrets() {
    let findings = findings(&[("ENVIRONMENT", "development"), ("JWT_SECRET", "secret"), ("CORS_ORIGINS", "*")]);
    assert_eq!(problems(&findings), BTreeSet::new(), "{findings:#?}");
}
