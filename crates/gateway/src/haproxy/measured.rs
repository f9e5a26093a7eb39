//! What HAProxy tells of requests, counted as the gateway counts its own, and the gates that look at it.
//!
//! HAProxy keeps lines nobody takes in a ring of its own and sends them when the driver is there again; a request that
//! waits for the driver costs nobody anything. Lines that come late say nothing about now and are left out.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kernel::Clock;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;

use super::backlog::{Backlog, Sessions};
use super::runtime::{Address, Trouble, ask};
use super::servers::{Route, well};
use super::threshold::Threshold;
use super::told;
use crate::control::socket;
use crate::control::state::Shown;
use crate::counters::{AGES, Class, Counters, Elsewhere, Meter};
use crate::forced::Side;
use crate::gates::watch::Action;
use crate::gates::{Gates, Plan, Signals};
use crate::routes::Problem;

/// Lines that are older were kept while nobody took them.
const LATE: i64 = 10;
/// A look that took longer than this says nothing about single seconds.
const SLOW: Duration = Duration::from_secs(3);
/// For HAProxy, which runs as another user of its group.
const SHARED: u32 = 0o660;
/// Each process of HAProxy has one, also while it leaves.
const CONNECTIONS: usize = 32;
/// A line is shorter, or it is none.
const LONGEST: usize = 64 * 1024;

/// Where HAProxy sends its lines.
pub struct Measure(Listener);

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Measure {
    /// Listens for HAProxy's lines.
    ///
    /// # Errors
    ///
    /// Nobody can listen there, or somebody does.
    pub async fn at(address: &Address) -> io::Result<Self> {
        Ok(Self(match address {
            Address::Unix(path) => Listener::Unix(socket::bind_for(path, SHARED)?),
            Address::Tcp(address) => Listener::Tcp(TcpListener::bind(address).await?),
        }))
    }
}

/// One side of a family.
struct Told {
    family: String,
    side: Side,
    /// Lines ever.
    lines: AtomicU64,
}

/// Counters, meter and gates of what HAProxy tells.
pub(super) struct Measured {
    listener: Listener,
    clock: Arc<dyn Clock>,
    counters: BTreeMap<String, Counters>,
    /// Which side of which family a backend is.
    backends: HashMap<String, Arc<Told>>,
    /// Lines that came too late to be counted.
    late: AtomicU64,
    meter: Mutex<Meter>,
    gates: Mutex<Gates>,
    looked: Mutex<Looked>,
}

#[derive(Default)]
struct Looked {
    backlogs: BTreeMap<(String, Side), Backlog>,
    last: Option<Instant>,
    /// HAProxy may not answer for a moment; what it said last holds until then.
    routes: Vec<Route>,
    hearing: Hearing,
}

impl Measured {
    pub(super) fn new(measure: Measure, threshold: &Threshold, clock: Arc<dyn Clock>) -> Self {
        let mut sides: BTreeMap<(&str, Side), Arc<Told>> = BTreeMap::new();
        let mut backends = HashMap::new();
        for route in &threshold.routes {
            for (side, backend) in Side::BOTH.into_iter().zip(&route.backends) {
                let make = || Arc::new(Told { family: route.family.clone(), side, lines: AtomicU64::new(0) });
                let told = sides.entry((&route.family, side)).or_insert_with(make);
                backends.insert(backend.clone(), Arc::clone(told));
            }
        }
        let counters = threshold.routes.iter().map(|route| (route.family.clone(), Counters::default())).collect();
        Self {
            listener: measure.0,
            clock,
            counters,
            backends,
            late: AtomicU64::new(0),
            meter: Mutex::default(),
            gates: Mutex::default(),
            looked: Mutex::default(),
        }
    }

