//! Addresses that may be invited: those the accounts' table would accept.

use std::str::FromStr;

use crate::TenantError;

/// An e-mail address by the rule of the accounts' CHECK (contract 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

impl Email {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What addresses are compared by (T-56).
    pub(crate) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Email {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        let local_ok = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte);
        let host_ok = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let valid = text.len() <= 255
            && text.split_once('@').is_some_and(|(local, domain)| {
                !local.is_empty()
                    && local.bytes().all(local_ok)
                    && domain.rsplit_once('.').is_some_and(|(host, top)| {
                        !host.is_empty()
                            && host.bytes().all(host_ok)
                            && top.len() >= 2
                            && top.bytes().all(|byte| byte.is_ascii_alphabetic())
                    })
            });
        if valid {
            return Ok(Self(text.to_owned()));
        }
        Err(TenantError::invalid("Invalid email format", "email", "must look like name@example.com, in ASCII letters"))
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
        for bad in ["", "a", "@x.io", "a@x", "a@x.i", "a b@x.io", "a@x.io ", "ä@x.io", "a@b@x.io"] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
