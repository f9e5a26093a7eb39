//! `workspaces`

use db::list::{Kind, List, SortKey, Source};
use db::{FromRow, Row, SystemTx, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::{BaseId, ProjectId, TenantId, WorkspaceId};

use crate::WorkspaceError;
use crate::model::{Workspace, WorkspaceRole};

/// The columns of [`Workspace`], of `workspaces w`.
macro_rules! workspace_columns {
    () => {
        "w.id, w.tenant_id::text AS tenant_id, w.name, coalesce(w.description, '') AS description,
         w.settings::text AS settings, w.created_by, w.created_at::timestamptz AS created_at,
         w.updated_at::timestamptz AS updated_at, w.deleted_at::timestamptz AS deleted_at,
         coalesce((SELECT m.user_id FROM workspace_members m WHERE m.workspace_id::uuid = w.id AND m.role = 'owner'
             ORDER BY m.joined_at, m.user_id LIMIT 1), w.created_by)::text AS owner_id,
         (SELECT count(*) FROM workspace_members m WHERE m.workspace_id::uuid = w.id) AS member_count,
         (SELECT count(*) FROM projects p JOIN airtable_bases b ON b.project_id::uuid = p.id
             WHERE p.workspace_id::uuid = w.id AND p.deleted_at IS NULL AND b.deleted_at IS NULL) AS base_count"
    };
}

/// The caller's own role in `workspaces w`, the person being `$1`.
macro_rules! caller_role {
    () => {
        "(SELECT m.role FROM workspace_members m WHERE m.workspace_id::uuid = w.id AND m.user_id = $1::text) AS caller_role"
    };
}

statements! {
    FIND = concat!("SELECT ", workspace_columns!(), ", ", caller_role!(), " FROM workspaces w
        WHERE w.tenant_id::text = $2 AND w.id = $3");
    /// FOR UPDATE, so that it also waits for rows the old service is inserting below this one.
    LOCK = "SELECT w.id FROM workspaces w WHERE w.tenant_id::text = $1 AND w.id = $2 FOR UPDATE";
    MINE = concat!("SELECT ", workspace_columns!(), ", ", caller_role!(), " FROM workspaces w
        WHERE w.tenant_id::text = $2 AND w.deleted_at IS NULL
        AND EXISTS (SELECT FROM workspace_members m WHERE m.workspace_id::uuid = w.id AND m.user_id = $1::text)
        ORDER BY w.created_at DESC, w.id DESC");
    COUNT_LIVE = "SELECT count(*) FROM workspaces w WHERE w.tenant_id::text = $1 AND w.deleted_at IS NULL";
    NAME_TAKEN = "SELECT EXISTS (SELECT FROM workspaces w
        WHERE w.tenant_id::text = $1 AND w.name = $2 AND w.deleted_at IS NULL AND w.id <> $3)";
    INSERT = "INSERT INTO workspaces (id, tenant_id, name, description, settings, created_by, created_at, updated_at)
        VALUES ($1::uuid, $2::text, $3, $4, $5::text::jsonb, $6::text, $7::timestamptz, $7::timestamptz)";
    UPDATE = "UPDATE workspaces SET name = coalesce($3, name), description = coalesce($4, description),
            settings = coalesce($5::text::jsonb, settings), updated_at = $6::timestamptz
        WHERE tenant_id::text = $1 AND id = $2";
    /// Two rows of one name must not be deleted at the same instant (T-49), so the later one is put after the earlier.
    DELETE = "UPDATE workspaces w SET updated_at = $3::timestamptz, deleted_at = greatest($3::timestamptz,
            (SELECT max(d.deleted_at) FROM workspaces d WHERE d.tenant_id = w.tenant_id AND d.name = w.name)::timestamptz
                + interval '1 microsecond')
        WHERE w.tenant_id::text = $1 AND w.id = $2 AND w.deleted_at IS NULL";
    RESTORE = "UPDATE workspaces SET updated_at = $3::timestamptz, deleted_at = NULL
        WHERE tenant_id::text = $1 AND id = $2 AND deleted_at IS NOT NULL";
    OWNED_BY = "SELECT w.id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id::uuid
        WHERE w.tenant_id::text = $1 AND m.user_id = $2::text AND m.role = 'owner' AND w.deleted_at IS NULL
        ORDER BY w.id";
    TENANT_OF = "SELECT w.tenant_id::text AS tenant_id FROM workspaces w WHERE w.id = $1";
    TENANT_OF_PROJECT = "SELECT w.tenant_id::text AS tenant_id FROM projects p
        JOIN workspaces w ON w.id = p.workspace_id::uuid WHERE p.id = $1";
    TENANT_OF_BASE = "SELECT w.tenant_id::text AS tenant_id FROM airtable_bases b
        JOIN projects p ON p.id = b.project_id::uuid JOIN workspaces w ON w.id = p.workspace_id::uuid WHERE b.id = $1";
    PROBE = "SELECT count(*) FROM (SELECT FROM workspaces w
        LEFT JOIN workspace_members m ON m.workspace_id::uuid = w.id
        LEFT JOIN projects p ON p.workspace_id::uuid = w.id
        LEFT JOIN airtable_bases b ON b.project_id::uuid = p.id
        LEFT JOIN workspace_audit_logs l ON l.workspace_id::uuid = w.id LIMIT 1) probe";
}

