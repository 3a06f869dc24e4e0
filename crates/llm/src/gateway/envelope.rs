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

/// The longest name of a model: a provider's, a slash and a model's.
const LONGEST_NAME: usize = 264;
/// What of a prompt stands elsewhere, so that nobody can tell its length.
const REFERENCES: [&[u8]; 4] = [b"\"file_id\"", b"\"file_url\"", b"\"item_reference\"", b"\"container_upload\""];

/// The fields of a request that every protocol has, where they stand in its body.
#[derive(Debug)]
pub(crate) struct Envelope {
    body: Bytes,
    pub(crate) model: String,
    model_at: Span,
    pub(crate) stream: bool,
    /// Where `stream_options` stands, if it is there and says nothing of usage.
    options_at: Option<Span>,
    pub(crate) wants_usage: bool,
    /// The most tokens an answer may have, where the request says so.
    pub(crate) max_output_tokens: Option<u64>,
    /// Limits that are there and say nothing, by name.
    null_limits: Vec<(&'static str, Span)>,
    /// How many answers are asked for.
    pub(crate) answers: u64,
    pub(crate) tools: bool,
    /// The answer is to be fetched later, so that nobody learns what it costs.
    pub(crate) background: bool,
    /// A part of the prompt stands elsewhere.
    pub(crate) refers: bool,
    /// At most so many tokens the prompt has, as far as it is here: a token is a byte at least, and images count apart.
    pub(crate) input_bound: u64,
    /// The most output tokens that a budget affords, where the request sets no limit of its own.
    pub(crate) afforded: Option<u64>,
}

type Span = (usize, usize);

#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(borrow, default, deserialize_with = "present")]
    stream_options: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    max_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    max_completion_tokens: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(default)]
    n: Option<u64>,
    #[serde(borrow, default)]
    tools: Option<&'a RawValue>,
    #[serde(default)]
    background: Option<bool>,
    #[serde(borrow, default)]
    previous_response_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    conversation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    prompt: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

