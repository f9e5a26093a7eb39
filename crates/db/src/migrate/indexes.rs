//! Indexes that migrations create where their table is empty or new. On a table with rows they are built online.

/// One index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index {
    /// The migration that creates it on a new table.
    pub(super) version: i32,
    /// Its table, found on the search path.
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    /// All after the table's name, as `pg_get_indexdef` prints it, on one line: equal texts are equal indexes.
    pub(super) keys: &'static str,
    /// A column that must be a uuid, or statements would cast it and never use the index.
    pub(super) uuid: Option<&'static str>,
    /// Whether the migration's file would build it on a table with rows, under a lock that stops writers.
    pub(super) by_file: bool,
}

const fn index(version: i32, table: &'static str, name: &'static str, keys: &'static str) -> Index {
    Index { version, table, name, keys, uuid: None, by_file: false }
}

const fn of_uuid(index: Index, column: &'static str) -> Index {
    Index { uuid: Some(column), ..index }
}

const fn by_file(index: Index) -> Index {
    Index { by_file: true, ..index }
}

/// All of them, in the order of the migrations. A test holds them against a migrated database.
pub(super) const INDEXES: &[Index] = &[
    index(3, "users", "users_created_at_id_idx", "USING btree (created_at DESC, id DESC)"),
    index(
        3,
        "users",
        "users_tenant_created_idx",
        "USING btree (tenant_id, ( CASE WHEN (created_at IS NULL) THEN to_timestamp((0)::double precision) \
         ELSE created_at END) DESC, id DESC)",
    ),
    index(3, "users", "users_email_folded_idx", "USING btree (lower(((email)::text COLLATE \"C\")))"),
    index(3, "user_profiles", "user_profiles_username_idx", "USING hash (((metadata ->> 'username'::text)))"),
    by_file(index(4, "refresh_tokens", "refresh_tokens_session_id_idx", "USING btree (session_id)")),
    index(7, "workspaces", "workspaces_tenant_created_idx", "USING btree (tenant_id, created_at DESC, id DESC)"),
    index(7, "workspaces", "workspaces_created_by_idx", "USING btree (created_by)"),
    of_uuid(
        index(7, "projects", "projects_workspace_created_idx", "USING btree (workspace_id, created_at DESC, id DESC)"),
        "workspace_id",
    ),
    index(7, "projects", "projects_created_by_idx", "USING btree (created_by)"),
    of_uuid(
        index(
            7,
            "airtable_bases",
            "airtable_bases_project_created_idx",
            "USING btree (project_id, created_at DESC, id DESC)",
        ),
        "project_id",
    ),
    index(7, "workspace_members", "workspace_members_user_id_idx", "USING btree (user_id)"),
    of_uuid(
        index(
            7,
            "workspace_audit_logs",
            "workspace_audit_logs_workspace_created_idx",
            "USING btree (workspace_id, created_at DESC, id DESC)",
        ),
        "workspace_id",
    ),
    by_file(index(
        9,
        "tenants",
        "tenants_created_idx",
        "USING btree (COALESCE(created_at, to_timestamp((0)::double precision)) DESC, id DESC)",
    )),
];
