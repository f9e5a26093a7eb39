//! People and authentication, one file an operation.

mod admin_login;
mod change_password;
mod coexistence;
mod fixtures;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod sessions;
mod tokens;
mod validate;
