//! Use cases, one file each. Every function takes the request's context first.

mod authenticate;
pub(crate) mod bootstrap;
mod change_password;
pub(crate) mod change_role;
mod cleanup;
pub(crate) mod create;
mod delete;
mod get;
mod health;
mod keep;
pub(crate) mod list;
pub(crate) mod login;
mod logout;
mod reach;
pub(crate) mod refresh;
pub(crate) mod register;
mod seats;
mod sessions;
mod set_active;
pub(crate) mod standing;
pub(crate) mod stats;
pub(crate) mod tenancy;
mod tokens;
pub(crate) mod update;
pub(crate) mod validate;

pub(crate) use tokens::LoggedIn;
