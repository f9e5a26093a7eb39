//! Pagination: what was asked for, in any of the dialects that old clients speak (T-10), and what is answered.

/// How a resource reads its paging parameters; legacy services differed (T-05, T-11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRules {
    /// Whether a size above 100 falls back to 20 (users) or is clamped to 100 (workspace family).
    pub oversize_falls_back: bool,
    /// Whether a parameter that is not a number is refused (workspace family) or ignored (users).
    pub refuse_non_numeric: bool,
}

impl PageRules {
    /// What user-service did.
    pub const USERS: Self = Self { oversize_falls_back: true, refuse_non_numeric: false };
    /// What workspace-service did.
    pub const WORKSPACES: Self = Self { oversize_falls_back: false, refuse_non_numeric: true };
}

/// Which family of parameters the client used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `page` with `page_size`, `per_page` or `limit`; also no parameter at all.
    Page,
    /// `limit` and/or `offset` without `page`.
    Offset,
    /// `cursor`: keyset paging, whose cost does not grow with the page and which counts nothing.
    Cursor,
}

/// The raw paging parameters of a query string.
#[derive(Debug, Clone, Copy, Default)]
pub struct PageParams<'a> {
    /// `page`
    pub page: Option<&'a str>,
    /// `page_size`
    pub page_size: Option<&'a str>,
    /// `per_page`
    pub per_page: Option<&'a str>,
    /// `limit`
    pub limit: Option<&'a str>,
    /// `offset`
    pub offset: Option<&'a str>,
    /// `cursor`; empty asks for the first page.
    pub cursor: Option<&'a str>,
}

/// A page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The dialect to think in.
    pub dialect: Dialect,
    /// Rows to return, 1 to 100.
    pub size: u32,
    /// Rows to skip; 0 in the cursor dialect.
    pub offset: u64,
    /// The position to continue after; `None` for the first page.
    pub cursor: Option<String>,
}

/// A paging parameter that is not a number, where the resource refuses that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotANumber(pub &'static str);

/// Sizes and the number of rows skipped stay far inside what PostgreSQL's bigint holds.
const MAX_SIZE: u64 = 100;
const MAX_OFFSET: u64 = 1 << 40;

impl PageRequest {
    /// Chooses the dialect by the parameters present and applies the resource's rules.
    pub fn parse(params: PageParams<'_>, rules: PageRules) -> Result<Self, NotANumber> {
        let page = number("page", params.page, rules)?;
        let limit = number("limit", params.limit, rules)?;
        let offset = number("offset", params.offset, rules)?;
        let page_size = number("page_size", params.page_size, rules)?.or(number("per_page", params.per_page, rules)?);
        let legacy_size = |asked: Option<i64>| match asked.map(u64::try_from) {
            None | Some(Err(_) | Ok(0)) => 20,
            Some(Ok(size)) if size > MAX_SIZE && rules.oversize_falls_back => 20,
            Some(Ok(size)) => size.min(MAX_SIZE),
        };
        let design_size = |asked: Option<i64>| match asked.map(u64::try_from) {
            None | Some(Err(_) | Ok(0)) => 10,
            Some(Ok(size)) => size.min(MAX_SIZE),
        };

        let (dialect, size, skip) = if params.cursor.is_some() {
            (Dialect::Cursor, legacy_size(page_size.or(limit)), 0)
        } else if params.page.is_none() && page_size.is_none() && (params.limit.is_some() || params.offset.is_some()) {
            let skip = offset.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
            (Dialect::Offset, design_size(limit), skip)
        } else {
            let size = legacy_size(page_size.or(limit));
            let number = page.and_then(|n| u64::try_from(n).ok()).unwrap_or(1).max(1);
            (Dialect::Page, size, (number - 1).saturating_mul(size))
        };
        Ok(Self {
            dialect,
            size: u32::try_from(size).unwrap_or(20),
            offset: skip.min(MAX_OFFSET),
            cursor: params.cursor.filter(|text| !text.is_empty()).map(str::to_owned),
        })
    }

    /// The 1-based number of the page that starts at `offset`.
    pub fn page(&self) -> u64 {
        self.offset / u64::from(self.size) + 1
    }
}

fn number(name: &'static str, text: Option<&str>, rules: PageRules) -> Result<Option<i64>, NotANumber> {
    match text.map(str::parse) {
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) if rules.refuse_non_numeric => Err(NotANumber(name)),
        None | Some(Err(_)) => Ok(None),
    }
}

/// One page of `T`.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows, in order.
    pub items: Vec<T>,
    /// Rows in all pages; `None` in the cursor dialect.
    pub total: Option<u64>,
    /// What was asked for.
    pub request: PageRequest,
    /// Pass as `cursor` to continue after the last item; `None` at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page with nothing on it, for lists whose parent the caller does not see: the first one of none.
    pub fn empty(request: PageRequest) -> Self {
        let total = (request.dialect != Dialect::Cursor).then_some(0);
        let request = if request.dialect == Dialect::Page { PageRequest { offset: 0, ..request } } else { request };
        Self { items: Vec::new(), total, request, next_cursor: None }
    }

    /// The same page with every item changed.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            total: self.total,
            request: self.request,
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, NotANumber, PageParams, PageRequest, PageRules};

    fn parse(query: &[(&str, &'static str)], rules: PageRules) -> Result<(Dialect, u32, u64), NotANumber> {
        let get = |name: &str| query.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let params = PageParams {
            page: get("page"),
            page_size: get("page_size"),
            per_page: get("per_page"),
            limit: get("limit"),
            offset: get("offset"),
            cursor: get("cursor"),
        };
        PageRequest::parse(params, rules).map(|request| (request.dialect, request.size, request.offset))
    }

    #[test]
    fn page_dialects_are_chosen_by_the_parameters_present() {
        let users = |query: &[(&str, &'static str)]| parse(query, PageRules::USERS).unwrap();
        assert_eq!(users(&[]), (Dialect::Page, 20, 0));
        assert_eq!(users(&[("page", "3"), ("page_size", "50")]), (Dialect::Page, 50, 100));
        assert_eq!(users(&[("per_page", "5"), ("page", "2")]), (Dialect::Page, 5, 5));
        assert_eq!(users(&[("page", "2"), ("limit", "30")]), (Dialect::Page, 30, 30));
        assert_eq!(users(&[("limit", "30")]), (Dialect::Offset, 30, 0));
        assert_eq!(users(&[("offset", "7")]), (Dialect::Offset, 10, 7));
        assert_eq!(users(&[("limit", "1000"), ("offset", "-7")]), (Dialect::Offset, 100, 0));
        assert_eq!(users(&[("cursor", ""), ("limit", "3")]), (Dialect::Cursor, 3, 0));
    }

    #[test]
    fn page_numbers_out_of_range_follow_the_resource() {
        assert_eq!(parse(&[("page_size", "101")], PageRules::USERS), Ok((Dialect::Page, 20, 0)));
        assert_eq!(parse(&[("page_size", "101")], PageRules::WORKSPACES), Ok((Dialect::Page, 100, 0)));
        assert_eq!(parse(&[("page", "0"), ("page_size", "-1")], PageRules::USERS), Ok((Dialect::Page, 20, 0)));
        assert_eq!(parse(&[("page", "abc")], PageRules::USERS), Ok((Dialect::Page, 20, 0)));
        assert_eq!(parse(&[("page", "abc")], PageRules::WORKSPACES), Err(NotANumber("page")));
        assert_eq!(
            parse(&[("page", "9223372036854775807"), ("page_size", "100")], PageRules::USERS),
            Ok((Dialect::Page, 100, 1 << 40))
        );
    }
}
