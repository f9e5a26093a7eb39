//! People and authentication, one file an operation.

mod register;
