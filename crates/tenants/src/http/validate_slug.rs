//! `GET /public/tenants/validate-slug`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, ErrorBody, Query};

use crate::Tenants;

/// What to look at.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SlugQuery {
    /// The slug in question.
    #[param(example = "analytical-engines")]
    slug: Option<String>,
}

/// Whether a slug is free.
#[derive(Serialize, ToSchema)]
pub(super) struct SlugAnswer {
    slug: String,
    /// False too when the slug breaks a rule: 3 to 50 characters of a-z, 0-9 and -, no hyphen first or last.
    available: bool,
}

/// Ask whether a slug is free
#[utoipa::path(
    get,
    path = "/public/tenants/validate-slug",
    tag = "tenants",
    operation_id = "validate_tenant_slug",
    params(SlugQuery),
    security(()),
    responses(
        (status = 200, body = SlugAnswer),
        (status = 400, description = "No slug given", body = ErrorBody<'static>),
    )
)]
pub(super) async fn validate_slug(
    State(tenants): State<Arc<Tenants>>,
    Query(query): Query<SlugQuery>,
) -> Result<Json<SlugAnswer>, ApiError> {
    let slug = query.slug.filter(|slug| !slug.is_empty());
    let slug = slug.ok_or_else(|| ApiError::bad_request("Slug parameter required").field("slug", "is required"))?;
    let available = tenants.slug_is_available(&slug).await?;
    Ok(Json(SlugAnswer { slug, available }))
}
