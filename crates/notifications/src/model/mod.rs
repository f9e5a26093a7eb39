//! Objects as the API shows them, and the rules their fields obey.

mod channel;
mod draft;
mod notification;
mod preferences;
mod template;
mod webhook;

pub use channel::Channel;
pub(crate) use channel::{Address, CODE_LIFETIME, CODE_TRIES, ChannelId, new_code};
pub(crate) use draft::{Draft, NewDraft};
pub use notification::Notification;
pub(crate) use notification::{Level, NotificationId};
pub use preferences::{Category, Preferences};
pub(crate) use preferences::{Choices, Ways};
pub(crate) use template::{Override, Part};
pub use template::{Parts, Template};
pub use webhook::{Attempt, Delivery, DeliveryStory, Webhook};
pub(crate) use webhook::{DeliveryId, NewWebhook, WebhookFields, WebhookId, names, wants};
