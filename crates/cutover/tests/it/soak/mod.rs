//! Looking on: 48 hours of it in no time, what ends it, and who is seen meanwhile.

mod differences;
mod sessions;
mod time;
pub(crate) mod world;
