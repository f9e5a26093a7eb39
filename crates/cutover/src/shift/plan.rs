//! Which shares, for how long, and what it takes to go on.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use gateway::split::Share;
use serde::{Deserialize, Serialize};

/// What it takes to leave a share for the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proceed {
    /// Every gate passes: enough was seen, and nothing speaks against it. Waits as long as that takes. Families that nobody
    /// asks for keep nobody waiting.
    #[default]
    WhenPassing,
    /// The time is over and no gate fails, however little was seen. For a first step with few people, and where nobody
    /// is served.
    UnlessFailing,
}

/// One share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareStep {
    /// The people on the new side.
    pub share: Share,
    /// Seconds it is held at least.
    pub hold: u64,
    /// What it takes to go on.
    #[serde(default)]
    pub proceed: Proceed,
}

impl FromStr for ShareStep {
    type Err = String;

    /// `10%:60s` or `1%:60s:unless-failing`
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let share: Share = parts.next().unwrap_or_default().parse().map_err(|error| format!("{error}"))?;
        let hold = parts.next().unwrap_or("60s");
        let hold = hold
            .strip_suffix('s')
            .unwrap_or(hold)
            .parse()
            .map_err(|_| format!("{hold:?} in {text:?} is no time: write seconds, such as 60s"))?;
        let proceed = match parts.next() {
            None | Some("when-passing") => Proceed::WhenPassing,
            Some("unless-failing") => Proceed::UnlessFailing,
            Some(other) => return Err(format!("{other:?} in {text:?} is unknown: use when-passing or unless-failing")),
        };
        match parts.next() {
            None if share > Share::NONE => Ok(Self { share, hold, proceed }),
            None => Err("a step must put somebody on the new side: begin with 1%".to_owned()),
            Some(rest) => Err(format!("{rest:?} is too much in {text:?}: write SHARE:SECONDS:PROCEED")),
        }
    }
}

impl fmt::Display for ShareStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proceed = match self.proceed {
            Proceed::WhenPassing => "",
            Proceed::UnlessFailing => ":unless-failing",
        };
        write!(f, "{}:{}s{proceed}", self.share, self.hold)
    }
}

/// The whole way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftPlan {
    /// The control socket of the gateway, or of what drives one.
    pub gateway: PathBuf,
    /// The shares, from few to all.
    pub steps: Vec<ShareStep>,
}

impl ShiftPlan {
    /// The strategy's gradual way, and 1 % before it.
    pub fn gradual() -> Vec<ShareStep> {
        let step =
            |percent: u32, proceed| ShareStep { share: Share::from_basis_points(percent * 100), hold: 300, proceed };
        vec![
            step(1, Proceed::UnlessFailing),
            step(10, Proceed::WhenPassing),
            step(50, Proceed::WhenPassing),
            step(100, Proceed::WhenPassing),
        ]
    }

    /// The strategy's complete cut-over.
    pub fn complete() -> Vec<ShareStep> {
        vec![ShareStep { share: Share::ALL, hold: 300, proceed: Proceed::WhenPassing }]
    }

    /// What is wrong with these steps, if anything.
    pub fn check(steps: &[ShareStep]) -> Result<(), String> {
        if steps.last().is_none_or(|last| last.share != Share::ALL) {
            return Err("the last step must be 100%: the old services are to go".to_owned());
        }
        match steps.windows(2).find(|pair| pair[0].share >= pair[1].share) {
            Some(pair) => Err(format!("{} comes after {}: every step must be larger", pair[1].share, pair[0].share)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Proceed, ShareStep, ShiftPlan};

    #[test]
    fn steps_are_read_as_they_are_shown() {
        for (text, shown) in [
            ("10%:60s", "10%:60s"),
            ("100", "100%:60s"),
            ("0.25%:5", "0.25%:5s"),
            ("1.5%:5s:unless-failing", "1.5%:5s:unless-failing"),
            ("50%:5s:when-passing", "50%:5s"),
        ] {
            assert_eq!(text.parse::<ShareStep>().unwrap().to_string(), shown);
        }
        for wrong in ["", "0%", "101%", "-1%", "10%:soon", "10%:5s:whenever", "10%:5s:unless-failing:x", "1.x%"] {
            assert!(wrong.parse::<ShareStep>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn way_goes_up_and_to_the_end() {
        assert_eq!(ShiftPlan::check(&ShiftPlan::gradual()), Ok(()));
        assert_eq!(ShiftPlan::check(&ShiftPlan::complete()), Ok(()));
        let steps = |text: &str| text.split(',').map(|step| step.parse().unwrap()).collect::<Vec<ShareStep>>();
        assert!(ShiftPlan::check(&[]).is_err());
        assert!(ShiftPlan::check(&steps("1%,10%")).unwrap_err().contains("100%"));
        assert!(ShiftPlan::check(&steps("50%,10%,100%")).unwrap_err().contains("10% comes after 50%"));
        assert_eq!(ShiftPlan::gradual()[0].proceed, Proceed::UnlessFailing);
    }
}
