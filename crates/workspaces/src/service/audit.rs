//! Records, in the old service's words (contract 1.3.8); `.archived`, `.restored` and `.ownership_transferred` are new.

use db::TenantTx;
use kernel::{Actor, Ctx, WorkspaceId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::store;
use crate::store::audit::NewRecord;

pub(super) const WORKSPACE: &str = "workspace";
pub(super) const PROJECT: &str = "project";
pub(super) const BASE: &str = "airtable_base";
pub(super) const MEMBER: &str = "workspace_member";

/// What happened to what.
pub(super) struct Happened<'a> {
    pub(super) action: &'static str,
    pub(super) resource_type: &'static str,
    pub(super) resource_id: &'a str,
    pub(super) changes: Option<Value>,
}

/// Writes the record of a change into the change's transaction.
pub(super) async fn record(
    tx: &TenantTx,
    cx: &Ctx,
    workspace: WorkspaceId,
    happened: &Happened<'_>,
) -> Result<(), db::Error> {
    let user = match &cx.actor {
        Actor::System(job) => (*job).to_owned(),
        actor => actor.user_id().map(|id| id.to_string()).unwrap_or_default(),
    };
    let changes = happened.changes.as_ref().map(Value::to_string);
    let record = NewRecord {
        id: cx.new_id::<Uuid>(),
        workspace,
        user: &user,
        action: happened.action,
        resource_type: happened.resource_type,
        resource_id: happened.resource_id,
        changes: changes.as_deref(),
    };
    store::audit::insert(tx, &record, cx.now()).await
}

/// The fields that really change, each with its old and new value.
#[derive(Default)]
pub(super) struct Changes(Map<String, Value>);

impl Changes {
    /// Keeps `new` only if it is given and differs from `old`.
    pub(super) fn keep<T>(&mut self, field: &str, old: &T::Owned, new: Option<T::Owned>) -> Option<T::Owned>
    where
        T: ToOwned + ?Sized,
        T::Owned: PartialEq + serde::Serialize,
    {
        let new = new.filter(|new| new != old)?;
        self.0.insert(field.to_owned(), json!({ "old": old, "new": &new }));
        Some(new)
    }

    /// Like [`Changes::keep`], for an object that is stored as text. Objects that differ in spelling only are the same.
    pub(super) fn keep_object(&mut self, field: &str, old: &str, new: Option<Map<String, Value>>) -> Option<String> {
        let old: Value = serde_json::from_str(old).unwrap_or_default();
        let new = self.keep::<Value>(field, &old, new.map(Value::Object))?;
        Some(new.to_string())
    }

    /// `None` when nothing changes.
    pub(super) fn finish(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }
}
