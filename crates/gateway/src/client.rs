//! Where a request really came from: only proxies of our own are believed, read from the end of what they append.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderMap;
use ipnet::IpNet;

/// Addresses of the proxies in front, nobody's by default.
#[derive(Debug, Clone, Default)]
pub struct Fronts(Arc<[IpNet]>);

impl Fronts {
    /// The client's address, and whether it came over TLS.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> (IpAddr, bool) {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return (client, false);
        }
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        for hop in lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(',')) {
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !self.contains(client) {
                break;
            }
        }
        let proto = headers.get("x-forwarded-proto").map(http::HeaderValue::as_bytes);
        (client, proto.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")))
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Fronts {
    type Err = String;

    /// Addresses and networks, separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let network = |entry: &str| {
            let parsed = entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
            parsed.map_err(|_| format!("{entry} is neither an address nor a network such as 10.0.0.0/8"))
        };
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
