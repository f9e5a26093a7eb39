//! Events: what a slice lets others know of a change, written by the transaction of the change itself. Whoever tells
//! people or machines of it (the notifications slice) takes it from the queue.

use jiff::Timestamp;
use kernel::{Ctx, TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::jobs::Job;
use crate::{Error, Tx};

/// The kind of job that an event is.
pub const KIND: &str = "event";

/// Something that happened, in the words of the slice it happened in.
#[derive(Debug, Clone)]
pub struct Event {
    /// `resource.verb_in_the_past`, as webhooks name it.
    pub name: &'static str,
    /// Where.
    pub tenant: TenantId,
    /// What others may know of it; never secrets.
    pub data: Value,
}

/// An event as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Happened {
    /// [`Event::name`]
    pub event: String,
    /// [`Event::data`]
    pub data: Value,
    /// When.
    pub at: Timestamp,
    /// Whose doing it was, when it was a person's.
    pub actor: Option<Uuid>,
}

impl Tx {
    /// Lets others know of `event` once this transaction is committed; returns its id.
    pub async fn emit(&self, cx: &Ctx, event: Event) -> Result<Uuid, Error> {
        let actor = cx.actor.user_id().map(|UserId(id)| id);
        let happened = Happened { event: event.name.to_owned(), data: event.data, at: cx.now(), actor };
        let payload = serde_json::to_string(&happened).unwrap_or_default();
        self.enqueue(cx, &Job { kind: KIND, tenant: event.tenant, payload, run_at: cx.now() }).await
    }
}
