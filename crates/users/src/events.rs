//! What others may know of people: for notifications and webhooks.

use db::events::Event;
use kernel::Ctx;
use serde_json::json;

use crate::model::User;

fn event(name: &'static str, user: &User) -> Event {
    let data = json!({
        "user_id": user.id, "email": user.email, "first_name": user.first_name, "last_name": user.last_name,
        "role": user.role,
    });
    Event { name, tenant: user.tenant_id, data }
}

pub(crate) fn created(user: &User) -> Event {
    event("user.created", user)
}

pub(crate) fn updated(user: &User) -> Event {
    event("user.updated", user)
}

pub(crate) fn deleted(user: &User) -> Event {
    event("user.deleted", user)
}

pub(crate) fn role_changed(before: &User, after: &User) -> Event {
    let mut event = event("user.role_changed", after);
    event.data["old_role"] = json!(before.role);
    event
}

pub(crate) fn password_changed(user: &User) -> Event {
    event("user.password_changed", user)
}

/// The person logged in with a program they had not used before.
pub(crate) fn new_device(cx: &Ctx, user: &User) -> Event {
    let mut event = event("user.new_device", user);
    event.data["ip"] = json!(cx.origin.ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string()));
    event.data["user_agent"] = json!(cx.origin.user_agent.as_deref().unwrap_or("an unnamed program"));
    event
}
