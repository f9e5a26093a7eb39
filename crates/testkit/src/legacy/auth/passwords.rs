//! bcrypt, and nothing else (contract 3.3). Hashing happens off the threads that serve.

use crate::legacy::fault::Fault;

/// The default cost of the old library.
const COST: u32 = 10;
/// What bcrypt reads of a password.
const LENGTH: usize = 72;

/// `$2a$`, cost 10. More than 72 bytes are an error.
pub(super) async fn hash(password: String, salt: [u8; 16]) -> Result<String, Fault> {
    if password.len() > LENGTH {
        return Err(Fault("bcrypt: password length exceeds 72 bytes".to_owned()));
    }
    let hashed = tokio::task::spawn_blocking(move || bcrypt::hash_with_salt(password, COST, salt));
    let parts = hashed.await.map_err(|error| Fault(error.to_string()))??;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

/// Any prefix and cost. What is no hash is a wrong password.
pub(super) async fn verify(password: String, hash: String) -> bool {
    let checked = tokio::task::spawn_blocking(move || {
        let read = password.as_bytes();
        bcrypt::verify(&read[..read.len().min(LENGTH)], &hash)
    });
    matches!(checked.await, Ok(Ok(true)))
}
