//! Use cases, one file each. Every function takes the request's context first.

mod access;
mod add_member;
mod archive;
mod audit;
pub(crate) mod audit_logs;
mod change_member_role;
pub(crate) mod connect_base;
pub(crate) mod create;
pub(crate) mod create_project;
mod delete;
mod delete_project;
mod disconnect_base;
mod get;
mod health;
pub(crate) mod list;
pub(crate) mod list_bases;
mod list_members;
pub(crate) mod list_projects;
mod mine;
pub(crate) mod release;
mod remove_member;
pub(crate) mod stats;
mod transfer;
pub(crate) mod update;
pub(crate) mod update_base;
pub(crate) mod update_project;
