//! People and authentication, one file an operation.

mod admin_login;
mod change_password;
mod fixtures;
mod login;
mod logout;
mod refresh;
mod register;
mod sessions;
mod validate;
