//! Gates beside HAProxy: what it tells of requests, and what is done about a service that gets worse.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::running::{Driven, Haproxy};
use crate::faulty::{Fault, Faulty, Load};
use crate::load::{Light, under_load};
use crate::support::two_sides;

fn routes(legacy: &str, platform: &str) -> String {
    format!("seed: production\nroutes:\n{}", two_sides(legacy, platform))
}

fn sum(counters: &Value, side: &str, what: &str) -> u64 {
    // Nothing before the first second is over.
    let summaries = counters["families"]["users"]["summaries"].as_array().into_iter().flatten();
    summaries.filter(|one| one["side"] == side).map(|one| one[what].as_u64().unwrap()).sum()
}

/// Waits until so many requests were counted, on the old side and on the new one.
async fn counted(driven: &Driven, least: u64) -> Value {
    let began = Instant::now();
    loop {
        let counters = driven.read("/counters?seconds=900").await;
        if sum(&counters, "legacy", "requests") + sum(&counters, "platform", "requests") >= least {
            return counters;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "of {least}: {}", counters["families"]["users"]["summaries"]);
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_is_counted_on_its_side_and_those_after_reloads_again() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy.url(), &platform.url());
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    driven.set("50%").await;
    let half = ["50%".parse().unwrap(); 3];
    let sent = under_load(haproxy.address, "production", 12_000, &half, true, async |_| ()).await;
    let counters = counted(&driven, sent.requests).await;
    assert_eq!(sum(&counters, "platform", "requests"), sent.on_platform);
    assert_eq!(sum(&counters, "legacy", "requests"), sent.requests - sent.on_platform);
    assert_eq!(sum(&counters, "legacy", "errors") + sum(&counters, "platform", "errors"), 0);
    let classes = counters["families"]["users"]["summaries"].as_array().unwrap().iter().map(|one| &one["class"]);
    assert_eq!(classes.collect::<Vec<_>>(), [&json!("read"), &json!("write"), &json!("read"), &json!("write")]);
    // A worker that leaves takes along what it has not said yet; the next one says everything again.
    let over = under_load(haproxy.address, "production", 6000, &half, true, async |_| haproxy.reload().await).await;
    assert!(over.failed.is_empty(), "{:?}", over.failed);
    let mut before = 0;
    let settled = loop {
        let counters = driven.read("/counters?seconds=900").await;
        let counted = sum(&counters, "legacy", "requests") + sum(&counters, "platform", "requests");
        if counted == before {
            break counted;
        }
        before = counted;
        sleep(Duration::from_millis(1500)).await;
    };
    let all = sent.requests + over.requests;
    println!("{} of {} lines were lost over {} reloads", all - settled, over.requests, half.len());
    let after = under_load(haproxy.address, "production", 3000, &half, true, async |_| ()).await;
    counted(&driven, settled + after.requests).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_to_nobody_is_said_to_the_next_driver() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy.url(), &platform.url());
    let haproxy = Haproxy::printed(&routes).await;
    let shares = ["0%".parse().unwrap()];
    let sent = under_load(haproxy.address, "production", 300, &shares, true, async |_| ()).await;
    assert!(sent.failed.is_empty(), "{:?}", sent.failed);
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    let counters = counted(&driven, sent.requests).await;
    assert_eq!(sum(&counters, "legacy", "requests"), sent.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_of_a_haproxy_that_serves_is_said() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy.url(), &platform.url());
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    driven.set("50%").await;
    driven.control("/confirm", json!({})).await;
    let shares = ["50%".parse().unwrap()];
    under_load(haproxy.address, "production", 300, &shares, true, async |_| ()).await;
    counted(&driven, 300).await;
    let status = driven.status().await["haproxy"].clone();
    assert!(status["told"].as_u64().unwrap() >= 300 && status["not_told"].is_null(), "{status}");
    // As it was printed before there were gates.
    let file = haproxy.directory.path().join("haproxy.cfg");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("    log ring@pyairtable_measure format raw local0\n", "")).unwrap();
    haproxy.reload().await;
    let began = Instant::now();
    loop {
        under_load(haproxy.address, "production", 300, &shares, true, async |_| ()).await;
        let status = driven.status().await["haproxy"].clone();
        if status["not_told"].as_str().is_some_and(|why| why.contains("--measure")) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{status}");
        sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(driven.users().await["share"], "50%", "silence proves nothing: {:#}", driven.read("/gates").await);
}

/// A HAProxy with a tenth of the people on the new side for five seconds already.
struct Shift {
    platform: Faulty,
    _legacy: Faulty,
    _haproxy: Haproxy,
    driven: Arc<Driven>,
    load: Load,
    renewing: JoinHandle<()>,
}

