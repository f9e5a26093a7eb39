//! The steps of the take-over, in order. A new one is a line here and a folder of its own.

use crate::backup::{Backup, Trial};
use crate::discover::Discover;
use crate::run::{Plan, Step};
use crate::shift::{Gateway, Shift};

/// All steps.
pub fn all() -> Vec<Box<dyn Step>> {
    vec![Box::new(Discover), Box::new(Backup), Box::new(Trial)]
}

/// The steps that move traffic; none until the plan says how.
pub fn shift(plan: &Plan) -> Vec<Box<dyn Step>> {
    let Some(shift) = &plan.shift else { return Vec::new() };
    let gateway = Gateway::at(&shift.gateway);
    shift.steps.iter().map(|step| Box::new(Shift::new(*step, gateway.clone())) as Box<dyn Step>).collect()
}

/// The steps up to and with the one of that name.
pub fn until(name: &str) -> Vec<Box<dyn Step>> {
    let mut steps = all();
    let end = steps.iter().position(|step| step.name() == name).map_or(steps.len(), |at| at + 1);
    steps.truncate(end);
    steps
}
