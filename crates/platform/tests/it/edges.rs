//! Dependencies between the workspace's crates point one way. Cargo would let them point anywhere.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

const SLICES: &[&str] = &["users", "tenants", "workspaces", "notifications"];

/// What a crate may depend on, tests included; `None` for a crate nobody decided about.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "kernel" => vec![],
        // The gateway is what the way back goes through, so it starts when everything else is broken.
        "gateway" | "db" => vec!["kernel"],
        "web" | "cutover" => vec!["kernel", "db"],
        "testkit" => vec!["kernel", "db", "web"],
        slice if SLICES.contains(&slice) => vec!["kernel", "db", "web"],
        "platform" => [SLICES, &["kernel", "db", "web", "gateway", "cutover"]].concat(),
        _ => return None,
    })
}

#[test]
fn dependencies_point_one_way() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let members: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = short(&package.name);
        let Some(allowed) = allowed(name) else {
            wrong.push(format!("{} is new: say in this test what it may depend on", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| members.contains(&dependency.name)) {
            let to = short(&dependency.name);
            let for_tests = to == "testkit" && dependency.kind == DependencyKind::Development;
            if !for_tests && !allowed.contains(&to) {
                wrong.push(format!("{name} must not depend on {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(members.len() >= 7, "{members:?}");
}

fn short(name: &str) -> &str {
    name.strip_prefix("pyairtable-").unwrap_or(name)
}
