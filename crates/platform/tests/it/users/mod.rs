//! People and authentication, one file an operation.

mod fixtures;
mod login;
mod register;