    pub(super) fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gates(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the gates of a file in force, or says what is wrong with it.
    pub(super) fn set_gates(&self, text: &str) -> Result<(), Vec<Problem>> {
        let plan = Plan::parse(text)?;
        self.gates().set(plan);
        Ok(())
    }

    /// What was seen of the new side of a family until now is held against it no more.
    pub(super) fn forget(&self, family: &str) {
        self.gates().forget(family);
        self.meter().forget(family);
        if let Some(counters) = self.counters.get(family) {
            counters.forget();
        }
    }

    /// Takes lines until dropped.
    pub(super) async fn listen(self: Arc<Self>) {
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= CONNECTIONS {
                connections.join_next().await;
            }
            let accepted = match &self.listener {
                Listener::Unix(listener) => {
                    listener.accept().await.map(|(stream, _)| connections.spawn(Arc::clone(&self).take(stream)))
                }
                Listener::Tcp(listener) => {
                    listener.accept().await.map(|(stream, _)| connections.spawn(Arc::clone(&self).take(stream)))
                }
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "cannot take what HAProxy measures");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            while connections.try_join_next().is_some() {}
        }
    }

    async fn take(self: Arc<Self>, stream: impl AsyncRead + Send + Unpin + 'static) {
        let mut stream = BufReader::with_capacity(LONGEST, stream);
        let mut line = Vec::new();
        loop {
            match framed(&mut stream, &mut line).await {
                Ok(true) => self.count(&line),
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "what comes to the address for HAProxy's measurements is none of HAProxy's");
                    return;
                }
            }
        }
    }

    fn count(&self, line: &[u8]) {
        let Some(told) = std::str::from_utf8(line).ok().and_then(told::read) else { return };
        let Some(of) = self.backends.get(told.backend) else { return };
        of.lines.fetch_add(1, Ordering::Relaxed);
        let Some(counters) = self.counters.get(&of.family) else { return };
        if self.clock.now().as_second().saturating_sub(told.at) > LATE {
            self.late.fetch_add(1, Ordering::Relaxed);
            return;
        }
        counters.elsewhere(&Elsewhere {
            side: of.side,
            class: told.class,
            method: &told.method,
            path: told.path,
            status: told.status,
            is_lost: told.is_lost,
            took: told.took,
        });
    }

    /// A second is over: reads the counters, lets the gates look, and says what is to be done.
    pub(super) fn look(
        &self,
        found: Result<(Vec<Route>, HashMap<String, Sessions>), Trouble>,
        shares: &BTreeMap<String, Shown>,
        at: Timestamp,
        now: Instant,
    ) -> Vec<(String, Action)> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let Looked { backlogs, last, routes, hearing } = &mut *looked;
        let took = last.map_or(Duration::from_secs(1), |last| now.duration_since(last));
        *last = Some(now);
        if took > SLOW {
            backlogs.values_mut().for_each(Backlog::clear);
        }
        let is_known = match found {
            Ok((found, sessions)) => {
                *routes = found;
                let ours = sessions.iter().filter(|(name, _)| self.backends.contains_key(*name));
                let answered = ours.map(|(_, sessions)| sessions.answered).sum();
                let is_told = hearing.is_told(answered, self.lines(), self.late.load(Ordering::Relaxed));
                if is_told {
                    self.wait(backlogs, &sessions);
                }
                is_told
            }
            Err(_) => false,
        };
        if !is_known {
            // Whoever waits is the difference to what was told.
            backlogs.values_mut().for_each(Backlog::clear);
            for (counters, side) in self.counters.values().flat_map(|counters| Side::BOTH.map(|side| (counters, side)))
            {
                counters.wait_elsewhere(side, Class::Read, &[0; AGES]);
            }
        }
        let families = self.counters.iter().filter_map(|(name, counters)| {
            let shown = shares.get(name)?;
            Some((name.as_str(), counters, shown.share))
        });
        self.meter().tick(families, at, took);
        let signals = |name: &str| {
            let (old_well, old) = well(routes, name, Side::Legacy);
            let instances = well(routes, name, Side::Platform);
            let signals = Signals { instances, is_old_side_well: old_well > 0, differences: None };
            (old > 0 && instances.1 > 0).then_some(signals)
        };
        self.gates().look(&self.meter(), shares, signals, at, now)
    }

    /// How many requests HAProxy has told of.
    pub(super) fn lines(&self) -> u64 {
        let mut sides: Vec<&Arc<Told>> = self.backends.values().collect();
        sides.sort_by_key(|told| Arc::as_ptr(told));
        sides.dedup_by_key(|told| Arc::as_ptr(told));
        sides.iter().map(|told| told.lines.load(Ordering::Relaxed)).sum()
    }

    /// What is wrong with what HAProxy tells, if anything.
    pub(super) fn trouble(&self) -> Option<&'static str> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner).hearing.trouble
    }

    fn wait(&self, backlogs: &mut BTreeMap<(String, Side), Backlog>, sessions: &HashMap<String, Sessions>) {
        let mut sums: BTreeMap<(String, Side), (Sessions, u64)> = BTreeMap::new();
        for (backend, told) in &self.backends {
            let Some(sessions) = sessions.get(backend) else { continue };
            let (sum, lines) = sums.entry((told.family.clone(), told.side)).or_default();
            (sum.now, sum.ever) = (sum.now + sessions.now, sum.ever + sessions.ever);
            *lines = told.lines.load(Ordering::Relaxed);
        }
        for ((family, side), (sessions, lines)) in sums {
            let Some(counters) = self.counters.get(&family) else { continue };
            // HAProxy does not say of what kind they are: most are of the most frequent one.
            let meter = self.meter();
            let ever = |class: &Class| meter.family(&family).map_or(0, |series| series.ever(side, *class));
            let class = [Class::Write, Class::Read].into_iter().max_by_key(ever).unwrap_or(Class::Read);
            drop(meter);
            let by_age = backlogs.entry((family, side)).or_default().look(sessions, lines);
            counters.wait_elsewhere(side, class, &by_age);
        }
    }
}

