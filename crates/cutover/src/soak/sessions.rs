//! Who else is connected: sessions that are neither this program's nor a known tool's, and when each was seen last.
//!
//! A look finds whoever is connected at that moment. Services keep their connections, so one look a minute, or one an
//! hour from a timer, finds them; a program that connects for a second between two looks is not found.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::discover::Discovery;
use crate::run::{Call, Cx};
use crate::{Error, Result, files};

/// How often somebody looks who waits anyway.
pub(super) const EVERY: SignedDuration = SignedDuration::from_secs(60);
/// Nobody knows what was in a longer time without a look.
const GAP: SignedDuration = SignedDuration::from_secs(2 * 3600);

/// Programs of operators. Services do not call themselves so.
const TOOLS: &[&str] = &[
    "psql",
    "pgAdmin",
    "DBeaver",
    "DataGrip",
    "pg_dump",
    "pg_restore",
    "pg_basebackup",
    "pgbackrest",
    "postgres_exporter",
    "pg_activity",
    "pgcli",
];

/// All others of this database, a row for those that look the same.
const SQL: &str = "SELECT coalesce(application_name, ''), usename::text,
        coalesce(pg_catalog.host(client_addr), 'a local socket'), count(*), min(backend_start), max(state_change)
    FROM pg_catalog.pg_stat_activity
    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND usename IS NOT NULL
    AND coalesce(backend_type, 'client backend') = 'client backend'
    AND coalesce(application_name, '') !~ '^pyairtable-(platform|cutover)'
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

/// Sessions that look the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What the program calls itself.
    pub application: String,
    /// As whom.
    pub role: String,
    /// From where.
    pub address: String,
    /// Whether it was connected when the run began.
    pub known: bool,
    /// How many there were at the last look that found any.
    pub sessions: u64,
    /// Since when the oldest of them was connected.
    pub connected_at: Option<Timestamp>,
    /// When one of them began or ended a statement last.
    pub active_at: Option<Timestamp>,
    /// The last look that found any.
    pub last: Timestamp,
}

impl Seen {
    /// `(no name) as postgres from 10.0.0.7, connected since ...`
    pub fn words(&self) -> String {
        let name = if self.application.is_empty() { "(no name)" } else { &self.application };
        let since = self.connected_at.map(|at| format!(", connected since {at:.0}")).unwrap_or_default();
        let known = if self.known { ", as when the run began" } else { "" };
        format!("{name} as {} from {}{since}{known}", self.role, self.address)
    }
}

/// Everything that looks have found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings {
    /// Since when nobody went without a look for too long.
    pub watched_from: Timestamp,
    /// The last look.
    pub looked_at: Timestamp,
    /// Who was seen.
    pub seen: Vec<Seen>,
}

impl Sightings {
    /// What looks of this run have found so far.
    pub fn read(folder: &crate::run::Folder) -> Result<Option<Self>> {
        files::read_json(&folder.sessions())
    }

    /// Those that count, the last first: all but programs that somebody vouched for.
    fn others<'a>(&'a self, vouched: &'a [String]) -> impl Iterator<Item = &'a Seen> {
        self.seen.iter().filter(move |seen| seen.application.is_empty() || !vouched.contains(&seen.application))
    }

    /// Who is connected now.
    pub fn connected<'a>(&'a self, vouched: &'a [String]) -> Option<&'a Seen> {
        self.others(vouched).find(|seen| seen.last == self.looked_at)
    }

    /// Who was seen last.
    pub fn last<'a>(&'a self, vouched: &'a [String]) -> Option<&'a Seen> {
        self.others(vouched).max_by_key(|seen| seen.last)
    }

    /// Since when it is known that nobody was there.
    pub fn quiet_since(&self, vouched: &[String]) -> Timestamp {
        self.last(vouched).map_or(self.watched_from, |seen| seen.last.max(self.watched_from))
    }

    fn add(before: Option<Self>, found: Vec<Seen>, now: Timestamp) -> Self {
        let unbroken = |before: &Self| now >= before.looked_at && now.duration_since(before.looked_at) <= GAP;
        let watched_from = before.as_ref().filter(|before| unbroken(before)).map_or(now, |before| before.watched_from);
        let mut seen = before.map(|before| before.seen).unwrap_or_default();
        let same = |a: &Seen, b: &Seen| (&a.application, &a.role, &a.address) == (&b.application, &b.role, &b.address);
        seen.retain(|old| !found.iter().any(|new| same(old, new)));
        seen.extend(found);
        Self { watched_from, looked_at: now, seen }
    }
}

/// Looks, if the last look is old enough.
pub(super) async fn look_if_due(cx: &mut Cx) -> Result<Sightings> {
    let now = cx.clock.now();
    match Sightings::read(&cx.folder)? {
        Some(before) if now >= before.looked_at && now.duration_since(before.looked_at) < EVERY => Ok(before),
        _ => look(cx).await,
    }
}

/// Looks, and keeps what was found in the run's folder.
pub(super) async fn look(cx: &mut Cx) -> Result<Sightings> {
    let client = cx.connect(None).await?;
    let rows = client.query(SQL, &[]).await.map_err(Error::sql("reading the sessions"))?;
    let now = cx.clock.now();
    let discovered = Discovery::read(&cx.folder).map(|found| found.sessions).unwrap_or_default();
    let mut found = Vec::new();
    for row in &rows {
        let (application, role, address): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        if TOOLS.iter().any(|tool| application.starts_with(tool)) {
            continue;
        }
        let known = discovered.iter().any(|one| one.application == application && one.role == role);
        let sessions = row.get::<_, i64>(3).unsigned_abs();
        let (connected_at, active_at) = (row.get(4), row.get(5));
        found.push(Seen { application, role, address, known, sessions, connected_at, active_at, last: now });
    }
    let path = cx.folder.sessions();
    let before = Sightings::read(&cx.folder)?;
    let first = before.is_none();
    let sightings = Sightings::add(before, found, now);
    if first {
        // Every minute for two days would be most of the journal.
        cx.call(Call::Write(path.display().to_string())).await?;
    }
    files::replace_json(&path, &sightings)?;
    Ok(sightings)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{GAP, Seen, Sightings};

    fn seen(application: &str, last: Timestamp) -> Seen {
        Seen {
            application: application.to_owned(),
            role: "app".to_owned(),
            address: "10.0.0.1".to_owned(),
            known: false,
            sessions: 1,
            connected_at: None,
            active_at: None,
            last,
        }
    }

    #[test]
    fn time_without_looks_does_not_count_as_quiet() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let at = |minutes| start + SignedDuration::from_mins(minutes);
        let first = Sightings::add(None, vec![seen("old", at(0))], at(0));
        assert_eq!(first.connected(&[]).unwrap().application, "old");
        assert!(first.connected(&["old".to_owned()]).is_none(), "somebody vouched for it");
        let second = Sightings::add(Some(first), vec![], at(60));
        assert!(second.connected(&[]).is_none());
        assert_eq!(second.quiet_since(&[]), at(0));
        let third = Sightings::add(Some(second.clone()), vec![], at(60) + GAP);
        assert_eq!(third.quiet_since(&[]), at(0));
        let late = at(60) + GAP + SignedDuration::from_secs(1);
        assert_eq!(Sightings::add(Some(second.clone()), vec![], late).quiet_since(&[]), late, "nobody looked");
        // A clock that was set back knows nothing either.
        assert_eq!(Sightings::add(Some(second), vec![], at(-5)).watched_from, at(-5));
    }
}
