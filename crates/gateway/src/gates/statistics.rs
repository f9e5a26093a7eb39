//! Whether one side fails more often than the other, or only seems to.

/// How surprising it would be to see `bad` of `all` on one side, or more, if both sides failed equally often and the
/// other one showed `other_bad` of `other_all`. From 0, which is never chance, to 1.
///
/// Given how many failed on both sides together, each of them falls on the one side with the probability of its share of
/// the requests. So nothing has to be known about how often services fail, and a load that hurts both sides changes
/// nothing. `None` when there is nothing to compare.
pub(crate) fn chance(bad: u64, all: u64, other_bad: u64, other_all: u64) -> Option<f64> {
    if all == 0 || other_all == 0 {
        return None;
    }
    let (share, other) = (ratio(bad, all), ratio(other_bad, other_all));
    if bad == 0 || share <= other {
        return Some(1.0);
    }
    let (tries, p) = (bad + other_bad, ratio(all, all + other_all));
    let mut term = (ln_choose(tries, bad) + number(bad) * p.ln() + number(tries - bad) * (1.0 - p).ln()).exp();
    let mut sum = term;
    // Beyond the expectation every term is smaller than the one before.
    for hits in bad..tries {
        term *= number(tries - hits) / number(hits + 1) * p / (1.0 - p);
        sum += term;
        if term < sum * 1e-9 {
            break;
        }
    }
    Some(sum.min(1.0))
}

/// `part` of `all`; nothing of nothing is nothing.
pub(crate) fn ratio(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { number(part) / number(all) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^53")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// Stirling's series, which is good to ten digits from 16 on.
fn ln_factorial(n: u64) -> f64 {
    if n < 16 {
        return (2..=n).map(|k| number(k).ln()).sum();
    }
    let x = number(n) + 1.0;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
}

#[cfg(test)]
mod tests {
    use super::{chance, ln_factorial, number};

    #[test]
    fn chance_is_the_tail_of_the_binomial_distribution() {
        // From tables: P(X >= 3 | 3 tries, p = 0.1) and P(X >= 8 | 10 tries, p = 0.5).
        for ((bad, all, other_bad, other_all), expected) in
            [((3, 100, 0, 900), 0.001), ((8, 100, 2, 100), 0.054_687_5), ((1, 10, 0, 10), 0.5)]
        {
            let found = chance(bad, all, other_bad, other_all).unwrap();
            assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
        }
        assert!(chance(5000, 10_000, 5000, 90_000).unwrap() < 1e-300);
    }

    #[test]
    fn nothing_to_compare_is_not_no_difference() {
        assert_eq!(chance(0, 0, 0, 100), None);
        assert_eq!(chance(5, 100, 0, 0), None);
        assert_eq!(chance(0, 100, 0, 100), Some(1.0));
        assert_eq!(chance(10, 100, 90, 100), Some(1.0), "better is not worse");
    }

    #[test]
    fn factorials_are_right_where_the_series_begins() {
        for n in [15_u64, 16, 17, 100] {
            let exact: f64 = (2..=n).map(|k| number(k).ln()).sum();
            assert!((ln_factorial(n) - exact).abs() < 1e-9, "{n}");
        }
    }
}
