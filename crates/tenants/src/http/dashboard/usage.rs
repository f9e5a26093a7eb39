//! `GET /tenant/usage`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::Ctx;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody};

use crate::Tenants;
use crate::http::admin::{LimitsView, UsageView};
use crate::service::dashboard::Overview;

/// What the own tenant uses, what its plan allows, and for which month.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnUsage {
    current: UsageView,
    limits: LimitsView,
    period: Period,
}

/// The calendar month, in UTC.
#[derive(Serialize, ToSchema)]
struct Period {
    /// Its first day.
    #[schema(value_type = String, format = Date)]
    start: Date,
    /// Its last day.
    #[schema(value_type = String, format = Date)]
    end: Date,
}

impl OwnUsage {
    pub(super) fn of(cx: &Ctx, overview: &Overview) -> Self {
        let today = cx.now().to_zoned(TimeZone::UTC).date();
        Self {
            current: UsageView::of(cx, overview),
            limits: overview.tenant.limits.into(),
            period: Period { start: today.first_of_month(), end: today.last_of_month() },
        }
    }
}

/// Read what the own tenant uses
#[utoipa::path(
    get,
    path = "/tenant/usage",
    tag = "dashboards",
    operation_id = "get_own_usage",
    responses(
        (status = 200, body = OwnUsage),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn get_own_usage(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
) -> Result<Json<OwnUsage>, ApiError> {
    let overview = tenants.overview(&cx, tenants.own(&cx)?).await?;
    Ok(Json(OwnUsage::of(&cx, &overview)))
}
