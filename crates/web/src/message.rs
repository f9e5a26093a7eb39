//! The answer of operations that have nothing to show.

use serde::Serialize;
use utoipa::ToSchema;

/// An answer that only says what was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    message: &'static str,
}

impl Message {
    /// Says `message`.
    pub const fn new(message: &'static str) -> Self {
        Self { message }
    }
}
