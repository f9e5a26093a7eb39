//! Servers of both sides in one backend, and their weights, 0 to 256 each.
//!
//! Two commands are not one: between them both are in force. The side that gets more is raised before the other one is
//! lowered, and what goes to nothing goes last, so that there is somebody at every moment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::files;
use super::runtime::{Address, Trouble, ask, tell};
use super::servers::{Route, Server, servers};
use crate::forced::Side;
use crate::split::Share;

const MOST: u32 = 256;

/// A HAProxy with backends of its own making.
#[derive(Debug)]
pub struct Weights {
    /// The backend of each family.
    pub backends: BTreeMap<String, String>,
    /// Servers whose name begins with it are the new side.
    pub platform: String,
    /// HAProxy's `server-state-file`, from which it takes weights when it starts.
    pub state: Option<PathBuf>,
}

/// Weights for a server of the old side and one of the new side, as near to `share` as 257 steps allow. Neither side gets
/// nothing unless it is to have nothing.
pub(super) fn weights(share: Share, legacy: u32, platform: u32) -> (u32, u32) {
    if share == Share::NONE {
        return (MOST, 0);
    }
    if share == Share::ALL {
        return (0, MOST);
    }
    let (new, old) = (u64::from(share.millionths()), u64::from(Share::ALL.millionths() - share.millionths()));
    let error = |weights: (u32, u32)| {
        let (old, new) = (f64::from(weights.0) * f64::from(legacy), f64::from(weights.1) * f64::from(platform));
        (new / (old + new) - f64::from(share.millionths()) / 1e6).abs()
    };
    let pairs = (1..=MOST).flat_map(|weight| {
        // The new side's weight that goes with it lies between two whole ones.
        let below = new * u64::from(weight) * u64::from(legacy) / (old * u64::from(platform).max(1));
        let below = u32::try_from(below).unwrap_or(MOST);
        [below, below.saturating_add(1)].map(|new| (weight, new.clamp(1, MOST)))
    });
    // Of equals the largest: a hash ring has more points then, and is the more even.
    pairs.min_by(|one, other| error(*one).total_cmp(&error(*other)).then(other.cmp(one))).unwrap_or((MOST, 0))
}

/// All servers with their new weights, in an order in which there is always one that is not 0.
fn plan(servers: &[Server], wanted: impl Fn(&Server) -> u32) -> Vec<(String, u32)> {
    let mut plan: Vec<(bool, bool, String, u32)> = servers
        .iter()
        .map(|server| {
            let weight = wanted(server);
            (weight == 0, weight < server.weight, server.name.clone(), weight)
        })
        .collect();
    plan.sort();
    plan.into_iter().map(|(_, _, name, weight)| (name, weight)).collect()
}

impl Weights {
    fn side(&self, server: &Server) -> Side {
        if server.name.starts_with(&self.platform) { Side::Platform } else { Side::Legacy }
    }

    fn count(&self, servers: &[Server], side: Side) -> usize {
        servers.iter().filter(|server| self.side(server) == side).count()
    }

    async fn servers(&self, address: &Address, family: &str) -> Result<(&str, Vec<Server>), Trouble> {
        let backend = self.backends.get(family).map(String::as_str).unwrap_or_default();
        let servers = servers(address, backend).await?;
        if Side::BOTH.iter().any(|side| self.count(&servers, *side) == 0) {
            let prefix = &self.platform;
            let why = format!(
                "backend {backend} of {family} needs servers of both sides: those of the new one have names that begin \
                 with {prefix:?}, the others are the old side"
            );
            return Err(Trouble::Refused(why));
        }
        Ok((backend, servers))
    }

    /// Looks whether HAProxy has what is needed.
    pub(super) async fn check(&self, address: &Address) -> Result<(), Trouble> {
        for family in self.backends.keys() {
            let (backend, _) = self.servers(address, family).await?;
            let stat = ask(address, &format!("show stat {backend} 2 -1")).await?;
            let mut lines = stat.lines();
            let place = lines.next().and_then(|names| names.split(',').position(|name| name == "algo"));
            let algorithm = lines.next().zip(place).and_then(|(line, place)| line.split(',').nth(place));
            if algorithm == Some("static-rr") {
                return Err(is_static(backend));
            }
        }
        Ok(())
    }

    /// The weights of a family at `share`, by server; and what its servers have now.
    async fn wanted(
        &self,
        address: &Address,
        family: &str,
        share: Share,
    ) -> Result<(&str, Vec<Server>, (u32, u32)), Trouble> {
        let (backend, servers) = self.servers(address, family).await?;
        let count = |side| u32::try_from(self.count(&servers, side)).unwrap_or(u32::MAX);
        let pair = weights(share, count(Side::Legacy), count(Side::Platform));
        Ok((backend, servers, pair))
    }

    fn weight(&self, server: &Server, pair: (u32, u32)) -> u32 {
        match self.side(server) {
            Side::Legacy => pair.0,
            Side::Platform => pair.1,
        }
    }

    /// Whether a family's weights are those of `share`.
    pub(super) async fn is(&self, address: &Address, family: &str, share: Share) -> Result<bool, Trouble> {
        let (_, servers, pair) = self.wanted(address, family, share).await?;
        Ok(servers.iter().all(|server| server.weight == self.weight(server, pair)))
    }

