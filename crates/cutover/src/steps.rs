//! The steps of the take-over, in order. A new one is a line here and a folder of its own.

use crate::backup::{Backup, Trial};
use crate::discover::Discover;
use crate::expand::Expand;
use crate::run::Step;

/// All steps.
pub fn all() -> Vec<Box<dyn Step>> {
    vec![Box::new(Discover), Box::new(Backup), Box::new(Trial), Box::new(Expand)]
}

/// The steps up to and with the one of that name.
pub fn until(name: &str) -> Vec<Box<dyn Step>> {
    let mut steps = all();
    let end = steps.iter().position(|step| step.name() == name).map_or(steps.len(), |at| at + 1);
    steps.truncate(end);
    steps
}
