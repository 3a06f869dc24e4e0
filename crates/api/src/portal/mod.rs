//! The portal: the single-page app that the build put into the binary.
//!
//! Invariant: what carries a hash in its name never changes and is cached for ever; the page itself is never cached.

use std::borrow::Cow;

use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

/// Addresses that programs call: what is unknown there is a problem, not a page.
const PROGRAMS: [&str; 8] = ["api", "channels", "hooks", "integrations", "llm", "mcp", "graphql", "metrics"];

const NOT_BUILT: &str = "<!doctype html><meta charset=\"utf-8\"><title>Konstruct</title>\
    <h1>The portal is not built</h1><p>This binary was compiled without it. \
    <code>cargo xtask run</code> builds both; the API is at <a href=\"/api/openapi.json\">/api</a>.</p>";

#[derive(RustEmbed)]
#[folder = "../../portal/dist"]
struct Dist;

/// Answers whatever no route answers.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if PROGRAMS.contains(&path.split('/').next().unwrap_or_default()) {
        return Problem::not_found().into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::of_status(StatusCode::METHOD_NOT_ALLOWED).into_response();
    }
    if let Some(found) = Dist::get(path).filter(|_| path != "index.html") {
        return file(found, path.starts_with("assets/"), request.headers());
    }
    if path.starts_with("assets/") {
        return Problem::not_found().into_response();
    }
    match Dist::get("index.html") {
        Some(page) => file(page, false, request.headers()),
        None => (StatusCode::OK, [(CONTENT_TYPE, "text/html; charset=utf-8")], NOT_BUILT).into_response(),
    }
}

fn file(found: EmbeddedFile, hashed: bool, asked: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", &hex(&found.metadata.sha256_hash()[..16]));
    let caching = if hashed { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if asked.get(IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == etag.as_bytes()) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match found.data {
            Cow::Borrowed(bytes) => bytes.into_response(),
            Cow::Owned(bytes) => bytes.into_response(),
        }
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    for (name, value) in [(CONTENT_TYPE, content_type(found.metadata.mimetype())), (ETAG, etag)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    response
}

fn content_type(mime: &str) -> String {
    let text = mime.starts_with("text/") || mime.ends_with("javascript") || mime.ends_with("json");
    if text { format!("{mime}; charset=utf-8") } else { mime.to_owned() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
