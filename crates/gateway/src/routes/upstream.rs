//! Where requests are sent: groups of instances of one service.

use std::fmt;

/// What is spoken to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Protocol {
    /// HTTP/1.1, a connection for each request under way, kept afterwards.
    #[default]
    Http1,
    /// HTTP/2 without TLS and without asking first, one connection of each thread for all requests.
    H2c,
}

impl Protocol {
    /// As a request says it.
    pub(crate) fn version(self) -> http::Version {
        match self {
            Self::Http1 => http::Version::HTTP_11,
            Self::H2c => http::Version::HTTP_2,
        }
    }
}

/// One instance: a host and a port, over plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    host: String,
    port: u16,
    protocol: Protocol,
}

impl Endpoint {
    /// Understands `http://host:port`; the error says what is wrong and what to write.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the upstream {url:?} {why}: write http://HOST:PORT");
        if url.starts_with("https://") {
            return Err(wrong("asks for TLS, which the gateway does not speak to services"));
        }
        let rest = url.strip_prefix("http://").ok_or_else(|| wrong("does not begin with http://"))?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(wrong("has a path, but requests keep the path they came with"));
        }
        if authority.contains('@') {
            return Err(wrong("has a user name, which would be sent to nobody"));
        }
        let parsed: http::uri::Authority = authority.parse().map_err(|_| wrong("cannot be read"))?;
        if parsed.host().is_empty() {
            return Err(wrong("has no host"));
        }
        let port = match parsed.as_str().strip_prefix(parsed.host()) {
            Some("") => 80,
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong("has a port that is none"))?,
            None => return Err(wrong("cannot be read")),
        };
        Ok(Self { host: parsed.host().to_owned(), port, protocol: Protocol::default() })
    }

    /// The same, spoken to in `protocol`.
    pub(crate) fn with(self, protocol: Protocol) -> Self {
        Self { protocol, ..self }
    }

    /// What is spoken there.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What it is called by in a request that has no other name for it.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// What to look up and connect to.
    pub fn host_and_port(&self) -> (&str, u16) {
        (self.host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Http1 => "http",
            Protocol::H2c => "h2c",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// Instances of one service, any of which can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// At least one, none twice.
    pub instances: Vec<Endpoint>,
    /// What is cut from the front of a path, for services that know `/users` where clients say `/api/v1/users`.
    pub strip: Option<String>,
    /// The path that says whether an instance is well.
    pub health: String,
}

impl Group {
    /// What is spoken to all of them.
    pub fn protocol(&self) -> Protocol {
        self.instances.first().map_or_else(Protocol::default, Endpoint::protocol)
    }

    /// The path this group knows `path` by.
    pub fn path<'a>(&self, path: &'a str) -> &'a str {
        let Some(strip) = &self.strip else { return path };
        match path.get(..strip.len()) {
            Some(start) if start.eq_ignore_ascii_case(strip) => match &path[strip.len()..] {
                "" => "/",
                rest if rest.starts_with('/') => rest,
                _ => path,
            },
            _ => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Group};

    #[test]
    fn only_plain_origins_are_upstreams() {
        for (url, shown) in
            [("http://a:1", "http://a:1"), ("http://a/", "http://a:80"), ("http://[::1]:8080", "http://[::1]:8080")]
        {
            assert_eq!(Endpoint::parse(url).unwrap().to_string(), shown);
        }
        for url in [
            "a:1",
            "https://a:1",
            "http://",
            "http://a:1/x",
            "http://u@a:1",
            "http://a:0",
            "http://a:70000",
            "http://a:",
        ] {
            assert!(Endpoint::parse(url).unwrap_err().contains("http://HOST:PORT"), "{url}");
        }
    }

    #[test]
    fn prefix_is_cut_between_parts_only() {
        let group = Group { instances: Vec::new(), strip: Some("/api/v1".to_owned()), health: String::new() };
        for (path, known_as) in
            [("/api/v1/users/1", "/users/1"), ("/API/v1", "/"), ("/api/v11/users", "/api/v11/users"), ("/x", "/x")]
        {
            assert_eq!(group.path(path), known_as);
        }
    }
}
