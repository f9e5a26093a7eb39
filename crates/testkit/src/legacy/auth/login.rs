//! `POST /auth/login` and its mock.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::{Auth, bad_body, fields, pair, passwords};
use crate::legacy::framework::{Body, Reply, answer, failed, refusal};

/// One answer for everything that may be wrong with a name or a password, the database included.
pub(super) async fn login(State(auth): State<Arc<Auth>>, body: Body) -> Reply {
    let fields = fields(&body)?;
    let field = |name| fields.plain(name).map_err(bad_body);
    let (email, username, password) = (field("email")?, field("username")?, field("password")?);
    let name = if email.is_empty() { username } else { email };
    if name.is_empty() {
        return Err(refusal(StatusCode::BAD_REQUEST, "Either email or username must be provided"));
    }
    let wrong = || refusal(StatusCode::UNAUTHORIZED, "Invalid email/username or password");
    let Ok(Some(mut account)) = auth.by_email(&name).await else { return Err(wrong()) };
    if !passwords::verify(password, account.password_hash.clone()).await {
        return Err(wrong());
    }
    if !account.is_active {
        return Err(refusal(StatusCode::FORBIDDEN, "Account is not active"));
    }
    let tokens = pair(&auth, &account).await.map_err(failed("Login failed"))?;
    auth.gate.pass().await;
    account.last_login_at = Some(auth.clock.now());
    // [inferred] The time is written last, and a log-in whose time cannot be written is a log-in.
    let _ = auth.update(&account).await;
    answer(StatusCode::OK, &tokens)
}

/// Left over from a tutorial.
pub(super) async fn skeleton(body: Body) -> Reply {
    let email = fields(&body)?.plain("email").map_err(bad_body)?;
    answer(StatusCode::OK, &json!({ "token": "placeholder", "user": { "id": "1", "email": email } }))
}
