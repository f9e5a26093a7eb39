//! People and authentication, one file an operation.

mod guessing;
mod register;
