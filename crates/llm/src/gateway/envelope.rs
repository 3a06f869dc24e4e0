//! What the gateway must know of a request before anybody is asked, and the one change it makes to it.
//!
//! Invariant: of a request that stays within its protocol only the model's name changes, and that usage is told at the
//! end of a stream; every other byte reaches the provider as the client wrote it.

use bytes::{BufMut as _, Bytes, BytesMut};
use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::refusal::Refusal;
use crate::spend::IMAGE_TOKENS;

/// The fields of a request that every protocol has, where they stand in its body.
#[derive(Debug)]
pub(crate) struct Envelope {
    body: Bytes,
    pub(crate) model: String,
    model_at: (usize, usize),
    pub(crate) stream: bool,
    /// Where `stream_options` stands, if it is there and says nothing of usage.
    options_at: Option<(usize, usize)>,
    pub(crate) wants_usage: bool,
    /// The most tokens an answer may have, where the request says so.
    pub(crate) max_output_tokens: Option<u64>,
    /// How many answers are asked for.
    pub(crate) answers: u64,
    pub(crate) tools: bool,
    /// The most output tokens that a budget affords, where the request sets no limit of its own.
    pub(crate) afforded: Option<u64>,
}

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(borrow, default, deserialize_with = "present")]
    stream_options: Option<&'a RawValue>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    max_output_tokens: Option<u64>,
    #[serde(default)]
    n: Option<u64>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

