//! All SQL about people. Reads join the two homes of a person (T-42): `users` is authoritative for identity and
//! credentials, `user_profiles` for the rest; a missing profile reads as an empty one, and NULLs read as defaults (T-43).

pub(crate) mod list;
pub(crate) mod recent;
pub(crate) mod tenancy;

use db::{FromRow, Row, SystemTx, TenantTx, Tx, get, statements};
use jiff::Timestamp;
use kernel::{Email, TenantId, UserId};

use crate::model::User;
use crate::service::standing::LogInOf;

/// The columns of [`User`].
macro_rules! user_columns {
    () => {
        "u.id, coalesce(u.email, '') AS email, coalesce(u.first_name, '') AS first_name,
         coalesce(u.last_name, '') AS last_name, coalesce(u.role, 'user') AS role,
         coalesce(u.tenant_id, '00000000-0000-0000-0000-000000000000') AS tenant_id,
         coalesce(u.is_active, true) AS is_active,
         coalesce(u.email_verified, false) AS email_verified, u.last_login_at,
         coalesce(u.created_at, to_timestamp(0)) AS created_at,
         greatest(u.updated_at, p.updated_at, to_timestamp(0)) AS updated_at, p.display_name, p.avatar, p.bio, p.phone,
         coalesce(p.phone_verified, false) AS phone_verified, p.preferences::text AS preferences,
         p.metadata::text AS metadata, p.metadata->>'username' AS username, p.deleted_at"
    };
}
use user_columns;

