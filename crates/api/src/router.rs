use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;

use crate::problem::Problem;
use crate::state::AppState;
use crate::{
    agents, api_keys, apply, audit, auth, budgets, connections, conversations, dead_letters, gateway, health, ingress,
    invitations, layers, me, members, model_groups, openapi, operator, organisations, portal, prices, projects,
    providers, runs, tools, usage, virtual_keys,
};

/// The largest body that is taken.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Which parts of the product a node answers for. Its health it tells always.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// Where channels deliver.
    pub channels: bool,
    /// Where programs ask the pool of models.
    pub models: bool,
    /// The REST API and the portal.
    pub api: bool,
    /// `/metrics`; see [`figures`] for another place.
    pub figures: bool,
}

/// What the server answers.
pub fn router(state: AppState, answers: Answers) -> Router {
    let mut wrapped = health::routes().merge(usage::local::routes());
    if answers.figures {
        wrapped = wrapped.merge(health::figures());
    }
    if answers.channels {
        wrapped = wrapped.merge(ingress::web::routes().split_for_parts().0);
    }
    wrapped = match answers.api {
        true => wrapped.merge(api().split_for_parts().0).merge(openapi::routes()).fallback(portal::serve),
        false => wrapped.fallback(elsewhere),
    };
    // The busiest addresses stay outside of what is wrapped around the others.
    let mut all = wrapped.layer(middleware::from_fn(layers::around));
    if answers.channels {
        all = all.merge(ingress::slack::routes().split_for_parts().0);
    }
    if answers.models {
        all = all.merge(gateway::routes());
    }
    all.with_state(state)
}

/// The figures and the health alone, for an address that only the operator's programs reach.
pub fn figures(state: AppState) -> Router {
    health::routes().merge(health::figures()).with_state(state)
}

async fn elsewhere() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "no role of this node answers here").into_response()
}

/// The operations that stand in the OpenAPI document, beside Slack's.
pub(crate) fn documented() -> OpenApiRouter<AppState> {
    api().merge(ingress::web::routes())
}

fn api() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(operator::routes())
        .merge(organisations::routes())
        .merge(apply::routes())
        .merge(projects::routes())
        .merge(members::routes())
        .merge(invitations::routes())
        .merge(api_keys::routes())
        .merge(audit::routes())
        .merge(providers::routes())
        .merge(model_groups::routes())
        .merge(prices::routes())
        .merge(usage::routes())
        .merge(virtual_keys::routes())
        .merge(budgets::routes())
        .merge(tools::routes())
        .merge(agents::routes())
        .merge(connections::routes())
        .merge(conversations::routes())
        .merge(runs::routes())
        .merge(dead_letters::routes())
}