const SILENT: &str = "HAProxy answers and tells nothing of it, so gates hold: print its configuration again with the \
                      --measure of this driver, see that it may open that, and reload it";
const BEHIND: &str = "all that HAProxy tells is old, so gates hold: the clocks of HAProxy and of this driver differ, or this \
                      machine has no time for the driver";

/// Whether HAProxy tells of what it does.
#[derive(Default)]
struct Hearing {
    /// Answers, lines and late lines when there was a line last.
    answered: u64,
    lines: u64,
    late: u64,
    /// Looks in a row in which all lines were late.
    behind: u32,
    trouble: Option<&'static str>,
}

impl Hearing {
    /// Answers without a line that are more than what is on its way.
    const QUIET: u64 = 10;
    /// The same, and worth saying.
    const UNHEARD: u64 = 100;
    /// A driver that starts gets old lines first.
    const BEHIND: u32 = 3;

    /// Another second: whether lines are to be believed.
    fn is_told(&mut self, answered: u64, lines: u64, late: u64) -> bool {
        let before = self.trouble;
        if lines == self.lines && answered >= self.answered && self.answered > 0 {
            let untold = answered - self.answered;
            if untold > Self::UNHEARD {
                self.trouble = Some(SILENT);
            }
            self.say(before);
            return untold <= Self::QUIET;
        }
        let is_behind = lines > self.lines && lines - self.lines == late - self.late;
        self.behind = if is_behind { self.behind + 1 } else { 0 };
        self.trouble = (self.behind >= Self::BEHIND).then_some(BEHIND);
        (self.answered, self.lines, self.late) = (answered, lines, late);
        self.say(before);
        !is_behind
    }

    fn say(&self, before: Option<&'static str>) {
        if let Some(trouble) = self.trouble.filter(|trouble| before != Some(trouble)) {
            tracing::warn!("{trouble}");
        }
    }
}

