//! Request bodies: JSON or a url-encoded form, at most 4 MB, in at most ten seconds (contract 1.0.1, T-04).

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::fields::{contains_nul, decode};
use crate::{ApiError, Code};

/// The largest body that is read; the old services' limit.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;
const ARRIVAL_LIMIT: Duration = Duration::from_secs(10);

/// A required body. Anything that is not a `T` is answered 400 `Invalid request body`.
pub struct Body<T>(pub T);

/// A body that may be missing altogether.
pub struct OptionalBody<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request).await?.ok_or_else(ApiError::invalid_body).map(Self)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request).await.map(Self)
    }
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<Option<T>, ApiError> {
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();

    let bytes = collect(body).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let value = match media.as_str() {
        "application/x-www-form-urlencoded" => form(&bytes)?,
        json if json == "application/json" || json.ends_with("+json") => {
            serde_json::from_slice(&bytes).map_err(|error| invalid(&error))?
        }
        _ => {
            return Err(ApiError::invalid_body()
                .message("Send the body with Content-Type: application/json or application/x-www-form-urlencoded"));
        }
    };
    if contains_nul(&value) {
        return Err(
            ApiError::invalid_body().message("The body contains a NUL character (\\u0000), which cannot be stored")
        );
    }
    decode(value).map(Some).map_err(|error| invalid(&error))
}

/// The whole body, within its limits.
pub(crate) async fn collect(body: axum::body::Body) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(ARRIVAL_LIMIT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() || wraps_length_limit(&*error) => {
            Err(ApiError::new(Code::PayloadTooLarge, "Request Entity Too Large")
                .message("The body is larger than 4 MB; send less in one request"))
        }
        Ok(Err(error)) => Err(ApiError::invalid_body().caused_by(error)),
        Err(_) => {
            Err(ApiError::new(Code::RequestTimeout, "Request Timeout")
                .message("The body did not arrive within 10 seconds"))
        }
    }
}

fn invalid(error: &serde_json::Error) -> ApiError {
    // serde's texts quote the input only for unknown variants and wrong types, whose value could be a password.
    let message = match error.classify() {
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => {
            format!("The body is not valid JSON (line {}, column {})", error.line(), error.column())
        }
        serde_json::error::Category::Data | serde_json::error::Category::Io => {
            "A field of the body has the wrong type".to_owned()
        }
    };
    ApiError::invalid_body().message(message)
}

fn form(bytes: &Bytes) -> Result<Value, ApiError> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(bytes).map_err(|_| ApiError::invalid_body())?;
    Ok(Value::Object(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect::<Map<_, _>>()))
}

fn wraps_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<LengthLimitError>() {
            return true;
        }
        source = cause.source();
    }
    false
}
