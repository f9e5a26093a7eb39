//! Faults of a real service behind a real gateway, under load, with a tenth of the people on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::faulty::{Fault, Faulty, Load};
use crate::support::{Running, two_sides};

/// A gateway with a tenth of the people on the new side for five seconds already.
struct Shift {
    legacy: Faulty,
    platform: Faulty,
    running: Arc<Running>,
    load: Load,
    beside: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for Shift {
    fn drop(&mut self) {
        self.beside.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Shift {
    async fn start(per_second: u64) -> Self {
        let data = Arc::new(AtomicU64::new(1_000_000));
        let (legacy, platform) = (Faulty::start(&data).await, Faulty::start(&data).await);
        let running = Arc::new(Running::start(&two_sides(&legacy.url(), &platform.url())));
        let load = Load::start(running.address, per_second);
        sleep(Duration::from_secs(2)).await;
        running.set("10%").await;
        let renewing = Arc::clone(&running);
        let renew = tokio::spawn(async move {
            // As whoever holds a share does; otherwise the lease would return the traffic.
            loop {
                sleep(Duration::from_secs(3)).await;
                renewing.control("/renew", json!({"family": "users"})).await;
            }
        });
        let write = tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(200)).await;
                data.fetch_add(1, Ordering::SeqCst);
            }
        });
        sleep(Duration::from_secs(5)).await;
        assert_eq!(running.status().await["families"]["users"]["share"], "10%", "{}", running.gates().await);
        Self { legacy, platform, running, load, beside: vec![renew, write] }
    }

    async fn share(&self) -> Value {
        self.running.status().await["families"]["users"]["share"].clone()
    }

    /// How long it takes until nobody is on the new side any more, and why.
    async fn until_returned(&self, fault: Fault, at_most: Duration) -> Option<(Duration, String)> {
        let began = Instant::now();
        self.platform.fail(fault);
        while self.share().await != "0%" {
            if began.elapsed() > at_most {
                return None;
            }
            sleep(Duration::from_millis(50)).await;
        }
        let took = began.elapsed();
        let users = self.running.status().await["families"]["users"].clone();
        assert_eq!(users["frozen"], true, "a gate did it, not the lease: {users}");
        let gates = self.running.gates().await;
        let state = &gates["families"]["users"];
        assert!(state["state"] == "returned" || state["state"] == "gone", "{gates}");
        // Those that were on their way have arrived.
        sleep(Duration::from_millis(300)).await;
        let served = self.platform.served();
        sleep(Duration::from_millis(700)).await;
        assert_eq!(self.platform.served(), served, "nobody is on the new side after the return");
        assert!(self.legacy.served() > 0);
        Some((took, state["because"].as_str().unwrap_or_default().to_owned()))
    }
}

/// What came of it, in words.
async fn returned(fault: Fault, per_second: u64, at_most: u64) -> String {
    let shift = Shift::start(per_second).await;
    if matches!(fault, Fault::WrongBody | Fault::WrongTenant | Fault::Stale) {
        let order = json!({"rate": "50%", "anyway": true});
        let (status, answer) = shift.running.control("/shadow/start", order).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        sleep(Duration::from_secs(2)).await;
        let report = shift.running.shadow().await;
        assert!(report["reads"]["compared"].as_u64().unwrap() > 0, "{report}");
        assert_eq!(report["reads"]["different"], 0, "both are the same until now: {report}");
    }
    let found = shift.until_returned(fault, Duration::from_secs(at_most)).await;
    let (met, failed) = (&shift.load.met, shift.load.met.failed.load(Ordering::SeqCst));
    let requests = met.requests.load(Ordering::SeqCst);
    assert!(found.is_some(), "{fault:?} is not found: {:#}", shift.running.gates().await);
    format!("{fault:?}: {found:?}, {failed} of {requests} requests failed")
}

