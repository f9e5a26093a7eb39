//! What the slice of tenants asks about people: accounts made within its transactions, counts, and whole tenants
//! switched off and on. `platform` wires it; recording is the caller's, one record for the whole change.

use db::{SystemTx, TenantTx, Tx};
use kernel::{Actor, Ctx, Email, Page, PageRequest, Redacted, Role, SessionId, TenantId, UserActor, UserId};

use crate::model::{NewPassword, User, fits};
use crate::sessions::{Sessions, new_token};
use crate::store::list::{Filters, LIST};
use crate::store::recent::{Change, Field};
use crate::store::{NewUser, tenancy};
use crate::token::ACCESS_LIFETIME;
use crate::{UserError, Users, events, store};

/// Somebody who asks for an account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The e-mail address.
    pub email: String,
    /// The password, in clear.
    pub password: Redacted<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// A checked [`NewAccount`], its password hashed.
pub struct CheckedAccount {
    email: Email,
    hash: Redacted<String>,
    first_name: String,
    last_name: String,
}

/// A log-in whose transaction is not committed yet.
pub struct OpenLogIn {
    user: User,
    refresh_token: Redacted<String>,
    session: Option<SessionId>,
}

impl OpenLogIn {
    /// Whose it is.
    pub const fn user_id(&self) -> UserId {
        self.user.user_id
    }
}

/// A person with their first pair of tokens.
pub struct FirstLogIn {
    /// The person.
    pub user: User,
    /// The access token.
    pub access_token: Redacted<String>,
    /// The refresh token.
    pub refresh_token: Redacted<String>,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// Counts and the owner of one tenant.
pub struct Headcount {
    /// The tenant.
    pub tenant: TenantId,
    /// Everybody who is not deleted.
    pub people: i64,
    /// Those of them who may log in.
    pub active: i64,
    /// The admin who has been there longest.
    pub owner: Option<User>,
}

impl Users {
    /// Checks somebody who asks for an account as a registration would, and hashes the password: before any
    /// transaction is open.
    pub async fn check_account(&self, cx: &Ctx, new: NewAccount) -> Result<CheckedAccount, UserError> {
        let NewAccount { email, password, first_name, last_name } = new;
        for (value, error, field) in [
            (email.as_str(), "Email is required", "email"),
            (password.expose().as_str(), "Password is required", "password"),
            (first_name.as_str(), "First name is required", "first_name"),
            (last_name.as_str(), "Last name is required", "last_name"),
        ] {
            if value.is_empty() {
                return Err(UserError::invalid(error, field, "is required"));
            }
        }
        let password = NewPassword::parse("password", &password, self.passwords.scheme())?;
        let email = email.parse::<Email>()?;
        fits("first_name", &first_name, 100)?;
        fits("last_name", &last_name, 100)?;
        if store::email_exists(&self.db.read_system("an address is unique across tenants").await?, &email).await? {
            return Err(UserError::EmailTaken);
        }
        let hash = self.passwords.hash(password.into_inner(), cx.rng()).await?;
        Ok(CheckedAccount { email, hash: hash.into(), first_name, last_name })
    }

    /// Stores the account and opens its first log-in, in the caller's transaction.
    pub async fn create_account(
        &self,
        tx: &SystemTx,
        cx: &Ctx,
        account: &CheckedAccount,
        tenant: TenantId,
        role: Role,
    ) -> Result<OpenLogIn, UserError> {
        store::lock_email(tx, &account.email).await?;
        if store::email_exists(tx, &account.email).await? {
            return Err(UserError::EmailTaken);
        }
        let id: UserId = cx.new_id();
        let row = NewUser {
            id,
            email: &account.email,
            password_hash: account.hash.expose(),
            first_name: &account.first_name,
            last_name: &account.last_name,
            role: role.as_str(),
            tenant,
            is_active: true,
            // An admin sees the token of an invitation too, so holding it proves nothing about the address.
            email_verified: false,
            metadata: "{}",
        };
        store::insert(tx, &row, cx.now()).await?;
        let user = store::find_anywhere(tx, id).await?.ok_or(UserError::NotFound)?;
        tx.emit(cx, events::created(&user)).await?;
        let refresh_token = new_token(cx.rng());
        let session = match &self.sessions {
            Sessions::Postgres(sessions) => Some(sessions.open(tx, cx, id, tenant, &refresh_token).await?),
            Sessions::SharedRedis(_) => None,
        };
        Ok(OpenLogIn { user, refresh_token, session })
    }

    /// The tokens of a log-in, once its transaction is committed.
    pub async fn finish_log_in(&self, cx: &Ctx, open: OpenLogIn) -> Result<FirstLogIn, UserError> {
        let OpenLogIn { user, refresh_token, session } = open;
        if let Sessions::SharedRedis(sessions) = &self.sessions {
            sessions.issue(user.id, &refresh_token).await?;
        }
        let actor = UserActor { id: user.id, tenant: user.tenant_id, role: user.role(), session, expires_at: None };
        let access_token = self.access_token(&cx.with_actor(Actor::User(actor)), &user, session)?;
        self.legacy_cache.forget(&[(user.id, user.tenant_id)]).await;
        Ok(FirstLogIn { user, access_token, refresh_token, expires_in: ACCESS_LIFETIME.as_secs() })
    }

