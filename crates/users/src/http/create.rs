//! `POST /users`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use kernel::Redacted;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Body, ErrorBody, MaybeAuth, Tagged};

use crate::service::create::Create;
use crate::{User, Users};

/// A person to create. Admins send `password`; services with the internal key send `tenant_id`, and may send `id`, the
/// flags and `metadata` (T-73).
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct CreateRequest {
    /// Services only.
    id: Option<String>,
    #[schema(max_length = 255)]
    email: Option<String>,
    /// Admins only: 8 to 1024 bytes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Redacted<String>>,
    #[schema(max_length = 100)]
    first_name: Option<String>,
    #[schema(max_length = 100)]
    last_name: Option<String>,
    /// Services only; an admin's own tenant otherwise.
    tenant_id: Option<String>,
    /// `user` by default; no higher than the caller's own.
    role: Option<String>,
    /// Services only.
    is_active: Option<bool>,
    /// Services only.
    email_verified: Option<bool>,
    /// Free-form.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl From<CreateRequest> for Create {
    fn from(request: CreateRequest) -> Self {
        Self {
            id: request.id,
            email: request.email.unwrap_or_default(),
            password: request.password,
            first_name: request.first_name.unwrap_or_default(),
            last_name: request.last_name.unwrap_or_default(),
            tenant_id: request.tenant_id,
            role: request.role,
            is_active: request.is_active,
            email_verified: request.email_verified,
            metadata: request.metadata,
        }
    }
}

/// Create a person
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    operation_id = "create_user",
    request_body = CreateRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 201, body = User),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "Neither an access token nor the internal key", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or all seats are taken", body = ErrorBody<'static>),
        (status = 409, description = "The address or id has an account", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_user(
    State(users): State<Arc<Users>>,
    MaybeAuth(cx): MaybeAuth,
    Body(request): Body<CreateRequest>,
) -> Result<(StatusCode, Tagged<User>), ApiError> {
    Ok((StatusCode::CREATED, Tagged::new(users.create(&cx, request.into()).await?)))
}
