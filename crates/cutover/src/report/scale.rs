//! Where a value and a moment stand in a chart, and which of them are written beside the axes.

use jiff::{SignedDuration, Timestamp};

/// A value axis from 0 or, with a logarithm, from its smallest tick.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Values {
    low: f64,
    high: f64,
    log: bool,
    /// What is written beside it, from below.
    pub(super) ticks: Vec<f64>,
}

impl Values {
    /// From 0 to a round number of at least `least` that has room for all of these.
    pub(super) fn linear(values: impl Iterator<Item = f64>, least: f64, ticks: u32) -> Self {
        let most = values.filter(|value| value.is_finite()).fold(least, f64::max);
        let step = round_up(most / f64::from(ticks.max(1)));
        let mut all = vec![0.0];
        while all.last().is_some_and(|last| *last < most * 0.999_999) {
            all.push(step * f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX)));
        }
        Self { low: 0.0, high: all.last().copied().unwrap_or(1.0), log: false, ticks: all }
    }

    /// By powers of ten, if the largest of these is so many times the middle one that a linear axis would hide it.
    pub(super) fn linear_or_log(values: &[f64], least: f64, ticks: u32) -> Self {
        let mut ordered: Vec<f64> = values.iter().copied().filter(|value| value.is_finite() && *value > 0.0).collect();
        ordered.sort_by(f64::total_cmp);
        let (Some(first), Some(largest)) = (ordered.first(), ordered.last()) else {
            return Self::linear(std::iter::empty(), least, ticks);
        };
        if *largest < ordered[ordered.len() / 2] * 20.0 {
            return Self::linear(values.iter().copied(), least, ticks);
        }
        let mut all = vec![10_f64.powf(first.log10().floor())];
        while all.last().is_some_and(|tick| *tick < *largest && tick.is_finite()) {
            all.push(all.last().copied().unwrap_or(1.0) * 10.0);
        }
        Self { low: all[0], high: all[all.len() - 1], log: true, ticks: all }
    }

    /// Everything between 0 and 100.
    pub(super) fn percent() -> Self {
        Self { low: 0.0, high: 100.0, log: false, ticks: vec![0.0, 25.0, 50.0, 75.0, 100.0] }
    }

    /// Whether it goes by powers of ten.
    pub(super) fn is_log(&self) -> bool {
        self.log
    }

    /// From 0 at the bottom to 1 at the top.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = if self.log {
            (value.max(self.low) / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0].into_iter().find(|digit| digit * power >= value * 0.999_999);
    digit.unwrap_or(10.0) * power
}

/// A time axis. Long times without anything in them are cut out: a run that waited a night for its repair is still
/// readable.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Times {
    /// What is shown, in seconds since 1970, with where it begins and ends, from 0 to 1.
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) left: f64,
    pub(super) right: f64,
}

/// The room that a cut takes.
const CUT: f64 = 0.025;
/// What is shorter is never cut out.
const SHORT: f64 = 60.0;

