//! Patterns of paths: `/api/v1/users/*` is the path before the star and everything below it.

use std::fmt;

/// Which paths a route is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Without a slash at its end; empty for everything.
    stem: String,
    below: bool,
}

impl Pattern {
    /// Understands a pattern; the error says what is wrong and what to write.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err(format!("the path {text:?} must begin with a slash, as in /api/v1/users/*"));
        }
        let (stem, below) = match text.strip_suffix("/*") {
            Some(stem) => (stem, true),
            None => (text.strip_suffix('/').unwrap_or(text), false),
        };
        if stem.contains(['*', '?', '#', ' ']) {
            return Err(format!("the path {text:?} may have one star, as its last part: write /api/v1/users/*"));
        }
        if stem.contains("//") || stem.split('/').any(|part| part == "." || part == "..") {
            return Err(format!("the path {text:?} has empty parts or dots, which no request with it can match"));
        }
        // What is internal says more about the service than the public may know.
        let internal = Self { stem: "/internal".to_owned(), below: true };
        if internal.matches(stem) {
            return Err(format!("the path {text:?} is internal and must not be reachable from outside: remove it"));
        }
        Ok(Self { stem: stem.to_owned(), below })
    }

    /// Whether `path` is one of these. The old services ignore case.
    pub fn matches(&self, path: &str) -> bool {
        let Some(start) = path.as_bytes().get(..self.stem.len()) else { return false };
        let rest = &path.as_bytes()[self.stem.len()..];
        start.eq_ignore_ascii_case(self.stem.as_bytes())
            && (rest.is_empty() || rest == b"/" || (self.below && rest[0] == b'/'))
    }

    /// The last part of the path, which the family is called by unless it is named.
    pub(crate) fn last_part(&self) -> &str {
        self.stem.rsplit('/').next().unwrap_or_default()
    }

    /// Orders the more special patterns first.
    pub(crate) fn generality(&self) -> (std::cmp::Reverse<usize>, bool) {
        (std::cmp::Reverse(self.stem.len()), self.below)
    }

    /// Whether both are for the same paths.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.below == other.below && self.stem.eq_ignore_ascii_case(&other.stem)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stem = if self.stem.is_empty() && !self.below { "/" } else { &self.stem };
        write!(f, "{stem}{}", if self.below { "/*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn star_is_the_path_itself_and_everything_below() {
        let matches = |pattern: &str, path: &str| Pattern::parse(pattern).unwrap().matches(path);
        for path in ["/users", "/users/", "/USERS/1", "/users/1/x"] {
            assert!(matches("/users/*", path), "{path}");
            assert!(matches("/*", path), "{path}");
        }
        assert!(!matches("/users/*", "/users-old"));
        assert!(matches("/users", "/users/") && !matches("/users", "/users/1"));
        assert!(!matches("/users/é/*", "/users/e"));
    }
}
