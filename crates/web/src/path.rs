//! Path parameters.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::ApiError;
use crate::observe::sent_path;

/// The parameters of the path as `T`. What cannot be read, such as a broken percent-encoding, names nothing: 404 (T-01).
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(error) => {
                let path = sent_path(&parts.extensions, &parts.uri);
                Err(ApiError::not_found(format!("Cannot {} {path}", parts.method)).caused_by(error))
            }
        }
    }
}
