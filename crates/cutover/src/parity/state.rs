//! Whether two clones hold the same after a request: every row that either side touched, column by column.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio_postgres::Client;

use super::capture::{self, Touched};
use super::difference::{Found, shown};
use super::ids::{Ids, is_uuid};
use super::noise::{self, Circumstances};
use super::tables::{Values, Watched};
use crate::Result;

/// A row of a table, by its key.
type Key = Vec<String>;

/// A value on both sides.
type Cells = (Option<String>, Option<String>);

/// What is known about the clones so far.
pub(super) struct States {
    pub(super) tables: Vec<Watched>,
    /// Differences that were told, by table, the old side's key and column: they are told once.
    told: BTreeMap<(String, Key, String), Cells>,
    /// The rows as they were when they were compared last, by table and the old side's key.
    seen: BTreeMap<(String, Key), (Values, Values)>,
    /// Rows that one side has alone, which was told too.
    alone: BTreeSet<(String, Key)>,
    /// Rows that were made by either side and stand for each other; those with keys of ids follow from the ids.
    pub(super) touched: BTreeSet<(String, Key)>,
    /// How often which noise was met.
    pub(super) noise: BTreeMap<&'static str, u64>,
    /// How many rows were compared.
    pub(super) rows: u64,
}

/// A row on one side.
struct Row {
    key: Key,
    values: Values,
}

impl States {
    pub(super) fn new(tables: Vec<Watched>) -> Self {
        Self {
            tables,
            told: BTreeMap::new(),
            seen: BTreeMap::new(),
            alone: BTreeSet::new(),
            touched: BTreeSet::new(),
            noise: BTreeMap::new(),
            rows: 0,
        }
    }

    /// What is different in the rows that were touched since the last call.
    pub(super) async fn compare(
        &mut self,
        (old, new): (&Client, &Client),
        ids: &mut Ids,
        of: Circumstances<'_>,
    ) -> Result<Vec<Found>> {
        let (by_old, by_new) = (capture::take(old).await?, capture::take(new).await?);
        let mut found = Vec::new();
        for name in order(&by_old, &by_new) {
            let Some(table) = capture::find(&self.tables, &name).cloned() else { continue };
            let keys = |touched: &[Touched]| -> Vec<Key> {
                touched.iter().filter(|(of, _)| *of == name).map(|(_, key)| key.clone()).collect()
            };
            let (by_old, by_new) = (keys(&by_old), keys(&by_new));
            for key in by_old.iter().chain(&by_new) {
                self.touched.insert((name.clone(), key.clone()));
            }
            let pairs = paired(&table, (old, new), (by_old, by_new), ids).await?;
            for pair in pairs {
                self.rows += 1;
                match pair {
                    (Some(one), Some(other)) => found.extend(self.columns(&table, &one, &other, ids, of)),
                    (Some(one), None) => found.extend(self.lonely(&table, one, "missing", ids)),
                    (None, Some(other)) => found.extend(self.lonely(&table, other, "extra", ids)),
                    (None, None) => {}
                }
            }
        }
        Ok(found)
    }

    /// A row that one side has alone. If both had it before, what the other side changed in it is told as well.
    fn lonely(&mut self, table: &Watched, row: Row, kind: &'static str, ids: &Ids) -> Vec<Found> {
        let key: Key = match kind {
            "extra" => row.key.iter().map(|part| ids.original(part)).collect(),
            _ => row.key.clone(),
        };
        let mut found = Vec::new();
        if let Some((old, new)) = self.seen.get_mut(&(table.name.clone(), key.clone())) {
            let then = if kind == "extra" { new } else { old };
            for (at, (column, _)) in table.columns.iter().enumerate() {
                let (before, now) = (then.get(at).cloned().flatten(), row.values.get(at).cloned().flatten());
                if before != now {
                    let field = format!("{}.{column}", table.name);
                    let (now, gone) = (shown(&field, now.as_deref()), "no row".to_owned());
                    let (old, new) = if kind == "extra" { (gone, now) } else { (now, gone) };
                    found.push(Found { field, kind: "value", key: row.key.clone(), old, new });
                }
            }
            then.clone_from(&row.values);
        }
        if self.alone.insert((table.name.clone(), key)) {
            let (there, gone) = ("a row".to_owned(), "no row".to_owned());
            let (old, new) = if kind == "missing" { (there, gone) } else { (gone, there) };
            found.push(Found { field: table.name.clone(), kind, key: row.key, old, new });
        }
        found
    }

