//! The pool, offered to the outside: any SDK asks it as it would ask its own vendor.
//!
//! Invariant: what stays within one protocol passes as it came; only the model's name changes.
//! Invariant: no other model is asked once a byte of an answer has reached the client.
//! Invariant: a call is let through by its key's rights, limits and budgets before anybody is asked.

mod anthropic;
mod body;
mod call;
mod cohere_rerank;
mod emit;
mod envelope;
mod estimate;
mod events;
mod flow;
mod keep;
mod meter;
mod models;
mod openai_chat;
mod openai_embeddings;
mod openai_responses;
mod protocol;
mod refusal;
mod relay;
mod served;
#[cfg(test)]
mod tests;
mod translate;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use infra::{ConfigEpoch, Egress};
use kernel::{Clock, ModelCallId, Secret};

use self::anthropic::Anthropic;
use self::call::Call;
use self::envelope::Envelope;
pub use self::models::ListShape;
use self::openai_chat::OpenaiChat;
use self::openai_responses::OpenaiResponses;
pub(crate) use self::protocol::{Asked, Protocol, Reply, Writer};
pub(crate) use self::refusal::{Refusal, RefusalKind};
pub use self::served::Served;
use crate::budgets::Budgets;
use crate::cache::AnswerCache;
use crate::keys::{Grant, KeyRefused, Keys};
use crate::limits::Limiter;
use crate::model::Wire;
use crate::pool::{Offer, Pool};
use crate::usage::{self, UsageLog};

