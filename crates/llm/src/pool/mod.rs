//! The pool: asks the models of a group until one answers.

mod attempt;
mod catalogue;
mod chat;
mod judge;
mod plan;
mod reading;
mod route;

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use infra::{ConfigEpoch, Egress, EpochCache, Sealer};
use kernel::{Clock, TenantCtx, TenantId};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::attempt::ask;
pub(crate) use self::catalogue::{Catalogue, Group, Offer, Target, Upstream};
use self::plan::Rules;
pub(crate) use self::reading::Reading;
pub(crate) use self::route::{Failure, Needs, Patience, Route, Turn};
use crate::account::Account;
use crate::error::{ChatError, ChatErrorKind, Error};
use crate::model::{Completion, Delta};
use crate::request::ChatRequest;
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
    /// The pause after the first failure lasts between half of this and all of it; the next up to twice as long, and so on.
    pub first_pause: Duration,
    pub longest_pause: Duration,
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
        }
    }
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
    caller: Caller,
    usage: UsageLog,
}

/// What asking takes, once it is known whom.
pub(crate) struct Caller {
    pub(crate) egress: Egress,
    pub(crate) clock: Clock,
    pub(crate) options: PoolOptions,
}

impl Pool {
    pub fn new(
        db: Db,
        egress: Egress,
        sealer: Sealer,
        config_epoch: ConfigEpoch,
        clock: Clock,
        options: PoolOptions,
        usage: UsageLog,
    ) -> Self {
        let catalogues = EpochCache::new(config_epoch, CATALOGUES);
        let caller = Caller { egress, clock, options };
        Self { shared: Arc::new(Shared { db, sealer, catalogues, caller, usage }) }
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
        let mut show = |delta: Delta<'_>| {
            call.shows(delta);
            on_text(delta);
        };
        let result = Box::pin(async {
            let route = self.route(&account, group, Needs::from(request), Instant::now() + deadline).await?;
            caller.ask(route, request, &mut show).await
        });
        let result = result.await;
        call.ended(&result);
        result
    }

    /// The way of a call for `account` to whatever `name` stands for, all of it within `until`.
    pub(crate) async fn route(
        &self,
        account: &Account,
        name: &str,
        _needs: Needs,
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
        let resolved = catalogue.resolve(name);
        if resolved.targets.is_empty() {
            return Err(ChatError::unconfigured(name, resolved.known, &resolved.skipped));
        }
        Ok(Route::new(resolved.targets, until, self.shared.caller.options))
    }

    /// Everything that a call for `account` may name.
    pub(crate) async fn offers(&self, account: &Account) -> Result<Vec<Offer>, Error> {
        Ok(self.catalogue(TenantCtx::new(account.tenant)).await?.offers())
    }

    async fn catalogue(&self, tenant: TenantCtx) -> Result<Arc<Catalogue>, Error> {
        let load = || store::load_catalogue(&self.shared.db, &self.shared.sealer, tenant);
        self.shared.catalogues.get_or_load(tenant.tenant, load).await
    }
}

impl PoolOptions {
    fn rules(&self) -> Rules {
        Rules { attempts: self.attempts.max(1), first_pause: self.first_pause, longest_pause: self.longest_pause }
    }
}

#[cfg(test)]
mod tests;
