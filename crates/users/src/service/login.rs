//! A person logs in with an e-mail address or user name, and a password.

use kernel::{Ctx, Redacted, Role};

use super::LoggedIn;
use crate::{UserError, Users, audit, store};

/// What a log-in form carries.
#[derive(Debug, Default)]
pub(crate) struct Login {
    /// An e-mail address, or a user name.
    pub(crate) name: String,
    pub(crate) password: Redacted<String>,
    /// The least role that may log in here: the admin dashboard has its own door (T-72).
    pub(crate) at_least: Option<Role>,
}

impl Users {
    /// Checks the password and opens a session. However it ends, it costs one hash.
    pub(crate) async fn login(&self, cx: &Ctx, form: Login) -> Result<LoggedIn, UserError> {
        let attempt = self.attempts.begin(cx, &form.name).await?;
        let found = {
            let tx = self.db.read_system("a log-in names no tenant").await?;
            store::find_credentials(&tx, &form.name).await?
        };
        let stored = found.as_ref().map(|credentials| credentials.password_hash.clone());
        let verdict = self.passwords.verify(form.password.clone(), stored).await?;
        let Some(credentials) = found.filter(|credentials| verdict.matches && !credentials.is_deleted) else {
            attempt.failed(cx.now());
            return Err(UserError::InvalidCredentials);
        };
        attempt.succeeded();
        if !credentials.is_active {
            return Err(UserError::Inactive);
        }
        let rehashed = if verdict.outdated { Some(self.passwords.hash(form.password, cx.rng()).await?) } else { None };

        let tx = self.db.begin_system("a log-in names no tenant").await?;
        store::record_login(&tx, credentials.id, cx.now()).await?;
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
        // The old services forget nothing at a log-in either; only `last_login_at` changed.
        let event = audit::happened("user.logged_in", &user);
        self.open_session(cx, tx, user, &event).await
    }
}
