//! `projects`

use db::list::{Kind, List, SortKey, Source};
use db::{TenantTx, statements};
use jiff::Timestamp;
use kernel::{ProjectId, WorkspaceId};

use crate::model::Project;

/// The columns of [`Project`], of `projects p`.
macro_rules! project_columns {
    () => {
        "p.id, p.workspace_id::uuid AS workspace_id, p.name, coalesce(p.description, '') AS description, p.status,
         p.settings::text AS settings, p.created_by, p.created_at::timestamptz AS created_at,
         p.updated_at::timestamptz AS updated_at, p.deleted_at::timestamptz AS deleted_at"
    };
}

statements! {
    FIND = concat!("SELECT ", project_columns!(), " FROM projects p
        JOIN workspaces w ON w.id = p.workspace_id::uuid
        WHERE w.tenant_id::text = $1 AND p.id = $2 AND p.deleted_at IS NULL AND w.deleted_at IS NULL");
    /// The tenant's by row-level security; callers read it through FIND first. FOR UPDATE, so that it also waits for
    /// bases the old service is connecting.
    LOCK = "SELECT p.id FROM projects p WHERE p.id = $1 AND p.deleted_at IS NULL FOR UPDATE";
    COUNT_LIVE = "SELECT count(*) FROM projects p WHERE p.workspace_id::uuid = $1 AND p.deleted_at IS NULL";
    NAME_TAKEN = "SELECT EXISTS (SELECT FROM projects p
        WHERE p.workspace_id::uuid = $1 AND p.name = $2 AND p.deleted_at IS NULL AND p.id <> $3)";
    INSERT = "INSERT INTO projects (id, workspace_id, name, description, status, settings, created_by, created_at,
            updated_at)
        VALUES ($1::uuid, $2::uuid, $3, $4, 'active', $5::text::jsonb, $6::text, $7::timestamptz, $7::timestamptz)";
    UPDATE = "UPDATE projects SET name = coalesce($3, name), description = coalesce($4, description),
            status = coalesce($5, status), settings = coalesce($6::text::jsonb, settings),
            updated_at = $7::timestamptz
        WHERE workspace_id::uuid = $1 AND id = $2 AND deleted_at IS NULL";
    /// Two rows of one name must not be deleted at the same instant (T-49).
    DELETE = "UPDATE projects p SET updated_at = $3::timestamptz, deleted_at = greatest($3::timestamptz,
            (SELECT max(d.deleted_at) FROM projects d WHERE d.workspace_id = p.workspace_id AND d.name = p.name)
                ::timestamptz + interval '1 microsecond')
        WHERE p.workspace_id::uuid = $1 AND p.id = $2 AND p.deleted_at IS NULL";
}

/// Projects in live workspaces the caller sees: (caller, tenant, the caller sees the whole tenant, workspace, status,
/// created by, deleted ones too, search).
pub(crate) static LIST: List = List {
    name: "workspaces::store::projects::LIST",
    count_name: "workspaces::store::projects::COUNT",
    columns: project_columns!(),
    source: Source::Table(
        "FROM projects p JOIN workspaces w ON w.id = p.workspace_id::uuid
        WHERE w.tenant_id::text = $2 AND w.deleted_at IS NULL
        AND ($3::boolean OR EXISTS (SELECT FROM workspace_members m
            WHERE m.workspace_id::uuid = w.id AND m.user_id = $1::text))
        AND ($4::uuid IS NULL OR w.id = $4)
        AND ($5::text IS NULL OR p.status = $5)
        AND ($6::text IS NULL OR p.created_by = $6)
        AND ($7::boolean OR p.deleted_at IS NULL)
        AND ($8::text IS NULL OR p.name ILIKE $8 OR p.description ILIKE $8)",
    ),
    params: 8,
    id: "p.id",
    id_kind: Kind::Uuid,
    sorts: &[
        SortKey { name: "created_at", expression: "coalesce(p.created_at, 'epoch')", kind: Kind::Time },
        SortKey { name: "updated_at", expression: "coalesce(p.updated_at, 'epoch')", kind: Kind::Time },
        SortKey { name: "name", expression: "p.name", kind: Kind::Text },
        SortKey { name: "status", expression: "p.status", kind: Kind::Text },
    ],
};

/// A row for `projects`.
pub(crate) struct NewProject<'a> {
    pub(crate) id: ProjectId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// A JSON object.
    pub(crate) settings: &'a str,
    pub(crate) created_by: &'a str,
}

/// Fields to change; `None` leaves alone.
#[derive(Debug, Default)]
pub(crate) struct ProjectChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: Option<String>,
    /// A JSON object.
    pub(crate) settings: Option<String>,
}

/// A live project in a live workspace.
pub(crate) async fn find(tx: &TenantTx, id: ProjectId) -> Result<Option<Project>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().to_string(), &id.0]).await
}

/// Makes what belongs to a project wait for each other; false if it is gone.
pub(crate) async fn lock(tx: &TenantTx, id: ProjectId) -> Result<bool, db::Error> {
    Ok(!tx.rows(&LOCK, &[&id.0]).await?.is_empty())
}

pub(crate) async fn count_live(tx: &TenantTx, workspace: WorkspaceId) -> Result<i64, db::Error> {
    tx.scalar(&COUNT_LIVE, &[&workspace.0]).await
}

/// Whether a live project of the workspace other than `except` has the name.
pub(crate) async fn name_taken(
    tx: &TenantTx,
    workspace: WorkspaceId,
    name: &str,
    except: ProjectId,
) -> Result<bool, db::Error> {
    tx.scalar(&NAME_TAKEN, &[&workspace.0, &name, &except.0]).await
}

pub(crate) async fn insert(tx: &TenantTx, new: &NewProject<'_>, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(
        &INSERT,
        &[&new.id.0, &new.workspace.0, &new.name, &new.description, &new.settings, &new.created_by, &now],
    )
    .await
}

pub(crate) async fn update(
    tx: &TenantTx,
    workspace: WorkspaceId,
    id: ProjectId,
    change: &ProjectChange,
    now: Timestamp,
) -> Result<(), db::Error> {
    let ProjectChange { name, description, status, settings } = change;
    tx.write_one(&UPDATE, &[&workspace.0, &id.0, name, description, status, settings, &now]).await
}

pub(crate) async fn delete(
    tx: &TenantTx,
    workspace: WorkspaceId,
    id: ProjectId,
    now: Timestamp,
) -> Result<(), db::Error> {
    tx.write_one(&DELETE, &[&workspace.0, &id.0, &now]).await
}
