//! `/auth/me` and `/auth/change-password`. As deployed they answer 401 to everybody, because nothing installs the
//! middleware they rely on (T-24); with `auth_bearer` they work as they were meant to.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use super::account::Account;
use super::validate::token_of;
use super::{Auth, bad_body, fields, passwords};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Refusal, Reply, answer, failed, header, refusal};

pub(super) async fn get(State(auth): State<Arc<Auth>>, headers: HeaderMap) -> Reply {
    let id = caller(&auth, &headers)?;
    let account = account(&auth, &id).await.map_err(failed("Failed to get user profile"))?;
    answer(StatusCode::OK, &account.shown())
}

/// Empty names are ignored.
pub(super) async fn put(State(auth): State<Arc<Auth>>, headers: HeaderMap, body: Body) -> Reply {
    let id = caller(&auth, &headers)?;
    let fields = fields(&body)?;
    let field = |name| fields.plain(name).map_err(bad_body);
    let (first_name, last_name) = (field("first_name")?, field("last_name")?);
    let failed = failed("Failed to update profile");
    let change = async {
        let mut account = account(&auth, &id).await?;
        for (name, column) in [(first_name, &mut account.first_name), (last_name, &mut account.last_name)] {
            if !name.is_empty() {
                *column = name;
            }
        }
        auth.update(&account).await?;
        account.updated_at = auth.clock.now();
        Ok(account)
    };
    answer(StatusCode::OK, &change.await.map_err(failed)?.shown())
}

/// The new password may be as short as it likes, and refresh tokens live on.
pub(super) async fn change_password(State(auth): State<Arc<Auth>>, headers: HeaderMap, body: Body) -> Reply {
    let id = caller(&auth, &headers)?;
    let fields = fields(&body)?;
    let field = |name| fields.plain(name).map_err(bad_body);
    let (current, new) = (field("current_password")?, field("new_password")?);
    let mut account = account(&auth, &id).await.map_err(failed(FAILED))?;
    if !passwords::verify(current, account.password_hash.clone()).await {
        return Err(refusal(StatusCode::BAD_REQUEST, "Current password is incorrect"));
    }
    account.password_hash = passwords::hash(new, auth.rng.bytes()).await.map_err(failed(FAILED))?;
    auth.update(&account).await.map_err(failed(FAILED))?;
    answer(StatusCode::OK, &json!({ "message": "Password changed successfully" }))
}

const FAILED: &str = "Password change failed";

/// Who the middleware says it is; it says nothing where it is not installed.
fn caller(auth: &Auth, headers: &HeaderMap) -> Result<String, Refusal> {
    if !auth.bearer {
        return Err(refusal(StatusCode::UNAUTHORIZED, "Unauthorized"));
    }
    let token = token_of(header(headers, "authorization"), StatusCode::UNAUTHORIZED)?;
    let claims = auth.access.verify(token, auth.clock.now());
    let id = claims.as_ref().and_then(|claims| claims.get("user_id")?.as_str());
    id.map(str::to_owned).ok_or_else(|| refusal(StatusCode::UNAUTHORIZED, "Invalid or expired token"))
}

async fn account(auth: &Auth, id: &str) -> Result<Account, Fault> {
    auth.by_id(id).await?.ok_or_else(|| Fault("user not found".to_owned()))
}
