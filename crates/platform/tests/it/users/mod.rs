//! People and authentication, one file an operation.

mod bulk_create_users;
mod change_user_role;
mod create_user;
mod deactivate_user;
mod delete_user;
mod get_user;
mod get_user_stats;
mod guessing;
mod list_users;
mod reactivate_user;
mod register;
mod restore_user;
mod update_user;
