//! `GET` and `PUT /users/me`, and the same under `/auth/me` (T-23, T-24).

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use super::update::UpdateRequest;
use crate::{User, Users};

/// Read the own account
#[utoipa::path(
    get,
    path = "/users/me",
    tag = "users",
    operation_id = "get_me",
    responses(
        (status = 200, body = User),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "The token is valid, but its person does not exist", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_me(State(users): State<Arc<Users>>, Auth(cx): Auth) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.get_me(&cx).await?))
}

/// Change the own account
///
/// What is present overwrites, even when empty; what is absent or null is left alone.
#[utoipa::path(
    put,
    path = "/users/me",
    tag = "users",
    operation_id = "update_me",
    request_body = UpdateRequest,
    responses(
        (status = 200, body = User),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service that names a person of another tenant", body = ErrorBody<'static>),
        (status = 404, description = "The token is valid, but its person does not exist", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_me(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Body(request): Body<UpdateRequest>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.update_me(&cx, request.into()).await?))
}

/// Read the own account
#[utoipa::path(
    get,
    path = "/auth/me",
    tag = "auth",
    operation_id = "get_auth_me",
    responses(
        (status = 200, body = User),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "The token is valid, but its person does not exist", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_auth_me(state: State<Arc<Users>>, caller: Auth) -> Result<Tagged<User>, ApiError> {
    get_me(state, caller).await
}

/// Change the own account
///
/// Like `PUT /users/me`, but an empty first or last name is ignored: here a name could never be blanked.
#[utoipa::path(
    put,
    path = "/auth/me",
    tag = "auth",
    operation_id = "update_auth_me",
    request_body = UpdateRequest,
    responses(
        (status = 200, body = User),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service that names a person of another tenant", body = ErrorBody<'static>),
        (status = 404, description = "The token is valid, but its person does not exist", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_auth_me(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Body(request): Body<UpdateRequest>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.update_me(&cx, request.without_empty_names().into()).await?))
}
