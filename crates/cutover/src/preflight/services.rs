//! What the old services were started with, held against each other and against this program.

use std::collections::BTreeMap;

use kernel::{Redacted, weakness};

use super::Inputs;
use super::verdict::Verdict;
use crate::config::{Key, Service};

const ENVIRONMENT: &str = "old-environment";
const EQUAL: &str = "jwt-secret-equal";
const OURS: &str = "jwt-secret-ours";
const STRENGTH: &str = "jwt-secret-strength";
const DATABASES: &str = "services-database";
const REDISES: &str = "services-redis";

pub(super) fn check(inputs: &Inputs) -> Vec<Verdict> {
    let services = inputs.services.as_slice();
    let known = if services.is_empty() {
        Verdict::warn(
            ENVIRONMENT,
            "not known: whether all services share secret, database and Redis was not looked at",
            "name the folder of the old services with --old DIR",
        )
    } else {
        Verdict::ok(ENVIRONMENT, format!("of {}", names(services.iter())))
    };
    vec![known, equal(services), ours(inputs), strength(inputs), places(inputs, DATABASES), places(inputs, REDISES)]
}

fn names<'a>(services: impl Iterator<Item = &'a Service>) -> String {
    services.map(|service| service.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Which services have which value.
fn by_value(services: &[Service], key: Key) -> BTreeMap<String, Vec<&Service>> {
    let mut all: BTreeMap<String, Vec<&Service>> = BTreeMap::new();
    for service in services {
        if let Some(value) = key.of(service) {
            all.entry(key.compared(value.expose())).or_default().push(service);
        }
    }
    all
}

fn equal(services: &[Service]) -> Verdict {
    let found = by_value(services, Key::JwtSecret);
    if found.len() < 2 {
        return Verdict::ok(EQUAL, "no two services sign with different secrets");
    }
    let groups: Vec<String> = found.values().map(|group| names(group.iter().copied())).collect();
    Verdict::stop(
        EQUAL,
        format!("the secrets of {} differ", groups.join(" and ")),
        "give all services the JWT_SECRET that auth-service has: tokens of one are refused by the other today",
    )
}

fn ours(inputs: &Inputs) -> Verdict {
    let theirs = by_value(&inputs.services, Key::JwtSecret);
    match (&inputs.surroundings.jwt_secret, theirs.len()) {
        (Some(own), 1) if !theirs.contains_key(own.expose()) => Verdict::stop(
            OURS,
            "JWT_SECRET of this program is not the one of the old services",
            "set it to theirs (`pyairtable-platform cutover config` writes it), or everybody has to log in again",
        ),
        (None, 1..) => Verdict::stop(
            OURS,
            "JWT_SECRET is not set for this program",
            "`pyairtable-platform cutover config` writes it into the new service's environment",
        ),
        _ => Verdict::ok(OURS, "tokens of either side will pass on the other, as far as is known"),
    }
}

fn strength(inputs: &Inputs) -> Verdict {
    let own = inputs.surroundings.jwt_secret.iter();
    let theirs = inputs.services.iter().filter_map(|service| Key::JwtSecret.of(service));
    let weak = own.chain(theirs).find_map(|secret: &Redacted<String>| weakness(secret.expose()));
    match weak {
        Some(why) => Verdict::warn(
            STRENGTH,
            format!("JWT_SECRET: {why}"),
            "replace it in all services at once before the take-over; everybody then logs in again, this once",
        ),
        None => Verdict::ok(STRENGTH, "not a known placeholder, and long enough"),
    }
}

fn places(inputs: &Inputs, check: &'static str) -> Verdict {
    let (key, what, own) = if check == DATABASES {
        (Key::DatabaseUrl, "database", inputs.surroundings.database_place.clone())
    } else {
        (Key::RedisUrl, "Redis", inputs.surroundings.redis_place.clone())
    };
    let found = by_value(&inputs.services, key);
    let mut shown: Vec<String> =
        found.iter().map(|(place, group)| format!("{} at {place}", names(group.iter().copied()))).collect();
    if found.len() > 1 {
        return Verdict::stop(
            check,
            format!("the services do not share one {what}: {}", shown.join("; ")),
            if check == DATABASES {
                "bring the tables into one database first, with pg_dump and pg_restore while the services stand still"
            } else {
                "point all of them at one Redis: refresh tokens and caches must be seen by all"
            },
        );
    }
    if let (Some(own), Some(theirs)) = (own, found.keys().next())
        && own != *theirs
    {
        let name = |place: &str| place.rsplit_once('/').map(|(_, name)| name.to_owned());
        // Inside containers a server often has another name than outside.
        let may_be_the_same = name(&own) == name(theirs);
        shown.push(format!("this program at {own}"));
        let remedy = "point this program at the old services' (`pyairtable-platform cutover config` writes it)";
        return if may_be_the_same {
            Verdict::warn(check, format!("perhaps not the same {what}: {}", shown.join("; ")), remedy)
        } else {
            Verdict::stop(check, format!("not the same {what}: {}", shown.join("; ")), remedy)
        };
    }
    Verdict::ok(check, format!("no two of them use different ones, as far as is known ({what})"))
}
