//! Errors as clients see them: problem+json (RFC 9457) with a code for programs and the request's id for people.
//!
//! Invariant: the detail of an internal error is never told; it is logged under the request's id.

use std::error::Error as StdError;

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use kernel::ErrorKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::layers::request_id;

const CONTENT: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not done.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after_s: Option<u32>,
}

/// The body of every answer that is not a success.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Always `about:blank`: `code` tells problems apart.
    pub r#type: &'static str,
    /// The status in words.
    pub title: &'a str,
    pub status: u16,
    /// For programs: `not_found`, `conflict`, `invalid`, `unauthenticated`, `forbidden`, and so on.
    pub code: &'static str,
    /// For people: what was wrong with this very request.
    pub detail: &'a str,
    /// Names this request in the server's log.
    pub request_id: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_s: None }
    }

    /// The problem that a bare status tells.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::BAD_REQUEST => ("invalid", "the request cannot be understood"),
            StatusCode::UNAUTHORIZED => ("unauthenticated", "this needs a proof of who is asking"),
            StatusCode::FORBIDDEN => ("forbidden", "your role does not permit this"),
            StatusCode::NOT_FOUND => ("not_found", "there is nothing here, or it is not yours"),
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "this address does not answer to that method"),
            StatusCode::CONFLICT => ("conflict", "it stands already, or has changed meanwhile"),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is larger than this address takes"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "the body must be application/json"),
            StatusCode::TOO_MANY_REQUESTS => ("rate_limited", "too many requests; try again later"),
            StatusCode::BAD_GATEWAY => ("upstream", "a service outside failed"),
            StatusCode::SERVICE_UNAVAILABLE => {
                ("overloaded", "the server is busy, or its database is away; try again in a moment")
            }
            StatusCode::GATEWAY_TIMEOUT => ("timeout", "this took too long"),
            status if status.is_client_error() => ("refused", "the request was refused"),
            _ => ("internal", "something went wrong on our side"),
        };
        let retry_after_s = match status {
            StatusCode::SERVICE_UNAVAILABLE => Some(1),
            StatusCode::TOO_MANY_REQUESTS => Some(60),
            _ => None,
        };
        Self { status, code, detail: detail.to_owned(), retry_after_s }
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    pub(crate) fn not_found() -> Self {
        Self::of_status(StatusCode::NOT_FOUND)
    }

    pub(crate) fn overloaded() -> Self {
        Self::of_status(StatusCode::SERVICE_UNAVAILABLE)
    }

    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// Nothing was shown where a bearer is asked for.
    pub(crate) fn no_bearer() -> Self {
        Self::unauthenticated("this needs a bearer: `Authorization: Bearer` with an access token or an API key")
    }

    /// The problem that an error of a domain crate is to its client.
    pub(crate) fn of(kind: ErrorKind, error: &(dyn StdError + 'static)) -> Self {
        let problem = Self::of_status(match kind {
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Upstream => StatusCode::BAD_GATEWAY,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        });
        let detail = match kind {
            ErrorKind::Internal => {
                tracing::error!(request_id = %request_id(), error = chain(error), "request failed");
                return problem;
            }
            ErrorKind::NotFound => return problem,
            _ if from_database(error) => {
                if kind == ErrorKind::Overloaded {
                    tracing::warn!(request_id = %request_id(), error = chain(error), "the database is away");
                }
                return problem;
            }
            _ => error.to_string(),
        };
        Self { detail, ..problem }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            request_id: request_id().to_string(),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, CONTENT);
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Gives an error that the framework made the shape of all others; whatever else is left as it is.
pub(crate) fn normalise(response: Response) -> Response {
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    if !failed || response.headers().get(CONTENT_TYPE) == Some(&CONTENT) {
        return response;
    }
    let mut problem = Problem::of_status(status).into_response();
    if let Some(allow) = response.headers().get(ALLOW) {
        problem.headers_mut().insert(ALLOW, allow.clone());
    }
    problem
}

/// Lets `?` turn the errors of the crates below into problems.
macro_rules! from_domain {
    ($($error:ty),* $(,)?) => {$(
        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Self::of(error.kind(), &error)
            }
        }
    )*};
}

from_domain!(agents::Error, channels::Error, db::Error, durable::Error, llm::Error);

impl From<apply::Error> for Problem {
    /// Told with its causes: which document it is about, and what is wrong with it.
    fn from(error: apply::Error) -> Self {
        let problem = Self::of(error.kind(), &error);
        match error.kind() {
            ErrorKind::Internal => problem,
            _ if from_database(&error) => problem,
            _ => Self { detail: chain(&error), ..problem },
        }
    }
}

impl From<tenancy::Error> for Problem {
    fn from(error: tenancy::Error) -> Self {
        let problem = Self::of(error.kind(), &error);
        match error {
            tenancy::Error::RateLimited { retry_after } => {
                let seconds = u32::try_from(retry_after.as_secs().max(1)).unwrap_or(u32::MAX);
                Self { retry_after_s: Some(seconds), ..problem }
            }
            _ => problem,
        }
    }
}

/// Whether an error's words are the database's, which say nothing to a client.
fn from_database(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<db::Error>() || cause.is::<sqlx::Error>())
}

fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn json(response: Response) -> serde_json::Value {
        serde_json::from_slice(&axum::body::to_bytes(response.into_body(), 4096).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn an_internal_error_keeps_its_words_to_itself() {
        let error = db::Error::Query(sqlx::Error::Protocol("password=hunter2".into()));
        let response = Problem::of(ErrorKind::Internal, &error).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!json(response).await.to_string().contains("hunter2"));
    }

    #[tokio::test]
    async fn a_problem_has_every_field_and_its_own_content_type() {
        let response = Problem::invalid("limit must be a number").into_response();
        assert_eq!(response.headers()[CONTENT_TYPE], CONTENT);
        let body = json(response).await;
        for (field, value) in [("type", "about:blank"), ("title", "Bad Request"), ("code", "invalid")] {
            assert_eq!(body[field], value);
        }
        assert_eq!(body["status"], 400);
        assert_eq!(body["detail"], "limit must be a number");
        assert!(body["request_id"].as_str().unwrap().len() >= 32);
    }

    #[test]
    fn the_framework_s_own_errors_get_the_same_shape() {
        let bare = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")]).into_response();
        let shaped = normalise(bare);
        assert_eq!(shaped.headers()[CONTENT_TYPE], CONTENT);
        assert_eq!(shaped.headers()[ALLOW], "GET");
        assert!(normalise("fine".into_response()).headers()[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain"));
    }
}