statements! {
    FIND = concat!("SELECT ", user_columns!(), " FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND u.id = $2");
    FIND_ANYWHERE = concat!("SELECT ", user_columns!(), " FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.id = $1");
    TENANT_OF = "SELECT tenant_id FROM users WHERE id = $1";
    /// What authentication needs of a person and the log-in their token belongs to. The tenant is looked at here and not
    /// through the port, because every request waits for the answer.
    FIND_STANDING = "SELECT u.tenant_id, coalesce(u.role, 'user') AS role, coalesce(u.is_active, true) AS is_active,
            EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL) AS is_deleted,
            EXISTS (SELECT FROM login_sessions s WHERE s.id = $2 AND s.revoked_at IS NOT NULL) AS is_revoked,
            EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id AND (NOT t.is_active OR t.deleted_at IS NOT NULL
                OR t.status IN ('suspended', 'canceled', 'deleted'))) AS tenant_closed
        FROM users u WHERE u.id = $1";
    /// Which of many have lost the standing that FIND_STANDING speaks of, by their places from 1 on. Who has no row, or
    /// has moved to another tenant, has lost it too.
    FIND_FALLEN = "SELECT who.place
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS who (user_id, tenant_id, session_id, place)
        LEFT JOIN users u ON u.id = who.user_id
        WHERE u.tenant_id IS DISTINCT FROM who.tenant_id OR u.is_active IS FALSE
            OR EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL)
            OR EXISTS (SELECT FROM login_sessions s WHERE s.id = who.session_id AND s.revoked_at IS NOT NULL)
            OR EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id AND (NOT t.is_active OR t.deleted_at IS NOT NULL
                OR t.status IN ('suspended', 'canceled', 'deleted')))";
    /// Candidates for a log-in, best first: the exact address, the address in another case (T-56), the stored
    /// user name (T-22). Two accounts that differ only in case are never guessed between.
    FIND_CREDENTIALS = "SELECT u.id, u.password_hash, u.email = $1 AS exact, c.by_name,
            coalesce(u.is_active, true) AS is_active, p.deleted_at IS NOT NULL AS is_deleted
        FROM (
            SELECT id, false AS by_name FROM users WHERE lower(email COLLATE \"C\") = lower($1 COLLATE \"C\")
            UNION ALL
            SELECT user_id, true FROM user_profiles WHERE metadata->>'username' = $1 AND strpos($1, '@') = 0
        ) c JOIN users u ON u.id = c.id LEFT JOIN user_profiles p ON p.user_id = u.id
        ORDER BY exact DESC, c.by_name LIMIT 3";
    PASSWORD_HASH = "SELECT password_hash FROM users WHERE id = $1";
    EMAIL_EXISTS = "SELECT EXISTS (SELECT FROM users WHERE lower(email COLLATE \"C\") = lower($1 COLLATE \"C\"))";
    USERNAME_EXISTS = "SELECT EXISTS (SELECT FROM user_profiles WHERE metadata->>'username' = $1)";
    SUPER_ADMIN_EXISTS = "SELECT EXISTS (SELECT FROM users WHERE role = 'super_admin')";
    INSERT_USER = "INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, is_active,
            email_verified, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";
    /// Also makes the profile of an account that never had one; without ON CONFLICT, which a view refuses (T-41).
    INSERT_PROFILE = "INSERT INTO user_profiles (id, user_id, email, first_name, last_name, display_name, avatar, bio,
            phone, tenant_id, role, is_active, email_verified, phone_verified, preferences, metadata, created_at,
            updated_at)
        SELECT gen_random_uuid(), u.id, coalesce(nullif(u.email, ''), u.id || '@invalid'),
            coalesce(u.first_name, ''), coalesce(u.last_name, ''),
            left(concat_ws(' ', u.first_name, u.last_name), 200), '', '', '', u.tenant_id, coalesce(u.role, 'user'),
            coalesce(u.is_active, true), coalesce(u.email_verified, false), false, '{}', $2::text::jsonb, $3, $3
        FROM users u WHERE u.id = $1 AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id)";
    LOCK_USER = "SELECT id FROM users WHERE tenant_id = $1 AND id = $2 FOR UPDATE";
    RECORD_LOGIN = "UPDATE users SET last_login_at = $3 WHERE id = $1 AND coalesce(password_hash, '') = $2";
    REPLACE_HASH = "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
    SET_PASSWORD = "UPDATE users SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2";
    UPDATE_NAMES = "UPDATE users SET first_name = coalesce($3, first_name), last_name = coalesce($4, last_name),
            updated_at = $5
        WHERE tenant_id = $1 AND id = $2";
    UPDATE_PROFILE = "UPDATE user_profiles SET
            first_name = coalesce($3, first_name), last_name = coalesce($4, last_name),
            display_name = coalesce($5, display_name), avatar = coalesce($6, avatar), bio = coalesce($7, bio),
            phone = coalesce($8, phone), preferences = coalesce($9::text::jsonb, preferences),
            metadata = coalesce($10::text::jsonb, metadata), updated_at = $11
        WHERE tenant_id = $1 AND user_id = $2";
    SET_ACTIVE = "UPDATE users SET is_active = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2";
    SET_PROFILE_ACTIVE = "UPDATE user_profiles SET is_active = $3, updated_at = $4
        WHERE tenant_id = $1 AND user_id = $2";
    /// The profile keeps whether the account was on; what it said before may be older than that.
    DELETE_PROFILE = "UPDATE user_profiles p SET deleted_at = $3, updated_at = $3,
            is_active = (SELECT coalesce(u.is_active, true) FROM users u WHERE u.id = p.user_id)
        WHERE p.tenant_id = $1 AND p.user_id = $2";
    RESTORE_PROFILE = "UPDATE user_profiles SET deleted_at = NULL, updated_at = $3,
            is_active = coalesce(is_active, true)
        WHERE tenant_id = $1 AND user_id = $2 RETURNING is_active";
    SET_ROLE = "UPDATE users SET role = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2";
    SET_PROFILE_ROLE = "UPDATE user_profiles SET role = $3, updated_at = $4 WHERE tenant_id = $1 AND user_id = $2";
    PROBE = "SELECT count(*) FROM (SELECT FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id LIMIT 1) probe";
    STATS = "SELECT count(*) AS total, count(*) FILTER (WHERE coalesce(u.is_active, true)) AS active,
            count(*) FILTER (WHERE coalesce(u.email_verified, false)) AS verified,
            count(*) FILTER (WHERE u.created_at > $2) AS recent
        FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND p.deleted_at IS NULL";
    STATS_BY_ROLE = "SELECT coalesce(u.role, 'user') AS role, count(*) AS people FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND p.deleted_at IS NULL GROUP BY 1 ORDER BY 1";
}

