//! List answers: the union of all pagination dialects (T-10), so that every old client finds the names it reads.

use kernel::{Dialect, Page};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// A page under the resource's own name, such as `users`, and again under `data`.
pub struct Listing<T> {
    name: &'static str,
    page: Page<T>,
}

impl<T> Listing<T> {
    /// `page`, with its rows under `name`.
    pub const fn new(name: &'static str, page: Page<T>) -> Self {
        Self { name, page }
    }
}

/// The `pagination` object some dashboards read.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "two facts, each under the two names that clients read")]
pub struct Pagination {
    page: u64,
    per_page: u32,
    limit: u32,
    total: u64,
    total_pages: u64,
    #[serde(rename = "totalPages")]
    total_pages_camel: u64,
    has_next: bool,
    #[serde(rename = "hasNext")]
    has_next_camel: bool,
    has_prev: bool,
    #[serde(rename = "hasPrev")]
    has_prev_camel: bool,
}

/// What every page says of itself, for the documentation of the answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct PageFields {
    limit: u32,
    page_size: u32,
    /// Not in the cursor dialect.
    total: Option<u64>,
    /// Not in the cursor dialect.
    page: Option<u64>,
    /// Not in the cursor dialect.
    total_pages: Option<u64>,
    /// Not in the cursor dialect.
    offset: Option<u64>,
    /// Not in the cursor dialect.
    pagination: Option<Pagination>,
    /// Send as `cursor` for what follows; null at the end.
    next_cursor: Option<String>,
}

impl<T: Serialize> Serialize for Listing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, page } = self;
        let request = &page.request;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(name, &page.items)?;
        map.serialize_entry("data", &page.items)?;
        map.serialize_entry("limit", &request.size)?;
        map.serialize_entry("page_size", &request.size)?;
        if let (Some(total), false) = (page.total, request.dialect == Dialect::Cursor) {
            let total_pages = total.div_ceil(u64::from(request.size));
            let number = request.page();
            let (has_next, has_prev) = (request.offset + u64::from(request.size) < total, request.offset > 0);
            map.serialize_entry("total", &total)?;
            map.serialize_entry("page", &number)?;
            map.serialize_entry("total_pages", &total_pages)?;
            map.serialize_entry("offset", &request.offset)?;
            map.serialize_entry(
                "pagination",
                &Pagination {
                    page: number,
                    per_page: request.size,
                    limit: request.size,
                    total,
                    total_pages,
                    total_pages_camel: total_pages,
                    has_next,
                    has_next_camel: has_next,
                    has_prev,
                    has_prev_camel: has_prev,
                },
            )?;
        }
        map.serialize_entry("next_cursor", &page.next_cursor)?;
        map.end()
    }
}
