//! What lies between this program and the database: a pooler, and two clocks.

use db::DatabaseUrl;
use jiff::SignedDuration;
use kernel::Clock;

use super::Limits;
use super::session::failed;
use super::verdict::Verdict;
use crate::Result;

const POOLER: &str = "pooler";
const CLOCKS: &str = "clocks";

/// Whether a pooler lends the session out between statements. Two sessions are held at once: if the second one, in a
/// transaction, is given the server process that the first one had, the first one never had it to itself.
pub(super) async fn pooler(url: &DatabaseUrl) -> Result<Verdict> {
    const PID: &str = "SELECT pg_backend_pid()";
    let first = url.connect().await?;
    let second = url.connect().await?;
    let pid = async |client: &tokio_postgres::Client| -> Result<i32, tokio_postgres::Error> {
        let found = client.simple_query(PID).await?;
        let pid = found.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).and_then(|text| text.parse().ok()),
            _ => None,
        });
        Ok(pid.unwrap_or_default())
    };
    let asked = async {
        let before = pid(&first).await?;
        second.batch_execute("BEGIN READ ONLY").await?;
        let other = pid(&second).await?;
        second.batch_execute("COMMIT").await?;
        Ok::<_, tokio_postgres::Error>(before == other)
    };
    Ok(match asked.await {
        Ok(false) => Verdict::ok(POOLER, "a session is a session: none, or one that pools sessions"),
        Ok(true) => Verdict::stop(
            POOLER,
            "a pooler gives each transaction another session: settings, locks and prepared statements get lost",
            "name the server itself in DATABASE_URL, or set pool_mode = session for this database",
        ),
        Err(error) => failed(POOLER, &error),
    })
}

/// How far the database's clock is from this machine's; the time that asking took is the uncertainty.
pub(super) async fn clocks(url: &DatabaseUrl, clock: &dyn Clock, limits: Limits) -> Result<Verdict> {
    let client = url.connect().await?;
    if let Err(error) = client.batch_execute("").await {
        return Ok(failed(CLOCKS, &error));
    }
    let before = clock.now();
    let there: jiff::Timestamp = match client.query_one("SELECT clock_timestamp()", &[]).await {
        Ok(row) => row.get(0),
        Err(error) => return Ok(failed(CLOCKS, &error)),
    };
    let after = clock.now();
    let took = after.duration_since(before);
    let skew = there.duration_since(before + took / 2);
    let sure = skew.abs() - took.abs() / 2;
    let shown = |span: SignedDuration| format!("{:.3} s", span.as_secs_f64());
    if sure > SignedDuration::try_from(limits.skew).unwrap_or(SignedDuration::MAX) {
        return Ok(Verdict::stop(
            CLOCKS,
            format!("the database's clock is {} from this machine's, give or take {}", shown(skew), shown(took / 2)),
            "let both follow NTP (`chronyc tracking`): tokens and locks would expire too early or too late",
        ));
    }
    Ok(Verdict::ok(CLOCKS, format!("within {} of each other", shown(skew.abs() + took / 2))))
}
