//! Asks the gateway and appends what it says.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gateway::control::history::Entry as Change;
use gateway::control::view::GatesView;
use gateway::counters::{Point, Summary};
use gateway::shadow;
use gateway::split::Share;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ALL, Gateway, Line, Second, read};
use crate::run::Folder;

/// What the gateway is asked for at first, so that charts show what was before.
const BEFORE: u64 = 30;
/// What the gateway keeps.
const KEPT: u64 = 900;
/// From this size on, lines are written once a minute only: about half a day of seconds with five families.
const LARGE: u64 = 64 << 20;
const MINUTE: Duration = Duration::from_mins(1);

/// What the gateway measured of a family at one moment, with what its gates said: part of every decision in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The share in force.
    pub share: Share,
    /// Seconds for which it has been in force.
    #[serde(default)]
    pub share_seconds: u64,
    /// Requests the new side has answered since.
    #[serde(default)]
    pub share_requests: u64,
    /// What the gates said, if there was something to compare.
    #[serde(default)]
    pub gates: Option<GatesView>,
    /// Sums over a minute, by side and class.
    #[serde(default)]
    pub summaries: Vec<Summary>,
}

/// What is read of the gateway's view.
#[derive(Deserialize)]
struct View {
    at: Timestamp,
    families: BTreeMap<String, Family>,
    total: Vec<Point>,
    #[serde(default)]
    changes: Vec<Change>,
    shadow: shadow::Report,
}

#[derive(Deserialize)]
struct Family {
    #[serde(flatten)]
    measured: Measured,
    points: Vec<Point>,
}

/// Records at most once in a while.
pub struct Recorder {
    gateway: Gateway,
    path: PathBuf,
    every: Duration,
    asked: Option<Instant>,
    /// The last second of each family that is in the file.
    seen: BTreeMap<String, Timestamp>,
    changed: Option<Timestamp>,
    size: u64,
    /// Whether the file may end within a line.
    torn: bool,
    measured: BTreeMap<String, Measured>,
}

impl Recorder {
    /// Goes on with the series of the run in `folder`, with a line of each family every so often.
    pub fn of(folder: &Folder, gateway: Gateway, every: Duration) -> Self {
        let path = folder.series();
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let known = read(folder).unwrap_or_default();
        let last = |seconds: &Vec<Second>| seconds.last().map(|second| second.at);
        let seen = known.families.iter().filter_map(|(name, all)| Some((name.clone(), last(all)?))).collect();
        let changed = known.changes.last().map(|change| change.at);
        Self { gateway, path, every, asked: None, seen, changed, size, torn: size > 0, measured: BTreeMap::new() }
    }

    /// Appends what happened since the last time, if it is time. May be called as often as somebody likes.
    pub async fn look(&mut self) {
        let every = if self.size > LARGE { self.every.max(MINUTE) } else { self.every };
        if self.asked.is_none_or(|asked| asked.elapsed() >= every) {
            self.now().await;
        }
    }

    /// The same whether or not it is time.
    pub async fn now(&mut self) {
        let since = self.asked.map_or(BEFORE, |asked| asked.elapsed().as_secs() + 2);
        let since = since.max(self.every.as_secs()).min(KEPT);
        self.asked = Some(Instant::now());
        // What drives another proxy counts nothing and has no such answer.
        if let Some(view) = self.gateway.view(since).await {
            let lines = self.lines(view);
            self.append(&lines);
        }
    }

    /// What the gateway measured when it was asked last, and what it measures now if it answers.
    pub async fn measured(&mut self) -> Value {
        self.now().await;
        serde_json::to_value(&self.measured).unwrap_or_default()
    }

    fn lines(&mut self, view: Value) -> Vec<Line> {
        let Ok(View { at, families, total, changes, shadow }) = serde_json::from_value(view) else { return Vec::new() };
        let mut lines = Vec::new();
        let several = families.len() > 1;
        self.measured.clear();
        for (name, family) in families {
            lines.extend(self.seconds(&name, family.points));
            self.measured.insert(name, family.measured);
        }
        if several {
            lines.extend(self.seconds(ALL, total));
        }
        let is_new = |change: &&Change| self.changed.is_none_or(|known| change.at > known);
        let new: Vec<Change> = changes.iter().rev().filter(is_new).cloned().collect();
        if let Some(last) = new.last() {
            self.changed = Some(last.at);
        }
        if !new.is_empty() && shadow.mode != shadow::Mode::Off {
            lines.push(Line::Shadow { at, report: Box::new(shadow) });
        }
        lines.extend(new.into_iter().map(Line::Change));
        lines
    }

    /// The new ones of these points, as one if there need not be more.
    fn seconds(&mut self, family: &str, points: Vec<Point>) -> Vec<Line> {
        let seen = self.seen.get(family).copied();
        let new = points.into_iter().filter(|point| seen.is_none_or(|seen| point.at > seen));
        let mut new: Vec<Second> = new.map(|point| second(family, point)).collect();
        let Some(last) = new.last() else { return Vec::new() };
        self.seen.insert(family.to_owned(), last.at);
        if self.every >= MINUTE || self.size > LARGE {
            new = super::thin(&new, 1);
        }
        new.into_iter().map(Line::Second).collect()
    }

    fn append(&mut self, lines: &[Line]) {
        let mut text = Vec::new();
        if self.torn {
            text.push(b'\n');
        }
        for line in lines {
            if serde_json::to_writer(&mut text, line).is_ok() {
                text.push(b'\n');
            }
        }
        if lines.is_empty() {
            return;
        }
        self.torn = false;
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path);
        if let Err(error) = file.and_then(|mut file| file.write_all(&text)) {
            tracing::debug!(%error, "the series could not be written");
        }
        self.size += text.len() as u64;
    }
}

fn second(family: &str, point: Point) -> Second {
    let Point { at, millis, share, legacy, platform } = point;
    Second { family: family.to_owned(), at, millis, share, old: legacy.into(), new: platform.into() }
}
