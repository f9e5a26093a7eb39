//! `POST /auth/validate`

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use kernel::Redacted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Cx, ErrorBody, NeverKept, OptionalBody, bearer_of};

use crate::Users;
use crate::token::Claims;

/// The token to check, for callers that do not send it as a header.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct ValidateRequest {
    #[schema(value_type = Option<String>)]
    token: Option<Redacted<String>>,
}

/// The claims of a good token.
#[derive(Serialize, ToSchema)]
pub(super) struct Validation {
    /// Whether the token is good; with a token in the body the only thing said of a bad one.
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
}

impl Validation {
    fn of(claims: Option<Claims>) -> Self {
        let Some(claims) = claims else {
            return Self {
                valid: false,
                user_id: None,
                email: None,
                role: None,
                tenant_id: None,
                exp: None,
                iat: None,
            };
        };
        Self {
            valid: true,
            user_id: Some(claims.user_id),
            email: claims.email,
            role: claims.role,
            tenant_id: claims.tenant_id,
            exp: Some(claims.exp),
            iat: claims.iat,
        }
    }
}

/// Check an access token
///
/// The token comes as the `Authorization` header, where a bad one is answered 401, or as `token` in the body, where it
/// is answered `{"valid": false}` (T-25). A person who was switched off has no valid token.
#[utoipa::path(
    post,
    path = "/auth/validate",
    tag = "auth",
    operation_id = "validate",
    request_body = ValidateRequest,
    security((), ("bearer" = [])),
    responses(
        (status = 200, body = Validation),
        (status = 400, description = "No header, or not of the form `Bearer ...`", body = ErrorBody<'static>),
        (status = 401, description = "The header's token is not valid", body = ErrorBody<'static>),
    )
)]
pub(super) async fn validate(
    State(users): State<Arc<Users>>,
    Cx(cx): Cx,
    headers: HeaderMap,
    body: Result<OptionalBody<ValidateRequest>, ApiError>,
) -> Result<(Extension<NeverKept>, Json<Validation>), ApiError> {
    if headers.contains_key(AUTHORIZATION) {
        let token =
            bearer_of(&headers, false).map_err(|()| ApiError::bad_request("Invalid Authorization header format"))?;
        let claims = users.validate(&cx, token).await?.ok_or_else(|| ApiError::unauthorized("Invalid token"))?;
        return Ok((Extension(NeverKept), Json(Validation::of(Some(claims)))));
    }
    let token = body.ok().and_then(|OptionalBody(request)| request).and_then(|request| request.token);
    let token = token.ok_or_else(|| ApiError::bad_request("Missing Authorization header"))?;
    let claims = users.validate(&cx, token.expose()).await?;
    // Whether a token is valid is a question of the moment, also to whoever sends an Idempotency-Key.
    Ok((Extension(NeverKept), Json(Validation::of(claims))))
}
