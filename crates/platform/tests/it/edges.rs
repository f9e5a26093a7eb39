//! Dependencies between the workspace's crates point one way. Cargo would let them point anywhere.

use std::collections::BTreeSet;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

const SLICES: &[&str] = &["users", "tenants", "workspaces", "notifications"];

/// What a crate may depend on, tests included; `None` for a crate nobody decided about.
fn allowed(name: &str) -> Option<Vec<&'static str>> {
    Some(match name {
        "kernel" => vec![],
        // The gateway is what the way back goes through, so it starts when everything else is broken.
        "gateway" | "db" => vec!["kernel"],
        "web" => vec!["kernel", "db"],
        "cutover" => vec!["kernel", "db", "gateway"],
        "testkit" => vec!["kernel", "db", "web"],
        // It tries a whole deployment out, but knows it from outside.
        "rehearsal" => vec!["kernel", "db", "gateway", "testkit"],
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
            // Behind a feature that no build has which serves anybody; see below.
            let on_request = ["testkit", "rehearsal"].contains(&to) && name == "platform" && dependency.optional;
            if !for_tests && !on_request && !allowed.contains(&to) {
                wrong.push(format!("{name} must not depend on {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(members.len() >= 7, "{members:?}");
}

/// Whether a build of the program with these features contains `testkit`.
fn has_testkit(features: &[&str]) -> bool {
    let features = features.iter().map(|&feature| feature.to_owned()).collect();
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .features(CargoOpt::SomeFeatures(features))
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    linked(&metadata).contains("testkit")
}

/// The names of all crates that end up in the program.
fn linked(metadata: &Metadata) -> BTreeSet<String> {
    let nodes = &metadata.resolve.as_ref().unwrap().nodes;
    let name =
        |id: &PackageId| short(&metadata.packages.iter().find(|package| package.id == *id).unwrap().name).to_owned();
    let mut found = BTreeSet::new();
    let mut ids = vec![&nodes.iter().find(|node| name(&node.id) == "platform").unwrap().id];
    while let Some(id) = ids.pop() {
        if found.insert(name(id)) {
            let node = nodes.iter().find(|node| node.id == *id).unwrap();
            let used = |kinds: &[cargo_metadata::DepKindInfo]| {
                kinds.iter().any(|kind| kind.kind != DependencyKind::Development)
            };
            ids.extend(node.deps.iter().filter(|dep| used(&dep.dep_kinds)).map(|dep| &dep.pkg));
        }
    }
    found
}

#[test]
fn program_contains_the_test_kit_only_when_asked() {
    assert!(!has_testkit(&[]));
    assert!(has_testkit(&["legacy-stand-in"]), "the walk above finds nothing");
    assert!(has_testkit(&["rehearsal"]));
}

fn short(name: &str) -> &str {
    name.strip_prefix("pyairtable-").unwrap_or(name)
}
