//! Rows of `tenants`, where there is such a table. One tenant in seven has none (T-53), some are suspended or deleted.

use serde_json::json;

use super::copy::flag;
use super::{Dice, Plan, Table, Tenant, open, past};
use crate::legacy::fault::Fault;
use crate::legacy::layouts::{Layout, Places};

pub(super) async fn fill(
    layout: Layout,
    places: &Places,
    plan: Plan,
    dice: &mut Dice,
    tenants: &[Tenant],
) -> Result<usize, Fault> {
    let drafted = layout == Layout::DraftTenants;
    let mut table = Table::new(
        "tenants",
        if drafted {
            "id, name, slug, domain, plan, is_active, settings, subscription, created_at, updated_at"
        } else {
            "id, name, slug, domain, plan, is_active, settings, subscription, created_at, updated_at, status, deleted_at"
        },
    );
    for (number, tenant) in tenants.iter().enumerate() {
        if dice.chance(140) {
            continue;
        }
        let (suspended, deleted) = (dice.chance(60), dice.chance(30));
        let created = past(plan, dice).to_string();
        let (name, slug) = (format!("{} {number}", dice.pick(&NAMES)), format!("tenant-{number}"));
        let domain = format!("t{number}.example.com");
        let domain = dice.or_null(700, domain.as_str());
        let plan_name = dice.one(&["free", "free", "free", "starter", "professional", "enterprise"]);
        let subscription = json!({ "status": dice.pick(&["trial", "active", "past_due", "expired"]) }).to_string();
        // The drafted columns may be NULL.
        let settings = if drafted { dice.or_null(100, "{}") } else { Some("{}") };
        let status = match () {
            () if deleted => "deleted",
            () if suspended => "suspended",
            () => "active",
        };
        let values = [
            Some(tenant.id.as_str()),
            Some(&name),
            Some(&slug),
            domain,
            Some(plan_name),
            Some(flag(!suspended && !deleted)),
            settings,
            Some(&subscription),
            Some(&created),
            Some(&created),
            Some(status),
            deleted.then_some(created.as_str()),
        ];
        table.row(if drafted { &values[..10] } else { &values });
    }
    table.send(&open(&places.tenants).await?).await
}

const NAMES: [&str; 6] = ["Acme", "Łódź Works", "O'Neil & Sons", "Møller", "株式会社", "Initech"];
