//! Rows as the old services left them over the years, for any layout and of any number. The same seed gives the same rows.

mod copy;
mod dice;
mod hashes;
mod people;
mod tenants;
mod workspaces;

use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Client;

use self::copy::Table;
use self::dice::Dice;
pub use self::hashes::{MALFORMED, PASSWORDS};
use super::fault::Fault;
use super::layouts::{Layout, Place, Places, connect};

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many people; everything else follows from that.
    pub people: u32,
    /// Where randomness starts.
    pub seed: u64,
    /// The newest time in any row.
    pub now: Timestamp,
}

/// How many rows were made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows of `tenants`; there are more tenants than that.
    pub tenants: usize,
    /// Rows of auth-service's `users`.
    pub people: usize,
    /// Rows of `user_profiles`.
    pub profiles: usize,
    /// Rows of `workspaces`.
    pub workspaces: usize,
    /// Rows of `workspace_members`.
    pub members: usize,
    /// Rows of `projects`.
    pub projects: usize,
    /// Rows of `airtable_bases`.
    pub bases: usize,
    /// Rows of `workspace_audit_logs`.
    pub audit_logs: usize,
}

/// A tenant of the old world: an id that people and workspaces carry, with or without a row.
struct Tenant {
    id: String,
    people: Vec<String>,
}

/// Fills the tables of a layout, as the log-in role of its databases.
pub async fn fill(layout: Layout, places: &Places, plan: Plan) -> Result<Counts, Fault> {
    let mut dice = Dice::new(plan.seed);
    let mut tenants: Vec<Tenant> =
        (0..(plan.people / 8).max(1)).map(|_| Tenant { id: dice.uuid(), people: Vec::new() }).collect();
    let mut counts = Counts::default();
    if layout.has_tenants() {
        counts.tenants = tenants::fill(layout, places, plan, &mut dice, &tenants).await?;
    }
    (counts.people, counts.profiles) = people::fill(layout, places, plan, &mut dice, &mut tenants).await?;
    workspaces::fill(layout, places, plan, &mut dice, &tenants, &mut counts).await?;
    Ok(counts)
}

/// A connection to a service's database, looking where the service looks.
async fn open(place: &Place) -> Result<Client, Fault> {
    let client = connect(&place.config).await?;
    if let Some(path) = place.search_path {
        client.batch_execute(&format!("SET search_path = {path}")).await?;
    }
    Ok(client)
}

/// Some time of the two years before the plan's.
fn past(plan: Plan, dice: &mut Dice) -> Timestamp {
    let seconds = i64::from(dice.below(2 * 365 * 24 * 3600));
    let micros = i64::from(dice.below(1_000_000));
    plan.now - SignedDuration::from_secs(seconds) - SignedDuration::from_micros(micros)
}

/// How a time looks in a column without a zone: as the sessions of the layout saw it (T-51).
fn local(layout: Layout, at: Timestamp) -> String {
    let hours = if layout == Layout::Tokyo { 9 } else { 0 };
    // COPY drops the zone for a column that has none, and heeds it for one that has.
    (at + SignedDuration::from_hours(hours)).to_string()
}
