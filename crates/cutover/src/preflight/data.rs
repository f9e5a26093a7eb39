//! Data archaeology: rows that years of old services left, each class counted exactly.

use super::session::Look;

const fn look(
    check: &'static str,
    needs: &'static [&'static str],
    sql: &'static str,
    fine: &'static str,
    remedy: &'static str,
) -> Look {
    Look { check, stops: false, sql, needs, fine, remedy }
}

const fn stopping(look: Look) -> Look {
    Look { stops: true, ..look }
}

/// Several sessions take them in turn: first what stands in the way, last what takes longest and may not be reached.
pub(super) const LOOKS: &[Look] = &[
    stopping(look(
        "ids-in-text",
        &["workspaces.tenant_id", "projects.workspace_id", "airtable_bases.project_id", "workspace_members.workspace_id"],
        "SELECT sum(n) || ' rows hold an id that is no uuid (T-01)' FROM (
            SELECT count(*) AS n FROM projects WHERE $alien(projects.workspace_id)
            UNION ALL SELECT count(*) FROM airtable_bases WHERE $alien(airtable_bases.project_id)
            UNION ALL SELECT count(*) FROM workspace_members WHERE $alien(workspace_members.workspace_id)) d
            HAVING sum(n) > 0",
        "all ids of parents are uuids",
        "correct or delete these rows: statements read the column as a uuid and would fail for the whole table",
    )),
    look(
        "duplicate-workspaces",
        &["workspaces.tenant_id", "workspaces.name", "workspaces.deleted_at"],
        "SELECT sum(n - 1) || ' live workspaces have the name of another of their tenant (T-49)' FROM (
            SELECT count(*) AS n FROM workspaces WHERE deleted_at IS NULL GROUP BY tenant_id, name HAVING count(*) > 1) d
            HAVING count(*) > 0",
        "live names are unique in each tenant",
        "nothing needs to be done: they stay as they are and can be renamed, and no new one is let in",
    ),
    look(
        "duplicate-projects",
        &["projects.workspace_id", "projects.name", "projects.deleted_at"],
        "SELECT sum(n - 1) || ' live projects have the name of another of their workspace (T-49)' FROM (
            SELECT count(*) AS n FROM projects WHERE deleted_at IS NULL GROUP BY workspace_id, name HAVING count(*) > 1) d
            HAVING count(*) > 0",
        "live names are unique in each workspace",
        "nothing needs to be done: they stay as they are and can be renamed, and no new one is let in",
    ),
    look(
        "duplicate-bases",
        &["airtable_bases.project_id", "airtable_bases.base_id", "airtable_bases.deleted_at"],
        "SELECT sum(n - 1) || ' live bases are connected to their project twice (T-49)' FROM (
            SELECT count(*) AS n FROM airtable_bases WHERE deleted_at IS NULL GROUP BY project_id, base_id
            HAVING count(*) > 1) d HAVING count(*) > 0",
        "each base is connected once to a project",
        "disconnect one of each: both would be synchronised",
    ),
    look(
        "members-without-workspace",
        &["workspace_members.workspace_id", "workspaces.id"],
        "SELECT count(*) || ' members are of no workspace' FROM workspace_members m
            WHERE NOT EXISTS (SELECT FROM workspaces w WHERE w.id$text = m.workspace_id$text) HAVING count(*) > 0",
        "every member is of a workspace",
        "nobody sees them; DELETE them once a backup is made",
    ),
    look(
        "projects-without-workspace",
        &["projects.workspace_id", "workspaces.id"],
        "SELECT count(*) || ' live projects are of no workspace' FROM projects p WHERE p.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM workspaces w WHERE w.id$text = p.workspace_id$text) HAVING count(*) > 0",
        "every project is of a workspace",
        "nobody can reach them on either side; mark them as deleted or give them a workspace",
    ),
    look(
        "bases-without-project",
        &["airtable_bases.project_id", "projects.id"],
        "SELECT count(*) || ' live bases are of no project' FROM airtable_bases b WHERE b.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM projects p WHERE p.id$text = b.project_id$text) HAVING count(*) > 0",
        "every base is of a project",
        "nobody can reach them on either side; mark them as deleted or give them a project",
    ),
    look(
        "people-without-tenant",
        &["users.tenant_id", "tenants.id"],
        "SELECT format('%s people are of %s tenants that have no row (T-53)', count(*), count(DISTINCT u.tenant_id))
            FROM users u WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id$text = u.tenant_id$text)
            HAVING count(*) > 0",
        "every tenant that people are of has a row",
        "nothing needs to be done: this program makes the rows when it starts, active and on the free plan",
    ),
    look(
        "profiles-without-person",
        &["user_profiles.user_id", "users.id"],
        "SELECT count(*) || ' profiles are of people who have no account' FROM user_profiles p
            WHERE NOT EXISTS (SELECT FROM users u WHERE u.id$text = p.user_id$text) HAVING count(*) > 0",
        "every profile is of an account",
        "nobody sees them; their addresses stay taken in user_profiles until they are deleted",
    ),
    look(
        "deleted-people-let-in",
        &["user_profiles.deleted_at", "users.is_active"],
        "SELECT count(*) || ' people were deleted by user-service and can still log in (T-55)' FROM user_profiles p
            JOIN users u ON u.id = p.user_id WHERE p.deleted_at IS NOT NULL AND coalesce(u.is_active, true)
            HAVING count(*) > 0",
        "who was deleted is let in by nobody",
        "UPDATE users SET is_active = false for them, and both sides refuse them",
    ),
    look(
        "empty-passwords",
        &["users.password_hash"],
        "SELECT count(*) || ' accounts have nothing in place of a password hash (T-37)' FROM users
            WHERE coalesce(password_hash, '') = '' HAVING count(*) > 0",
        "every account has a hash or is marked as having none",
        "nobody can log in to them; set the column to '!' or have their owners reset the password",
    ),
    look(
        "nulls-in-accounts",
        &["users.is_active", "users.email_verified", "users.created_at", "users.updated_at"],
        "SELECT count(*) || ' accounts have NULL where old code fails to read it (T-43)' FROM users
            WHERE is_active IS NULL OR email_verified IS NULL OR created_at IS NULL OR updated_at IS NULL
            OR email IS NULL OR password_hash IS NULL OR first_name IS NULL OR last_name IS NULL OR role IS NULL
            OR tenant_id IS NULL HAVING count(*) > 0",
        "no account has NULL in a column that old code reads",
        "this program reads them with defaults; to let the old side read them too, UPDATE the columns to false, '' or now()",
    ),
    look(
        "ownerless-workspaces",
        &["workspaces.id", "workspace_members.workspace_id", "workspaces.deleted_at", "workspace_members.role"],
        "SELECT count(*) || ' live workspaces have no owner (T-46)' FROM workspaces w WHERE w.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM workspace_members m WHERE m.workspace_id$text = w.id$text AND m.role = 'owner')
            HAVING count(*) > 0",
        "every live workspace has an owner",
        "admins of the tenant can still reach them; make one of the members the owner",
    ),
    look(
        "member-roles",
        &["workspace_members.role"],
        "SELECT count(*) || ' members have a role that is none of owner, admin, member, viewer' FROM workspace_members
            WHERE role NOT IN ('owner', 'admin', 'member', 'viewer') HAVING count(*) > 0",
        "all roles are known",
        "they are treated as viewers; UPDATE them to what was meant",
    ),
    look(
        "workspaces-beyond-ten",
        &["workspaces.tenant_id", "workspaces.deleted_at"],
        "SELECT count(*) || ' tenants have more than ten live workspaces (T-48)' FROM (SELECT FROM workspaces
            WHERE deleted_at IS NULL GROUP BY tenant_id HAVING count(*) > 10) t HAVING count(*) > 0",
        "no tenant has more than the old side allows",
        "what is there stays; they can create none while the old services run",
    ),
    look(
        "members-without-person",
        &["workspace_members.user_id", "users.id"],
        "SELECT count(*) || ' memberships are of people who have no account' FROM workspace_members m
            WHERE NOT EXISTS (SELECT FROM users u WHERE u.id$text = m.user_id$text) HAVING count(*) > 0",
        "every member has an account",
        "they are shown by their id; DELETE them once a backup is made",
    ),
    look(
        "password-hashes",
        &["users.password_hash"],
        "SELECT count(*) || ' accounts have a password hash that no scheme accepts (T-36)' FROM users
            WHERE NOT (password_hash COLLATE \"C\" ~ '^\\$2[abxy]?\\$(0[4-9]|[12][0-9]|3[01])\\$[./A-Za-z0-9]*$'
                AND length(password_hash) = CASE WHEN password_hash LIKE '$2$%' THEN 59 ELSE 60 END)
            AND password_hash NOT LIKE '$argon2id$%' AND password_hash NOT IN ('', '!') HAVING count(*) > 0",
        "all are bcrypt",
        "they cannot log in on either side; have their owners reset the password",
    ),
    look(
        "emails-by-case",
        &["users.email"],
        "SELECT sum(n - 1) || ' accounts differ from another only in the case of their address (T-56)' FROM (
            SELECT count(*) AS n FROM users GROUP BY lower(email COLLATE \"C\") HAVING count(*) > 1) d HAVING count(*) > 0",
        "no two addresses differ in case only",
        "both can log in with the exact spelling; ask their owners which one to keep",
    ),
];
