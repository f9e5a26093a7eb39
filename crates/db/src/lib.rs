//! db

pub mod local;
