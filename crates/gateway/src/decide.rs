//! The decision: which family a request belongs to and which side answers it. Pure: the table and the request say all.

use std::net::IpAddr;

use http::HeaderMap;
use serde::Serialize;

use crate::forced::Side;
use crate::identity::Identity;
use crate::routes::{Route, Table};
use crate::split::StickyKey;

/// What of a request the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The path as the client wrote it, without the query.
    pub path: &'a str,
    /// The headers as the client sent them.
    pub headers: &'a HeaderMap,
    /// Whom its token names, if it was verified.
    pub identity: Option<&'a Identity>,
    /// Where it comes from.
    pub client: IpAddr,
}

/// Why a side was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The route has no other.
    OnlySide,
    /// A rule forces it.
    Forced,
    /// The share in force took it, or left it.
    Share,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The route that matched.
    pub route: &'a Route,
    /// The side that answers.
    pub side: Side,
    /// Why.
    pub reason: Reason,
}

/// Where `request` goes by `table`; `None` if no route has its path.
pub fn decide<'a>(table: &'a Table, request: &Request<'_>) -> Option<Target<'a>> {
    let route = table.route(request.path)?;
    let (side, reason) = match (&route.legacy, &route.platform) {
        (Some(_), None) => (Side::Legacy, Reason::OnlySide),
        (None, _) => (Side::Platform, Reason::OnlySide),
        (Some(_), Some(_)) => match table.forced.side(request.identity, request.headers) {
            Some(side) => (side, Reason::Forced),
            None if table.weight(route).takes(table.splitter.position(sticky_key(request))) => {
                (Side::Platform, Reason::Share)
            }
            None => (Side::Legacy, Reason::Share),
        },
    };
    Some(Target { route, side, reason })
}

fn sticky_key<'a>(request: &Request<'a>) -> StickyKey<'a> {
    let identity = request.identity;
    if let Some(user) = identity.and_then(|identity| identity.user.as_deref()) {
        StickyKey::User(user)
    } else if let Some(tenant) = identity.and_then(|identity| identity.tenant.as_deref()) {
        StickyKey::Tenant(tenant)
    } else {
        StickyKey::Address(request.client)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Reason, Request, Target, decide};
    use crate::forced::{Side, Whom};
    use crate::identity::Identity;
    use crate::routes::{Table, parse};
    use crate::split::Share;

    fn table() -> Table {
        parse(
            "routes:\n\
             - path: /api/v1/users/*\n  legacy: http://old:1\n  platform: http://new:2\n\
             - path: /api/v1/tenants/*\n  upstream: http://new:2\n\
             - path: /api/v1/users/me\n  family: me\n  legacy: http://old:1\n",
        )
        .unwrap()
    }

    fn person(user: &str, tenant: &str) -> Identity {
        Identity { user: Some(user.to_owned()), tenant: Some(tenant.to_owned()), ..Identity::default() }
    }

    fn ask<'a>(table: &'a Table, path: &str, identity: Option<&Identity>, headers: &HeaderMap) -> Option<Target<'a>> {
        decide(table, &Request { path, headers, identity, client: "192.0.2.1".parse().unwrap() })
    }

    #[test]
    fn longest_route_decides_and_one_sided_routes_have_no_choice() {
        let table = table();
        let none = HeaderMap::new();
        let only = |path| ask(&table, path, None, &none).map(|target| (target.side, target.reason));
        assert_eq!(only("/api/v1/users/me"), Some((Side::Legacy, Reason::OnlySide)));
        assert_eq!(only("/api/v1/tenants"), Some((Side::Platform, Reason::OnlySide)));
        assert_eq!(only("/API/V1/Users/7"), Some((Side::Legacy, Reason::Share)), "old services ignore case");
        for path in ["/", "/api/v1/userss", "/api/v1", "/internal/health", "//api/v1/users"] {
            assert_eq!(only(path), None, "{path}");
        }
    }

    #[test]
    fn people_stay_where_they_are_whatever_they_ask_for_and_from_wherever() {
        let table = table();
        table.family("users").unwrap().weight.set(Share::from_basis_points(5000));
        let none = HeaderMap::new();
        for n in 0..200 {
            let person = person(&format!("user-{n}"), "t");
            let sides: Vec<Side> = ["192.0.2.1", "2001:db8::1"]
                .into_iter()
                .map(|client| {
                    let client = client.parse().unwrap();
                    let request = Request { path: "/api/v1/users/1", headers: &none, identity: Some(&person), client };
                    decide(&table, &request).unwrap().side
                })
                .collect();
            assert_eq!(sides[0], sides[1]);
        }
    }

    #[test]
    fn forced_ones_stay_on_their_side_at_any_share() {
        let mut table = table();
        table.forced.set(Whom::Tenant("internal".to_owned()), Some(Side::Platform));
        table.forced.set(Whom::User("careful".to_owned()), Some(Side::Legacy));
        table.forced.set(Whom::Header("x-canary".to_owned(), "yes".to_owned()), Some(Side::Platform));
        let mut marked = HeaderMap::new();
        marked.insert("x-canary", HeaderValue::from_static("yes"));
        for share in [Share::NONE, Share::ALL] {
            table.family("users").unwrap().weight.set(share);
            let side = |identity: &Identity, headers: &HeaderMap| {
                ask(&table, "/api/v1/users/1", Some(identity), headers).unwrap().side
            };
            let none = HeaderMap::new();
            assert_eq!(side(&person("any", "internal"), &none), Side::Platform);
            assert_eq!(side(&person("careful", "internal"), &none), Side::Legacy);
            assert_eq!(side(&person("careful", "internal"), &marked), Side::Platform);
        }
        let unsigned = ask(&table, "/api/v1/tenants/1", Some(&person("careful", "x")), &HeaderMap::new()).unwrap();
        assert_eq!(unsigned.side, Side::Platform, "there is no other side");
    }
}
