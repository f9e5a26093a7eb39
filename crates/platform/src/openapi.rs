//! The OpenAPI document, and the page that shows it without needing the network.

use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, SecurityRequirement, ServerBuilder,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;
use web::ApiError;

const DESCRIPTION: &str = "\
Users, tenants, workspaces and notifications of PyAirtable.

Every path is served under `/api/v1`, under `/api` and without prefix. Lists take `page` with `page_size`, `per_page` or \
`limit`; or `limit` with `offset`; or `cursor`. Every error is an object whose `error` is a text and whose `code` is \
what to branch on.";

/// A router whose document has everything but the operations.
pub(crate) fn document() -> OpenApiRouter {
    let info = InfoBuilder::new()
        .title("PyAirtable Platform")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("MIT").build()))
        .build();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` of a log-in"))
        .build();
    let internal = ApiKeyValue::with_description("X-API-Key", "`INTERNAL_API_KEY`, for services");
    let components = ComponentsBuilder::new()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("internal_key", SecurityScheme::ApiKey(ApiKey::Header(internal)))
        .build();
    OpenApiRouter::with_openapi(
        OpenApiBuilder::new()
            .info(info)
            .servers(Some([ServerBuilder::new().url("/api/v1").build()]))
            .components(Some(components))
            .security(Some([SecurityRequirement::new("bearer", Vec::<String>::new())]))
            .build(),
    )
}

/// `/openapi.json` and `/docs`.
pub(crate) fn pages(document: utoipa::openapi::OpenApi) -> Router {
    let pages: Router = SwaggerUi::new("/docs").url("/openapi.json", document).into();
    pages.layer(map_response(enveloped))
}

/// The page answers an unknown file of its own with an empty 404.
async fn enveloped(response: Response) -> Response {
    match response.status() {
        StatusCode::NOT_FOUND => ApiError::not_found("Not Found").into_response(),
        _ => response,
    }
}
