//! The README's commands do what it says.

use std::process::Command;

use serde_json::json;

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
    let [me, people, member, base, trail, logged_out] = answers.as_slice() else { panic!("{stdout}") };
    assert_eq!((&me["email"], &me["role"]), (&json!("ada@example.com"), &json!("admin")));
    let people = people["users"].as_array().unwrap();
    let emails: Vec<_> = people.iter().map(|person| &person["email"]).collect();
    assert_eq!(emails, ["ada@example.com", "grace@example.com"]);
    assert!(people.iter().all(|person| person["tenant_id"] == me["tenant_id"]), "{people:?}");
    assert_eq!((&member["role"], &member["user_id"]), (&json!("member"), &people[1]["id"]));
    assert_eq!(base["base_id"], "appEngine");
    let happened: Vec<_> = trail["logs"].as_array().unwrap().iter().map(|log| &log["action"]).collect();
    assert_eq!(happened, ["airtable_base.connected", "project.created", "member.added", "workspace.created"]);
    assert_eq!(logged_out["message"], "Logged out successfully");
}
