//! The wiring: which programs and senders the engine is given, and what the API works with.

use std::sync::Arc;
use std::time::Duration;

use agents::Turn;
use agents::tools::Tools;
use anyhow::Context as _;
use api::{Answers, AppState, Parts};
use db::Db;
use durable::{Engine, EngineOptions, Program};
use infra::{Bus, ConfigEpoch};
use kernel::Clock;
use llm::usage::UsageLog;
use llm::{Budgets, Gateway, GatewayParts, Keys, Limiter, Pool, PoolOptions, PoolParts};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tenancy::Identity;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Role};
use crate::house::House;

/// How often ended sessions are forgotten and figures are aggregated.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// One running process.
pub(crate) struct Node {
    pub engine: Engine,
    pub usage: UsageLog,
    state: AppState,
    answers: Answers,
    /// What ends when no call is under way any more.
    last: TaskTracker,
    over: CancellationToken,
}

impl Node {
    /// Enters the engine as a node; messages are processed from here on.
    pub(crate) async fn start(config: &Config, house: &House, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let clock = house.clock.clone();
        let config_epoch = ConfigEpoch::new(db::config_epoch(&house.db).await?);
        // With a PostgreSQL of its own it is the only node there is.
        let sole = house.embedded.is_some();
        let bus = match sole {
            true => Bus::in_process(),
            false => Bus::over_postgres(house.db.clone()).await?,
        };
        let Models { usage, budgets, pool, gateway } = Models::new(house, &bus, &config_epoch, &shutdown);
        let tools = Tools::builtin(clock.clone());
        let programs: Vec<Arc<dyn Program>> =
            vec![Arc::new(Turn::new(house.db.clone(), config_epoch.clone(), pool.clone(), tools.clone()))];
        let channels = house.channels(config_epoch.clone());
        let options = EngineOptions {
            db: house.db.clone(),
            bus,
            config_epoch,
            clock: clock.clone(),
            max_running: config.engine.max_running,
            works: config.has_role(Role::Worker),
            models: config.has_role(Role::Llm),
            sole,
        };
        let engine = Engine::start(options, programs, channels.senders()).await.context("cannot start the engine")?;
        channels.attach(engine.clone());
        let identity = Identity::new(house.db.clone(), &house.sealer, clock.clone());
        let metrics = start_metrics(shutdown.clone())?;
        tokio::spawn(sweep(identity.clone(), shutdown.clone()));
        let (last, over) = (TaskTracker::new(), CancellationToken::new());
        last.spawn(budgets.tend(engine.who(), over.clone()));
        tokio::spawn(keep_usage(house.db.clone(), clock.clone(), config.usage.keep_days, shutdown.clone()));
        let state = AppState::new(Parts {
            db: house.db.clone(),
            clock,
            sealer: house.sealer.clone(),
            egress: house.egress.clone(),
            identity,
            engine: engine.clone(),
            channels,
            tools,
            usage: usage.clone(),
            usage_keep_days: config.usage.keep_days,
            gateway,
            pool,
            public_url: config.public_url.clone(),
            metrics,
            shutdown,
        });
        let answers = Answers {
            channels: config.has_role(Role::Gateway),
            models: config.has_role(Role::Llm),
            api: config.has_role(Role::Api),
            figures: config.metrics.listen.is_none(),
        };
        Ok(Self { engine, usage, state, answers, last, over })
    }

    /// Writes down what calls have cost. Nobody calls any more.
    pub(crate) async fn end(self) {
        self.over.cancel();
        self.last.close();
        self.last.wait().await;
    }

    pub(crate) fn router(&self) -> axum::Router {
        api::router(self.state.clone(), self.answers)
    }

    /// What `metrics.listen` answers.
    pub(crate) fn figures(&self) -> axum::Router {
        api::figures(self.state.clone())
    }
}

/// Everything that has to do with asking models.
struct Models {
    usage: UsageLog,
    budgets: Budgets,
    pool: Pool,
    gateway: Gateway,
}

impl Models {
    fn new(house: &House, bus: &Bus, config_epoch: &ConfigEpoch, shutdown: &CancellationToken) -> Self {
        let House { db, egress, sealer, clock, embedded } = house;
        let usage = UsageLog::start(db.clone());
        let budgets = Budgets::new(db.clone(), bus.clone(), config_epoch.clone(), clock.clone());
        let (keys, limiter) = (Keys::new(db.clone(), config_epoch.clone()), Limiter::new());
        tokio::spawn(keys.clone().note_uses(shutdown.clone()));
        if embedded.is_none() {
            tokio::spawn(limiter.clone().follow_nodes(db.clone(), shutdown.clone()));
        }
        let pool = Pool::new(PoolParts {
            db: db.clone(),
            egress: egress.clone(),
            sealer: sealer.clone(),
            config_epoch: config_epoch.clone(),
            clock: clock.clone(),
            options: PoolOptions::default(),
            usage: usage.clone(),
            budgets: budgets.clone(),
        });
        let gateway = Gateway::new(GatewayParts {
            pool: pool.clone(),
            keys,
            limiter,
            budgets: budgets.clone(),
            log: usage.clone(),
            config_epoch: config_epoch.clone(),
            egress: egress.clone(),
            clock: clock.clone(),
        });
        Self { usage, budgets, pool, gateway }
    }
}

fn start_metrics(shutdown: CancellationToken) -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder().context("cannot collect figures")?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        while shutdown.run_until_cancelled(tokio::time::sleep(UPKEEP_EVERY)).await.is_some() {
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// Forgets the model calls that are past their time.
async fn keep_usage(db: Db, clock: Clock, days: u32, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
        if let Err(error) = llm::usage::retain(&db, days, clock.now()).await {
            tracing::warn!(%error, "the log of model calls could not be cut to its length");
        }
    }
}

async fn sweep(identity: Identity, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
        if let Err(error) = identity.sweep().await {
            tracing::warn!(%error, "what has ended could not be forgotten");
        }
    }
}