    fn columns(&mut self, table: &Watched, old: &Row, new: &Row, ids: &mut Ids, of: Circumstances<'_>) -> Vec<Found> {
        let mut found = Vec::new();
        let now = (old.values.clone(), new.values.clone());
        let seen = self.seen.insert((table.name.clone(), old.key.clone()), now);
        for (at, (column, kind)) in table.columns.iter().enumerate() {
            let (before, after) = (old.values.get(at).cloned().flatten(), new.values.get(at).cloned().flatten());
            let place = (table.name.clone(), old.key.clone(), column.clone());
            if before.as_deref().map(|text| ids.translated(text)) == after {
                self.told.remove(&place);
                if let Some(text) = &before {
                    ids.know(text);
                }
                continue;
            }
            let told = (before.clone(), after.clone());
            if self.told.insert(place, told.clone()).is_some_and(|before| before == told) {
                continue;
            }
            let field = format!("{}.{column}", table.name);
            let json = kind.starts_with("json");
            let values = before.as_deref().and_then(parsed).zip(after.as_deref().and_then(parsed));
            if let (true, Some((before, after))) = (json, values) {
                let (mut leaves, noise) = (Vec::new(), self.noise.values().sum::<u64>());
                self.leaves(&field, &before, &after, ids, of, &mut leaves);
                // Values that are equal and yet not the same are told as a whole: 1.0 is not 1.00.
                let exact = kind == "json" || !leaves.is_empty() || self.noise.values().sum::<u64>() > noise;
                if exact {
                    found.extend(leaves.into_iter().map(|one| Found { key: old.key.clone(), ..one }));
                    continue;
                }
            }
            // A moment is noise if both sides made it now: not if one of them left what was made a moment ago.
            let made = seen.as_ref().is_none_or(|(old_then, new_then)| {
                (old_then.get(at) != old.values.get(at)) == (new_then.get(at) != new.values.get(at))
            });
            if let (true, Some(before), Some(after)) = (made, &before, &after)
                && self.is_noise(&ids.translated(before), after, of)
            {
                continue;
            }
            let sample = |value: Option<&str>| shown(&field, value);
            let (old_value, new_value) = (sample(before.as_deref()), sample(after.as_deref()));
            found.push(Found {
                field: field.clone(),
                kind: "value",
                key: old.key.clone(),
                old: old_value,
                new: new_value,
            });
        }
        found
    }

    fn is_noise(&mut self, old: &str, new: &str, of: Circumstances<'_>) -> bool {
        let reason = noise::reason(old, new, of);
        if let Some(reason) = reason {
            *self.noise.entry(reason).or_default() += 1;
        }
        reason.is_some()
    }

    /// Two JSON values, down to what is no object and no list.
    fn leaves(
        &mut self,
        path: &str,
        old: &Value,
        new: &Value,
        ids: &Ids,
        of: Circumstances<'_>,
        found: &mut Vec<Found>,
    ) {
        match (old, new) {
            (Value::Object(before), Value::Object(after)) => {
                let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
                for name in names {
                    let inner = format!("{path}.{name}");
                    match (before.get(name), after.get(name)) {
                        (Some(before), Some(after)) => self.leaves(&inner, before, after, ids, of, found),
                        (before @ Some(_), None) => add_to(found, inner, "missing", before, None),
                        (None, after) => add_to(found, inner, "extra", None, after),
                    }
                }
            }
            (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
                for (before, after) in before.iter().zip(after) {
                    self.leaves(&format!("{path}[]"), before, after, ids, of, found);
                }
            }
            (Value::String(before), Value::String(after)) => {
                let before_translated = ids.translated(before);
                if before_translated != *after && !self.is_noise(&before_translated, after, of) {
                    add_to(found, path.to_owned(), "value", Some(old), Some(new));
                }
            }
            _ if old == new => {}
            _ => add_to(found, path.to_owned(), "value", Some(old), Some(new)),
        }
    }
}

