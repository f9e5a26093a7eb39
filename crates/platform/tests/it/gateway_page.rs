//! The page of the admin port, in a real browser in front of a gateway with traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::browser::Browser;
use crate::gateway::Gateway;
use crate::gateway_admin::{page, token};
use crate::process::request;

/// Somebody who asks all the time, until dropped.
struct Traffic(Arc<AtomicBool>);

impl Traffic {
    fn start(gateway: &Gateway) -> Self {
        let (stop, address) = (Arc::new(AtomicBool::new(false)), gateway.address);
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                request(address, "GET", "/api/v1/users/1", None);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self(stop)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn log_in(browser: &mut Browser, token: &str) {
    browser.js(&format!(
        "document.getElementById('token').value = '{token}'; document.getElementById('log-in-form').requestSubmit()"
    ));
}

fn says(id: &str, words: &str) -> String {
    format!("document.getElementById('{id}').textContent.includes('{words}')")
}

#[test]
fn page_draws_live_charts_returns_everybody_and_says_when_it_is_stale() {
    let gateway = Gateway::start_with(&["--admin", "127.0.0.1:0"]);
    let traffic = Traffic::start(&gateway);
    let _holder = gateway.hold_everybody();
    let mut browser = Browser::start();
    browser.open(&page(&gateway), 1280);
    browser.wait_for("document.activeElement.id === 'token'");
    log_in(&mut browser, &"0".repeat(64));
    browser.wait_for(&says("log-in-problem", "does not know this token"));
    log_in(&mut browser, &token(&gateway));
    browser.wait_for(&says("connection", "live"));
    browser.wait_for(&says("state", "Everybody is on the new side"));
    browser.wait_for(&says("state", "renewed by ada; safe share 0 %"));
    // Points of several seconds with a value each, on the side that answers.
    for (chart, line) in [(1, "path.share"), (2, "path.platform"), (4, "path.platform"), (5, "path.platform")] {
        browser.wait_for(&format!(
            "(document.querySelector('#charts figure:nth-child({chart}) {line}').getAttribute('d').match(/[LHV]/g) ?? []).length >= 3"
        ));
    }
    let rate = "Number(document.querySelector('#charts figure:nth-child(2) .value.platform').textContent.match(/new ([0-9.]+)/)[1])";
    browser.wait_for(&format!("{rate} > 1"));
    browser.wait_for(&says("families", "users"));
    browser.wait_for(&says("changes", "a test"));
    assert_eq!(browser.js("location.href.includes('token') || document.cookie !== ''"), false, "no token in a URL");

    browser.js("document.getElementById('return').click()");
    browser.wait_for("document.getElementById('return-dialog').open");
    browser.js("document.getElementById('return-form').requestSubmit()");
    assert_eq!(browser.js("document.getElementById('return-dialog').open"), true, "who and why are missing");
    browser.js("const form = document.getElementById('return-form').elements; form.who.value = 'eve'; \
         form.why.value = 'users call <b>us</b>'; document.getElementById('return-form').requestSubmit()");
    gateway.wait_for("legacy", Duration::from_secs(10));
    browser.wait_for(&says("state", "Everybody is on the old side; frozen"));
    browser.wait_for(&says("changes", "users call <b>us</b>"));
    assert_eq!(browser.js("document.getElementById('return-dialog').open"), false);
    assert_eq!(browser.js("document.getElementById('stale').hidden"), true);
    assert_eq!(browser.problems, Vec::<serde_json::Value>::new());
    assert!(gateway.log().contains("\"who\":\"eve\""), "{}", gateway.log());

    drop(traffic);
    gateway.signal("STOP");
    browser.wait_for("!document.getElementById('stale').hidden");
    browser.wait_for(&says("stale", "what you see is old"));
    // Long enough that the page gives the connection up and makes another one.
    browser.wait_for(&says("connection", "connection lost"));
    gateway.signal("CONT");
    browser.wait_for(
        "document.getElementById('stale').hidden && document.getElementById('connection').textContent === 'live'",
    );
}

#[test]
fn page_of_a_phone_holds_a_share_while_it_is_open_and_not_longer() {
    let gateway = Gateway::start_with(&["--admin", "127.0.0.1:0"]);
    let _traffic = Traffic::start(&gateway);
    let mut browser = Browser::start();
    browser.open(&page(&gateway), 360);
    log_in(&mut browser, &token(&gateway));
    browser.wait_for(&says("state", "Everybody is on the old side"));
    browser.js(
        "const form = document.getElementById('orders').elements; form.who.value = 'bob'; form.why.value = 'first step'; \
         form.share.value = '100'; document.querySelector('[data-order=set]').click()",
    );
    gateway.wait_for("platform", Duration::from_secs(10));
    browser.wait_for(&says("order-answer", "users: 0 % → 100 %"));
    browser.wait_for(&says("holding", "This page renews all leases as bob"));
    std::thread::sleep(Duration::from_secs(17));
    assert_eq!(gateway.side().as_deref(), Some("platform"), "longer than a lease: {}", gateway.log());
    assert_eq!(browser.js("document.documentElement.scrollWidth"), 360, "nothing sticks out");
    assert_eq!(browser.problems, Vec::<serde_json::Value>::new());
    drop(browser);
    gateway.wait_for("legacy", Duration::from_secs(20));
}
