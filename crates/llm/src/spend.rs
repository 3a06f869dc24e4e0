//! What a call may cost at most, and whether its budgets have room for that.

use crate::account::Account;
use crate::budgets::{BudgetRefused, Budgets, Reservation};
use crate::pool::Target;
use crate::prices::Price;
use crate::request::{ChatMessage, ChatRequest, Content, Part, Thought};
use crate::usd::Usd;

/// What one image takes at most, in tokens: what the vendors count for their largest.
pub(crate) const IMAGE_TOKENS: u64 = 6_000;
/// How many tokens a model is taken to answer with at most, where neither the request nor its price list says.
const MAX_OUTPUT: u64 = 4_096;
/// An answer of fewer tokens is worth nothing to anybody.
const LEAST_OUTPUT: u64 = 16;
/// What a call may take of the room that is left, where it sets no limit of its own: others call too. But not less than
/// makes an answer, where there is room for that.
const SHARE: u64 = 8;
const MODEST_OUTPUT: u64 = 256;
/// How often a call asks for what a budget still has room for.
const ROUNDS: u32 = 3;
/// What a protocol writes around each message, in tokens.
const FRAME_TOKENS: u64 = 16;

/// What a call may use at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) input_tokens: u64,
    /// Where the request says so.
    pub(crate) max_output_tokens: Option<u64>,
    /// How many answers are asked for.
    pub(crate) answers: u64,
    /// A part of the prompt stands elsewhere: it may fill the model's context.
    pub(crate) refers: bool,
}

/// How a call may go on.
pub(crate) enum Leave {
    Granted {
        /// `None`: no budget covers the call.
        reservation: Option<Reservation>,
        /// The most output tokens that a budget affords, for a request that sets no limit of its own and would not
        /// fit otherwise, or whose model has none that is known.
        max_output_tokens: Option<u64>,
    },
    /// The budget's owner wants this group asked instead.
    Instead(String),
}

impl Leave {
    /// No budget covers the call.
    const FREE: Self = Self::Granted { reservation: None, max_output_tokens: None };
}

/// Why a call may not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpendRefused {
    #[error(transparent)]
    Budget(#[from] BudgetRefused),
    #[error("a budget has to be kept, and the price of {0} is not known: set one")]
    Unpriced(String),
}

impl Extent {
    /// Reserves what the dearest of `targets` might take.
    pub(crate) async fn reserve(
        self,
        budgets: &Budgets,
        account: &Account,
        targets: &[Target],
    ) -> Result<Leave, SpendRefused> {
        let Some(bound) = self.bound(targets) else {
            return match budgets.covers(account).await? {
                false => Ok(Leave::FREE),
                true => Err(SpendRefused::Unpriced(unpriced(targets))),
            };
        };
        let mut exceeded = match budgets.reserve(account, bound).await {
            Ok(reservation) if !reservation.is_covered() => return Ok(Leave::FREE),
            Ok(reservation) => return Ok(self.granted(reservation, targets)),
            Err(BudgetRefused::Exceeded(exceeded)) => exceeded,
            Err(other) => return Err(other.into()),
        };
        // Others reserve meanwhile: what there is room for is asked for again as long as it shrinks.
        for _ in 0..ROUNDS {
            let Some(tokens) = self.affordable(targets, exceeded.room) else { break };
            let Some(bound) = Self { max_output_tokens: Some(tokens), ..self }.bound(targets) else { break };
            exceeded = match budgets.reserve(account, bound).await {
                Ok(reservation) => {
                    return Ok(Leave::Granted { reservation: Some(reservation), max_output_tokens: Some(tokens) });
                }
                Err(BudgetRefused::Exceeded(exceeded)) => exceeded,
                Err(other) => return Err(other.into()),
            };
        }
        match exceeded.fallback.clone() {
            Some(group) => Ok(Leave::Instead(group)),
            None => Err(BudgetRefused::Exceeded(exceeded).into()),
        }
    }