impl Drop for Shift {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Shift {
    async fn start(per_second: u64) -> Self {
        let data = Arc::new(AtomicU64::new(1_000_000));
        let (legacy, platform) = (Faulty::start(&data).await, Faulty::start(&data).await);
        let routes = routes(&legacy.url(), &platform.url());
        let haproxy = Haproxy::printed(&routes).await;
        let driven = Arc::new(Driven::by_threshold(&haproxy, &routes).await.unwrap());
        let load = Load::start(haproxy.address, per_second);
        sleep(Duration::from_secs(3)).await;
        driven.set("10%").await;
        let renewed = Arc::clone(&driven);
        let renewing = tokio::spawn(async move {
            loop {
                sleep(Duration::from_secs(3)).await;
                renewed.control("/renew", json!({"family": "users"})).await;
            }
        });
        sleep(Duration::from_secs(5)).await;
        assert_eq!(driven.users().await["share"], "10%", "{}", driven.read("/gates").await);
        Self { platform, _legacy: legacy, _haproxy: haproxy, driven, load, renewing }
    }

    /// How long a fault takes to move everybody back, and why they were.
    async fn until_returned(&self, fault: Fault) -> (Duration, String) {
        let began = Instant::now();
        self.platform.fail(fault);
        while self.driven.users().await["share"] != "0%" {
            assert!(began.elapsed() < Duration::from_secs(40), "{fault:?}: {:#}", self.driven.read("/gates").await);
            sleep(Duration::from_millis(50)).await;
        }
        let took = began.elapsed();
        let users = self.driven.users().await;
        assert_eq!((&users["in_force"], &users["frozen"]), (&json!("0%"), &json!(true)), "a gate did it: {users}");
        let gates = self.driven.read("/gates").await;
        let view = self.driven.read("/view?seconds=60").await;
        let last = &view["changes"][0];
        assert_eq!((&last["who"], &last["changes"][0]["to"]), (&json!("gates"), &json!("0%")), "{}", view["changes"]);
        (took, gates["families"]["users"]["because"].as_str().unwrap_or_default().to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_get_worse_lose_their_traffic() {
    let returned = async |fault| {
        let shift = Shift::start(80).await;
        let found = shift.until_returned(fault).await;
        let failed = shift.load.met.failed.load(Ordering::SeqCst);
        println!("{fault:?}: {found:?}, {failed} of {} failed", shift.load.met.requests.load(Ordering::SeqCst));
    };
    let hangs_from_the_start = async {
        let data = Arc::new(AtomicU64::new(1_000_000));
        let (legacy, platform) = (Faulty::start(&data).await, Faulty::start(&data).await);
        // Longer than it may take to notice.
        let routes = routes(&legacy.url(), &platform.url()).replace("timeout: 2s", "timeout: 60s");
        let haproxy = Haproxy::printed(&routes).await;
        let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
        let _load = Load::start(haproxy.address, 80);
        sleep(Duration::from_secs(4)).await;
        platform.fail(Fault::Hang);
        driven.control("/set", json!({"share": "10%", "anyway": true})).await;
        let began = Instant::now();
        while driven.users().await["frozen"] != true {
            assert!(began.elapsed() < Duration::from_secs(40), "{:#}", driven.read("/gates").await);
            driven.control("/renew", json!({})).await;
            sleep(Duration::from_millis(50)).await;
        }
        let gates = driven.read("/gates").await;
        println!("hangs from the start: {:?}, {}", began.elapsed(), gates["families"]["users"]["because"]);
    };
    tokio::join!(
        hangs_from_the_start,
        returned(Fault::Errors(1000)),
        returned(Fault::Hang),
        returned(Fault::Slow(200)),
        returned(Fault::Gone)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn healthy_service_keeps_its_traffic_and_thaw_makes_gates_forget() {
    let shift = Shift::start(80).await;
    sleep(Duration::from_secs(6)).await;
    assert_eq!(shift.driven.users().await["share"], "10%", "{:#}", shift.driven.read("/gates").await);
    shift.until_returned(Fault::Errors(1000)).await;
    shift.platform.fail(Fault::None);
    assert!(!shift.driven.control("/set", json!({"share": "10%"})).await.done, "frozen");
    assert!(shift.driven.control("/thaw", json!({})).await.done);
    shift.driven.set("10%").await;
    sleep(Duration::from_secs(8)).await;
    assert_eq!(shift.driven.users().await["share"], "10%", "{:#}", shift.driven.read("/gates").await);
    // Off, they say so and do nothing.
    assert!(shift.driven.control("/disarm", json!({})).await.done);
    shift.platform.fail(Fault::Errors(1000));
    let began = Instant::now();
    while shift.driven.read("/gates").await["families"]["users"]["state"] != "failing" {
        assert!(began.elapsed() < Duration::from_secs(30), "{:#}", shift.driven.read("/gates").await);
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(shift.driven.users().await["share"], "10%");
}
