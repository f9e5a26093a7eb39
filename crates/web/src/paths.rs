//! One set of routes under every path old clients and gateways use (T-02, T-03): `/api/v1/users`, `/api/users`,
//! `/platform/users` and `/users` are the same, a trailing slash does not matter, literal segments match in any case.
//! Nothing is ever answered with a redirect.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::Request;
use http::Uri;
use http::uri::PathAndQuery;

/// What the normaliser knows of the routes: their literal segments, and whole paths that stand for others.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    literals: Arc<BTreeSet<String>>,
    whole: Arc<Vec<(&'static str, &'static str)>>,
}

impl Aliases {
    /// `routes` are the route patterns, `whole` pairs of (old path, route), both without prefix.
    pub fn new<'a>(routes: impl Iterator<Item = &'a str>, whole: Vec<(&'static str, &'static str)>) -> Self {
        let literals = routes
            .chain(whole.iter().map(|(from, _)| *from))
            .flat_map(|route| route.split('/'))
            .filter(|segment| !segment.is_empty() && !segment.starts_with('{'))
            .map(str::to_ascii_lowercase)
            .collect();
        Self { literals: Arc::new(literals), whole: Arc::new(whole) }
    }

    /// The route's path for the path a client sent.
    fn resolve(&self, path: &str) -> String {
        let mut resolved = String::with_capacity(path.len());
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            resolved.push('/');
            let lower = segment.to_ascii_lowercase();
            let known = self.literals.contains(&lower) || PREFIX_WORDS.contains(&lower.as_str());
            resolved.push_str(if known { &lower } else { segment });
        }
        let mut rest = resolved.as_str();
        for prefix in ["/api/platform", "/platform", "/api/v1", "/api"] {
            if let Some(stripped) = rest.strip_prefix(prefix).filter(|rest| rest.starts_with('/')) {
                rest = stripped;
            }
        }
        let target = self.whole.iter().find(|(from, _)| *from == rest).map_or(rest, |(_, to)| *to);
        if target.is_empty() { "/".to_owned() } else { target.to_owned() }
    }
}

const PREFIX_WORDS: &[&str] = &["api", "v1", "platform"];

/// The path as the client sent it.
#[derive(Debug, Clone)]
pub(crate) struct OriginalPath(pub(crate) String);

/// Rewrites the request's path before routing.
pub fn normalise(mut request: Request, aliases: &Aliases) -> Request {
    let path = request.uri().path().to_owned();
    let resolved = aliases.resolve(&path);
    if resolved == path {
        return request;
    }
    request.extensions_mut().insert(OriginalPath(path));
    let target = match request.uri().query() {
        Some(query) => format!("{resolved}?{query}"),
        None => resolved,
    };
    let mut parts = request.uri().clone().into_parts();
    if let Ok(rewritten) = PathAndQuery::try_from(target) {
        parts.path_and_query = Some(rewritten);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::Aliases;

    #[test]
    fn paths_of_every_gateway_meet_in_one_route() {
        let aliases =
            Aliases::new(["/users/me", "/users/{id}", "/health"].into_iter(), vec![("/auth/profile", "/users/me")]);
        for path in [
            "/users/me",
            "/api/v1/users/me",
            "/api/users/me/",
            "/platform/users/me",
            "/api/platform/users/me",
            "/API/V1/Users/ME",
            "//users///me",
            "/api/auth/profile",
        ] {
            assert_eq!(aliases.resolve(path), "/users/me", "{path}");
        }
        assert_eq!(aliases.resolve("/"), "/");
        assert_eq!(aliases.resolve("/api/v1/health"), "/health");
        assert_eq!(aliases.resolve("/users/AbC"), "/users/AbC");
        assert_eq!(aliases.resolve("/apiusers"), "/apiusers");
    }
}
