//! Outcomes a caller can act on.

use std::borrow::Cow;

use db::list::UnfitCursor;
use web::FieldError;

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// A field breaks a rule.
    #[error("invalid input: {} {}", .0.field, .0.message)]
    Invalid(FieldError),
    /// A parameter of the query breaks a rule.
    #[error("invalid query: {} {}", .0.field, .0.message)]
    InvalidQuery(FieldError),
    /// Nobody to act as: a service that named no person.
    #[error("no person in the request context")]
    NoPerson,
    /// Telling others takes an admin or a service.
    #[error("role too low")]
    InsufficientPermissions,
    /// Telling everybody takes a super admin.
    #[error("no super admin")]
    SuperAdminsOnly,
    /// No such notification of the caller.
    #[error("no such notification")]
    NotFound,
    /// Nobody of the tenant has the id that was named.
    #[error("no such person")]
    PersonNotFound,
    /// The tenant has no such live workspace.
    #[error("no such workspace")]
    WorkspaceNotFound,
    /// Templates are for admins and services.
    #[error("no admin for templates")]
    TemplatesAreForAdmins,
    /// No such kind or language, or no words of the tenant's own.
    #[error("no such template")]
    TemplateNotFound,
    /// The tenant has as many as it may.
    #[error("the tenant has {0} templates")]
    TooManyTemplates(i64),
    /// Webhooks are for admins and services.
    #[error("no admin")]
    AdminsOnly,
    /// The tenant has no such webhook.
    #[error("no such webhook")]
    WebhookNotFound,
    /// The webhook has no such delivery.
    #[error("no such delivery")]
    DeliveryNotFound,
    /// The tenant has as many as it may.
    #[error("the tenant has {0} webhooks")]
    TooManyWebhooks(i64),
    /// Nothing is posted to it.
    #[error("the webhook is disabled")]
    WebhookDisabled,
    /// It is on its way already.
    #[error("the delivery is pending")]
    DeliveryPending,
    /// The program posts to nobody.
    #[error("deliveries are switched off")]
    DeliveriesOff,
    /// An event of a newer program; not an outcome of any request.
    #[error("the event cannot be read")]
    Unreadable,
    /// The database.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl NotificationError {
    /// A refused parameter.
    pub(crate) fn invalid_query(field: &'static str, message: &'static str) -> Self {
        Self::InvalidQuery(FieldError { field: field.into(), message: message.into() })
    }

    /// A refused field.
    pub(crate) fn invalid(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(FieldError { field: field.into(), message: message.into() })
    }
}

impl From<UnfitCursor> for NotificationError {
    fn from(error: UnfitCursor) -> Self {
        Self::InvalidQuery(FieldError { field: "cursor".into(), message: error.to_string().into() })
    }
}