    /// Puts `share` in force and reads it back.
    pub(super) async fn put(&self, address: &Address, family: &str, share: Share) -> Result<(), Trouble> {
        let (backend, servers, pair) = self.wanted(address, family, share).await?;
        let plan = plan(&servers, |server| self.weight(server, pair));
        let set = |(name, weight): &(String, u32)| format!("set weight {backend}/{name} {weight}");
        // The first alone: a backend that refuses it may still accept a 0 for the others.
        if let Some(first) = plan.first() {
            tell(address, &set(first)).await.map_err(|trouble| match trouble {
                Trouble::Refused(why) if why.contains("static LB algorithm") => is_static(backend),
                trouble => trouble,
            })?;
        }
        // The rest at once: whoever is stopped in between has not half of it waiting.
        tell(address, &plan.iter().map(set).collect::<Vec<_>>().join("; ")).await?;
        if self.is(address, family, share).await? {
            return Ok(());
        }
        let why =
            format!("HAProxy was told {share} for {family} and has other weights: does another program set them?");
        Err(Trouble::Refused(why))
    }

    /// Keeps all weights for the next start of HAProxy, if it is to.
    pub(super) async fn keep(&self, address: &Address) -> Result<Option<std::io::Error>, Trouble> {
        let Some(file) = &self.state else { return Ok(None) };
        let state = ask(address, "show servers state").await?;
        Ok(files::replace(file, &format!("{state}\n")).err())
    }

    /// The share that servers which are well give the new side now; nothing if none is.
    pub(super) async fn in_force(&self, address: &Address, family: &str) -> Result<Option<Share>, Trouble> {
        let (_, servers) = self.servers(address, family).await?;
        let sum = |side: Option<Side>| -> u64 {
            let of_side =
                servers.iter().filter(|server| server.is_well && side.is_none_or(|side| self.side(server) == side));
            of_side.map(|server| u64::from(server.weight)).sum()
        };
        let millionths = (sum(Some(Side::Platform)) * 1_000_000).checked_div(sum(None));
        Ok(millionths.map(|millionths| Share::from_millionths(u32::try_from(millionths).unwrap_or(u32::MAX))))
    }

    /// Every family, named by its backend, with the servers of both sides.
    pub(super) async fn routes(&self, address: &Address) -> Result<Vec<Route>, Trouble> {
        let mut routes = Vec::with_capacity(self.backends.len());
        for family in self.backends.keys() {
            let (backend, servers) = self.servers(address, family).await?;
            let sides = Side::BOTH.map(|side| {
                let of_side = servers.iter().filter(|server| self.side(server) == side);
                of_side.map(|server| server.instance(backend)).collect()
            });
            routes.push(Route { path: format!("backend {backend}"), family: family.clone(), sides });
        }
        Ok(routes)
    }
}

fn is_static(backend: &str) -> Trouble {
    let why = format!(
        "the balance of backend {backend} knows weights 0% and 100% only: write `balance roundrobin`, or `hash-type \
         consistent` below `balance hash`, or use the threshold of `gateway print haproxy`"
    );
    Trouble::Refused(why)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Server, Share, plan, weights};

    fn points(share: Share, legacy: u32, platform: u32) -> f64 {
        let (old, new) = weights(share, legacy, platform);
        let (old, new) = (f64::from(old * legacy), f64::from(new * platform));
        (new / (old + new) * 100.0 - f64::from(share.millionths()) / 10_000.0).abs()
    }

    #[test]
    fn usual_shares_are_exact_and_others_within_a_fifth_of_a_point() {
        for percent in [0, 1, 2, 5, 10, 20, 25, 50, 75, 90, 99, 100] {
            let error = points(Share::from_basis_points(percent * 100), 1, 1);
            assert!(error < 0.001, "{percent}% is off by {error} points");
        }
        let worst = (1..1000).map(|tenth| points(Share::from_basis_points(tenth * 10), 1, 1)).fold(0.0, f64::max);
        assert!((0.2..0.3).contains(&worst), "0.1% is 1 in 257, which is 0.39%: {worst}");
        let worst = (5..=995).map(|tenth| points(Share::from_basis_points(tenth * 10), 1, 1)).fold(0.0, f64::max);
        assert!(worst < 0.11, "{worst}");
        assert!(points(Share::from_basis_points(1000), 3, 2) < 0.01);
    }

    /// Nothing and everything are what orders go wrong with.
    fn weight() -> impl Strategy<Value = u32> {
        prop_oneof![Just(0), Just(256), 0..=256_u32]
    }

    proptest! {
        #[test]
        fn there_is_always_a_server_whatever_was_before(
            before in prop::collection::vec(weight(), 2..6),
            after in prop::collection::vec(weight(), 6),
            stale in prop::collection::vec(weight(), 6),
        ) {
            prop_assume!(before.iter().sum::<u32>() > 0 && after[..before.len()].iter().sum::<u32>() > 0);
            let servers: Vec<_> = stale[..before.len()]
                .iter()
                .enumerate()
                .map(|(n, weight)| Server { name: n.to_string(), weight: *weight, is_well: true })
                .collect();
            let mut now = before.clone();
            for (name, weight) in plan(&servers, |server| after[server.name.parse::<usize>().unwrap()]) {
                now[name.parse::<usize>().unwrap()] = weight;
                prop_assert!(now.iter().sum::<u32>() > 0);
            }
            prop_assert_eq!(&now[..], &after[..before.len()]);
        }
    }
}
