//! `POST /auth/refresh` and `POST /auth/logout`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Auth, bad_body, fields, pair};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Reply, answer, failed, refusal};

pub(super) async fn refresh(State(auth): State<Arc<Auth>>, body: Body) -> Reply {
    let token = fields(&body)?.plain("refresh_token").map_err(bad_body)?;
    // A store that cannot be asked is a failure of the exchange; one that does not know the token is a refusal.
    let owner = auth.refresh.owner(&token).await.map_err(failed(FAILED))?;
    let Some(owner) = owner else {
        return Err(refusal(StatusCode::UNAUTHORIZED, "Invalid or expired refresh token"));
    };
    let tokens = rotate(&auth, &token, &owner).await.map_err(failed(FAILED))?;
    answer(StatusCode::OK, &tokens)
}

const FAILED: &str = "Token refresh failed";

async fn rotate(auth: &Auth, token: &str, owner: &str) -> Result<Value, Fault> {
    let account = auth.by_id(owner).await?.ok_or_else(|| Fault("user not found".to_owned()))?;
    if !account.is_active {
        return Err(Fault("account is not active".to_owned()));
    }
    auth.refresh.invalidate(token, owner).await?;
    pair(auth, &account).await
}

/// Always content, once there is a body. Only the refresh token dies.
pub(super) async fn logout(State(auth): State<Arc<Auth>>, body: Body) -> Reply {
    let token = fields(&body)?.plain("refresh_token").map_err(bad_body)?;
    if let Ok(Some(owner)) = auth.refresh.owner(&token).await {
        let _ = auth.refresh.invalidate(&token, &owner).await;
    }
    answer(StatusCode::OK, &json!({ "message": "Logged out successfully" }))
}