/// Reads a line with its length before it; false at the end.
async fn framed(stream: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    if (&mut *stream).take(16).read_until(b' ', line).await? == 0 {
        return Ok(false);
    }
    let length = std::str::from_utf8(line).ok().and_then(|text| text.trim_end().parse::<usize>().ok());
    let Some(length) = length.filter(|length| *length <= LONGEST) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line without its length"));
    };
    line.resize(length, 0);
    stream.read_exact(line).await?;
    Ok(true)
}

/// The sessions of every backend.
pub(super) async fn sessions(address: &Address) -> Result<HashMap<String, Sessions>, Trouble> {
    let answer = ask(address, "show stat -1 2 -1").await?;
    Ok(read(&answer))
}

fn read(answer: &str) -> HashMap<String, Sessions> {
    let mut lines = answer.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
    let place = |name: &str| names.iter().position(|one| *one == name);
    let (Some(name), Some(now), Some(ever)) = (place("pxname"), place("scur"), place("stot")) else {
        return HashMap::new();
    };
    let answers: Vec<usize> = (0..names.len()).filter(|place| names[*place].starts_with("hrsp_")).collect();
    let backend = |line: &str| {
        let columns: Vec<&str> = line.split(',').collect();
        let number = |place: usize| columns.get(place)?.parse::<u64>().ok();
        let answered = answers.iter().filter_map(|place| number(*place)).sum();
        Some(((*columns.get(name)?).to_owned(), Sessions { now: number(now)?, ever: number(ever)?, answered }))
    };
    lines.filter_map(backend).collect()
}

#[cfg(test)]
mod tests {
    use super::{Hearing, Sessions, framed, read};

    #[test]
    fn silence_is_noticed_when_there_was_something_to_tell() {
        let mut hearing = Hearing::default();
        let mut look = |answered, lines| {
            let is_told = hearing.is_told(answered, lines, 0);
            (is_told, hearing.trouble.is_some())
        };
        assert_eq!([look(500, 0), look(505, 0)], [(true, false); 2], "lines are on their way");
        assert_eq!([look(511, 0), look(601, 0), look(700, 0)], [(false, false), (false, true), (false, true)]);
        assert_eq!([look(710, 1), look(800, 90), look(800, 90)], [(true, false); 3], "or nobody is answered");
        assert_eq!(look(3, 90), (true, false), "a worker that counts anew");
    }

    #[test]
    fn lines_that_are_all_late_are_noticed_after_those_of_the_start() {
        let mut hearing = Hearing::default();
        let mut look = |lines, late| {
            let is_told = hearing.is_told(lines, lines, late);
            (is_told, hearing.trouble.is_some())
        };
        assert_eq!([look(900, 900), look(1000, 950)], [(false, false), (true, false)]);
        assert_eq!(
            [look(1100, 1050), look(1200, 1150), look(1300, 1250)],
            [(false, false), (false, false), (false, true)]
        );
        assert_eq!(look(1400, 1300), (true, false));
    }

    #[test]
    fn sessions_are_read_by_the_names_of_columns() {
        let answer = "# pxname,svname,scur,stot,hrsp_2xx,hrsp_5xx\nusers_legacy,BACKEND,3,500,490,7\nusers_platform,BACKEND,,,,\n";
        let read = read(answer);
        assert_eq!(read.get("users_legacy"), Some(&Sessions { now: 3, ever: 500, answered: 497 }));
        assert_eq!(read.len(), 1);
    }

    #[tokio::test]
    async fn lines_come_one_by_one_and_what_is_none_ends_them() {
        let mut line = Vec::new();
        let mut two: &[u8] = b"5 a b c3 x y";
        assert!(framed(&mut two, &mut line).await.unwrap() && line == b"a b c");
        assert!(framed(&mut two, &mut line).await.unwrap() && line == b"x y");
        assert!(!framed(&mut two, &mut line).await.unwrap());
        for none in [&b"GET / HTTP/1.1\r\n"[..], b"99999999 x", b"aaaaaaaaaaaaaaaaaaaaaa"] {
            framed(&mut &*none, &mut line).await.unwrap_err();
        }
    }
}
