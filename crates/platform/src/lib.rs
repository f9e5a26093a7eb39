//! The program's parts, for its binary and its tests.

pub mod app;
mod health;
mod openapi;
