//! Access tokens: HS256 JWTs with exactly the six old claims and a few more that old validators ignore (T-29).

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use kernel::{Redacted, SessionId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How long an access token lives; the old services' value, which clients read from `expires_in`.
pub(crate) const ACCESS_LIFETIME: Duration = Duration::from_hours(24);
/// Longer than any token ever issued; what is above is not even decoded.
const MAX_LENGTH: usize = 8 * 1024;

/// The claims of a token this program issues.
#[derive(Debug, Serialize)]
struct Issued<'a> {
    user_id: UserId,
    email: &'a str,
    role: &'a str,
    tenant_id: TenantId,
    iat: i64,
    exp: i64,
    sub: UserId,
    roles: [&'a str; 1],
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
}

/// The claims of a token somebody shows. Strict in types: a number as text is a forgery or a defect, never a token.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    pub(crate) user_id: String,
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) iat: Option<i64>,
    pub(crate) exp: i64,
    nbf: Option<i64>,
    pub(crate) sid: Option<SessionId>,
    /// Other editions mark refresh tokens with it.
    r#type: Option<String>,
}

/// For whom a token is issued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: UserId,
    pub(crate) email: &'a str,
    pub(crate) role: &'a str,
    pub(crate) tenant: TenantId,
    pub(crate) session: Option<SessionId>,
}

pub(crate) struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

impl Tokens {
    pub(crate) fn new(secret: &Redacted<String>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are checked below against the injected clock, with no leeway.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self {
            signing: EncodingKey::from_secret(secret.expose().as_bytes()),
            verifying: DecodingKey::from_secret(secret.expose().as_bytes()),
            validation,
        }
    }

    pub(crate) fn issue(
        &self,
        subject: Subject<'_>,
        now: Timestamp,
        jti: [u8; 16],
    ) -> Result<Redacted<String>, jsonwebtoken::errors::Error> {
        let iat = now.as_second();
        let claims = Issued {
            user_id: subject.id,
            email: subject.email,
            role: subject.role,
            tenant_id: subject.tenant,
            iat,
            exp: iat.saturating_add_unsigned(ACCESS_LIFETIME.as_secs()),
            sub: subject.id,
            roles: [subject.role],
            jti: BASE64_URL_SAFE_NO_PAD.encode(jti),
            sid: subject.session,
        };
        let ascii: Box<RawValue> = RawValue::from_string(ascii_json(&serde_json::to_string(&claims)?))?;
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &ascii, &self.signing).map(Redacted::new)
    }

    /// The claims of `token`, if it was signed with the secret and is valid at `now`.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let data = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation).ok()?;
        // `crit` names extensions that must be understood (RFC 7515, 4.1.11); none is.
        let claims = data.header.crit.is_none().then_some(data.claims)?;
        let second = now.as_second();
        let in_time = claims.exp > second && claims.nbf.is_none_or(|nbf| nbf <= second);
        let is_access = claims.r#type.as_deref().is_none_or(|kind| kind == "access");
        (in_time && is_access).then_some(claims)
    }
}

/// Browser clients decode the payload as Latin-1, so it must be pure ASCII (T-29).
fn ascii_json(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len());
    let mut units = [0_u16; 2];
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use jiff::Timestamp;
    use kernel::{Redacted, TenantId, UserId};
    use serde_json::Value;
    use uuid::Uuid;

    use super::{Subject, Tokens};

    #[test]
    fn issued_token_carries_the_old_claims_with_the_old_types_in_ascii() {
        let tokens = Tokens::new(&Redacted::new("0123456789abcdef0123456789abcdef".to_owned()));
        let id = Uuid::from_u128(1);
        let subject =
            Subject {
                id: UserId(id), email: "ada@example.com", role: "rôle😀", tenant: TenantId(id), session: None
            };
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let token = tokens.issue(subject, now, [0; 16]).unwrap();
        let payload = BASE64_URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap();
        assert!(payload.is_ascii());
        let claims: BTreeMap<String, Value> = serde_json::from_slice(&payload).unwrap();
        assert_eq!(claims["user_id"], id.to_string());
        assert_eq!(claims["tenant_id"], id.to_string());
        assert_eq!(claims["email"], "ada@example.com");
        assert_eq!(claims["role"], "rôle😀");
        assert_eq!(claims["iat"], now.as_second());
        assert_eq!(claims["exp"], now.as_second() + 86_400);

        let read = tokens.verify(token.expose(), now).unwrap();
        assert_eq!(read.user_id, id.to_string());
        assert!(tokens.verify(token.expose(), "2026-01-02T00:00:00Z".parse().unwrap()).is_none(), "expired");
    }
}
