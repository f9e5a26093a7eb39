//! The take-over as its operator sees it: commands, exit codes, and what each says to do next.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;
use testkit::{TestDb, TestRedis};

use crate::browser::Browser;
use crate::command::{Run, run_in};
use crate::gateway::start;
use crate::process::{Process, request};
use crate::support::{INTERNAL_KEY, JWT_SECRET, seed};

/// A database of old services and how a shell names it.
async fn old_world() -> (TestDb, String) {
    let db = TestDb::empty().await;
    let places = Layout::Public.create(db.config()).await.unwrap();
    let plan = Plan { people: 40, seed: seed(), now: "2026-03-01T12:00:00Z".parse().unwrap() };
    fill(Layout::Public, &places, plan).await.unwrap();
    let url = url_of(&db);
    (db, url)
}

fn url_of(db: &TestDb) -> String {
    let tokio_postgres::config::Host::Unix(socket) = &db.config().get_hosts()[0] else { panic!("a socket") };
    let socket = socket.display().to_string().replace('/', "%2F");
    format!("postgres://postgres:nobodyshallseethis@{socket}/{}", db.config().get_dbname().unwrap())
}

async fn cutover(directory: &Path, url: &str, arguments: &'static [&'static str]) -> Run {
    let (directory, url) = (directory.to_owned(), url.to_owned());
    let run = move || {
        let arguments = [&["cutover"], arguments].concat();
        run_in(&directory, &arguments, &[("DATABASE_URL", url.as_str())])
    };
    let run = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(!run.shown().contains("nobodyshallseethis"), "{}", run.shown());
    run
}

/// What a test server does without.
const ACCEPTED: &str = "fsync,full-page-writes,one-database,redis,synchronous-commit";