/// What authentication needs to know of a person.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a row")]
pub(crate) struct Standing {
    pub(crate) tenant: TenantId,
    pub(crate) role: String,
    pub(crate) is_active: bool,
    pub(crate) is_deleted: bool,
    pub(crate) session_revoked: bool,
    pub(crate) tenant_closed: bool,
}

impl FromRow for Standing {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            tenant: TenantId(get::<Option<uuid::Uuid>>(row, "tenant_id")?.unwrap_or_default()),
            role: get(row, "role")?,
            is_active: get(row, "is_active")?,
            is_deleted: get(row, "is_deleted")?,
            session_revoked: get(row, "is_revoked")?,
            tenant_closed: get(row, "tenant_closed")?,
        })
    }
}

/// What a log-in checks.
pub(crate) struct Credentials {
    pub(crate) id: UserId,
    pub(crate) password_hash: String,
    pub(crate) is_active: bool,
    pub(crate) is_deleted: bool,
    exact: bool,
}

impl FromRow for Credentials {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: UserId(get(row, "id")?),
            // A NULL hash verifies nothing, like any other text that is no hash.
            password_hash: get::<Option<String>>(row, "password_hash")?.unwrap_or_default(),
            is_active: get(row, "is_active")?,
            is_deleted: get(row, "is_deleted")?,
            exact: get(row, "exact")?,
        })
    }
}

/// A row for `users`.
pub(crate) struct NewUser<'a> {
    pub(crate) id: UserId,
    pub(crate) email: &'a Email,
    pub(crate) password_hash: &'a str,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) role: &'a str,
    pub(crate) tenant: TenantId,
    pub(crate) is_active: bool,
    pub(crate) email_verified: bool,
    /// A JSON object.
    pub(crate) metadata: &'a str,
}

/// Fields to change; `None` leaves alone.
#[derive(Debug, Default)]
pub(crate) struct ProfileChange {
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) phone: Option<String>,
    /// JSON objects, as text.
    pub(crate) preferences: Option<String>,
    pub(crate) metadata: Option<String>,
}

pub(crate) async fn find(tx: &TenantTx, id: UserId) -> Result<Option<User>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &id.0]).await
}

pub(crate) async fn find_anywhere(tx: &SystemTx, id: UserId) -> Result<Option<User>, db::Error> {
    tx.find(&FIND_ANYWHERE, &[&id.0]).await
}

pub(crate) async fn tenant_of(tx: &SystemTx, id: UserId) -> Result<Option<TenantId>, db::Error> {
    let rows = tx.rows(&TENANT_OF, &[&id.0]).await?;
    // Somebody of no tenant, as a view over other tables may show, is nobody here.
    Ok(rows.first().map(|row| get::<Option<uuid::Uuid>>(row, "tenant_id")).transpose()?.flatten().map(TenantId))
}

pub(crate) async fn find_standing(
    tx: &SystemTx,
    id: UserId,
    session: Option<uuid::Uuid>,
) -> Result<Option<Standing>, db::Error> {
    tx.find(&FIND_STANDING, &[&id.0, &session]).await
}

/// The places in `whose`, from 0 on, of those who have lost their standing.
pub(crate) async fn find_fallen(tx: &SystemTx, whose: &[LogInOf]) -> Result<Vec<usize>, db::Error> {
    let users: Vec<_> = whose.iter().map(|one| one.user.0).collect();
    let tenants: Vec<_> = whose.iter().map(|one| one.tenant.0).collect();
    let sessions: Vec<_> = whose.iter().map(|one| one.session.map(|session| session.0)).collect();
    let rows = tx.rows(&FIND_FALLEN, &[&users, &tenants, &sessions]).await?;
    let place = |row: &Row| get::<i64>(row, "place").map(|place| usize::try_from(place - 1).unwrap_or(usize::MAX));
    rows.iter().map(place).collect()
}

