//! What a run looks at and writes down before it begins anything.

use std::fs;
use std::path::PathBuf;

use pyairtable_cutover::run::{Cx, Wishes};
use pyairtable_cutover::{Error, Exit, run, steps};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;

use crate::support::{old_world, setup};

struct World {
    db: TestDb,
    folder: tempfile::TempDir,
}

impl World {
    async fn start() -> Self {
        let world = Self { db: old_world(Layout::Public, 20).await, folder: tempfile::tempdir().unwrap() };
        for service in ["auth-service", "workspace-service"] {
            fs::create_dir_all(world.old().join(service)).unwrap();
            world.service(service, "JWT_SECRET=Jx3vQ0m7bq9bW1kq3GZlY5yqk8oV2Tt0u4n6rA1cE5s\nLOG_LEVEL=info\n");
        }
        world
    }

    fn old(&self) -> PathBuf {
        self.folder.path().join("old")
    }

    fn service(&self, name: &str, environment: &str) {
        fs::write(self.old().join(name).join(".env"), environment).unwrap();
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    async fn check(&self, accept: &[&str]) -> Result<Vec<run::Done>, Error> {
        let accept = accept.iter().map(|check| (*check).to_owned()).collect();
        let wishes = Wishes { old: Some(self.old()), accept, ..Wishes::default() };
        let mut cx = Cx::open(setup(&self.run_folder(), self.db.url(), wishes, None)).await?;
        let checks = steps::checks(&cx.plan);
        let done = run::run(&mut cx, &checks).await;
        cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
        done
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_stop_are_all_named_and_end_the_run_before_it_begins() {
    let world = World::start().await;
    world.service("workspace-service", "JWT_SECRET=q5cE1Ar6n4u0tT2Vo8kqy5YlZG3qk1Wb9qb7m0Qv3xJ\n");
    let error = world.check(&[]).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    let text = error.to_string();
    assert!(text.contains("jwt-secret-equal") && text.contains("->") && text.contains("--accept"), "{text}");
    assert!(!text.contains("q5cE1Ar6n4u"), "{text}");
    let left = || fs::read_dir(world.run_folder()).unwrap().map(|one| one.unwrap().file_name().into_string().unwrap());
    assert!(!left().any(|name| ["backup", "discovery.json", "pyairtable-platform.env"].contains(&&*name)));
    // The report stays for whoever wants to know more.
    assert!(left().any(|name| name == "preflight.json"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_that_pass_lead_to_the_new_environment() {
    let world = World::start().await;
    let error = world.check(&[]).await.unwrap_err().to_string();
    // A test server does without what a production server must have; each is accepted by its name.
    let named: Vec<String> = error
        .lines()
        .filter_map(|line| line.trim().strip_prefix("STOP")?.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(!named.is_empty(), "{error}");
    let accept: Vec<&str> = named.iter().map(String::as_str).collect();
    let done = world.check(&accept).await.unwrap();
    assert_eq!(done.iter().map(|done| done.step).collect::<Vec<_>>(), ["preflight", "config"]);
    assert_eq!(done[0].outcome["accepted"], named.len());
    let environment = fs::read_to_string(world.run_folder().join("pyairtable-platform.env")).unwrap();
    assert!(environment.contains("LEGACY_COEXISTENCE=true") && environment.contains("JWT_SECRET="), "{environment}");
    assert!(world.check(&[]).await.unwrap().iter().all(|done| done.already));
}