    /// The tenant of the account that has the address, in whatever case; deleted accounts keep theirs.
    pub async fn tenant_of_address(&self, tx: &SystemTx, email: &str) -> Result<Option<TenantId>, db::Error> {
        tenancy::tenant_of_address(tx, email).await
    }

    /// Whether somebody of the transaction's tenant has the address, in whatever case.
    pub async fn is_member_address(&self, tx: &TenantTx, email: &str) -> Result<bool, db::Error> {
        tenancy::is_member_address(tx, email).await
    }

    /// Whether the account is of the transaction's tenant.
    pub async fn is_of_tenant(&self, tx: &TenantTx, id: UserId) -> Result<bool, db::Error> {
        tenancy::is_member(tx, id).await
    }

    /// Some of the tenant ids that accounts name and that come after `after`, in order; empty at the end.
    pub async fn tenants_after(&self, tx: &Tx, after: TenantId) -> Result<Vec<TenantId>, db::Error> {
        tenancy::tenants_after(tx, after).await
    }

    /// Everybody of the tenant who is not deleted.
    pub async fn count_of_tenant(&self, tx: &Tx, tenant: TenantId) -> Result<i64, db::Error> {
        tenancy::count(tx, tenant).await
    }

    /// Counts and owners of the tenants that have people.
    pub async fn headcounts(&self, tx: &Tx, tenants: &[TenantId]) -> Result<Vec<Headcount>, db::Error> {
        let counts = tenancy::counts(tx, tenants).await?;
        let mut owners = tenancy::owners(tx, tenants).await?;
        let mut owner_of = |tenant| {
            let at = owners.iter().position(|user| user.tenant_id == tenant)?;
            Some(owners.swap_remove(at))
        };
        let with_owner = counts.into_iter().map(|count| Headcount {
            owner: owner_of(count.tenant),
            tenant: count.tenant,
            people: count.people,
            active: count.active,
        });
        Ok(with_owner.collect())
    }

    /// Switches everybody of the transaction's tenant off and ends their log-ins. Returns who was on.
    pub async fn switch_tenant_off(&self, tx: &TenantTx, cx: &Ctx) -> Result<Vec<UserId>, db::Error> {
        let people = tenancy::switch_off(tx, cx.now()).await?;
        self.keep_switched(tx, cx, &people, false).await?;
        Ok(people)
    }

    /// Switches `people` of the transaction's tenant on, unless deleted since. Returns who was switched.
    pub async fn switch_people_on(&self, tx: &TenantTx, cx: &Ctx, people: &[UserId]) -> Result<Vec<UserId>, db::Error> {
        let people = tenancy::switch_on(tx, people, cx.now()).await?;
        self.keep_switched(tx, cx, &people, true).await?;
        Ok(people)
    }

    async fn keep_switched(&self, tx: &TenantTx, cx: &Ctx, people: &[UserId], on: bool) -> Result<(), db::Error> {
        let of = |id: &UserId| Change {
            user: *id,
            field: Field::IsActive,
            before: (!on).to_string(),
            after: on.to_string(),
        };
        self.keep_all(tx, cx, tx.tenant(), &people.iter().map(of).collect::<Vec<_>>()).await
    }

    /// After the commit of a switch: the old services' caches forget `people`, and so does their token store when they
    /// were switched off. A failure is only logged: a token of somebody who is off refreshes on neither side.
    pub async fn people_switched(&self, tenant: TenantId, people: &[UserId], on: bool) {
        let pairs: Vec<(UserId, TenantId)> = people.iter().map(|id| (*id, tenant)).collect();
        if pairs.is_empty() {
            return;
        }
        self.legacy_cache.forget(&pairs).await;
        if let (Sessions::SharedRedis(sessions), false) = (&self.sessions, on) {
            for id in people {
                if let Err(error) = sessions.revoke_all(*id).await {
                    tracing::warn!(%error, user_id = %id, "refresh tokens could not be revoked; the account is off all the same");
                }
            }
        }
    }

    /// One page of the people of the context's tenant, the newest first.
    pub async fn list_members(
        &self,
        cx: &Ctx,
        search: Option<String>,
        request: PageRequest,
    ) -> Result<Page<User>, UserError> {
        let filters = Filters { search, ..Filters::default() };
        self.list(cx, cx.tenant, &filters, LIST.order(None, false), request).await
    }

    /// Changes what somebody may do.
    pub async fn change_member_role(&self, cx: &Ctx, id: UserId, role: &str) -> Result<User, UserError> {
        self.change_role(cx, id, role).await
    }
}
