//! The whole clean-up: when it is refused, what it does, how it is taken back, and when that ends.

use std::fs;
use std::path::{Path, PathBuf};

use pyairtable_cutover::cleanup::{forget, forgotten};
use pyairtable_cutover::digest::SESSION;
use pyairtable_cutover::discover::schema;
use pyairtable_cutover::run::{self, Call, Preview, Step, Wishes, dry_run};
use pyairtable_cutover::{Exit, steps};

use super::trees::snapshot;
use crate::soak::world::World;

/// Old services as they lie on the disk, and the new one's environment beside them.
pub(super) struct Files {
    pub(super) directory: tempfile::TempDir,
}

impl Files {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        for service in ["user-service", "workspace-service"] {
            fs::create_dir_all(base.join(service).join("cmd")).unwrap();
            fs::write(base.join(service).join("main.go"), "package main").unwrap();
            fs::write(base.join(service).join(".env"), "DB_HOST=db").unwrap();
            std::os::unix::fs::symlink("../../kept", base.join(service).join("cmd/link")).unwrap();
        }
        fs::write(base.join("kept"), "kept").unwrap();
        fs::write(base.join("new.env"), "# new\nLEGACY_COEXISTENCE=true\nJWT_SECRET='a b'\n").unwrap();
        Self { directory }
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn wishes(&self) -> Wishes {
        Wishes {
            archive: vec![self.at("user-service"), self.at("workspace-service")],
            environment: Some(self.at("new.env")),
            soak: Some(60),
            ..Wishes::default()
        }
    }

    /// Everything but the times of the folder that they all stand in and of the environment file, which is replaced.
    pub(super) fn snapshot(&self) -> std::collections::BTreeMap<PathBuf, String> {
        let mut all = snapshot(self.directory.path());
        all.remove(self.directory.path());
        all.insert(self.at("new.env"), fs::read_to_string(self.at("new.env")).unwrap());
        all
    }
}

pub(super) async fn lines(world: &World) -> Vec<String> {
    let client = world.client().await;
    client.batch_execute(SESSION).await.unwrap();
    schema(&client).await.unwrap()
}

/// Everybody is on the new side, the soak is over, and nobody of the old side was seen since.
pub(super) async fn soaked(files: &Files) -> World {
    let world = World::start(files.wishes()).await;
    world.everybody_moves().await;
    world.soak_once().await.unwrap_err();
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.soak_once().await.unwrap();
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world
}

fn clean_up(world: &World) -> Vec<Box<dyn Step>> {
    steps::clean_up(&world.plan(), &[])
}

