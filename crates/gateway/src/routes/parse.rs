//! From the text of the routes file to a table, or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::HeaderName;
use marked_yaml::Node;

use super::file::{self, Keys, line};
use super::{Endpoint, Family, Group, Pattern, Protocol, Route, Table};
use crate::forced::{Forced, Side, Whom};
use crate::split::Splitter;

/// The old gateway's.
const TIMEOUT: Duration = Duration::from_secs(30);
const HEALTH: &str = "/health";

/// Something wrong with the file, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, from 1; 0 when it is nowhere in particular.
    pub line: usize,
    /// What, with a remedy.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}: {}", self.message),
        }
    }
}

/// Understands the routes file.
///
/// # Errors
///
/// All problems at once, in the order of their lines.
pub fn parse(text: &str) -> Result<Table, Vec<Problem>> {
    let document = file::load(text).map_err(|problem| vec![problem])?;
    let mut reader = Reader::default();
    let table = reader.document(&document);
    match (table, reader.problems) {
        (Some(table), problems) if problems.is_empty() => Ok(table),
        (_, mut problems) => {
            problems.sort_by_key(|problem| problem.line);
            Err(problems)
        }
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
    groups: BTreeMap<String, Group>,
}

impl Reader {
    fn problem(&mut self, line: usize, message: impl Into<String>) {
        self.problems.push(Problem { line, message: message.into() });
    }

    /// What was read, unless it was not.
    fn read<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn text<'a>(&mut self, node: Option<&'a Node>, what: &str) -> Option<&'a str> {
        node.and_then(|node| self.read(file::text(node, what)))
    }

    fn document(&mut self, document: &Node) -> Option<Table> {
        let (mut seed, mut forced, list) = ("", Forced::default(), document);
        let Node::Mapping(mapping) = document else { return Some(self.table(seed, forced, list)) };
        let mut keys = Keys::of(mapping);
        seed = self.text(keys.take("seed"), "the seed").unwrap_or_default();
        if let Some(groups) = keys.take("groups") {
            self.named_groups(groups);
        }
        if let Some(rules) = keys.take("force") {
            forced = self.forced(rules);
        }
        let routes = keys.take("routes");
        keys.finish(&mut self.problems);
        let Some(routes) = routes else {
            self.problem(0, "there are no routes: add a list under `routes:`");
            return None;
        };
        Some(self.table(seed, forced, routes))
    }

    fn table(&mut self, seed: &str, forced: Forced, list: &Node) -> Table {
        let mut routes: Vec<Route> = Vec::new();
        for node in self.sequence(list, "the routes") {
            let Some(route) = self.route(node) else { continue };
            if let Some(other) = routes.iter().find(|other| other.pattern.is_same_as(&route.pattern)) {
                let message = format!("the path {} has a route already: remove one", other.pattern);
                self.problem(line(node.span()), message);
            }
            routes.push(route);
        }
        if routes.is_empty() && self.problems.is_empty() {
            self.problem(0, "there are no routes: add one, such as `- path: /api/v1/users/*`");
        }
        routes.sort_by_key(|route| route.pattern.generality());
        for (index, route) in routes.iter_mut().enumerate() {
            route.index = index;
        }
        let families = routes.iter().map(|route| (route.family.clone(), Family::default())).collect();
        Table { routes, families, splitter: Splitter::new(seed), forced }
    }

    fn sequence<'a>(&mut self, node: &'a Node, what: &str) -> &'a [Node] {
        if let Node::Sequence(list) = node {
            return list;
        }
        self.problem(line(node.span()), format!("{what} must be a list: begin each line with a dash"));
        &[]
    }

    fn route(&mut self, node: &Node) -> Option<Route> {
        let Node::Mapping(mapping) = node else {
            self.problem(line(node.span()), "a route must have keys: write `- path: /api/v1/users/*`");
            return None;
        };
        let mut keys = Keys::of(mapping);
        let at = keys.line();
        let path = keys.take("path");
        let pattern = self.text(path, "the path").map(|text| {
            Pattern::parse(text).map_err(|message| Problem { line: path.map_or(at, |node| line(node.span())), message })
        });
        if path.is_none() {
            self.problem(at, "the route has no path: add `path: /api/v1/users/*`");
        }
        let family = self.text(keys.take("family"), "the family").map(str::to_owned);
        let timeout = keys.take("timeout").map_or(Some(TIMEOUT), |node| self.seconds(node));
        let (upstream, legacy, platform) = (keys.take("upstream"), keys.take("legacy"), keys.take("platform"));
        keys.finish(&mut self.problems);
        if upstream.is_some() && platform.is_some() {
            self.problem(at, "`upstream` and `platform` mean the same: remove one");
        }
        if upstream.or(legacy).or(platform).is_none() {
            self.problem(at, "the route leads nowhere: add `upstream: http://HOST:PORT`, or `legacy:` and `platform:`");
        }
        let legacy = legacy.map(|node| self.group(node));
        let platform = platform.or(upstream).map(|node| self.group(node));
        let pattern = pattern.and_then(|pattern| self.read(pattern))?;
        let family = family.unwrap_or_else(|| match pattern.last_part() {
            "" => "everything".to_owned(),
            part => part.to_ascii_lowercase(),
        });
        if family == "all" {
            self.problem(at, "`all` stands for every family: give this one another name with `family:`");
        }
        // A group that could not be read must not make the route one-sided.
        let (legacy, platform) = match (legacy, platform) {
            (Some(None), _) | (_, Some(None)) => return None,
            (legacy, platform) => (legacy.flatten(), platform.flatten()),
        };
        Some(Route { index: 0, pattern, family, legacy, platform, timeout: timeout? })
    }

    fn seconds(&mut self, node: &Node) -> Option<Duration> {
        let text = self.text(Some(node), "the timeout")?;
        let seconds =
            text.strip_suffix('s').unwrap_or(text).parse().ok().filter(|seconds| (1..=3600).contains(seconds));
        if seconds.is_none() {
            let message = format!("the timeout {text:?} is none: write seconds from 1 to 3600, such as 30s");
            self.problem(line(node.span()), message);
        }
        seconds.map(Duration::from_secs)
    }

    fn protocol(&mut self, node: &Node) -> Option<Protocol> {
        match self.text(Some(node), "the protocol")? {
            "http/1.1" => Some(Protocol::Http1),
            "h2c" => Some(Protocol::H2c),
            other => {
                let message = format!("the protocol {other:?} is not spoken to services: write http/1.1 or h2c");
                self.problem(line(node.span()), message);
                None
            }
        }
    }

    fn named_groups(&mut self, node: &Node) {
        let Node::Mapping(groups) = node else {
            self.problem(line(node.span()), "the groups must have names: write `name: http://HOST:PORT` under it");
            return;
        };
        for (name, node) in groups.iter() {
            if let Some(group) = self.group(node) {
                self.groups.insert(name.as_str().to_owned(), group);
            }
        }
    }

    /// A URL, the name of a group, a list of URLs, or a mapping with more about them.
    fn group(&mut self, node: &Node) -> Option<Group> {
        let plain = |instances| Group { instances, strip: None, health: HEALTH.to_owned() };
        match node {
            Node::Scalar(scalar) if !scalar.as_str().contains("://") && self.groups.contains_key(scalar.as_str()) => {
                self.groups.get(scalar.as_str()).cloned()
            }
            Node::Scalar(_) | Node::Sequence(_) => self.instances(node).map(plain),
            Node::Mapping(mapping) => {
                let mut keys = Keys::of(mapping);
                let at = keys.line();
                let instances = keys.take("instances");
                let health = self.text(keys.take("health"), "the health path").unwrap_or(HEALTH).to_owned();
                let strip = self.text(keys.take("strip"), "the prefix to strip").map(str::to_owned);
                let protocol = keys.take("protocol").map_or(Some(Protocol::default()), |node| self.protocol(node));
                keys.finish(&mut self.problems);
                for path in strip.iter().chain([&health]) {
                    if !path.starts_with('/') || path.ends_with('/') || path.contains([' ', '?', '#']) {
                        let message =
                            format!("{path:?} must begin with a slash and not end with one: write /health or /api/v1");
                        self.problem(at, message);
                    }
                }
                let Some(instances) = instances else {
                    self.problem(at, "the group has no instances: add `instances: [http://HOST:PORT]`");
                    return None;
                };
                let instances = self.instances(instances)?;
                let protocol = protocol?;
                let instances = instances.into_iter().map(|instance| instance.with(protocol)).collect();
                Some(Group { instances, strip, health })
            }
        }
    }

    fn instances(&mut self, node: &Node) -> Option<Vec<Endpoint>> {
        let nodes = match node {
            Node::Sequence(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut instances = Vec::new();
        for node in nodes {
            let Some(url) = self.text(Some(node), "an instance") else { continue };
            let at = line(node.span());
            match Endpoint::parse(url) {
                Ok(endpoint) if instances.contains(&endpoint) => {
                    self.problem(at, format!("{endpoint} is in the list twice: remove one"));
                }
                Ok(endpoint) => instances.push(endpoint),
                Err(message) if url.contains("://") || self.groups.is_empty() => self.problem(at, message),
                Err(message) => {
                    let names = self.groups.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                    self.problem(at, format!("{message}, or the name of a group ({names})"));
                }
            }
        }
        if nodes.is_empty() {
            self.problem(line(node.span()), "the list of instances is empty: add http://HOST:PORT");
        }
        (!instances.is_empty()).then_some(instances)
    }

    fn forced(&mut self, node: &Node) -> Forced {
        let mut forced = Forced::default();
        for rule in self.sequence(node, "the forced ones") {
            let at = line(rule.span());
            let Node::Mapping(mapping) = rule else {
                self.problem(at, "a rule must have keys: write `- tenant: ID` and `to: platform` under it");
                continue;
            };
            let mut keys = Keys::of(mapping);
            let whom = [
                self.text(keys.take("user"), "the user").map(|id| Ok(Whom::User(id.to_owned()))),
                self.text(keys.take("tenant"), "the tenant").map(|id| Ok(Whom::Tenant(id.to_owned()))),
                self.text(keys.take("header"), "the header").map(header),
            ];
            let side = self.text(keys.take("to"), "the side");
            keys.finish(&mut self.problems);
            let mut whom = whom.into_iter().flatten();
            let (Some(first), None) = (whom.next(), whom.next()) else {
                self.problem(at, "a rule must name one of user, tenant and header: write a rule for each");
                continue;
            };
            let side = Side::BOTH.into_iter().find(|known| Some(known.name()) == side);
            match (first, side) {
                (Ok(whom), Some(side)) => {
                    if forced.set(whom, Some(side)).is_some() {
                        self.problem(at, "somebody is forced twice: remove one of the rules");
                    }
                }
                (Err(message), _) => self.problem(at, message),
                (_, None) => self.problem(at, "a rule needs a side: add `to: legacy` or `to: platform`"),
            }
        }
        forced
    }
}

/// `Name: value`, as it stands in a request.
pub(crate) fn header(text: &str) -> Result<Whom, String> {
    let remedy = || format!("the header {text:?} must have a name and a value: write \"X-Canary: yes\"");
    let (name, value) = text.split_once(':').ok_or_else(remedy)?;
    let name: HeaderName = name.trim().parse().map_err(|_| remedy())?;
    let value = value.trim();
    if value.is_empty() { Err(remedy()) } else { Ok(Whom::Header(name.as_str().to_owned(), value.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::forced::Whom;

    #[test]
    fn strategys_own_form_is_understood() {
        let table = parse(
            "# In API Gateway configuration\n\
             - path: /api/v1/users/*\n  upstream: http://pyairtable-platform:8080\n\
             - path: /api/v1/workspaces/*\n  upstream: http://pyairtable-platform:8080\n",
        )
        .unwrap();
        let routes: Vec<_> = table.routes().map(|route| (route.pattern.to_string(), route.family.clone())).collect();
        assert_eq!(
            routes,
            [("/api/v1/workspaces/*", "workspaces"), ("/api/v1/users/*", "users")].map(|(a, b)| (a.into(), b.into()))
        );
        assert!(table.routes().all(|route| route.legacy.is_none() && route.platform.is_some()));
    }

    #[test]
    fn sides_have_groups_by_name_by_list_and_with_more_about_them() {
        let table = parse(
            "seed: production\n\
             groups:\n  new: [http://platform-1:8080, http://platform-2:8080]\n\
             force:\n  - tenant: synthetic\n    to: platform\n  - header: 'X-Canary: yes'\n    to: platform\n\
             routes:\n\
             - path: /api/v1/users/*\n  timeout: 5s\n  legacy:\n    instances: [http://user-service:8082]\n    strip: /api/v1\n    health: /health\n  platform: new\n\
             - path: /users/*\n  legacy: http://user-service:8082\n  platform: new\n",
        )
        .unwrap();
        let route = table.route("/api/v1/users/1").unwrap();
        assert_eq!(route.platform.as_ref().unwrap().instances.len(), 2);
        assert_eq!(route.legacy.as_ref().unwrap().strip.as_deref(), Some("/api/v1"));
        assert_eq!(route.timeout.as_secs(), 5);
        assert_eq!(table.families().count(), 1, "both are the family of users");
        assert!(table.forced.iter().any(|(whom, _)| *whom == Whom::Header("x-canary".into(), "yes".into())));
    }

    #[test]
    fn every_problem_is_reported_with_its_line_and_a_remedy() {
        for (text, line, part) in [
            ("", 0, "routes"),
            ("x", 1, "list of routes"),
            ("a: [", 2, "no YAML"),
            ("routes:\n- path: /a\n  path: /b\n", 3, "occurs twice"),
            ("rouets: []\nroutes: []\n", 1, "use one of seed, groups, force, routes"),
            ("routes: []\n", 0, "add one"),
            ("- path: /a\n", 1, "leads nowhere"),
            ("- upstream: http://a:1\n", 1, "add `path:"),
            ("- path: a\n  upstream: http://a:1\n", 1, "begin with a slash"),
            ("- path: /a/*/b\n  upstream: http://a:1\n", 1, "one star"),
            ("- path: /internal/*\n  upstream: http://a:1\n", 1, "remove it"),
            ("- path: /a\n  upstream: https://a:1\n", 2, "TLS"),
            ("- path: /a\n  upstream: http://a:1/x\n", 2, "path"),
            ("- path: /a\n  legacy: [http://a:1, http://a:1]\n", 2, "twice"),
            ("- path: /a\n  legacy: []\n", 2, "add http://"),
            ("- path: /a\n  weight: 5\n  upstream: http://a:1\n", 2, "use one of path, family, timeout"),
            ("- path: /a\n  timeout: soon\n  upstream: http://a:1\n", 2, "seconds from 1 to 3600"),
            ("- path: /a\n  upstream: http://a:1\n- path: /A\n  upstream: http://b:1\n", 3, "remove one"),
            ("- path: /a\n  upstream: http://a:1\n  platform: http://a:1\n", 1, "mean the same"),
            ("- path: /a\n  family: all\n  upstream: http://a:1\n", 1, "another name"),
            ("groups:\n  new: http://a:1\nroutes:\n- path: /a\n  platform: old\n", 5, "name of a group (new)"),
            ("force:\n- tenant: a\nroutes:\n- path: /a\n  upstream: http://a:1\n", 2, "to: platform"),
            ("force:\n- tenant: a\n  user: b\n  to: legacy\nroutes:\n- path: /a\n  upstream: http://a:1\n", 2, "each"),
            ("force:\n- header: a\n  to: legacy\nroutes:\n- path: /a\n  upstream: http://a:1\n", 2, "X-Canary"),
            ("- path: &x /a\n  upstream: http://a:1\n", 1, "write it out"),
        ] {
            let problems = parse(text).unwrap_err();
            let found = problems.iter().any(|problem| problem.line == line && problem.message.contains(part));
            assert!(found, "{text:?} should say {part:?} on line {line}: {problems:?}");
        }
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let problems =
            parse("- path: a\n  upstream: b\n- path: /c\n  timeout: d\n  upstream: http://e:f\n").unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [1, 2, 4, 5]);
    }
}
