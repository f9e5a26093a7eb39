//! Moving traffic: one share of people after the other, each held while the gateway's gates look, and back in a moment.
//!
//! The gateway decides alone when the new side is worse and goes back by itself; what is here raises shares, renews the
//! lease for as long as it watches, and declares a share safe when its time is over and nothing spoke against it. If this
//! tool dies, the lease ends and the last safe share comes back.

mod gateway;
mod plan;
pub mod series;
mod step;

pub use gateway::{Family, Gateway, Route, Status};
pub use plan::{Proceed, ShareStep, ShiftPlan};
pub(crate) use step::DECISION;
pub use step::Shift;
