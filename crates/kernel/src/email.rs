//! E-mail addresses, by the one rule that the accounts' table has.

use std::str::FromStr;

/// An e-mail address that the database's own check accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// What an address lacks, to be said to whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidEmail(pub &'static str);

impl Email {
    /// As it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What addresses are compared by (T-56); ASCII only, so no other alphabet's idea of case comes into it.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    /// The rule of the table's CHECK (contract 2.2): `[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}`.
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let refused = |message| Err(InvalidEmail(message));
        if text.len() > 255 {
            return refused("must be at most 255 characters");
        }
        let Some((local, domain)) = text.split_once('@') else { return refused("must contain an @") };
        let Some((host, top)) = domain.rsplit_once('.') else { return refused("the domain must contain a dot") };
        let local_ok = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
        let host_ok = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let valid = !local.is_empty()
            && local.bytes().all(local_ok)
            && !host.is_empty()
            && host.bytes().all(host_ok)
            && top.len() >= 2
            && top.bytes().all(|byte| byte.is_ascii_alphabetic());
        if valid { Ok(Self(text.to_owned())) } else { refused("must look like name@example.com, in ASCII letters") }
    }
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn email_follows_the_rule_of_the_database() {
        for good in ["a@x.io", "A.b+c%d_e-f@sub.example.co", "1@2.ab"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(255));
        for bad in
            ["", "a", "@x.io", "a@x", "a@x.i", "a@.io1", "a b@x.io", "a@x.io ", "ä@x.io", "a@x.ıo", "a@b@x.io", &long]
        {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
