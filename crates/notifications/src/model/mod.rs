//! Objects as the API shows them, and the rules their fields obey.

mod draft;
mod notification;

pub(crate) use draft::{Draft, NewDraft};
pub use notification::Notification;
pub(crate) use notification::{Level, NotificationId};
