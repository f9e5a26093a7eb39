//! Clean-up: nothing beside what was listed, nothing that cannot be taken back.

mod contract;
mod killed;
mod trees;
mod whole;
