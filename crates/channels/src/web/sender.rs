use async_trait::async_trait;
use durable::{Answer, Part, Reply, SendError, Sender};

use crate::ChannelKind;

/// Delivers by doing nothing: what is committed is what the page reads.
pub(super) struct WebSender;

#[async_trait]
impl Sender for WebSender {
    fn channel(&self) -> &'static str {
        ChannelKind::Web.as_str()
    }

    fn by_commit(&self) -> bool {
        true
    }

    async fn open(&self, _reply: &Reply) -> Result<Option<String>, SendError> {
        Ok(None)
    }

    async fn find(&self, _reply: &Reply) -> Result<Vec<Part>, SendError> {
        Ok(Vec::new())
    }

    fn parts(&self, _answer: &Answer) -> usize {
        1
    }

    async fn answer(
        &self,
        reply: &Reply,
        _answer: &Answer,
        _part: usize,
        _standing: Option<&str>,
    ) -> Result<String, SendError> {
        Ok(reply.message.to_string())
    }

    async fn retract(&self, _reply: &Reply, _provider_id: &str) -> Result<(), SendError> {
        Ok(())
    }
}
