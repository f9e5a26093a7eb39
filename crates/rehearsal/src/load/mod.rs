//! People at work: an open loop of reads and writes of the workspaces' API, log-ins and exchanges of refresh tokens.
//!
//! Requests start at a fixed rate. Each belongs to a worker, who sends one at a time, so that all writes of one object are
//! in an order and the last one acknowledged is known. A request that has to wait for its worker has begun all the same.

mod client;
mod dice;
mod people;
mod report;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Clock, SystemClock};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use self::people::{Account, People, Place};
pub use self::report::{Failure, Kind, Outcome, Report, Second};

pub(crate) use self::dice::Dice;
use self::worker::Worker;
use crate::ledger::Ledger;

/// How much, and of what.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Requests a second.
    pub per_second: u32,
    /// How many of a hundred write.
    pub writes: u32,
    /// Those who send them, each one at a time.
    pub workers: usize,
    /// Where randomness starts.
    pub seed: u64,
}

/// Load that goes on until it is stopped.
pub struct Load {
    stop: watch::Sender<bool>,
    running: JoinHandle<Report>,
}

impl Load {
    /// Sends requests to the gateway at `address`, on behalf of `people`. What is acknowledged goes into the ledger.
    pub fn start(address: SocketAddr, people: People, rate: Rate, ledger: Arc<Ledger>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { stop, running: tokio::spawn(run(address, people, rate, ledger, stopped)) }
    }

    /// Starts no more requests and waits for those under way.
    ///
    /// # Panics
    ///
    /// If a worker did.
    pub async fn stop(self) -> Report {
        let _ = self.stop.send(true);
        self.running.await.expect("the load itself does not fail")
    }
}

async fn run(
    address: SocketAddr,
    people: People,
    rate: Rate,
    ledger: Arc<Ledger>,
    mut stopped: watch::Receiver<bool>,
) -> Report {
    let mut dice = Dice::new(rate.seed);
    let (outcomes, mut all) = mpsc::unbounded_channel();
    let workers = people.shared_among(rate.workers).into_iter().enumerate().map(|(number, people)| {
        let (intended, mut queue) = mpsc::unbounded_channel::<Instant>();
        let mut worker = Worker::new(number, address, people, rate, dice.fork(), Arc::clone(&ledger));
        let outcomes = outcomes.clone();
        tokio::spawn(async move {
            while let Some(intended) = queue.recv().await {
                let _ = outcomes.send(worker.work(intended).await);
            }
        });
        intended
    });
    let workers: Vec<_> = workers.collect();
    drop(outcomes);
    let began = Instant::now();
    let collecting = tokio::spawn(async move {
        let mut report = Report::new(began, SystemClock.now());
        while let Some(outcome) = all.recv().await {
            report.add(outcome);
        }
        report
    });
    let pause = Duration::from_secs(1) / rate.per_second;
    for number in 0_u32.. {
        let intended = began + pause * number;
        tokio::select! {
            () = tokio::time::sleep_until(intended.into()) => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        // What is behind starts at once, and its wait counts from when it was meant to.
        let _ = workers[dice.below(workers.len())].send(intended);
    }
    drop(workers);
    match collecting.await {
        Ok(report) => report,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The program ends before the load did, and nobody waits for a report.
        Err(_) => std::future::pending().await,
    }
}