/// Nobody needs to know more than the last line says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_leads_from_nothing_to_a_restored_backup() {
    let (db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let run = cutover(at, &url, &["status"]).await;
    assert_eq!((run.code, run.stdout.lines().last().unwrap()), (Some(0), "next: pyairtable-platform cutover plan"));
    let plan = cutover(at, &url, &["plan"]).await;
    assert_eq!((plan.code, plan.stdout.lines().last().unwrap()), (Some(0), "next: pyairtable-platform cutover run"));
    assert!(plan.stdout.contains("  run    pg_dump --format=directory"), "{}", plan.stdout);
    assert!(!at.join("cutover").exists());
    let dry = cutover(at, &url, &["run", "--dry-run"]).await;
    assert_eq!(dry.stdout.lines().count(), plan.stdout.lines().count());
    assert!(!at.join("cutover").exists());

    let refused = cutover(at, &url, &["verify", "--backup"]).await;
    assert_eq!(refused.code, Some(3));
    assert!(refused.stderr.contains("make one with `pyairtable-platform cutover backup`"), "{}", refused.stderr);
    for command in [&["resume"][..], &["rollback"], &["pause", "--why", "x"], &["soak", "--once"], &["clean-up"]] {
        let refused = cutover(at, &url, command).await;
        assert_eq!(refused.code, Some(3), "{}", refused.shown());
        assert!(refused.stderr.contains("`pyairtable-platform cutover "), "{}", refused.stderr);
    }

    let unready = cutover(at, &url, &["backup"]).await;
    assert_eq!(unready.code, Some(3), "{}", unready.shown());
    assert!(unready.stderr.contains("  STOP  fsync") && unready.stderr.contains("--accept"), "{}", unready.stderr);
    let run = cutover(at, &url, &["backup", "--accept", ACCEPTED]).await;
    assert_eq!(run.code, Some(0), "{}", run.shown());
    assert!(run.stderr.contains("trial-restore: done\n") && !run.stderr.contains('\u{1b}'), "{}", run.stderr);
    assert_eq!(run.stderr.lines().last(), Some("report: ./cutover/report.html"), "{}", run.stderr);
    let status = cutover(at, &url, &["status", "--json"]).await;
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["next"], "pyairtable-platform cutover run", "{status:#}");
    let again = cutover(at, &url, &["backup", "--json"]).await;
    let steps: Value = serde_json::from_str(&again.stdout).unwrap();
    assert!(steps["steps"].as_array().unwrap().iter().all(|step| step["already"] == true), "{steps:#}");

    let verified = cutover(at, &url, &["verify"]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.shown());
    assert!(verified.stdout.ends_with("everything is equal\n"), "{}", verified.stdout);
    let restored = cutover(at, &url, &["restore", "--into", "then"]).await;
    assert_eq!(restored.code, Some(0), "{}", restored.shown());
    let sql = "UPDATE users SET first_name = first_name || ' ' WHERE id = (SELECT id FROM users ORDER BY id LIMIT 1)";
    db.superuser().await.batch_execute(sql).await.unwrap();
    let differs = cutover(at, &url, &["verify", "--against", "then"]).await;
    assert_eq!(differs.code, Some(7), "{}", differs.shown());
    assert!(differs.stdout.contains(": first_name, updated_at changed\n"), "{}", differs.stdout);
    assert!(differs.stdout.ends_with("not equal, although COUNT(*) is the same everywhere\n"), "{}", differs.stdout);
    let twice = cutover(at, &url, &["restore", "--into", "then"]).await;
    assert_eq!(twice.code, Some(3), "{}", twice.shown());
    assert!(twice.stderr.contains("--into"), "{}", twice.stderr);
    let unsure = cutover(at, &url, &["restore", "--into", "new", "--replace", "a", "--confirm", "b"]).await;
    assert_eq!(unsure.code, Some(3), "{}", unsure.shown());

    let manifest = at.join("cutover/backup/manifest.json");
    let mut bytes = std::fs::read(&manifest).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&manifest, bytes).unwrap();
    for command in [&["verify", "--backup"][..], &["restore", "--into", "other"], &["run"]] {
        let damaged = cutover(at, &url, command).await;
        assert_eq!(damaged.code, Some(7), "{}", damaged.shown());
        assert!(damaged.stderr.contains("cutover backup --dir DIR"), "{}", damaged.stderr);
    }
    let rolled = cutover(at, &url, &["rollback"]).await;
    assert_eq!(rolled.code, Some(5), "{}", rolled.shown());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_discover_shows_the_same_in_words_and_in_json() {
    let (_db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let words = cutover(directory.path(), &url, &["discover"]).await;
    let json = cutover(directory.path(), &url, &["discover", "--json"]).await;
    assert_eq!((words.code, json.code), (Some(0), Some(0)), "{}", words.shown());
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(words.stdout.contains(json["fingerprint"].as_str().unwrap()), "{}", words.stdout);
    assert!(words.stdout.contains("table        public.users, 40 rows, of postgres\n"), "{}", words.stdout);
    assert!(words.stdout.contains("trigger      update_users_updated_at on public.users\n"), "{}", words.stdout);
}

/// What an operator types before anything is changed, and then to change the schema.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_checks_puts_environments_together_and_expands() {
    let (db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (service, secret) in [("auth-service", "nobodyshallseethis-1"), ("user-service", "nobodyshallseethis-2")] {
        std::fs::create_dir_all(at.join("old").join(service)).unwrap();
        let text = format!("JWT_SECRET={secret}\nDATABASE_URL=postgres://old:nobodyshallseethis@db/pyairtable\n");
        std::fs::write(at.join("old").join(service).join(".env"), text).unwrap();
    }
    // The test server may lose what it is told and has no Redis beside it: both stand in the way.
    let checked = cutover(at, &url, &["preflight", "--old", "old", "--json"]).await;
    assert_eq!(checked.code, Some(3), "{}", checked.shown());
    let report: Value = serde_json::from_str(&checked.stdout).unwrap();
    let of = |name: &str| report["checks"].as_array().unwrap().iter().find(|one| one["check"] == name).unwrap().clone();
    assert_eq!((&report["ready"], &of("fsync")["severity"]), (&false.into(), &"stop".into()), "{report:#}");
    assert_eq!(of("jwt-secret-equal")["severity"], "stop", "{report:#}");
    assert!(of("redis")["remedy"].as_str().unwrap().contains("Redis"), "{report:#}");
    let words = cutover(at, &url, &["preflight"]).await;
    assert!(words.stdout.contains("STOP  fsync"), "{}", words.stdout);
    assert!(words.stdout.ends_with("then pyairtable-platform cutover preflight\n"), "{}", words.stdout);

    let refused = cutover(at, &url, &["config", "--old", "old"]).await;
    assert_eq!(refused.code, Some(3), "{}", refused.shown());
    assert!(refused.stderr.contains("--take JWT_SECRET=SERVICE"), "{}", refused.stderr);
    let dry = ["config", "--old", "old", "--take", "JWT_SECRET=auth-service", "--dry-run"];
    assert_eq!(run_config(at, &url, &dry).await.code, Some(0));
    assert!(!at.join("pyairtable-platform.env").exists());
    for outcome in ["written", "unchanged"] {
        let written = run_config(at, &url, &dry[..5]).await;
        assert!(written.stdout.ends_with(&format!("pyairtable-platform.env: {outcome}\n")), "{}", written.shown());
    }
    let text = std::fs::read_to_string(at.join("pyairtable-platform.env")).unwrap();
    assert!(text.contains("JWT_SECRET=nobodyshallseethis-1\n") && text.contains("LEGACY_COEXISTENCE=true\n"), "{text}");

    let planned = cutover(at, &url, &["expand", "--dry-run"]).await;
    assert!(planned.stdout.contains("CREATE INDEX CONCURRENTLY users_email_folded_idx"), "{}", planned.stdout);
    let client = db.superuser().await;
    let invited = "SELECT to_regclass('invitations') IS NOT NULL";
    assert!(!client.query_one(invited, &[]).await.unwrap().get::<_, bool>(0), "a dry run changed something");
    let expanded = cutover(at, &url, &["expand", "--accept", ACCEPTED]).await;
    assert_eq!(expanded.code, Some(0), "{}", expanded.shown());
    assert!(client.query_one(invited, &[]).await.unwrap().get::<_, bool>(0));
    let again = cutover(at, &url, &["expand", "--json"]).await;
    let steps: Value = serde_json::from_str(&again.stdout).unwrap();
    assert!(steps["steps"].as_array().unwrap().iter().all(|step| step["already"] == true), "{steps:#}");
    let verified = cutover(at, &url, &["verify"]).await;
    assert_eq!(verified.code, Some(0), "what the old services had is as it was: {}", verified.shown());
}

async fn run_config(directory: &Path, url: &str, arguments: &[&'static str]) -> Run {
    let (directory, url, arguments) = (directory.to_owned(), url.to_owned(), [&["cutover"], arguments].concat());
    let run = move || run_in(&directory, &arguments, &[("DATABASE_URL", url.as_str())]);
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Made by the run, made again, checked, and looked at in a browser that has no network.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_report_is_left_made_again_and_checked() {
    let (_db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for arguments in [&["report"][..], &["report", "--check"], &["report", "--format", "json"]] {
        let refused = cutover(at, &url, arguments).await;
        assert_eq!(refused.code, Some(3), "{}", refused.shown());
        assert!(
            refused.stderr.contains("there is no run in ./cutover; name its folder with --dir"),
            "{}",
            refused.stderr
        );
    }
    assert!(!at.join("cutover").exists());
    let checked = cutover(at, &url, &["preflight"]).await;
    assert_eq!(checked.code, Some(3), "{}", checked.shown());
    let run = cutover(at, &url, &["backup", "--accept", ACCEPTED]).await;
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let check = cutover(at, &url, &["report", "--check", "--json"]).await;
    let check_result: Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!((check.code, &check_result["same"]), (Some(0), &true.into()), "{}", check.shown());

    let verified = cutover(at, &url, &["verify"]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.shown());
    let stale = cutover(at, &url, &["report", "--check"]).await;
    assert_eq!(stale.code, Some(7), "what the report does not know yet: {}", stale.shown());
    let json = cutover(at, &url, &["report", "--format", "json"]).await;
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&json["verdict"]["state"], &json["verification"]["equal"]),
        (&"prepared".into(), &true.into()),
        "{json:#}"
    );
    assert!(json["preflight"]["checks"].as_array().unwrap().len() > 40);
    let again = cutover(at, &url, &["report"]).await;
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), "./cutover/report.html\n"), "{}", again.shown());
    let whole = cutover(at, &url, &["report", "--check"]).await;
    assert!(whole.code == Some(0) && whole.stdout.contains("is what the folder says"), "{}", whole.shown());
    let odd = cutover(at, &url, &["report", "--output", "report.pdf"]).await;
    assert!(odd.code == Some(3) && odd.stderr.contains(".html, .json or .md"), "{}", odd.shown());
    let markdown = cutover(at, &url, &["report", "--output", "report.md"]).await;
    assert_eq!(markdown.code, Some(0), "{}", markdown.shown());
    assert!(std::fs::read_to_string(at.join("report.md")).unwrap().starts_with("# Take-over of "));

    let page = format!("file://{}", at.join("cutover/report.html").display());
    tokio::task::spawn_blocking(move || looks_right(&page)).await.unwrap();
}

