//! How many tokens something comes to, by a cautious guess: for `count_tokens` and for what is told before a provider
//! has counted. The models' own tokenizers are not at hand, and they differ; this guess stays above most of them.

use crate::draft::Answer;
use crate::request::{ChatMessage, ChatRequest, Content, OutputFormat, Thought, ToolCall};

/// What an image comes to, whatever its size: what Anthropic counts for the largest that it does not scale down.
const IMAGE: u64 = 1600;
/// What marks a message's beginning, end and speaker.
const MESSAGE: u64 = 5;
/// What marks a tool or a call of one.
const TOOL: u64 = 15;
/// What tells a model that there are tools at all.
const TOOLS: u64 = 350;

/// Tokens of everything the model is to read.
pub(crate) fn prompt_tokens(request: &ChatRequest) -> u64 {
    let system = if request.system.is_empty() { 0 } else { MESSAGE + text(&request.system) };
    let messages: u64 = request.messages.iter().map(message).sum();
    let tool = |tool: &crate::request::ToolSpec| {
        TOOL + text(&tool.name) + text(&tool.description) + text(&tool.parameters.to_string())
    };
    let tools = if request.tools.is_empty() { 0 } else { TOOLS + request.tools.iter().map(tool).sum::<u64>() };
    let schema = match &request.output {
        OutputFormat::Schema { schema, .. } => TOOL + text(&schema.to_string()),
        OutputFormat::Text | OutputFormat::Json => 0,
    };
    system + messages + tools + schema
}

/// Tokens of an answer whose provider did not count them.
pub(super) fn answer_tokens(answer: &Answer) -> u64 {
    let spoken = thoughts(&answer.thoughts) + text(&answer.text);
    spoken + answer.tool_calls.iter().map(call).sum::<u64>()
}

fn message(message: &ChatMessage) -> u64 {
    MESSAGE
        + match message {
            ChatMessage::User { content: said } => content(said),
            ChatMessage::Assistant { thoughts: thought, text: said, tool_calls } => {
                thoughts(thought) + text(said) + tool_calls.iter().map(call).sum::<u64>()
            }
            ChatMessage::Tool { call_id, content: said, .. } => TOOL + text(call_id) + content(said),
        }
}

fn content(content: &Content) -> u64 {
    let texts: u64 = content.0.iter().filter_map(|part| part.as_text()).map(text).sum();
    texts + IMAGE * content.images().count() as u64
}

fn call(call: &ToolCall) -> u64 {
    TOOL + text(&call.id) + text(&call.name) + text(&call.arguments.to_string())
}

fn thoughts(thoughts: &[Thought]) -> u64 {
    let thought = |thought: &Thought| match thought {
        Thought::Open { text: told, .. } => text(told),
        // Encrypted, in base64.
        Thought::Sealed { data } => data.len() as u64 / 4,
    };
    thoughts.iter().map(thought).sum()
}

/// Counts in twelfths of a token. Tokenizers know whole words, so that a word costs by its beginning more than by its
/// length; digits, signs and what looks like chance cost most; scripts they saw less of cost by the character.
fn text(text: &str) -> u64 {
    let (mut twelfths, mut before) = (0, Class::Space);
    for character in text.chars() {
        let class = Class::of(character);
        let goes_on = before == class || (before, class) == (Class::Capital, Class::Letter);
        twelfths += match class {
            Class::Space => 1,
            Class::Letter => 2 + if goes_on { 0 } else { 8 },
            Class::Capital => 4 + if goes_on { 0 } else { 8 },
            Class::Digit => 5 + if goes_on { 0 } else { 6 },
            Class::Sign => 8,
            Class::Alphabetic => 10,
            Class::Ideographic => 16,
            Class::Emoji => 40,
        };
        before = class;
    }
    u64::div_ceil(twelfths, 12)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Letter,
    Capital,
    Digit,
    Sign,
    /// Two bytes in UTF-8: Latin with accents, Greek, Cyrillic, Hebrew, Arabic.
    Alphabetic,
    /// Three bytes: Chinese, Japanese, Korean, the scripts of India and South East Asia.
    Ideographic,
    /// Four bytes.
    Emoji,
}

impl Class {
    fn of(character: char) -> Self {
        match character.len_utf8() {
            1 if character.is_ascii_lowercase() => Self::Letter,
            1 if character.is_ascii_uppercase() => Self::Capital,
            1 if character.is_ascii_digit() => Self::Digit,
            1 if character.is_ascii_whitespace() => Self::Space,
            1 => Self::Sign,
            2 => Self::Alphabetic,
            3 => Self::Ideographic,
            _ => Self::Emoji,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::{Image, Part, ToolSpec};

    #[test]
    fn the_guess_is_not_far_below_what_tokenizers_count_and_never_beyond_all_measure() {
        // Counted with cl100k_base and o200k_base, the larger of the two.
        for (words, counted) in [
            ("The quick brown fox jumps over the lazy dog.", 10),
            ("fn main() { println!(\"{}\", 40 + 2); }", 13),
            ("{\"zone\": \"UTC\", \"at\": \"2026-01-01T00:00:00Z\"}", 24),
            ("a1b2c3d4-e5f6-47a8-b9c0-d1e2f3a4b5c6", 32),
            ("aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQgZW5jb2RlZCB0ZXh0", 39),
            ("今日の天気はどうですか", 10),
            ("Привет, как дела?", 8),
            ("مرحبا كيف حالك اليوم", 15),
        ] {
            let guess = text(words);
            assert!(guess * 10 >= counted * 7 && guess <= counted * 2, "{words}: {guess} for {counted}");
        }
    }

    #[test]
    fn everything_that_is_read_counts() {
        let bare = ChatRequest { messages: vec![ChatMessage::user("Hello")], ..ChatRequest::default() };
        let mut with = bare.clone();
        let mut more = |change: &dyn Fn(&mut ChatRequest)| {
            let before = prompt_tokens(&with);
            change(&mut with);
            prompt_tokens(&with) - before
        };
        assert!(more(&|request| request.system = "You are Mara.".into()) > 5);
        let image = Part::Image { image: Image::Url { url: "https://e.org/a.png".into() } };
        assert!(
            more(&|request| request.messages.push(ChatMessage::User { content: Content(vec![image.clone()]) })) > 1500
        );
        let tool = ToolSpec { name: "clock".into(), description: "Tells the time.".into(), parameters: json!({}) };
        assert!(more(&|request| request.tools.push(tool.clone())) > TOOLS);
    }
}
