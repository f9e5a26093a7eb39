//! People and authentication, one file an operation.

mod admin_login;
mod auth;
mod bulk_create_users;
mod change_password;
mod change_user_role;
mod coexistence;
mod create_user;
mod dashboard_admin;
mod deactivate_user;
mod delete_user;
mod get_user;
mod get_user_stats;
mod guessing;
mod list_users;
mod login;
mod logout;
mod me;
mod reactivate_user;
mod refresh;
mod register;
mod restore_user;
mod seats;
mod sessions;
mod tokens;
mod update_user;
mod validate;
