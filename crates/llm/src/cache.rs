//! Answers that were given before, kept in memory for questions that come again word for word.
//!
//! Only for groups that ask for it. What is kept dies with its time, with the node, or with the configuration.
//!
//! Invariant: a key is made of the organisation and of everything that decides the answer; no two organisations share
//! an entry.
//! Invariant: what is kept is bounded in bytes.

use std::sync::Arc;
use std::time::Duration;

use kernel::TenantId;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::draft::Answer;
use crate::model::ModelRef;
use crate::request::Thought;

/// All answers of a node together.
const BYTES: u64 = 32 << 20;
/// About as many answers as that may be.
const ANSWERS: usize = 8_192;
/// A longer answer is not kept.
const LONGEST: usize = 1 << 20;
/// What a request says that does not change its answer.
const BESIDE: [&str; 10] = [
    "stream",
    "stream_options",
    "user",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
];

/// What an answer is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct CacheKey([u8; 32]);

/// An answer, and whose it was.
pub(crate) struct Kept {
    pub(crate) answer: Answer,
    pub(crate) model: ModelRef,
    until: Instant,
}

/// The answers that a node keeps. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AnswerCache {
    kept: Arc<Cache<CacheKey, Arc<Kept>, Size>>,
}

#[derive(Clone)]
struct Size;

impl Weighter<CacheKey, Arc<Kept>> for Size {
    fn weight(&self, _: &CacheKey, kept: &Arc<Kept>) -> u64 {
        size(&kept.answer) as u64 + 256
    }
}

impl CacheKey {
    /// The key of a request in a client's protocol: fields in any order and spacing are the same request.
    pub(crate) fn of(tenant: TenantId, epoch: i64, protocol: &str, body: &[u8]) -> Option<Self> {
        let Value::Object(mut fields) = serde_json::from_slice(body).ok()? else { return None };
        BESIDE.iter().for_each(|name| drop(fields.remove(*name)));
        let mut hash = Sha256::new();
        hash.update(tenant.as_uuid().as_bytes());
        hash.update(epoch.to_be_bytes());
        hash.update(protocol.as_bytes());
        digest(&Value::Object(fields), &mut hash);
        Some(Self(hash.finalize().into()))
    }
}

/// Every value with its kind and length, so that no two differ in nothing but where they are cut.
fn digest(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            hash.update([b'{']);
            hash.update((names.len() as u64).to_be_bytes());
            for name in names {
                text(name, hash);
                if let Some(value) = fields.get(name) {
                    digest(value, hash);
                }
            }
        }
        Value::Array(items) => {
            hash.update([b'[']);
            hash.update((items.len() as u64).to_be_bytes());
            items.iter().for_each(|item| digest(item, hash));
        }
        Value::String(string) => text(string, hash),
        other => {
            hash.update([b'=']);
            text(&other.to_string(), hash);
        }
    }
}

fn text(text: &str, hash: &mut Sha256) {
    hash.update([b'"']);
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

impl AnswerCache {
    pub(crate) fn new() -> Self {
        Self { kept: Arc::new(Cache::with_weighter(ANSWERS, BYTES, Size)) }
    }

    pub(crate) fn get(&self, key: &CacheKey) -> Option<Arc<Kept>> {
        let kept = self.kept.get(key)?;
        if kept.until > Instant::now() {
            return Some(kept);
        }
        self.kept.remove(key);
        None
    }

    pub(crate) fn keep(&self, key: CacheKey, answer: &Answer, model: ModelRef, time: Duration) {
        if size(answer) <= LONGEST {
            let kept = Kept { answer: answer.clone(), model, until: Instant::now() + time };
            self.kept.insert(key, Arc::new(kept));
        }
    }
}

fn size(answer: &Answer) -> usize {
    let thoughts = answer.thoughts.iter().map(|thought| match thought {
        Thought::Open { text, signature } => text.len() + signature.as_ref().map_or(0, String::len),
        Thought::Sealed { data } => data.len(),
    });
    // Parsed JSON takes a few times what its text does.
    let calls = answer.tool_calls.iter().map(|call| 4 * call.arguments.to_string().len() + call.name.len());
    answer.text.len() + thoughts.sum::<usize>() + calls.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stop;

    fn key(tenant: TenantId, body: &str) -> CacheKey {
        CacheKey::of(tenant, 1, "openai-chat", body.as_bytes()).unwrap()
    }

    fn answer(text: &str) -> Answer {
        Answer { thoughts: vec![], text: text.into(), tool_calls: vec![], stop: Stop::End, usage: None }
    }

    #[test]
    fn the_same_question_has_the_same_key_however_it_is_written() {
        let tenant = TenantId::new();
        let same = |a: &str, b: &str| key(tenant, a) == key(tenant, b);
        assert!(same(r#"{"model":"q","n":1}"#, "{ \"n\" : 1, \"model\":\"\\u0071\" }"));
        assert!(same(r#"{"model":"q","stream":true,"user":"a"}"#, r#"{"model":"q"}"#));
        for other in [r#"{"model":"p"}"#, r#"{"model":"q","n":1}"#, r#"{"model":["q"]}"#, r#"{"modelq":""}"#] {
            assert!(!same(r#"{"model":"q"}"#, other), "{other}");
        }
        assert!(!same(r#"{"a":["b","c"]}"#, r#"{"a":["bc"]}"#) && !same(r#"{"a":1}"#, r#"{"a":"1"}"#));
        assert!(!same(r#"{"messages":[{"stream":1}]}"#, r#"{"messages":[{}]}"#), "only at the top");
        assert!(CacheKey::of(tenant, 1, "openai-chat", b"[]").is_none());
    }

    #[test]
    fn neither_organisations_nor_configurations_share_an_answer() {
        let (tenant, body) = (TenantId::new(), r#"{"model":"q"}"#);
        assert!(key(tenant, body) != key(TenantId::new(), body));
        assert!(key(tenant, body) != CacheKey::of(tenant, 2, "openai-chat", body.as_bytes()).unwrap());
        assert!(key(tenant, body) != CacheKey::of(tenant, 1, "anthropic", body.as_bytes()).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_kept_for_its_time_and_no_longer() {
        let (cache, key) = (AnswerCache::new(), key(TenantId::new(), "{}"));
        let model = ModelRef { provider: "p".into(), model: "m".into() };
        cache.keep(key, &answer("noon"), model.clone(), Duration::from_secs(60));
        assert_eq!(cache.get(&key).unwrap().answer.text, "noon");
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(cache.get(&key).is_none());
        cache.keep(key, &answer(&"x".repeat(LONGEST + 1)), model, Duration::from_secs(60));
        assert!(cache.get(&key).is_none(), "too long to be kept");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = AnswerCache::new();
        let model = ModelRef { provider: "p".into(), model: "m".into() };
        for n in 0..100 {
            let key = key(TenantId::new(), &format!("{{\"n\":{n}}}"));
            cache.keep(key, &answer(&"x".repeat(900_000)), model.clone(), Duration::from_secs(60));
        }
        assert!(cache.kept.weight() <= BYTES);
    }
}
