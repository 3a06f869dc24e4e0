//! Refuses what a query says that the operation does not know: a mistyped filter must not answer with everything.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use url::form_urlencoded;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::ParameterIn;

use crate::openapi::{openapi, operations};
use crate::problem::Problem;

/// The names that each documented operation takes, by method and path.
static KNOWN: LazyLock<HashMap<(&'static str, String), Vec<String>>> = LazyLock::new(|| {
    let mut known = HashMap::new();
    for (path, mut item) in openapi().paths.paths {
        for (method, operation) in operations(&mut item) {
            let parameters = operation.parameters.iter().flatten();
            let names = parameters.filter_map(|parameter| match parameter {
                RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => Some(parameter.name.clone()),
                _ => None,
            });
            known.insert((method, path.clone()), names.collect());
        }
    }
    known
});

/// Passes what no document describes: such addresses take nothing that could be mistyped.
pub(super) fn check(request: &Request) -> Result<(), Problem> {
    let Some(query) = request.uri().query() else { return Ok(()) };
    let Some(path) = request.extensions().get::<MatchedPath>() else { return Ok(()) };
    let method = match *request.method() {
        Method::GET | Method::HEAD => "get",
        Method::PUT => "put",
        Method::POST => "post",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => return Ok(()),
    };
    let Some(known) = KNOWN.get(&(method, path.as_str().to_owned())) else { return Ok(()) };
    match form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !known.iter().any(|known| known == name)) {
        None => Ok(()),
        Some((name, _)) if known.is_empty() => {
            Err(Problem::invalid(format!("this address takes no query, and `{name}` means nothing to it")))
        }
        Some((name, _)) => {
            Err(Problem::invalid(format!("there is no query parameter `{name}` here; there are {}", known.join(", "))))
        }
    }
}
