use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use kernel::{ConversationId, TenantId};

use super::transcript;
use super::view::{self, Audience};
use crate::extract::{Id, InProject, permit};
use crate::problem::Problem;
use crate::state::AppState;

/// Entries read at a time, so that a transcript of any length takes little memory.
const PAGE: i64 = 200;

/// The whole transcript, oldest first, a message a line.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/export",
    tag = "conversations",
    responses((status = 200, body = String, content_type = "application/jsonl"))
)]
pub(crate) async fn export_conversation(
    State(app): State<AppState>,
    who: InProject<permit::ConversationsRead>,
    Id(id): Id<ConversationId>,
) -> Result<Response, Problem> {
    let mut tx = who.begin(&app).await?;
    super::find(&mut tx, &who, id).await?;
    let last = transcript::read(&mut tx, id, None, 1).await?.last().map_or(0, |entry| entry.seq);
    drop(tx);
    let tenant = who.access.tenant.tenant;
    let lines = stream::try_unfold(1, move |from| {
        let app = app.clone();
        async move {
            if from > last {
                return Ok(None);
            }
            Ok::<_, axum::BoxError>(Some((page(&app, tenant, id, from).await?, from + PAGE)))
        }
    });
    let name = format!("attachment; filename=\"conversation-{id}.jsonl\"");
    let headers = [(CONTENT_TYPE, "application/jsonl".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// The lines of the entries numbered from `from` on; numbers may be missing, they are never out of order.
async fn page(app: &AppState, tenant: TenantId, id: ConversationId, from: i64) -> Result<Bytes, axum::BoxError> {
    let mut tx = app.db.tenant(tenant).await?;
    let entries = transcript::read(&mut tx, id, Some(from + PAGE), PAGE).await?;
    let mut lines = Vec::new();
    for message in entries.iter().filter(|e| e.seq >= from).flat_map(|entry| view::messages(entry, Audience::Members)) {
        serde_json::to_writer(&mut lines, &message)?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}
