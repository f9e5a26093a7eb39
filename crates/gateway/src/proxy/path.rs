//! Paths that could mean something else to a service than to the gateway are refused.

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It goes up, or could be read so.
    Dots,
    /// It is not for the public (T-69).
    Internal,
}

/// Whether `path` may be passed on to a service.
pub(crate) fn check(path: &str) -> Result<(), Refusal> {
    if !path.contains(['.', '%', '\\']) && !is_internal(path) {
        return Ok(());
    }
    let decoded = decoded(path);
    let mut parts = decoded.split(['/', '\\']);
    if parts.any(|part| part == "." || part == "..") {
        return Err(Refusal::Dots);
    }
    if is_internal(&decoded) { Err(Refusal::Internal) } else { Ok(()) }
}

fn is_internal(path: &str) -> bool {
    path.split('/').find(|part| !part.is_empty()).is_some_and(|first| first.eq_ignore_ascii_case("internal"))
}

/// Escapes resolved, twice as some servers do.
fn decoded(path: &str) -> String {
    once(&once(path))
}

fn once(path: &str) -> String {
    let bytes = path.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if let (b'%', Some(high), Some(low)) = (byte, hex(at + 1), hex(at + 2)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            at += 3;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Refusal, check};

    #[test]
    fn paths_that_go_up_or_inside_are_refused() {
        for path in ["/a/../b", "/a/%2e%2E/b", "/a/..%2finternal", "/a/%252e%252e/b", "/a/.", "/a/..\\b", "/.%2e/"] {
            assert_eq!(check(path), Err(Refusal::Dots), "{path}");
        }
        for path in ["/internal", "/Internal/health", "//internal/x", "/%69nternal/x", "/%2finternal"] {
            assert_eq!(check(path), Err(Refusal::Internal), "{path}");
        }
        for path in ["/", "/a..b", "/a/b.json", "/users/%20", "/users/internal", "/100%", "/é"] {
            assert_eq!(check(path), Ok(()), "{path}");
        }
    }
}
