//! The editions of `cutover rehearse` as commands, in short.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// How it ended, and what it printed. Other tests keep the machine busy, so nobody is blamed for being slow.
async fn rehearse(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"));
    command
        .args(["cutover", "rehearse", "--users", "600", "--rate", "50", "--hold", "2", "--patient", "--dir"])
        .arg(folder)
        .args(words);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{}{said}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

/// The four numbers of the last line: requests, failed, lost, doubled.
fn last_line(said: &str) -> [u64; 4] {
    let last = said.lines().last().unwrap();
    let rest = last.strip_prefix("rehearsal: ").unwrap_or_else(|| panic!("{last}"));
    let numbers: Vec<u64> = rest.split(", ").map(|part| part.split(' ').next().unwrap().parse().unwrap()).collect();
    numbers[..4].try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rehearsal_holds_and_the_same_by_hand_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.md");
    let page_word = page.to_str().unwrap();
    let (code, said) = rehearse(folder.path(), &["--with-naive", "--human", "4", "--write", page_word]).await;
    assert_eq!(code, Some(0), "{said}");
    let [requests, failed, lost, doubled] = last_line(&said);
    assert!(requests > 500 && (failed, lost, doubled) == (0, 0, 0), "{said}");

    let found: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("cutover/rehearsal.json")).unwrap()).unwrap();
    assert_eq!((&found["requests"], &found["lost"]), (&requests.into(), &0.into()));
    let naive = |key: &str| found["naive"][key].as_u64().unwrap();
    assert!(naive("failed") > 0 && naive("lost") > 0, "{}", found["naive"]);
    // Times are those of a clock, so that others can be put beside them.
    let second = found["per_second"][0]["at"].as_u64().unwrap();
    assert!(second > 1_700_000_000 && found["phases"][0]["from"].as_u64().unwrap() <= second + 1, "{second}");

    let page = std::fs::read_to_string(page).unwrap();
    for part in [
        "## Phases",
        "## Requests",
        "## What was compared",
        "## The same by hand",
        "--with-naive",
        &last_line_of(&said),
    ] {
        assert!(page.contains(part), "no {part:?} in\n{page}");
    }
    assert!(!page.contains(folder.path().to_str().unwrap()), "{page}");
}

/// The fault on the way is found by gates that look at what HAProxy tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rehearsal_holds_through_haproxy() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = rehearse(folder.path(), &["--through", "haproxy"]).await;
    assert_eq!(code, Some(0), "{said}");
    let [requests, failed, lost, doubled] = last_line(&said);
    assert!(requests > 500 && (failed, lost, doubled) == (0, 0, 0), "{said}");
    let series = std::fs::read_to_string(folder.path().join("cutover/series.jsonl")).unwrap();
    assert!(series.contains(r#""who":"gates""#), "a gate took it back, not the lease: {series}");
}

fn last_line_of(said: &str) -> String {
    said.lines().last().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_side_that_fails_everybody_loses_its_traffic_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = rehearse(folder.path(), &["--faults", "errors-100,errors-5"]).await;
    assert!(said.contains("  errors-100  ") && said.contains("  errors-5  ") && !said.contains("  never  "), "{said}");
    // A busy machine may take longer than is good enough, which is what 7 says.
    assert!(matches!(code, Some(0 | 7)), "{said}");
    let [_, failed, lost, doubled] = last_line(&said);
    assert_eq!((failed, lost, doubled), (0, 0, 0), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tool_that_is_killed_leaves_a_safe_share_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = rehearse(folder.path(), &["--kill-tool", "1"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(last_line(&said)[1..], [0, 0, 0], "{said}");
    assert!(said.contains("whole: 0%"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn well_side_keeps_its_traffic_beside_a_busy_loop() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = rehearse(folder.path(), &["--clean-runs", "2"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 clean runs with a CPU hog: 0 false returns"), "{said}");
}