/// What clients of the gateway can ask for, each in its own protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `POST /v1/chat/completions`
    ChatCompletions,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v2/rerank`
    Rerank,
}

impl Surface {
    fn protocol(self) -> &'static dyn Protocol {
        match self {
            // Of embeddings and rerank it says nothing but what is wrong, which the former do as chat completions do.
            Self::ChatCompletions | Self::Embeddings | Self::Rerank => &OpenaiChat,
            Self::Responses => &OpenaiResponses,
            Self::Messages => &Anthropic,
        }
    }

    /// Whether providers of this wire are asked in the same words.
    fn passes(self, wire: Wire) -> bool {
        match self {
            Self::ChatCompletions | Self::Rerank => wire == Wire::OpenaiChat,
            Self::Responses => wire == Wire::OpenaiResponses,
            Self::Messages => wire == Wire::Anthropic,
            Self::Embeddings => matches!(wire, Wire::OpenaiChat | Wire::OpenaiResponses),
        }
    }

    /// The names by which clients limit an answer's tokens.
    fn limits(self) -> &'static [&'static str] {
        match self {
            Self::ChatCompletions => &["max_completion_tokens", "max_tokens"],
            Self::Responses => &["max_output_tokens"],
            Self::Messages => &["max_tokens"],
            Self::Embeddings | Self::Rerank => &[],
        }
    }

    /// A refusal in the words of this surface's clients.
    fn refusal(self, refusal: &Refusal) -> Vec<u8> {
        match self {
            Self::Rerank => cohere_rerank::refusal(refusal),
            _ => self.protocol().refusal(refusal),
        }
    }

    /// The status of a refusal. Anthropic's SDKs tell its own 529 apart from a 503.
    fn status(self, kind: RefusalKind) -> StatusCode {
        match (self, kind) {
            (Self::Messages, RefusalKind::Overloaded) => StatusCode::from_u16(529).unwrap_or(kind.status()),
            _ => kind.status(),
        }
    }

    /// Whether a text is asked for, rather than vectors or a ranking.
    fn writes(self) -> bool {
        !matches!(self, Self::Embeddings | Self::Rerank)
    }

    fn spoken(self) -> usage::Protocol {
        match self {
            Self::ChatCompletions => usage::Protocol::OpenaiChat,
            Self::Responses => usage::Protocol::OpenaiResponses,
            Self::Messages => usage::Protocol::Anthropic,
            Self::Embeddings => usage::Protocol::OpenaiEmbeddings,
            Self::Rerank => usage::Protocol::CohereRerank,
        }
    }

    /// Whether a stream tells its usage only where it is asked to.
    fn asks_for_usage(self) -> bool {
        matches!(self, Self::ChatCompletions)
    }
}

/// What the gateway works with.
pub struct GatewayParts {
    pub pool: Pool,
    pub keys: Keys,
    pub limiter: Limiter,
    pub budgets: Budgets,
    pub log: UsageLog,
    pub config_epoch: ConfigEpoch,
    pub egress: Egress,
    pub clock: Clock,
}

/// The gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    parts: Arc<GatewayParts>,
    cache: AnswerCache,
}

impl Gateway {
    pub fn new(parts: GatewayParts) -> Self {
        Self { parts: Arc::new(parts), cache: AnswerCache::new() }
    }

    /// What the key may do. To be asked before anything large is read of a request.
    pub async fn admit(&self, surface: Surface, key: Option<Secret>) -> Result<Arc<Grant>, Response<Served>> {
        let refused = |refusal| served::signed(served::refusal(surface, &refusal), ModelCallId::new());
        self.grant(key).await.map_err(refused)
    }

    /// Answers a request; an error is an answer too, in the protocol's own words.
    pub async fn ask(&self, surface: Surface, grant: Arc<Grant>, headers: &HeaderMap, body: Bytes) -> Response<Served> {
        let id = ModelCallId::new();
        let call = Call { parts: &self.parts, cache: &self.cache, surface, grant, headers, id };
        let answered = Box::pin(call.answer(body)).await;
        served::signed(answered.unwrap_or_else(|refusal| served::refusal(surface, &refusal)), id)
    }

    /// How many tokens a request for messages has, by an estimate that holds for every model. What has no words in other
    /// protocols is counted by its bytes.
    pub fn count_tokens(&self, grant: &Grant, body: &Bytes) -> Response<Served> {
        let admitted = self.parts.limiter.admit(grant, 0).map_err(Refusal::from);
        let counted = admitted.and_then(|admission| {
            admission.correct(0);
            let envelope = Envelope::open(body.clone(), Surface::Messages.limits())?;
            Ok(match Surface::Messages.protocol().accept(body) {
                Ok(asked) => estimate::prompt_tokens(&asked.request),
                Err(_) => envelope.input_estimate(),
            })
        });
        match counted {
            Ok(tokens) => served::json(&serde_json::json!({ "input_tokens": tokens })),
            Err(refusal) => served::refusal(Surface::Messages, &refusal),
        }
    }

    /// What the key may ask for.
    pub async fn models(&self, shape: ListShape, key: Option<Secret>) -> Response<Served> {
        match self.offers(key).await {
            Ok(offers) => served::json(&models::list(shape, &offers)),
            Err(refusal) => served::refusal(shape.surface(), &refusal),
        }
    }

    /// One of [`Gateway::models`].
    pub async fn model(&self, shape: ListShape, key: Option<Secret>, name: &str) -> Response<Served> {
        let found = self.offers(key).await.and_then(|offers| {
            let unknown = || Refusal::new(RefusalKind::UnknownModel, format!("there is no model `{name}`"));
            offers.into_iter().find(|offer| offer.name == name).ok_or_else(unknown)
        });
        match found {
            Ok(offer) => served::json(&models::one(shape, &offer)),
            Err(refusal) => served::refusal(shape.surface(), &refusal),
        }
    }

    async fn offers(&self, key: Option<Secret>) -> Result<Vec<Offer>, Refusal> {
        let grant = self.grant(key).await?;
        let offers = self.parts.pool.offers(&grant.account).await.map_err(|error| {
            tracing::warn!(error = ?error, "the models of an organisation could not be read");
            Refusal::new(RefusalKind::Internal, "the models cannot be read at the moment")
        })?;
        Ok(offers.into_iter().filter(|offer| grant.may_ask(&offer.name)).collect())
    }

    /// What is answered to a body that is larger than is taken.
    pub fn too_large(surface: Surface, limit: usize) -> Response<Served> {
        let message = format!("the request is larger than {} MiB", limit >> 20);
        served::refusal(surface, &Refusal::new(RefusalKind::TooLarge, message))
    }

    /// What is answered to a body that does not come to its end.
    pub fn too_slow(surface: Surface) -> Response<Served> {
        let refusal = Refusal::new(RefusalKind::Timeout, "the request did not come to its end in time");
        let mut response = served::refusal(surface, &refusal);
        *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
        response
    }

    /// What is answered where nothing is.
    pub fn nothing_here(shape: ListShape) -> Response<Served> {
        let message = "there is nothing at this address: the gateway has v1/chat/completions, v1/responses, \
                       v1/embeddings, v1/models, v1/messages, v1/messages/count_tokens and v2/rerank";
        served::refusal(shape.surface(), &Refusal::new(RefusalKind::UnknownModel, message))
    }

    async fn grant(&self, key: Option<Secret>) -> Result<Arc<Grant>, Refusal> {
        let key = key.ok_or_else(|| {
            let message = "no API key was given: send a virtual key as `Authorization: Bearer` or `x-api-key`";
            Refusal::new(RefusalKind::Key, message)
        })?;
        self.parts.keys.grant(&key).await.map_err(|refused| {
            let kind = match &refused {
                KeyRefused::Unknown | KeyRefused::Disabled => RefusalKind::Key,
                KeyRefused::Suspended => RefusalKind::Forbidden,
                KeyRefused::Unavailable(error) => {
                    tracing::warn!(error = ?error, "a key could not be looked up");
                    RefusalKind::Overloaded
                }
            };
            Refusal::new(kind, refused.to_string())
        })
    }
}
