//! One file a use case.

pub(crate) mod bulk_create;
pub(crate) mod clean_up;
pub(crate) mod create;
pub(crate) mod create_system;
pub(crate) mod delete;
pub(crate) mod dispatch;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod list;
pub(crate) mod read;
pub(crate) mod spread;
pub(crate) mod stream;
pub(crate) mod templates;
pub(crate) mod unread;
pub(crate) mod webhooks;

use kernel::{Ctx, UserId};

use crate::NotificationError;

/// Whose feed it is: the caller's own.
fn own(cx: &Ctx) -> Result<UserId, NotificationError> {
    match (cx.known_tenant(), cx.actor.user_id()) {
        (Some(_), Some(id)) => Ok(id),
        _ => Err(NotificationError::NoPerson),
    }
}
