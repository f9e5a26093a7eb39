//! Which rows break a rule: the newest of them by their keys, and the columns that say so.

use tokio_postgres::Client;

/// A check of the data, the columns it is about, and the keys of rows that break it.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "duplicate-workspaces",
        "workspaces.name",
        "SELECT id::text FROM workspaces w WHERE deleted_at IS NULL AND EXISTS (SELECT FROM workspaces o WHERE o.id <> w.id
            AND o.deleted_at IS NULL AND o.tenant_id = w.tenant_id AND o.name = w.name) ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "duplicate-projects",
        "projects.name",
        "SELECT id::text FROM projects p WHERE deleted_at IS NULL AND EXISTS (SELECT FROM projects o WHERE o.id <> p.id
            AND o.deleted_at IS NULL AND o.workspace_id = p.workspace_id AND o.name = p.name)
            ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "duplicate-bases",
        "airtable_bases.base_id",
        "SELECT id::text FROM airtable_bases b WHERE deleted_at IS NULL AND EXISTS (SELECT FROM airtable_bases o
            WHERE o.id <> b.id AND o.deleted_at IS NULL AND o.project_id = b.project_id AND o.base_id = b.base_id)
            ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "emails-by-case",
        "users.email",
        "SELECT id::text FROM users u WHERE EXISTS (SELECT FROM users o WHERE o.id <> u.id
            AND lower(o.email COLLATE \"C\") = lower(u.email COLLATE \"C\")) ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "members-without-workspace",
        "workspace_members.workspace_id",
        "SELECT workspace_id::text || '/' || user_id::text FROM workspace_members m WHERE NOT EXISTS (SELECT FROM workspaces w
            WHERE w.id::text = m.workspace_id::text) ORDER BY joined_at DESC NULLS LAST",
    ),
    (
        "members-without-person",
        "workspace_members.user_id",
        "SELECT workspace_id::text || '/' || user_id::text FROM workspace_members m WHERE NOT EXISTS (SELECT FROM users u
            WHERE u.id::text = m.user_id::text) ORDER BY joined_at DESC NULLS LAST",
    ),
    (
        "projects-without-workspace",
        "projects.workspace_id",
        "SELECT id::text FROM projects p WHERE p.deleted_at IS NULL AND NOT EXISTS (SELECT FROM workspaces w
            WHERE w.id::text = p.workspace_id::text) ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "bases-without-project",
        "airtable_bases.project_id",
        "SELECT id::text FROM airtable_bases b WHERE b.deleted_at IS NULL AND NOT EXISTS (SELECT FROM projects p
            WHERE p.id::text = b.project_id::text) ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "profiles-without-person",
        "user_profiles.user_id",
        "SELECT id::text FROM user_profiles p WHERE NOT EXISTS (SELECT FROM users u WHERE u.id::text = p.user_id::text)
            ORDER BY created_at DESC NULLS LAST",
    ),
    (
        "empty-passwords",
        "users.password_hash",
        "SELECT id::text FROM users WHERE coalesce(password_hash, '') = '' ORDER BY updated_at DESC NULLS LAST",
    ),
    (
        "password-hashes",
        "users.password_hash",
        "SELECT id::text FROM users WHERE password_hash !~ '^\\$(2[abxy]?|argon2id)\\$' AND password_hash NOT IN ('', '!')
            ORDER BY updated_at DESC NULLS LAST",
    ),
    (
        "nulls-in-accounts",
        "users, any column",
        "SELECT id::text FROM users WHERE is_active IS NULL OR email_verified IS NULL OR created_at IS NULL
            OR updated_at IS NULL OR first_name IS NULL OR last_name IS NULL OR role IS NULL OR tenant_id IS NULL
            ORDER BY updated_at DESC NULLS LAST",
    ),
    (
        "ownerless-workspaces",
        "workspace_members.role",
        "SELECT id::text FROM workspaces w WHERE w.deleted_at IS NULL AND NOT EXISTS (SELECT FROM workspace_members m
            WHERE m.workspace_id::text = w.id::text AND m.role = 'owner') ORDER BY updated_at DESC NULLS LAST",
    ),
    (
        "member-roles",
        "workspace_members.role",
        "SELECT workspace_id::text || '/' || user_id::text FROM workspace_members
            WHERE role NOT IN ('owner', 'admin', 'member', 'viewer') ORDER BY joined_at DESC NULLS LAST",
    ),
];

/// `: users.email of the rows 1, 2`, or nothing where they cannot be named.
pub(super) async fn named(client: &Client, check: &str) -> String {
    let Some((_, columns, sql)) = ROWS.iter().find(|(name, ..)| *name == check) else { return String::new() };
    let rows = client.query(&format!("{sql} LIMIT 5"), &[]).await.unwrap_or_default();
    let keys: Vec<String> = rows.iter().filter_map(|row| row.get(0)).collect();
    if keys.is_empty() { String::new() } else { format!(": {columns} of the rows {}", keys.join(", ")) }
}
