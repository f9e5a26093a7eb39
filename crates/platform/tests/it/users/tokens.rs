//! Access tokens, wherever one is needed: what is accepted, and everything that is not (T-29, T-33, T-34).

mod forged;
mod headers;
mod legacy;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::support::{JWT_SECRET, Person, TestApp};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The parts that are signed, from texts that need not be JSON.
fn signing_input(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", encode(header), encode(payload))
}

fn hs256(input: &str, secret: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(input.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hs384(input: &str, secret: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha384>::new_from_slice(secret).unwrap();
    mac.update(input.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hs512(input: &str, secret: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha512>::new_from_slice(secret).unwrap();
    mac.update(input.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A token with this header and payload, signed with HMAC-SHA256 and this secret, whatever the header says.
fn signed_with(secret: &str, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let input = signing_input(header, payload);
    let signature = encode(hs256(&input, secret.as_bytes()));
    format!("{input}.{signature}")
}

/// The header every old service wrote.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A token with this payload and the real secret.
fn signed(payload: impl AsRef<[u8]>) -> String {
    signed_with(JWT_SECRET, HEADER, payload)
}

/// Exactly the six claims the old services issue (contract 3.1).
fn legacy_claims(app: &TestApp, person: &Person) -> Value {
    let now = app.now().as_second();
    json!({
        "user_id": person.id, "email": person.email, "role": "user", "tenant_id": person.tenant,
        "iat": now, "exp": now + 86_400
    })
}
