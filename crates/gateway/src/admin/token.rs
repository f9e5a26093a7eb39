//! The token of the admin port, in a file that only its owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use kernel::{Redacted, Rng};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Shorter ones can be guessed.
const SHORTEST: usize = 32;

/// What whoever asks has to send.
#[derive(Debug, Clone)]
pub struct Token(Redacted<String>);

impl Token {
    /// The token in `file`, made now if there is no such file.
    ///
    /// # Errors
    ///
    /// With the remedy, if it is too short, or if others may read it.
    pub fn read_or_make(file: &Path, rng: &dyn Rng) -> io::Result<Self> {
        match fs::read_to_string(file) {
            Ok(text) => {
                let refused = |why: String| Err(io::Error::new(io::ErrorKind::InvalidData, why));
                let (shown, token) = (file.display(), text.trim());
                if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
                    return refused(format!("others may read {shown}: chmod 600 {shown}"));
                }
                if token.len() < SHORTEST || token.contains(char::is_whitespace) {
                    return refused(format!(
                        "{shown} must hold one word of at least {SHORTEST} characters: remove it and a good one is made"
                    ));
                }
                Ok(Self(token.to_owned().into()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(file, rng),
            Err(error) => Err(error),
        }
    }

    /// Whether `sent` is the token. Takes as long for every wrong one.
    pub(super) fn is(&self, sent: &str) -> bool {
        let hash = |text: &str| Sha256::digest(text.as_bytes());
        hash(self.0.expose()).as_slice().ct_eq(hash(sent).as_slice()).into()
    }
}

fn make(file: &Path, rng: &dyn Rng) -> io::Result<Token> {
    use std::fmt::Write as _;
    let token = rng.bytes::<32>().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(new, "{token}")?;
    new.sync_all()?;
    Ok(Token(token.into()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use kernel::Rng;

    use super::Token;

    struct Sevens;

    impl Rng for Sevens {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    #[test]
    fn token_is_made_once_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        let made = Token::read_or_make(&file, &Sevens).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!((text.len(), fs::metadata(&file).unwrap().permissions().mode() & 0o777), (65, 0o600));
        let read = Token::read_or_make(&file, &Sevens).unwrap();
        assert!(made.is(text.trim()) && read.is(text.trim()));
        for wrong in ["", "07", &text, &text.trim().to_uppercase().replace('0', "1")] {
            assert!(!read.is(wrong), "{wrong}");
        }
        assert!(!format!("{read:?}").contains("07"));
    }

    #[test]
    fn file_that_others_may_read_or_guess_is_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        for (text, mode, part) in [
            ("x".repeat(64), 0o644, "chmod 600"),
            ("short".to_owned(), 0o600, "at least 32"),
            ("x ".repeat(32), 0o600, "one word"),
        ] {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let error = Token::read_or_make(&file, &Sevens).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
