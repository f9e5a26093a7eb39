//! `workspace_members`

use db::list::{Kind, List, SortKey, Source};
use db::{FromRow, Row, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::{UserId, WorkspaceId};

use crate::model::{Member, WorkspaceRole};

/// The columns of [`Member`], of `workspace_members m`.
macro_rules! member_columns {
    () => {
        "m.workspace_id::uuid AS workspace_id, m.user_id, m.role, m.joined_at::timestamptz AS joined_at"
    };
}

statements! {
    FIND = concat!("SELECT ", member_columns!(), " FROM workspace_members m
        WHERE m.workspace_id::uuid = $1 AND m.user_id = $2::text");
    IDS = "SELECT m.user_id FROM workspace_members m WHERE m.workspace_id::uuid = $1 ORDER BY m.user_id";
    PLACES = "SELECT m.user_id, m.role FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id::uuid
        WHERE w.id = $1 AND w.deleted_at IS NULL
        ORDER BY coalesce(m.joined_at, to_timestamp(0)), m.user_id";
    OF_LIVE = "SELECT m.user_id FROM workspaces w LEFT JOIN workspace_members m ON m.workspace_id::uuid = w.id
        WHERE w.tenant_id::text = $1 AND w.id = $2 AND w.deleted_at IS NULL";
    /// Locked, because the old service takes owners out without the workspace's lock: it then waits, and its trigger
    /// sees what became of the others (T-46).
    OTHER_OWNERS = "SELECT m.user_id FROM workspace_members m
        WHERE m.workspace_id::uuid = $1 AND m.role = 'owner' AND m.user_id <> $2::text ORDER BY m.user_id FOR UPDATE";
    INSERT = "INSERT INTO workspace_members (workspace_id, user_id, role, joined_at)
        VALUES ($1::uuid, $2::text, $3::text, $4::timestamptz)";
    /// The role as it stands afterwards, which the old schema's trigger makes the role as it stood before (T-45).
    SET_ROLE = "UPDATE workspace_members SET role = $3::text WHERE workspace_id::uuid = $1 AND user_id = $2::text
        RETURNING role";
    /// joined_at passes through unread, so a microsecond or a NULL survives.
    TAKE_OUT = "DELETE FROM workspace_members WHERE workspace_id::uuid = $1 AND user_id = $2::text
        RETURNING joined_at::timestamptz AS joined_at";
}

/// The members of one workspace: (workspace).
pub(crate) static LIST: List = List {
    name: "workspaces::store::members::LIST",
    count_name: "workspaces::store::members::COUNT",
    columns: member_columns!(),
    source: Source::Table("FROM workspace_members m WHERE m.workspace_id::uuid = $1"),
    params: 1,
    id: "m.user_id",
    id_kind: Kind::Text,
    sorts: &[
        // Whoever has no time came first in the old list, newest first as it was (T-43).
        SortKey { name: "joined_at", expression: "coalesce(m.joined_at, '9999-01-01Z')", kind: Kind::Time },
        SortKey { name: "role", expression: "m.role", kind: Kind::Text },
    ],
};

/// A member, as far as it matters who follows whom.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) user: String,
    pub(crate) role: String,
}

impl Place {
    pub(crate) fn is_owner(&self) -> bool {
        self.role == WorkspaceRole::Owner.as_str()
    }
}

impl FromRow for Place {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { user: get(row, "user_id")?, role: get(row, "role")? })
    }
}

/// The members of a live workspace, the longest-standing first.
pub(crate) async fn places(tx: &TenantTx, workspace: WorkspaceId) -> Result<Vec<Place>, db::Error> {
    tx.all(&PLACES, &[&workspace.0]).await
}

pub(crate) async fn find(tx: &TenantTx, workspace: WorkspaceId, user: &str) -> Result<Option<Member>, db::Error> {
    tx.find(&FIND, &[&workspace.0, &user]).await
}

pub(crate) async fn ids(tx: &TenantTx, workspace: WorkspaceId) -> Result<Vec<String>, db::Error> {
    tx.rows(&IDS, &[&workspace.0]).await?.iter().map(|row| get(row, "user_id")).collect()
}

/// The members of a live workspace of the tenant, as far as they can be accounts (T-01); `None` without such a workspace.
pub async fn of_live(tx: &TenantTx, workspace: WorkspaceId) -> Result<Option<Vec<UserId>>, db::Error> {
    let rows = tx.rows(&OF_LIVE, &[&tx.tenant().to_string(), &workspace.0]).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let ids = rows.iter().map(|row| get::<Option<String>>(row, "user_id")).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(ids.into_iter().flatten().filter_map(|id| id.parse().ok()).collect()))
}

/// Whether the workspace has an owner besides `user`. True only until the workspace's lock is released.
pub(crate) async fn has_other_owner(tx: &TenantTx, workspace: WorkspaceId, user: &str) -> Result<bool, db::Error> {
    Ok(!tx.rows(&OTHER_OWNERS, &[&workspace.0, &user]).await?.is_empty())
}

pub(crate) async fn insert(
    tx: &TenantTx,
    workspace: WorkspaceId,
    user: &str,
    role: WorkspaceRole,
    joined_at: Option<Timestamp>,
) -> Result<(), db::Error> {
    tx.write_one(&INSERT, &[&workspace.0, &user, &role.as_str(), &joined_at]).await
}

/// Changes a role, also where the old schema's trigger discards every update (T-45): the row is then taken out and put
/// back with the same `joined_at`. Hold the workspace's lock.
pub(crate) async fn set_role(
    tx: &TenantTx,
    workspace: WorkspaceId,
    user: &str,
    role: WorkspaceRole,
) -> Result<(), db::Error> {
    let stored: String = tx.scalar(&SET_ROLE, &[&workspace.0, &user, &role.as_str()]).await?;
    if stored == role.as_str() {
        return Ok(());
    }
    let joined_at: Option<Timestamp> = tx.scalar(&TAKE_OUT, &[&workspace.0, &user]).await?;
    insert(tx, workspace, user, role, joined_at).await
}

/// Removes a member; false if there was none.
pub(crate) async fn remove(tx: &TenantTx, workspace: WorkspaceId, user: &str) -> Result<bool, db::Error> {
    Ok(!tx.rows(&TAKE_OUT, &[&workspace.0, &user]).await?.is_empty())
}
