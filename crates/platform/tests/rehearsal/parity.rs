//! Writes compared by state, with stand-ins for the old services.

mod by_hand;
mod ended;
mod planted;

use std::fmt::Write as _;
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
    let accept = "fsync,full-page-writes,one-database,redis,synchronous-commit";
    let (code, said) = run(&db, folder, &["cutover", "backup", "--accept", accept]);
    assert_eq!(code, Some(0), "{said}");
    db
}

/// How a command ended, and all it wrote.
fn run(db: &TestDb, folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let output = command(db, folder, words).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    (output.status.code(), said)
}

fn command(db: &TestDb, folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env_clear().args(words).current_dir(folder).env("DATABASE_URL", db.url().connection_string().expose());
    for name in ["PATH", "PG_BINDIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// Databases that comparisons of this run made and that are still there.
async fn clones(db: &TestDb, folder: &Path) -> i64 {
    let plan = std::fs::read_to_string(folder.join("cutover/plan.json")).unwrap();
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let sql = "SELECT count(*) FROM pg_database WHERE datname ~ '^pyairtable_(old|new)_' AND datname LIKE '%' || $1";
    db.superuser().await.query_one(sql, &[&plan["run"].as_str().unwrap()]).await.unwrap().get(0)
}

/// The stand-ins on whatever clone they are given.
fn stand_ins(layout: Layout) -> String {
    format!(
        "exec {PROGRAM} legacy-stand-in --bearer --layout {} --database-url \"$DATABASE_URL\" --redis-url \"$REDIS_URL\" \
         --jwt-secret \"$JWT_SECRET\" --port-base \"$PORT_BASE\"",
        layout.name()
    )
}

/// Whether tests that come in two sizes take the larger one: `scripts/test --long`.
#[expect(clippy::disallowed_methods, reason = "a knob of the tests, not of the program")]
fn long() -> bool {
    std::env::var("TEST_LONG").is_ok_and(|value| !value.is_empty())
}

/// Layouts of one database, which is what a backup is of, whose times are in UTC.
const SAME: [Layout; 6] =
    [Layout::Public, Layout::Orm, Layout::Schemas, Layout::View, Layout::Widened, Layout::DraftTenants];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_writes_of_both_sides_leave_the_same_rows() {
    let layouts = if long() { SAME.to_vec() } else { vec![Layout::Public, Layout::Widened] };
    let mut wrong = String::new();
    for layout in layouts {
        let folder = tempfile::tempdir().unwrap();
        let db = backed_up(layout, 400, folder.path()).await;
        let (code, said) = run(&db, folder.path(), &["cutover", "parity", "--old-command", &stand_ins(layout)]);
        let last = said.lines().last().unwrap_or_default();
        let compared = match layout {
            Layout::Widened => 27,
            // Elsewhere the columns that user-service names do not exist, and here its table of tenants is not found.
            Layout::Schemas => 20,
            _ => 23,
        };
        let start = format!("write parity: {compared} of 27 endpoints, ");
        if code != Some(0) || !last.starts_with(&start) || !last.ends_with(" 0 unexplained differences") {
            writeln!(wrong, "{} ended with {code:?}: {said}", layout.name()).unwrap();
            continue;
        }
        let report = std::fs::read_to_string(folder.path().join("cutover/parity.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        let cases = report["cases"].as_array().unwrap();
        // Nothing is passed over in silence: what could not be tried is what the old side never made.
        let left_out = cases.iter().filter(|case| case["left_out"].is_string()).count();
        assert!(left_out <= 10, "{}: {left_out} cases left out", layout.name());
        assert!(report["rows"].as_u64().unwrap() > 100 && cases.len() > 160, "{}", layout.name());
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Where sessions are not in UTC, the old side's times without a zone are local ones, and shift with each change (T-51).
/// That is no matter of taste: whoever runs such a deployment is to see it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_shows_times_of_another_zone() {
    let folder = tempfile::tempdir().unwrap();
    let db = backed_up(Layout::Tokyo, 400, folder.path()).await;
    let (code, said) = run(&db, folder.path(), &["cutover", "parity", "--old-command", &stand_ins(Layout::Tokyo)]);
    assert_eq!(code, Some(7), "{said}");
    let differs: Vec<&str> = said.lines().filter(|line| line.starts_with("DIFFERS ")).collect();
    assert!(differs.len() > 50 && differs.iter().all(|line| line.contains("_at")), "{differs:#?}");
    assert!(differs.iter().any(|line| line.contains("POST /workspaces, good: public.workspaces.created_at of ")));
}
