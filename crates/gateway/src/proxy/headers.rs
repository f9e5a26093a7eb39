//! Which headers pass. What a client says about who and where it is never does (T-32): those headers are the gateway's.

use std::net::IpAddr;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use kernel::Rng;

use crate::forced::Side;
use crate::identity::Identity;
use crate::routes::Protocol;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Says which side answered.
pub(crate) const SIDE: HeaderName = HeaderName::from_static("x-gateway-side");
const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const USER_EMAIL: HeaderName = HeaderName::from_static("x-user-email");
const USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
const TENANT_ID: HeaderName = HeaderName::from_static("x-tenant-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

const HOP_BY_HOP: [HeaderName; 8] =
    [CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, EXPECT];
const HOP_BY_HOP_TOO: [&str; 2] = ["keep-alive", "proxy-connection"];

/// Beginnings of names that say who somebody is or where they come from. Compared with dashes for underscores, because
/// some servers take one for the other.
const OURS: [&str; 5] = ["x-user-", "x-tenant-", "x-forwarded-", "x-gateway-", "x-session-id"];
const OURS_EXACTLY: [&str; 5] = ["x-real-ip", "x-client-ip", "x-retry-attempt", "x-original-url", "x-rewrite-url"];

/// Where a request came from, as far as the gateway knows.
pub(crate) struct From<'a> {
    pub(crate) client: IpAddr,
    pub(crate) is_https: bool,
    pub(crate) request_id: &'a HeaderValue,
    pub(crate) identity: Option<&'a Identity>,
}

/// Makes the client's headers those of the request to a service. `upgrade` is the protocol to change to.
pub(crate) fn to_service(
    headers: &mut HeaderMap,
    side: Side,
    to: Protocol,
    from: &From<'_>,
    upgrade: Option<HeaderValue>,
) {
    if headers.contains_key(TRANSFER_ENCODING) {
        // With both, one of two servers may believe the other one.
        headers.remove(CONTENT_LENGTH);
    }
    let wants_trailers = to == Protocol::H2c && headers.get_all(TE).iter().any(|value| value == "trailers");
    remove_unfit(headers);
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    join_cookies(headers);
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    set(headers, FORWARDED_FOR, &from.client.to_string());
    set(headers, FORWARDED_PROTO, if from.is_https { "https" } else { "http" });
    if let Some(host) = headers.get(HOST).cloned() {
        headers.insert(FORWARDED_HOST, host);
    }
    headers.insert(REQUEST_ID, from.request_id.clone());
    // The old user service knows its callers by these headers only. The new one reads the token.
    if side == Side::Legacy
        && let Some(identity) = from.identity
    {
        for (name, value) in [
            (USER_ID, &identity.user),
            (USER_EMAIL, &identity.email),
            (USER_ROLES, &identity.role),
            (TENANT_ID, &identity.tenant),
        ] {
            if let Some(value) = value {
                set(headers, name, value);
            }
        }
    }
}

/// Makes a service's headers those of the answer to the client.
pub(crate) fn to_client(headers: &mut HeaderMap, side: Side, request_id: &HeaderValue, upgrade: Option<HeaderValue>) {
    // The old gateway told clients who they are.
    remove_unfit(headers);
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol);
    }
    headers.entry(REQUEST_ID).or_insert_with(|| request_id.clone());
    headers.insert(SIDE, HeaderValue::from_static(side.name()));
}

/// HTTP/2 allows a line for each cookie, servers of HTTP/1.1 expect one for all.
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// A value that cannot be sent, such as a name with a line break in it, is left out.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Removes what is between two hops only, and what only the gateway may say.
pub(crate) fn remove_unfit(headers: &mut HeaderMap) {
    let mut unfit: Vec<HeaderName> =
        headers.keys().filter(|name| is_hop_by_hop(name) || is_ours(name)).cloned().collect();
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    // Whoever names these would take from the request what it is about.
    unfit.extend(named.filter(|name| *name != HOST && *name != CONTENT_LENGTH && *name != AUTHORIZATION));
    for name in unfit {
        headers.remove(name);
    }
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || HOP_BY_HOP_TOO.contains(&name.as_str())
}

fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str();
    if name == FORWARDED.as_str() {
        return true;
    }
    if !name.starts_with('x') {
        return false;
    }
    let is = |name: &str| OURS.iter().any(|start| name.starts_with(start)) || OURS_EXACTLY.contains(&name);
    if name.contains('_') { is(&name.replace('_', "-")) } else { is(name) }
}

/// The client's request id if it can be one, else a new one (T-67).
pub(crate) fn request_id(headers: &HeaderMap, rng: &dyn Rng) -> HeaderValue {
    let fit = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
    };
    if let Some(sent) = headers.get(REQUEST_ID).filter(fit) {
        return sent.clone();
    }
    let mut hex = *b"req_00000000000000000000000000000000";
    for (n, byte) in rng.bytes::<16>().into_iter().enumerate() {
        hex[4 + 2 * n] = b"0123456789abcdef"[usize::from(byte >> 4)];
        hex[5 + 2 * n] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&hex).unwrap_or_else(|_| HeaderValue::from_static("req_0"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{From, to_client, to_service};
    use crate::forced::Side;
    use crate::identity::Identity;
    use crate::routes::Protocol;

    const LIES: &[(&str, &str)] = &[
        ("x-user-id", "admin"),
        ("x_user_id", "admin"),
        ("x-user-roles", "super_admin"),
        ("x-tenant-id", "other"),
        ("x-tenant_id", "other"),
        ("x-session-id", "s"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "evil"),
        ("x-forwarded-prefix", "/internal"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-gateway-service", "x"),
        ("connection", "keep-alive, X-Secret, authorization"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "x"),
    ];

    fn sent() -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in LIES {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers.insert("host", HeaderValue::from_static("api.example.com"));
        headers.insert("authorization", HeaderValue::from_static("Bearer x"));
        headers.insert("x-api-key", HeaderValue::from_static("k"));
        headers
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let mut shown: Vec<String> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        shown.sort();
        shown
    }

    #[test]
    fn services_see_only_what_a_token_proves() {
        let identity = Identity {
            user: Some("u1".to_owned()),
            tenant: Some("t1".to_owned()),
            email: Some("ada@example.com".to_owned()),
            role: Some("member\r\nx-user-id: admin".to_owned()),
        };
        let from = From {
            client: "192.0.2.1".parse().unwrap(),
            is_https: true,
            request_id: &HeaderValue::from_static("r1"),
            identity: Some(&identity),
        };
        let always = [
            "authorization: Bearer x",
            "host: api.example.com",
            "x-api-key: k",
            "x-forwarded-for: 192.0.2.1",
            "x-forwarded-host: api.example.com",
            "x-forwarded-proto: https",
            "x-request-id: r1",
        ];
        let mut platform = sent();
        to_service(&mut platform, Side::Platform, Protocol::Http1, &from, None);
        assert_eq!(shown(&platform), always);
        let mut legacy = sent();
        to_service(&mut legacy, Side::Legacy, Protocol::Http1, &from, None);
        let identified = ["x-tenant-id: t1", "x-user-email: ada@example.com", "x-user-id: u1"];
        assert_eq!(shown(&legacy), [&always[..], &identified[..]].concat());
        let mut anonymous = sent();
        to_service(&mut anonymous, Side::Legacy, Protocol::Http1, &From { identity: None, ..from }, None);
        assert_eq!(shown(&anonymous), always);
    }

    #[test]
    fn clients_are_not_told_who_they_are() {
        let mut headers = HeaderMap::new();
        for name in ["x-user-id", "x-tenant-id", "connection", "keep-alive"] {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        to_client(&mut headers, Side::Legacy, &HeaderValue::from_static("r1"), None);
        assert_eq!(shown(&headers), ["x-gateway-side: legacy", "x-request-id: r1"]);
    }
}