/// The upper bounds are for a machine that is busy with other tests.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_fail_everybody_lose_their_traffic() {
    let found = tokio::join!(
        returned(Fault::Errors(1000), 80, 40),
        returned(Fault::Hang, 80, 40),
        returned(Fault::CrashLoop, 80, 40),
        returned(Fault::Gone, 80, 40),
    );
    println!("{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_slow_lose_their_traffic() {
    tokio::join!(returned(Fault::Slow(200), 80, 40), returned(Fault::Leak, 80, 40), returned(Fault::Pool, 150, 20),);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_answer_wrongly_lose_their_traffic() {
    let found = tokio::join!(
        returned(Fault::WrongBody, 80, 40),
        returned(Fault::WrongTenant, 80, 40),
        returned(Fault::Stale, 80, 40),
    );
    println!("{found:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_fail_some_lose_their_traffic() {
    for (fault, per_second) in [(Fault::Errors(50), 400), (Fault::OneEndpoint, 400), (Fault::Errors(10), 600)] {
        println!("{}", returned(fault, per_second, 40).await);
    }
}

/// At a share of 1 % hardly anybody meets an error of one in a hundred, and the shadow meets it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn one_in_a_hundred_is_found_by_mirrored_reads_within_ten_seconds_and_not_without_them() {
    for share in ["10%", "1%"] {
        let shift = Shift::start(300).await;
        shift.running.set(share).await;
        let order = json!({"rate": "100%", "anyway": true});
        let (status, answer) = shift.running.control("/shadow/start", order).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        sleep(Duration::from_secs(3)).await;
        if share == "1%" {
            shift.running.gateway.set_gates("gates:\n- metric: mirrored\n  excess: 100%\n").unwrap();
            let found = shift.until_returned(Fault::Errors(10), Duration::from_secs(10)).await;
            assert_eq!(found, None, "nothing else finds it in this time");
            shift.running.gateway.set_gates("gates: []\n").unwrap();
        }
        let found = shift.until_returned(Fault::Errors(10), Duration::from_secs(40)).await;
        let reads = shift.running.shadow().await["reads"].clone();
        println!("1 % errors, mirrored, {share}: {found:?}, {reads}");
        let (took, because) = found.unwrap_or_else(|| panic!("1 % at {share} is not found: {reads}"));
        // A machine that is too busy to mirror what it should is too busy for the time, too.
        let is_busy = reads["dropped"].as_u64().unwrap() * 20 > reads["sampled"].as_u64().unwrap();
        assert!(took <= Duration::from_secs(10) || is_busy, "{took:?}: {reads}");
        assert!(because.contains("mirrored") || share == "10%", "{because}");
    }
}

/// A fault, a repair, and at once the same share again; `is_mended` or not.
async fn again(fault: Fault, is_mended: bool) {
    let shift = Shift::start(150).await;
    let (status, answer) = shift.running.control("/shadow/start", json!({"rate": "100%", "anyway": true})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    sleep(Duration::from_secs(2)).await;
    assert!(shift.until_returned(fault, Duration::from_secs(20)).await.is_some(), "{fault:?}");
    if is_mended {
        shift.platform.fail(Fault::None);
    }
    let (status, answer) = shift.running.control("/thaw", json!({"family": "users"})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    shift.running.set("10%").await;
    let began = Instant::now();
    while shift.share().await == "10%" && began.elapsed() < Duration::from_secs(if is_mended { 8 } else { 20 }) {
        sleep(Duration::from_millis(100)).await;
    }
    let (share, gates) = (shift.share().await, shift.running.gates().await);
    assert_eq!(share, if is_mended { "10%" } else { "0%" }, "{fault:?} after {:?}: {gates:#}", began.elapsed());
    assert!(shift.platform.served() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn thaw_makes_gates_forget_a_fault_that_is_mended() {
    tokio::join!(again(Fault::Errors(1000), true), again(Fault::Hang, true), again(Fault::WrongBody, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_that_is_still_there_after_thaw_returns_the_traffic_again() {
    tokio::join!(again(Fault::Errors(1000), false), again(Fault::Hang, false), again(Fault::WrongBody, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_returns_traffic_when_gates_are_off_and_they_still_say_so() {
    let shift = Shift::start(150).await;
    let (status, answer) = shift.running.control("/disarm", json!({"family": "all"})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(shift.until_returned(Fault::Errors(1000), Duration::from_secs(8)).await, None);
    let gates = shift.running.gates().await;
    let users = &gates["families"]["users"];
    assert_eq!((users["verdict"].as_str(), users["state"].as_str()), (Some("fail"), Some("failing")), "{gates}");
    shift.running.control("/arm", json!({"family": "users"})).await;
    assert!(shift.until_returned(Fault::Errors(1000), Duration::from_secs(10)).await.is_some(), "armed again");
}

#[tokio::test(flavor = "multi_thread")]
async fn sides_that_are_equally_slow_keep_their_traffic() {
    let shift = Shift::start(150).await;
    shift.legacy.fail(Fault::Slow(150));
    assert_eq!(shift.until_returned(Fault::Slow(150), Duration::from_secs(10)).await, None);
}

/// Two at a time, one of them with a shadow; fifty with `TEST_LONG`.
#[tokio::test(flavor = "multi_thread")]
async fn busy_processor_blames_neither_side() {
    let busy = Arc::new(AtomicBool::new(true));
    let hog = std::thread::spawn({
        let busy = Arc::clone(&busy);
        move || while busy.load(Ordering::Relaxed) {}
    });
    let mut returned = Vec::new();
    let pairs = if is_long() { 25 } else { 1 };
    for pair in 0..pairs {
        let (one, other) = tokio::join!(clean_run(false), clean_run(true));
        returned.extend([one, other].into_iter().flatten());
        println!("{} clean runs beside a busy processor, false returns: {returned:?}", 2 * (pair + 1));
    }
    busy.store(false, Ordering::Relaxed);
    hog.join().unwrap();
    assert_eq!(returned, []);
}

#[expect(clippy::disallowed_methods, reason = "a switch of the tests, not of the program")]
fn is_long() -> bool {
    std::env::var("TEST_LONG").is_ok_and(|value| !value.is_empty())
}

async fn clean_run(has_shadow: bool) -> Option<(Duration, String)> {
    let shift = Shift::start(100).await;
    if has_shadow {
        let (status, answer) = shift.running.control("/shadow/start", json!({"rate": "100%", "anyway": true})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    shift.until_returned(Fault::None, Duration::from_secs(10)).await
}

#[tokio::test]
async fn gates_that_are_misspelt_are_refused_and_those_in_force_stay() {
    let service = crate::support::Service::start("x").await;
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    let problems = running.gateway.set_gates("gates:\n- metric: eror_rate\n").unwrap_err();
    assert!(problems[0].to_string().starts_with("line 2: there is no metric \"eror_rate\": use one of errors"));
    running.gateway.set_gates("gates:\n- metric: errors\n  excess: 1%\n").unwrap();
    let (status, answer) = running.control("/arm", json!({"family": "usres"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
}
