//! Tenants and invitations as the API shows them, and the rules their fields obey.

mod invitation;
mod plan;
mod settings;
mod slug;
mod tenant;

pub(crate) use invitation::{Invitation, InvitationId, InvitationStatus, LIFETIME, hash_of, new_token, parse_role};
pub(crate) use plan::{Limits, Plan};
pub(crate) use settings::Settings;
pub(crate) use slug::{Slug, slug_of, unique_slug};
pub(crate) use tenant::{Domain, Status, Subscription, Tenant, parse_name};
