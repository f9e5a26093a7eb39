//! Traffic moved by the run through a real gateway, between two services of which one can be broken.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gateway::{Gateway, Parts, control};
use kernel::{SystemClock, TrustedProxies};
use pyairtable_cutover::run::{Cx, Wishes};
use pyairtable_cutover::shadow::ShadowPlan;
use pyairtable_cutover::shift::{self, ShiftPlan};
use pyairtable_cutover::{Error, Exit, run, steps};
use testkit::{SeededRng, TestDb};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::setup;

/// A service that answers every request on its connections, fails each, or says something else.
pub(crate) struct Service {
    address: SocketAddr,
    pub(crate) broken: Arc<AtomicBool>,
    odd: Arc<AtomicBool>,
    pub(crate) answered: Arc<AtomicU64>,
}

impl Service {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (broken, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let odd = Arc::new(AtomicBool::new(false));
        let service =
            Self { address, broken: Arc::clone(&broken), odd: Arc::clone(&odd), answered: Arc::clone(&answered) };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (broken, odd, answered) = (Arc::clone(&broken), Arc::clone(&odd), Arc::clone(&answered));
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(1..) = stream.read(&mut buffer).await {
                        let is_check = buffer.starts_with(b"GET /health");
                        let status = if broken.load(Ordering::Relaxed) && !is_check { "500 No" } else { "200 OK" };
                        let body = if odd.load(Ordering::Relaxed) { r#"{"odd":true}"# } else { "{}" };
                        let length = body.len();
                        let head = format!(
                            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
                        );
                        if stream.write_all(head.as_bytes()).await.is_err() {
                            return;
                        }
                        if !is_check {
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        service
    }

    /// Requests that it answered within a moment.
    pub(crate) async fn answers_meanwhile(&self) -> u64 {
        let before = self.answered.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.answered.load(Ordering::Relaxed) - before
    }
}

pub(crate) struct World {
    pub(crate) old: Service,
    pub(crate) new: Service,
    pub(crate) socket: PathBuf,
    _stop: watch::Sender<bool>,
    clients: JoinHandle<()>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) db: TestDb,
}

impl Drop for World {
    fn drop(&mut self) {
        self.clients.abort();
    }
}

impl World {
    async fn start() -> Self {
        Self::on(TestDb::empty().await).await
    }

    /// With the database of a deployment.
    pub(crate) async fn on(db: TestDb) -> Self {
        let (old, new) = (Service::start().await, Service::start().await);
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("gateway.sock");
        // Nobody asks for notifications, and the site has no old service.
        let both = |path: &str| {
            format!("- path: {path}\n  legacy: http://{}\n  platform: http://{}\n", old.address, new.address)
        };
        let (users, notifications) = (both("/api/v1/users/*"), both("/api/v1/notifications/*"));
        let routes = format!("{users}{notifications}- path: /site/*\n  platform: http://{}\n", new.address);
        let gateway = Gateway::new(Parts {
            kept: None,
            table: gateway::routes::parse(&routes).unwrap(),
            jwt_secret: None,
            trusted_proxies: "127.0.0.1".parse::<TrustedProxies>().unwrap(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(SeededRng::new(1)),
        })
        .unwrap();
        let bound = gateway::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = bound.local_addr().unwrap();
        let control = control::socket::bind(&socket).unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(bound.serve(Arc::clone(&gateway), stopped));
        tokio::spawn(control::socket::serve(control, Arc::clone(&gateway)));
        tokio::spawn(Arc::clone(&gateway).look_after());
        tokio::spawn(Arc::clone(&gateway).watch_leases());
        tokio::spawn(gateway.measure());
        let clients = tokio::spawn(async move {
            let clients = (0..4).map(|number| people(address, number));
            futures_util::future::join_all(clients).await;
        });
        Self { old, new, socket, _stop: stop, clients, folder, db }
    }

    /// The steps that move traffic, as a run does them.
    async fn run(&self, plan: &str) -> Result<Vec<run::Done>, Error> {
        self.steps(plan, None, false).await
    }

    /// The same with everything before, if the run is to be whole.
    pub(crate) async fn steps(
        &self,
        plan: &str,
        shadow: Option<ShadowPlan>,
        is_whole: bool,
    ) -> Result<Vec<run::Done>, Error> {
        let steps = plan.split(',').map(|step| step.parse().unwrap()).collect();
        let shift = Some(ShiftPlan { gateway: self.socket.clone(), steps });
        let wishes = Wishes { shift, shadow, soak: Some(1), ..Wishes::default() };
        let mut cx = Cx::open(setup(&self.folder.path().join("run"), self.db.url(), wishes, None)).await?;
        let all = if is_whole { steps::of(&cx.plan) } else { steps::shift(&cx.plan) };
        let done = run::run(&mut cx, &all);
        let done = tokio::time::timeout(Duration::from_secs(90), done).await.expect("it ends");
        cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
        done
    }

    pub(crate) async fn share(&self) -> String {
        self.share_of("users").await
    }

    async fn share_of(&self, family: &str) -> String {
        let status = shift::Gateway::at(&self.socket).status().await.unwrap();
        status.families[family].share.to_string()
    }
}

/// One connection that sends requests of many clients, each from an address of its own.
async fn people(gateway: SocketAddr, number: u32) {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    let mut buffer = [0; 4096];
    for client in 0_u32.. {
        let address = format!("10.{number}.{}.{}", client / 250 % 250, client % 250);
        let head = format!("GET /api/v1/users/{client} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {address}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"{}") {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the gateway hung up: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&buffer[..read]);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shift_goes_up_to_everybody_and_back_to_nobody() {
    let world = World::start().await;
    let plan = "1%:1s:unless-failing,10%:1s:unless-failing,50%:1s:unless-failing,100%:1s:unless-failing";
    let done = world.run(plan).await.unwrap();
    let names: Vec<&str> = done.iter().map(|done| done.step).collect();
    assert_eq!(names, ["shift-1", "shift-10", "shift-50", "shift-100"]);
    assert_eq!((world.share().await.as_str(), world.old.answers_meanwhile().await), ("100%", 0));
    assert!(world.new.answers_meanwhile().await > 10);
    // Everything is safe: nobody has to renew, and nothing is done twice.
    let began = Instant::now();
    assert!(world.run(plan).await.unwrap().iter().all(|done| done.already));
    assert!(began.elapsed() < Duration::from_secs(3));

    let mut cx =
        Cx::open(setup(&world.folder.path().join("run"), world.db.url(), Wishes::default(), None)).await.unwrap();
    let shares = steps::shift(&cx.plan);
    let began = Instant::now();
    let undone = run::roll_back(&mut cx, &shares).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(undone.len(), 4);
    assert_eq!((world.share().await.as_str(), world.new.answers_meanwhile().await), ("0%", 0));
    cx.close(Exit::RolledBack).await;
    // And up again.
    assert!(world.run(plan).await.unwrap().iter().all(|done| !done.already));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shift_ends_when_the_new_side_is_worse_and_goes_on_when_it_is_mended() {
    let world = World::start().await;
    let plan = "10%:2s:unless-failing,50%:30s:unless-failing,100%:2s:unless-failing";
    let breaks = async {
        let began = Instant::now();
        while world.share().await != "50%" {
            assert!(began.elapsed() < Duration::from_mins(1), "never at 50 %");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        world.new.broken.store(true, Ordering::Relaxed);
        let began = Instant::now();
        while world.new.answers_meanwhile().await > 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "still on the new side");
        }
    };
    let (ended, ()) = tokio::join!(world.run(plan), breaks);
    let error = ended.unwrap_err();
    assert_eq!(error.exit(), Exit::Returned);
    assert!(error.to_string().contains("50%") && error.to_string().contains("users"), "{error}");
    assert_ne!(world.share().await, "50%");
    assert_eq!(
        world.share_of("notifications").await,
        "10%",
        "nobody watches it any more, and its lease is not waited for"
    );
    assert!(world.old.answers_meanwhile().await > 10);

    let refused = world.run(plan).await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Refused);
    assert!(refused.to_string().contains("thaw"), "{refused}");
    world.new.broken.store(false, Ordering::Relaxed);
    let order = serde_json::json!({ "family": "all", "who": "ada", "why": "mended" });
    assert!(control::client::ask(&world.socket, "/thaw", Some(&order)).await.unwrap().done);
    let other = world.run("10%:2s:unless-failing,50%:2s:unless-failing,100%:2s:unless-failing").await;
    assert_eq!(other.unwrap_err().exit(), Exit::Refused, "the plan of a run does not change on the way");
    let again = async {
        let began = Instant::now();
        while world.share().await != "50%" {
            assert!(began.elapsed() < Duration::from_mins(1), "not at 50 % again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        ended = world.run(plan) => panic!("it did not hold 50 %: {ended:?}"),
        () = again => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shift_does_not_begin_while_answers_differ() {
    let world = World::start().await;
    let shadow = Some(ShadowPlan { seconds: 2, reads: 200 });
    let plan = "100%:1s:unless-failing";
    world.new.odd.store(true, Ordering::Relaxed);
    let error = world.steps(plan, shadow, false).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Differs, "{error}");
    assert!(error.to_string().contains("odd") && error.to_string().contains("register"), "{error}");
    assert_eq!(world.share().await, "0%");
    world.new.odd.store(false, Ordering::Relaxed);
    let done = world.steps(plan, shadow, false).await.unwrap();
    let names: Vec<_> = done.iter().map(|done| (done.step, done.already)).collect();
    assert_eq!(names, [("shadow", false), ("shift-100", false)]);
    assert!(done[0].outcome["compared"].as_u64().unwrap() >= 200, "{done:?}");
    assert_eq!(done[0].outcome["different"], 0);
    // With everybody on the new side nobody is asked twice any more.
    let report = control::client::ask(&world.socket, "/shadow", None).await.unwrap().body;
    assert_eq!(report["mode"], "off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shift_goes_on_although_nobody_asks_for_some_family() {
    let world = World::start().await;
    let done = world.run("50%:1s,100%:1s:unless-failing").await.unwrap();
    assert_eq!((done.len(), world.share().await.as_str()), (2, "100%"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shift_waits_for_gates_that_have_seen_too_little() {
    let world = World::start().await;
    let ended = tokio::time::timeout(Duration::from_secs(5), world.run("50%:1s,100%:1s")).await;
    assert!(ended.is_err(), "it went on after a second with some hundred requests");
    assert_eq!(world.share().await, "50%");
}

#[tokio::test]
async fn shift_without_a_gateway_is_refused_with_what_to_start() {
    let (db, folder) = (TestDb::empty().await, tempfile::tempdir().unwrap());
    let steps = ShiftPlan::gradual();
    let gateway = folder.path().join("nobody.sock");
    let wishes = Wishes { shift: Some(ShiftPlan { gateway, steps }), ..Wishes::default() };
    let mut cx = Cx::open(setup(&folder.path().join("run"), db.url(), wishes, None)).await.unwrap();
    let shares = steps::shift(&cx.plan);
    let error = run::run(&mut cx, &shares).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("gateway serve"), "{error}");
}
