//! `GET /notifications`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use kernel::PageRules;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Auth, ErrorBody, Listing, PageFields, PageQuery, Query, given, go_bool, instant};

use crate::service::list::Filters;
use crate::{Notification, NotificationError, Notifications};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    #[param(value_type = Option<bool>)]
    is_read: Option<String>,
    /// The same as `is_read`.
    #[param(value_type = Option<bool>)]
    read: Option<String>,
    /// The opposite of `is_read`.
    #[param(value_type = Option<bool>)]
    unread: Option<String>,
    #[serde(rename = "type")]
    #[param(rename = "type", example = "workspace.member.added")]
    kind: Option<String>,
    /// From this time or date on.
    created_after: Option<String>,
    /// Before this time or date.
    created_before: Option<String>,
}

/// A page of notifications.
#[derive(Serialize, ToSchema)]
pub(super) struct NotificationList {
    notifications: Vec<Notification>,
    /// The same as `notifications`.
    data: Vec<Notification>,
    #[serde(flatten)]
    page: PageFields,
}

impl ListQuery {
    fn filters(self) -> Result<Filters, NotificationError> {
        let is_read = flag("is_read", self.is_read)?.or(flag("read", self.read)?);
        let is_unread = flag("unread", self.unread)?;
        Ok(Filters {
            is_read: is_read.or(is_unread.map(|unread| !unread)),
            kind: given(self.kind),
            since: time("created_after", self.created_after)?,
            until: time("created_before", self.created_before)?,
        })
    }
}

fn flag(name: &'static str, text: Option<String>) -> Result<Option<bool>, NotificationError> {
    let parse =
        |word: String| go_bool(&word).ok_or_else(|| NotificationError::invalid_query(name, "must be true or false"));
    given(text).map(parse).transpose()
}

fn time(name: &'static str, text: Option<String>) -> Result<Option<Timestamp>, NotificationError> {
    let parse =
        |text: String| instant(&text).ok_or_else(|| NotificationError::invalid_query(name, "must be a time or a date"));
    given(text).map(parse).transpose()
}

/// List the own notifications
///
/// Newest first, without those that have expired.
#[utoipa::path(
    get,
    path = "/notifications",
    tag = "notifications",
    operation_id = "list_notifications",
    params(ListQuery, PageQuery),
    responses(
        (status = 200, body = NotificationList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_notifications(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Notification>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let page = notifications.list(&cx, &query.filters()?, request).await?;
    Ok(Json(Listing::new("notifications", page)))
}
