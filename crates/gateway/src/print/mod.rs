//! Ready configurations of other proxies for the routes of the file, at one share.
//!
//! Each says in its comments what the product cannot do. What would be wrong without anybody noticing is refused.

mod envoy;
mod gateway_api;
mod haproxy;
mod nginx;
mod traefik;

use std::collections::BTreeMap;
use std::fmt;

use crate::forced::Side;
use crate::haproxy::threshold::{Routed, Threshold};
use crate::haproxy::{Address, is_plain};
use crate::routes::{Group, Route, Table};
use crate::split::Share;

/// Whose configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// For `gateway drive haproxy`, by threshold.
    Haproxy,
    /// The map that goes with it, at the share.
    HaproxyMap,
    /// To be reloaded for each share.
    Nginx,
    /// A dynamic configuration for its file provider.
    Traefik,
    /// A static bootstrap.
    Envoy,
    /// `HTTPRoute`s of Kubernetes.
    GatewayApi,
}

/// What is printed besides the routes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The share of people on the new side, of every family.
    pub share: Share,
    /// Where clients connect.
    pub port: u16,
    /// The file of HAProxy's map, as HAProxy knows it.
    pub map: String,
    /// Where HAProxy tells the driver of requests.
    pub measure: Address,
    /// What people stick by in nginx, as an expression of nginx.
    pub key: Option<String>,
}

/// Something that cannot be printed, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unprintable(String);

impl fmt::Display for Unprintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unprintable {}

fn refuse<T>(why: impl Into<String>) -> Result<T, Unprintable> {
    Err(Unprintable(why.into()))
}

/// The configuration as text.
///
/// # Errors
///
/// What the product cannot do, or a name it could not read.
pub fn print(product: Product, table: &Table, options: &Options) -> Result<String, Unprintable> {
    let routes = named(table)?;
    match product {
        Product::Haproxy => haproxy::print(table, &routes, options),
        Product::HaproxyMap => Ok(haproxy::map(&routes, options)),
        Product::Nginx => nginx::print(table, &routes, options),
        Product::Traefik => traefik::print(&routes, options),
        Product::Envoy => envoy::print(&routes, options),
        Product::GatewayApi => gateway_api::print(&routes, options),
    }
}

/// A route with the name its backends have in HAProxy, and everywhere else.
struct Named<'a> {
    name: String,
    route: &'a Route,
}

impl Named<'_> {
    /// The sides there are, with their names.
    fn sides(&self) -> impl Iterator<Item = (Side, String, &Group)> {
        Side::BOTH.into_iter().filter_map(|side| Some((side, self.backend(side), self.group(side)?)))
    }

    fn group(&self, side: Side) -> Option<&Group> {
        match side {
            Side::Legacy => self.route.legacy.as_ref(),
            Side::Platform => self.route.platform.as_ref(),
        }
    }

    fn backend(&self, side: Side) -> String {
        format!("{}_{}", self.name, side.name())
    }

    fn has_both(&self) -> bool {
        self.sides().count() == 2
    }

    /// The path without its star, `/` for everything; and whether what is below belongs to it.
    fn stem(&self) -> (String, bool) {
        let shown = self.route.pattern.to_string();
        match shown.strip_suffix("/*") {
            Some("") => ("/".to_owned(), true),
            Some(stem) => (stem.to_owned(), true),
            None => (shown, false),
        }
    }

    /// A regular expression for its paths, with `/?` and the like but without a start.
    fn regex(&self) -> String {
        let (stem, below) = self.stem();
        match (&*stem, below) {
            ("/", true) => "/".to_owned(),
            ("/", false) => "/$".to_owned(),
            (_, true) => format!("{}(/|$)", plain_regex(&stem)),
            (_, false) => format!("{}/?$", plain_regex(&stem)),
        }
    }

    /// What both sides cut from paths, for products that cut before they choose a side.
    fn common_strip(&self, product: &str) -> Result<Option<&str>, Unprintable> {
        let mut strips = self.sides().map(|(_, _, group)| group.strip.as_deref());
        let first = strips.next().flatten();
        if strips.any(|strip| strip != first) {
            return refuse(format!(
                "{product} cuts prefixes before it chooses a side, and the sides of {} cut different ones: let both know \
                 the same paths, or use HAProxy, nginx or the Gateway API",
                self.route.pattern
            ));
        }
        Ok(first)
    }
}

