//! What a provider's own words say of its refusal: whether another model may take the same call, or nobody will.
//!
//! Kinds are trusted before words, and words only where several vendors give no kind for the same thing.

use crate::fault::Verdict;

const OUT_OF_CREDIT: [&str; 3] = ["insufficient_quota", "billing_error", "billing_hard_limit_reached"];
const TOO_LONG: [&str; 5] = [
    "context_length_exceeded",
    "exceed_context_size_error",
    "request_too_large",
    "string_above_max_length",
    "model_max_prompt_tokens_exceeded",
];
const DECLINED: [&str; 4] =
    ["content_policy_violation", "content_filter", "content_policy", "responsible_ai_policy_violation"];
const REFUSED: [&str; 10] = [
    "authentication_error",
    "unauthenticated",
    "invalid_api_key",
    "permission_error",
    "permission_denied",
    "failed_precondition",
    "not_found_error",
    "not_found",
    "model_not_found",
    "unsupported_model",
];
const INVALID: [&str; 5] =
    ["invalid_request_error", "invalid_argument", "invalid_prompt", "invalid_image", "image_too_large"];

/// In small letters. Anthropic has money, length and policy under `invalid_request_error`, Gemini a wrong key under
/// `INVALID_ARGUMENT`; vLLM, llama.cpp and Mistral have the length in words alone.
const IN_WORDS: [(&str, Verdict); 14] = [
    ("credit balance is too low", Verdict::OutOfCredit),
    ("insufficient balance", Verdict::OutOfCredit),
    ("prompt is too long", Verdict::TooLong),
    ("input is too long", Verdict::TooLong),
    ("maximum context length", Verdict::TooLong),
    ("exceed context limit", Verdict::TooLong),
    ("exceeds the available context size", Verdict::TooLong),
    ("exceeds the maximum number of tokens", Verdict::TooLong),
    ("too large for model with", Verdict::TooLong),
    ("context window", Verdict::TooLong),
    ("content filtering policy", Verdict::Declined),
    ("content management policy", Verdict::Declined),
    ("safety system", Verdict::Declined),
    ("api key not valid", Verdict::Refused),
];

/// `None`: nothing of this says that the same call will fail again.
pub(crate) fn verdict(kinds: &[String], words: &str) -> Option<Verdict> {
    let is_one_of = |known: &[&str]| kinds.iter().any(|kind| known.iter().any(|it| kind.eq_ignore_ascii_case(it)));
    if is_one_of(&OUT_OF_CREDIT) {
        return Some(Verdict::OutOfCredit);
    } else if is_one_of(&TOO_LONG) {
        return Some(Verdict::TooLong);
    } else if is_one_of(&DECLINED) {
        return Some(Verdict::Declined);
    } else if is_one_of(&REFUSED) {
        return Some(Verdict::Refused);
    }
    // Words stand for kinds where the kind says no more than that the question is not taken, or is missing.
    let invalid = is_one_of(&INVALID);
    if invalid || kinds.iter().all(|kind| kind.is_empty() || kind.eq_ignore_ascii_case("BadRequestError")) {
        let words = words.to_ascii_lowercase();
        if let Some((_, verdict)) = IN_WORDS.iter().find(|(said, _)| words.contains(said)) {
            return Some(*verdict);
        }
    }
    invalid.then_some(Verdict::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_model_may_take_is_told_from_what_nobody_will() {
        let long = Some(Verdict::TooLong);
        for (kinds, words, want) in [
            (&["invalid_request_error", "context_length_exceeded"][..], "This model's maximum …", long),
            (&["invalid_request_error"], "prompt is too long: 210000 tokens > 200000 maximum", long),
            (&["invalid_request_error"], "input length and `max_tokens` exceed context limit: 1 + 2 > 2", long),
            (&["BadRequestError"], "This model's maximum context length is 4096 tokens. However, you …", long),
            (&["exceed_context_size_error"], "the request exceeds the available context size", long),
            (
                &["INVALID_ARGUMENT"],
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                long,
            ),
            (&["invalid_request_error"], "Output blocked by content filtering policy", Some(Verdict::Declined)),
            (&["content_filter"], "", Some(Verdict::Declined)),
            (&["invalid_request_error"], "Your credit balance is too low to access …", Some(Verdict::OutOfCredit)),
            (&["insufficient_quota"], "You exceeded your current quota", Some(Verdict::OutOfCredit)),
            (&["INVALID_ARGUMENT"], "API key not valid. Please pass a valid API key.", Some(Verdict::Refused)),
            (&["invalid_request_error", "model_not_found"], "no such model", Some(Verdict::Refused)),
            (&["invalid_request_error"], "messages: at least one message is required", Some(Verdict::Invalid)),
            (&["overloaded_error"], "Overloaded", None),
            (&["rate_limit_exceeded", "tokens"], "Rate limit reached … maximum context length …", None),
            (&[], "", None),
        ] {
            let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            assert_eq!(verdict(&kinds, words), want, "{kinds:?} {words}");
        }
    }
}
