//! The log of model calls.

use axum::extract::State;
use chrono::{DateTime, Utc};
use kernel::{AgentId, ConversationId, ModelCallId, ProjectId, VirtualKeyId};
use llm::Usd;
use llm::usage::{self, CallFilter, CallView, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{catch_up, types};
use crate::extract::{After, Id, InOrganisation, Json, List, Query, permit};
use crate::problem::Problem;
use crate::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_model_calls)).routes(routes!(read_model_call))
}

/// Which calls are meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    pub provider: Option<String>,
    pub model: Option<String>,
    /// answered, failed, refused or aborted.
    pub outcome: Option<String>,
    #[param(value_type = Option<Uuid>)]
    pub agent_id: Option<AgentId>,
    #[param(value_type = Option<Uuid>)]
    pub project_id: Option<ProjectId>,
    #[param(value_type = Option<Uuid>)]
    pub key_id: Option<VirtualKeyId>,
    #[param(value_type = Option<Uuid>)]
    pub conversation_id: Option<ConversationId>,
}

/// One call of a model, attempts and fallbacks included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelCall {
    pub id: Uuid,
    /// When it began.
    pub at: DateTime<Utc>,
    /// In which protocol it came; `internal`: the product's own.
    pub protocol: String,
    /// null: it named its model itself.
    pub model_group: Option<String>,
    /// Who answered, else who was asked last; null: nobody was asked.
    pub provider: Option<String>,
    pub model: Option<String>,
    /// answered, failed, refused or aborted.
    pub outcome: String,
    pub error: Option<String>,
    pub key_id: Option<Uuid>,
    pub project_id: Option<Uuid>,
    pub agent_id: Option<Uuid>,
    pub conversation_id: Option<Uuid>,
    /// All tokens of the prompt, the cache's included; null: the provider told none.
    pub input_tokens: Option<i64>,
    pub cache_read_tokens: Option<i64>,
    pub cache_write_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub reasoning_tokens: Option<i64>,
    /// null: not known.
    pub cost_usd: Option<f64>,
    pub duration_ms: i32,
    pub first_token_ms: Option<i32>,
    pub attempts: i32,
    pub streamed: bool,
    /// Answered out of the cache.
    pub cached: bool,
}

/// The log, newest first.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/model-calls",
    tag = "usage",
    params(Wanted, After),
    responses((status = 200, body = List<ModelCall>))
)]
async fn list_model_calls(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
    Query(wanted): Query<Wanted>,
    Query(after): Query<After>,
) -> Result<Json<List<ModelCall>>, Problem> {
    let (filter, page) = (wanted.filter()?, after.page()?);
    catch_up(&app).await;
    let mut tx = who.begin(&app).await?;
    let oldest = usage::oldest_day(&mut tx, app.usage_keep_days, app.clock.now()).await?;
    let calls = usage::list_calls(&mut tx, &filter, oldest, page).await?;
    Ok(Json(List::of(calls, ModelCall::from)))
}

/// One call of the log.
#[utoipa::path(
    get,
    path = "/api/organisations/{organisation}/model-calls/{call}",
    tag = "usage",
    responses((status = 200, body = ModelCall))
)]
async fn read_model_call(
    State(app): State<AppState>,
    who: InOrganisation<permit::ModelsRead>,
    Id(id): Id<ModelCallId>,
) -> Result<Json<ModelCall>, Problem> {
    catch_up(&app).await;
    let mut tx = who.begin(&app).await?;
    let oldest = usage::oldest_day(&mut tx, app.usage_keep_days, app.clock.now()).await?;
    Ok(Json(usage::find_call(&mut tx, id, oldest).await?.into()))
}

impl Wanted {
    fn filter(self) -> Result<CallFilter, Problem> {
        let outcome = self.outcome.map(|name| name.parse::<Outcome>()).transpose();
        Ok(CallFilter {
            since: self.since,
            until: self.until,
            provider: self.provider,
            model: self.model,
            outcome: outcome.map_err(|error| Problem::invalid(error.to_string()))?,
            agent: self.agent_id,
            project: self.project_id,
            key: self.key_id,
            conversation: self.conversation_id,
        })
    }
}

impl From<CallView> for ModelCall {
    fn from(found: CallView) -> Self {
        let some = |id: Uuid| (!id.is_nil()).then_some(id);
        let named = |name: String| (!name.is_empty()).then_some(name);
        let cached = found.cache_read.unwrap_or(0) + found.cache_write.unwrap_or(0);
        Self {
            id: found.id,
            at: found.at,
            protocol: found.protocol,
            model_group: named(found.group),
            provider: named(found.provider),
            model: named(found.model),
            outcome: found.outcome,
            error: found.error,
            key_id: some(found.key),
            project_id: some(found.project),
            agent_id: some(found.agent),
            conversation_id: some(found.conversation),
            input_tokens: found.input.map(|fresh| fresh + cached),
            cache_read_tokens: found.cache_read,
            cache_write_tokens: found.cache_write,
            output_tokens: found.output,
            reasoning_tokens: found.reasoning,
            cost_usd: found.cost.map(|nanos| types::usd(Usd::from_nanos(nanos))),
            duration_ms: found.took_ms,
            first_token_ms: found.first_token_ms,
            attempts: found.attempts,
            streamed: found.streamed,
            cached: found.cached,
        }
    }
}
