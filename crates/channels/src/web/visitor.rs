//! Who a visitor of a web chat is: nobody has an account there, so a token says it.
//!
//! Invariant: a token opens one visitor's conversation on one connection of one organisation, and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{ConnectionId, ConversationId, LaneId, TenantId};
use sha2::Sha256;
use uuid::Uuid;

const PREFIX: &str = "kv_";
const LIFETIME: TimeDelta = TimeDelta::days(30);
/// Tenant, connection, visitor, and the second in which it ends.
const CLAIMS: usize = 16 + 16 + 16 + 8;
const MAC: usize = 32;

/// A visitor, proven by a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub tenant: TenantId,
    pub connection: ConnectionId,
    pub id: Uuid,
}

impl Visitor {
    /// The visitor's one conversation.
    pub fn conversation(&self) -> ConversationId {
        LaneId::derive(self.connection.as_uuid(), &self.id.to_string())
    }
}

/// Makes and reads visitors' tokens.
pub(super) struct VisitorTokens(Hmac<Sha256>);

impl VisitorTokens {
    /// `key` is derived from the installation's master key, so that every node reads every node's tokens.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        // HMAC's own way with short keys: zeros up to a block.
        let mut block = [0; 64];
        block[..key.len()].copy_from_slice(key);
        Self(Hmac::new(&block.into()))
    }

    pub(super) fn issue(&self, visitor: &Visitor, now: DateTime<Utc>) -> String {
        let mut token = Vec::with_capacity(CLAIMS + MAC);
        for id in [visitor.tenant.as_uuid(), visitor.connection.as_uuid(), visitor.id] {
            token.extend_from_slice(id.as_bytes());
        }
        token.extend_from_slice(&(now + LIFETIME).timestamp().to_be_bytes());
        let mac = self.0.clone().chain_update(&token).finalize().into_bytes();
        token.extend_from_slice(&mac);
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    /// The visitor of a token made for `connection`; `None` for any other word, and past its time.
    pub(super) fn read(&self, token: &str, connection: ConnectionId, now: DateTime<Utc>) -> Option<Visitor> {
        let bytes: [u8; CLAIMS + MAC] = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?.try_into().ok()?;
        let (claims, mac) = bytes.split_at(CLAIMS);
        self.0.clone().chain_update(claims).verify_slice(mac).ok()?;
        let id = |at: usize| Uuid::from_slice(&claims[at..at + 16]).ok();
        let ends = i64::from_be_bytes(claims[48..].try_into().ok()?);
        let visitor = Visitor { tenant: id(0)?.into(), connection: id(16)?.into(), id: id(32)? };
        (visitor.connection == connection && now.timestamp() < ends).then_some(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_its_own_chat_for_thirty_days() {
        let tokens = VisitorTokens::new(&[7; 32]);
        let visitor = Visitor { tenant: TenantId::new(), connection: ConnectionId::new(), id: Uuid::now_v7() };
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let token = tokens.issue(&visitor, now);
        assert_eq!(tokens.read(&token, visitor.connection, now), Some(visitor));
        assert_eq!(tokens.read(&token, ConnectionId::new(), now), None, "another connection");
        assert_eq!(tokens.read(&token, visitor.connection, now + TimeDelta::days(30)), None, "past its time");
        assert_eq!(VisitorTokens::new(&[8; 32]).read(&token, visitor.connection, now), None, "another installation");
        let mut forged = URL_SAFE_NO_PAD.decode(&token[3..]).unwrap();
        forged[40] ^= 1;
        let forged = format!("kv_{}", URL_SAFE_NO_PAD.encode(forged));
        for garbage in ["", "kv_", "kv_AAAA", &forged] {
            assert_eq!(tokens.read(garbage, visitor.connection, now), None, "{garbage}");
        }
    }
}
