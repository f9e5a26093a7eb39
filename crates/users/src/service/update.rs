//! Changing a person's names and profile. Address, role, tenant and state have their own doors.

use kernel::{Ctx, Role, UserId};
use serde_json::{Map, Value};

use crate::model::{User, fits, full_name};
use crate::store::ProfileChange;
use crate::{UserError, Users, audit, events, store};

/// Fields to change. Present, even as `""`, overwrites; absent leaves alone (contract 1.2.3).
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) preferences: Option<Map<String, Value>>,
    pub(crate) metadata: Option<Map<String, Value>>,
}

impl Users {
    /// Changes the caller.
    pub(crate) async fn update_me(&self, cx: &Ctx, change: Update) -> Result<User, UserError> {
        let id = cx.actor.user_id().ok_or(UserError::NotFound)?;
        self.update(cx, id, change).await
    }

    /// Changes the caller, or somebody of the tenant if the caller is an admin.
    pub(crate) async fn update(&self, cx: &Ctx, id: UserId, change: Update) -> Result<User, UserError> {
        check(&change)?;
        let (cx, _) = if cx.actor.user_id() == Some(id) && !cx.has_role(Role::Admin) {
            self.reach(cx, id).await?
        } else {
            self.reach_as_admin(cx, id).await?
        };
        let tx = self.db.begin(&cx).await?;
        if !store::lock(&tx, id).await? {
            return Err(UserError::NotFound);
        }
        let before = store::find(&tx, id).await?.filter(|user| user.deleted_at.is_none()).ok_or(UserError::NotFound)?;
        tx.if_match(&before)?;
        let change = into_row(change, &before);
        store::update(&tx, id, &change, cx.now()).await?;
        let after = store::find(&tx, id).await?.ok_or(UserError::NotFound)?;
        self.keep(&tx, &cx, &before, &after).await?;
        tx.emit(&cx, events::updated(&after)).await?;
        tx.audit(&cx, &audit::changed("user.updated", &before, &after)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(id, after.tenant_id)]).await;
        Ok(after)
    }
}

fn check(change: &Update) -> Result<(), UserError> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    fits("first_name", &text(&change.first_name), 100)?;
    fits("last_name", &text(&change.last_name), 100)?;
    fits("display_name", &text(&change.display_name), 200)?;
    fits("phone", &text(&change.phone), 50)?;
    fits("avatar", &text(&change.avatar), 100_000)?;
    fits("bio", &text(&change.bio), 100_000)
}

fn into_row(change: Update, before: &User) -> ProfileChange {
    // A display name nobody chose follows the names it was made of.
    let first = change.first_name.as_deref().unwrap_or(&before.first_name);
    let last = change.last_name.as_deref().unwrap_or(&before.last_name);
    let derived = before.display_name == full_name(&before.first_name, &before.last_name);
    let display_name = change.display_name.or_else(|| derived.then(|| full_name(first, last)));

    // The user name lives in the metadata (T-22) but is chosen at registration, where it is held unique: replacing the
    // metadata neither loses nor changes it.
    let metadata = change.metadata.map(|mut metadata| {
        metadata.remove("username");
        if before.username != before.email {
            metadata.insert("username".to_owned(), Value::String(before.username.clone()));
        }
        Value::Object(metadata).to_string()
    });
    ProfileChange {
        first_name: change.first_name,
        last_name: change.last_name,
        display_name,
        avatar: change.avatar,
        bio: change.bio,
        phone: change.phone,
        preferences: change.preferences.map(|preferences| Value::Object(preferences).to_string()),
        metadata,
    }
}
