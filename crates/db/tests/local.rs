//! The local PostgreSQL, as its users see it: real servers, real kills.
//!
//! Tests that need a process to die start this binary again with `LOCAL_POSTGRES_DIRECTORY` set, as the helper at the
//! end. What needs a particular identity or a missing safeguard is in `src/local/tests.rs`.

// They look into /proc.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the exception for tests does not reach their helpers"
)]

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use pyairtable_db::local::{Durability, LocalError, LocalPostgres, Options};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio_postgres::NoTls;

const DIRECTORY: &str = "LOCAL_POSTGRES_DIRECTORY";

fn options(directory: &Path, durability: Durability) -> Options {
    Options { search_path: env::var_os("PATH"), ..Options::new(directory, durability) }
}

fn start(directory: &Path) -> LocalPostgres {
    LocalPostgres::start(&options(directory, Durability::ForTests)).unwrap()
}

/// Runs one statement on a connection of its own and returns the first value, if any.
fn query(server: &LocalPostgres, sql: &str) -> Option<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = server.config().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        messages.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    })
}

/// The living processes that work somewhere below `directory`: all of a server's, whatever their names.
fn processes_below(directory: &Path) -> Vec<u32> {
    let directory = fs::canonicalize(directory).unwrap();
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&directory))).collect()
}

fn kill(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// Waits until `condition` holds and says how long that took.
fn within(limit: Duration, what: &str, condition: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(2));
    }
    start.elapsed()
}

/// Nobody waits for half a second on an idle machine. On a busy one a child of the postmaster may miss its signal, and
/// PostgreSQL gives such children five seconds before it kills them.
fn all_gone(directory: &Path) -> Duration {
    let start = Instant::now();
    loop {
        let left = processes_below(directory);
        if left.is_empty() {
            return start.elapsed();
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "still there: {:#?}",
            left.into_iter().map(shown).collect::<Vec<_>>()
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// What a process is and does.
fn shown(pid: u32) -> String {
    let of = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = of("status");
    let status = status
        .lines()
        .filter(|line| ["State", "PPid", "SigPnd", "ShdPnd", "SigBlk"].iter().any(|key| line.starts_with(key)));
    format!("{pid}: {} {:?} {}", of("cmdline").replace('\0', " "), status.collect::<Vec<_>>(), of("wchan"))
}

/// This binary again, as the helper that holds a server on `directory`.
fn helper(directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    as_helper(&mut command, directory);
    command
}

/// The same, by way of a shell script that ends in `exec "$@"`.
fn run_by_shell(script: &str, directory: &Path) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "sh"]).arg(env::current_exe().unwrap());
    as_helper(&mut command, directory);
    command
}

fn as_helper(command: &mut Command, directory: &Path) {
    command.args(["--exact", "helper_holds_a_server", "--nocapture"]).env(DIRECTORY, directory);
    command.stdout(Stdio::piped());
}

/// Waits for a line of the helper that starts with `word`.
fn wait_for_word(child: &mut Child, word: &str) -> String {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.map_while(Result::ok).find(|line| line.contains(word));
    line.unwrap_or_else(|| panic!("the helper ended without {word:?}"))
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn start_fresh_serves_with_the_settings_of_its_durability() {
    for (durability, fsync) in [(Durability::Durable, "on"), (Durability::ForTests, "off")] {
        let directory = TempDir::new().unwrap();
        let server = LocalPostgres::start(&options(directory.path(), durability)).unwrap();
        assert!(server.is_running());
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            assert_eq!(query(&server, &format!("show {setting}")).unwrap(), fsync, "{setting} when {durability:?}");
        }
        assert_eq!(query(&server, "show listen_addresses").unwrap(), "");
        assert_eq!(query(&server, "show server_encoding").unwrap(), "UTF8");
        assert_eq!(query(&server, "show timezone").unwrap(), "UTC");
        assert_eq!(query(&server, "select lower('ÄÖ')").unwrap(), "äö");
        assert_eq!(fs::metadata(server.socket_dir()).unwrap().permissions().mode() & 0o777, 0o700);
        server.stop().unwrap();
        assert_eq!(processes_below(directory.path()), [0; 0]);
    }
}

#[test]
fn start_again_keeps_the_data() {
    let directory = TempDir::new().unwrap();
    let server = start(directory.path());
    query(&server, "create table kept as select 'kept' as word");
    server.stop().unwrap();
    let server = start(directory.path());
    assert_eq!(query(&server, "select word from kept").unwrap(), "kept");
}

