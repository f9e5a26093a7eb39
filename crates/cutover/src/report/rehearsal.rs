//! What a rehearsal adds to its run's report: the optional file `rehearsal.json` in the run's folder.
//!
//! The shape is an interface: whoever rehearses writes it, here it is only shown. Fields are added and never change
//! their meaning; all but the first five may be left out.

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rehearsal {
    /// Requests sent in all.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub failed: u64,
    /// Writes that were acknowledged and are not in the tables.
    pub lost: u64,
    /// Writes that are in the tables more than once.
    pub doubled: u64,
    /// How many seconds it took.
    pub seconds: f64,
    /// What was done, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<Phase>,
    /// Second by second.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per_second: Vec<Second>,
    /// What the naive recipe came to under the same load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naive: Option<Naive>,
}

/// A part of the rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// When it began, in seconds since 1970.
    #[serde(default)]
    pub from: f64,
    /// When it ended, in seconds since 1970.
    #[serde(default)]
    pub to: f64,
    /// Requests in it.
    #[serde(default)]
    pub requests: u64,
    /// Milliseconds at the 50th percentile, as clients measured them.
    #[serde(default)]
    pub p50_ms: Option<f64>,
    /// The same at the 99th.
    #[serde(default)]
    pub p99_ms: Option<f64>,
}

/// One second of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// Seconds since 1970.
    #[serde(default)]
    pub at: f64,
    /// Requests sent in it.
    #[serde(default)]
    pub requests: u64,
    /// Of these, failed.
    #[serde(default)]
    pub failed: u64,
    /// Milliseconds at the 50th percentile.
    #[serde(default)]
    pub p50_ms: Option<f64>,
    /// The same at the 99th.
    #[serde(default)]
    pub p99_ms: Option<f64>,
}

/// The recipe that everybody would write down first, under the same load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Naive {
    /// As for the take-over.
    #[serde(default)]
    pub requests: u64,
    /// As for the take-over.
    #[serde(default)]
    pub failed: u64,
    /// As for the take-over.
    #[serde(default)]
    pub lost: u64,
    /// As for the take-over.
    #[serde(default)]
    pub doubled: u64,
    /// As for the take-over.
    #[serde(default)]
    pub seconds: f64,
    /// What happened, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::Rehearsal;

    #[test]
    fn only_the_first_five_must_be_there() {
        let least = r#"{"requests":9,"failed":0,"lost":0,"doubled":0,"seconds":3}"#;
        let read: Rehearsal = serde_json::from_str(least).unwrap();
        assert_eq!((read.requests, read.seconds, read.naive), (9, 3.0, None));
        for missing in ["requests", "failed", "lost", "doubled", "seconds"] {
            let mut value: serde_json::Value = serde_json::from_str(least).unwrap();
            value.as_object_mut().unwrap().remove(missing);
            assert!(serde_json::from_value::<Rehearsal>(value).is_err(), "without {missing}");
        }
        let more = r#"{"requests":9,"failed":0,"lost":0,"doubled":0,"seconds":3.5,"new":1,
            "phases":[{"name":"1 %","from":1,"to":2.5,"requests":3}],
            "per_second":[{"at":1,"requests":3,"failed":1,"p50_ms":1.5}],"naive":{"lost":4,"notes":["x"]}}"#;
        let read: Rehearsal = serde_json::from_str(more).unwrap();
        assert_eq!((read.phases.len(), read.per_second[0].p99_ms, read.naive.unwrap().lost), (1, None, 4));
    }
}
