//! The series, short enough to be drawn, with sums over all of it.

use super::model::{Curve, Sums, Traffic};
use crate::shift::series::{self, ALL, Second, Series, Side};

/// Points of the curve that is drawn large, and of those of single families.
const MOST: usize = 300;
const MOST_OF_A_FAMILY: usize = 120;

pub(super) fn of(series: &Series) -> Option<Traffic> {
    if series.families.is_empty() {
        return None;
    }
    let several = series.families.contains_key(ALL);
    let curve = |(name, seconds): (&String, &Vec<Second>)| {
        let most = if several && name != ALL { MOST_OF_A_FAMILY } else { MOST };
        let sums = |side: fn(&Second) -> Side| seconds.iter().map(side).fold(Sums::default(), add);
        let curve = Curve {
            recorded: seconds.len(),
            points: series::thin(seconds, most),
            old: sums(|second| second.old),
            new: sums(|second| second.new),
        };
        (name.clone(), curve)
    };
    Some(Traffic { families: series.families.iter().map(curve).collect() })
}

fn add(sums: Sums, side: Side) -> Sums {
    Sums {
        requests: sums.requests + side.requests,
        errors: sums.errors + side.errors,
        client_errors: sums.client_errors + side.client_errors,
    }
}

impl Traffic {
    /// The curve of everything: of all families, or of the only one.
    pub(super) fn whole(&self) -> Option<(&str, &Curve)> {
        let whole = self.families.get_key_value(ALL).or_else(|| self.families.iter().next());
        whole.map(|(name, curve)| (name.as_str(), curve))
    }
}
