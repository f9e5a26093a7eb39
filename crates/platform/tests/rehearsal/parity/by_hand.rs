//! Old services that somebody else starts, and a register of one's own.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use testkit::legacy::layouts::Layout;

use super::{PROGRAM, backed_up, clones, command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_waits_for_services_and_reports_what_the_register_does_not_excuse() {
    let folder = tempfile::tempdir().unwrap();
    let db = backed_up(Layout::Public, 200, folder.path()).await;
    std::fs::write(
        folder.path().join("mine.yaml"),
        "intended:\n- endpoint: \"*\"\n  field: status\n  kind: any\n  reason: statuses are another matter\n",
    )
    .unwrap();
    // Below those that are given out, so that nobody gets one of them meanwhile.
    let first = 10_000 + u16::try_from(std::process::id() % 2_000).unwrap() * 5;
    let is_free = |base: &u16| (*base..base + 5).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    let base = (first..19_990).step_by(5).find(is_free).unwrap();
    let urls: Vec<String> = (base..base + 5).map(|port| format!("http://127.0.0.1:{port}")).collect();
    let words = ["cutover", "parity", "--old-url", &urls.join(","), "--intended", "mine.yaml", "--wait", "60"];
    let mut tool = command(&db, folder.path(), &words);
    let mut tool = tool.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tool.stderr.take().unwrap()).lines();
    // The environment is printed at once; these come first.
    let printed = lines.by_ref().map_while(Result::ok).skip_while(|line| !line.starts_with("waiting for")).skip(1);
    let mut environment = BTreeMap::new();
    for line in printed {
        let (name, value) = line.trim_start().split_once('=').unwrap();
        environment.insert(name.to_owned(), value.to_owned());
        if environment.len() == 3 {
            break;
        }
    }
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let mut old = Command::new(PROGRAM)
        .args(["legacy-stand-in", "--bearer", "--layout", "public", "--port-base", &base.to_string()])
        .args(["--database-url", &environment["DATABASE_URL"], "--redis-url", &environment["REDIS_URL"]])
        .args(["--jwt-secret", &environment["JWT_SECRET"]])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    tool.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    let code = tool.wait().unwrap().code();
    old.kill().unwrap();
    old.wait().unwrap();
    assert_eq!(code, Some(7), "{said}{:?}", rest.join());
    assert!(said.contains("POST /auth/register, good: public.users.role of "), "{said}");
    assert!(said.contains("old \"user\", new \"admin\""), "{said}");
    assert!(!said.contains(": status: status: old"), "that is excused: {said}");
    assert!(said.contains("  statuses are another matter"), "with its reason: {said}");
    assert!(!said.contains(&environment["JWT_SECRET"]) && !said.contains("$2a$"), "no secrets: {said}");
    assert_eq!(clones(&db, folder.path()).await, 0);
}
