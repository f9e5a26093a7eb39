//! `POST /auth/register`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kernel::Redacted;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Body, Cx, ErrorBody};

use super::store_failed;
use super::views::Registered;
use crate::Users;
use crate::service::register::Register;

/// A registration form in any of the dialects clients send (T-71): names match whatever their case and underscores.
#[derive(Deserialize, ToSchema)]
#[serde(default)]
#[derive(Default)]
pub(super) struct RegisterRequest {
    /// Unique across all tenants, whatever its case.
    #[schema(example = "ada@example.com", max_length = 255)]
    email: Option<String>,
    /// 8 to 1024 bytes; at most 72 beside the old services.
    #[schema(value_type = Option<String>, format = Password, min_length = 8)]
    password: Option<Redacted<String>>,
    #[schema(example = "Ada", max_length = 100)]
    first_name: Option<String>,
    #[schema(example = "Lovelace", max_length = 100)]
    last_name: Option<String>,
    /// Both names in one field, split at the first space; used when the two are missing.
    name: Option<String>,
    /// Another name to log in with.
    #[schema(max_length = 100)]
    username: Option<String>,
    /// Only beside the old services: the tenant to join. Otherwise joining takes an invitation (403).
    tenant_id: Option<String>,
    /// What to call the tenant that is founded; the person's name by default.
    #[schema(max_length = 255)]
    tenant_name: Option<String>,
}

impl From<RegisterRequest> for Register {
    fn from(request: RegisterRequest) -> Self {
        let name = request.name.unwrap_or_default();
        let (first, last) = match name.trim().split_once(' ') {
            Some((first, last)) => (first.to_owned(), last.trim().to_owned()),
            None if name.trim().is_empty() => (String::new(), String::new()),
            None => (name.trim().to_owned(), "User".to_owned()),
        };
        Self {
            email: request.email.unwrap_or_default(),
            password: request.password.unwrap_or_default(),
            first_name: request.first_name.filter(|name| !name.is_empty()).unwrap_or(first),
            last_name: request.last_name.filter(|name| !name.is_empty()).unwrap_or(last),
            username: request.username,
            tenant_id: request.tenant_id,
            tenant_name: request.tenant_name,
        }
    }
}

/// Register a person
///
/// Founds a tenant whose admin the person is, and logs them in.
#[utoipa::path(
    post,
    path = "/auth/register",
    tag = "auth",
    operation_id = "register",
    request_body = RegisterRequest,
    security(()),
    responses(
        (status = 201, body = Registered),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 403, description = "`tenant_id` was given: joining takes an invitation", body = ErrorBody<'static>),
        (status = 409, description = "The address or the user name is taken", body = ErrorBody<'static>),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`", body = ErrorBody<'static>),
    )
)]
pub(super) async fn register(
    State(users): State<Arc<Users>>,
    Cx(cx): Cx,
    Body(request): Body<RegisterRequest>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let registered = users.register(&cx, request.into()).await.map_err(store_failed("Registration failed"))?;
    Ok((StatusCode::CREATED, Json(registered.into())))
}
