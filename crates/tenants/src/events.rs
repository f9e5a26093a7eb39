//! What others may know of tenants: for notifications and webhooks.

use db::events::Event;
use serde_json::json;

use crate::model::{Invitation, Tenant};

/// Something happened to a tenant.
pub(crate) fn tenant(name: &'static str, tenant: &Tenant) -> Event {
    let data = json!({
        "tenant_id": tenant.id, "name": tenant.name, "slug": tenant.slug, "plan": tenant.plan, "status": tenant.status,
    });
    Event { name, tenant: tenant.id, data }
}

/// Somebody was invited. The token is the invited person's alone and stays out.
pub(crate) fn invited(invitation: &Invitation) -> Event {
    let data = json!({ "invitation_id": invitation.id, "email": invitation.email, "role": invitation.role });
    Event { name: "invitation.created", tenant: invitation.tenant_id, data }
}
