//! The OpenAPI document, and the page that shows it without needing the network.

use axum::Router;
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::Type;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, LicenseBuilder, Object, OpenApi, OpenApiBuilder, Ref, Required,
    ResponseBuilder, SecurityRequirement, ServerBuilder,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;
use web::{ApiError, Family};

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

/// Adds what holds for every operation of a method and is written at none: the headers that make changes safe to
/// repeat and to race, and what they can be refused with.
pub(crate) fn with_conditions(mut document: OpenApi) -> OpenApi {
    for path in document.paths.paths.values_mut() {
        if let Some(operation) = &mut path.post {
            const ONCE: &str = "1 to 255 characters, a UUID for instance. Sent again with the same key within 24 hours, \
                                the request is not carried out again but answered as before, with \
                                `Idempotent-Replayed: true`";
            const RUNNING: &str = "The first request with the same Idempotency-Key is still running";
            header(operation, "Idempotency-Key", ONCE);
            refusal(operation, "409", RUNNING);
            refusal(operation, "422", "The Idempotency-Key came with another request before");
        }
        for operation in [&mut path.put, &mut path.patch, &mut path.delete].into_iter().flatten() {
            const UNCHANGED: &str = "The `ETag` of the object as it was read; `*` for any";
            header(operation, "If-Match", UNCHANGED);
            refusal(operation, "412", "The object changed since, or has no ETag");
        }
    }
    for (name, path) in &mut document.paths.paths {
        if Family::of(name).is_some() {
            const LATER: &str = "Too many requests in this minute; `X-RateLimit-Limit`, `X-RateLimit-Remaining` and \
                                 `X-RateLimit-Reset` are on every answer, `Retry-After` on this one";
            let PathItem { get, put, post, delete, patch, .. } = path;
            for operation in [get, put, post, delete, patch].into_iter().flatten() {
                refusal(operation, "429", LATER);
            }
        }
    }
    document
}

fn header(operation: &mut Operation, name: &str, description: &str) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Object::with_type(Type::String)))
        .build();
    operation.parameters.get_or_insert_default().push(parameter.into());
}

fn refusal(operation: &mut Operation, status: &str, description: &str) {
    let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    let response = ResponseBuilder::new().description(description).content("application/json", body).build();
    operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
}

/// `/openapi.json` and `/docs`.
pub(crate) fn pages(document: OpenApi) -> Router {
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
