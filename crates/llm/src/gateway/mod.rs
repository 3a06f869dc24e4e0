//! The pool, offered to the outside: any SDK asks it as it would ask its own vendor.

mod anthropic;
mod body;
mod emit;
mod envelope;
mod estimate;
mod events;
mod openai_chat;
mod protocol;
mod refusal;
mod relay;
#[cfg(test)]
mod tests;
mod translate;

pub(crate) use anthropic::Anthropic;
pub(crate) use estimate::prompt_tokens;
pub(crate) use openai_chat::OpenaiChat;
pub(crate) use protocol::{Asked, Protocol, Reply, Writer};
pub(crate) use refusal::{Refusal, RefusalKind};
