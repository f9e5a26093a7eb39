//! `POST /auth/register`: the checks in the old order, with the old texts (contract 1.1.3).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use uuid::Uuid;

use super::account::Account;
use super::{Auth, bad_body, fields, passwords};
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Body, Refusal, Reply, answer, refusal};

pub(super) async fn register(State(auth): State<Arc<Auth>>, body: Body) -> Reply {
    let fields = fields(&body)?;
    let field = |name| fields.plain(name).map_err(bad_body);
    let (email, password) = (field("email")?, field("password")?);
    let (first_name, last_name, tenant_id) = (field("first_name")?, field("last_name")?, field("tenant_id")?);
    let bad = |text| Err(refusal(StatusCode::BAD_REQUEST, text));
    match () {
        () if email.is_empty() => return bad("Email is required"),
        () if password.is_empty() => return bad("Password is required"),
        () if password.len() < 8 => return bad("Password must be at least 8 characters long"),
        () if first_name.is_empty() => return bad("First name is required"),
        () if last_name.is_empty() => return bad("Last name is required"),
        () => {}
    }
    // Any error of the look-up counts as a hit.
    if !matches!(auth.by_email(&email).await, Ok(None)) {
        return Err(refusal(StatusCode::CONFLICT, "Email already registered"));
    }
    let new = Form { email, password, first_name, last_name, tenant_id };
    match create(&auth, new).await {
        Ok(account) => answer(StatusCode::CREATED, &account.shown()),
        Err(error) => Err(sorted(error)),
    }
}

struct Form {
    email: String,
    password: String,
    first_name: String,
    last_name: String,
    tenant_id: String,
}

/// No trimming, no folding of case. A tenant id is trusted, or invented, and no tenant made for it (T-53).
async fn create(auth: &Auth, form: Form) -> Result<Account, Fault> {
    let password_hash = passwords::hash(form.password, auth.rng.bytes()).await?;
    let random = || uuid::Builder::from_random_bytes(auth.rng.bytes()).into_uuid();
    let tenant_id = if form.tenant_id.is_empty() { random() } else { Uuid::parse_str(&form.tenant_id)? };
    let now = auth.clock.now();
    let account = Account {
        id: random(),
        email: form.email,
        password_hash,
        first_name: form.first_name,
        last_name: form.last_name,
        role: "user".to_owned(),
        tenant_id,
        is_active: true,
        email_verified: false,
        created_at: now,
        updated_at: now,
        last_login_at: None,
    };
    auth.insert(&account).await?;
    Ok(account)
}

/// By what the error says: a malformed address meets the table's CHECK and so reads as taken (T-27).
fn sorted(error: Fault) -> Refusal {
    if error.0.contains("constraint") || error.0.contains("duplicate") {
        return refusal(StatusCode::CONFLICT, "Email already exists");
    }
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "Registration failed").with_details(error.0)
}
