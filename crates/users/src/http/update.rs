//! `PUT /users/{id}`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::user_id;
use crate::service::update::Update;
use crate::{User, Users};

/// Fields to change. E-mail address, role, tenant and state cannot be changed here; sent all the same, they are ignored.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct UpdateRequest {
    #[schema(max_length = 100)]
    first_name: Option<String>,
    #[schema(max_length = 100)]
    last_name: Option<String>,
    #[schema(max_length = 200)]
    display_name: Option<String>,
    /// URL of a picture.
    avatar: Option<String>,
    bio: Option<String>,
    #[schema(max_length = 50)]
    phone: Option<String>,
    /// Replaces the whole object.
    #[schema(value_type = Option<Object>)]
    preferences: Option<Map<String, Value>>,
    /// Replaces the whole object; the user name in it is kept unless another is given.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl UpdateRequest {
    pub(super) fn without_empty_names(mut self) -> Self {
        self.first_name = self.first_name.filter(|name| !name.is_empty());
        self.last_name = self.last_name.filter(|name| !name.is_empty());
        self
    }
}

impl From<UpdateRequest> for Update {
    fn from(request: UpdateRequest) -> Self {
        Self {
            first_name: request.first_name,
            last_name: request.last_name,
            display_name: request.display_name,
            avatar: request.avatar,
            bio: request.bio,
            phone: request.phone,
            preferences: request.preferences,
            metadata: request.metadata,
        }
    }
}

/// Change a person
///
/// The own account, or anybody of the tenant for its admins.
#[utoipa::path(
    put,
    path = "/users/{id}",
    tag = "users",
    operation_id = "update_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    request_body = UpdateRequest,
    responses(
        (status = 200, body = User),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateRequest>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.update(&cx, user_id(&id)?, request.into()).await?))
}
