//! Outcomes a caller can act on.

use kernel::InvalidEmail;
use web::FieldError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// A field breaks a rule; `error` is the text old clients know.
    #[error("{error}")]
    Invalid {
        /// The short text.
        error: &'static str,
        /// The field and what would be right.
        detail: Option<FieldError>,
    },
    /// Another account has the address, in this or another case.
    #[error("e-mail address taken")]
    EmailTaken,
    /// Somebody else logs in with this name.
    #[error("user name taken")]
    UsernameTaken,
    /// All seats of the tenant's plan are taken.
    #[error("all {0} seats taken")]
    NoSeat(i64),
    /// An account with this id exists.
    #[error("id taken")]
    IdTaken,
    /// Unknown account or wrong password.
    #[error("invalid credentials")]
    InvalidCredentials,
    /// Right password, account not active.
    #[error("account not active")]
    Inactive,
    /// Unknown, expired, revoked or replayed refresh token.
    #[error("invalid refresh token")]
    InvalidRefreshToken,
    /// The current password given for a change is wrong.
    #[error("current password wrong")]
    WrongCurrentPassword,
    /// Nobody with this id.
    #[error("no such user")]
    NotFound,
    /// No such log-in of the caller.
    #[error("no such session")]
    SessionNotFound,
    /// The caller may not see or change this person.
    #[error("access denied")]
    AccessDenied,
    /// The caller's role is too low.
    #[error("insufficient permissions")]
    InsufficientPermissions,
    /// A bare tenant id does not let anybody in.
    #[error("joining a tenant needs an invitation")]
    JoinRefused,
    /// Neither an internal key nor a token.
    #[error("missing credentials for creation")]
    MissingApiKey,
    /// Too many wrong passwords for one account from one address.
    #[error("too many failed attempts")]
    TooManyAttempts {
        /// Seconds until the next attempt is let in.
        retry_after: u32,
    },
    /// The password hashing queue is full.
    #[error("too many log-ins at once")]
    Busy,
    /// The shared token store did not answer.
    #[error("token store: {0}")]
    TokenStore(#[from] redis::RedisError),
    /// A token could not be signed.
    #[error("signing: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
    /// The database.
    #[error(transparent)]
    Database(db::Error),
}

impl From<db::list::UnfitCursor> for UserError {
    fn from(refused: db::list::UnfitCursor) -> Self {
        Self::invalid("Invalid query parameters", "cursor", refused.to_string())
    }
}

impl From<InvalidEmail> for UserError {
    fn from(InvalidEmail(message): InvalidEmail) -> Self {
        Self::invalid("Invalid email format", "email", message)
    }
}

impl UserError {
    /// A refused field.
    pub(crate) fn invalid(
        error: &'static str,
        field: &'static str,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Self {
        Self::Invalid { error, detail: Some(FieldError { field: field.into(), message: message.into() }) }
    }
}

impl From<db::Error> for UserError {
    fn from(error: db::Error) -> Self {
        match &error {
            db::Error::Unique { constraint, .. } if constraint.ends_with("_pkey") => Self::IdTaken,
            db::Error::Unique { table, .. } if table == "users" || table == "user_profiles" => Self::EmailTaken,
            _ => Self::Database(error),
        }
    }
}
