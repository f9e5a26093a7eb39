//! The lines in which HAProxy tells of each request, as its printed configuration writes them.

use std::time::Duration;

use http::{Method, StatusCode};

use crate::counters::Class;

/// What HAProxy writes of a request once there is an answer, or there will be none. Paths have no spaces and come last.
pub(crate) const FORMAT: &str = "%[date] %b %HM %ST %Tw %Tc %Tr %Ta %[var(txn.stream)] %HPO";
/// The value of the variable for requests whose answer stays open.
pub(crate) const STREAM: &str = "stream";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told<'a> {
    /// When it was told of, in seconds since 1970.
    pub(super) at: i64,
    /// The backend it was sent to, or the frontend if it was sent to none.
    pub(super) backend: &'a str,
    pub(super) method: Method,
    pub(super) class: Class,
    /// What the client was answered; nothing if it left before.
    pub(super) status: Option<StatusCode>,
    /// Whether the answer is HAProxy's own, as there was none of the service.
    pub(super) is_lost: bool,
    /// To the head of the answer, or until it was over.
    pub(super) took: Duration,
    pub(super) path: &'a str,
}

/// Understands a line; nothing if it is none of these.
pub(super) fn read(line: &str) -> Option<Told<'_>> {
    let mut words = line.trim_end().splitn(10, ' ');
    let at = words.next()?.parse().ok()?;
    let backend = words.next()?;
    let method: Method = words.next()?.parse().ok()?;
    let status: i32 = words.next()?.parse().ok()?;
    let mut millis = || words.next()?.trim_start_matches('+').parse::<i64>().ok();
    let (queued, connected, answered, all) = (millis()?, millis()?, millis()?, millis()?);
    let class = match words.next()? {
        STREAM => Class::Stream,
        _ if method.is_safe() => Class::Read,
        _ => Class::Write,
    };
    let path = words.next()?;
    // Phases that were not reached are -1.
    let is_lost = answered < 0;
    let phases = [queued, connected, answered].map(|time| time.max(0));
    let took = if is_lost { all } else { phases.into_iter().fold(0, i64::saturating_add) };
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let took = Duration::from_millis(u64::try_from(took).unwrap_or(0));
    Some(Told { at, backend, method, class, is_lost: is_lost && status.is_some(), status, took, path })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode};

    use super::{Told, read};
    use crate::counters::Class;

    #[test]
    fn lines_say_who_answered_what_and_after_how_long() {
        let told = Told {
            at: 1_795_000_000,
            backend: "api_v1_users_platform",
            method: Method::GET,
            class: Class::Read,
            status: Some(StatusCode::OK),
            is_lost: false,
            took: Duration::from_millis(1010),
            path: "/api/v1/users/7",
        };
        let line = "1795000000 api_v1_users_platform GET 200 1 0 1009 +1011 - /api/v1/users/7\n";
        assert_eq!(read(line), Some(told.clone()));
        let streamed = read("1795000000 api_v1_users_platform POST 200 0 0 5 +5 stream /events").unwrap();
        assert_eq!((streamed.class, streamed.took), (Class::Stream, Duration::from_millis(5)));
        let lost = read("1795000000 api_v1_users_platform POST 504 0 0 -1 3002 - /x").unwrap();
        assert_eq!(
            (lost.class, lost.status, lost.is_lost, lost.took),
            (Class::Write, Some(StatusCode::GATEWAY_TIMEOUT), true, Duration::from_millis(3002))
        );
        let left = read("1795000000 api_v1_users_platform GET -1 0 0 -1 40 - /x").unwrap();
        assert_eq!((left.status, left.is_lost, left.took), (None, false, Duration::from_millis(40)));
        let long = read("9223372036854775807 b GET 200 9223372036854775807 9 9 9 - /").unwrap();
        assert_eq!(long.took, Duration::from_millis(u64::try_from(i64::MAX).unwrap()));
        for noise in ["", "Connect from 127.0.0.1", "1795000000 b GET x 0 0 0 0 - /", "soon b GET 200 0 0 0 0 - /"] {
            assert_eq!(read(noise), None, "{noise}");
        }
    }
}
