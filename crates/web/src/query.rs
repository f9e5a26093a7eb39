//! Query strings. Every parameter is optional text; the handler decides what a bad value means (T-05).

use axum::extract::FromRequestParts;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{PageParams, PageRequest, PageRules};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::ApiError;

/// The query string as `T`, a struct of `Option<String>` fields. Of a repeated parameter the first counts.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let invalid = || ApiError::bad_request("Invalid query parameters");
        let text = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text).map_err(|_| invalid())?;
        let mut first = Map::new();
        for (name, value) in pairs {
            if value.contains('\0') {
                return Err(invalid().message(format!("{name} contains a NUL character, which cannot be stored")));
            }
            first.entry(name).or_insert(Value::String(value));
        }
        serde_json::from_value(Value::Object(first)).map(Self).map_err(|_| invalid())
    }
}

/// The paging parameters of every list, in all dialects (T-10). Put beside a resource's own parameters.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1-based page number.
    #[param(value_type = Option<u64>, minimum = 1, example = 1)]
    pub page: Option<String>,
    /// Rows a page, 1 to 100; 20 by default.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100)]
    pub page_size: Option<String>,
    /// The same as `page_size`.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100)]
    pub per_page: Option<String>,
    /// Rows to return, 1 to 100; 10 by default when only `limit` or `offset` is given.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 100)]
    pub limit: Option<String>,
    /// Rows to skip.
    #[param(value_type = Option<u64>, minimum = 0)]
    pub offset: Option<String>,
    /// Keyset paging: empty for the first page, then the `next_cursor` of the answer before. Costs the same on every
    /// page; the answer then carries no `total`.
    pub cursor: Option<String>,
}

impl PageQuery {
    /// The page asked for, by the rules of the resource.
    pub fn request(&self, rules: PageRules) -> Result<PageRequest, ApiError> {
        let params = PageParams {
            page: self.page.as_deref(),
            page_size: self.page_size.as_deref(),
            per_page: self.per_page.as_deref(),
            limit: self.limit.as_deref(),
            offset: self.offset.as_deref(),
            cursor: self.cursor.as_deref(),
        };
        PageRequest::parse(params, rules).map_err(|kernel::NotANumber(name)| {
            ApiError::bad_request("Invalid query parameters").field(name, "must be a whole number")
        })
    }
}

/// The order of a list, under the names that clients use (T-60).
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
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
    /// The column asked for; an empty one counts as absent.
    pub fn column(&self) -> Option<&str> {
        self.sort_by.as_deref().or(self.sort.as_deref()).filter(|word| !word.is_empty())
    }

    /// The direction asked for, as sent: resources differ in which spellings they take.
    pub fn direction(&self) -> Option<&str> {
        self.sort_order.as_deref().or(self.order.as_deref())
    }
}

/// A text that filters only when it is not empty.
pub fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Go's words for true and false.
pub fn go_bool(word: &str) -> Option<bool> {
    match word {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// An instant, or a date, which begins at midnight in UTC.
pub fn instant(text: &str) -> Option<Timestamp> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(|| text.parse().ok().and_then(midnight))
}
