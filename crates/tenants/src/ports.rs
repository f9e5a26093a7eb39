//! What this slice asks of others, wired in `platform`. People are the users slice's: it checks and stores them, counts
//! them, switches them on and off. Refusals come as the answer that slice would give itself, texts included.

use db::{SystemTx, TenantTx};
use jiff::Timestamp;
use kernel::{Ctx, Page, PageRequest, Redacted, Role, TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, BoxFuture};

/// A person, as far as tenants show people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// The account's id.
    #[schema(value_type = uuid::Uuid)]
    pub id: UserId,
    /// The address of the account.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// `user`, `admin` or `super_admin`.
    pub role: String,
    /// The tenant the person belongs to.
    #[schema(value_type = uuid::Uuid)]
    pub tenant_id: TenantId,
    /// Whether the person may log in.
    pub is_active: bool,
    /// Whether the address was confirmed.
    pub email_verified: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Left out before the first log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<Timestamp>,
}

/// Somebody who asks for an account.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The e-mail address.
    pub email: String,
    /// The password, in clear.
    pub password: Redacted<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// A person with their first pair of tokens.
pub struct LogIn {
    /// The person.
    pub person: Person,
    /// The access token.
    pub access_token: Redacted<String>,
    /// The refresh token.
    pub refresh_token: Redacted<String>,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// A checked [`NewPerson`] whose password is hashed already: what is slow is done before a transaction is open.
pub trait Applicant: Send {
    /// Stores the account and opens a log-in, in the caller's transaction.
    fn admit<'a>(
        &'a mut self,
        tx: &'a SystemTx,
        cx: &'a Ctx,
        tenant: TenantId,
        role: Role,
    ) -> BoxFuture<'a, Result<UserId, ApiError>>;

    /// The tokens of the log-in, once the transaction is committed.
    fn log_in<'a>(self: Box<Self>, cx: &'a Ctx) -> BoxFuture<'a, Result<LogIn, ApiError>>
    where
        Self: 'a;
}

/// What an invited person is told.
pub struct InvitationLetter<'a> {
    /// The address.
    pub email: &'a str,
    /// What they are asked to join.
    pub tenant_name: &'a str,
    /// As what.
    pub role: &'a str,
    /// What they accept it with.
    pub token: &'a Redacted<String>,
    /// Until when.
    pub expires_at: Timestamp,
    /// Who asks; nobody when a service does.
    pub inviter: Option<UserId>,
}

/// Mail, as far as tenants need it.
pub trait Post: Send + Sync {
    /// Sends an invitation once the transaction is committed, if there is any e-mail.
    fn invite<'a>(
        &'a self,
        tx: &'a TenantTx,
        cx: &'a Ctx,
        letter: &'a InvitationLetter<'a>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;
}

/// Counts and the owner of one tenant.
#[derive(Debug, Clone)]
pub struct Headcount {
    /// The tenant.
    pub tenant: TenantId,
    /// Everybody who is not deleted.
    pub people: i64,
    /// Those of them who may log in.
    pub active: i64,
    /// The admin who has been there longest.
    pub owner: Option<Person>,
}

/// People, as far as tenants need them.
pub trait People: Send + Sync {
    /// Checks somebody who asks for an account, and hashes the password.
    fn prepare<'a>(&'a self, cx: &'a Ctx, new: NewPerson) -> BoxFuture<'a, Result<Box<dyn Applicant>, ApiError>>;

    /// The tenant of the account that has the address, in whatever case; deleted accounts keep theirs.
    fn tenant_of_address<'a>(
        &'a self,
        tx: &'a SystemTx,
        email: &'a str,
    ) -> BoxFuture<'a, Result<Option<TenantId>, db::Error>>;

    /// Whether somebody of the transaction's tenant has the address, in whatever case.
    fn is_member<'a>(&'a self, tx: &'a TenantTx, email: &'a str) -> BoxFuture<'a, Result<bool, db::Error>>;

    /// Whether the account is of the transaction's tenant.
    fn is_of_tenant<'a>(&'a self, tx: &'a TenantTx, id: UserId) -> BoxFuture<'a, Result<bool, db::Error>>;

    /// Some of the tenant ids that accounts name and that come after `after`, in order; empty at the end.
    fn tenants_after<'a>(
        &'a self,
        tx: &'a SystemTx,
        after: TenantId,
    ) -> BoxFuture<'a, Result<Vec<TenantId>, db::Error>>;

    /// Everybody of the tenant who is not deleted.
    fn count<'a>(&'a self, tx: &'a db::Tx, tenant: TenantId) -> BoxFuture<'a, Result<i64, db::Error>>;

    /// Counts and owners of the tenants that have people.
    fn headcounts<'a>(
        &'a self,
        tx: &'a db::Tx,
        tenants: &'a [TenantId],
    ) -> BoxFuture<'a, Result<Vec<Headcount>, db::Error>>;

    /// Switches everybody of the transaction's tenant off and ends their log-ins. Returns who was on.
    fn switch_off<'a>(&'a self, tx: &'a TenantTx, cx: &'a Ctx) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>>;

    /// Switches `people` of the transaction's tenant on, unless deleted since. Returns who was switched.
    fn switch_on<'a>(
        &'a self,
        tx: &'a TenantTx,
        cx: &'a Ctx,
        people: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>>;

    /// After the commit of a switch: what others remember of `people` is forgotten.
    fn switched<'a>(&'a self, tenant: TenantId, people: &'a [UserId], on: bool) -> BoxFuture<'a, ()>;

    /// One page of the people of the context's tenant.
    fn list<'a>(
        &'a self,
        cx: &'a Ctx,
        search: Option<String>,
        request: PageRequest,
    ) -> BoxFuture<'a, Result<Page<Person>, ApiError>>;

    /// Changes what somebody of the caller's tenant may do.
    fn change_role<'a>(&'a self, cx: &'a Ctx, id: UserId, role: &'a str) -> BoxFuture<'a, Result<Person, ApiError>>;
}