/// The account a log-in means by `name`, an e-mail address or a user name.
pub(crate) async fn find_credentials(tx: &SystemTx, name: &str) -> Result<Option<Credentials>, db::Error> {
    let mut candidates: Vec<Credentials> = tx.all(&FIND_CREDENTIALS, &[&name]).await?;
    let unambiguous = match candidates.as_slice() {
        [] => false,
        [_] => true,
        // An exact address is one account; anything else that fits twice is nobody.
        [first, ..] => first.exact,
    };
    Ok(unambiguous.then(|| candidates.swap_remove(0)))
}

pub(crate) async fn password_hash(tx: &SystemTx, id: UserId) -> Result<Option<String>, db::Error> {
    let rows = tx.rows(&PASSWORD_HASH, &[&id.0]).await?;
    Ok(rows.first().map(|row| get::<Option<String>>(row, "password_hash")).transpose()?.flatten())
}

pub(crate) async fn email_exists(tx: &SystemTx, email: &Email) -> Result<bool, db::Error> {
    tx.scalar(&EMAIL_EXISTS, &[&email.as_str()]).await
}

/// Whether somebody logs in with `name`; registrations of one name wait for each other.
pub(crate) async fn lock_username(tx: &SystemTx, name: &str) -> Result<bool, db::Error> {
    tx.lock("users.username", name).await?;
    tx.scalar(&USERNAME_EXISTS, &[&name]).await
}

pub(crate) async fn super_admin_exists(tx: &SystemTx) -> Result<bool, db::Error> {
    tx.scalar(&SUPER_ADMIN_EXISTS, &[]).await
}

/// Inserts the account and its profile. Call [`lock_email`] first: the unique key alone tells `A@x.io` from `a@x.io`.
pub(crate) async fn insert(tx: &SystemTx, user: &NewUser<'_>, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(
        &INSERT_USER,
        &[
            &user.id.0,
            &user.email.as_str(),
            &user.password_hash,
            &user.first_name,
            &user.last_name,
            &user.role,
            &user.tenant.0,
            &user.is_active,
            &user.email_verified,
            &now,
        ],
    )
    .await?;
    tx.write_one(&INSERT_PROFILE, &[&user.id.0, &user.metadata, &now]).await
}

/// Makes registrations of one address, in whatever case, wait for each other.
pub(crate) async fn lock_email(tx: &SystemTx, email: &Email) -> Result<(), db::Error> {
    tx.lock("users.email", &email.folded()).await
}

/// Makes changes of one person wait for each other; false if there is nobody.
pub(crate) async fn lock(tx: &TenantTx, id: UserId) -> Result<bool, db::Error> {
    Ok(!tx.rows(&LOCK_USER, &[&tx.tenant().0, &id.0]).await?.is_empty())
}

/// Locks the account and notes the log-in; false if `hash`, which the password was checked against, is no longer stored.
pub(crate) async fn record_login(tx: &SystemTx, id: UserId, hash: &str, now: Timestamp) -> Result<bool, db::Error> {
    tx.execute(&RECORD_LOGIN, &[&id.0, &hash, &now]).await.map(|rows| rows == 1)
}

/// Replaces an outdated hash, unless the password was changed meanwhile.
pub(crate) async fn replace_hash(tx: &SystemTx, id: UserId, old: &str, new: &str) -> Result<(), db::Error> {
    tx.execute(&REPLACE_HASH, &[&id.0, &old, &new]).await.map(drop)
}

/// Sets a new password if `old` is still the stored hash; false if somebody was faster.
pub(crate) async fn set_password(
    tx: &SystemTx,
    id: UserId,
    old: &str,
    new: &str,
    now: Timestamp,
) -> Result<bool, db::Error> {
    tx.execute(&SET_PASSWORD, &[&id.0, &old, &new, &now]).await.map(|rows| rows == 1)
}