/// All workspaces of the tenant, members of them or not (T-59): (caller, tenant, deleted ones too, created by, search).
pub(crate) static LIST: List = List {
    name: "workspaces::store::workspaces::LIST",
    count_name: "workspaces::store::workspaces::COUNT",
    columns: concat!(workspace_columns!(), ", me.role AS caller_role"),
    source: Source::Table(
        "FROM workspaces w
        LEFT JOIN workspace_members me ON me.workspace_id::uuid = w.id AND me.user_id = $1::text
        WHERE w.tenant_id::text = $2 AND ($3::boolean OR w.deleted_at IS NULL)
        AND ($4::text IS NULL OR w.created_by = $4)
        AND ($5::text IS NULL OR w.name ILIKE $5 OR w.description ILIKE $5)",
    ),
    params: 5,
    id: "w.id",
    id_kind: Kind::Uuid,
    sorts: &[
        SortKey { name: "created_at", expression: "coalesce(w.created_at, 'epoch')", kind: Kind::Time },
        SortKey { name: "updated_at", expression: "coalesce(w.updated_at, 'epoch')", kind: Kind::Time },
        SortKey { name: "name", expression: "w.name", kind: Kind::Text },
    ],
};

/// A workspace and what the caller is in it.
pub(crate) struct Seen {
    pub(crate) workspace: Workspace,
    pub(crate) caller_role: Option<WorkspaceRole>,
}

impl FromRow for Seen {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let role: Option<String> = get(row, "caller_role")?;
        Ok(Self {
            workspace: Workspace::from_row(row)?,
            caller_role: role.as_deref().and_then(WorkspaceRole::from_stored),
        })
    }
}

/// A row for `workspaces`.
pub(crate) struct NewWorkspace<'a> {
    pub(crate) id: WorkspaceId,
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// A JSON object.
    pub(crate) settings: &'a str,
    pub(crate) created_by: &'a str,
}

/// Fields to change; `None` leaves alone.
#[derive(Debug, Default)]
pub(crate) struct WorkspaceChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// A JSON object.
    pub(crate) settings: Option<String>,
}

/// What a super admin may address without saying in which tenant it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Workspace(WorkspaceId),
    Project(ProjectId),
    Base(BaseId),
}

impl Target {
    /// That there is no such thing.
    pub(crate) const fn not_found(self) -> WorkspaceError {
        match self {
            Self::Workspace(_) => WorkspaceError::WorkspaceNotFound,
            Self::Project(_) => WorkspaceError::ProjectNotFound,
            Self::Base(_) => WorkspaceError::BaseNotFound,
        }
    }
}