    /// What was taken to be the most is made the most, where neither the request nor the price list says it.
    fn granted(self, reservation: Reservation, targets: &[Target]) -> Leave {
        let unlimited = |target: &Target| target.price.as_ref().is_none_or(|price| price.max_output.is_none());
        let assumed = self.max_output_tokens.is_none();
        let max_output_tokens = (assumed && targets.iter().any(unlimited)).then_some(MAX_OUTPUT);
        Leave::Granted { reservation: Some(reservation), max_output_tokens }
    }

    /// `None` where the price of one of them is not known.
    fn bound(self, targets: &[Target]) -> Option<Usd> {
        let bounds = targets.iter().map(|target| {
            let price = target.price.as_ref()?;
            let most = self.max_output_tokens.or(price.max_output).unwrap_or(MAX_OUTPUT);
            Some(price.bound(self.input(price), most.saturating_mul(self.answers)))
        });
        bounds.collect::<Option<Vec<Usd>>>()?.into_iter().max()
    }

    /// The most input tokens at a model of this price.
    fn input(self, price: &Price) -> u64 {
        const CONTEXT: u64 = 200_000;
        let elsewhere = if self.refers { price.context.unwrap_or(CONTEXT) } else { 0 };
        self.input_tokens.max(elsewhere)
    }

    /// A fair share of the output tokens that `room` pays for, whoever of `targets` answers; `None` where the request has
    /// a limit of its own, or where it is too few.
    fn affordable(self, targets: &[Target], room: Usd) -> Option<u64> {
        const SCALE: u64 = 1_000_000;
        if self.max_output_tokens.is_some() {
            return None;
        }
        let tokens = targets.iter().map(|target| {
            let price = target.price.as_ref()?;
            let before = price.bound(self.input(price), 0);
            let scale = i128::from((price.bound(self.input(price), SCALE) - before).nanos()).max(1);
            let left = i128::from((room - before).nanos());
            let answers = i128::from(self.answers.max(1));
            u64::try_from(left * i128::from(SCALE) / scale / answers).ok()
        });
        let most = tokens.collect::<Option<Vec<u64>>>()?.into_iter().min()?;
        let fair = (most / SHARE).max(most.min(MODEST_OUTPUT));
        (fair >= LEAST_OUTPUT).then_some(fair)
    }
}

impl From<&ChatRequest> for Extent {
    /// A token is a byte at least.
    fn from(request: &ChatRequest) -> Self {
        let content = |content: &Content| -> u64 {
            let part = |part: &Part| match part {
                Part::Text { text } => text.len() as u64,
                Part::Image { .. } => IMAGE_TOKENS,
            };
            content.0.iter().map(part).sum()
        };
        let thought = |thought: &Thought| match thought {
            Thought::Open { text, signature } => text.len() + signature.as_ref().map_or(0, String::len),
            Thought::Sealed { data } => data.len(),
        };
        let message = |message: &ChatMessage| match message {
            ChatMessage::User { content: said } | ChatMessage::Tool { content: said, .. } => content(said),
            ChatMessage::Assistant { thoughts, text, tool_calls } => {
                let calls = tool_calls.iter().map(|call| call.name.len() + call.arguments.to_string().len());
                (text.len() + thoughts.iter().map(thought).sum::<usize>() + calls.sum::<usize>()) as u64
            }
        };
        let tools = request
            .tools
            .iter()
            .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.to_string().len());
        let frames = FRAME_TOKENS * (request.messages.len() + request.tools.len() + 1) as u64;
        let said: u64 = request.messages.iter().map(message).sum();
        Self {
            input_tokens: request.system.len() as u64 + said + tools.sum::<usize>() as u64 + frames,
            max_output_tokens: request.max_output_tokens.map(u64::from),
            answers: 1,
            refers: false,
        }
    }
}

fn unpriced(targets: &[Target]) -> String {
    let unpriced = targets.iter().filter(|target| target.price.is_none());
    unpriced.map(|target| target.name().to_string()).collect::<Vec<_>>().join(", ")
}
