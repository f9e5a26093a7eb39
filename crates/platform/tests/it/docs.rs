//! The documents and the code speak of the same things.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LEGACY: &str = include_str!("../../../../docs/LEGACY.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All files below a directory whose names end so.
fn files(directory: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, endings, found);
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
}

/// The numbers of traps that a text cites, as in T-07.
fn cited(text: &str) -> BTreeSet<&str> {
    let numbers = text.match_indices("T-").filter_map(|(at, _)| {
        let number = text.get(at..at + 4)?;
        let alone = !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-');
        (alone && number[2..].bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
    });
    numbers.collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn docs_explain_every_trap_that_is_cited() {
    let explained: Vec<&str> = LEGACY.lines().filter_map(|line| line.strip_prefix("- **T-")?.get(..2)).collect();
    let distinct: BTreeSet<_> = explained.iter().collect();
    assert_eq!(distinct.len(), explained.len(), "a trap is explained twice");
    assert_eq!(explained, (1..=73).map(|number| format!("{number:02}")).collect::<Vec<_>>());

    let mut paths = Vec::new();
    files(&root().join("crates"), &[".rs", ".sql"], &mut paths);
    files(&root().join("docs"), &[".md"], &mut paths);
    let mut unknown = BTreeMap::new();
    let mut citations = 0;
    for path in paths.iter().filter(|path| !path.ends_with("tests/it/docs.rs")) {
        let text = std::fs::read_to_string(path).unwrap();
        for number in cited(&text) {
            citations += 1;
            if !explained.contains(&&number[2..]) {
                unknown.insert(path.clone(), number.to_owned());
            }
        }
    }
    assert!(unknown.is_empty(), "docs/LEGACY.md does not explain {unknown:?}");
    assert!(citations > 100, "{citations} citations only: does the search work?");
}

/// A file that was moved leaves no trace in the text that names it.
#[test]
fn docs_name_files_that_exist() {
    let crates = root().join("crates");
    let names: Vec<String> =
        std::fs::read_dir(&crates).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut paths = vec![root().join("README.md")];
    files(&root().join("docs"), &[".md"], &mut paths);
    let mut missing = Vec::new();
    let mut looked_at = 0;
    for document in &paths {
        let text = std::fs::read_to_string(document).unwrap();
        for name in quoted(&text).filter(|name| !name.contains(['*', '<', '{', ' ', '…'])) {
            let known = name.strip_prefix("crates/").unwrap_or(name);
            let of_a_crate = known.split_once('/').is_some_and(|(first, _)| names.iter().any(|name| name == first));
            if of_a_crate && !known.contains("...") {
                looked_at += 1;
                if !crates.join(known).exists() {
                    missing.push(format!("{}: {name}", document.display()));
                }
            }
        }
        // Links to other documents.
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !document.parent().unwrap().join(target).exists() {
                missing.push(format!("{}: link to {target}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(looked_at > 80, "{looked_at} names only: does the search work?");
}
