//! Documents of an organisation, applied by its own people and programs.

pub(crate) mod types;

use apply::Document;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::extract::{Belonging, InOrganisation, Json};
use crate::layers::see_through;
use crate::problem::Problem;
use crate::state::AppState;
use types::{Applied, Apply};

const MOST: usize = 1000;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(apply_documents))
}

/// Brings the organisation to what documents say: all of them or, where one is refused, none. Each asks for the
/// permission that its kind needs. Projects that `prune` removes go afterwards, each by itself: look for `failed`. In
/// force on every node when this returns.
#[utoipa::path(
    post,
    path = "/api/organisations/{organisation}/apply",
    tag = "organisations",
    responses((status = 200, body = Applied))
)]
async fn apply_documents(
    State(app): State<AppState>,
    who: InOrganisation<Belonging>,
    Json(wanted): Json<Apply>,
) -> Result<Json<Applied>, Problem> {
    if !(1..=MOST).contains(&wanted.documents.len()) {
        return Err(Problem::invalid(format!("1 to {MOST} documents are applied at once")));
    }
    let numbered = (1..).zip(&wanted.documents);
    let documents = numbered.map(|(number, document)| apply::understand(format!("document {number}"), document));
    let documents = documents.collect::<Result<Vec<Document>, _>>()?;
    let report = see_through(async move {
        let report = app.workshop().apply_as_member(&who.access, documents, wanted.prune).await?;
        app.all_in_force().await?;
        Ok::<_, Problem>(report)
    });
    Ok(Json(report.await?.into()))
}
