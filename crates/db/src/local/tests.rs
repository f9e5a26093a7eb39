//! What depends on an identity or on a safeguard being absent, which callers cannot choose.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::geteuid;
use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::{
    Durability, LocalPostgres, Options,
    launch::{Identity, Launcher},
};

const DIRECTORY: &str = "LOCAL_POSTGRES_DIRECTORY";
const IMMORTAL: &str = "LOCAL_POSTGRES_IMMORTAL";

fn options(directory: &Path) -> Options {
    Options { search_path: env::var_os("PATH"), ..Options::new(directory, Durability::ForTests) }
}

fn start_as(directory: &Path, identity: Identity, dies_with_parent: bool) -> LocalPostgres {
    let options = options(directory);
    LocalPostgres::start_as(&options, |root| {
        let mut launcher = Launcher::with(&options, identity);
        launcher.dies_with_parent &= dies_with_parent;
        launcher.take_over(root).unwrap();
        Ok(launcher)
    })
    .unwrap()
}

fn usual() -> Identity {
    if geteuid().is_root() { Identity::Namespace } else { Identity::Same }
}

fn select_one(server: &LocalPostgres) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = server.config().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client.simple_query("create table if not exists kept (n int); select * from kept").await.unwrap();
    });
}

fn servers_on(directory: &Path) -> Vec<u32> {
    let directory = fs::canonicalize(directory).unwrap();
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&directory))).collect()
}

/// Starts a server in another process and kills that process.
fn abandon_a_server(directory: &Path, immortal: bool) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "local::tests::helper_holds_a_server"]).env(DIRECTORY, directory).stdout(Stdio::null());
    if immortal {
        command.env(IMMORTAL, "1");
    }
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    while !directory.join("serving").exists() {
        assert!(start.elapsed() < Duration::from_mins(1), "the helper starts no server");
        thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(directory.join("serving")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn stale_server_is_stopped_before_the_start() {
    let directory = TempDir::new().unwrap();
    abandon_a_server(directory.path(), true);
    thread::sleep(Duration::from_millis(600));
    let stale = servers_on(directory.path());
    // The negative control of the tests that kill a manager: without the signal, servers do stay.
    assert!(stale.len() > 4, "the server went by itself");
    let server = LocalPostgres::start(&options(directory.path())).unwrap();
    select_one(&server);
    let now = servers_on(directory.path());
    assert!(now.contains(&server.pid()));
    assert!(stale.iter().all(|pid| !now.contains(pid)), "still there: {stale:?} {now:?}");
}

#[test]
fn backends_without_a_postmaster_do_not_hinder_the_start() {
    let directory = TempDir::new().unwrap();
    abandon_a_server(directory.path(), true);
    let pid_file = fs::read_to_string(directory.path().join("postgres/data/postmaster.pid")).unwrap();
    let postmaster = pid_file.lines().next().unwrap();
    // A busy backend does not notice the end of its postmaster, and keeps its shared memory.
    assert!(Command::new("kill").args(["-KILL", postmaster]).status().unwrap().success());
    thread::sleep(Duration::from_millis(200));
    assert!(!servers_on(directory.path()).is_empty(), "the backend went by itself");
    select_one(&LocalPostgres::start(&options(directory.path())).unwrap());
}

#[test]
fn pid_file_that_names_a_stranger_does_not_hinder_the_start() {
    let directory = TempDir::new().unwrap();
    LocalPostgres::start(&options(directory.path())).unwrap().stop().unwrap();
    let data = directory.path().join("postgres/data");
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(data.join("postmaster.pid"), format!("{}\n{}\n0\n5432\n\n\n0 0\nready\n", stranger.id(), data.display()))
        .unwrap();
    select_one(&LocalPostgres::start(&options(directory.path())).unwrap());
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger was hit");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn root_serves_where_namespaces_are_forbidden() {
    if !geteuid().is_root() {
        println!("needs root");
        return;
    }
    let directory = TempDir::new().unwrap();
    // Nobody has to get through to its own directory.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let data = directory.path().join("postgres/data");
    let owner = || fs::metadata(&data).unwrap().uid();

    let server = start_as(directory.path(), Identity::NOBODY, true);
    select_one(&server);
    assert_eq!(fs::metadata(format!("/proc/{}", server.pid())).unwrap().uid(), 65534);
    assert_eq!(owner(), 65534);
    server.stop().unwrap();
    // Back and forth: an upgrade of the machine may allow or forbid namespaces.
    let server = start_as(directory.path(), Identity::Namespace, true);
    select_one(&server);
    assert_eq!(owner(), 0);
    server.stop().unwrap();
    let server = start_as(directory.path(), Identity::NOBODY, true);
    select_one(&server);
    server.stop().unwrap();
    assert_eq!(owner(), 65534);
}

#[test]
fn root_is_told_when_nobody_can_reach_the_directory() {
    if !geteuid().is_root() {
        println!("needs root");
        return;
    }
    let directory = TempDir::new().unwrap();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    std::os::unix::fs::chown(&closed, Some(12345), None).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let error = LocalPostgres::start(&options(&closed)).unwrap_err().to_string();
    assert!(error.contains("refuses to run as root"), "{error}");
    assert!(error.contains("namespace: ") && error.contains("setuid"), "{error}");
}

#[test]
fn nothing_starts_for_a_parent_that_is_gone() {
    let directory = TempDir::new().unwrap();
    let options = options(directory.path());
    let launcher = Launcher::with(&options, usual());
    // A shell in between is a parent other than the expected one, as after its death.
    let wrapped = launcher.command(Path::new("/bin/echo"), "KILL");
    let mut between = Command::new("/bin/sh");
    between.args(["-c", r#""$@"; exit $?"#, "sh"]).arg(wrapped.get_program()).args(wrapped.get_args()).arg("started");
    let output = between.output().unwrap();
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    let direct = launcher.command(Path::new("/bin/echo"), "KILL").arg("started").output().unwrap();
    assert_eq!(direct.stdout, b"started\n");
}

#[test]
fn setuid_server_dies_with_its_manager_too() {
    if !geteuid().is_root() {
        println!("needs root");
        return;
    }
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    abandon_a_server(directory.path(), false);
    let start = Instant::now();
    while !servers_on(directory.path()).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(5), "a server survived its manager");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Holds a server with a busy backend until it is killed.
#[test]
fn helper_holds_a_server() {
    let Some(directory) = env::var_os(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let immortal = env::var_os(IMMORTAL).is_some();
    let identity = if geteuid().is_root() && !immortal { Identity::NOBODY } else { usual() };
    let server = start_as(directory, identity, !immortal);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = server.config().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        let busy = client.simple_query("select count(*) from generate_series(1, 1000000000000)");
        let word = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            fs::write(directory.join("serving"), "").unwrap();
        };
        tokio::join!(busy, word).0.unwrap();
    });
}
