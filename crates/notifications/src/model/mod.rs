//! Objects as the API shows them, and the rules their fields obey.

mod draft;
mod notification;
mod webhook;

pub(crate) use draft::{Draft, NewDraft};
pub use notification::Notification;
pub(crate) use notification::{Level, NotificationId};
pub use webhook::{Attempt, Delivery, DeliveryStory, Webhook};
pub(crate) use webhook::{DeliveryId, NewWebhook, WebhookFields, WebhookId, names, wants};