impl Envelope {
    pub(crate) fn open(body: Bytes) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(&body).map_err(|_| Refusal::invalid("body", "the body is not UTF-8"))?;
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| {
            Refusal::invalid("body", format!("the body is not the JSON object that was expected: {error}"))
        })?;
        let unnamed = || Refusal::invalid("model", "you must name a model: a model group or `provider/model`");
        let raw = fields.model.ok_or_else(unnamed)?;
        let model: String = serde_json::from_str(raw.get()).map_err(|_| unnamed())?;
        let options: Option<StreamOptions> = match fields.stream_options {
            Some(options) => serde_json::from_str(options.get())
                .map_err(|_| Refusal::invalid("stream_options", "`stream_options` must be an object"))?,
            None => None,
        };
        Ok(Self {
            model,
            model_at: span(text, raw),
            stream: fields.stream.unwrap_or(false),
            options_at: fields.stream_options.map(|options| span(text, options)),
            wants_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
            max_output_tokens: fields.max_completion_tokens.or(fields.max_output_tokens).or(fields.max_tokens),
            answers: fields.n.unwrap_or(1).max(1),
            tools: fields.tools.is_some_and(|tools| !matches!(tools.get(), "[]" | "null")),
            afforded: None,
            body,
        })
    }

    /// The request as the client wrote it.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// At most so many tokens the prompt has: a token is a byte at least, and images count apart.
    pub(crate) fn input_bound(&self) -> u64 {
        let (mut images, mut encoded) = (0, 0);
        for at in memmem::find_iter(&self.body, b";base64,") {
            images += 1;
            let data = &self.body[at..];
            encoded += memchr::memchr(b'"', data).unwrap_or(data.len()) as u64;
        }
        (self.body.len() as u64).saturating_sub(encoded) + images * IMAGE_TOKENS
    }

    /// The request for a provider that speaks the client's own protocol. `usage`: the protocol tells usage in a stream
    /// only where it is asked to. `limit`: its name for the limit of output tokens.
    pub(crate) fn patched(&self, model: &str, usage: bool, limit: &str) -> Bytes {
        let name = serde_json::Value::from(model).to_string();
        let begin = memchr::memchr(b'{', &self.body).map_or(0, |at| at + 1);
        let begin = (begin, begin);
        let mut patches: Vec<((usize, usize), String)> = vec![(self.model_at, name)];
        if usage && self.stream && !self.wants_usage {
            match self.options_at {
                Some(at) => patches.push((at, self.asking_for_usage(at))),
                None => patches.push((begin, r#""stream_options":{"include_usage":true},"#.to_owned())),
            }
        }
        if let Some(tokens) = self.afforded {
            patches.push((begin, format!("\"{limit}\":{tokens},")));
        }
        patches.sort_by_key(|(at, _)| *at);
        let mut patched = BytesMut::with_capacity(self.body.len() + 64 + model.len());
        let mut from = 0;
        for ((start, end), text) in patches {
            patched.put_slice(&self.body[from..start]);
            patched.put_slice(text.as_bytes());
            from = end;
        }
        patched.put_slice(&self.body[from..]);
        patched.freeze()
    }

    /// The client's stream options, and usage with them.
    fn asking_for_usage(&self, (start, end): (usize, usize)) -> String {
        let options: Option<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_slice(&self.body[start..end]).unwrap_or_default();
        let mut options = options.unwrap_or_default();
        options.insert("include_usage".to_owned(), true.into());
        serde_json::Value::Object(options).to_string()
    }
}

/// A field that is there, `null` included.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// Where `part`, which was borrowed from `whole`, stands in it.
fn span(whole: &str, part: &RawValue) -> (usize, usize) {
    let start = part.get().as_ptr() as usize - whole.as_ptr() as usize;
    (start, start + part.get().len())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn open(body: &str) -> Envelope {
        Envelope::open(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn patched(body: &str, model: &str) -> String {
        String::from_utf8(open(body).patched(model, true, "max_tokens").to_vec()).unwrap()
    }

    #[test]
    fn only_the_models_name_changes() {
        let body = "{ \"messages\": [{\"content\":\"model\"}],  \"model\" : \"qua\\u006city\", \"x\": 1.50, \"ü\":\"\\u00fc\" }";
        assert_eq!(open(body).model, "quality");
        assert_eq!(patched(body, "gpt \"4\""), body.replace("\"qua\\u006city\"", "\"gpt \\\"4\\\"\""));
    }

    #[test]
    fn a_stream_is_asked_for_its_usage_unless_the_client_does() {
        let value = |body: &str| serde_json::from_str::<Value>(&patched(body, "m")).unwrap();
        assert_eq!(
            value(r#"{"model":"a","stream":true}"#),
            json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}})
        );
        assert_eq!(
            value(r#"{"stream_options":{"include_usage":false,"other":1},"stream":true,"model":"a"}"#),
            json!({"model": "m", "stream": true, "stream_options": {"include_usage": true, "other": 1}})
        );
        assert_eq!(
            value(r#"{"stream_options":null,"stream":true,"model":"a"}"#)["stream_options"]["include_usage"],
            true
        );
        let asked = r#"{"model":"a","stream":true,"stream_options":{"include_usage":true}}"#;
        assert_eq!(patched(asked, "a"), asked);
        assert_eq!(patched(r#"{"model":"a"}"#, "b"), r#"{"model":"b"}"#);
    }

    #[test]
    fn a_limit_that_the_budget_affords_is_set_where_there_is_none() {
        let mut envelope = open(r#" {"model":"a","stream":true}"#);
        envelope.afforded = Some(70);
        let body: Value = serde_json::from_slice(&envelope.patched("m", true, "max_tokens")).unwrap();
        let usage = json!({"include_usage": true});
        assert_eq!(body, json!({"model": "m", "stream": true, "max_tokens": 70, "stream_options": usage}));
    }

    #[test]
    fn limits_are_read_by_every_name() {
        for name in ["max_tokens", "max_completion_tokens", "max_output_tokens"] {
            assert_eq!(open(&format!(r#"{{"model":"a","{name}":7}}"#)).max_output_tokens, Some(7));
        }
        assert_eq!(open(r#"{"model":"a","n":3}"#).answers, 3);
        assert!(open(r#"{"model":"a","tools":[{}]}"#).tools && !open(r#"{"model":"a","tools":[]}"#).tools);
    }

    #[test]
    fn the_prompt_is_bounded_by_its_bytes_with_images_counted_apart() {
        let text = format!(r#"{{"model":"a","messages":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(open(&text).input_bound(), text.len() as u64);
        let image = format!(r#"{{"model":"a","url":"data:image/png;base64,{}"}}"#, "A".repeat(1 << 20));
        assert!((6_000..6_100).contains(&open(&image).input_bound()));
    }

    #[test]
    fn what_is_no_request_is_refused_with_the_field_that_is_wrong() {
        for (body, param) in [
            ("", "body"),
            ("[]", "body"),
            ("{\"model\":\"a\",\"model\":\"b\"}", "body"),
            ("{\"model\":\"a\",\"stream\":\"yes\"}", "body"),
            ("{\"model\":\"a\"} x", "body"),
            ("{}", "model"),
            ("{\"model\":7}", "model"),
            ("{\"model\":null}", "model"),
            ("{\"model\":\"a\",\"stream_options\":7}", "stream_options"),
        ] {
            let refusal = Envelope::open(Bytes::copy_from_slice(body.as_bytes())).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{body}: {refusal:?}");
        }
        assert!(Envelope::open(Bytes::from_static(b"{\"model\":\"\xff\"}")).is_err());
    }
}
