//! The OpenAPI document: made from the handlers, then given what all operations share.

mod schemas;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, InfoBuilder, KnownFormat, ObjectBuilder, OpenApi, Ref, RefOr, Required, ResponseBuilder,
    SchemaFormat, Type,
};

use crate::anonymous::ANONYMOUS;
use crate::conversations::types::TextDelta;
use crate::ingress;
use crate::problem::ProblemBody;
use crate::router::documented;
use crate::state::AppState;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| openapi().to_json().unwrap_or_default());

pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/api/openapi.json", get(document))
}

async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// The whole document, as `/api/openapi.json` answers it and as the portal's types are generated from it.
pub fn openapi() -> OpenApi {
    let mut api = documented().merge(ingress::slack::routes()).to_openapi();
    api.info = InfoBuilder::new()
        .title("Konstruct")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("AI employees that live where an organisation's people and customers already talk."))
        .build();
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert("Problem".to_owned(), ProblemBody::schema());
    components.schemas.insert("TextDelta".to_owned(), TextDelta::schema());
    schemas::complete(components);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An access token, an API key, or on web chat a visitor's token"));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            complete(operation, method, path);
        }
    }
    api
}

/// The operations of one path, with their methods.
pub(crate) fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds what every operation has: its path's ids, who may call it, and the shape of its errors.
fn complete(operation: &mut Operation, method: &str, path: &str) {
    let ids = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(id);
    let mut parameters: Vec<RefOr<Parameter>> = ids.map(RefOr::T).collect();
    parameters.append(operation.parameters.get_or_insert_default());
    operation.parameters = (!parameters.is_empty()).then_some(parameters);

    let anonymous = ANONYMOUS.contains(&(method, path));
    operation.security = Some(match anonymous {
        true => Vec::new(),
        false => vec![SecurityRequirement::new("bearer", Vec::<String>::new())],
    });

    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.description = "Done".to_owned();
        }
    }
    let schema = Ref::from_schema_name("Problem");
    let problem = ResponseBuilder::new()
        .description("The request was not done")
        .content("application/problem+json", Content::new(Some(RefOr::Ref(schema))));
    operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.build()));
}

fn id(name: &str) -> Parameter {
    let uuid = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(uuid.build()))
        .build()
}
