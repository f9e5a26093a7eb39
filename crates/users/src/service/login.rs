//! A person logs in with an e-mail address or user name, and a password.

use kernel::{Ctx, Redacted, Role};

use super::LoggedIn;
use crate::sessions::Sessions;
use crate::{UserError, Users, audit, events, store};

/// What a log-in form carries.
#[derive(Debug, Default)]
pub(crate) struct Login {
    /// An e-mail address, or a user name.
    pub(crate) name: String,
    pub(crate) password: Redacted<String>,
    /// The least role that may log in here: the admin dashboard has its own door (T-72).
    pub(crate) at_least: Option<Role>,
}

/// How often a log-in starts anew because the stored hash changed under it. Once is what another log-in's rehash
/// costs; whoever meets more changes than that may as well try again.
const ATTEMPTS: usize = 3;

impl Users {
    /// Checks the password and opens a session. However it ends, it costs one hash.
    pub(crate) async fn login(&self, cx: &Ctx, form: Login) -> Result<LoggedIn, UserError> {
        for _ in 0..ATTEMPTS {
            if let Some(logged_in) = self.try_login(cx, &form).await? {
                return Ok(logged_in);
            }
        }
        Err(UserError::Busy)
    }

    /// `None` if the password was changed or rehashed between checking it and opening the session: the session would
    /// outlive the change that was to end all others.
    async fn try_login(&self, cx: &Ctx, form: &Login) -> Result<Option<LoggedIn>, UserError> {
        let attempt = self.attempts.begin(cx, &form.name).await?;
        let found = {
            let tx = self.db.read_system("a log-in names no tenant").await?;
            store::find_credentials(&tx, &form.name).await?
        };
        let stored = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let verdict = self.passwords.verify(form.password.clone(), stored).await?;
        let Some(credentials) = found.filter(|credentials| verdict.matches && !credentials.is_deleted) else {
            attempt.failed(cx.now()).await;
            return Err(UserError::InvalidCredentials);
        };
        attempt.succeeded().await;
        if !credentials.is_active {
            return Err(UserError::Inactive);
        }
        let rehashed =
            if verdict.outdated { Some(self.passwords.hash(form.password.clone(), cx.rng()).await?) } else { None };

        let tx = self.db.begin_system(cx, "a log-in names no tenant").await?;
        if !store::record_login(&tx, credentials.id, &credentials.password_hash, cx.now()).await? {
            return Ok(None);
        }
        if let Some(hash) = rehashed {
            store::replace_hash(&tx, credentials.id, &credentials.password_hash, &hash).await?;
        }
        // Read after the update has locked the row: whoever deactivates the account now waits, then ends this session.
        let user = store::find_anywhere(&tx, credentials.id).await?.ok_or(UserError::InvalidCredentials)?;
        if !user.is_active || user.deleted_at.is_some() {
            return Err(UserError::Inactive);
        }
        if self.tenants.is_closed(&tx, user.tenant_id).await? {
            return Err(UserError::Inactive);
        }
        if form.at_least.is_some_and(|role| user.role() < role) {
            return Err(UserError::InsufficientPermissions);
        }
        if let Sessions::Postgres(sessions) = &self.sessions
            && sessions.is_new_device(&tx, cx, user.id).await?
        {
            tx.emit(cx, events::new_device(cx, &user)).await?;
        }
        let event = audit::happened("user.logged_in", &user);
        let logged_in = self.open_session(cx, tx, user, &event).await?;
        self.legacy_cache.forget_entry(logged_in.user.id).await;
        Ok(Some(logged_in))
    }
}
