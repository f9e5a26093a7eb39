//! The steps of the take-over, in order. A new one is a line here and a folder of its own.

use crate::backup::{Backup, Trial};
use crate::capture::Capture;
use crate::cleanup::{ArchiveFiles, CoexistenceOff, Contract, RemoveFiles};
use crate::config::Environment;
use crate::discover::Discover;
use crate::expand::Expand;
use crate::preflight::Preflight;
use crate::replay::Verify;
use crate::run::{Plan, Step};
use crate::shadow::Shadow;
use crate::shift::{Gateway, Shift};
use crate::soak::{Patience, Quiet, Soak};

/// What is looked at and written down before anything is begun.
pub fn checks(plan: &Plan) -> Vec<Box<dyn Step>> {
    let mut steps: Vec<Box<dyn Step>> = vec![Box::new(Preflight)];
    if plan.old.is_some() {
        steps.push(Box::new(Environment));
    }
    steps
}

/// What is done before traffic moves.
pub fn preparation() -> Vec<Box<dyn Step>> {
    vec![Box::new(Discover), Box::new(Capture), Box::new(Backup), Box::new(Trial), Box::new(Expand), Box::new(Verify)]
}

/// The steps that move traffic; none until the plan says how.
pub fn shift(plan: &Plan) -> Vec<Box<dyn Step>> {
    let Some(shift) = &plan.shift else { return Vec::new() };
    let gateway = Gateway::at(&shift.gateway);
    let mut steps: Vec<Box<dyn Step>> = Vec::new();
    if let Some(shadow) = plan.shadow {
        steps.push(Box::new(Shadow::new(shadow, gateway.clone())));
    }
    for step in &shift.steps {
        steps.push(Box::new(Shift::new(*step, gateway.clone())));
    }
    steps
}

/// Looking on once everybody is on the new side; nothing until the plan says how they come there.
pub fn soak(plan: &Plan, patience: Patience, accept: Option<String>) -> Vec<Box<dyn Step>> {
    let Some(planned) = &plan.shift else { return Vec::new() };
    let last = shift(plan).last().map(|step| step.name().to_owned());
    vec![Box::new(Soak::new(Gateway::at(&planned.gateway), last, patience).accepting(accept))]
}

/// Everything that this run does.
pub fn of(plan: &Plan) -> Vec<Box<dyn Step>> {
    let before = checks(plan).into_iter().chain(preparation());
    before.chain(shift(plan)).chain(soak(plan, Patience::Wait, None)).collect()
}

/// What an operator calls for when the soak is over. Programs named in `vouched` are no old services.
pub fn clean_up(plan: &Plan, vouched: &[String]) -> Vec<Box<dyn Step>> {
    let mut all: Vec<Box<dyn Step>> = vec![Box::new(Quiet::new(Patience::Refuse, vouched.to_owned()))];
    if !plan.archive.is_empty() {
        all.push(Box::new(ArchiveFiles));
        all.push(Box::new(RemoveFiles));
    }
    if plan.environment.is_some() {
        all.push(Box::new(CoexistenceOff));
    }
    all.push(Box::new(Contract));
    all
}

/// These steps up to and with the one of that name.
pub fn until(mut steps: Vec<Box<dyn Step>>, name: Option<&str>) -> Vec<Box<dyn Step>> {
    let last = steps.iter().position(|step| Some(step.name()) == name);
    steps.truncate(last.map_or(steps.len(), |at| at + 1));
    steps
}
