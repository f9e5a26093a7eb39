//! Sessions that only look.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use db::DatabaseUrl;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::Limits;
use super::verdict::Verdict;
use crate::discover::SHARED;
use crate::{Error, Result};

/// Nothing is asked in less.
const LEAST: Duration = Duration::from_millis(50);

/// A check that is one query: what it returns is the alarm, and no row or NULL says that all is well.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) check: &'static str,
    /// Whether an alarm stands in the way.
    pub(super) stops: bool,
    /// `shared (name, oid)` holds the tables of old services that are in sight; `$limit` what the check allows. What is compared
    /// ends in `$text`, and is compared as text where the first two columns of `needs` are of different types.
    /// `$alien(table.column)` is true where that column holds no uuid, which one of that type never does.
    pub(super) sql: &'static str,
    /// Columns without which there is nothing to look at, as `table.column`.
    pub(super) needs: &'static [&'static str],
    /// What to say when all is well.
    pub(super) fine: &'static str,
    pub(super) remedy: &'static str,
}

/// A read-only transaction in which one failed query spoils no other.
pub(super) struct Session {
    client: Client,
    limits: Limits,
    /// By their names, as `table.column`, the names of their types.
    columns: BTreeMap<String, String>,
    /// When there is no time left for queries.
    until: Option<Instant>,
}

impl Session {
    pub(super) async fn open(url: &DatabaseUrl, limits: Limits) -> Result<Self> {
        let client = url.connect().await?;
        // Work of several processes at once is for those who serve.
        let begin = "SET application_name = 'pyairtable-cutover preflight';
            SET lock_timeout = '100ms'; SET idle_in_transaction_session_timeout = '60s';
            SET max_parallel_workers_per_gather = 0; SET statement_timeout = 0;
            BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
        client.batch_execute(begin).await.map_err(Error::sql("beginning to read"))?;
        let mut session = Self { client, limits, columns: BTreeMap::new(), until: None };
        let sql = "SELECT name || '.' || a.attname, format_type(a.atttypid, NULL)
            FROM shared JOIN pg_attribute a ON a.attrelid = shared.oid WHERE a.attnum > 0 AND NOT a.attisdropped";
        let rows = session.rows(sql, &[]).await.map_err(Error::sql("reading columns"))?;
        session.columns = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(session)
    }

    /// Whether the shared tables have these columns, named `table.column`.
    pub(super) fn has(&self, columns: &[&str]) -> bool {
        columns.iter().all(|&column| self.columns.contains_key(column))
    }

    /// What a column is, if it is there.
    fn type_of(&self, column: &str) -> Option<&str> {
        self.columns.get(column).map(String::as_str)
    }

    pub(super) async fn rows(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, tokio_postgres::Error> {
        let sql = if sql.contains("shared") {
            let names = SHARED.iter().map(|name| format!("('{name}')")).collect::<Vec<_>>().join(", ");
            format!(
                "WITH shared AS (SELECT name, to_regclass(name)::oid AS oid FROM (VALUES {names}) AS names (name)
                    WHERE to_regclass(name) IS NOT NULL) {sql}"
            )
        } else {
            sql.to_owned()
        };
        let limit = self.left().map_or(0, |left| left.max(LEAST).as_millis());
        self.client.batch_execute("SAVEPOINT look").await?;
        let asked = match self.client.batch_execute(&format!("SET LOCAL statement_timeout = {limit}")).await {
            Ok(()) => self.client.query(&sql, values).await,
            Err(error) => Err(error),
        };
        // Also where all is well: what is left of the time does not count for what follows.
        self.client.batch_execute("ROLLBACK TO look; RELEASE look").await?;
        asked
    }

    /// The first value as text.
    pub(super) async fn text(&self, sql: &str) -> Result<Option<String>, tokio_postgres::Error> {
        let rows = self.rows(sql, &[]).await?;
        Ok(rows.first().and_then(|row| row.get(0)))
    }

    /// Takes memory for hashes of whole tables, which is quicker than sorting them on disk; what an index sorts may be merged.
    pub(super) async fn has_room(&self) -> Result<()> {
        let sql = "SET LOCAL work_mem = '128MB'; SET LOCAL hash_mem_multiplier = 1; SET LOCAL enable_sort = off;
            SET LOCAL jit = off";
        self.client.batch_execute(sql).await.map_err(Error::sql("taking memory"))
    }

    /// Gives all later queries together the time until then.
    pub(super) fn hurry(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    fn left(&self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    pub(super) async fn look(&self, look: &Look) -> Verdict {
        if !self.has(look.needs) {
            return Verdict::ok(look.check, format!("nothing to look at: no {}", look.needs.join(" or ")));
        }
        if self.left().is_some_and(|left| left < LEAST) {
            return uncounted(look.check);
        }
        let types = [0, 1].map(|at| look.needs.get(at).and_then(|column| self.type_of(column)));
        let as_text = if types[0] == types[1] { "" } else { "::text" };
        let sql = look.sql.replace("$limit", &self.limits.of(look.check)).replace("$text", as_text);
        let sql = self.aliens(&sql);
        match self.text(&sql).await {
            Ok(None) => Verdict::ok(look.check, look.fine),
            Ok(Some(fact)) if look.stops => Verdict::stop(look.check, fact, look.remedy),
            Ok(Some(fact)) => Verdict::warn(look.check, fact, look.remedy),
            Err(error) => failed(look.check, &error),
        }
    }

    /// Puts in what `$alien` stands for.
    fn aliens(&self, sql: &str) -> String {
        let mut parts = sql.split("$alien(");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (column, rest) = part.split_once(')').unwrap_or((part, ""));
            if self.type_of(column) == Some("uuid") {
                whole.push_str("false");
            } else {
                // A regular expression of the whole form takes four times as long.
                let _ = write!(
                    whole,
                    "NOT ({column}::text LIKE '________-____-____-____-____________' \
                     AND octet_length(replace({column}::text, '-', '')) = 32 \
                     AND {column}::text COLLATE \"C\" !~ '[^0-9a-fA-F-]')"
                );
            }
            whole.push_str(rest);
        }
        whole
    }

    /// Proof that it only looked.
    pub(super) async fn only_read(&self) -> Verdict {
        const CHECK: &str = "only-reads";
        let sql = "SELECT concat_ws(', ', 'transaction ' || pg_current_xact_id_if_assigned()::text,
                (SELECT nullif('locks ' || string_agg(DISTINCT mode, ' '), 'locks ') FROM pg_locks
                    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode <> 'AccessShareLock'))";
        match self.text(sql).await.map(Option::unwrap_or_default) {
            Ok(none) if none.is_empty() => Verdict::ok(CHECK, "nothing was written and nothing locked but for reading"),
            Ok(found) => Verdict::stop(CHECK, format!("looking took {found}"), "report this as a defect"),
            Err(error) => failed(CHECK, &error),
        }
    }
}

fn uncounted(check: &'static str) -> Verdict {
    Verdict::warn(
        check,
        "not counted in the time there is",
        "run `pyairtable-platform cutover preflight --thorough`, which takes its time",
    )
}

pub(super) fn failed(check: &'static str, error: &tokio_postgres::Error) -> Verdict {
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => uncounted(check),
        Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Verdict::warn(
            check,
            format!("could not be looked at: {}", words(error)),
            "run it as the role that owns the tables",
        ),
        Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            Verdict::warn(check, "somebody holds a lock that stops all readers", "see lock-waiters, and run it again")
        }
        _ => Verdict::stop(check, format!("could not be looked at: {}", words(error)), "see the server's log"),
    }
}

fn words(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned())
}
