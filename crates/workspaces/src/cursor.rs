//! The position after a list's last row, as clients carry it: opaque, bound to the order it was made for.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kernel::PageRequest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::WorkspaceError;
use crate::store::page::{Kind, List, Order};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cursor {
    sort: String,
    ascending: bool,
    pub(crate) key: String,
    pub(crate) id: String,
}

impl Cursor {
    pub(crate) fn new(order: Order, key: String, id: String) -> Self {
        Self { sort: order.by.name.to_owned(), ascending: order.ascending, key, id }
    }

    pub(crate) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// The position `request` continues after, if it names one.
    pub(crate) fn of(request: &PageRequest, list: &List, order: Order) -> Result<Option<Self>, WorkspaceError> {
        let Some(text) = &request.cursor else { return Ok(None) };
        Self::decode(text, list, order).map(Some).ok_or_else(|| {
            WorkspaceError::invalid_query("cursor", "must be the next_cursor of an answer with the same sort and order")
        })
    }

    /// `None` unless it was made for `list` in `order` by this program.
    fn decode(text: &str, list: &List, order: Order) -> Option<Self> {
        let cursor: Self = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let made_for_this = cursor.sort == order.by.name && cursor.ascending == order.ascending;
        let readable = well_formed(&cursor.key, order.by.kind) && well_formed(&cursor.id, list.id_kind);
        (made_for_this && readable).then_some(cursor)
    }
}

fn well_formed(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Text => !text.contains('\0'),
        Kind::Time => text.parse::<Timestamp>().is_ok(),
        Kind::Uuid => text.parse::<Uuid>().is_ok(),
    }
}
