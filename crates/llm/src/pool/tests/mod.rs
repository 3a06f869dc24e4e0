//! The pool without its database: calls to fake servers, and routes with made-up outcomes.

mod calls;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use infra::{Egress, EgressOptions, Reach};
use kernel::{Clock, ProviderId};
use testkit::models::FakeModels;
use tokio::time::Instant;

use super::catalogue::{Resolved, Stage};
use super::{Author, Caller, Needs, PoolOptions, Route, Target, Upstream};
use crate::group::Routing;
use crate::model::Wire;
use crate::prices::{Place, PriceBook};

const KEY: &str = "sk-test-0123456789";
/// A deadline that nothing runs into.
const PATIENT: Duration = Duration::from_secs(50);

fn caller() -> Caller {
    Caller { egress: Egress::new(EgressOptions::default()).unwrap(), clock: Clock::system(), options: options() }
}

fn options() -> PoolOptions {
    PoolOptions {
        first_token: Duration::from_secs(1),
        between_tokens: Duration::from_secs(1),
        first_pause: Duration::from_millis(5),
        longest_pause: Duration::from_millis(20),
        ..PoolOptions::default()
    }
}

fn target(fake: &FakeModels, wire: Wire) -> Target {
    let base = match wire {
        Wire::OpenaiChat => fake.openai_url(),
        Wire::OpenaiResponses => fake.responses_url(),
        Wire::Gemini => fake.gemini_url(),
        Wire::Anthropic => fake.anthropic_url(),
        Wire::Ollama | Wire::Builtin => fake.ollama_url(),
    };
    let upstream = Upstream {
        id: ProviderId::new(),
        name: wire.to_string(),
        wire,
        base: base.parse().ok(),
        reach: Reach::Private,
        key: Some(KEY.into()),
        gate: Arc::default(),
    };
    let price = PriceBook::default().of("p", wire, Place::Home, "m").cloned();
    Target { upstream: Arc::new(upstream), model: "m".into(), price }
}

fn route(caller: &Caller, targets: &[Target], deadline: Duration) -> Route {
    route_by(Routing::default(), Author::Us, &caller.options, targets, deadline)
}

fn route_by(routing: Routing, author: Author, options: &PoolOptions, targets: &[Target], deadline: Duration) -> Route {
    let targets = targets.iter().map(|target| (target.clone(), 1)).collect();
    let stages = vec![Stage { routing: Arc::new(routing), targets }];
    let resolved = Resolved { stages, known: true, ..Resolved::default() };
    Route::new(resolved, Needs::default(), author, Instant::now() + deadline, options)
}
