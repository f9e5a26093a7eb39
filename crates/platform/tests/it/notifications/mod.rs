//! What people and machines are told.

mod webhooks;
