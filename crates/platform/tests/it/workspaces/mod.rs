//! Workspaces, members, projects, bases and their audit trail, one file an operation.

mod scene;
mod schema;

pub(crate) use schema::Schema;

mod add_member;
mod archive_workspace;
mod change_member_role;
mod coexistence;
mod connect_base;
mod create_project;
mod create_workspace;
mod create_workspace_project;
mod delete_project;
mod delete_user;
mod delete_workspace;
mod disconnect_base;
mod get_base;
mod get_project;
mod get_workspace;
mod get_workspace_stats;
mod health;
mod isolation;
mod leave_workspace;
mod list_audit_logs;
mod list_bases;
mod list_members;
mod list_projects;
mod list_user_workspaces;
mod list_workspaces;
mod lists;
mod nobody;
mod races;
mod remove_member;
mod replace_member_role;
mod restore_workspace;
mod statements;
mod transfer_workspace;
mod update_base;
mod update_project;
mod update_workspace;
