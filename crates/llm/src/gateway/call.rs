//! One call of a client, from its bytes to the first bytes of an answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response};
use kernel::ModelCallId;
use tokio::time::{Instant, timeout_at};

use super::envelope::Envelope;
use super::flow::{Flow, Source};
use super::keep::{Keeper, Place};
use super::meter::{Meter, Start};
use super::openai_embeddings::{self, AskedVectors};
use super::protocol::{Asked, Reply};
use super::refusal::{Refusal, RefusalKind};
use super::relay::{self, Relay};
use super::served::{self, Served};
use super::translate::Translation;
use super::{GatewayParts, Surface};
use crate::budgets::BudgetRefused;
use crate::cache::{AnswerCache, CacheKey, Kept};
use crate::draft::Answer;
use crate::embed::Vectors;
use crate::error::{ChatError, ChatErrorKind};
use crate::fault::Fault;
use crate::keys::Grant;
use crate::limits::RateRefused;
use crate::model::TokenUsage;
use crate::pool::{Needs, Patience, Reading, Route, Target, Turn, ask, hedge};
use crate::providers::{Call as UpstreamCall, Door, Endpoint, Post, adapter, ranking, vectors};
use crate::spend::{Extent, Leave, SpendRefused};

/// How long a whole call may take where its group says nothing else: the vendors' SDKs wait as long.
const LONGEST: Duration = Duration::from_secs(600);
/// What clients say to a vendor in headers and a provider of the same protocol is told.
const PASSED: [HeaderName; 3] = [
    HeaderName::from_static("anthropic-beta"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("openai-beta"),
];

pub(super) struct Call<'a> {
    pub(super) parts: &'a GatewayParts,
    pub(super) cache: &'a AnswerCache,
    pub(super) surface: Surface,
    pub(super) grant: Arc<Grant>,
    pub(super) headers: &'a HeaderMap,
    pub(super) id: ModelCallId,
}

/// A request that a provider is asked in other words.
enum Understood {
    Text(Box<Asked>),
    Vectors(AskedVectors),
    Ranking,
}

/// A request in no protocol's words, or why it has none.
type Words = Result<Understood, Refusal>;

/// Where a call's answer comes from.
enum Way {
    Kept(Arc<Kept>),
    /// From a model; where it may be kept afterwards.
    Ask(Box<Route>, Option<Place>),
}

/// What a provider's answer is when the client can be told that there is one.
enum Begun {
    /// With the answer it was written from, where its provider gave it in another protocol.
    Whole(Bytes, Option<TokenUsage>, Option<Box<Answer>>),
    Stream(Source, Bytes),
}

