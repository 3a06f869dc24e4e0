use axum::{Router, middleware};
use utoipa_axum::router::OpenApiRouter;

use crate::state::AppState;
use crate::{
    agents, api_keys, audit, auth, connections, conversations, dead_letters, health, ingress, layers, me, members,
    model_groups, openapi, operator, organisations, portal, projects, providers, runs, tools,
};

/// The largest body that is taken.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// Everything the server answers.
pub fn router(state: AppState) -> Router {
    let (documented, _) = documented().split_for_parts();
    // The busiest address stays outside of what is wrapped around the others.
    let (hot, _) = ingress::slack::routes().split_for_parts();
    documented
        .merge(openapi::routes())
        .merge(health::routes())
        .fallback(portal::serve)
        .layer(middleware::from_fn(layers::around))
        .merge(hot)
        .with_state(state)
}

/// The operations that stand in the OpenAPI document, beside Slack's.
pub(crate) fn documented() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(auth::routes())
        .merge(me::routes())
        .merge(operator::routes())
        .merge(organisations::routes())
        .merge(projects::routes())
        .merge(members::routes())
        .merge(api_keys::routes())
        .merge(audit::routes())
        .merge(providers::routes())
        .merge(model_groups::routes())
        .merge(tools::routes())
        .merge(agents::routes())
        .merge(connections::routes())
        .merge(conversations::routes())
        .merge(runs::routes())
        .merge(dead_letters::routes())
        .merge(ingress::web::routes())
}
