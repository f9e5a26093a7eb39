//! Query parameters more than one list takes.

use db::list::{List, Order};
use web::{OrderQuery, go_bool};

use crate::WorkspaceError;

/// The order a client asks for; `asc` counts in any case, anything else descends.
pub(super) fn order_of(list: &List, asked: &OrderQuery) -> Order {
    list.order(asked.column(), asked.direction().is_some_and(|word| word.eq_ignore_ascii_case("asc")))
}

/// Go's words for true and false; others were refused.
pub(super) fn flag(name: &'static str, text: Option<&str>) -> Result<Option<bool>, WorkspaceError> {
    match text.filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(word) => {
            go_bool(word).map(Some).ok_or_else(|| WorkspaceError::invalid_query(name, "must be true or false"))
        }
    }
}