impl Call<'_> {
    pub(super) async fn answer(self, body: Bytes) -> Result<Response<Served>, Refusal> {
        let mut envelope = Envelope::open(body, self.surface.limits())?;
        let mut meter = self.meter(&envelope);
        let way = match self.prepare(&mut envelope, &mut meter).await {
            Ok(way) => way,
            Err(refusal) => {
                meter.failed(&refusal);
                return Err(refusal);
            }
        };
        let (route, place) = match way {
            Way::Kept(kept) => return self.repeat(&kept, &envelope, meter),
            Way::Ask(route, place) => (route, place),
        };
        match self.run(*route, &envelope, &mut meter).await {
            Ok((turn, Begun::Whole(body, usage, answer))) => {
                let model = turn.target().name();
                match (place, answer) {
                    (Some(place), Some(answer)) => place.keep(&answer, model.clone()),
                    (Some(place), None) => {
                        self.keeper(place, &envelope, turn.target()).into_iter().for_each(|keeper| keeper.whole(&body));
                    }
                    (None, _) => {}
                }
                turn.answered();
                meter.comes(body.len() as u64, None);
                meter.answered(usage);
                Ok(served::whole(body, &model))
            }
            Ok((turn, Begun::Stream(source, first))) => {
                let model = turn.target().name();
                let keeper = place.and_then(|place| self.keeper(place, &envelope, turn.target()));
                let (protocol, turn, first) = (self.surface.protocol(), Some(turn), Some(first));
                Ok(served::stream(Flow { protocol, source, meter, turn, keeper, first, over: false }, &model))
            }
            Err(refusal) => {
                meter.failed(&refusal);
                Err(refusal)
            }
        }
    }

    /// Lets the call through: its key, its limits, its budgets; finds the way to an answer.
    async fn prepare(&self, envelope: &mut Envelope, meter: &mut Meter) -> Result<Way, Refusal> {
        if !self.grant.may_ask(&envelope.model) {
            return Err(self.not_allowed(&envelope.model).await);
        }
        let tokens = envelope.input_estimate().saturating_add(envelope.max_output_tokens.unwrap_or(0));
        meter.admitted(self.parts.limiter.admit(&self.grant, tokens)?);
        // Read before the route: an answer is never kept for a newer configuration than it was given under.
        let epoch = self.parts.config_epoch.current();
        let mut route = self.route(&envelope.model, envelope).await?;
        let mut place = self.place(&route, envelope, epoch);
        if let Some(kept) = place.as_ref().and_then(|place| self.cache.get(&place.key)) {
            return Ok(Way::Kept(kept));
        }
        if let Some(cheaper) = self.reserve(&route, envelope, meter).await? {
            place = None;
            route = self.route(&cheaper, envelope).await?;
            if self.reserve(&route, envelope, meter).await?.is_some() {
                return Err(Refusal::new(RefusalKind::Budget, "the budget is used up, for its fallback too"));
            }
        }
        // An answer cut to what a budget affords is not for others.
        Ok(Way::Ask(Box::new(route), place.filter(|_| envelope.afforded.is_none())))
    }

    fn place(&self, route: &Route, envelope: &Envelope, epoch: i64) -> Option<Place> {
        let time = route.keeps().filter(|_| self.surface.writes() && envelope.answers == 1)?;
        let key = CacheKey::of(self.grant.account.tenant, epoch, self.surface.spoken().as_str(), envelope.body())?;
        Some(Place { cache: self.cache.clone(), key, time })
    }

    /// What understands the answer that `target` gives in the client's own protocol, to keep it.
    fn keeper(&self, place: Place, envelope: &Envelope, target: &Target) -> Option<Keeper> {
        let asked = self.accept(envelope).ok()?;
        let reader = match adapter(target.upstream.wire).call(&endpoint(target).ok()?, &asked.request).ok()? {
            UpstreamCall::Http(call) => Some(call.reader),
            UpstreamCall::Here(_) => None,
        };
        Some(Keeper { place, model: target.name(), reader })
    }

    /// Gives an answer that was given before.
    fn repeat(&self, kept: &Kept, envelope: &Envelope, mut meter: Meter) -> Result<Response<Served>, Refusal> {
        let asked = self.accept(envelope)?;
        let (protocol, reply) = (self.surface.protocol(), self.reply(&asked, envelope, &kept.model.model));
        meter.kept(&kept.model);
        if !envelope.stream {
            meter.answered(None);
            return Ok(served::kept(served::whole(protocol.whole(&reply, &kept.answer).into(), &kept.model)));
        }
        let source = Source::Translation(Box::new(Translation::of(kept.answer.clone(), protocol.writer(reply))));
        let flow = Flow { protocol, source, meter, turn: None, keeper: None, first: None, over: false };
        Ok(served::kept(served::stream(flow, &kept.model)))
    }

    /// Asks along the route until an answer has begun.
    async fn run(&self, mut route: Route, envelope: &Envelope, meter: &mut Meter) -> Result<(Turn, Begun), Refusal> {
        let mut asked: Option<Words> = None;
        while let Some(turn) = route.next().await {
            meter.asks(turn.target());
            if asked.is_none() && !self.surface.passes(turn.target().upstream.wire) {
                asked = Some(self.understand(envelope));
            }
            let (turn, begun) = match turn.hedge_after().filter(|_| self.may_hedge(meter)) {
                Some(patience) => self.hedged(&route, turn, patience, asked.as_ref(), envelope, meter).await,
                None => {
                    let begun = self.put(asked.as_ref(), envelope, &turn).await;
                    (turn, begun)
                }
            };
            match begun {
                Ok(begun) => {
                    turn.began();
                    meter.begins();
                    return Ok((turn, begun));
                }
                Err(fault) => {
                    if fault.may_cost() {
                        meter.may_have_spent();
                    }
                    route.failed(turn, fault);
                }
            }
        }
        let untold = asked.and_then(Result::err);
        Err(match (route.last_word(), untold) {
            // It says which field it is about.
            (Some((Fault::Unfit(_), _)), Some(refusal)) => refusal,
            (Some((fault, target)), _) => Refusal::from_fault(fault, target),
            (None, _) => Refusal::new(RefusalKind::Timeout, "no time was left to ask a model"),
        })
    }

    /// Puts the question to the turn's target, in the client's words where it understands them.
    async fn put(&self, asked: Option<&Words>, envelope: &Envelope, turn: &Turn) -> Result<Begun, Fault> {
        if self.surface.passes(turn.target().upstream.wire) {
            return self.pass(envelope, turn).await;
        }
        match asked {
            Some(Ok(Understood::Text(asked))) => self.translate(asked, envelope, turn).await,
            Some(Ok(Understood::Vectors(asked))) => self.vectors(asked, envelope, turn).await,
            Some(Ok(Understood::Ranking)) => Err(no_ranking(turn.target())),
            // Somebody who is asked in the client's words may well take it.
            Some(Err(_)) | None => Err(Fault::Unfit("the request has no words in its protocol")),
        }
    }

    /// Vectors and rankings may be asked for twice, unless a budget has room for one answer only.
    fn may_hedge(&self, meter: &Meter) -> bool {
        !self.surface.writes() && !meter.holds_reservation()
    }

    /// Asks the turn's target, and the same model elsewhere once that takes longer than `patience`. Whose answer it is
    /// comes with it.
    async fn hedged(
        &self,
        route: &Route,
        turn: Turn,
        patience: Duration,
        asked: Option<&Words>,
        envelope: &Envelope,
        meter: &mut Meter,
    ) -> (Turn, Result<Begun, Fault>) {
        let first = async { self.put(asked, envelope, &turn).await.map(|begun| (None, begun)) };
        let second = async || {
            let second = route.beside(&turn).await?;
            if asked.is_none() && !self.surface.passes(second.target().upstream.wire) {
                return None;
            }
            meter.asks_beside(second.target());
            Some(async move {
                match self.put(asked, envelope, &second).await {
                    Ok(begun) => Ok((Some(second), begun)),
                    Err(fault) => {
                        second.broke_off(&fault);
                        Err(fault)
                    }
                }
            })
        };
        match hedge(first, patience, second).await {
            Ok((Some(second), begun)) => {
                meter.answered_beside();
                (second, Ok(begun))
            }
            Ok((None, begun)) => (turn, Ok(begun)),
            Err(fault) => (turn, Err(fault)),
        }
    }

    async fn route(&self, name: &str, envelope: &Envelope) -> Result<Route, Refusal> {
        let needs = Needs {
            input_tokens: envelope.input_estimate(),
            max_output_tokens: envelope.max_output_tokens,
            tools: envelope.tools,
        };
        let until = Instant::now() + LONGEST;
        self.parts.pool.route(&self.grant.account, name, needs, until).await.map_err(Refusal::from)
    }

    /// Reserves what the call may cost; the group to ask instead, where a budget has no room and names one.
    async fn reserve(
        &self,
        route: &Route,
        envelope: &mut Envelope,
        meter: &mut Meter,
    ) -> Result<Option<String>, Refusal> {
        let extent = Extent {
            input_tokens: envelope.input_bound,
            max_output_tokens: if self.surface.writes() { envelope.max_output_tokens } else { Some(0) },
            answers: envelope.answers,
            refers: envelope.refers,
        };
        match extent.reserve(&self.parts.budgets, &self.grant.account, route.targets()).await? {
            Leave::Instead(group) => Ok(Some(group)),
            Leave::Granted { reservation, max_output_tokens } => {
                if envelope.background && reservation.is_some() {
                    let message = "a budget has to be kept, and nobody learns what an answer in the background costs";
                    return Err(Refusal::invalid("background", message));
                }
                envelope.afforded = max_output_tokens;
                meter.reserved(reservation);
                Ok(None)
            }
        }
    }

    /// Asks a provider that speaks the client's protocol.
    async fn pass(&self, envelope: &Envelope, turn: &Turn) -> Result<Begun, Fault> {
        let (wire, to) = (turn.target().upstream.wire, endpoint(turn.target())?);
        let Door { url, mut headers } = match self.surface {
            Surface::Embeddings => vectors::door(wire, &to)?,
            Surface::Rerank => ranking::door(wire, &to)?,
            _ => adapter(wire).door(&to)?,
        };
        for name in PASSED {
            if let Some(value) = self.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        let body =
            envelope.patched(&turn.target().model, self.surface.asks_for_usage(), self.limit_name(turn.target()));
        let body = self.surface.protocol().without_foreign(body);
        let streams = envelope.stream && self.surface.writes();
        let patience = if streams { turn.patience() } else { turn.patience().of_whole() };
        let response = ask(&self.parts.egress, &self.parts.clock, turn, patience, Door { url, headers }, body).await?;
        if !streams {
            let count = |body: &[u8]| match self.surface {
                Surface::Rerank => ranking::count(body),
                _ => {
                    let mut usage = None;
                    adapter(wire).count(body, &mut usage);
                    usage
                }
            };
            let (body, usage) = relay::whole(response, count, patience).await?;
            return Ok(Begun::Whole(body, usage, None));
        }
        let withhold = self.surface.asks_for_usage() && !envelope.wants_usage;
        let mut relay = Relay::new(response, wire, withhold, patience);
        let first = relay.next().await?.ok_or(Fault::Empty)?;
        match relay.watch.error() {
            Some(fault) => Err(fault),
            None => Ok(Begun::Stream(Source::Relay(Box::new(relay)), first)),
        }
    }

    /// Asks a provider that speaks another protocol.
    async fn translate(&self, asked: &Asked, envelope: &Envelope, turn: &Turn) -> Result<Begun, Fault> {
        let (target, protocol) = (turn.target(), self.surface.protocol());
        let reply = self.reply(asked, envelope, &target.model);
        let mut translation = match adapter(target.upstream.wire).call(&endpoint(target)?, &asked.request)? {
            UpstreamCall::Here(answer) => Translation::of(answer, protocol.writer(reply.clone())),
            UpstreamCall::Http(call) => {
                let patience = turn.patience();
                let response = ask(&self.parts.egress, &self.parts.clock, turn, patience, call.door, call.body).await?;
                let reading = Reading::new(response, call.reader, patience);
                Translation::new(reading, protocol.writer(reply.clone()))
            }
        };
        if envelope.stream {
            let first = translation.next().await?.ok_or(Fault::Empty)?;
            return Ok(Begun::Stream(Source::Translation(Box::new(translation)), first));
        }
        let answer = timeout_at(turn.patience().until, translation.whole()).await.unwrap_or(Err(Fault::CutOff))?;
        Ok(Begun::Whole(protocol.whole(&reply, &answer).into(), answer.usage, Some(Box::new(answer))))
    }

    /// Asks for vectors in other words than the client's.
    async fn vectors(&self, asked: &AskedVectors, envelope: &Envelope, turn: &Turn) -> Result<Begun, Fault> {
        let (wire, patience) = (turn.target().upstream.wire, turn.patience().of_whole());
        let mut parts = Vec::new();
        for (Post { door, body }, texts) in vectors::calls(wire, &endpoint(turn.target())?, &asked.request)? {
            let response = ask(&self.parts.egress, &self.parts.clock, turn, patience, door, body).await?;
            let (body, _) = relay::whole(response, |_| Some(TokenUsage::default()), patience).await?;
            parts.push(vectors::read(wire, &body, texts)?);
        }
        let vectors = Vectors::join(parts);
        let guess = envelope.input_estimate();
        let body = openai_embeddings::whole(&turn.target().model, asked.base64, &vectors, guess);
        Ok(Begun::Whole(body.into(), vectors.usage, None))
    }

    /// The request in no protocol's words.
    fn understand(&self, envelope: &Envelope) -> Result<Understood, Refusal> {
        match self.surface {
            Surface::Embeddings => openai_embeddings::accept(envelope.body()).map(Understood::Vectors),
            Surface::Rerank => Ok(Understood::Ranking),
            _ => self.accept(envelope).map(Box::new).map(Understood::Text),
        }
    }

    fn accept(&self, envelope: &Envelope) -> Result<Asked, Refusal> {
        let mut asked = self.surface.protocol().accept(envelope.body())?;
        if let Some(tokens) = envelope.afforded {
            asked.request.max_output_tokens = Some(u32::try_from(tokens).unwrap_or(u32::MAX));
        }
        Ok(asked)
    }

    /// By which name the limit of output tokens is set. OpenAI's newer models refuse the older name of chat completions,
    /// other servers know nothing else.
    fn limit_name(&self, target: &Target) -> &'static str {
        let official = || target.upstream.base.as_ref().and_then(|base| base.host_str()) == Some("api.openai.com");
        match self.surface {
            Surface::Responses => "max_output_tokens",
            Surface::ChatCompletions if official() => "max_completion_tokens",
            _ => "max_tokens",
        }
    }

    fn reply(&self, asked: &Asked, envelope: &Envelope, model: &str) -> Reply {
        Reply {
            id: self.id.as_uuid().simple().to_string(),
            created: self.parts.clock.now().timestamp(),
            model: model.to_owned(),
            input_tokens: envelope.input_estimate(),
            wants_usage: asked.wants_usage,
            terms: asked.terms.clone(),
        }
    }

    fn meter(&self, envelope: &Envelope) -> Meter {
        let start = Start {
            id: self.id,
            at: self.parts.clock.now(),
            account: self.grant.account,
            protocol: self.surface.spoken(),
            name: envelope.model.clone(),
            streamed: envelope.stream,
            input_bytes: envelope.input_bound,
        };
        Meter::start(self.parts.log.clone(), start)
    }

    /// What is not there is forbidden to nobody.
    async fn not_allowed(&self, model: &str) -> Refusal {
        match self.parts.pool.knows(&self.grant.account, model).await {
            Ok(true) => {}
            Ok(false) => return ChatError::unconfigured(model, false, &[]).into(),
            Err(error) => tracing::warn!(error = ?error, "the models of an organisation could not be read"),
        }
        let message = format!("this key may not ask for `{model}`; it may ask for {}", self.grant.groups.join(", "));
        Refusal { param: Some("model".to_owned()), ..Refusal::new(RefusalKind::Forbidden, message) }
    }
}

