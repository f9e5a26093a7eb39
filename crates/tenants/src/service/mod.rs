//! Use cases, one file each. Every function takes the request's context first.

mod accept;
mod access;
mod adopt;
mod changes;
pub(crate) mod create;
pub(crate) mod dashboard;
mod delete;
mod expire;
mod get;
mod health;
pub(crate) mod invite;
pub(crate) mod list;
mod list_invitations;
pub(crate) mod members;
mod reactivate;
mod resend;
mod revoke;
mod seats;
mod settings;
pub(crate) mod sign_up;
mod suspend;
pub(crate) mod update;
pub(crate) mod usage;
mod validate_slug;

pub(crate) use accept::Accept;
pub(crate) use invite::Invited;
