//! The models that a key may ask for, as both families of SDKs list them. Neither a group nor a provider tells when a model
//! was made, which both lists have a field for.

use serde_json::{Value, json};

use super::Surface;
use crate::pool::Offer;

/// In whose shape a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListShape {
    Openai,
    Anthropic,
}

impl ListShape {
    pub(super) fn surface(self) -> Surface {
        match self {
            Self::Openai => Surface::ChatCompletions,
            Self::Anthropic => Surface::Messages,
        }
    }
}

pub(super) fn list(shape: ListShape, offers: &[Offer]) -> Value {
    let data: Vec<Value> = offers.iter().map(|offer| one(shape, offer)).collect();
    let name = |offer: Option<&Offer>| offer.map(|offer| offer.name.clone());
    match shape {
        ListShape::Openai => json!({"object": "list", "data": data}),
        ListShape::Anthropic => json!({
            "data": data,
            "has_more": false,
            "first_id": name(offers.first()),
            "last_id": name(offers.last()),
        }),
    }
}

pub(super) fn one(shape: ListShape, offer: &Offer) -> Value {
    match shape {
        ListShape::Openai => json!({
            "id": offer.name,
            "object": "model",
            "created": 0,
            "owned_by": offer.owner,
        }),
        ListShape::Anthropic => json!({
            "type": "model",
            "id": offer.name,
            "display_name": offer.name,
            "created_at": "1970-01-01T00:00:00Z",
        }),
    }
}