fn add_to(found: &mut Vec<Found>, field: String, kind: &'static str, old: Option<&Value>, new: Option<&Value>) {
    let sample = |value: Option<&Value>| {
        value.map_or_else(|| "nothing".to_owned(), |value| shown(&field, Some(&value.to_string())))
    };
    let (old, new) = (sample(old), sample(new));
    found.push(Found { field, kind, key: Vec::new(), old, new });
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// Tables in the order in which they were touched, so that what is made first gives its id to what is made of it.
fn order(old: &[Touched], new: &[Touched]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (name, _) in old.iter().chain(new) {
        if !all.contains(name) {
            all.push(name.clone());
        }
    }
    all
}

type Pair = (Option<Row>, Option<Row>);

/// The rows of both sides that stand for each other.
async fn paired(
    table: &Watched,
    (old, new): (&Client, &Client),
    (by_old, by_new): (Vec<Key>, Vec<Key>),
    ids: &mut Ids,
) -> Result<Vec<Pair>> {
    let (mut pairs, mut of_old, mut of_new) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = by_new;
    for key in by_old {
        let there: Key = key.iter().map(|part| ids.translated(part)).collect();
        rest.retain(|other| *other != there);
        let values = table.row(old, &key).await?;
        let other = table.row(new, &there).await?;
        match (values, other) {
            (Some(values), None) => of_old.push(Row { key, values }),
            (None, Some(values)) => of_new.push(Row { key: there, values }),
            (None, None) => {}
            (Some(values), Some(other)) => {
                pairs.push((Some(Row { key, values }), Some(Row { key: there, values: other })));
            }
        }
    }
    for key in rest {
        let values = table.row(new, &key).await?;
        // Only this side touched it; the other side has it as it was, or not at all.
        let there: Key = key.iter().map(|part| ids.original(part)).collect();
        let other = table.row(old, &there).await?;
        match (other, values) {
            (Some(other), Some(values)) => {
                pairs.push((Some(Row { key: there, values: other }), Some(Row { key, values })));
            }
            (None, Some(values)) => of_new.push(Row { key, values }),
            (Some(other), None) => of_old.push(Row { key: there, values: other }),
            (None, None) => {}
        }
    }
    // What both made has ids of its own on each side: rows that are most alike belong together.
    for row in of_old {
        let fresh = key_is_fresh(&row.key, ids);
        let best = of_new
            .iter()
            .enumerate()
            .map(|(at, other)| (likeness(table, &row, other, ids), at))
            .max_by_key(|(like, at)| (*like, usize::MAX - at));
        match best {
            Some((_, at)) if fresh => {
                let other = of_new.remove(at);
                learn(&row, &other, ids);
                pairs.push((Some(row), Some(other)));
            }
            _ => pairs.push((Some(row), None)),
        }
    }
    pairs.extend(of_new.into_iter().map(|row| (None, Some(row))));
    Ok(pairs)
}

/// Whether the row's key holds an id that nobody knows yet: only then may it have another one on the other side.
fn key_is_fresh(key: &Key, ids: &Ids) -> bool {
    key.iter().any(|part| is_uuid(part) && !ids.has(part))
}

/// How many columns mean the same.
fn likeness(table: &Watched, old: &Row, new: &Row, ids: &Ids) -> usize {
    let same = |at: &usize| {
        let (old, new) = (old.values.get(*at).cloned().flatten(), new.values.get(*at).cloned().flatten());
        old.map(|text| ids.translated(&text)) == new
    };
    (0..table.columns.len()).filter(same).count()
}

/// Ids in the same columns of two rows that were made just now.
fn learn(old: &Row, new: &Row, ids: &mut Ids) {
    for (old, new) in old.key.iter().zip(&new.key) {
        if is_uuid(old) && is_uuid(new) {
            ids.learn(old, new);
        }
    }
    for (old, new) in old.values.iter().zip(&new.values) {
        if let (Some(old), Some(new)) = (old, new)
            && is_uuid(old)
            && is_uuid(new)
        {
            ids.learn(old, new);
        }
    }
}
