//! What was answered 201 survives `kill -9`, of the program and of its PostgreSQL.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::process::{Process, request, signal};

const PASSWORD: &str = "correct horse battery";

/// Registers people from four connections until told to stop, noting every address that was answered 201.
fn register_until(stop: &AtomicBool, to: SocketAddr, next: &AtomicU32, acknowledged: &Mutex<BTreeSet<String>>) {
    while !stop.load(Ordering::SeqCst) {
        let email = format!("person-{}@example.com", next.fetch_add(1, Ordering::SeqCst));
        let body = json!({ "email": email, "password": PASSWORD, "first_name": "A", "last_name": "B" });
        if let Some((201, _)) = request(to, "POST", "/auth/register", Some(&body)) {
            acknowledged.lock().unwrap().insert(email);
        }
    }
}

/// Kills with registrations under way until 200 were acknowledged; returns those that cannot log in afterwards, out of
/// a sample of the newest before each kill, and the number of rows missing altogether.
fn lost_after_kills(data: &std::path::Path, kill: impl Fn(&Process)) -> (BTreeSet<String>, BTreeSet<String>) {
    let (next, acknowledged) = (AtomicU32::new(0), Mutex::new(BTreeSet::new()));
    let mut rounds = 0_u64;
    while acknowledged.lock().unwrap().len() < 200 {
        rounds += 1;
        assert!(rounds < 100, "registrations do not get through");
        let process = Process::start_with(data, &[("RATE_LIMIT_AUTH", "0")]);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| register_until(&stop, process.public, &next, &acknowledged));
            }
            std::thread::sleep(Duration::from_millis(300 + 130 * (rounds % 7)));
            kill(&process);
            std::thread::sleep(Duration::from_millis(50));
            stop.store(true, Ordering::SeqCst);
        });
        process.kill();
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    let process = Process::start_with(data, &[("RATE_LIMIT_AUTH", "0")]);
    let missing = acknowledged
        .iter()
        .filter(|email| {
            // A second registration tells whether the first is there: 409 if so.
            let body = json!({ "email": email, "password": PASSWORD, "first_name": "A", "last_name": "B" });
            let status = request(process.public, "POST", "/auth/register", Some(&body)).map(|(status, _)| status);
            status != Some(409)
        })
        .cloned()
        .collect();
    (acknowledged, missing)
}

#[test]
fn acknowledged_registrations_survive_kill_9_of_the_program_and_of_postgres() {
    let data = tempfile::tempdir().unwrap();
    let turn = AtomicU32::new(0);
    let (acknowledged, missing) = lost_after_kills(data.path(), |process| {
        let victim =
            if turn.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { process.id() } else { process.postgres() };
        signal(victim, "KILL");
    });
    assert!(acknowledged.len() >= 200);
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
}
