//! Secrets that are none: empty, short, copied from an example, or typed by hand.

use kernel::{Redacted, weakness};

use crate::config::{Loaded, keys};
use crate::finding::Finding;

const REMEDY: &str = "set it to the output of `openssl rand -base64 48`";

pub(super) fn check(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let production = config.is_production();
    for (key, secret) in [
        (keys::JWT_SECRET, &config.jwt_secret),
        (keys::INTERNAL_API_KEY, &config.internal_api_key),
        (keys::AUDIT_KEY, &config.audit_key),
    ] {
        if loaded.broken.contains(key) {
            continue;
        }
        match secret {
            None if key == keys::JWT_SECRET && production => {
                findings.push(Finding::problem(key, "it is not set or empty: no token could be signed", REMEDY));
            }
            None if key == keys::JWT_SECRET => {
                findings.push(Finding::ok(key, "not set: a random one is kept in PLATFORM_DATA_DIR"));
            }
            None if key == keys::AUDIT_KEY && production => findings.push(Finding::warning(
                key,
                "not set: it follows from JWT_SECRET, and the audit trail cannot be verified once that is replaced",
                REMEDY,
            )),
            None if key == keys::AUDIT_KEY => findings.push(Finding::ok(key, "not set: it follows from JWT_SECRET")),
            None => findings.push(Finding::ok(key, "not set: services cannot call with X-API-Key")),
            Some(secret) => findings.push(match weakness(secret.expose()) {
                Some(weakness) => Finding::grave(production, key, weakness, REMEDY),
                None => Finding::ok(key, format!("{} bytes, not a known placeholder", secret.expose().len())),
            }),
        }
    }
    if let Some(key) = &config.internal_api_key {
        findings.extend(unsendable(key));
        if config.jwt_secret.as_ref() == Some(key) {
            findings.push(Finding::grave(
                production,
                keys::INTERNAL_API_KEY,
                "it is the same as JWT_SECRET: every service that may call could also forge tokens",
                REMEDY,
            ));
        }
    }
}

/// A key with other characters can never be shown in a header.
fn unsendable(key: &Redacted<String>) -> Option<Finding> {
    let sendable = key.expose().bytes().all(|byte| byte.is_ascii_graphic());
    let message = "it contains characters that cannot be sent in a header";
    (!sendable).then(|| Finding::problem(keys::INTERNAL_API_KEY, message, "use letters, digits and punctuation only"))
}
