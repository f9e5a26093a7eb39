//! A comparison that is killed or must not begin leaves nothing running and writes nothing anywhere else.

use std::process::Stdio;
use std::time::Duration;

use testkit::TestDb;
use testkit::legacy::layouts::Layout;

use super::{backed_up, clones, command, run, stand_ins};

/// Processes that work in this folder: the tool, both sides, Redis, and what holds them.
fn running(folder: &std::path::Path) -> Vec<String> {
    let folder = std::fs::canonicalize(folder).unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let inside = processes
        .filter(|process| std::fs::read_link(process.path().join("cwd")).is_ok_and(|place| place.starts_with(&folder)));
    let words = |process: std::fs::DirEntry| std::fs::read(process.path().join("cmdline")).unwrap_or_default();
    inside.map(|process| String::from_utf8_lossy(&words(process)).replace('\0', " ")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_a_killed_comparison_leaves_nothing_and_the_next_one_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let db = backed_up(Layout::Public, 200, folder.path()).await;
    let line = stand_ins(Layout::Public);
    let words = ["cutover", "parity", "--old-command", &line];
    let log = folder.path().join("cutover/parity/new.log");
    let mut tool = command(&db, folder.path(), &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // In the middle of the requests.
    for _ in 0..1200 {
        if std::fs::read_to_string(&log).is_ok_and(|text| text.matches("/workspaces").count() > 20) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(running(folder.path()).len() >= 7, "both sides and Redis run: {:?}", running(folder.path()));
    tool.kill().unwrap();
    tool.wait().unwrap();
    for _ in 0..200 {
        if running(folder.path()).is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(running(folder.path()), Vec::<String>::new());
    assert_eq!(clones(&db, folder.path()).await, 2, "nobody could drop them");
    let (code, said) = run(&db, folder.path(), &words);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(clones(&db, folder.path()).await, 0);
    assert_eq!(running(folder.path()), Vec::<String>::new());
}

/// Services that serve another database are found out by a log-in that only the clone lets in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_services_of_another_database_are_refused_and_written_nothing_to() {
    let folder = tempfile::tempdir().unwrap();
    let db = backed_up(Layout::Public, 200, folder.path()).await;
    let before = contents(&db).await;
    let line =
        stand_ins(Layout::Public).replace("\"$DATABASE_URL\"", &format!("'{}'", db.url().connection_string().expose()));
    let (code, said) = run(&db, folder.path(), &["cutover", "parity", "--old-command", &line]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("do not serve the clone") && said.contains("401"), "{said}");
    assert_eq!(contents(&db).await, before, "the database that is taken over is untouched");
    assert_eq!(clones(&db, folder.path()).await, 0);
    assert!(!folder.path().join("cutover/parity.json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parity_without_a_verified_backup_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = TestDb::empty().await;
    let (code, said) = run(&db, folder.path(), &["cutover", "parity", "--old-command", "true"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("cutover backup"), "the next command is named: {said}");
}

/// Everything that requests could change.
async fn contents(db: &TestDb) -> String {
    let client = db.superuser().await;
    let mut all = String::new();
    for table in ["users", "workspaces", "projects", "workspace_members", "workspace_audit_logs", "tenants"] {
        let sql = format!("SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t");
        all.push_str(&client.query_one(&sql, &[]).await.unwrap().get::<_, String>(0));
    }
    all
}