fn no_ranking(target: &Target) -> Fault {
    Fault::Misconfigured(format!("no documents can be ranked over `{}`", target.upstream.wire))
}

fn endpoint(target: &Target) -> Result<Endpoint<'_>, Fault> {
    let upstream = &target.upstream;
    let base = upstream.base.as_ref().ok_or_else(|| Fault::Misconfigured("it has no usable address".to_owned()))?;
    Ok(Endpoint { base, key: upstream.key.as_ref().map(|key| key.expose()), model: &target.model })
}

impl From<SpendRefused> for Refusal {
    fn from(refused: SpendRefused) -> Self {
        let kind = match &refused {
            SpendRefused::Budget(BudgetRefused::Exceeded(_)) => RefusalKind::Budget,
            SpendRefused::Budget(BudgetRefused::Unavailable) => RefusalKind::Overloaded,
            SpendRefused::Unpriced(_) => RefusalKind::Unpriced,
        };
        Self::new(kind, refused.to_string())
    }
}

impl From<RateRefused> for Refusal {
    fn from(refused: RateRefused) -> Self {
        Self { retry_after: Some(refused.retry_after), ..Self::new(RefusalKind::Rate, refused.to_string()) }
    }
}

/// A name that leads to nobody.
impl From<ChatError> for Refusal {
    fn from(error: ChatError) -> Self {
        let kind = match error.kind {
            ChatErrorKind::Unconfigured => RefusalKind::UnknownModel,
            ChatErrorKind::Invalid => RefusalKind::Invalid,
            ChatErrorKind::Exhausted => RefusalKind::Upstream,
            ChatErrorKind::Overloaded => RefusalKind::Overloaded,
            ChatErrorKind::Deadline => RefusalKind::Timeout,
            ChatErrorKind::Budget => RefusalKind::Budget,
            ChatErrorKind::Internal => RefusalKind::Internal,
        };
        Self { param: Some("model".to_owned()), ..Self::new(kind, error.message) }
    }
}

impl Patience {
    /// For an answer that comes in one piece: nothing is heard before it is whole.
    fn of_whole(self) -> Self {
        Self { first_token: self.until.saturating_duration_since(Instant::now()), ..self }
    }
}
