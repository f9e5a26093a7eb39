//! What may be posted to. Whoever sets up a webhook chooses an address that this program then talks to from inside the
//! operator's network, so everything that is not the public internet is refused: when the webhook is written, as far as
//! the URL itself shows it, and before every connection, when the host's addresses are known.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// The longest URL that is kept.
const LONGEST: usize = 2000;

/// Where to post, as far as the URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether TLS is spoken.
    pub(crate) tls: bool,
    /// As it stands in the URL; IPv6 addresses in brackets.
    pub(crate) host: String,
    /// The address, when the host is one.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    /// What the `Host` header says.
    pub(crate) authority: String,
    /// What the request line asks for.
    pub(crate) path: String,
}

/// What is refused, and why.
#[derive(Debug, Clone, Copy)]
pub struct Guard {
    /// `WEBHOOKS_ALLOW_PRIVATE`: for trying webhooks out on one's own machine.
    allow_private: bool,
}

impl Guard {
    /// Refuses everything but the public internet, unless `allow_private`.
    pub const fn new(allow_private: bool) -> Self {
        Self { allow_private }
    }

    /// Reads a URL as browsers do, so that every spelling of an address (decimal, octal, hexadecimal, shortened, in
    /// other scripts' digits) is looked at as the address it stands for.
    pub fn target(self, text: &str) -> Result<Target, &'static str> {
        if text.len() > LONGEST {
            return Err("must be at most 2000 bytes long");
        }
        let url = Url::parse(text).map_err(|_| "must be a whole URL, such as https://example.com/hooks")?;
        let tls = match url.scheme() {
            "https" => true,
            "http" if self.allow_private => false,
            _ => return Err("must begin with https://"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user name or password: receivers check the signature instead");
        }
        let port = url.port_or_known_default().unwrap_or_default();
        if port == 0 {
            return Err("must not name port 0");
        }
        let host = url.host().ok_or("must name a host")?;
        let address = match host {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(name) => {
                self.name(name)?;
                None
            }
        };
        if let Some(address) = address {
            self.address(address)?;
        }
        let host = host.to_string();
        let authority = url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Ok(Target { tls, host, address, port, authority, path })
    }

    /// Names that mean this machine or its network everywhere. What other names stand for shows when they are resolved.
    fn name(self, name: &str) -> Result<(), &'static str> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is = |end: &str| name == end || name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
        if !self.allow_private && ["localhost", "local", "localdomain", "internal", "home.arpa"].into_iter().any(is) {
            return Err(PRIVATE);
        }
        if name.is_empty() { Err("must name a host") } else { Ok(()) }
    }

    /// Whether `address` may be connected to.
    pub fn address(self, address: IpAddr) -> Result<(), &'static str> {
        let public = match address {
            IpAddr::V4(address) => is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        };
        if public || self.allow_private { Ok(()) } else { Err(PRIVATE) }
    }

    /// Of what a host resolved to, what to connect to. One refused address refuses the host: an answer that mixes
    /// public and private addresses is a trap or a mistake.
    pub fn addresses(self, found: &[SocketAddr]) -> Result<(), &'static str> {
        if found.is_empty() {
            return Err("the host has no address");
        }
        found.iter().try_for_each(|found| self.address(found.ip()))
    }
}

const PRIVATE: &str = "must not lead into a private or reserved network";

/// Everything IANA lists as globally reachable, and nothing else.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    !matches!(
        (a, b, c, d),
        // This network, private, loopback, multicast, reserved and broadcast.
        (0 | 10 | 127 | 224..=255, ..)
        // Shared by carriers.
        | (100, 64..=127, ..)
        // Link-local; clouds answer with credentials there.
        | (169, 254, ..)
        | (172, 16..=31, ..)
        // Protocol assignments, documentation, relays to IPv6, private.
        | (192, 0, 0 | 2, _)
        | (192, 88, 99, _)
        | (192, 168, ..)
        // Benchmarks, documentation.
        | (198, 18 | 19, ..)
        | (198, 51, 100, _)
        | (203, 0, 113, _)
        // Looks public, and is a cloud's own service on each of its machines.
        | (168, 63, 129, 16)
    )
}

/// Global unicast without its special parts. An address that carries an IPv4 address leads where that one does.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // NAT64: how hosts without IPv4 of their own reach public IPv4.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // ISATAP.
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] if !is_public_v4(embedded(high, low)) => false,
        // Protocol assignments (Teredo, benchmarks, ORCHID), documentation, 6to4.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // The rest of global unicast; not loopback, local, multicast or unassigned.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_internet_is_let_through() {
        for url in [
            "https://example.com/hooks?a=b#c",
            "https://example.com:8443",
            "https://1.1.1.1/",
            "https://172.15.255.255/",
            "https://172.32.0.1/",
            "https://100.128.0.1/",
            "https://[2606:4700::1111]/",
            "https://[64:ff9b::1.1.1.1]/",
            "https://[::ffff:1.1.1.1]/",
            "https://internal.example.com/",
            "https://notlocalhost/",
        ] {
            assert!(Guard::new(false).target(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn a_url_keeps_its_parts() {
        let target = Guard::new(false).target("https://Bücher.example:8443/a/../b?c=d#e").unwrap_or_else(|why| {
            unreachable!("{why}");
        });
        assert!(target.tls && target.address.is_none());
        assert_eq!((target.host.as_str(), target.port), ("xn--bcher-kva.example", 8443));
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("xn--bcher-kva.example:8443", "/b?c=d"));
    }

    #[test]
    fn one_private_address_refuses_a_host() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), 443);
        assert!(Guard::new(false).addresses(&[at("1.1.1.1"), at("2606:4700::1111")]).is_ok());
        assert!(Guard::new(false).addresses(&[at("1.1.1.1"), at("10.0.0.1")]).is_err());
        assert!(Guard::new(false).addresses(&[]).is_err());
    }
}
