//! `POST /users/bulk`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Body, ErrorBody, MaybeAuth};

use super::create::CreateRequest;
use crate::Users;

/// How many were created.
#[derive(Serialize, ToSchema)]
pub(super) struct BulkCreated {
    #[schema(example = "Successfully created 3 users")]
    message: String,
}

/// Create many people
///
/// For services with the internal key; at most 1000, all of them or none.
#[utoipa::path(
    post,
    path = "/users/bulk",
    tag = "users",
    operation_id = "bulk_create_users",
    request_body = Vec<CreateRequest>,
    security(("internal_key" = [])),
    responses(
        (status = 201, body = BulkCreated),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No internal key", body = ErrorBody<'static>),
        (status = 403, description = "An access token instead of the internal key, or all seats of a tenant are taken", body = ErrorBody<'static>),
        (status = 409, description = "An address or id has an account", body = ErrorBody<'static>),
    )
)]
pub(super) async fn bulk_create_users(
    State(users): State<Arc<Users>>,
    MaybeAuth(cx): MaybeAuth,
    Body(request): Body<Vec<CreateRequest>>,
) -> Result<(StatusCode, Json<BulkCreated>), ApiError> {
    let count = users.bulk_create(&cx, request.into_iter().map(Into::into).collect()).await?;
    Ok((StatusCode::CREATED, Json(BulkCreated { message: format!("Successfully created {count} users") })))
}
