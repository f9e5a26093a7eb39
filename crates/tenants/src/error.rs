//! Outcomes a caller can act on.

use kernel::InvalidEmail;
use web::{ApiError, FieldError};

use crate::model::{InvitationStatus, Status};

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// A field breaks a rule.
    #[error("{error}: {} {}", detail.field, detail.message)]
    Invalid {
        /// The short text.
        error: &'static str,
        /// The field and what would be right.
        detail: FieldError,
    },
    /// No such tenant, or none of the caller's.
    #[error("no such tenant")]
    NotFound,
    /// The caller's role is too low.
    #[error("insufficient permissions")]
    InsufficientPermissions,
    /// Another tenant has the slug.
    #[error("slug taken")]
    SlugTaken,
    /// Another tenant has the domain.
    #[error("domain taken")]
    DomainTaken,
    /// The tenant cannot be changed as it stands.
    #[error("tenant is {}", .0.as_str())]
    NotActive(TenantStatus),
    /// Suspending twice.
    #[error("already suspended")]
    AlreadySuspended,
    /// Reactivating what is not suspended.
    #[error("not suspended")]
    NotSuspended,
    /// A super admin would lock themselves out of the whole program.
    #[error("own tenant of a super admin")]
    OwnTenant,
    /// Live workspaces keep a tenant from being deleted.
    #[error("{0} live workspaces")]
    HasWorkspaces(i64),
    /// The tenant uses more than the plan asked for allows.
    #[error("{used} {what} in use, {limit} allowed")]
    PlanTooSmall {
        /// `users`, `workspaces` or `projects`.
        what: &'static str,
        /// How many there are.
        used: i64,
        /// How many there may be.
        limit: i64,
    },
    /// All seats of the plan are taken.
    #[error("all {0} seats taken")]
    NoSeat(i64),
    /// No such invitation.
    #[error("no such invitation")]
    InvitationNotFound,
    /// The invitation is no longer pending.
    #[error("invitation is {}", .0.as_str())]
    InvitationClosed(ClosedInvitation),
    /// The address has a pending invitation.
    #[error("already invited")]
    AlreadyInvited,
    /// The address belongs to somebody of the tenant.
    #[error("already a member")]
    AlreadyMember,
    /// The address has an account in another tenant.
    #[error("account elsewhere")]
    AccountElsewhere,
    /// Nobody of the caller's tenant has this id.
    #[error("no such member")]
    MemberNotFound,
    /// One of several things asked for at once was refused.
    #[error("number {index}: {source}")]
    At {
        /// Its position, from 0.
        index: usize,
        /// Why.
        source: Box<TenantError>,
    },
    /// What the slice of people said.
    #[error("people: {0:?}")]
    People(Box<ApiError>),
    /// The database.
    #[error(transparent)]
    Database(db::Error),
}

/// A tenant's status, as an error carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantStatus(pub(crate) Status);

impl TenantStatus {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        self.0.as_str()
    }
}

/// An invitation's status, as an error carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedInvitation(pub(crate) InvitationStatus);

impl ClosedInvitation {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        self.0.as_str()
    }
}

impl From<db::list::UnfitCursor> for TenantError {
    fn from(refused: db::list::UnfitCursor) -> Self {
        Self::invalid("Invalid query parameters", "cursor", refused.to_string())
    }
}

impl From<InvalidEmail> for TenantError {
    fn from(InvalidEmail(message): InvalidEmail) -> Self {
        Self::invalid("Invalid email format", "email", message)
    }
}

impl TenantError {
    /// A refused field.
    pub(crate) fn invalid(
        error: &'static str,
        field: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { error, detail: FieldError { field: field.into(), message: message.into() } }
    }

    /// Of several things asked for at once, this one was refused; an outage concerns them all.
    pub(crate) fn at(self, index: usize) -> Self {
        if matches!(self, Self::Database(_)) { self } else { Self::At { index, source: Box::new(self) } }
    }

    pub(crate) const fn not_active(status: Status) -> Self {
        Self::NotActive(TenantStatus(status))
    }

    pub(crate) const fn closed(status: InvitationStatus) -> Self {
        Self::InvitationClosed(ClosedInvitation(status))
    }
}

impl From<ApiError> for TenantError {
    fn from(error: ApiError) -> Self {
        Self::People(Box::new(error))
    }
}

impl From<db::Error> for TenantError {
    /// A tenants table of somebody else's making has other constraint names, but the column is part of them.
    fn from(error: db::Error) -> Self {
        match &error {
            db::Error::Unique { constraint, .. } if constraint == "invitations_pending_email_key" => {
                Self::AlreadyInvited
            }
            db::Error::Unique { table, constraint } if table == "tenants" && constraint.contains("slug") => {
                Self::SlugTaken
            }
            db::Error::Unique { table, constraint } if table == "tenants" && constraint.contains("domain") => {
                Self::DomainTaken
            }
            _ => Self::Database(error),
        }
    }
}