/// A path as a regular expression that means itself.
fn plain_regex(path: &str) -> String {
    path.replace('.', "[.]")
}

fn named(table: &Table) -> Result<Vec<Named<'_>>, Unprintable> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    table
        .routes()
        .map(|route| {
            let path = route.pattern.to_string();
            let paths = [Some(&path), strip(route.legacy.as_ref()), strip(route.platform.as_ref())];
            let health = [&route.legacy, &route.platform].into_iter().flatten().map(|group| &group.health);
            for path in paths.into_iter().flatten().chain(health) {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~:@*".contains(&byte);
                if !path.bytes().all(is_plain) {
                    return refuse(format!(
                        "the path {path:?} means something else to other proxies: use plain letters"
                    ));
                }
            }
            if !is_plain(&route.family) {
                let family = &route.family;
                return refuse(format!(
                    "the family {family:?} needs a name of letters, digits, - and _: write `family:`"
                ));
            }
            let slug = path.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let mut name = slug.trim_matches('_').to_owned();
            if name.is_empty() {
                name.push_str("everything");
            }
            let count = taken.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                name = format!("{name}_{count}");
            }
            Ok(Named { name, route })
        })
        .collect()
}

fn strip(group: Option<&Group>) -> Option<&String> {
    group.and_then(|group| group.strip.as_ref())
}

/// What a driver needs to know of the configuration that [`print`] writes for HAProxy.
///
/// # Errors
///
/// A name HAProxy could not read, or no family with two sides.
pub fn threshold(table: &Table, map: String, file: std::path::PathBuf) -> Result<Threshold, Unprintable> {
    let named = named(table)?;
    let both = named.iter().filter(|named| named.has_both());
    let both = both.map(|named| Routed {
        path: named.route.pattern.to_string(),
        family: named.route.family.clone(),
        backends: Side::BOTH.map(|side| named.backend(side)),
    });
    let routes: Vec<Routed> = both.collect();
    if routes.is_empty() {
        return refuse("no route has two sides: give one `legacy:` and `platform:`");
    }
    Ok(Threshold { map, file, routes })
}

/// Host and port as other proxies write them.
fn authority(endpoint: &crate::routes::Endpoint) -> String {
    endpoint.to_string().replacen("http://", "", 1)
}

/// Two whole numbers in the ratio of the sides, old one first, as small as they get.
fn ratio(share: Share, legacy: u32, platform: u32) -> (u32, u32) {
    let new = u64::from(share.millionths()) * u64::from(legacy);
    let old = u64::from(Share::ALL.millionths() - share.millionths()) * u64::from(platform);
    let divisor = gcd(old, new).max(1);
    let (old, new) = (old / divisor, new / divisor);
    // What products take at most.
    let over = (old.max(new)).div_ceil(1_000_000).max(1);
    let small = |number: u64| u32::try_from(number.div_ceil(over)).unwrap_or(u32::MAX);
    (small(old), small(new))
}

fn gcd(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// Names of headers in which a client could say who it is; see `proxy/headers.rs`.
const IDENTITY: [&str; 4] = ["x-user-id", "x-user-email", "x-user-roles", "x-tenant-id"];

#[cfg(test)]
mod tests {
    use super::{Share, ratio};

    #[test]
    fn ratios_are_whole_and_small() {
        for (share, legacy, platform, expected) in [
            ("10%", 1, 1, (9, 1)),
            ("50%", 2, 1, (1, 2)),
            ("0%", 1, 1, (1, 0)),
            ("100%", 3, 1, (0, 1)),
            ("0.5%", 1, 1, (199, 1)),
        ] {
            assert_eq!(ratio(share.parse::<Share>().unwrap(), legacy, platform), expected, "{share}");
        }
    }
}
