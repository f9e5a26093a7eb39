//! `POST /tenants/sign-up`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kernel::Redacted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Body, Cx, ErrorBody};

use super::views::LoggedIn;
use crate::Tenants;
use crate::model::Tenant;
use crate::ports::NewPerson;
use crate::service::sign_up::SignUp;

/// A tenant and its first admin.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct SignUpRequest {
    /// What the tenant is called.
    #[schema(max_length = 255, example = "Analytical Engines")]
    name: Option<String>,
    /// The same as `name`.
    tenant_name: Option<String>,
    /// 3 to 50 characters of a-z, 0-9 and -, no hyphen first or last; a free one is made of the name by default.
    slug: Option<String>,
    /// A host name of the tenant's own.
    domain: Option<String>,
    /// The admin's address.
    #[schema(max_length = 255)]
    email: Option<String>,
    /// The admin's password: 8 to 1024 bytes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Redacted<String>>,
    #[schema(max_length = 100)]
    first_name: Option<String>,
    #[schema(max_length = 100)]
    last_name: Option<String>,
}

impl From<SignUpRequest> for SignUp {
    fn from(request: SignUpRequest) -> Self {
        Self {
            name: request.name.or(request.tenant_name).unwrap_or_default(),
            slug: request.slug,
            domain: request.domain,
            admin: NewPerson {
                email: request.email.unwrap_or_default(),
                password: request.password.unwrap_or_default(),
                first_name: request.first_name.unwrap_or_default(),
                last_name: request.last_name.unwrap_or_default(),
            },
        }
    }
}

/// The new tenant, and its admin logged in.
#[derive(Serialize, ToSchema)]
pub(super) struct SignedUp {
    tenant: Tenant,
    #[serde(flatten)]
    log_in: LoggedIn,
}

/// Found a tenant
///
/// Creates the tenant on the free plan and its first admin, both or neither, and logs the admin in.
#[utoipa::path(
    post,
    path = "/tenants/sign-up",
    tag = "tenants",
    operation_id = "sign_up_tenant",
    request_body = SignUpRequest,
    security(()),
    responses(
        (status = 201, body = SignedUp),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 409, description = "The slug or domain is another tenant's, or the address has an account", body = ErrorBody<'static>),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`", body = ErrorBody<'static>),
    )
)]
pub(super) async fn sign_up(
    State(tenants): State<Arc<Tenants>>,
    Cx(cx): Cx,
    Body(request): Body<SignUpRequest>,
) -> Result<(StatusCode, Json<SignedUp>), ApiError> {
    let (tenant, log_in) = tenants.sign_up(&cx, request.into()).await?;
    Ok((StatusCode::CREATED, Json(SignedUp { tenant, log_in: log_in.into() })))
}
