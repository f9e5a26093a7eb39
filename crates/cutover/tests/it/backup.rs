//! Backups made while others write, and what is found when somebody touches one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use pyairtable_cutover::backup::{check_files, compare};
use pyairtable_cutover::journal::{self, Entry};
use pyairtable_cutover::run::{Call, Cx, Preview, Wishes, dry_run};
use pyairtable_cutover::{Exit, run, steps};
use testkit::legacy::layouts::Layout;

use crate::support::{Dice, long, old_world, run_all, seed, setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_holds_one_moment_while_others_write() {
    let people = if long() { 20_000 } else { 1_500 };
    let db = old_world(Layout::Public, people).await;
    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU32::new(0));
    let writer = tokio::spawn({
        let (db, stop, written) = (db.clone(), Arc::clone(&stop), Arc::clone(&written));
        async move {
            let client = db.superuser().await;
            // 300 a second, each in two tables at once: a dump that saw half of one would differ.
            let mut tick = tokio::time::interval(Duration::from_micros(3_333));
            while !stop.load(Ordering::Relaxed) {
                tick.tick().await;
                let n = written.fetch_add(1, Ordering::Relaxed);
                let sql = format!(
                    "BEGIN; UPDATE users SET first_name = 'w{n}' WHERE id = (SELECT id FROM users OFFSET {} LIMIT 1);
                     INSERT INTO rate_limits (identifier, endpoint, window_start) VALUES ('w{n}', '/', now()); COMMIT",
                    n % 50
                );
                client.batch_execute(&sql).await.unwrap();
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let done = run_all(setup(&path, db.url(), Wishes::default(), None)).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert_eq!(
        done.iter().map(|done| (done.step, done.already)).collect::<Vec<_>>(),
        ["discover", "capture", "backup", "trial-restore", "expand", "verify"].map(|step| (step, false))
    );
    let written = written.load(Ordering::Relaxed);
    let (manifest, _) = check_files(&path.join("backup")).unwrap();
    eprintln!("{} rows of {} tables, {written} writes meanwhile", manifest.rows(), manifest.tables.len());
    assert!(written > 50, "{written}");
    assert!(manifest.rows() > u64::from(people), "{}", manifest.rows());
    assert!(fs::read_to_string(path.join("backup/roles.sql")).unwrap().contains("CREATE ROLE"));

    // The database has moved on, and that shows.
    let client = db.superuser().await;
    let verdict = compare(&client, &manifest, None, 0).await.unwrap();
    let differs = |name: &str| verdict.tables.iter().any(|table| table.table == name && !table.equal);
    assert!(differs("public.rate_limits") && !differs("public.workspaces"), "{verdict:#?}");

    // A second run does nothing and says so.
    let mut cx = Cx::open(setup(&path, db.url(), Wishes::default(), None)).await.unwrap();
    let again = run::run(&mut cx, &steps::preparation()).await.unwrap();
    assert!(again.iter().all(|done| done.already), "{again:?}");
    assert_eq!(cx.calls(), []);
}

#[tokio::test]
async fn backup_keeps_every_layout_with_its_settings() {
    for layout in [Layout::Schemas, Layout::View, Layout::Tokyo, Layout::Orm] {
        let db = old_world(layout, 60).await;
        let folder = tempfile::tempdir().unwrap();
        run_all(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
        let (manifest, _) = check_files(&folder.path().join("backup")).unwrap();
        let settings = manifest.server.settings.join(" ");
        match layout {
            Layout::Schemas => assert_eq!(settings, "|search_path=auth, users, public"),
            Layout::Tokyo => assert_eq!(settings, "|TimeZone=Asia/Tokyo"),
            _ => assert_eq!(settings, ""),
        }
    }
}

#[tokio::test]
async fn backup_makes_the_very_calls_that_a_dry_run_prints() {
    let db = old_world(Layout::Public, 40).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let services = service_folder(folder.path());
    let wishes = Wishes { archive: vec![services], jobs: Some(3), ..Wishes::default() };

    let setup = setup(&path, db.url(), wishes.clone(), None);
    let plan = run::Plan::new(db.url(), &wishes, setup.clock.as_ref(), setup.rng.as_ref()).await.unwrap();
    // Its sessions could not write if they wanted to.
    let mut only_reading = db.config().clone();
    only_reading.options("-c default_transaction_read_only=on");
    let url = db::DatabaseUrl::from_config(only_reading);
    assert!(url.connect().await.unwrap().batch_execute("CREATE TABLE x ()").await.is_err());
    let preview = Preview { folder: setup.folder.clone(), plan: plan.clone(), url };
    let planned = dry_run(&preview, &steps::preparation()).await.unwrap();
    assert!(!path.exists(), "a dry run writes no file");

    // The run has an id of its own.
    let mut cx = Cx::open(setup).await.unwrap();
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    let snapshot = check_files(&path.join("backup")).unwrap().0.snapshot;
    let known = |text: &str| {
        text.replace("<token>", &cx.token().to_string())
            .replace("<snapshot>", &snapshot)
            .replace(&plan.run, &cx.plan.run)
    };
    let planned: Vec<String> =
        planned.iter().flat_map(|(_, calls)| calls).map(|call: &Call| known(&call.to_string())).collect();
    let called: Vec<String> = cx.calls().iter().map(ToString::to_string).collect();
    assert_eq!(called, planned);
    assert!(called.iter().any(|call| call.starts_with("run    pg_restore")), "{called:#?}");

    // And the journal has them, each before it was made.
    let records = journal::read(&path.join("journal.jsonl")).unwrap().records;
    let noted: Vec<String> = records
        .iter()
        .filter_map(
            |record| if let Entry::Calling { call, .. } = &record.entry { Some(call.to_string()) } else { None },
        )
        .collect();
    let changing: Vec<String> = called.into_iter().filter(|call| !call.starts_with("read ")).collect();
    assert_eq!(noted, changing);
}

/// A folder as old services leave them: links in and out, odd names, an empty folder, a socket.
fn service_folder(parent: &Path) -> PathBuf {
    let services = parent.join("go services");
    fs::create_dir_all(services.join("user-service/empty")).unwrap();
    fs::write(services.join("user-service/main.go"), "package main\n").unwrap();
    fs::write(services.join("user-service/a b\n.env"), "JWT_SECRET=x\n").unwrap();
    fs::write(parent.join("outside"), "not ours").unwrap();
    symlink(parent.join("outside"), services.join("out")).unwrap();
    symlink("..", services.join("up")).unwrap();
    symlink("user-service/main.go", services.join("in")).unwrap();
    std::os::unix::net::UnixListener::bind(services.join("socket")).unwrap();
    services
}

#[tokio::test]
async fn backup_archives_folders_and_follows_no_link() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let services = service_folder(folder.path());
    // The run's own folder is within what is archived.
    let path = services.join("run");
    let wishes = Wishes { archive: vec![services.clone()], jobs: None, ..Wishes::default() };
    run_all(setup(&path, db.url(), wishes, None)).await.unwrap();
    let (manifest, _) = check_files(&path.join("backup")).unwrap();
    let archive = &manifest.archives[0];
    assert_eq!((archive.entries, archive.skipped.len()), (8, 1), "{archive:?}");
    let out = folder.path().join("unpacked");
    fs::create_dir(&out).unwrap();
    let mut tar = Command::new("tar");
    let unpacked = tar.arg("-xf").arg(path.join("backup").join(&archive.file)).arg("-C").arg(&out);
    assert!(unpacked.status().unwrap().success());
    let compared = Command::new("diff")
        .arg("-r")
        .arg("--no-dereference")
        .args(["-x", "run", "-x", "socket"])
        .arg(&services)
        .arg(out.join("go services"))
        .output()
        .unwrap();
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stdout));
    assert_eq!(fs::read_link(out.join("go services/up")).unwrap(), Path::new(".."));
}

/// One byte of one file is changed at a time, anywhere. `pg_restore --list`, which is often the whole check, is asked too.
#[tokio::test]
async fn backup_with_any_byte_changed_is_found_before_it_is_used() {
    let db = old_world(Layout::Public, 80).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let wishes = Wishes { archive: vec![service_folder(folder.path())], jobs: None, ..Wishes::default() };
    run_all(setup(&path, db.url(), wishes, None)).await.unwrap();
    let backup = path.join("backup");
    let mut all = Vec::new();
    let mut open = vec![backup.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { open.push(path) } else { all.push(path) }
        }
    }
    all.sort();
    // By their sizes, as a failing disk would choose; small files now and then.
    let dice = Dice::new(seed());
    let sizes: Vec<usize> = all.iter().map(|path| usize::try_from(path.metadata().unwrap().len()).unwrap()).collect();
    let rounds = if long() { 1_000 } else { 200 };
    let (mut detected, mut listed) = (0, 0);
    for round in 0..rounds {
        let mut at = dice.below(sizes.iter().sum());
        let mut file = sizes
            .iter()
            .position(|&size| {
                let here = at < size;
                if !here {
                    at -= size;
                }
                here
            })
            .unwrap();
        if round % 4 == 0 {
            file = dice.below(all.len());
            if sizes[file] == 0 {
                continue;
            }
            at = dice.below(sizes[file]);
        }
        let whole = fs::read(&all[file]).unwrap();
        let mut changed = whole.clone();
        changed[at] ^= 1 << dice.below(8);
        fs::write(&all[file], &changed).unwrap();
        let found = check_files(&backup);
        detected += u32::from(found.is_err_and(|error| error.exit() == Exit::Differs));
        let list = Command::new("pg_restore").arg("--list").arg(backup.join("database")).output().unwrap();
        listed += u32::from(!list.status.success());
        fs::write(&all[file], &whole).unwrap();
    }
    eprintln!("{rounds} bytes changed: {detected} found by the manifest, {listed} by pg_restore --list");
    assert_eq!(detected, rounds);
    assert!(listed < rounds / 2, "{listed}");
    assert!(check_files(&backup).is_ok(), "as it was");

    // Other things that must not go unseen.
    let file = backup.join("roles.sql");
    let whole = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    assert!(check_files(&backup).unwrap_err().to_string().contains("roles.sql is missing"));
    fs::write(&file, &whole[1..]).unwrap();
    assert!(check_files(&backup).is_err());
    fs::write(&file, &whole).unwrap();
    fs::write(backup.join("more"), "").unwrap();
    assert!(check_files(&backup).unwrap_err().to_string().contains("more does not belong to it"));
    fs::remove_file(backup.join("more")).unwrap();
    symlink("/etc/passwd", backup.join("link")).unwrap();
    assert!(check_files(&backup).is_err());
    fs::remove_file(backup.join("link")).unwrap();

    // Who changes a file and its sums everywhere has not changed the journal.
    fs::write(&file, [whole.as_slice(), b"-- x\n"].concat()).unwrap();
    let manifest = fs::read_to_string(backup.join("manifest.json")).unwrap();
    let sum = |bytes: &[u8]| pyairtable_cutover::files::sha256(bytes);
    let forged = manifest.replace(&sum(&whole), &sum(&fs::read(&file).unwrap())).replace(
        &format!("\"bytes\": {},\n      \"sha256\": \"{}", whole.len(), &sum(&fs::read(&file).unwrap())),
        &format!("\"bytes\": {},\n      \"sha256\": \"{}", whole.len() + 5, &sum(&fs::read(&file).unwrap())),
    );
    fs::write(backup.join("manifest.json"), &forged).unwrap();
    let sums = fs::read_to_string(backup.join("SHA256SUMS")).unwrap();
    let sums = sums
        .replace(&sum(&whole), &sum(&fs::read(&file).unwrap()))
        .replace(&sum(manifest.as_bytes()), &sum(forged.as_bytes()));
    fs::write(backup.join("SHA256SUMS"), sums).unwrap();
    check_files(&backup).unwrap();
    let error = run_all(setup(&path, db.url(), Wishes::default(), None)).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Differs);
    assert!(error.to_string().contains("is not the backup that this run made"), "{error}");
}