/// The workspace, deleted or not, with the role of `caller` in it.
pub(crate) async fn find(tx: &TenantTx, caller: &str, id: WorkspaceId) -> Result<Option<Seen>, db::Error> {
    tx.find(&FIND, &[&caller, &tx.tenant().to_string(), &id.0]).await
}

/// Makes changes of a workspace, and of what belongs to it, wait for each other; false if there is none.
pub(crate) async fn lock(tx: &TenantTx, id: WorkspaceId) -> Result<bool, db::Error> {
    Ok(!tx.rows(&LOCK, &[&tx.tenant().to_string(), &id.0]).await?.is_empty())
}

/// Live workspaces that `user` is an owner of.
pub(crate) async fn owned_by(tx: &TenantTx, user: &str) -> Result<Vec<WorkspaceId>, db::Error> {
    let rows = tx.rows(&OWNED_BY, &[&tx.tenant().to_string(), &user]).await?;
    rows.iter().map(|row| get(row, "id").map(WorkspaceId)).collect()
}

/// Makes everything that adds to the tenant's live workspaces, their names or owners wait for each other. Taken before any
/// row's lock.
pub(crate) async fn lock_tenant(tx: &TenantTx) -> Result<(), db::Error> {
    tx.lock("workspaces.tenant", &tx.tenant().to_string()).await
}

pub(crate) async fn mine(tx: &TenantTx, caller: &str) -> Result<Vec<Seen>, db::Error> {
    tx.all(&MINE, &[&caller, &tx.tenant().to_string()]).await
}

pub(crate) async fn count_live(tx: &TenantTx) -> Result<i64, db::Error> {
    tx.scalar(&COUNT_LIVE, &[&tx.tenant().to_string()]).await
}

/// Whether a live workspace other than `except` has the name.
pub(crate) async fn name_taken(tx: &TenantTx, name: &str, except: WorkspaceId) -> Result<bool, db::Error> {
    tx.scalar(&NAME_TAKEN, &[&tx.tenant().to_string(), &name, &except.0]).await
}

pub(crate) async fn insert(tx: &TenantTx, new: &NewWorkspace<'_>, now: Timestamp) -> Result<(), db::Error> {
    let tenant = tx.tenant().to_string();
    tx.write_one(&INSERT, &[&new.id.0, &tenant, &new.name, &new.description, &new.settings, &new.created_by, &now])
        .await
}

pub(crate) async fn update(
    tx: &TenantTx,
    id: WorkspaceId,
    change: &WorkspaceChange,
    now: Timestamp,
) -> Result<(), db::Error> {
    let tenant = tx.tenant().to_string();
    tx.write_one(&UPDATE, &[&tenant, &id.0, &change.name, &change.description, &change.settings, &now]).await
}

pub(crate) async fn delete(tx: &TenantTx, id: WorkspaceId, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&DELETE, &[&tx.tenant().to_string(), &id.0, &now]).await
}

pub(crate) async fn restore(tx: &TenantTx, id: WorkspaceId, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&RESTORE, &[&tx.tenant().to_string(), &id.0, &now]).await
}

/// The tenant a target is in. Old rows may name a tenant by text that is no UUID; no token can either.
pub(crate) async fn tenant_of(tx: &SystemTx, target: Target) -> Result<Option<TenantId>, db::Error> {
    let rows = match target {
        Target::Workspace(id) => tx.rows(&TENANT_OF, &[&id.0]).await?,
        Target::Project(id) => tx.rows(&TENANT_OF_PROJECT, &[&id.0]).await?,
        Target::Base(id) => tx.rows(&TENANT_OF_BASE, &[&id.0]).await?,
    };
    let Some(row) = rows.first() else { return Ok(None) };
    let tenant: String = get(row, "tenant_id")?;
    Ok(tenant.parse().ok())
}

/// Reads a little of the slice's tables.
pub(crate) async fn probe(tx: &SystemTx) -> Result<(), db::Error> {
    tx.scalar::<i64>(&PROBE, &[]).await.map(drop)
}
