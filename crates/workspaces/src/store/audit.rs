//! `workspace_audit_logs` with its seals, and the reading half of `audit_events`.
//!
//! A record is signed over what the table gives back of it, whichever layout that has: the text of its `jsonb`, its time as
//! one with a zone. An old service's records have no seal.

use db::audit::{AuditEvent, Trail};
use db::list::{Cut, Kind, List, SortKey, Source};
use db::{SystemTx, TenantTx, statements};
use kernel::{Ctx, WorkspaceId};
use uuid::Uuid;

statements! {
    HEAD = "SELECT coalesce(head.seq, 0) AS seq, coalesce(head.mac, '') AS mac,
            coalesce($2::text::jsonb::text, 'null') AS changes
        FROM (VALUES (1)) AS one LEFT JOIN
            (SELECT seq, mac FROM workspace_audit_seals WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1) AS head ON true";
    INSERT = "WITH record AS (
            INSERT INTO workspace_audit_logs (id, workspace_id, user_id, action, resource_type, resource_id, changes,
                created_at)
            VALUES ($1::uuid, $2::uuid, $3::text, $4, $5, $6, $7::text::jsonb, $8::timestamptz) RETURNING id
        )
        INSERT INTO workspace_audit_seals (id, tenant_id, seq, actor_kind, request_id, ip, user_agent, mac)
        SELECT record.id, $9::uuid, $10::bigint, $11::text, $12::text, $13::text, $14::text, $15::bytea FROM record";
    TENANTS = "SELECT DISTINCT tenant_id FROM workspace_audit_seals ORDER BY tenant_id";
    /// What is missing or cannot be read stands as something that no record was signed with.
    PAGE = "SELECT s.id, 'workspace_audit_logs' AS trail, s.tenant_id, s.seq,
            CASE WHEN l.created_at::timestamptz BETWEEN '0001-01-01Z' AND '9999-01-01Z' THEN l.created_at::timestamptz
                ELSE to_timestamp(0) END AS at,
            s.actor_kind, nullif(l.user_id::text, '') AS actor_id, coalesce(l.action, '')::text AS action,
            coalesce(l.resource_type, '')::text AS resource_type, coalesce(l.resource_id, '')::text AS resource_id,
            coalesce(l.changes::text, 'null') AS changes, coalesce(l.workspace_id::text, '') AS workspace_id,
            s.request_id, s.ip, s.user_agent, s.mac, l.id IS NULL AS removed
        FROM workspace_audit_seals s LEFT JOIN workspace_audit_logs l ON l.id = s.id
        WHERE s.tenant_id = $1 AND s.seq >= $2 ORDER BY s.seq FETCH FIRST 5000 ROWS WITH TIES";
    /// Compared as text: what an old row has for a workspace need not be the id of one.
    UNSEALED = "SELECT count(*) FROM workspace_audit_logs l
        WHERE NOT EXISTS (SELECT FROM workspace_audit_seals s WHERE s.id = l.id)
        AND ($1::uuid IS NULL OR EXISTS (SELECT FROM workspaces w
            WHERE w.id::text = l.workspace_id::text AND w.tenant_id::text = $1::uuid::text))";
}

/// The records of the workspace family.
pub static TRAIL: Trail = Trail { name: "workspace_audit_logs", head: HEAD, tenants: TENANTS, page: PAGE };

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

/// Appends a record to the tenant's chain. It comes last in its transaction (see [`db::Tx::audit`]).
pub(crate) async fn insert(
    tx: &TenantTx,
    cx: &Ctx,
    workspace: WorkspaceId,
    event: &AuditEvent,
) -> Result<(), db::Error> {
    let record = tx.sign(cx, &TRAIL, Some(workspace.0), event).await?;
    tx.write_one(
        &INSERT,
        &[
            &record.id,
            &workspace.0,
            &record.actor_id.as_deref().unwrap_or_default(),
            &record.action,
            &record.resource_type,
            &record.resource_id,
            &event.changes,
            &record.at,
            &record.tenant_id,
            &record.seq,
            &record.actor_kind,
            &record.request_id,
            &record.ip,
            &record.user_agent,
            &record.mac,
        ],
    )
    .await
}

/// How many records have no seal, of all tenants or of one.
pub async fn unsealed(tx: &SystemTx, tenant: Option<Uuid>) -> Result<i64, db::Error> {
    tx.scalar(&UNSEALED, &[&tenant]).await
}
