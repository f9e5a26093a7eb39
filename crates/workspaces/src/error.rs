//! Outcomes a caller can act on.

use std::borrow::Cow;

use web::FieldError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// A field breaks a rule.
    #[error("invalid input: {} {}", .0.field, .0.message)]
    Invalid(FieldError),
    /// A parameter of the query breaks a rule.
    #[error("invalid query: {} {}", .0.field, .0.message)]
    InvalidQuery(FieldError),
    /// Nobody to act as: a service that named no person.
    #[error("no person in the request context")]
    NoPerson,
    /// Neither a person nor a tenant to act in.
    #[error("no tenant in the request context")]
    NoContext,
    /// Not a member, or the role is too low.
    #[error("role too low")]
    Unauthorized,
    /// The body names a parent outside the caller's tenant.
    #[error("parent of another tenant")]
    Forbidden,
    /// The tenant has all the workspaces, or the workspace all the projects, it may have.
    #[error("quota of {limit} {things} reached")]
    QuotaExceeded {
        /// What there may be no more of.
        things: &'static str,
        /// How many there may be.
        limit: i64,
    },
    /// No such workspace in the caller's tenant.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// No such project in the caller's tenant.
    #[error("no such project")]
    ProjectNotFound,
    /// No such connected base in the caller's tenant.
    #[error("no such base")]
    BaseNotFound,
    /// The person is not a member.
    #[error("no such member")]
    MemberNotFound,
    /// Nobody with this id in the caller's tenant.
    #[error("no such person")]
    UserNotFound,
    /// A live workspace of the tenant has the name.
    #[error("workspace name taken")]
    WorkspaceNameTaken,
    /// A live project of the workspace has the name.
    #[error("project name taken")]
    ProjectNameTaken,
    /// The base is connected to the project already.
    #[error("base connected already")]
    BaseTaken,
    /// The person is a member already.
    #[error("member already")]
    AlreadyMember,
    /// The workspace would be left without an owner.
    #[error("last owner")]
    LastOwner,
    /// The workspace has live projects.
    #[error("{0} live projects")]
    HasProjects(i64),
    /// The project has connected bases.
    #[error("{0} connected bases")]
    HasBases(i64),
    /// The database.
    #[error(transparent)]
    Database(db::Error),
}

impl WorkspaceError {
    /// A refused field of a body.
    pub(crate) fn invalid(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(FieldError { field: field.into(), message: message.into() })
    }

    /// A refused parameter of a query.
    pub(crate) fn invalid_query(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidQuery(FieldError { field: field.into(), message: message.into() })
    }
}

impl From<db::list::UnfitCursor> for WorkspaceError {
    fn from(refused: db::list::UnfitCursor) -> Self {
        Self::invalid_query("cursor", refused.to_string())
    }
}

impl From<db::Error> for WorkspaceError {
    /// The old schema's triggers and keys say the same as this slice's own checks, should a writer of the old side slip
    /// in between (T-46, T-47).
    fn from(error: db::Error) -> Self {
        match &error {
            db::Error::Raised(text) if text.contains("last owner") => Self::LastOwner,
            db::Error::Raised(text) if text.contains("quota exceeded") => {
                Self::QuotaExceeded { things: "workspaces", limit: crate::LEGACY_WORKSPACES }
            }
            error if error.is_unique_of("workspace_members") => Self::AlreadyMember,
            error if error.is_unique_of("workspaces") => Self::WorkspaceNameTaken,
            error if error.is_unique_of("projects") => Self::ProjectNameTaken,
            error if error.is_unique_of("airtable_bases") => Self::BaseTaken,
            _ => Self::Database(error),
        }
    }
}
