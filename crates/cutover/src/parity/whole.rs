//! The last look: whole tables by digests. Whatever changed without a request being seen to touch it, through a trigger
//! that was switched off or a table without a key, shows here.

use std::collections::BTreeSet;

use super::clones::Clones;
use super::scene::Side;
use super::state::States;
use crate::Result;
use crate::backup::{Manifest, compare};
use crate::digest::How;

/// More rows of a table than a replay can touch.
const MOST: usize = 100_000;

/// Rows that differ between the clones and were not seen being touched.
pub(super) async fn unseen(clones: &Clones, manifest: &Manifest, states: &States) -> Result<Vec<String>> {
    let (old, new) = (clones.url(Side::Old).connect().await?, clones.url(Side::New).connect().await?);
    let mut all = BTreeSet::new();
    // A chunk is looked into if it differs from the backup on the side that is measured, so both are.
    for (one, other) in [(&new, &old), (&old, &new)] {
        let verdict = compare(one, manifest, Some(other), MOST).await?;
        for row in verdict.tables.iter().flat_map(|table| &table.rows) {
            let name = row.table.clone();
            let own = super::tables::OWN_TABLES.iter().any(|own| name.ends_with(&format!(".{own}")));
            if own || states.touched.contains(&(name.clone(), row.key.clone())) {
                continue;
            }
            let how = match &row.how {
                How::Changed(columns) => format!("{} differ", columns.join(", ")),
                How::Missing | How::Extra => "is on one side only".to_owned(),
            };
            let key = if row.key.is_empty() { "a row without a key".to_owned() } else { row.key.join(", ") };
            all.insert(format!("{name} {key}: {how}"));
        }
    }
    Ok(all.into_iter().collect())
}