impl Times {
    /// An axis for these stretches of time, in any order.
    pub(super) fn of(stretches: impl Iterator<Item = (Timestamp, Timestamp)>) -> Self {
        let mut all: Vec<(f64, f64)> = stretches.map(|(from, to)| (instant(from), instant(to.max(from)))).collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let whole = match (all.first(), all.iter().map(|(_, to)| *to).reduce(f64::max)) {
            (Some((first, _)), Some(last)) => last - first,
            _ => 0.0,
        };
        let mut joined: Vec<(f64, f64)> = Vec::new();
        for (from, to) in all {
            match joined.last_mut() {
                Some(last) if from - last.1 <= (whole * 0.1).max(SHORT) => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        if joined.is_empty() {
            joined.push((0.0, 1.0));
        }
        // Something must be between the ends.
        for (from, to) in &mut joined {
            *to = to.max(*from + 1.0);
        }
        let shown: f64 = joined.iter().map(|(from, to)| to - from).sum();
        #[expect(clippy::cast_precision_loss, reason = "few spans")]
        let room = 1.0 - CUT * (joined.len() - 1) as f64;
        let mut left = 0.0;
        let spans = joined.into_iter().map(|(from, to)| {
            let right = left + (to - from) / shown * room;
            let span = Span { from, to, left, right };
            left = right + CUT;
            span
        });
        Self { spans: spans.collect() }
    }

    /// From 0 at the left to 1 at the right. What was cut out is where the cut is.
    pub(super) fn at(&self, at: Timestamp) -> f64 {
        self.of_seconds(instant(at))
    }

    fn of_seconds(&self, at: f64) -> f64 {
        let mut place = 0.0;
        for span in &self.spans {
            if at < span.from {
                return if place == 0.0 { 0.0 } else { place + CUT / 2.0 };
            }
            if at <= span.to {
                return span.left + (at - span.from) / (span.to - span.from) * (span.right - span.left);
            }
            place = span.right;
        }
        place.min(1.0)
    }

    /// Where something was cut out, and how many seconds.
    pub(super) fn cuts(&self) -> impl Iterator<Item = (f64, f64)> {
        self.spans.windows(2).map(|pair| (pair[0].right + CUT / 2.0, pair[1].from - pair[0].to))
    }

    /// At most about so many round moments, with where they stand.
    pub(super) fn ticks(&self, most: u32) -> Vec<(f64, Timestamp)> {
        let shown: f64 = self.spans.iter().map(|span| span.to - span.from).sum();
        let step = STEPS.iter().find(|step| shown / f64::from(**step) <= f64::from(most)).unwrap_or(&86_400);
        let mut step = f64::from(*step);
        while shown / step > f64::from(most) {
            step *= 2.0;
        }
        let mut all = Vec::new();
        for span in &self.spans {
            let mut at = (span.from / step).ceil() * step;
            while at <= span.to {
                if let Ok(moment) = Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_secs_f64(at)) {
                    all.push((self.of_seconds(at), moment));
                }
                at += step;
            }
        }
        all
    }

    /// Whether it goes over more than a day, so that times need dates.
    pub(super) fn has_days(&self) -> bool {
        matches!((self.spans.first(), self.spans.last()), (Some(first), Some(last)) if last.to - first.from > 86_400.0)
    }
}

/// Seconds between ticks that people find round.
const STEPS: &[u32] = &[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

#[expect(clippy::cast_precision_loss, reason = "a millisecond is enough here")]
fn instant(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Times, Values};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn axes_end_at_round_numbers_that_have_room_for_everything() {
        for (most, ticks) in [
            (0.0, vec![0.0, 0.5, 1.0]),
            (0.4, vec![0.0, 0.5, 1.0]),
            (3.0, vec![0.0, 2.0, 4.0]),
            (100.0, vec![0.0, 50.0, 100.0]),
            (101.0, vec![0.0, 100.0, 200.0]),
            (7_777.0, vec![0.0, 5_000.0, 10_000.0]),
        ] {
            let axis = Values::linear([most, f64::NAN, f64::INFINITY].into_iter(), 1.0, 2);
            assert_eq!(axis.ticks, ticks, "{most}");
            assert!(axis.at(most) <= 1.0 && !axis.is_log());
        }
        let axis = Values::linear(std::iter::empty(), 1.0, 4);
        assert_eq!((axis.at(0.0), axis.at(0.5), axis.at(1.0), axis.at(9.0)), (0.0, 0.5, 1.0, 1.0));
        assert!(axis.at(f64::NAN).abs() < 1e-9);
    }

    #[test]
    fn axis_goes_by_powers_of_ten_only_when_it_must() {
        assert!(!Values::linear_or_log(&[1.0, 2.0, 19.0], 1.0, 4).is_log());
        let axis = Values::linear_or_log(&[0.4, 2.0, 3.0, 450.0], 1.0, 4);
        assert!(axis.is_log());
        assert_eq!((axis.ticks.first(), axis.ticks.last()), (Some(&0.1), Some(&1000.0)));
        assert!((axis.at(10.0) - 0.5).abs() < 1e-9, "{}", axis.at(10.0));
        assert_eq!((axis.at(0.0), axis.at(1e9)), (0.0, 1.0));
        assert!(!Values::linear_or_log(&[], 1.0, 4).is_log());
    }

    #[test]
    fn moments_are_where_they_belong_and_ticks_are_round() {
        let axis = Times::of([(at(1_000_000_003), at(1_000_000_063))].into_iter());
        assert_eq!(
            (axis.at(at(1_000_000_003)), axis.at(at(1_000_000_033)), axis.at(at(1_000_000_063))),
            (0.0, 0.5, 1.0)
        );
        assert_eq!((axis.at(at(0)), axis.at(at(2_000_000_000))), (0.0, 1.0));
        let ticks: Vec<i64> = axis.ticks(6).iter().map(|(_, at)| at.as_second() - 1_000_000_000).collect();
        assert_eq!(ticks, [10, 20, 30, 40, 50, 60].map(|second| second - second % 10), "{ticks:?}");
        assert_eq!(axis.cuts().count(), 0);
        assert!(!axis.has_days());
    }

    #[test]
    fn long_times_without_anything_are_cut_out() {
        let day = 86_400;
        let axis = Times::of([(at(day), at(day + 100)), (at(0), at(100)), (at(50), at(90))].into_iter());
        let cuts: Vec<(f64, f64)> = axis.cuts().collect();
        assert_eq!(cuts.len(), 1);
        assert!((cuts[0].0 - 0.5).abs() < 1e-9 && (cuts[0].1 - 86_300.0).abs() < 1e-9, "{cuts:?}");
        assert!(axis.at(at(100)) < axis.at(at(5000)) && axis.at(at(5000)) < axis.at(at(day)));
        assert!((axis.at(at(day + 100)) - 1.0).abs() < 1e-9);
        assert!(axis.has_days() && !axis.ticks(8).is_empty());
        // Nothing at all, and a moment alone, are axes too.
        assert!(Times::of(std::iter::empty()).at(at(0)).abs() < 1e-9);
        assert!((Times::of([(at(5), at(5))].into_iter()).at(at(6)) - 1.0).abs() < 1e-9);
    }
}
