//! The position after a list's last row, as clients carry it: opaque, bound to the order it was made for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Kind, List, Order};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cursor {
    sort: String,
    ascending: bool,
    pub(super) key: String,
    pub(super) id: String,
}

/// A cursor that the program did not make for this list in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the next_cursor of an answer with the same sort and order")]
pub struct UnfitCursor;

impl Cursor {
    pub(super) fn new(order: Order, key: String, id: String) -> Self {
        Self { sort: order.by.name.to_owned(), ascending: order.ascending, key, id }
    }

    pub(super) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn decode(text: &str, list: &List, order: Order) -> Result<Self, UnfitCursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| UnfitCursor)?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| UnfitCursor)?;
        let made_for_this = cursor.sort == order.by.name && cursor.ascending == order.ascending;
        let readable = well_formed(&cursor.key, order.by.kind) && well_formed(&cursor.id, list.id_kind);
        if made_for_this && readable { Ok(cursor) } else { Err(UnfitCursor) }
    }
}

/// Whether PostgreSQL can read it: what is refused here would be its error there.
fn well_formed(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Text => !text.contains('\0'),
        Kind::Time => text.parse::<Timestamp>().is_ok(),
        Kind::Uuid => text.parse::<Uuid>().is_ok(),
    }
}
