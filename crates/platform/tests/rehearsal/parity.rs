//! Writes compared by state, with stand-ins for the old services.

use std::path::Path;
use std::process::Command;

use kernel::{Clock as _, SystemClock};
use testkit::TestDb;
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pyairtable-platform");

/// A database of old services and a run with a verified backup of it.
async fn backed_up(layout: Layout, people: u32, folder: &Path) -> TestDb {
    let db = TestDb::empty().await;
    let places = layout.create(db.config()).await.unwrap();
    fill(layout, &places, Plan { people, seed: 7, now: SystemClock.now() }).await.unwrap();
    let (code, said) = run(&db, folder, &["cutover", "backup"]);
    assert_eq!(code, Some(0), "{said}");
    db
}

#[expect(clippy::disallowed_methods, reason = "where PostgreSQL and Redis are, as for the test servers")]
fn run(db: &TestDb, folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(PROGRAM);
    command.env_clear().args(words).current_dir(folder).env("DATABASE_URL", db.url().connection_string().expose());
    for name in ["PATH", "PG_BINDIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let output = command.output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    (output.status.code(), said)
}

/// The stand-ins on whatever clone they are given.
fn stand_ins(layout: Layout) -> String {
    format!(
        "exec {PROGRAM} legacy-stand-in --bearer --layout {} --database-url \"$DATABASE_URL\" --redis-url \"$REDIS_URL\" \
         --jwt-secret \"$JWT_SECRET\" --port-base \"$PORT_BASE\"",
        layout.name()
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_writes_of_both_sides_leave_the_same_rows() {
    let mut wrong = String::new();
    for layout in [Layout::Public, Layout::Widened] {
        let folder = tempfile::tempdir().unwrap();
        let db = backed_up(layout, 400, folder.path()).await;
        let (code, said) = run(&db, folder.path(), &["cutover", "parity", "--old-command", &stand_ins(layout)]);
        if code != Some(0) {
            wrong.push_str(&format!("{} ended with {code:?}: {said}\n", layout.name()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
