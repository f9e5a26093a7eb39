//! Reading the series, and making it short enough to be drawn.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};

use gateway::control::history::Entry as Change;
use gateway::shadow;
use jiff::{SignedDuration, Timestamp};

use super::{Line, Second};
use crate::run::Folder;
use crate::{Error, Result};

/// Everything that was recorded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Each family's seconds in order, and [`super::ALL`] if there are several.
    pub families: BTreeMap<String, Vec<Second>>,
    /// Changes of shares in order.
    pub changes: Vec<Change>,
    /// What the shadow had found when it was asked last.
    pub shadow: Option<(Timestamp, shadow::Report)>,
    /// Lines that were not whole.
    pub torn: usize,
}

/// The series of the run in `folder`; an empty one if there is none.
pub fn read(folder: &Folder) -> Result<Series> {
    let path = folder.series();
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Series::default()),
        Err(error) => return Err(Error::file("open", &path)(error)),
    };
    let mut series = Series::default();
    // By bytes: a torn line may end in the middle of a letter.
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(Error::file("read", &path))?;
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Second(second)) => series.families.entry(second.family.clone()).or_default().push(second),
            Ok(Line::Change(change)) => series.changes.push(change),
            Ok(Line::Shadow { at, report }) => series.shadow = Some((at, *report)),
            Ok(Line::Unknown) => {}
            Err(_) => series.torn += 1,
        }
    }
    for seconds in series.families.values_mut() {
        seconds.sort_by_key(|second| second.at);
        seconds.dedup_by_key(|second| second.at);
    }
    series.changes.sort_by_key(|change| change.at);
    series.changes.dedup();
    Ok(series)
}

/// At most about `most` points of these, each the sum of equally many seconds. No point spans a change of the share or a
/// hole, so that a chart shows both where they were.
pub fn thin(seconds: &[Second], most: usize) -> Vec<Second> {
    let per_point = seconds.len().div_ceil(most.max(1)).max(1);
    let mut points: Vec<Second> = Vec::new();
    let mut together = 0;
    for second in seconds {
        match points.last_mut() {
            Some(last) if together < per_point && last.share == second.share && !hole(last, second) => {
                *last = last.and(second);
                together += 1;
            }
            _ => {
                points.push(second.clone());
                together = 1;
            }
        }
    }
    points
}

/// Whether something is missing between two seconds.
fn hole(before: &Second, after: &Second) -> bool {
    let length = i64::try_from(after.millis).unwrap_or(i64::MAX).max(1000);
    after.at.duration_since(before.at) > SignedDuration::from_millis(length.saturating_mul(3))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use gateway::split::Share;

    use super::super::{Line, Second, Side};
    use super::{read, thin};
    use crate::run::Folder;

    fn second(at: i64, percent: u32, requests: u32) -> Second {
        let (requests, p99_ms) = (u64::from(requests), Some(f64::from(requests)));
        let new = Side { requests, errors: 1, p50_ms: Some(2.0), p99_ms, ..Side::default() };
        Second {
            family: "users".to_owned(),
            at: jiff::Timestamp::from_second(at).unwrap(),
            millis: 1000,
            share: Share::from_basis_points(percent * 100),
            old: Side::default(),
            new,
        }
    }

    #[test]
    fn series_is_read_up_to_and_behind_what_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        let at = Folder::at(folder.path());
        assert!(read(&at).unwrap().families.is_empty(), "no file is an empty series");
        let mut file = std::fs::File::create(at.series()).unwrap();
        for seconds in [2, 1, 2] {
            writeln!(file, "{}", serde_json::to_string(&Line::Second(second(seconds, 10, 1))).unwrap()).unwrap();
        }
        writeln!(file, r#"{{"kind":"of a later program","at":1}}"#).unwrap();
        file.write_all(b"{\"kind\":\"second\",\"family\":\"us\xc3\n").unwrap();
        writeln!(file, "{}", serde_json::to_string(&Line::Second(second(3, 10, 1))).unwrap()).unwrap();
        file.write_all(b"{\"kind\":\"second\"").unwrap();
        let series = read(&at).unwrap();
        let times: Vec<i64> = series.families["users"].iter().map(|second| second.at.as_second()).collect();
        assert_eq!((times, series.torn), (vec![1, 2, 3], 2));
    }

    #[test]
    fn thinning_keeps_sums_changes_and_holes() {
        let mut all: Vec<Second> = (0..1000).map(|at| second(at, 10, 5)).collect();
        all.extend((1000..1003).map(|at| second(at, 50, 7)));
        all.extend((5000..5100).map(|at| second(at, 50, 9)));
        let points = thin(&all, 100);
        let sum = |of: &[Second]| {
            of.iter().map(|second| (second.new.requests, second.new.errors)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
        };
        assert_eq!(sum(&points), sum(&all));
        assert!(points.len() <= 105, "{}", points.len());
        let of_share =
            |percent: u32| points.iter().filter(move |point| point.share == Share::from_basis_points(percent * 100));
        assert_eq!(of_share(10).map(|point| point.new.requests).sum::<u64>(), 5000);
        assert_eq!(of_share(50).next().unwrap().new.requests, 21, "the hole ends a point");
        assert_eq!(points.last().unwrap().new.p99_ms, Some(9.0));
        assert_eq!(thin(&all, 5000), all, "what is short stays as it is");
        assert!(thin(&[], 10).is_empty());
    }
}
