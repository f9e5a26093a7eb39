//! `workspace_audit_logs`, and the reading half of `audit_events`.

use db::list::{Cut, Kind, List, SortKey, Source};
use db::{TenantTx, statements};
use jiff::Timestamp;
use kernel::WorkspaceId;
use uuid::Uuid;

statements! {
    INSERT = "INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type, resource_id, changes,
            created_at)
        VALUES ($1::uuid, $2::uuid, $3::text, $4, $5, $6, $7::text::jsonb, $8::timestamptz)";
}

/// What happened in the tenant, merged by time: (caller, tenant, the caller sees the whole tenant, workspace, person,
/// action, resource type, resource id). Everybody else sees the workspaces they administer, and of nothing but these.
pub(crate) static LIST: List = List {
    name: "workspaces::store::audit::LIST",
    count_name: "workspaces::store::audit::COUNT",
    columns: "l.id, l.tenant_id, l.workspace_id, l.user_id, l.action, l.resource_type, l.resource_id, l.changes,
        l.created_at",
    source: Source::Merged(merged),
    params: 8,
    id: "l.id",
    id_kind: Kind::Uuid,
    sorts: &[
        SortKey { name: "created_at", expression: "l.created_at", kind: Kind::Time },
        SortKey { name: "action", expression: "l.action", kind: Kind::Text },
        SortKey { name: "resource_type", expression: "l.resource_type", kind: Kind::Text },
        SortKey { name: "user_id", expression: "l.user_id", kind: Kind::Text },
    ],
};

/// Each workspace's records, the few of them without a time, and the tenant's: every part in the order of its index.
fn merged(cut: &Cut<'_>) -> String {
    const FILTERS: &str = "WHERE ($5::text IS NULL OR l.user_id = $5) AND ($6::text IS NULL OR l.action = $6)
        AND ($7::text IS NULL OR l.resource_type = $7) AND ($8::text IS NULL OR l.resource_id = $8)";
    const OF_WORKSPACE: &str = "SELECT a.id, a.user_id::text AS user_id, a.action::text AS action,
            a.resource_type::text AS resource_type, coalesce(a.resource_id, '')::text AS resource_id,
            a.changes::text AS changes";
    // The column is of one of two types (contract 2.6), and only a key of the same one is found by its index.
    let timed = cut.part_with(|text| {
        format!(
            "(jsonb_populate_record(NULL::workspace_audit_logs, jsonb_build_object('created_at', {text}))).created_at"
        )
    });
    let rest = cut.part();
    format!(
        "FROM (
            SELECT l.id, w.tenant_id::text AS tenant_id, w.id AS workspace_id, l.user_id, l.action, l.resource_type,
                l.resource_id, l.changes, l.created_at
            FROM workspaces w CROSS JOIN LATERAL (
                (SELECT l.id, l.user_id, l.action, l.resource_type, l.resource_id, l.changes, l.created_at::timestamptz
                FROM ({OF_WORKSPACE}, a.created_at FROM workspace_audit_logs a
                    WHERE a.workspace_id::uuid = w.id AND a.created_at IS NOT NULL) l {FILTERS} {timed})
                UNION ALL
                (SELECT l.* FROM ({OF_WORKSPACE}, to_timestamp(0) AS created_at FROM workspace_audit_logs a
                    WHERE a.workspace_id::uuid = w.id AND a.created_at IS NULL) l {FILTERS} {rest})
            ) l
            WHERE w.tenant_id::text = $2 AND ($4::uuid IS NULL OR w.id = $4)
            AND ($3::boolean OR EXISTS (SELECT FROM workspace_members m WHERE m.workspace_id::uuid = w.id
                AND m.user_id = $1::text AND m.role IN ('admin', 'owner')))
            UNION ALL
            (SELECT l.* FROM (SELECT e.id, e.tenant_id::text AS tenant_id, NULL::uuid AS workspace_id,
                    coalesce(e.actor_id, '') AS user_id, e.action, e.resource_type, e.resource_id,
                    e.changes::text AS changes, e.at AS created_at
                FROM audit_events e WHERE e.tenant_id = $2::text::uuid AND $3::boolean AND $4::uuid IS NULL) l
                {FILTERS} {rest})
        ) l WHERE true"
    )
}

/// A row for `workspace_audit_logs`.
pub(crate) struct NewRecord<'a> {
    pub(crate) id: Uuid,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: &'a str,
    pub(crate) action: &'a str,
    pub(crate) resource_type: &'a str,
    pub(crate) resource_id: &'a str,
    /// A JSON object.
    pub(crate) changes: Option<&'a str>,
}

pub(crate) async fn insert(tx: &TenantTx, new: &NewRecord<'_>, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(
        &INSERT,
        &[&new.id, &new.workspace.0, &new.user, &new.action, &new.resource_type, &new.resource_id, &new.changes, &now],
    )
    .await
}
