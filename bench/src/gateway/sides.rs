//! Who is compared: the mock itself, Konstruct, and its peers.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::caller::{Door, Question, try_once};
use super::measure::Series;
use super::mock::Mock;
use super::peers::{self, Peer};
use crate::pinned;
use crate::process::Memory;
use crate::product::Product;

pub(crate) const KEY: &str = "sk-konstruct-of-the-benchmark-0001";
/// As many bytes as the mock counts tokens.
pub(crate) const WORDS: &str = "hello world";

pub(crate) enum System {
    Direct,
    Konstruct(Box<Product>),
    Peer(Peer),
}

/// One of those compared, and what was measured of it.
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) system: System,
    pub(crate) door: Door,
    pub(crate) whole: Question,
    pub(crate) burst: Question,
    pub(crate) paced: Question,
    pub(crate) before: Memory,
    pub(crate) rounds: Vec<Round>,
    /// Why its streams are not measured.
    pub(crate) no_streams: Option<String>,
}

/// A series and what it cost.
pub(crate) struct Phase {
    pub(crate) series: Series,
    /// Milliseconds of CPU in all: the gateway's, and its PostgreSQL's.
    pub(crate) cpu: Cpu,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Cpu {
    pub(crate) gateway: f64,
    pub(crate) postgres: f64,
}

/// One round of one side.
pub(crate) struct Round {
    pub(crate) one: Phase,
    pub(crate) sixteen: Phase,
    pub(crate) open: Phase,
    pub(crate) streams: Option<Streams>,
}

pub(crate) struct Streams {
    pub(crate) burst: Phase,
    pub(crate) paced: Phase,
}

impl Side {
    pub(crate) async fn direct(mock: &Mock) -> Result<Self> {
        let door = Door {
            port: mock.port,
            path: "/v1/chat/completions".to_owned(),
            headers: Vec::new(),
            model: "mock-1".to_owned(),
        };
        Self::new("direct", System::Direct, door).await
    }

    /// With a key, its limits, its budget, prices and the usage log.
    pub(crate) async fn konstruct(binary: &Path, mock: &Mock) -> Result<Self> {
        let product = Product::start_on(Some(pinned::MEASURED), binary, None).await?;
        product.apply(&installation(mock))?;
        let door = konstruct_door(product.port);
        Self::new("konstruct", System::Konstruct(Box::new(product)), door).await
    }

    pub(crate) async fn tensorzero(mock: &Mock) -> Result<Self> {
        let (peer, door) = peers::tensorzero(&mock.url()).await?;
        Self::new("tensorzero", System::Peer(peer), door).await
    }

    pub(crate) async fn portkey(mock: &Mock) -> Result<Self> {
        let (peer, door) = peers::portkey(&mock.url()).await?;
        Self::new("portkey", System::Peer(peer), door).await
    }

    pub(crate) async fn litellm(mock: &Mock) -> Result<Self> {
        let (peer, door) = peers::litellm(&mock.url()).await?;
        Self::new("litellm", System::Peer(peer), door).await
    }

    async fn new(name: &'static str, system: System, door: Door) -> Result<Self> {
        let whole = door.question(WORDS, false)?;
        let burst = door.question(WORDS, true)?;
        let paced = door.question("[paced]", true)?;
        try_once(door.port, &whole).await.context("it does not answer")?;
        let streams = try_once(door.port, &burst).await;
        let no_streams = streams.err().map(|error| format!("{error:#}"));
        let mut side =
            Self { name, system, door, whole, burst, paced, before: Memory::default(), rounds: Vec::new(), no_streams };
        side.before = side.memory()?;
        Ok(side)
    }

    /// Milliseconds of CPU so far. The mock's own are not counted: it works for every side alike.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Ok(match &self.system {
            System::Direct => Cpu::default(),
            System::Konstruct(product) => {
                let (gateway, postgres) = product.cpu_ms()?;
                Cpu { gateway, postgres }
            }
            System::Peer(peer) => Cpu { gateway: peer.cpu_ms(), postgres: 0.0 },
        })
    }

    /// The gateway's, without its PostgreSQL.
    pub(crate) fn memory(&self) -> Result<Memory> {
        Ok(match &self.system {
            System::Direct => Memory::default(),
            System::Konstruct(product) => product.memory()?.0,
            System::Peer(peer) => peer.memory(),
        })
    }
}

pub(crate) fn konstruct_door(port: u16) -> Door {
    Door {
        port,
        path: "/llm/v1/chat/completions".to_owned(),
        headers: vec![("authorization", format!("Bearer {KEY}"))],
        model: "quality".to_owned(),
    }
}

/// Everything on, with bounds that are never reached.
pub(crate) fn installation(mock: &Mock) -> String {
    let provider = |name: &str| {
        format!(
            "---
kind: Provider
organisation: acme
name: {name}
wire: openai-chat
base_url: {}
api_key: sk-of-the-benchmark
---
kind: ModelGroup
organisation: acme
name: {}
models: [{{provider: {name}, model: mock-1}}]
---
kind: Price
organisation: acme
provider: {name}
model: mock-1
input_per_million: 0.15
output_per_million: 0.60
",
            mock.url(),
            if name == "mock" { "quality" } else { name },
        )
    };
    format!(
        "kind: Organisation
name: acme
{}{}---
kind: VirtualKey
organisation: acme
name: bench
key: {KEY}
model_groups: [quality, faulty]
limits: {{requests_per_minute: 1000000000, tokens_per_minute: 1000000000000}}
budget: {{usd: 1000000, period: day}}
",
        provider("mock"),
        provider("faulty"),
    )
}
