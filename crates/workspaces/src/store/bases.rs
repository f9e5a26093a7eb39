//! `airtable_bases`

use db::list::{Kind, List, SortKey, Source};
use db::{TenantTx, statements};
use jiff::Timestamp;
use kernel::{BaseId, ProjectId};

use crate::model::AirtableBase;

/// The columns of [`AirtableBase`], of `airtable_bases b`.
macro_rules! base_columns {
    () => {
        "b.id, b.project_id::uuid AS project_id, b.base_id, b.name, coalesce(b.description, '') AS description,
         coalesce(b.sync_enabled, true) AS sync_enabled, b.last_sync_at::timestamptz AS last_sync_at,
         b.created_at::timestamptz AS created_at, b.updated_at::timestamptz AS updated_at,
         b.deleted_at::timestamptz AS deleted_at"
    };
}

statements! {
    FIND = concat!("SELECT ", base_columns!(), " FROM airtable_bases b
        JOIN projects p ON p.id = b.project_id::uuid JOIN workspaces w ON w.id = p.workspace_id::uuid
        WHERE w.tenant_id::text = $1 AND b.id = $2
        AND b.deleted_at IS NULL AND p.deleted_at IS NULL AND w.deleted_at IS NULL");
    COUNT_LIVE = "SELECT count(*) FROM airtable_bases b WHERE b.project_id::uuid = $1 AND b.deleted_at IS NULL";
    TAKEN = "SELECT EXISTS (SELECT FROM airtable_bases b
        WHERE b.project_id::uuid = $1 AND b.base_id = $2 AND b.deleted_at IS NULL)";
    INSERT = "INSERT INTO airtable_bases (id, project_id, base_id, name, description, sync_enabled, created_at,
            updated_at)
        VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7::timestamptz, $7::timestamptz)";
    UPDATE = "UPDATE airtable_bases SET name = coalesce($3, name), description = coalesce($4, description),
            sync_enabled = coalesce($5, sync_enabled), updated_at = $6::timestamptz
        WHERE project_id::uuid = $1 AND id = $2 AND deleted_at IS NULL";
    /// Two rows of one base must not be deleted at the same instant (T-49).
    DELETE = "UPDATE airtable_bases b SET updated_at = $3::timestamptz, deleted_at = greatest($3::timestamptz,
            (SELECT max(d.deleted_at) FROM airtable_bases d WHERE d.project_id = b.project_id AND d.base_id = b.base_id)
                ::timestamptz + interval '1 microsecond')
        WHERE b.project_id::uuid = $1 AND b.id = $2 AND b.deleted_at IS NULL";
}

/// Connected bases of live projects the caller sees: (caller, tenant, the caller sees the whole tenant, project,
/// synchronised or not, search).
pub(crate) static LIST: List = List {
    name: "workspaces::store::bases::LIST",
    count_name: "workspaces::store::bases::COUNT",
    columns: base_columns!(),
    source: Source::Table(
        "FROM airtable_bases b JOIN projects p ON p.id = b.project_id::uuid
        JOIN workspaces w ON w.id = p.workspace_id::uuid
        WHERE w.tenant_id::text = $2 AND b.deleted_at IS NULL AND p.deleted_at IS NULL AND w.deleted_at IS NULL
        AND ($3::boolean OR EXISTS (SELECT FROM workspace_members m
            WHERE m.workspace_id::uuid = w.id AND m.user_id = $1::text))
        AND ($4::uuid IS NULL OR p.id = $4)
        AND ($5::boolean IS NULL OR coalesce(b.sync_enabled, true) = $5)
        AND ($6::text IS NULL OR b.name ILIKE $6 OR b.description ILIKE $6 OR b.base_id ILIKE $6)",
    ),
    params: 6,
    id: "b.id",
    id_kind: Kind::Uuid,
    sorts: &[
        SortKey { name: "created_at", expression: "coalesce(b.created_at, 'epoch')", kind: Kind::Time },
        SortKey { name: "updated_at", expression: "coalesce(b.updated_at, 'epoch')", kind: Kind::Time },
        SortKey { name: "name", expression: "b.name", kind: Kind::Text },
        SortKey { name: "base_id", expression: "b.base_id", kind: Kind::Text },
    ],
};

/// A row for `airtable_bases`.
pub(crate) struct NewBase<'a> {
    pub(crate) id: BaseId,
    pub(crate) project: ProjectId,
    pub(crate) base_id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) sync_enabled: bool,
}

/// Fields to change; `None` leaves alone.
#[derive(Debug, Default)]
pub(crate) struct BaseChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) sync_enabled: Option<bool>,
}

/// A connected base of a live project in a live workspace.
pub(crate) async fn find(tx: &TenantTx, id: BaseId) -> Result<Option<AirtableBase>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().to_string(), &id.0]).await
}

pub(crate) async fn count_live(tx: &TenantTx, project: ProjectId) -> Result<i64, db::Error> {
    tx.scalar(&COUNT_LIVE, &[&project.0]).await
}

pub(crate) async fn taken(tx: &TenantTx, project: ProjectId, base_id: &str) -> Result<bool, db::Error> {
    tx.scalar(&TAKEN, &[&project.0, &base_id]).await
}

pub(crate) async fn insert(tx: &TenantTx, new: &NewBase<'_>, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(
        &INSERT,
        &[&new.id.0, &new.project.0, &new.base_id, &new.name, &new.description, &new.sync_enabled, &now],
    )
    .await
}

pub(crate) async fn update(
    tx: &TenantTx,
    project: ProjectId,
    id: BaseId,
    change: &BaseChange,
    now: Timestamp,
) -> Result<(), db::Error> {
    let BaseChange { name, description, sync_enabled } = change;
    tx.write_one(&UPDATE, &[&project.0, &id.0, name, description, sync_enabled, &now]).await
}

pub(crate) async fn delete(tx: &TenantTx, project: ProjectId, id: BaseId, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&DELETE, &[&project.0, &id.0, &now]).await
}
