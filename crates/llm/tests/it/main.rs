//! Providers, model groups and the pool on a real PostgreSQL, with fake model servers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod budgets;
mod chat;
mod keys;
mod store;

use std::time::Duration;

use db::{Db, TenantTx};
use infra::{Bus, ConfigEpoch, Egress, EgressOptions, Sealer};
use kernel::{Clock, Secret, TenantId};
use llm::prices::Rate;
use llm::store::{GroupSpec, KeyChange, PriceSpec, ProviderSpec};
use llm::usage::UsageLog;
use llm::{
    Account, Budgets, ChatError, ChatMessage, ChatRequest, Completion, Member, ModelRef, Pool, PoolOptions, PoolParts,
    Wire,
};
use tenancy::Actor;
use testkit::TestDb;

/// A database with a pool of models on it.
pub(crate) struct House {
    pub(crate) db: Db,
    pub(crate) sealer: Sealer,
    pub(crate) epoch: ConfigEpoch,
    pub(crate) pool: Pool,
    pub(crate) usage: UsageLog,
    pub(crate) database: TestDb,
}

impl House {
    pub(crate) async fn new() -> Self {
        let database = TestDb::new().await;
        let db = database.connect().await;
        let dir = tempfile::tempdir().unwrap();
        let sealer = Sealer::load_or_create(&dir.path().join("master.key")).unwrap();
        let (egress, epoch) = (Egress::new(EgressOptions::default()).unwrap(), ConfigEpoch::default());
        let options = PoolOptions { first_pause: Duration::from_millis(5), ..PoolOptions::default() };
        let usage = UsageLog::start(db.clone());
        let budgets = Budgets::new(db.clone(), Bus::in_process(), epoch.clone(), Clock::system());
        let pool = Pool::new(PoolParts {
            db: db.clone(),
            egress,
            sealer: sealer.clone(),
            config_epoch: epoch.clone(),
            clock: Clock::system(),
            options,
            usage: usage.clone(),
            budgets,
        });
        Self { db, sealer, epoch, pool, usage, database }
    }

    pub(crate) async fn organisation(&self, name: &str) -> TenantId {
        let mut tx = self.db.system("test").await.unwrap();
        let made = tenancy::organisations::create(&mut tx, &Actor::System, name, name).await.unwrap();
        tx.commit().await.unwrap();
        made.id
    }

    pub(crate) async fn tx(&self, tenant: TenantId) -> TenantTx {
        self.db.tenant(tenant).await.unwrap()
    }

    /// Commits, and does what the engine does when it hears of a new configuration.
    pub(crate) async fn commit(&self, tx: TenantTx, epoch: Option<i64>) {
        tx.commit().await.unwrap();
        self.epoch.raise(epoch.unwrap_or_default());
    }

    pub(crate) async fn ask(&self, tenant: TenantId, group: &str) -> Result<Completion, ChatError> {
        let request = ChatRequest { messages: vec![ChatMessage::user("What is Konstruct?")], ..ChatRequest::default() };
        self.pool.chat(Account::of(tenant), group, &request, Duration::from_secs(30), &mut |_| {}).await
    }
}

pub(crate) fn provider(name: &str, base_url: &str, key: Option<&str>) -> ProviderSpec {
    ProviderSpec {
        name: name.into(),
        wire: Wire::OpenaiChat,
        base_url: base_url.into(),
        private_allowed: true,
        api_key: key.map_or(KeyChange::Keep, |key| KeyChange::Set(Secret::from(key))),
    }
}

pub(crate) fn group(name: &str, providers: &[&str], fallbacks: &[&str]) -> GroupSpec {
    let model = |name: &&str| Member::new(ModelRef { provider: (*name).into(), model: "m".into() });
    GroupSpec {
        name: name.into(),
        models: providers.iter().map(model).collect(),
        fallbacks: fallbacks.iter().map(|name| (*name).into()).collect(),
        ..GroupSpec::default()
    }
}

/// USD per million tokens of the model `m`.
pub(crate) fn price(provider: &str, input: u32, output: u32) -> PriceSpec {
    let rate = |usd: u32| Rate::per_million(usd.into()).unwrap();
    PriceSpec {
        provider: provider.into(),
        model: "m".into(),
        input_per_million: rate(input),
        output_per_million: rate(output),
        cache_read_per_million: None,
        cache_write_per_million: None,
        max_output_tokens: None,
        context_tokens: None,
    }
}
