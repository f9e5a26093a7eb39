//! The take-over of a running deployment.

pub mod expand;
