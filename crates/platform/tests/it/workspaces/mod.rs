//! Workspaces, members, projects, bases and their audit trail, one file an operation.

mod scene;
mod schema;

mod create;
mod races;
mod statements;
