//! How much is compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How long, and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowPlan {
    /// Seconds for which answers are compared at least.
    pub seconds: u64,
    /// Reads that are compared at least.
    pub reads: u64,
}

impl Default for ShadowPlan {
    fn default() -> Self {
        Self { seconds: 60, reads: 1000 }
    }
}

impl FromStr for ShadowPlan {
    type Err = String;

    /// `60s` or `60s:1000`
    fn from_str(text: &str) -> Result<Self, String> {
        let (seconds, reads) = text.split_once(':').map_or((text, None), |(seconds, reads)| (seconds, Some(reads)));
        let wrong =
            |what: &str| format!("{what:?} in {text:?} is no number: write SECONDS or SECONDS:READS, as in 60s:1000");
        let seconds = seconds.strip_suffix('s').unwrap_or(seconds);
        Ok(Self {
            seconds: seconds.parse().map_err(|_| wrong(seconds))?,
            reads: reads.map_or(Ok(Self::default().reads), str::parse).map_err(|_| wrong(reads.unwrap_or_default()))?,
        })
    }
}

impl fmt::Display for ShadowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s:{}", self.seconds, self.reads)
    }
}

#[cfg(test)]
mod tests {
    use super::ShadowPlan;

    #[test]
    fn amount_is_read_as_it_is_shown() {
        for (text, shown) in [("60s", "60s:1000"), ("5:20", "5s:20"), ("0s:0", "0s:0")] {
            assert_eq!(text.parse::<ShadowPlan>().unwrap().to_string(), shown);
        }
        for wrong in ["", "soon", "1m", "5s:", "5s:many", "5s:1:2", "-1s"] {
            assert!(wrong.parse::<ShadowPlan>().is_err(), "{wrong}");
        }
    }
}