#[test]
fn start_while_in_use_is_refused_and_names_the_holder() {
    let directory = TempDir::new().unwrap();
    let mut child = helper(directory.path()).spawn().unwrap();
    wait_for_word(&mut child, "serving");
    let error = LocalPostgres::start(&options(directory.path(), Durability::ForTests)).unwrap_err();
    assert!(matches!(&error, LocalError::Locked { holder, .. } if *holder == Some(child.id())), "{error:?}");
    assert!(error.to_string().contains(&format!("is in use by process {}: stop it", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    // Free again at once, although the server may not have ended yet.
    start(directory.path()).stop().unwrap();
}

#[test]
fn drop_stops_the_server_and_frees_the_directory() {
    let directory = TempDir::new().unwrap();
    drop(start(directory.path()));
    assert_eq!(processes_below(directory.path()), [0; 0]);
    start(directory.path()).stop().unwrap();
}

#[test]
fn start_by_several_at_once_succeeds_for_one() {
    let directory = TempDir::new().unwrap();
    let options = options(directory.path(), Durability::ForTests);
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| LocalPostgres::start(&options))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let refused = results.iter().filter(|result| matches!(result, Err(LocalError::Locked { .. }))).count();
    assert_eq!(refused, 3, "{results:?}");
    let server = results.into_iter().find_map(Result::ok).unwrap();
    assert_eq!(query(&server, "select 1").unwrap(), "1");
}

#[test]
fn server_outlives_the_thread_that_started_it() {
    let directory = TempDir::new().unwrap();
    let server = thread::scope(|scope| scope.spawn(|| start(directory.path())).join().unwrap());
    thread::sleep(Duration::from_millis(100));
    assert_eq!(query(&server, "select 1").unwrap(), "1");
    server.stop().unwrap();
}

#[test]
fn kill_of_the_manager_leaves_no_process() {
    let directory = TempDir::new().unwrap();
    // A shell without a terminal starts what it puts into the background with these signals ignored.
    let deaf = run_by_shell(r#"trap "" INT QUIT; exec "$@""#, directory.path());
    for mut command in [helper(directory.path()), deaf] {
        let mut child = command.spawn().unwrap();
        wait_for_word(&mut child, "serving");
        // Postmaster, its auxiliary processes and a backend that is busy and would not notice by itself.
        assert!(processes_below(directory.path()).len() > 4, "there is no server: the test would prove nothing");
        child.kill().unwrap();
        let time = all_gone(directory.path());
        println!("after kill -9 of the manager everything was gone in {time:?}");
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }
}

#[test]
fn kill_of_the_manager_during_the_start_leaves_no_process_either() {
    let directory = TempDir::new().unwrap();
    start(directory.path()).stop().unwrap();
    for delay in (0..60).step_by(3).flat_map(|delay| [delay; 2]) {
        // In the background of a script, as here, the signals of a terminal are ignored, also by what it starts.
        let mut child = run_by_shell(r#"trap "" INT QUIT; exec "$@""#, directory.path()).spawn().unwrap();
        thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        all_gone(directory.path());
    }
    start(directory.path()).stop().unwrap();
}

#[test]
fn kill_of_the_server_loses_nothing_committed_and_is_noticed() {
    let directory = TempDir::new().unwrap();
    let options = options(directory.path(), Durability::Durable);
    let server = LocalPostgres::start(&options).unwrap();
    query(&server, "create table kept as select generate_series(1, 1000) as n");
    kill(server.pid(), Signal::KILL);
    within(Duration::from_secs(5), "the death is noticed", || !server.is_running());
    let error = server.stop().unwrap_err();
    assert!(matches!(error, LocalError::Unclean { .. }), "{error:?}");
    let server = LocalPostgres::start(&options).unwrap();
    assert_eq!(query(&server, "select count(*) from kept").unwrap(), "1000");
    server.stop().unwrap();
}

#[test]
fn half_finished_initdb_is_cleaned_up() {
    let directory = TempDir::new().unwrap();
    let root = directory.path().join("postgres");
    let mut interrupted = 0;
    for delay in [20, 60, 120, 200, 300] {
        let mut child = helper(directory.path()).spawn().unwrap();
        thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        all_gone(directory.path());
        interrupted += u32::from(root.exists() && names_in(&root).iter().any(|name| name.starts_with("data.new-")));
    }
    assert!(interrupted > 0, "no kill fell into initdb: the test would prove nothing");
    // One that even looks complete.
    fs::create_dir_all(root.join("data.new-1/base")).unwrap();
    fs::write(root.join("data.new-1/PG_VERSION"), "15\n").unwrap();
    let server = start(directory.path());
    assert_eq!(query(&server, "select 1").unwrap(), "1");
    assert_eq!(names_in(&root), ["data", "lock", "server.log", "socket"]);
}

#[test]
fn data_directory_with_something_else_in_it_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let precious = directory.path().join("postgres/data/precious");
    fs::create_dir_all(precious.parent().unwrap()).unwrap();
    fs::write(&precious, "mine").unwrap();
    let error = LocalPostgres::start(&options(directory.path(), Durability::ForTests)).unwrap_err();
    assert!(matches!(error, LocalError::NotADataDirectory(_)), "{error:?}");
    assert_eq!(fs::read_to_string(precious).unwrap(), "mine");
}

#[test]
fn long_and_odd_paths_work() {
    let parent = TempDir::new().unwrap();
    for name in ["n".repeat(150), "odd, \"quoted\" näme".to_owned()] {
        let directory = parent.path().join(name);
        let server = start(&directory);
        assert_eq!(query(&server, "select 1").unwrap(), "1");
        assert!(server.socket_dir().join(".s.PGSQL.5432").exists());
        let (inside, socket_dir) = (server.socket_dir().starts_with(&directory), server.socket_dir().to_owned());
        server.stop().unwrap();
        assert_eq!(socket_dir.exists(), inside, "a directory outside is removed at the end");
    }
}

#[test]
fn socket_directory_outside_is_refused_when_others_could_reach_it() {
    let parent = TempDir::new().unwrap();
    let directory = parent.path().join("n".repeat(150));
    let server = start(&directory);
    let socket_dir = server.socket_dir().to_owned();
    server.stop().unwrap();
    fs::create_dir(&socket_dir).unwrap();
    fs::set_permissions(&socket_dir, fs::Permissions::from_mode(0o755)).unwrap();
    let error = LocalPostgres::start(&options(&directory, Durability::ForTests)).unwrap_err();
    fs::remove_dir(&socket_dir).unwrap();
    assert!(matches!(error, LocalError::SocketDirectory { .. }), "{error:?}");
}

#[test]
fn missing_binaries_are_named_with_their_remedies() {
    let directory = TempDir::new().unwrap();
    let empty = TempDir::new().unwrap();
    let bindir = Some(empty.path().to_owned());
    let wrong = Options { bindir, ..options(directory.path(), Durability::ForTests) };
    let error = LocalPostgres::start(&wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "PG_BINDIR={} has no working `postgres` and `initdb`; correct it, or unset it to search the usual places",
            empty.path().display()
        )
    );
    let message = LocalError::NotInstalled.to_string();
    for remedy in ["apt-get install postgresql", "brew install postgresql", "DATABASE_URL", "PG_BINDIR"] {
        assert!(message.contains(remedy), "{message}");
    }
}

/// `script` in a mount namespace of its own, where it may hide parts of the machine; `None` where that is forbidden.
fn in_changed_machine(script: &str, directory: &Path) -> Option<Command> {
    let allowed = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success());
    if !geteuid().is_root() || !allowed {
        println!("skipped: needs root and mount namespaces");
        return None;
    }
    Some(run_by_shell(&format!(r#"exec unshare --mount /bin/sh -c '{script}; exec "$@"' sh "$@""#), directory))
}

#[test]
fn machine_without_postgresql_is_told_how_to_install_it() {
    let directory = TempDir::new().unwrap();
    let hide = "mount -t tmpfs none /usr/lib/postgresql";
    let Some(mut command) = in_changed_machine(hide, directory.path()) else { return };
    let output = command.stderr(Stdio::piped()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("NotInstalled"), "{text}");
}

#[test]
fn machine_without_user_namespaces_serves_root_as_nobody() {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let forbid = "mount --bind /bin/false /usr/bin/unshare";
    let Some(mut command) = in_changed_machine(forbid, directory.path()) else { return };
    let mut child = command.spawn().unwrap();
    wait_for_word(&mut child, "serving");
    let owners = processes_below(directory.path()).into_iter().map(|pid| fs::metadata(format!("/proc/{pid}")).unwrap());
    assert!(owners.map(|process| process.uid()).all(|uid| uid == 65534));
    child.kill().unwrap();
    all_gone(directory.path());
    child.wait().unwrap();
    // Now it is nobody's, and stays so where namespaces would do.
    let server = start(directory.path());
    assert_eq!(fs::metadata(format!("/proc/{}", server.pid())).unwrap().uid(), 65534);
}

#[test]
fn bindir_and_path_are_searched_in_that_order_and_the_major_of_the_data_wins() {
    let directory = TempDir::new().unwrap();
    let fakes = TempDir::new().unwrap();
    let fake = |major: u32| -> PathBuf {
        let bindir = fakes.path().join(major.to_string());
        fs::create_dir(&bindir).unwrap();
        // By another process: were it this one's, a fork of a parallel test could keep the file open and busy.
        let write = r#"for name in postgres initdb; do
            printf '#!/bin/sh\necho "%s (PostgreSQL) %s.1"; [ $# = 1 ]\n' $name "$1" >$name; chmod 755 $name
        done"#;
        let script =
            Command::new("/bin/sh").current_dir(&bindir).args(["-c", write, "sh", &major.to_string()]).status();
        assert!(script.unwrap().success());
        bindir
    };
    fs::set_permissions(fakes.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let (old, new) = (fake(9), fake(99));
    let with = |bindir: Option<&PathBuf>, path: &[&PathBuf]| {
        let search_path: OsString = env::join_paths(path).unwrap();
        let real = options(directory.path(), Durability::ForTests);
        LocalPostgres::start(&Options { bindir: bindir.cloned(), search_path: Some(search_path), ..real })
    };
    let error = with(Some(&old), &[]).unwrap_err();
    assert!(matches!(error, LocalError::TooOld { found: 9, .. }), "{error:?}");
    // The first in PATH that is new enough is run; this one fails as `initdb`, and its words are in the message.
    let error = with(None, &[&old, &new]).unwrap_err();
    assert!(matches!(&error, LocalError::Failed { program: "initdb", tail, .. } if tail.contains("99.1")), "{error:?}");
    // Once there is data, its major is chosen wherever it is.
    start(directory.path()).stop().unwrap();
    let usual = env::var_os("PATH").unwrap_or_default();
    let rest: Vec<PathBuf> = env::split_paths(&usual).collect();
    let search: Vec<&PathBuf> = [&old, &new].into_iter().chain(&rest).collect();
    with(None, &search).unwrap().stop().unwrap();
    let error = with(Some(&new), &[]).unwrap_err();
    assert!(matches!(&error, LocalError::VersionMismatch { found, .. } if found == "99"), "{error:?}");
}

#[test]
fn failed_start_shows_the_end_of_the_log() {
    let directory = TempDir::new().unwrap();
    start(directory.path()).stop().unwrap();
    fs::write(directory.path().join("postgres/data/postgresql.conf"), "no_such_setting = 1\n").unwrap();
    let error = LocalPostgres::start(&options(directory.path(), Durability::ForTests)).unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    assert!(!error.to_string().contains("ready to accept"), "lines of an earlier start: {error}");
}

#[test]
fn large_log_is_moved_aside() {
    let directory = TempDir::new().unwrap();
    start(directory.path()).stop().unwrap();
    let log = directory.path().join("postgres/server.log");
    fs::OpenOptions::new().append(true).open(&log).unwrap().set_len(11 * 1024 * 1024).unwrap();
    let server = start(directory.path());
    assert_eq!(server.log_file(), fs::canonicalize(&log).unwrap());
    assert!(fs::metadata(server.log_file()).unwrap().len() < 1024 * 1024);
    assert!(fs::metadata(log.with_extension("log.1")).unwrap().len() > 10 * 1024 * 1024);
}

#[test]
fn unprivileged_user_needs_no_namespace() {
    if !geteuid().is_root() {
        println!("not root: every other test shows this already");
        return;
    }
    // Where the user may go, whatever the build directory permits.
    let directory = TempDir::new().unwrap();
    let binary = directory.path().join("test-binary");
    // By another process: were it this one's, a fork of a parallel test could keep the file open and busy.
    let copied = Command::new("cp").arg(env::current_exe().unwrap()).arg(&binary).status();
    assert!(copied.unwrap().success());
    chown(directory.path(), Some(1), Some(1)).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=1", "--regid=1", "--clear-groups"]).arg(&binary);
    as_helper(&mut command, directory.path());
    let mut child = command.spawn().unwrap();
    wait_for_word(&mut child, "serving");
    assert!(processes_below(directory.path()).len() > 4);
    kill(child.id(), Signal::KILL);
    all_gone(directory.path());
    child.wait().unwrap();
    // Root, taking over a directory of somebody else, leaves it to them.
    start(directory.path()).stop().unwrap();
    let mut child = command.spawn().unwrap();
    wait_for_word(&mut child, "serving");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn times_are_printed() {
    for durability in [Durability::Durable, Durability::ForTests] {
        let directory = TempDir::new().unwrap();
        let options = options(directory.path(), durability);
        let measure = || {
            let start = Instant::now();
            let server = LocalPostgres::start(&options).unwrap();
            let started = start.elapsed();
            let start = Instant::now();
            server.stop().unwrap();
            (started, start.elapsed())
        };
        let (fresh, _) = measure();
        let (later, stop) = measure();
        println!("{durability:?}: fresh {fresh:?}, later {later:?}, stop {stop:?}");
    }
}

/// Holds a server with a busy backend until it is killed.
#[test]
fn helper_holds_a_server() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let server = start(Path::new(&directory));
    let config = server.config();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let busy = client.simple_query("select count(*) from generate_series(1, 1000000000000)");
        let word = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            println!("serving");
        };
        tokio::join!(busy, word).0.unwrap();
    });
}
