//! One look at everything that has to stay as it is.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;

use super::beginning::{State, look};
use super::rows;
use crate::backup::check_files;
use crate::run::Cx;
use crate::shift::Gateway;
use crate::{Error, Result, expand, files};

/// How many things of a kind a message names.
const NAMED: usize = 5;
/// Old services are given this many looks, a second apart: a check of theirs may fail once.
const LOOKS: u32 = 15;

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    /// Which check.
    check: String,
    /// What is so.
    fact: String,
    /// What to do about it.
    remedy: String,
}

fn difference(check: &str, fact: impl Into<String>, remedy: &str) -> Difference {
    Difference { check: check.to_owned(), fact: fact.into(), remedy: remedy.to_owned() }
}

/// What the state was at the beginning.
pub(super) fn beginning(cx: &Cx) -> Result<Option<State>> {
    files::read_json(&cx.folder.soak())
}

/// Looks at everything. What is so now, and what is not as it should be.
pub(super) async fn everything(
    cx: &mut Cx,
    gateway: &Gateway,
    before: Option<&State>,
) -> Result<(State, Vec<Difference>)> {
    everybody(gateway).await?;
    let mut found = Vec::new();
    found.extend(way_back(cx, gateway).await?);
    found.extend(backup(cx));
    found.extend(expansion(cx).await?);
    let client = cx.connect(None).await?;
    let (now, alarms) = look(&cx.url, &client, cx.clock.now()).await?;
    let remedy = |text: Option<String>| text.unwrap_or_else(|| "see the server's log".to_owned());
    found.extend(alarms.into_iter().map(|one| difference(one.check, one.fact, &remedy(one.remedy))));
    if let Some(before) = before {
        found.extend(schema(before, &now));
        found.extend(shrunk(before, &now));
        for (check, count) in &now.broken {
            let was = before.broken.get(check).copied().unwrap_or(0);
            if *count > was {
                let named = rows::named(&cx.connect(None).await?, check).await;
                found.push(difference(
                    check,
                    format!("{count} rows break this rule, {was} when the soak began{named}"),
                    "see what `pyairtable-platform cutover preflight` says of it and who wrote them; put them right and \
                     run the same command again, or, if it is meant so, `pyairtable-platform cutover soak --accept WHY`",
                ));
            }
        }
    }
    Ok((now, found))
}

/// Everybody has to be on the new side, and safe there.
async fn everybody(gateway: &Gateway) -> Result<()> {
    let status = gateway.status().await?;
    let frozen = status.families.iter().find(|(_, family)| family.frozen).map(|(name, _)| name.as_str());
    match (status.short_of_everybody(), frozen) {
        (None, None) if !status.families.is_empty() => Ok(()),
        (short, frozen) => {
            let family = short.map(|(name, _)| name).or(frozen).unwrap_or("every family");
            let share = short.map_or_else(|| "frozen".to_owned(), |(_, share)| format!("at {share}"));
            let reason = format!("{family} is {share}, by an order or a gate, and the soak begins anew with the shift");
            Err(Error::Returned { share: "100%".to_owned(), reason })
        }
    }
}

/// The old services have to be warm: a rollback sends everybody there within seconds.
async fn way_back(cx: &mut Cx, gateway: &Gateway) -> Result<Option<Difference>> {
    let mut cold = String::new();
    for _ in 0..LOOKS {
        cold = gateway.status().await?.without_way_back().join(", ");
        if cold.is_empty() {
            return Ok(None);
        }
        cx.wait("an old service does not answer the gateway's checks");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(Some(difference(
        "way-back",
        format!("no old service answers for {cold}: a rollback would have nowhere to go"),
        "start it again and run the same command; old services stay up until the soak is over",
    )))
}

/// The backup is what a full rollback stands on.
fn backup(cx: &Cx) -> Option<Difference> {
    let folder = cx.folder.backup();
    let noted = cx.outcome("backup").and_then(|outcome| outcome["manifest_sha256"].as_str());
    let remedy = "put an undamaged copy in its place; without one, a full rollback is not possible any more";
    match check_files(&folder) {
        Ok((_, sum)) if noted.is_none_or(|noted| noted == sum) => None,
        Ok(_) => {
            let fact = format!("{} is not the backup that this run made", folder.display());
            Some(difference("backup", fact, remedy))
        }
        Err(error) => Some(difference("backup", error.to_string(), remedy)),
    }
}

/// Old services migrate when they start: what was added for both has to be there still.
async fn expansion(cx: &Cx) -> Result<Option<Difference>> {
    let missing = expand::plan(&cx.url).await?;
    let first = missing.first().map(|piece| piece.sql.split_whitespace().take(8).collect::<Vec<_>>().join(" "));
    Ok(first.map(|first| {
        difference(
            "expansion",
            format!("{} statements of the expansion have to be made again, the first: {first}", missing.len()),
            "find out which old service started and changed the schema, keep it from doing so, and run \
             `pyairtable-platform cutover expand`, then the same command again",
        )
    }))
}

fn schema(before: &State, now: &State) -> Option<Difference> {
    let (old, new): (BTreeSet<&String>, BTreeSet<&String>) =
        (before.schema.iter().collect(), now.schema.iter().collect());
    // What an ORM adds harms nobody, unless it has a say in what is written.
    let has_a_say =
        |line: &str| ["trigger ", "rule ", "constraint ", "policy "].iter().any(|kind| line.starts_with(kind));
    let gone: Vec<String> = old.difference(&new).map(|line| format!("gone: {line}")).collect();
    let come: Vec<String> =
        new.difference(&old).filter(|line| has_a_say(line)).map(|line| format!("new: {line}")).collect();
    let all = [gone, come].concat();
    let more = all.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let named = all.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    (!all.is_empty()).then(|| {
        difference(
            "schema",
            format!("the schema is not what it was when the soak began: {named}{more}"),
            "find out who changed it (an old service migrates when it starts), change it back, and run the same command \
             again; if it is meant so, `pyairtable-platform cutover soak --accept WHY`",
        )
    })
}

fn shrunk(before: &State, now: &State) -> Vec<Difference> {
    let fell = |(table, was): (&String, &u64)| {
        let count = now.rows.get(table).copied().unwrap_or(0);
        (count < *was).then(|| {
            difference(
                "rows-kept",
                format!("{table} has {count} rows and had {was} when the soak began: neither side removes any from it"),
                "`pyairtable-platform cutover restore --into NAME` and `cutover verify --against NAME` name the rows; if they \
                 were removed on purpose, `pyairtable-platform cutover soak --accept WHY`",
            )
        })
    };
    before.rows.iter().filter_map(fell).collect()
}

/// All of them as what ends the tool.
pub(super) fn differs(found: &[Difference]) -> Error {
    let facts: Vec<String> = found.iter().map(|one| format!("{}: {}", one.check, one.fact)).collect();
    let remedies: BTreeSet<&str> = found.iter().map(|one| one.remedy.as_str()).collect();
    Error::differs(
        format!("the soak found a difference: {}", facts.join(". Also ")),
        remedies.into_iter().collect::<Vec<_>>().join("; "),
    )
}
