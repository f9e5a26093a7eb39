//! Servers of a backend as HAProxy sees them.

use std::collections::BTreeMap;

use super::runtime::{Address, Trouble, ask, columns};
use crate::forced::Side;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) name: String,
    /// In force now, 0 to 256.
    pub(super) weight: u32,
    /// Whether it gets requests, apart from its weight.
    pub(super) is_well: bool,
}

impl Server {
    /// As it is told to people.
    pub(super) fn instance(&self, backend: &str) -> Instance {
        Instance { name: format!("{backend}/{}", self.name), is_well: self.is_well }
    }
}

/// A server with its backend in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) is_well: bool,
}

/// What is divided between servers of the old side and of the new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) path: String,
    pub(super) family: String,
    pub(super) sides: [Vec<Instance>; 2],
}

/// How many servers of a side of a family are well, and how many there are.
pub(super) fn well(routes: &[Route], family: &str, side: Side) -> (usize, usize) {
    let of_family = routes.iter().filter(|route| route.family == family);
    let instances = of_family.flat_map(|route| &route.sides[side as usize]);
    instances.fold((0, 0), |(well, all), instance| (well + usize::from(instance.is_well), all + 1))
}

/// The servers of `backend`, in the order of the configuration.
pub(super) async fn servers(address: &Address, backend: &str) -> Result<Vec<Server>, Trouble> {
    let answer = ask(address, &format!("show servers state {backend}")).await?;
    let servers = read(&answer);
    if servers.is_empty() {
        let why =
            format!("HAProxy has no servers in a backend {backend:?}: compare its configuration with the names here");
        return Err(Trouble::Refused(why));
    }
    Ok(servers)
}

fn read(answer: &str) -> Vec<Server> {
    let server = |columns: BTreeMap<&str, &str>| {
        let number = |name: &str| columns.get(name)?.parse::<u32>().ok();
        Some(Server {
            name: (*columns.get("srv_name")?).to_owned(),
            weight: number("srv_uweight")?,
            // 0 is stopped and 3 stopping; any administrative state is maintenance or drain.
            is_well: matches!(number("srv_op_state")?, 1 | 2) && number("srv_admin_state")? == 0,
        })
    };
    columns(answer).filter_map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn servers_are_read_by_the_names_of_columns() {
        let answer = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight\n\
                      3 users 1 legacy1 127.0.0.1 2 0 9 100\n3 users 2 platform1 127.0.0.1 2 1 8 0\n\
                      3 users 3 platform2 127.0.0.1 0 0 8 0\n";
        let servers: Vec<_> =
            read(answer).into_iter().map(|server| (server.name, server.weight, server.is_well)).collect();
        let expected = [("legacy1", 9, true), ("platform1", 8, false), ("platform2", 8, false)]
            .map(|(name, weight, well)| (name.to_owned(), weight, well));
        assert_eq!(servers, expected);
        assert!(read("Can't find backend.\n").is_empty());
    }
}
