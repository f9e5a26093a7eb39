//! Routes, one file an endpoint, and how outcomes become answers.

mod add_member;
mod archive;
mod audit_logs;
mod change_member_role;
mod connect_base;
mod create;
mod create_project;
mod delete;
mod delete_project;
mod disconnect_base;
mod get;
mod leave;
mod list;
mod list_bases;
mod list_members;
mod list_projects;
mod mine;
mod params;
mod remove_member;
mod stats;
mod transfer;
mod update;
mod update_base;
mod update_project;
mod views;

use std::str::FromStr as _;
use std::sync::Arc;

use kernel::{BaseId, ProjectId, WorkspaceId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, Code};

use crate::model::canonical;
use crate::{WorkspaceError, Workspaces};

/// Whole paths of other editions and clients, and the routes they stand for.
pub const ALIASES: &[(&str, &str)] = &[
    ("/workspaces/audit-logs", "/audit-logs"),
    ("/user/workspaces", "/workspaces/user"),
    ("/tenant/workspaces", "/workspaces"),
];

/// The slice's routes, without prefix and without the slice: what the OpenAPI document is made of.
pub fn routes() -> OpenApiRouter<Arc<Workspaces>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_workspaces, create::create_workspace))
        .routes(routes!(mine::list_user_workspaces))
        .routes(routes!(stats::get_workspace_stats))
        .routes(routes!(get::get_workspace, update::update_workspace, delete::delete_workspace))
        .routes(routes!(archive::archive_workspace))
        .routes(routes!(archive::restore_workspace))
        .routes(routes!(transfer::transfer_workspace))
        .routes(routes!(leave::leave_workspace))
        .routes(routes!(list_members::list_members, add_member::add_member))
        .routes(routes!(
            change_member_role::replace_member_role,
            change_member_role::change_member_role,
            remove_member::remove_member
        ))
        .routes(routes!(create_project::create_workspace_project))
        .routes(routes!(list_projects::list_projects, create_project::create_project))
        .routes(routes!(get::get_project, update_project::update_project, delete_project::delete_project))
        .routes(routes!(connect_base::connect_base))
        .routes(routes!(list_bases::list_bases))
        .routes(routes!(get::get_base, update_base::update_base, disconnect_base::disconnect_base))
        .routes(routes!(audit_logs::list_audit_logs))
}

impl Workspaces {
    /// The slice's routes, served by it.
    pub fn router(self: &Arc<Self>) -> OpenApiRouter {
        routes().with_state(Arc::clone(self))
    }
}

/// A path's id. What is no UUID names nothing (T-01).
fn workspace_id(text: &str) -> Result<WorkspaceId, WorkspaceError> {
    WorkspaceId::from_str(text).map_err(|_| WorkspaceError::WorkspaceNotFound)
}

fn project_id(text: &str) -> Result<ProjectId, WorkspaceError> {
    ProjectId::from_str(text).map_err(|_| WorkspaceError::ProjectNotFound)
}

fn base_id(text: &str) -> Result<BaseId, WorkspaceError> {
    BaseId::from_str(text).map_err(|_| WorkspaceError::BaseNotFound)
}

/// A member's id: of old rows any text, but none that PostgreSQL cannot hold.
fn member_id(text: &str) -> Result<String, WorkspaceError> {
    if text.contains('\0') { Err(WorkspaceError::MemberNotFound) } else { Ok(canonical(text)) }
}

impl From<WorkspaceError> for ApiError {
    /// Texts the old service knew stand as they were (contract 1.3.3); refusals it answered 500 have their own (T-12).
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::Invalid(detail) => {
                let message = format!("{} {}", detail.field, detail.message);
                Self::bad_request("Invalid input").message(message).field(detail.field, detail.message)
            }
            WorkspaceError::InvalidQuery(detail) => {
                let message = format!("{} {}", detail.field, detail.message);
                Self::bad_request("Invalid query parameters").message(message).field(detail.field, detail.message)
            }
            WorkspaceError::NoPerson => Self::unauthorized("Missing authentication"),
            WorkspaceError::NoContext => Self::unauthorized("Missing authentication context"),
            WorkspaceError::Unauthorized => Self::forbidden("Unauthorized")
                .message("You are not a member of the workspace, or your role in it is too low"),
            WorkspaceError::Forbidden => {
                Self::forbidden("Forbidden").message("The body names something outside your tenant")
            }
            WorkspaceError::QuotaExceeded { things, limit } => Self::new(Code::QuotaExceeded, "Quota exceeded")
                .message(format!("There may be at most {limit} {things}; delete one first")),
            WorkspaceError::WorkspaceNotFound => Self::not_found("Workspace not found"),
            WorkspaceError::ProjectNotFound => Self::not_found("Project not found"),
            WorkspaceError::BaseNotFound => Self::not_found("Airtable base not found"),
            WorkspaceError::MemberNotFound => Self::not_found("Member not found"),
            WorkspaceError::UserNotFound => Self::not_found("User not found"),
            WorkspaceError::WorkspaceNameTaken => {
                Self::conflict("Workspace already exists").field("name", "is in use in the tenant")
            }
            WorkspaceError::ProjectNameTaken => {
                Self::conflict("Project already exists").field("name", "is in use in the workspace")
            }
            WorkspaceError::BaseTaken => Self::conflict("Airtable base already connected")
                .field("base_id", "is connected to the project already"),
            WorkspaceError::AlreadyMember => {
                Self::conflict("Member already exists").field("user_id", "is a member already")
            }
            WorkspaceError::LastOwner => Self::conflict("Cannot remove the last owner from workspace")
                .message("The last owner can be neither demoted nor removed; make another member an owner first"),
            WorkspaceError::HasProjects(count) => Self::conflict("Workspace has active projects")
                .message(format!("The workspace has {count} live projects; delete them first, or archive it")),
            WorkspaceError::HasBases(count) => Self::conflict("Project has connected Airtable bases")
                .message(format!("The project has {count} connected bases; disconnect them first")),
            WorkspaceError::Database(error) => error.into(),
        }
    }
}
