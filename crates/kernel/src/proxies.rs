//! Where a request really came from. A client can write anything into `X-Forwarded-For`; what counts is what proxies of
//! our own appended to it, read from the end.

use std::fmt;
use std::net::IpAddr;
use std::str;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::IpNet;

/// Addresses of our own proxies; nobody's by default. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// The client's address: the last one in the lines of `X-Forwarded-For`, which come in the order they were received,
    /// that is not a trusted proxy, if `peer` is one itself.
    pub fn client<'a, L>(&self, peer: IpAddr, lines: L) -> IpAddr
    where
        L: IntoIterator<Item = &'a [u8], IntoIter: DoubleEndedIterator>,
    {
        let mut client = peer.to_canonical();
        if !self.contains(client) {
            return client;
        }
        let lines = lines.into_iter().rev().filter_map(|line| str::from_utf8(line).ok());
        for hop in lines.flat_map(|line| line.rsplit(',')) {
            // What cannot be read was not written by our proxy, and neither was anything before it.
            let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
            client = address.to_canonical();
            if !self.contains(client) {
                break;
            }
        }
        client
    }

    /// Whether this is one of our own proxies, so that what it says about a request is believed.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for TrustedProxies {
    type Err = String;

    /// Addresses and networks, separated by commas: `10.0.0.0/8, 192.0.2.7`.
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

impl fmt::Display for TrustedProxies {
    /// As it is read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::TrustedProxies;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let lines = forwarded.iter().map(|line| line.as_bytes());
        trusted.parse::<TrustedProxies>().unwrap().client(peer.parse().unwrap(), lines).to_string()
    }

    #[test]
    fn client_address_is_believed_from_our_own_proxies_only() {
        let spoofed = &["203.0.113.9, 198.51.100.1"];
        assert_eq!(client("", "10.0.0.1", spoofed), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.1", spoofed), "192.0.2.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", spoofed), "198.51.100.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["203.0.113.9", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["203.0.113.9, nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(
            client("10.0.0.0/8", "::ffff:10.0.0.1", spoofed),
            "198.51.100.1",
            "as a socket for both families has it"
        );
    }

    #[test]
    fn nonsense_is_refused_with_the_entry() {
        assert!("10.0.0.0/8, tomorrow".parse::<TrustedProxies>().unwrap_err().contains("tomorrow"));
    }
}
