//! `POST /auth/login` and the admin dashboard's own door.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::{Redacted, Role};
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Body, Cx, ErrorBody};

use super::store_failed;
use super::views::TokenResponse;
use crate::service::login::Login;
use crate::{UserError, Users};

/// Credentials; `email` wins over `username`.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct LoginRequest {
    /// The address of the account.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// The address or the user name.
    username: Option<String>,
    /// The password.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Redacted<String>>,
}

impl LoginRequest {
    fn into_form(self, at_least: Option<Role>) -> Result<Login, UserError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = given(self.email)
            .or_else(|| given(self.username))
            .ok_or(UserError::Invalid { error: "Either email or username must be provided", detail: None })?;
        Ok(Login { name, password: self.password.unwrap_or_default(), at_least })
    }
}

/// Log in
#[utoipa::path(
    post,
    path = "/auth/login",
    tag = "auth",
    operation_id = "login",
    request_body = LoginRequest,
    security(()),
    responses(
        (status = 200, body = TokenResponse),
        (status = 400, description = "Neither `email` nor `username`", body = ErrorBody<'static>),
        (status = 401, description = "Unknown account or wrong password", body = ErrorBody<'static>),
        (status = 403, description = "The account is switched off", body = ErrorBody<'static>),
        (status = 429, description = "Too many wrong passwords; see `Retry-After`", body = ErrorBody<'static>),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`", body = ErrorBody<'static>),
    )
)]
pub(super) async fn login(
    State(users): State<Arc<Users>>,
    Cx(cx): Cx,
    Body(request): Body<LoginRequest>,
) -> Result<Json<TokenResponse>, ApiError> {
    Ok(Json(users.login(&cx, request.into_form(None)?).await.map_err(store_failed("Login failed"))?.into()))
}

/// Log in as an admin
///
/// Like `login`, for people with the role `admin` or `super_admin` only.
#[utoipa::path(
    post,
    path = "/auth/admin/login",
    tag = "auth",
    operation_id = "admin_login",
    request_body = LoginRequest,
    security(()),
    responses(
        (status = 200, body = TokenResponse),
        (status = 400, description = "Neither `email` nor `username`", body = ErrorBody<'static>),
        (status = 401, description = "Unknown account or wrong password", body = ErrorBody<'static>),
        (status = 403, description = "Not an admin, or the account is switched off", body = ErrorBody<'static>),
        (status = 429, description = "Too many wrong passwords; see `Retry-After`", body = ErrorBody<'static>),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`", body = ErrorBody<'static>),
    )
)]
pub(super) async fn admin_login(
    State(users): State<Arc<Users>>,
    Cx(cx): Cx,
    Body(request): Body<LoginRequest>,
) -> Result<Json<TokenResponse>, ApiError> {
    Ok(Json(
        users.login(&cx, request.into_form(Some(Role::Admin))?).await.map_err(store_failed("Login failed"))?.into(),
    ))
}