/// A second terminal and a browser show what the first terminal's bar does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_is_watched_while_it_goes_on() {
    let (_db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let open = cutover(at, &url, &["status", "--listen", "0.0.0.0:0"]).await;
    assert!(open.code == Some(3) && open.stderr.contains("ssh -L"), "{}", open.shown());
    let page = start(at, &["cutover", "status", "--listen", "127.0.0.1:0"]);
    let began = Instant::now();
    let address: SocketAddr = loop {
        let log = std::fs::read_to_string(at.join("log")).unwrap();
        if let Some(address) = log.lines().find_map(|line| line.strip_prefix("http://")?.strip_suffix('/')) {
            break address.parse().unwrap();
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{log}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let ask = move |path: &'static str| tokio::task::block_in_place(|| request(address, "GET", path, None)).unwrap();
    assert_eq!((ask("/").0, &ask("/status").1["state"]), (200, &"none".into()));
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: elsewhere.example\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 421 "), "a name that was made to lead here: {answer}");

    // A terminal of its own, as `script` makes one.
    let program = env!("CARGO_BIN_EXE_pyairtable-platform");
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qefc", &format!("{program} cutover run --accept {ACCEPTED}"), "/dev/null"]).current_dir(at);
    terminal.env("DATABASE_URL", &url).env("TERM", "xterm").stdin(Stdio::null()).stdout(Stdio::piped());
    let terminal = tokio::task::spawn_blocking(move || terminal.output().unwrap());
    let mut seen: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut states = Vec::new();
    while !terminal.is_finished() {
        let now = ask("/status").1;
        let state = now["state"].as_str().unwrap().to_owned();
        if states.last() != Some(&state) {
            states.push(state);
        }
        if let Some(progress) = now["progress"].as_object() {
            let word = |key: &str| progress[key].as_str().unwrap().to_owned();
            let (done, total) = (progress["done"].as_u64().unwrap(), progress["total"].as_u64().unwrap());
            let before = seen.insert((word("step"), word("what")), done).unwrap_or(0);
            assert!(before <= done && (total == 0 || done <= total), "{before}: {progress:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let output = terminal.await.unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    assert!(states.contains(&"running".to_owned()) && !seen.is_empty(), "{states:?} {seen:?}");
    assert!(shown.contains("\u{1b}[") && shown.contains("backup: done") && shown.contains("verify: done"), "{shown}");

    let watched = cutover(at, &url, &["status", "--watch"]).await;
    assert!(watched.code == Some(0) && watched.stdout.contains("finished  verify "), "{}", watched.shown());
    let look = move || {
        let mut browser = Browser::start();
        browser.open(&format!("http://{address}/"), 1280);
        assert_eq!(browser.js("document.querySelector('#now p').textContent"), "No tool holds the run.");
        assert_eq!(browser.js("document.querySelector('.state').textContent"), "prepared");
        assert!(browser.problems.is_empty(), "{:#?}", browser.problems);
    };
    tokio::task::spawn_blocking(look).await.unwrap();
    drop(page);
}

fn looks_right(page: &str) {
    let mut browser = Browser::start();
    for width in [390, 1280] {
        browser.open(page, width);
        assert_eq!(browser.js("document.scripts.length"), 0);
        assert_eq!(
            browser.js("document.documentElement.scrollWidth <= innerWidth"),
            true,
            "it scrolls sideways at {width}"
        );
        assert_eq!(browser.js("performance.getEntriesByType('resource').length"), 0, "it needs nothing else");
        assert_eq!(
            browser.js("getComputedStyle(document.querySelector('.verdict')).borderLeftWidth"),
            "6px",
            "its style is in force"
        );
        let drawn = "[...document.querySelectorAll('svg.chart')].filter(chart => chart.getBoundingClientRect().width > 300).length";
        assert_eq!(browser.js(drawn), 1, "of two sizes one is shown");
    }
    assert!(browser.problems.is_empty(), "{:#?}", browser.problems);
}

/// At three in the morning: one command, what it says next, and everything that was written is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_goes_back_in_full_and_loses_nothing() {
    let (db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let none = cutover(at, &url, &["rollback", "--full"]).await;
    assert_eq!(none.code, Some(3), "{}", none.shown());
    let unknown = cutover(at, &url, &["changes"]).await;
    assert!(unknown.code == Some(3) && unknown.stderr.contains("no change log"), "{}", unknown.shown());
    let run = cutover(at, &url, &["run", "--accept", ACCEPTED]).await;
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let client = db.superuser().await;
    client.batch_execute("SET application_name = 'user-service'; UPDATE users SET first_name = 'Later'").await.unwrap();
    let changes = cutover(at, &url, &["changes", "--table", "users", "--last", "2"]).await;
    assert_eq!(changes.stdout.lines().count(), 3, "{}", changes.shown());
    assert!(changes.stdout.contains("update    public.users") && changes.stdout.contains("by user-service"));
    assert!(!changes.stdout.contains("Later"), "values are not shown: {}", changes.stdout);

    let dry = cutover(at, &url, &["rollback", "--full", "--dry-run"]).await;
    assert!(dry.code == Some(0) && dry.stdout.contains("RENAME TO"), "{}", dry.shown());
    let ready = cutover(at, &url, &["rollback", "--full"]).await;
    assert_eq!(ready.code, Some(4), "{}", ready.shown());
    let name = db.config().get_dbname().unwrap();
    let next = format!("`pyairtable-platform cutover rollback --full --confirm {name}`");
    assert!(ready.stdout.contains(&next), "{}", ready.stdout);
    let status = cutover(at, &url, &["status"]).await.stdout;
    assert!(status.contains("finished  replay ") && status.contains("open      switch-database "), "{status}");
    assert!(status.contains(&next.trim_matches('`').to_owned()), "{status}");
    let wrong = cutover(at, &url, &["rollback", "--full", "--confirm", "another"]).await;
    assert_eq!(wrong.code, Some(3), "{}", wrong.shown());
    client.batch_execute("UPDATE users SET last_name = 'Latest'").await.unwrap();
    drop(client);
    let confirmed: &'static [&'static str] =
        Vec::leak(vec!["rollback", "--full", "--confirm", String::leak(name.to_owned())]);
    let done = cutover(at, &url, confirmed).await;
    assert_eq!(done.code, Some(5), "{}", done.shown());
    let sql = "SELECT count(*) FILTER (WHERE first_name = 'Later' AND last_name = 'Latest') = count(*)
            AND to_regclass('platform_migrations') IS NULL FROM users";
    let all =
        |client: tokio_postgres::Client| async move { client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) };
    assert!(all(db.superuser().await).await);
    let status = cutover(at, &url, &["status"]).await.stdout;
    assert!(status.contains("finished  switch-database ") && !status.contains("next:"), "{status}");
    let again = cutover(at, &url, confirmed).await;
    assert_eq!(again.code, Some(5), "{}", again.shown());
    let run = cutover(at, &url, &["run"]).await;
    assert_eq!(run.code, Some(3), "a run that went back in full does not begin again by itself: {}", run.shown());
    let back = cutover(at, &url, &["rollback", "--full", "--back"]).await;
    assert_eq!(back.code, Some(0), "{}", back.shown());
    assert!(!all(db.superuser().await).await, "the expanded schema is back");
}

/// Somebody who does not look.
struct Nobody;

impl cutover::run::Watch for Nobody {
    fn begins(&self, _: &str, _: &str) {}
    fn progress(&self, _: &cutover::run::Progress) {}
    fn waits(&self, _: &str) {}
    fn ends(&self, _: &str, _: bool) {}
}

/// People cannot be sent back to services whose files are gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cutover_rollback_is_refused_until_the_clean_up_is_taken_back() {
    let (db, url) = old_world().await;
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let mut cx = cutover::run::Cx::open(cutover::run::Setup {
        folder: cutover::run::Folder::at(at.join("cutover")),
        url: db.url().clone(),
        wishes: cutover::run::Wishes::default(),
        surroundings: cutover::preflight::Surroundings::default(),
        take_over: false,
        tools: cutover::run::Tools { bindir: None, search_path: None },
        clock: std::sync::Arc::new(kernel::SystemClock),
        rng: std::sync::Arc::new(testkit::SeededRng::new(seed())),
        watch: Box::new(Nobody),
        stop: std::sync::Arc::default(),
        witness: None,
    })
    .await
    .unwrap();
    // Its last step, whose conditions are held by tests of their own.
    let contract: Vec<Box<dyn cutover::run::Step>> = vec![Box::new(cutover::cleanup::Contract)];
    cutover::run::run(&mut cx, &contract).await.unwrap();
    cx.close(cutover::Exit::Done).await;

    let refused = cutover(at, &url, &["rollback"]).await;
    assert_eq!(refused.code, Some(3), "{}", refused.shown());
    assert!(refused.stderr.contains("`pyairtable-platform cutover clean-up --undo`"), "{}", refused.stderr);
    let early = cutover(at, &url, &["clean-up", "--forget"]).await;
    assert_eq!(early.code, Some(3), "{}", early.shown());
    assert!(early.stderr.contains("is kept for 30 days"), "{}", early.stderr);
    let undone = cutover(at, &url, &["clean-up", "--undo"]).await;
    assert_eq!((undone.code, undone.stdout.lines().next()), (Some(5), Some("undone  contract")), "{}", undone.shown());
    assert_eq!(cutover(at, &url, &["rollback"]).await.code, Some(5));
    let early = cutover(at, &url, &["clean-up"]).await;
    assert_eq!(early.code, Some(3), "{}", early.shown());
    assert!(early.stderr.contains("the soak has not begun"), "{}", early.stderr);
    let dry = cutover(at, &url, &["clean-up", "--dry-run"]).await;
    assert_eq!(dry.code, Some(0), "{}", dry.shown());
    assert!(dry.stdout.contains("DISABLE TRIGGER check_workspace_quota_trigger"), "{}", dry.stdout);
}

/// The environment file says what a replica will do at its next start, its sessions what it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_still_coexist_are_known_by_their_sessions() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let (url, redis) = (url_of(&db), tokio::task::block_in_place(TestRedis::url));
    let replica = |coexistence: &'static str| {
        let environment = [
            ("DATABASE_URL", url.as_str()),
            ("REDIS_URL", &redis),
            ("JWT_SECRET", JWT_SECRET),
            ("INTERNAL_API_KEY", INTERNAL_KEY),
            ("LEGACY_COEXISTENCE", coexistence),
        ];
        tokio::task::block_in_place(|| Process::start_with(folder.path(), &environment))
    };
    let still = async || cutover::cleanup::still_coexisting(db.url()).await.unwrap();
    let _new = replica("false");
    assert_eq!(still().await, []);
    let old = replica("true");
    let found = still().await;
    assert!(matches!(&found[..], [(place, 1..)] if place == "the server's own machine"), "{found:?}");
    // Also the one that listens for streams, which is there when nobody asks for anything.
    let listens = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = $1 AND query LIKE '%LISTEN%')";
    let (watcher, began) = (db.superuser().await, Instant::now());
    while !watcher.query_one(listens, &[&db::COEXISTING_NAME]).await.unwrap().get::<_, bool>(0) {
        assert!(began.elapsed() < Duration::from_mins(1), "it listens under another name");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    old.kill();
    let began = Instant::now();
    while !still().await.is_empty() {
        assert!(began.elapsed() < Duration::from_mins(1), "its sessions stay");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
