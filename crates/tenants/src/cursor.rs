//! The position after a list's last row, as clients carry it: opaque, bound to the order it was made for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::TenantError;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    sort: String,
    ascending: bool,
    pub(crate) key: String,
    pub(crate) id: Uuid,
}

impl Cursor {
    pub(crate) fn new(sort: &str, ascending: bool, key: String, id: Uuid) -> Self {
        Self { sort: sort.to_owned(), ascending, key, id }
    }

    pub(crate) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The position, if it was made for this order by this program.
    pub(crate) fn decode(text: &str, sort: &str, ascending: bool, is_time: bool) -> Result<Self, TenantError> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let cursor = bytes.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        cursor
            .filter(|cursor| cursor.sort == sort && cursor.ascending == ascending)
            .filter(|cursor| !cursor.key.contains('\0') && (!is_time || cursor.time().is_some()))
            .ok_or_else(|| {
                TenantError::invalid(
                    "Invalid query parameters",
                    "cursor",
                    "must be the next_cursor of an answer with the same sort and order",
                )
            })
    }

    /// The key of an order by time.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.key.parse().ok()
    }
}