/// Changes a person and their profile; the profile is made if there was none.
pub(crate) async fn update(tx: &TenantTx, id: UserId, change: &ProfileChange, now: Timestamp) -> Result<(), db::Error> {
    let tenant = tx.tenant().0;
    ensure_profile(tx, id, now).await?;
    if change.first_name.is_some() || change.last_name.is_some() {
        tx.write_one(&UPDATE_NAMES, &[&tenant, &id.0, &change.first_name, &change.last_name, &now]).await?;
    }
    tx.write_one(
        &UPDATE_PROFILE,
        &[
            &tenant,
            &id.0,
            &change.first_name,
            &change.last_name,
            &change.display_name,
            &change.avatar,
            &change.bio,
            &change.phone,
            &change.preferences,
            &change.metadata,
            &now,
        ],
    )
    .await
}

/// Switches an account on or off.
pub(crate) async fn set_active(tx: &TenantTx, id: UserId, is_active: bool, now: Timestamp) -> Result<(), db::Error> {
    ensure_profile(tx, id, now).await?;
    let tenant = tx.tenant().0;
    tx.write_one(&SET_ACTIVE, &[&tenant, &id.0, &is_active, &now]).await?;
    tx.write_one(&SET_PROFILE_ACTIVE, &[&tenant, &id.0, &is_active, &now]).await
}

/// Marks an account deleted and switches it off (T-55).
pub(crate) async fn delete(tx: &TenantTx, id: UserId, now: Timestamp) -> Result<(), db::Error> {
    ensure_profile(tx, id, now).await?;
    let tenant = tx.tenant().0;
    // First the profile, which remembers what the second statement overwrites.
    tx.write_one(&DELETE_PROFILE, &[&tenant, &id.0, &now]).await?;
    tx.write_one(&SET_ACTIVE, &[&tenant, &id.0, &false, &now]).await
}

/// Takes the mark off again; the account is as on or off as it was before.
pub(crate) async fn restore(tx: &TenantTx, id: UserId, now: Timestamp) -> Result<(), db::Error> {
    let tenant = tx.tenant().0;
    let was_active: bool = tx.scalar(&RESTORE_PROFILE, &[&tenant, &id.0, &now]).await?;
    tx.write_one(&SET_ACTIVE, &[&tenant, &id.0, &was_active, &now]).await
}

pub(crate) async fn set_role(tx: &TenantTx, id: UserId, role: &str, now: Timestamp) -> Result<(), db::Error> {
    ensure_profile(tx, id, now).await?;
    let tenant = tx.tenant().0;
    tx.write_one(&SET_ROLE, &[&tenant, &id.0, &role, &now]).await?;
    tx.write_one(&SET_PROFILE_ROLE, &[&tenant, &id.0, &role, &now]).await
}

async fn ensure_profile(tx: &Tx, id: UserId, now: Timestamp) -> Result<(), db::Error> {
    tx.execute(&INSERT_PROFILE, &[&id.0, &"{}", &now]).await.map(drop)
}

/// Reads a little of the slice's tables.
pub(crate) async fn probe(tx: &SystemTx) -> Result<(), db::Error> {
    tx.scalar::<i64>(&PROBE, &[]).await.map(drop)
}

/// Counts of one tenant.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) total: i64,
    pub(crate) active: i64,
    pub(crate) verified: i64,
    pub(crate) recent: i64,
}

impl FromRow for Counts {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            total: get(row, "total")?,
            active: get(row, "active")?,
            verified: get(row, "verified")?,
            recent: get(row, "recent")?,
        })
    }
}

pub(crate) async fn counts(tx: &TenantTx, recent_since: Timestamp) -> Result<Counts, db::Error> {
    let found = tx.find(&STATS, &[&tx.tenant().0, &recent_since]).await?;
    found.ok_or(db::Error::RowCount { statement: STATS.name, rows: 0 })
}

pub(crate) async fn counts_by_role(tx: &TenantTx) -> Result<Vec<(String, i64)>, db::Error> {
    let rows = tx.rows(&STATS_BY_ROLE, &[&tx.tenant().0]).await?;
    rows.iter().map(|row| Ok((get(row, "role")?, get(row, "people")?))).collect()
}
