//! The counters in the text format of Prometheus. How many series there are depends on the routes file only.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Class, Meter, Tally};
use crate::forced::Side;

/// Upper bounds of the published buckets, in milliseconds.
const BOUNDS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000];

type Read = fn(&Tally) -> u64;

const COUNTERS: [(&str, &str, Read); 6] = [
    ("gateway_requests_total", "Requests that are over.", |tally| tally.requests),
    ("gateway_errors_total", "Requests answered with 500 or more, or not at all.", |tally| tally.errors),
    ("gateway_lost_total", "Requests without an answer of a service.", |tally| tally.lost),
    ("gateway_client_errors_total", "Requests answered with 400 to 499.", |tally| tally.client_errors),
    ("gateway_abandoned_total", "Requests left by their client before there was an answer.", |tally| tally.abandoned),
    ("gateway_cut_total", "Answers that broke off.", |tally| tally.cut),
];

/// Everything that was counted, as of the last second.
pub fn metrics(meter: &Meter) -> String {
    let mut out = String::new();
    for (name, help, read) in COUNTERS {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} counter");
        each(meter, |labels, tally| {
            let _ = writeln!(out, "{name}{{{labels}}} {}", read(tally));
        });
    }
    out.push_str("# HELP gateway_waiting Requests that wait for their answer.\n# TYPE gateway_waiting gauge\n");
    each(meter, |labels, tally| {
        let _ = writeln!(out, "gateway_waiting{{{labels}}} {}", tally.waiting.iter().sum::<u64>());
    });
    let name = "gateway_answer_seconds";
    let _ = writeln!(out, "# HELP {name} Time to the head of the answer.\n# TYPE {name} histogram");
    each(meter, |labels, tally| {
        let all = tally.latency.count();
        for bound in BOUNDS {
            let bound = Duration::from_millis(bound);
            let below = all - tally.latency.above(bound);
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {below}", bound.as_secs_f64());
        }
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {all}");
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}", tally.latency.sum().as_secs_f64());
        let _ = writeln!(out, "{name}_count{{{labels}}} {all}");
    });
    out.push_str("# HELP gateway_share Share of people on the new side, from 0 to 1.\n# TYPE gateway_share gauge\n");
    for (family, series) in meter.families() {
        let share = f64::from(series.share().millionths()) / 1e6;
        let _ = writeln!(out, "gateway_share{{family=\"{}\"}} {share}", escaped(family));
    }
    out
}

fn each(meter: &Meter, mut write: impl FnMut(&str, &Tally)) {
    for (family, series) in meter.families() {
        for side in Side::BOTH {
            for class in Class::ALL {
                let (family, side_name, class_name) = (escaped(family), side.name(), class.name());
                let labels = format!("family=\"{family}\",side=\"{side_name}\",class=\"{class_name}\"");
                write(&labels, series.totals().of(side, class));
            }
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::{Method, StatusCode};
    use jiff::Timestamp;

    use super::metrics;
    use crate::counters::{Class, Counters, Meter};
    use crate::forced::Side;
    use crate::split::Share;

    #[test]
    fn series_are_those_of_the_families_however_much_is_asked_for() {
        let (counters, mut meter) = (Counters::default(), Meter::default());
        let mut tick = || {
            meter.tick([("a\"b", &counters, Share::ALL)].into_iter(), Timestamp::UNIX_EPOCH, Duration::from_secs(1));
            metrics(&meter)
        };
        let before = tick();
        for n in 0..300 {
            let open = counters.begin(Side::Platform, Class::Read, Instant::now());
            open.answered(&Method::GET, &format!("/users/{n}x/{}", "y".repeat(n)), StatusCode::OK);
        }
        let after = tick();
        assert_eq!(before.lines().count(), after.lines().count());
        for line in [
            "gateway_requests_total{family=\"a\\\"b\",side=\"platform\",class=\"read\"} 300",
            "gateway_answer_seconds_bucket{family=\"a\\\"b\",side=\"platform\",class=\"read\",le=\"+Inf\"} 300",
            "gateway_share{family=\"a\\\"b\"} 1",
        ] {
            assert!(after.lines().any(|one| one == line), "{line} is not in {after}");
        }
    }
}
