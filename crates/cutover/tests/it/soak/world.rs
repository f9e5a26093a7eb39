//! A deployment whose people are all on the new side: a real gateway, services that answer its checks, and a clock that
//! only the test moves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway::{Gateway, Parts, control};
use jiff::SignedDuration;
use kernel::{Clock as _, FixedClock, SystemClock, TrustedProxies};
use pyairtable_cutover::journal::{self, Entry, Witness};
use pyairtable_cutover::run::{Cx, Done, Folder, Plan, Setup, Step, Wishes};
use pyairtable_cutover::shift::ShiftPlan;
use pyairtable_cutover::soak::Patience;
use pyairtable_cutover::{Error, Exit, run, steps};
use serde_json::{Value, json};
use testkit::legacy::layouts::Layout;
use testkit::{SeededRng, TestDb};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_postgres::Client;

use crate::support::{old_world, setup};

/// A service that answers everything, or fails its checks.
async fn service() -> (SocketAddr, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let down = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&down);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let down = Arc::clone(&told);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer).await {
                    let status = if down.load(Ordering::Relaxed) { "503 No" } else { "200 OK" };
                    let head = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                    if stream.write_all(head.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, down)
}

pub(crate) struct World {
    pub(crate) db: TestDb,
    pub(crate) clock: Arc<FixedClock>,
    /// Set when the old service is down.
    pub(crate) old_down: Arc<AtomicBool>,
    pub(crate) wishes: Wishes,
    pub(crate) directory: tempfile::TempDir,
    socket: PathBuf,
    _stop: watch::Sender<bool>,
}

impl World {
    pub(crate) async fn start(wishes: Wishes) -> Self {
        Self::of(Layout::Public, wishes).await
    }

    pub(crate) async fn of(layout: Layout, wishes: Wishes) -> Self {
        let (old, old_down) = service().await;
        let (new, _) = service().await;
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("gateway.sock");
        let routes = format!("- path: /api/v1/users/*\n  legacy: http://{old}\n  platform: http://{new}\n");
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
        let control = control::socket::bind(&socket).unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(bound.serve(Arc::clone(&gateway), stopped));
        tokio::spawn(control::socket::serve(control, Arc::clone(&gateway)));
        tokio::spawn(Arc::clone(&gateway).look_after());
        tokio::spawn(Arc::clone(&gateway).watch_leases());
        tokio::spawn(gateway.measure());
        let shift = ShiftPlan { gateway: socket.clone(), steps: vec!["100%:1s:unless-failing".parse().unwrap()] };
        let wishes = Wishes { shift: Some(shift), ..wishes };
        let clock = Arc::new(FixedClock::at("2026-03-10T00:00:00Z".parse().unwrap()));
        let db = old_world(layout, 40).await;
        Self { db, clock, old_down, wishes, directory, socket, _stop: stop }
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::at(self.directory.path().join("run"))
    }

    pub(crate) fn hours(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }

    /// An order to the gateway.
    pub(crate) async fn order(&self, path: &str, share: Option<&str>) {
        let mut order = json!({ "family": "all", "who": "ada", "why": "a test" });
        if let Some(share) = share {
            order["share"] = json!(share);
        }
        assert!(control::client::ask(&self.socket, path, Some(&order)).await.unwrap().done, "{path}");
    }

    pub(crate) fn opening(&self, witness: Option<Witness>) -> Setup {
        let clock = Arc::clone(&self.clock);
        Setup { clock, ..setup(self.folder().path(), self.db.url(), self.wishes.clone(), witness) }
    }

    pub(crate) async fn open(&self) -> Cx {
        Cx::open(self.opening(None)).await.unwrap()
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan::read(&self.folder()).unwrap().unwrap()
    }

    /// Everything up to and without the soak.
    pub(crate) async fn everybody_moves(&self) {
        let mut cx = self.open().await;
        let steps: Vec<Box<dyn Step>> = steps::preparation().into_iter().chain(steps::shift(&cx.plan)).collect();
        run::run(&mut cx, &steps).await.unwrap();
        cx.close(Exit::Done).await;
    }

    pub(crate) async fn run(&self, steps: &[Box<dyn Step>]) -> Result<Vec<Done>, Error> {
        self.run_watched(steps, None).await
    }

    pub(crate) async fn run_watched(
        &self,
        steps: &[Box<dyn Step>],
        witness: Option<Witness>,
    ) -> Result<Vec<Done>, Error> {
        let mut cx = Cx::open(self.opening(witness)).await?;
        let done = run::run(&mut cx, steps).await;
        cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
        done
    }

    /// What a timer does.
    pub(crate) async fn soak_once(&self) -> Result<Vec<Done>, Error> {
        self.run(&steps::soak(&self.plan(), Patience::Once, None)).await
    }

    /// The notes of a step under a key, nothing for those that were taken back.
    pub(crate) fn notes(&self, of: &str, wanted: &str) -> Vec<Value> {
        let records = journal::read(&self.folder().journal()).unwrap().records;
        let note = |entry| match entry {
            Entry::Noted { step, key, value } if step == of && key == wanted => Some(value),
            _ => None,
        };
        records.into_iter().filter_map(|record| note(record.entry)).filter(|value| !value.is_null()).collect()
    }

    /// A session of somebody who is no old service.
    pub(crate) async fn client(&self) -> Client {
        let client = self.db.superuser().await;
        client.batch_execute("SET application_name = 'psql'").await.unwrap();
        client
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}
