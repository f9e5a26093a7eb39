//! Access tokens as the old services issue and read them (contract 3.1, 3.4).

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};

use super::auth::Account;
use super::fault::Fault;

/// Seconds that an access token lives.
const LIFE: i64 = 24 * 3600;

pub(super) type Claims = Map<String, Value>;

pub(super) struct AccessTokens {
    signing: EncodingKey,
    verifying: DecodingKey,
}

impl AccessTokens {
    /// The secret's bytes are the key.
    pub(super) fn new(secret: &str) -> Self {
        Self {
            signing: EncodingKey::from_secret(secret.as_bytes()),
            verifying: DecodingKey::from_secret(secret.as_bytes()),
        }
    }

    /// The six claims, HS256.
    pub(super) fn issue(&self, account: &Account, now: Timestamp) -> Result<String, Fault> {
        let iat = now.as_second();
        let claims = json!({
            "user_id": account.id, "email": account.email, "role": account.role, "tenant_id": account.tenant_id,
            "iat": iat, "exp": iat + LIFE,
        });
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)?)
    }

    /// auth-service's check: HS256 exactly.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        self.read(token, &[Algorithm::HS256], now)
    }

    /// The scaffold's check: any HMAC.
    pub(super) fn verify_any_hmac(&self, token: &str, now: Timestamp) -> Option<Claims> {
        self.read(token, &[Algorithm::HS256, Algorithm::HS384, Algorithm::HS512], now)
    }

    /// A token without `exp` never expires; unknown claims are nobody's concern.
    fn read(&self, token: &str, algorithms: &[Algorithm], now: Timestamp) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.algorithms = algorithms.to_vec();
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &validation).ok()?.claims;
        let in_time = claims.get("exp").is_none_or(|exp| exp.as_i64().is_some_and(|exp| exp > now.as_second()));
        in_time.then_some(claims)
    }
}