impl Envelope {
    /// `limits`: the names by which the protocol limits an answer. Where a request uses several, the largest counts.
    pub(crate) fn open(body: Bytes, limits: &[&'static str]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(&body).map_err(|_| Refusal::invalid("body", "the body is not UTF-8"))?;
        let fields: Fields<'_> = serde_json::from_str(text).map_err(|error| {
            Refusal::invalid("body", format!("the body is not the JSON object that was expected: {error}"))
        })?;
        let options: Option<StreamOptions> = match fields.stream_options {
            Some(options) => serde_json::from_str(options.get())
                .map_err(|_| Refusal::invalid("stream_options", "`stream_options` must be an object"))?,
            None => None,
        };
        let raw = fields.model.ok_or_else(unnamed)?;
        let (mut most, mut null_limits) = (None, Vec::new());
        for name in limits {
            let Some(limit) = fields.limit(name) else { continue };
            match serde_json::from_str::<Option<u64>>(limit.get()) {
                Ok(Some(tokens)) => most = most.max(Some(tokens)),
                Ok(None) => null_limits.push((*name, span(text, limit))),
                Err(_) => return Err(Refusal::invalid(name, format!("`{name}` must be a number of tokens"))),
            }
        }
        let elsewhere = fields.previous_response_id.or(fields.conversation).or(fields.prompt).is_some();
        Ok(Self {
            model: model(raw)?,
            model_at: span(text, raw),
            stream: fields.stream.unwrap_or(false),
            options_at: fields.stream_options.map(|options| span(text, options)),
            wants_usage: options.and_then(|options| options.include_usage).unwrap_or(false),
            max_output_tokens: most,
            null_limits,
            answers: fields.n.unwrap_or(1).max(1),
            tools: fields.tools.is_some_and(|tools| tools.get() != "[]"),
            background: fields.background.unwrap_or(false),
            refers: elsewhere || REFERENCES.iter().any(|mark| memmem::find(&body, mark).is_some()),
            input_bound: input_bound(&body),
            afforded: None,
            body,
        })
    }

    /// The request as the client wrote it.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// About how many tokens the prompt has.
    pub(crate) fn input_estimate(&self) -> u64 {
        self.input_bound / 4
    }

    /// The request for a provider that speaks the client's own protocol. `usage`: the protocol tells usage in a stream
    /// only where it is asked to. `limit`: its name for the limit of output tokens.
    pub(crate) fn patched(&self, model: &str, usage: bool, limit: &str) -> Bytes {
        let name = serde_json::Value::from(model).to_string();
        let begin = memchr::memchr(b'{', &self.body).map_or(0, |at| at + 1);
        let begin = (begin, begin);
        let mut patches: Vec<(Span, String)> = vec![(self.model_at, name)];
        if usage && self.stream && !self.wants_usage {
            match self.options_at {
                Some(at) => patches.push((at, self.asking_for_usage(at))),
                None => patches.push((begin, r#""stream_options":{"include_usage":true},"#.to_owned())),
            }
        }
        if let Some(tokens) = self.afforded {
            match self.null_limits.iter().find(|(name, _)| *name == limit) {
                Some((_, at)) => patches.push((*at, tokens.to_string())),
                None => patches.push((begin, format!("\"{limit}\":{tokens},"))),
            }
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

impl<'a> Fields<'a> {
    fn limit(&self, name: &str) -> Option<&'a RawValue> {
        match name {
            "max_tokens" => self.max_tokens,
            "max_completion_tokens" => self.max_completion_tokens,
            _ => self.max_output_tokens,
        }
    }
}

fn unnamed() -> Refusal {
    Refusal::invalid("model", "you must name a model: a model group or `provider/model`")
}

fn model(raw: &RawValue) -> Result<String, Refusal> {
    let name: String = serde_json::from_str(raw.get()).map_err(|_| unnamed())?;
    match name.len() {
        0 => Err(unnamed()),
        1..=LONGEST_NAME => Ok(name),
        _ => Err(Refusal::invalid("model", format!("a model's name has at most {LONGEST_NAME} bytes"))),
    }
}

/// Bytes, but for images that stand in the prompt: a string of base64 behind `data:image/...;base64,`, or as the `data`
/// of an Anthropic source whose media type is an image.
fn input_bound(body: &[u8]) -> u64 {
    let (mut images, mut encoded, mut from) = (0, 0, 0);
    while let Some(at) = memmem::find(&body[from..], b"\"data").map(|at| from + at) {
        from = at + 5;
        let Some(data) = image_data(body, at) else { continue };
        images += 1;
        encoded += data.1 - data.0;
        from = data.1;
    }
    (body.len() - encoded) as u64 + images * IMAGE_TOKENS
}

/// Where an image's base64 stands, if the `"data` at `at` begins one.
fn image_data(body: &[u8], at: usize) -> Option<Span> {
    const NEAR: usize = 128;
    let near = &body[at..body.len().min(at + NEAR)];
    let start = if near.starts_with(b"\"data:image/") {
        // As a text it would be read letter by letter.
        let key = body[..at].trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
        key.ends_with(b"url\"").then_some(at + memmem::find(near, b";base64,")? + 8)?
    } else {
        let colon = near.strip_prefix(b"\"data\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let inside = colon.strip_prefix(b"\"")?;
        let before = &body[at.saturating_sub(NEAR)..at];
        memmem::find(before, b"\"image/")?;
        at + near.len() - inside.len()
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let length = body[start..].iter().position(|byte| !plain(byte))?;
    (body[start + length] == b'"').then_some((start, start + length))
}

/// A field that is there, `null` included.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

/// Where `part`, which was borrowed from `whole`, stands in it.
pub(super) fn span(whole: &str, part: &RawValue) -> (usize, usize) {
    let start = part.get().as_ptr() as usize - whole.as_ptr() as usize;
    (start, start + part.get().len())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const CHAT: [&str; 2] = ["max_completion_tokens", "max_tokens"];

    fn open(body: &str) -> Envelope {
        Envelope::open(Bytes::copy_from_slice(body.as_bytes()), &CHAT).unwrap()
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
    fn a_limit_is_read_by_the_names_that_its_protocol_has() {
        let most = |body: &str, names: &[&'static str]| {
            Envelope::open(Bytes::copy_from_slice(body.as_bytes()), names).unwrap().max_output_tokens
        };
        let cheating = r#"{"model":"a","max_tokens":64000,"max_completion_tokens":1,"max_output_tokens":2}"#;
        assert_eq!(most(cheating, &CHAT), Some(64_000));
        assert_eq!(most(cheating, &["max_output_tokens"]), Some(2));
        assert_eq!(most(cheating, &["max_tokens"]), Some(64_000));
        assert_eq!(most(cheating, &[]), None);
        assert_eq!(most(r#"{"model":"a","max_tokens":null}"#, &CHAT), None);
        assert_eq!(open(r#"{"model":"a","n":3}"#).answers, 3);
        assert!(open(r#"{"model":"a","tools":[{}]}"#).tools && !open(r#"{"model":"a","tools":[]}"#).tools);
    }

    #[test]
    fn a_limit_that_says_nothing_is_replaced_rather_than_doubled() {
        let mut envelope = open(r#"{"max_tokens": null, "model":"a"}"#);
        envelope.afforded = Some(70);
        assert_eq!(envelope.patched("m", true, "max_tokens"), r#"{"max_tokens": 70, "model":"m"}"#);
    }

    #[test]
    fn the_prompt_is_bounded_by_its_bytes_with_images_counted_apart() {
        let bound = |body: &str| open(body).input_bound;
        let text = format!(r#"{{"model":"a","messages":"{}"}}"#, "x".repeat(1_000));
        assert_eq!(bound(&text), text.len() as u64);
        let base64 = "A".repeat(1 << 20);
        let images = [
            format!(r#"{{"model":"a","url":"data:image/png;base64,{base64}"}}"#),
            format!(r#"{{"model":"a","source":{{"type":"base64","media_type":"image/png","data": "{base64}"}}}}"#),
        ];
        images.iter().for_each(|image| assert!((6_000..6_100).contains(&bound(image)), "{}", bound(image)));
        for text in [
            format!(r#"{{"model":"a","text":"x;base64,{base64}"}}"#),
            format!(r#"{{"model":"a","text":"data:image/png;base64,{base64}"}}"#),
            format!(r#"{{"model":"a","text":"data:image/png;base64,{base64} and words"}}"#),
            format!(r#"{{"model":"a","file":"data:application/pdf;base64,{base64}"}}"#),
            format!(r#"{{"model":"a","data":"{base64}"}}"#),
        ] {
            assert_eq!(bound(&text), text.len() as u64, "what is no image counts by the byte");
        }
    }

    #[test]
    fn a_body_of_nothing_but_marks_is_looked_through_once() {
        let body = format!(r#"{{"model":"a","text":"{}"}}"#, r#"\"data:image/png;base64,"#.repeat(200_000));
        assert!(open(&body).input_bound > 1_000_000);
    }

    #[test]
    fn what_stands_elsewhere_is_noticed() {
        for part in [r#""previous_response_id":"r""#, r#""conversation":"c""#, r#""input":[{"file_id":"f"}]"#] {
            assert!(open(&format!(r#"{{"model":"a",{part}}}"#)).refers, "{part}");
        }
        assert!(!open(r#"{"model":"a","previous_response_id":null}"#).refers);
        assert!(open(r#"{"model":"a","background":true}"#).background);
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
            ("{\"model\":\"\"}", "model"),
            ("{\"model\":\"a\",\"max_tokens\":\"7\"}", "max_tokens"),
            ("{\"model\":\"a\",\"stream_options\":7}", "stream_options"),
        ] {
            let refusal = Envelope::open(Bytes::copy_from_slice(body.as_bytes()), &CHAT).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{body}: {refusal:?}");
        }
        assert!(Envelope::open(Bytes::from_static(b"{\"model\":\"\xff\"}"), &CHAT).is_err());
    }
}
