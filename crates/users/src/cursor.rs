//! The position after a list's last row, as clients carry it: opaque, bound to the order it was made for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::list::{Order, SortBy};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    sort: String,
    ascending: bool,
    pub(crate) key: String,
    pub(crate) id: Uuid,
}

impl Cursor {
    pub(crate) fn new(order: Order, key: String, id: Uuid) -> Self {
        Self { sort: order.by.name().to_owned(), ascending: order.ascending, key, id }
    }

    pub(crate) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// `None` unless it was made for `order` by this program.
    pub(crate) fn decode(text: &str, order: Order) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let fits = cursor.sort == order.by.name() && cursor.ascending == order.ascending;
        let is_time = matches!(order.by, SortBy::CreatedAt | SortBy::UpdatedAt | SortBy::LastLoginAt);
        let well_formed = !cursor.key.contains('\0') && (!is_time || cursor.key.parse::<Timestamp>().is_ok());
        (fits && well_formed).then_some(cursor)
    }
}
