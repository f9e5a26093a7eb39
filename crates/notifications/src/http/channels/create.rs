//! `POST /notifications/channels`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::{Channel, Notifications};

/// Where to be told of things.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct ChannelRequest {
    /// `email` or `webhook`.
    #[serde(rename = "type")]
    kind: String,
    /// An e-mail address, or an `https` URL on the public internet. Left out for `email`, the account's own.
    #[schema(max_length = 2000, example = "ada@example.com")]
    address: Option<String>,
}

/// A new channel; of a webhook also its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedChannel {
    #[serde(flatten)]
    channel: Channel,
    /// Signs every message to a webhook; not shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
}

/// Add an address
///
/// A code is sent to it: by mail, or to a webhook as the event `channel.verification`. Nothing else is sent before the
/// code was repeated. The account's own address needs none if it is verified. At most ten a person.
#[utoipa::path(
    post,
    path = "/notifications/channels",
    tag = "notifications",
    operation_id = "create_notification_channel",
    request_body = ChannelRequest,
    security(("bearer" = [])),
    responses(
        (status = 201, body = CreatedChannel),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 409, description = "The caller has the address, or ten; or the program sends no mail", body = ErrorBody<'static>),
        (status = 429, description = "Ten codes were sent within the hour", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_notification_channel(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(request): Body<ChannelRequest>,
) -> Result<(StatusCode, Tagged<CreatedChannel>), ApiError> {
    let (channel, secret) = notifications.create_channel(&cx, &request.kind, request.address.as_deref()).await?;
    Ok((StatusCode::CREATED, Tagged::new(channel).map(|channel| CreatedChannel { channel, secret })))
}
