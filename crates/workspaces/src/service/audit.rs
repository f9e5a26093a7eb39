//! Records, in the old service's words (contract 1.3.8); `.archived`, `.restored` and `.ownership_transferred` are new.

use db::TenantTx;
use db::audit::AuditEvent;
use kernel::{Ctx, WorkspaceId};
use serde_json::{Map, Value, json};

use crate::store;

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

impl Happened<'_> {
    /// Of the transaction's tenant.
    pub(super) fn event(&self, tx: &TenantTx) -> AuditEvent {
        AuditEvent {
            action: self.action,
            resource_type: self.resource_type,
            resource_id: self.resource_id.to_owned(),
            tenant: tx.tenant(),
            changes: self.changes.as_ref().map(Value::to_string),
        }
    }
}

/// Writes the record of a change into the change's transaction, after every lock it takes.
pub(super) async fn record(
    tx: &TenantTx,
    cx: &Ctx,
    workspace: WorkspaceId,
    happened: &Happened<'_>,
) -> Result<(), db::Error> {
    store::audit::insert(tx, cx, workspace, &happened.event(tx)).await
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
