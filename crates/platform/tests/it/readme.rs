//! The README's commands do what it says.

use std::process::Command;

use crate::process::Process;

const README: &str = include_str!("../../../../README.md");

/// The shell block that follows the marker.
fn walk_through() -> &'static str {
    let (_, rest) = README.split_once("<!-- walk-through: a test runs these commands -->").unwrap();
    let (_, rest) = rest.split_once("```bash\n").unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn walk_through_of_the_readme_works_against_a_served_process() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    // Each answer on a line of its own, and a failure ends the script.
    let script = walk_through()
        .replace("localhost:8080", &process.public.to_string())
        .replace("curl -s ", "curl -sS --fail-with-body -w '\\n' ");
    let output = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}\n{}", process.log());
    let answers: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [registered, me, created, list, logged_out] = answers.as_slice() else { panic!("{stdout}") };
    assert_eq!(registered["role"], "admin");
    assert_eq!(me["email"], "ada@example.com");
    assert_eq!(created["tenant_id"], me["tenant_id"]);
    assert_eq!(list["total"], 2);
    assert_eq!(logged_out["message"], "Logged out successfully");
}