async fn undo(world: &World) -> pyairtable_cutover::Result<Vec<&'static str>> {
    let mut cx = world.open().await;
    let undone = run::roll_back(&mut cx, &clean_up(world)).await;
    cx.close(Exit::RolledBack).await;
    undone
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_up_does_what_its_dry_run_prints_and_can_be_taken_back() {
    let files = Files::new();
    let world = soaked(&files).await;
    let (before, schema_before) = (files.snapshot(), lines(&world).await);
    let steps = clean_up(&world);
    let preview = Preview { folder: world.folder(), plan: world.plan(), url: world.db.url().clone() };
    let planned = dry_run(&preview, &steps).await.unwrap();
    assert_eq!(files.snapshot(), before);
    let mut cx = world.open().await;
    let done = run::run(&mut cx, &steps).await.unwrap();
    let shown = |call: &Call| call.to_string().replace(&format!("-{}", cx.token()), "-<token>");
    let made: Vec<String> = cx.calls().iter().map(shown).collect();
    // The first look at sessions was long ago: it is announced once.
    let printed: Vec<String> = planned.iter().flat_map(|(_, calls)| calls).map(ToString::to_string).collect();
    assert_eq!(made, printed[1..], "{printed:#?}");
    cx.close(Exit::Done).await;
    let names: Vec<&str> = done.iter().map(|done| done.step).collect();
    assert_eq!(names, ["quiet", "archive-files", "remove-files", "coexistence-off", "contract"]);

    for gone in ["user-service", "workspace-service"] {
        assert!(!files.at(gone).exists(), "{gone}");
    }
    assert_eq!(fs::read_to_string(files.at("kept")).unwrap(), "kept");
    assert_eq!(fs::read_to_string(files.at("new.env")).unwrap(), "# new\nLEGACY_COEXISTENCE=false\nJWT_SECRET='a b'\n");
    assert_ne!(lines(&world).await, schema_before);
    // Anybody can unpack what was archived.
    let tar = world.folder().clean_up().join("files/01-user-service.tar");
    let unpacked = tempfile::tempdir().unwrap();
    let status = std::process::Command::new("tar").arg("-xf").arg(&tar).current_dir(unpacked.path()).status().unwrap();
    assert!(status.success() && unpacked.path().join("user-service/main.go").exists());
    // Again: nothing is done twice.
    assert!(world.run(&clean_up(&world)).await.unwrap().iter().all(|done| done.already));

    undo(&world).await.unwrap();
    assert_eq!(files.snapshot(), before);
    assert_eq!(lines(&world).await, schema_before);
    // And once more, with files that are other ones by then.
    fs::write(files.at("user-service/main.go"), "package other").unwrap();
    let changed = files.snapshot();
    world.run(&clean_up(&world)).await.unwrap();
    assert!(!files.at("user-service").exists());
    undo(&world).await.unwrap();
    assert_eq!(files.snapshot(), changed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_up_is_refused_before_its_time_and_while_an_old_service_is_there() {
    let files = Files::new();
    let world = World::start(Wishes { soak: None, ..files.wishes() }).await;
    world.everybody_moves().await;
    let before = files.snapshot();
    let refused = async |part: &str| {
        let error = world.run(&clean_up(&world)).await.unwrap_err();
        assert_eq!(error.exit(), Exit::Refused, "{error}");
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert_eq!(files.snapshot(), before);
        assert!(!world.folder().clean_up().exists());
    };
    refused("the soak has not begun").await;
    for _ in 0..48 {
        world.soak_once().await.unwrap_err();
        world.hours(1);
    }
    world.soak_once().await.unwrap();
    // Old services were warm all the time, so that everybody could have gone back.
    let old = world.db.superuser().await;
    old.batch_execute("SET application_name = 'user-service'").await.unwrap();
    refused("user-service as postgres from a local socket").await;
    drop(old);
    let there = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'user-service'";
    while world.client().await.query_one(there, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for _ in 0..23 {
        world.hours(1);
        refused("it has to be 24h ago").await;
    }
    world.hours(1);
    world.run(&clean_up(&world)).await.unwrap();
    assert!(!files.at("user-service").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_up_is_forgotten_after_30_days_and_not_before() {
    let files = Files::new();
    let world = soaked(&files).await;
    let before = files.snapshot();
    let forgets = async || {
        let mut cx = world.open().await;
        let gone = forget(&mut cx, "contract").await;
        cx.close(Exit::Done).await;
        gone
    };
    assert!(forgets().await.unwrap_err().to_string().contains("the clean-up is not done"));
    world.run(&clean_up(&world)).await.unwrap();
    world.hours(24 * 30 - 1);
    let refused = forgets().await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Refused);
    assert!(refused.to_string().contains("it can be forgotten at 2026-04-09T00:02:00Z"), "{refused}");
    // On the last day everything comes back.
    undo(&world).await.unwrap();
    assert_eq!(files.snapshot(), before);
    // From here on somebody looks again, or nobody would know.
    world.run(&clean_up(&world)).await.unwrap_err();
    world.clock.advance(jiff::SignedDuration::from_secs(60));
    world.run(&clean_up(&world)).await.unwrap();
    world.hours(24 * 30);
    forgets().await.unwrap();
    assert!(!world.folder().clean_up().exists());
    assert!(forgotten(&world.open().await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_up_stops_at_files_that_somebody_still_writes() {
    let files = Files::new();
    let world = soaked(&files).await;
    let until = steps::until(clean_up(&world), Some("archive-files"));
    world.run(&until).await.unwrap();
    fs::write(files.at("workspace-service/late.log"), "late").unwrap();
    let error = world.run(&clean_up(&world)).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Differs);
    assert!(error.to_string().contains("late.log is new"), "{error}");
    assert!(error.to_string().contains("clean-up --undo"), "{error}");
    assert!(files.at("user-service/main.go").exists(), "all paths are compared before the first is removed");
    undo(&world).await.unwrap();
    world.run(&clean_up(&world)).await.unwrap();
    assert!(!Path::new(&files.at("workspace-service")).exists());
}
