//! Query parameters more than one list takes.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::WorkspaceError;
use crate::store::page::{List, Order};

/// The order of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OrderQuery {
    /// A column of the list; others fall back to the default order.
    sort_by: Option<String>,
    /// The same as `sort_by`.
    sort: Option<String>,
    /// `asc`; anything else descends.
    sort_order: Option<String>,
    /// The same as `sort_order`.
    order: Option<String>,
}

impl OrderQuery {
    pub(super) fn of(&self, list: &List) -> Order {
        let by = self.sort_by.as_deref().or(self.sort.as_deref());
        list.order(by, self.sort_order.as_deref().or(self.order.as_deref()))
    }
}

/// A text that filters only when it is not empty.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Go's words for true and false; others were refused.
pub(super) fn flag(name: &'static str, text: Option<&str>) -> Result<Option<bool>, WorkspaceError> {
    match text {
        None | Some("") => Ok(None),
        Some("1" | "t" | "T" | "TRUE" | "true" | "True") => Ok(Some(true)),
        Some("0" | "f" | "F" | "FALSE" | "false" | "False") => Ok(Some(false)),
        Some(_) => Err(WorkspaceError::invalid_query(name, "must be true or false")),
    }
}
