//! The checks that are asked again while both sides may write, with their counts.

use std::collections::BTreeMap;

use db::DatabaseUrl;

use super::session::Session;
use super::verdict::{Severity, Verdict};
use super::{Limits, data, schema, sequences};
use crate::Result;

/// What comes and goes by itself: a job of this program makes the missing rows each hour (T-53).
const FLEETING: &str = "people-without-tenant";

/// What was found.
pub(crate) struct Again {
    /// How many rows each check of the data counts.
    pub(crate) counts: BTreeMap<String, u64>,
    /// What is wrong whatever it was before.
    pub(crate) alarms: Vec<Verdict>,
}

/// Looks. Takes no lock but that of reading, and as long as it takes.
pub(crate) async fn again(url: &DatabaseUrl) -> Result<Again> {
    let session = Session::open(url, Limits::default()).await?;
    session.has_room().await?;
    let mut found = Again { counts: BTreeMap::new(), alarms: Vec::new() };
    for look in data::LOOKS.iter().filter(|look| look.check != FLEETING) {
        let verdict = session.look(look).await;
        match (verdict.severity, leading(&verdict.fact)) {
            (Severity::Ok, _) => _ = found.counts.insert(look.check.to_owned(), 0),
            (_, Some(count)) => _ = found.counts.insert(look.check.to_owned(), count),
            // Not a count, but why there is none.
            (_, None) => found.alarms.push(verdict),
        }
    }
    let indexes = schema::LOOKS.iter().filter(|look| look.check == "invalid-indexes");
    for look in indexes {
        found.alarms.push(session.look(look).await);
    }
    found.alarms.push(sequences::check(&session).await);
    found.alarms.retain(|verdict| verdict.severity != Severity::Ok);
    Ok(found)
}

/// The number that a fact begins with.
fn leading(fact: &str) -> Option<u64> {
    fact.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{FLEETING, leading};
    use crate::preflight::data::LOOKS;

    #[test]
    fn every_check_of_the_data_begins_with_its_count() {
        assert!(LOOKS.iter().any(|look| look.check == FLEETING));
        for look in LOOKS {
            let sql = look.sql.trim_start();
            let counts = ["SELECT sum(", "SELECT count(*) ||", "SELECT format('%s "];
            assert!(counts.iter().any(|begin| sql.starts_with(begin)), "{}", look.check);
        }
        assert_eq!((leading("12 rows"), leading("could not be looked at")), (Some(12), None));
    }
}
