//! Logs: one JSON object a line on standard output.
//!
//! Keys: `time`, `level`, `msg`, then the fields of the event, then those of the request around it (`request_id`,
//! `method`, `path`, `actor_id`, `tenant_id`, `trace_id`). Of a name that occurs twice the innermost counts.

mod json;
mod panics;

use std::io::{self, Write};
use std::sync::Arc;

use kernel::Clock;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::json::{Fields, line};
use crate::config::LogLevel;

/// Logs to standard output, as services do.
pub(crate) fn start(level: LogLevel, clock: Arc<dyn Clock>) {
    start_to(level, clock, |line| to(io::stdout().lock(), line));
}

/// Logs to standard error, for commands whose standard output is their result.
pub(crate) fn start_beside_results(level: LogLevel, clock: Arc<dyn Clock>) {
    start_to(level, clock, |line| to(io::stderr().lock(), line));
}

fn start_to(level: LogLevel, clock: Arc<dyn Clock>, write: fn(&str)) {
    let layer = JsonLines { clock, write };
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter(level))).try_init();
    panics::log();
}

/// `debug` and `trace` are about this program; what its libraries say at that level drowns it.
fn filter(level: LogLevel) -> Targets {
    let (ours, others) = match level {
        LogLevel::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        LogLevel::Warn => (LevelFilter::WARN, LevelFilter::WARN),
        LogLevel::Info => (LevelFilter::INFO, LevelFilter::INFO),
        LogLevel::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        LogLevel::Trace => (LevelFilter::TRACE, LevelFilter::INFO),
    };
    Targets::new().with_default(others).with_target("pyairtable_", ours)
}

/// One write a line, so that lines of other processes on the same pipe do not cut it. A closed pipe must not end the
/// service.
fn to(mut stream: impl Write, line: &str) {
    let _ = stream.write_all(line.as_bytes());
}

/// Writes each event as one line of JSON.
struct JsonLines<W> {
    clock: Arc<dyn Clock>,
    write: W,
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Fn(&str) + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = cx.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in cx.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<Fields>() {
                fields.inherit(around);
            }
        }
        (self.write)(&line(self.clock.now(), *event.metadata().level(), &fields));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use kernel::FixedClock;
    use proptest::prelude::*;
    use serde_json::Value;
    use tracing::Subscriber;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{JsonLines, filter};
    use crate::config::LogLevel;

    fn logger() -> (impl Subscriber + Send + Sync, Arc<Mutex<String>>) {
        let written = Arc::new(Mutex::new(String::new()));
        let sink = Arc::clone(&written);
        let clock = Arc::new(FixedClock::at("2026-03-01T12:00:00.5Z".parse().unwrap()));
        let layer = JsonLines { clock, write: move |line: &str| sink.lock().unwrap().push_str(line) };
        (tracing_subscriber::registry().with(layer), written)
    }

    fn logged(event: impl FnOnce()) -> String {
        let (subscriber, written) = logger();
        tracing::subscriber::with_default(subscriber, event);
        written.lock().unwrap().clone()
    }

    #[test]
    fn line_has_the_fields_of_the_event_and_of_the_request_around_it() {
        let line = logged(|| {
            let empty = tracing::field::Empty;
            let request = tracing::info_span!("request", request_id = "r-1", path = "/users", actor_id = empty);
            let _entered = request.enter();
            request.record("actor_id", "u-1");
            tracing::info!(status = 200, latency_ms = 1.5, cause = None::<&str>, cached = true, "request");
        });
        assert_eq!(
            line,
            "{\"time\":\"2026-03-01T12:00:00.500000Z\",\"level\":\"INFO\",\"msg\":\"request\",\"status\":200,\
             \"latency_ms\":1.5,\"cached\":true,\"request_id\":\"r-1\",\"path\":\"/users\",\"actor_id\":\"u-1\"}\n"
        );
    }

    #[test]
    fn innermost_of_two_equal_names_counts_and_own_keys_are_never_replaced() {
        let line = logged(|| {
            let _outer = tracing::info_span!("outer", path = "/outer", level = 9).entered();
            tracing::warn!(path = "/inner", time = "never", "seen");
        });
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["path"], "/inner");
        assert_eq!(value["time"], "2026-03-01T12:00:00.500000Z");
        assert_eq!(value["level"], "WARN");
        assert_eq!((&value["time_"], &value["level_"]), (&"never".into(), &9.into()));
        assert_eq!(line.matches("\"path\"").count(), 1);
    }

    #[test]
    fn errors_are_logged_with_their_causes() {
        let error = anyhow::anyhow!("connection refused").context("the database is not reachable");
        let error: &(dyn std::error::Error + 'static) = error.as_ref();
        let line = logged(|| tracing::error!(error, not_a_number = f64::NAN, big = u128::MAX, "failed"));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["error"], "the database is not reachable: connection refused");
        assert_eq!(value["not_a_number"], Value::Null);
        assert_eq!(value["big"], u128::MAX.to_string());
    }

    #[test]
    fn debug_is_about_this_program_only() {
        let filter = filter(LogLevel::Debug);
        let passes = |target: &str, level| filter.would_enable(target, &level);
        assert!(passes("pyairtable_db::tx", tracing::Level::DEBUG));
        assert!(!passes("hyper::proto", tracing::Level::DEBUG));
        assert!(passes("hyper::proto", tracing::Level::INFO));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_value_breaks_a_line(
            text in "(\\PC|[\\x00-\\x1f\u{7f}-\u{9f}\u{2028}\u{2029}\"\\\\]){0,40}",
            around in any::<String>(),
            message in any::<String>(),
        ) {
            let line = logged(|| {
                let _request = tracing::info_span!("request", request_id = around.as_str()).entered();
                tracing::info!(text = text.as_str(), debug = ?text, display = %text, "{message}");
            });
            let body = line.strip_suffix('\n').unwrap();
            prop_assert!(!body.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{body:?}");
            let value: Value = serde_json::from_str(body).unwrap();
            prop_assert_eq!(value["text"].as_str(), Some(text.as_str()));
            prop_assert_eq!(value["display"].as_str(), Some(text.as_str()));
            prop_assert_eq!(value["msg"].as_str(), Some(message.as_str()));
            prop_assert_eq!(value["request_id"].as_str(), Some(around.as_str()));
        }
    }
}
