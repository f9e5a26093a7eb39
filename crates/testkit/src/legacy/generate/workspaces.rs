//! Workspaces with members, projects, bases and their log. At most ten of a tenant live (T-48); some names are taken
//! twice (T-49); where no constraint forbids it, roles are odd and owners missing.

use serde_json::json;

use super::copy::flag;
use super::{Counts, Dice, Plan, Table, Tenant, local, open, past};
use crate::legacy::fault::Fault;
use crate::legacy::layouts::{Layout, Places};

struct Tables {
    layout: Layout,
    plan: Plan,
    workspaces: Table,
    members: Table,
    projects: Table,
    bases: Table,
    logs: Table,
}

const WORKSPACE: &str = "id, tenant_id, name, description, settings, created_by, created_at, updated_at, deleted_at";
const PROJECT: &str =
    "id, workspace_id, name, description, status, settings, created_by, created_at, updated_at, deleted_at";
const BASE: &str =
    "id, project_id, base_id, name, description, sync_enabled, last_sync_at, created_at, updated_at, deleted_at";
const LOG: &str = "id, workspace_id, user_id, action, resource_type, resource_id, changes, created_at";

pub(super) async fn fill(
    layout: Layout,
    places: &Places,
    plan: Plan,
    dice: &mut Dice,
    tenants: &[Tenant],
    counts: &mut Counts,
) -> Result<(), Fault> {
    let mut tables = Tables {
        layout,
        plan,
        workspaces: Table::new("workspaces", WORKSPACE),
        members: Table::new("workspace_members", "workspace_id, user_id, role, joined_at"),
        projects: Table::new("projects", PROJECT),
        bases: Table::new("airtable_bases", BASE),
        logs: Table::new("workspace_audit_logs", LOG),
    };
    for tenant in tenants.iter().filter(|tenant| !tenant.people.is_empty()) {
        for number in 0..dice.below(6) {
            tables.workspace(dice, tenant, number);
        }
    }
    let client = open(&places.workspaces).await?;
    counts.workspaces = tables.workspaces.send(&client).await?;
    counts.members = tables.members.send(&client).await?;
    counts.projects = tables.projects.send(&client).await?;
    counts.bases = tables.bases.send(&client).await?;
    counts.audit_logs = tables.logs.send(&client).await?;
    Ok(())
}

/// What parent and child have in common.
struct Row {
    id: String,
    at: String,
    deleted: Option<String>,
}

impl Tables {
    fn made(&self, dice: &mut Dice, deleted: bool) -> Row {
        let at = local(self.layout, past(self.plan, dice));
        Row { id: dice.uuid(), deleted: deleted.then(|| at.clone()), at }
    }

    /// The ORM's columns may be NULL, the script's may not.
    fn settings(&self, dice: &mut Dice) -> Option<&'static str> {
        let settings = dice.one(&["{}", "{\"theme\": \"dark\", \"n\": 1.50}"]);
        if self.layout.has_triggers() { Some(settings) } else { dice.or_null(100, settings) }
    }

    fn workspace(&mut self, dice: &mut Dice, tenant: &Tenant, number: u32) {
        let deleted = dice.chance(120);
        let row = self.made(dice, deleted);
        let taken = number > 0 && dice.chance(20);
        let name = format!("Workspace {}", if taken { number - 1 } else { number });
        let owner = dice.pick(&tenant.people).clone();
        let settings = self.settings(dice);
        self.workspaces.row(&[
            Some(&row.id),
            Some(&tenant.id),
            Some(&name),
            dice.or_null(200, "Plans, notes\tand \\ so on"),
            settings,
            Some(&owner),
            dice.or_null(10, row.at.as_str()),
            dice.or_null(10, row.at.as_str()),
            row.deleted.as_deref(),
        ]);
        let created = json!({ "name": name, "description": "", "tenant_id": tenant.id }).to_string();
        self.log(dice, &row, &owner, ["workspace.created", "workspace", &row.id], Some(&created));
        self.members(dice, tenant, &row, &owner);
        for number in 0..dice.below(4) {
            self.project(dice, &row, &owner, number, deleted);
        }
        if deleted {
            self.log(dice, &row, &owner, ["workspace.deleted", "workspace", &row.id], None);
        }
    }

    fn members(&mut self, dice: &mut Dice, tenant: &Tenant, workspace: &Row, owner: &str) {
        let loose = !self.layout.has_triggers();
        if !(loose && dice.chance(10)) {
            self.members.row(&[Some(&workspace.id), Some(owner), Some("owner"), dice.or_null(10, &workspace.at)]);
        }
        let mut known = vec![owner.to_owned()];
        for _ in 0..dice.below(5) {
            // Nobody ever checked that the person exists.
            let user = if dice.chance(20) { dice.uuid() } else { dice.pick(&tenant.people).clone() };
            if known.contains(&user) {
                continue;
            }
            let odd = loose && dice.chance(10);
            let role = if odd { "editor" } else { dice.one(&["owner", "admin", "member", "member", "viewer"]) };
            self.members.row(&[Some(&workspace.id), Some(&user), Some(role), dice.or_null(10, &workspace.at)]);
            let added = json!({ "user_id": user, "role": role }).to_string();
            self.log(dice, workspace, owner, ["member.added", "workspace_member", &user], Some(&added));
            known.push(user);
        }
    }

    fn project(&mut self, dice: &mut Dice, workspace: &Row, owner: &str, number: u32, gone: bool) {
        let deleted = gone || dice.chance(150);
        let row = self.made(dice, deleted);
        let settings = self.settings(dice);
        self.projects.row(&[
            Some(&row.id),
            Some(&workspace.id),
            Some(&format!("Project {number}")),
            dice.or_null(200, "A project"),
            Some(dice.one(&["active", "active", "active", "archived"])),
            settings,
            Some(owner),
            dice.or_null(10, row.at.as_str()),
            dice.or_null(10, row.at.as_str()),
            row.deleted.as_deref(),
        ]);
        for number in 0..dice.below(3) {
            self.base(dice, &row, number, deleted);
        }
        let created = json!({ "name": number, "workspace_id": workspace.id }).to_string();
        self.log(dice, workspace, owner, ["project.created", "project", &row.id], Some(&created));
    }

    fn base(&mut self, dice: &mut Dice, project: &Row, number: u32, gone: bool) {
        let deleted = gone || dice.chance(100);
        let row = self.made(dice, deleted);
        let sync = flag(dice.chance(900));
        self.bases.row(&[
            Some(&row.id),
            Some(&project.id),
            Some(&format!("app{number:014}")),
            Some(&format!("Base {number}")),
            dice.or_null(300, "A base"),
            dice.or_null(20, sync),
            dice.or_null(500, row.at.as_str()),
            dice.or_null(10, row.at.as_str()),
            dice.or_null(10, row.at.as_str()),
            row.deleted.as_deref(),
        ]);
    }

    fn log(&mut self, dice: &mut Dice, workspace: &Row, user: &str, what: [&str; 3], changes: Option<&str>) {
        let [action, kind, resource] = what;
        let id = dice.uuid();
        self.logs.row(&[
            Some(&id),
            Some(&workspace.id),
            Some(user),
            Some(action),
            Some(kind),
            dice.or_null(10, resource),
            changes,
            dice.or_null(10, &workspace.at),
        ]);
    }
}