#[tokio::test]
async fn backup_shows_no_password() {
    let db = old_world(Layout::Public, 20).await;
    let url = format!(
        "postgres://postgres:s3cretword@{}/{}",
        db.config()
            .get_hosts()
            .iter()
            .map(|host| match host {
                tokio_postgres::config::Host::Unix(path) => path.display().to_string().replace('/', "%2F"),
                tokio_postgres::config::Host::Tcp(name) => name.clone(),
            })
            .collect::<String>(),
        db.config().get_dbname().unwrap()
    );
    let folder = tempfile::tempdir().unwrap();
    run_all(setup(folder.path(), &url.parse().unwrap(), Wishes::default(), None)).await.unwrap();
    let found = Command::new("grep").args(["-r", "-l", "-a", "s3cretword"]).arg(folder.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[tokio::test]
async fn backup_refuses_with_the_next_command() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    // Programs that are not there.
    let mut absent = setup(&folder.path().join("a"), db.url(), Wishes::default(), None);
    absent.tools = pyairtable_cutover::run::Tools { bindir: Some("/does/not/exist".into()), search_path: None };
    let error = run_all(absent).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("apt-get install postgresql-client-"), "{error}");
    // Something to archive that is not there.
    let wishes = Wishes { archive: vec![folder.path().join("nothing")], jobs: None, ..Wishes::default() };
    let error = run_all(setup(&folder.path().join("b"), db.url(), wishes, None)).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused, "{error}");
    // A run that was begun with other wishes, and one of another database.
    let more = Wishes { archive: vec![], jobs: Some(9), ..Wishes::default() };
    let error = run_all(setup(&folder.path().join("b"), db.url(), more, None)).await.unwrap_err();
    assert!(error.to_string().contains("leave the flags out"), "{error}");
    let other = old_world(Layout::Public, 20).await;
    let error = run_all(setup(&folder.path().join("b"), other.url(), Wishes::default(), None)).await.unwrap_err();
    assert!(error.exit() == Exit::Refused && error.to_string().contains("--dir"), "{error}");
}
