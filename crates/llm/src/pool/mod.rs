//! The pool: asks the models of a group until one answers.

mod attempt;
mod catalogue;
mod chat;
mod connection;
pub(crate) mod health;
mod hedge;
mod judge;
mod plan;
mod reading;
mod route;
mod sight;
mod strategy;

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use infra::{ConfigEpoch, Egress, EpochCache, Sealer};
use kernel::{Clock, TenantCtx, TenantId};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::attempt::ask;
pub(crate) use self::catalogue::{Catalogue, Group, Offer, Target, Upstream};
pub use self::connection::ConnectionTest;
pub use self::health::BreakerState;
pub(crate) use self::health::{Effect, Watch};
pub(crate) use self::hedge::hedge;
pub(crate) use self::reading::Reading;
pub(crate) use self::route::{Author, Needs, Patience, Route, Turn};
pub use self::sight::TargetHealth;
use crate::account::Account;
use crate::budgets::Budgets;
use crate::error::{ChatError, ChatErrorKind, Error};
use crate::model::{Completion, Delta};
use crate::request::ChatRequest;
use crate::spend::{Extent, Leave};
use crate::store;
use crate::usage::{OwnCall, UsageLog};

/// The most organisations whose providers are kept in memory.
const CATALOGUES: usize = 4096;

/// How long to wait, and how often to try.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// From asking to the first event of the answer.
    pub first_token: Duration,
    /// Between two events of an answer.
    pub between_tokens: Duration,
    /// The most calls to one model for one answer.
    pub attempts: u32,
    /// The pause after the first failure lasts up to this long; the next up to twice as long, and so on.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// The most calls under way to one provider with one key.
    pub max_in_flight: u32,
}

impl Default for PoolOptions {
    /// Failures that come at once are spread over two seconds or so; three hanging attempts end within some 46, so that
    /// whoever asked can be told within a minute.
    fn default() -> Self {
        Self {
            first_token: Duration::from_secs(15),
            between_tokens: Duration::from_secs(15),
            attempts: 3,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(4),
            max_in_flight: health::CEILING,
        }
    }
}

/// What the pool works with.
pub struct PoolParts {
    pub db: Db,
    pub egress: Egress,
    pub sealer: Sealer,
    pub config_epoch: ConfigEpoch,
    pub clock: Clock,
    pub options: PoolOptions,
    pub usage: UsageLog,
    pub budgets: Budgets,
}

/// All models of all organisations. Cheap to clone.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    sealer: Sealer,
    catalogues: EpochCache<TenantId, Arc<Catalogue>>,
    watch: Watch,
    caller: Caller,
    usage: UsageLog,
    budgets: Budgets,
}

/// What asking takes, once it is known whom.
pub(crate) struct Caller {
    pub(crate) egress: Egress,
    pub(crate) clock: Clock,
    pub(crate) options: PoolOptions,
}

impl Pool {
    pub fn new(parts: PoolParts) -> Self {
        let PoolParts { db, egress, sealer, config_epoch, clock, options, usage, budgets } = parts;
        let catalogues = EpochCache::new(config_epoch, CATALOGUES);
        let (watch, caller) = (Watch::new(options.max_in_flight), Caller { egress, clock, options });
        Self { shared: Arc::new(Shared { db, sealer, catalogues, watch, caller, usage, budgets }) }
    }

    /// Asks, for `account`, the models of `group`, in order, then those of its fallbacks, until one answers or `deadline` has passed.
    ///
    /// `on_text` is given the text as it comes. After a [`Delta::Restart`] what it was given before is void.
    pub async fn chat(
        &self,
        account: Account,
        group: &str,
        request: &ChatRequest,
        deadline: Duration,
        on_text: &mut (dyn FnMut(Delta<'_>) + Send),
    ) -> Result<Completion, ChatError> {
        let Shared { usage, caller, .. } = &*self.shared;
        let mut call = OwnCall::begin(usage, caller.clock.now(), account, group);
        let result = Box::pin(async {
            let (route, limited) = self.covered(&account, group, request, Instant::now() + deadline, &mut call).await?;
            let mut show = |delta: Delta<'_>| {
                call.shows(delta);
                on_text(delta);
            };
            caller.ask(route, limited.as_ref().unwrap_or(request), &mut show).await
        });
        let result = result.await;
        call.ended(&result);
        result
    }

    /// The way of a call that its budgets have room for, and the request with the limit that they afford, where it set none
    /// and would not fit otherwise.
    async fn covered(
        &self,
        account: &Account,
        group: &str,
        request: &ChatRequest,
        until: Instant,
        call: &mut OwnCall<'_>,
    ) -> Result<(Route, Option<ChatRequest>), ChatError> {
        let (needs, extent, mut group) = (Needs::from(request), Extent::from(request), group.to_owned());
        for _ in 0..2 {
            let route = self.route(account, &group, needs, until).await?;
            match extent.reserve(&self.shared.budgets, account, route.targets()).await? {
                Leave::Granted { reservation, max_output_tokens } => {
                    call.reserved(reservation);
                    let limited = max_output_tokens.map(|tokens| ChatRequest {
                        max_output_tokens: Some(u32::try_from(tokens).unwrap_or(u32::MAX)),
                        ..request.clone()
                    });
                    return Ok((route, limited));
                }
                Leave::Instead(cheaper) => group = cheaper,
            }
        }
        Err(ChatError::new(ChatErrorKind::Budget, "the budget is used up, for its fallback too"))
    }

    /// The way of a call for `account` to whatever `name` stands for, all of it within `until`.
    pub(crate) async fn route(
        &self,
        account: &Account,
        name: &str,
        needs: Needs,
        until: Instant,
    ) -> Result<Route, ChatError> {
        let catalogue = match timeout_at(until, self.catalogue(TenantCtx::new(account.tenant))).await {
            Ok(Ok(catalogue)) => catalogue,
            Ok(Err(error)) => {
                tracing::error!(tenant = %account.tenant, error = ?error, "cannot read the model providers");
                let message = "the configuration of the models could not be read";
                return Err(ChatError::new(ChatErrorKind::Internal, message));
            }
            Err(_) => return Err(ChatError::new(ChatErrorKind::Deadline, "no time was left to ask a model")),
        };
        let resolved = catalogue.resolve(name, needs);
        if resolved.stages.is_empty() {
            return Err(ChatError::unconfigured(name, resolved.known, &resolved.skipped));
        }
        let author = if account.key.is_some() { Author::Caller } else { Author::Us };
        Ok(Route::new(resolved, needs, author, until, &self.shared.caller.options))
    }

    /// Whether `name` stands for anything that a call for `account` could be made to.
    pub(crate) async fn knows(&self, account: &Account, name: &str) -> Result<bool, Error> {
        Ok(self.catalogue(TenantCtx::new(account.tenant)).await?.resolve(name, Needs::default()).known)
    }

    /// Everything that a call for `account` may name.
    pub(crate) async fn offers(&self, account: &Account) -> Result<Vec<Offer>, Error> {
        Ok(self.catalogue(TenantCtx::new(account.tenant)).await?.offers())
    }

    async fn catalogue(&self, tenant: TenantCtx) -> Result<Arc<Catalogue>, Error> {
        let Shared { db, sealer, watch, .. } = &*self.shared;
        let load = || store::load_catalogue(db, sealer, watch, tenant);
        self.shared.catalogues.get_or_load(tenant.tenant, load).await
    }
}

#[cfg(test)]
mod tests;
