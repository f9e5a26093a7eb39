//! Creating accounts for others: an admin with a password, or a service with the internal key and without (T-73).

use std::collections::BTreeMap;

use kernel::{Actor, Ctx, Email, Redacted, Role, TenantId, UserId};
use serde_json::{Map, Value};

use super::change_role::parse_role;
use crate::model::{NewPassword, User, fits};
use crate::password::NO_PASSWORD;
use crate::store::NewUser;
use crate::{UserError, Users, audit, events, store};

/// An account to create; which fields count depends on who asks.
#[derive(Debug, Default)]
pub(crate) struct Create {
    pub(crate) id: Option<String>,
    pub(crate) email: String,
    pub(crate) password: Option<Redacted<String>>,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) tenant_id: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) is_active: Option<bool>,
    pub(crate) email_verified: Option<bool>,
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// One request can create at most this many people.
const BULK_LIMIT: usize = 1000;

/// A checked [`Create`].
struct Parsed {
    id: UserId,
    email: Email,
    first_name: String,
    last_name: String,
    role: Role,
    tenant: TenantId,
    is_active: bool,
    email_verified: bool,
    metadata: String,
}

impl Users {
    /// Creates one account.
    pub(crate) async fn create(&self, cx: &Ctx, new: Create) -> Result<User, UserError> {
        let (parsed, hash) = match &cx.actor {
            Actor::Internal { .. } => (parse_internal(cx, new)?, NO_PASSWORD.to_owned()),
            Actor::User(user) if user.role >= Role::Admin => {
                let password = new.password.clone().filter(|password| !password.expose().is_empty());
                let password =
                    password.ok_or_else(|| UserError::invalid("Password is required", "password", "is required"))?;
                let password = NewPassword::parse("password", &password, self.passwords.scheme())?;
                let parsed = parse_by_admin(cx, new, user.tenant)?;
                if store::email_exists(
                    &self.db.read_system("an address is unique across tenants").await?,
                    &parsed.email,
                )
                .await?
                {
                    return Err(UserError::EmailTaken);
                }
                (parsed, self.passwords.hash(password.into_inner(), cx.rng()).await?)
            }
            Actor::User(_) => return Err(UserError::InsufficientPermissions),
            Actor::Anonymous | Actor::System(_) => return Err(UserError::MissingApiKey),
        };
        let tx = self.db.begin_system(cx, "an address is unique across tenants").await?;
        self.require_seats(&tx, cx, parsed.tenant, 1).await?;
        insert(&tx, cx, &parsed, &hash).await?;
        let user = record(&tx, cx, parsed.id).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(parsed.id, parsed.tenant)]).await;
        Ok(user)
    }

    /// Creates all accounts or none; services only. Returns how many.
    pub(crate) async fn bulk_create(&self, cx: &Ctx, all: Vec<Create>) -> Result<usize, UserError> {
        match cx.actor {
            Actor::Internal { .. } => {}
            Actor::User(_) => return Err(UserError::InsufficientPermissions),
            Actor::Anonymous | Actor::System(_) => return Err(UserError::MissingApiKey),
        }
        if all.len() > BULK_LIMIT {
            let message = format!("{} people in one request; send at most {BULK_LIMIT}", all.len());
            return Err(UserError::invalid("Invalid request body", "body", message));
        }
        let mut parsed = all.into_iter().map(|new| parse_internal(cx, new)).collect::<Result<Vec<_>, _>>()?;
        // Locks are taken in one order, so that two requests with the same people cannot block each other for good.
        parsed.sort_by_key(|new| new.email.folded());
        let mut tenants = BTreeMap::<TenantId, usize>::new();
        for new in &parsed {
            *tenants.entry(new.tenant).or_default() += 1;
        }
        let tx = self.db.begin_system(cx, "an address is unique across tenants").await?;
        for (tenant, people) in tenants {
            self.require_seats(&tx, cx, tenant, people).await?;
        }
        for new in &parsed {
            insert(&tx, cx, new, NO_PASSWORD).await?;
        }
        // Chains are locked in one order too.
        parsed.sort_by_key(|new| new.tenant);
        for new in &parsed {
            record(&tx, cx, new.id).await?;
        }
        tx.commit().await?;
        self.legacy_cache.forget(&parsed.iter().map(|new| (new.id, new.tenant)).collect::<Vec<_>>()).await;
        Ok(parsed.len())
    }
}

