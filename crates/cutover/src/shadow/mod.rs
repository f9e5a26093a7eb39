//! Before traffic moves: reads that the old services answer are asked of the new one too, and the answers compared.
//!
//! The gateway does the work and learns first in which fields the old side differs from itself. What is here waits until
//! enough was compared and refuses to go on while anything differs that the gateway's register does not excuse. The
//! shadow stays on while shares rise: the gates count what it finds.

mod plan;
mod step;

pub use plan::ShadowPlan;
pub use step::Shadow;
