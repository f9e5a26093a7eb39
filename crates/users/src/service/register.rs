//! A person signs up: alone, which makes a tenant whose admin they are; or, beside the old services only, into the
//! tenant they name.

use kernel::{Ctx, Email, Redacted, Role, TenantId, UserId};

use super::LoggedIn;
use crate::model::{NewPassword, fits};
use crate::ports::SignUpTenant;
use crate::store::NewUser;
use crate::{UserError, Users, audit, events, store};

/// What a registration form carries, as sent.
#[derive(Debug, Default)]
pub(crate) struct Register {
    pub(crate) email: String,
    pub(crate) password: Redacted<String>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) username: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) tenant_name: Option<String>,
}

impl Users {
    /// Creates the account and logs it in.
    pub(crate) async fn register(&self, cx: &Ctx, form: Register) -> Result<LoggedIn, UserError> {
        let (email, password) = self.check(&form)?;
        let joins = match form.tenant_id.as_deref().filter(|id| !id.is_empty()) {
            None => None,
            // Whoever knows an id is not thereby invited. The old services let them in (contract 1.1.3), and beside
            // them so do we: a registration must not depend on which side answers it.
            Some(_) if !self.coexistence => return Err(UserError::JoinRefused),
            Some(id) => Some(
                id.parse::<TenantId>()
                    .map_err(|_| UserError::invalid("Invalid request body", "tenant_id", "must be a UUID"))?,
            ),
        };
        // Of many registrations of one address at once, one hashes a password; the others learn that it is taken.
        let _turn = self.registrations.take(email.folded()).await;
        if store::email_exists(&self.db.read_system("an address is unique across tenants").await?, &email).await? {
            return Err(UserError::EmailTaken);
        }
        let hash = self.passwords.hash(password.into_inner(), cx.rng()).await?;

        let id: UserId = cx.new_id();
        let tx = self.db.begin_system(cx, "registration has no tenant yet").await?;
        store::lock_email(&tx, &email).await?;
        if store::email_exists(&tx, &email).await? {
            return Err(UserError::EmailTaken);
        }
        let (tenant, role) = match joins {
            Some(tenant) => (tenant, Role::User),
            None => (self.found_tenant(&tx, cx, &form).await?, Role::Admin),
        };
        // An address is a name to log in with already.
        let username =
            form.username.as_deref().filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(&form.email));
        if let Some(name) = username
            && store::lock_username(&tx, name).await?
        {
            return Err(UserError::UsernameTaken);
        }
        let metadata =
            username.map_or_else(|| "{}".to_owned(), |name| serde_json::json!({ "username": name }).to_string());
        let user = NewUser {
            id,
            email: &email,
            password_hash: &hash,
            first_name: &form.first_name,
            last_name: &form.last_name,
            role: role.as_str(),
            tenant,
            is_active: true,
            email_verified: false,
            metadata: &metadata,
        };
        store::insert(&tx, &user, cx.now()).await?;
        let user = store::find_anywhere(&tx, id).await?.ok_or(UserError::NotFound)?;
        tx.emit(cx, events::created(&user)).await?;
        let event = audit::created("user.registered", &user);
        let logged_in = self.open_session(cx, tx, user, &event).await?;
        self.legacy_cache.forget(&[(id, tenant)]).await;
        Ok(logged_in)
    }

    async fn found_tenant(&self, tx: &db::SystemTx, cx: &Ctx, form: &Register) -> Result<TenantId, UserError> {
        let given = form.tenant_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        let name = given.map_or_else(|| crate::model::full_name(&form.first_name, &form.last_name), str::to_owned);
        let tenant = SignUpTenant { id: cx.new_id(), name };
        self.tenants.create_for_sign_up(tx, cx, &tenant).await?;
        Ok(tenant.id)
    }

    /// The old service's checks in its order, with its texts; then the ones it left to the database (T-27).
    fn check(&self, form: &Register) -> Result<(Email, NewPassword), UserError> {
        let required = |value: &str, error, field| {
            if value.is_empty() { Err(UserError::invalid(error, field, "is required")) } else { Ok(()) }
        };
        required(&form.email, "Email is required", "email")?;
        required(form.password.expose(), "Password is required", "password")?;
        let password = NewPassword::parse("password", &form.password, self.passwords.scheme())?;
        required(&form.first_name, "First name is required", "first_name")?;
        required(&form.last_name, "Last name is required", "last_name")?;
        let email = form.email.parse::<Email>()?;
        fits("first_name", &form.first_name, 100)?;
        fits("last_name", &form.last_name, 100)?;
        let username = form.username.as_deref().unwrap_or_default();
        fits("username", username, 100)?;
        if username.contains('@') && !username.eq_ignore_ascii_case(&form.email) {
            return Err(UserError::invalid("Invalid request body", "username", "must not contain @"));
        }
        fits("tenant_name", form.tenant_name.as_deref().unwrap_or_default(), 255)?;
        Ok((email, password))
    }
}