async fn insert(tx: &db::SystemTx, cx: &Ctx, new: &Parsed, hash: &str) -> Result<(), UserError> {
    store::lock_email(tx, &new.email).await?;
    if store::email_exists(tx, &new.email).await? {
        return Err(UserError::EmailTaken);
    }
    let row = NewUser {
        id: new.id,
        email: &new.email,
        password_hash: hash,
        first_name: &new.first_name,
        last_name: &new.last_name,
        role: new.role.as_str(),
        tenant: new.tenant,
        is_active: new.is_active,
        email_verified: new.email_verified,
        metadata: &new.metadata,
    };
    Ok(store::insert(tx, &row, cx.now()).await?)
}

async fn record(tx: &db::SystemTx, cx: &Ctx, id: UserId) -> Result<User, UserError> {
    let user = store::find_anywhere(tx, id).await?.ok_or(UserError::NotFound)?;
    tx.emit(cx, events::created(&user)).await?;
    tx.audit(cx, &audit::created("user.created", &user)).await?;
    Ok(user)
}

/// The old internal body: an id may be given, the tenant must be, the flags default to false (contract 1.2.3).
fn parse_internal(cx: &Ctx, new: Create) -> Result<Parsed, UserError> {
    let uuid = |field, text: &str| {
        text.parse::<uuid::Uuid>().map_err(|_| UserError::invalid("Invalid request body", field, "must be a UUID"))
    };
    let id = match new.id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => UserId(uuid("id", id)?),
        None => cx.new_id(),
    };
    let tenant = match new.tenant_id.as_deref().filter(|id| !id.is_empty()) {
        Some(id) => TenantId(uuid("tenant_id", id)?),
        None => cx.tenant.ok_or_else(|| UserError::invalid("Invalid request body", "tenant_id", "is required"))?,
    };
    let flags = (new.is_active.unwrap_or(false), new.email_verified.unwrap_or(false));
    parse(new, id, tenant, flags)
}

/// An admin's body: the tenant is the admin's own, whatever the body says.
fn parse_by_admin(cx: &Ctx, new: Create, tenant: TenantId) -> Result<Parsed, UserError> {
    for (value, error, field) in [
        (&new.first_name, "First name is required", "first_name"),
        (&new.last_name, "Last name is required", "last_name"),
    ] {
        if value.is_empty() {
            return Err(UserError::invalid(error, field, "is required"));
        }
    }
    let parsed = parse(new, cx.new_id(), tenant, (true, false))?;
    if cx.has_role(parsed.role) { Ok(parsed) } else { Err(UserError::InsufficientPermissions) }
}

fn parse(
    new: Create,
    id: UserId,
    tenant: TenantId,
    (is_active, email_verified): (bool, bool),
) -> Result<Parsed, UserError> {
    if new.email.is_empty() {
        return Err(UserError::invalid("Email is required", "email", "is required"));
    }
    let email = new.email.parse::<Email>()?;
    fits("first_name", &new.first_name, 100)?;
    fits("last_name", &new.last_name, 100)?;
    let role = match new.role.as_deref().filter(|role| !role.is_empty()) {
        Some(word) => parse_role(word)?,
        None => Role::User,
    };
    let metadata = Value::Object(new.metadata.unwrap_or_default()).to_string();
    Ok(Parsed {
        id,
        email,
        first_name: new.first_name,
        last_name: new.last_name,
        role,
        tenant,
        is_active,
        email_verified,
        metadata,
    })
}
