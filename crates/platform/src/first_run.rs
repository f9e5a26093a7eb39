//! The first super admin of a local development database.

use kernel::{Ctx, Redacted, Rng};
use users::{NewSuperAdmin, UserError, Users};

/// Log-in data to show once.
pub(crate) struct Credentials {
    pub(crate) email: &'static str,
    pub(crate) password: Redacted<String>,
}

const EMAIL: &str = "admin@pyairtable.local";

/// Creates the super admin if there is none. The caller shows the password, which is kept nowhere.
pub(crate) async fn super_admin(users: &Users, cx: &Ctx) -> Result<Option<Credentials>, UserError> {
    if users.has_super_admin().await? {
        return Ok(None);
    }
    let password = Redacted::new(password(cx.rng()));
    let new = NewSuperAdmin { email: EMAIL.to_owned(), password: password.clone() };
    match users.create_super_admin(cx, new).await {
        Ok(_) => Ok(Some(Credentials { email: EMAIL, password })),
        // The account is there under another role: somebody's doing, and not for a start to undo.
        Err(UserError::EmailTaken) => Ok(None),
        Err(error) => Err(error),
    }
}

/// 100 random bits, in letters and digits that cannot be mistaken for others.
fn password(rng: &dyn Rng) -> String {
    const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
    let mut password = String::new();
    for (index, byte) in rng.bytes::<20>().into_iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    password
}

#[cfg(test)]
mod tests {
    use super::password;
    use crate::system::SystemRng;

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, other) = (password(&SystemRng), password(&SystemRng));
        assert_eq!(one.len(), 23);
        assert_ne!(one, other);
    }
}
