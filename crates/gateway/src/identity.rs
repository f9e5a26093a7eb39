//! Who a request is from, as far as the gateway can know: what a token says that was signed with `JWT_SECRET`.
//!
//! This decides on which side somebody is and what old services are told. Whether somebody *may* is decided behind the
//! gateway: a request without a valid token is passed on as it is.

use std::sync::Arc;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use kernel::Redacted;
use serde::Deserialize;

/// Longer than any token ever issued; what is above is not even decoded.
const MAX_LENGTH: usize = 8 * 1024;

/// Whom a verified token names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// The person.
    pub user: Option<String>,
    /// Their tenant.
    pub tenant: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// Their one role.
    pub role: Option<String>,
}

/// Strict in types: a number as an id is a forgery or a defect (T-29).
#[derive(Debug, Deserialize)]
struct Claims {
    user_id: Option<String>,
    sub: Option<String>,
    tenant_id: Option<String>,
    email: Option<String>,
    role: Option<String>,
    exp: i64,
    nbf: Option<i64>,
    r#type: Option<String>,
}

/// What a verified token says.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) identity: Arc<Identity>,
    exp: i64,
    nbf: Option<i64>,
}

impl Verified {
    /// Whether the token is good at `now`: from `nbf` to just before `exp`.
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        let second = now.as_second();
        self.exp > second && self.nbf.is_none_or(|nbf| nbf <= second)
    }
}

/// Reads tokens.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
}

impl Verifier {
    /// Of tokens signed with `secret`.
    pub fn new(secret: &Redacted<String>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are compared below with the injected clock, without leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self { key: DecodingKey::from_secret(secret.expose().as_bytes()), validation }
    }

    /// What a token says, if it was signed with the secret and is one of those that let somebody in. Whether it is good
    /// now is another question.
    pub(crate) fn verify(&self, token: &str) -> Option<Verified> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).ok()?;
        if data.header.crit.is_some() {
            return None;
        }
        let claims = data.claims;
        if claims.r#type.is_some_and(|kind| kind != "access") {
            return None;
        }
        let identity = Identity {
            user: given(claims.user_id).or_else(|| given(claims.sub)),
            tenant: given(claims.tenant_id),
            email: given(claims.email),
            role: given(claims.role),
        };
        Some(Verified { identity: Arc::new(identity), exp: claims.exp, nbf: claims.nbf })
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The token in any of the spellings clients use: `Bearer x` in any case, or nothing but the token (T-33).
pub(crate) fn bearer(authorization: &str) -> Option<&str> {
    let text = authorization.trim();
    let token = match text.split_once(' ') {
        Some((scheme, token)) => scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())?,
        None => text,
    };
    (token.len() <= MAX_LENGTH).then_some(token)
}

#[cfg(test)]
pub(crate) mod tests {
    use jiff::Timestamp;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use kernel::Redacted;
    use serde_json::{Value, json};

    use super::Verifier;

    pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

    pub(crate) fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    pub(crate) fn signed(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
        encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    fn user_of(authorization: &str) -> Option<String> {
        let verified = Verifier::new(&Redacted::new(SECRET.to_owned())).verify(super::bearer(authorization)?)?;
        verified.is_good(now()).then(|| verified.identity.user.clone())?
    }

    #[test]
    fn token_is_read_in_every_spelling_of_the_header() {
        let token = signed(Algorithm::HS256, SECRET, &json!({"user_id": "u1", "exp": now().as_second() + 1}));
        for header in [format!("Bearer {token}"), format!("bearer   {token}"), token.clone()] {
            assert_eq!(user_of(&header).as_deref(), Some("u1"), "{header}");
        }
        assert_eq!(user_of(&format!("Basic {token}")), None);
    }

    #[test]
    fn forged_expired_and_ill_typed_tokens_name_nobody() {
        let exp = now().as_second() + 60;
        let good = json!({"user_id": "u1", "exp": exp});
        for (why, token) in [
            ("another secret", signed(Algorithm::HS256, "another secret of the same length..", &good)),
            ("another algorithm", signed(Algorithm::HS512, SECRET, &good)),
            ("expired this second", signed(Algorithm::HS256, SECRET, &json!({"user_id": "u1", "exp": exp - 60}))),
            ("no end", signed(Algorithm::HS256, SECRET, &json!({"user_id": "u1"}))),
            ("a number", signed(Algorithm::HS256, SECRET, &json!({"user_id": 7, "exp": exp}))),
            ("refresh", signed(Algorithm::HS256, SECRET, &json!({"user_id": "u1", "exp": exp, "type": "refresh"}))),
            ("later", signed(Algorithm::HS256, SECRET, &json!({"user_id": "u1", "exp": exp, "nbf": exp}))),
            ("none", "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoidTEiLCJleHAiOjk5OTk5OTk5OTl9.".to_owned()),
            ("nothing", String::new()),
        ] {
            assert_eq!(user_of(&format!("Bearer {token}")), None, "{why}");
        }
    }
}
