//! What others may know of workspaces: for notifications and webhooks.

use db::TenantTx;
use db::events::Event;
use serde_json::json;

use crate::model::{Member, Workspace};

/// Something happened to a workspace itself.
pub(crate) fn workspace(tx: &TenantTx, name: &'static str, workspace: &Workspace) -> Event {
    let data = json!({ "workspace_id": workspace.id, "name": workspace.name, "created_by": workspace.created_by });
    Event { name, tenant: tx.tenant(), data }
}

fn member(tx: &TenantTx, name: &'static str, workspace: &Workspace, user: &str, role: &str) -> Event {
    let data = json!({
        "workspace_id": workspace.id, "workspace_name": workspace.name, "user_id": user, "role": role,
    });
    Event { name, tenant: tx.tenant(), data }
}

pub(crate) fn member_added(tx: &TenantTx, workspace: &Workspace, added: &Member) -> Event {
    member(tx, "workspace.member.added", workspace, &added.user_id, &added.role)
}

pub(crate) fn member_removed(tx: &TenantTx, workspace: &Workspace, removed: &Member) -> Event {
    member(tx, "workspace.member.removed", workspace, &removed.user_id, &removed.role)
}

pub(crate) fn role_changed(tx: &TenantTx, workspace: &Workspace, before: &Member, role: &str) -> Event {
    let mut event = member(tx, "workspace.member.role_changed", workspace, &before.user_id, role);
    event.data["old_role"] = json!(before.role);
    event
}
