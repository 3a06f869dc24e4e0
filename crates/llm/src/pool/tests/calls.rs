//! Calls to fake servers, with time-outs short enough to be waited for.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use infra::Reach;
use kernel::ProviderId;
use serde_json::json;
use testkit::models::{FakeModels, Fault as Broken, Flaw, Reply, Say};
use tokio::time::Instant;

use super::{KEY, PATIENT, caller, route, target};
use crate::error::{ChatError, ChatErrorKind};
use crate::golden;
use crate::model::{Completion, Delta, Stop, TokenUsage, Wire};
use crate::pool::{Target, Upstream};
use crate::request::ChatMessage;

/// Those that are asked over HTTP.
const WIRES: [Wire; 5] = [Wire::OpenaiChat, Wire::OpenaiResponses, Wire::Anthropic, Wire::Gemini, Wire::Ollama];

/// What was shown, with every restart.
async fn ask(targets: &[Target], deadline: Duration) -> (Result<Completion, ChatError>, Vec<String>) {
    let mut shown: Vec<String> = Vec::new();
    let mut on_text = |delta: Delta<'_>| match delta {
        Delta::Restart { attempt } => shown.push(format!("<{attempt}>")),
        Delta::Text(text) => shown.push(text.to_owned()),
    };
    let caller = caller();
    let result = caller.ask(route(&caller, targets, deadline), &golden::request(), &mut on_text).await;
    (result, shown)
}

/// Asks one server of each protocol in turn, which answers as `replies` say.
async fn ask_each(
    replies: fn() -> Vec<Reply>,
    check: impl Fn(Wire, Result<Completion, ChatError>, String, &FakeModels),
) {
    for wire in WIRES {
        let fake = FakeModels::start().await;
        fake.next(replies());
        let (result, shown) = ask(&[target(&fake, wire)], PATIENT).await;
        check(wire, result, shown.concat(), &fake);
    }
}

#[tokio::test]
async fn an_answer_comes_through_every_protocol_with_its_key_and_usage() {
    ask_each(
        || vec![Reply::say("Grüß Gott 🦀")],
        |wire, result, shown, fake| {
            let answer = result.unwrap();
            assert_eq!(
                (answer.text.as_str(), shown.as_str(), answer.stop),
                ("Grüß Gott 🦀", "Grüß Gott 🦀", Stop::End)
            );
            assert_eq!(answer.usage, TokenUsage { input: 11, output: 7, ..TokenUsage::default() }, "{wire}");
            assert_eq!(answer.cost_usd.is_some(), wire == Wire::Ollama, "the model's price is not known");
            let calls = fake.calls();
            assert_eq!((calls[0].key(), calls[0].system().as_str()), (Some(KEY), "You are Mara."));
            assert_eq!(calls[0].question(), "What time is it, and what is 2+2?");
            assert_eq!(calls[0].tool_results(), ["09:17", "division by zero"]);
            assert_eq!(calls[0].tools(), ["date_time"]);
        },
    )
    .await;
}

#[tokio::test]
async fn parallel_tool_calls_come_through_every_protocol() {
    ask_each(
        || vec![Reply::calls([("one", &json!({"x": 1})), ("two", &json!({"y": "ä"}))])],
        |wire, result, _, _| {
            let answer = result.unwrap();
            let calls: Vec<_> = answer.tool_calls.iter().map(|call| (call.name.as_str(), &call.arguments)).collect();
            assert_eq!(calls, [("one", &json!({"x": 1})), ("two", &json!({"y": "ä"}))], "{wire}");
            assert_ne!(answer.tool_calls[0].id, answer.tool_calls[1].id);
            assert_eq!(answer.stop, Stop::ToolCalls);
        },
    )
    .await;
}

#[tokio::test]
async fn servers_that_do_not_stream_are_understood() {
    ask_each(
        || vec![Say { never_streams: true, ..Say::text("in one piece") }.into()],
        |wire, result, shown, _| {
            assert_eq!(result.unwrap().text, "in one piece", "{wire}");
            assert_eq!(shown, "in one piece");
        },
    )
    .await;
}

#[tokio::test]
async fn oddities_of_whole_answers_are_put_up_with() {
    for flaw in [Flaw::NullChoices, Flaw::NoUsage] {
        let fake = FakeModels::start().await;
        fake.next([Reply::flawed("fine", flaw)]);
        let answer = ask(&[target(&fake, Wire::OpenaiChat)], PATIENT).await.0.unwrap();
        assert_eq!((answer.text.as_str(), answer.calls[0].usage.is_some()), ("fine", flaw == Flaw::NullChoices));
    }
}

/// Everything that may pass by itself.
fn passing() -> Vec<(&'static str, Reply)> {
    vec![
        ("500", Reply::status(500)),
        ("429", Reply::too_many_requests(None)),
        ("a web page", Reply::fail(Broken::Html)),
        ("half a stream", Reply::flawed("half of it", Flaw::Half)),
        ("an error in mid-stream", Reply::flawed("half of it", Flaw::ErrorInStream)),
        ("silence in mid-stream", Reply::flawed("half of it", Flaw::Stall)),
        ("invalid UTF-8", Reply::flawed("spoilt", Flaw::InvalidUtf8)),
        ("no headers", Reply::fail(Broken::Hang)),
        ("an empty body", Reply::fail(Broken::Nothing)),
        ("a closed connection", Reply::fail(Broken::HangUp)),
        ("nothing but comments", Reply::fail(Broken::Comments)),
        ("an empty answer", Reply::say("")),
        ("nonsense", Reply::fail(Broken::Body { content_type: "text/plain", body: b"\x00\xff\n\n".to_vec() })),
    ]
}

#[tokio::test]
async fn what_passes_is_tried_again_until_there_is_an_answer() {
    let cases = WIRES.into_iter().flat_map(|wire| passing().into_iter().map(move |(name, reply)| (wire, name, reply)));
    join_all(cases.map(|(wire, name, reply)| async move {
        let fake = FakeModels::start().await;
        fake.next([reply.clone(), reply, Reply::say("at last")]);
        let (result, shown) = ask(&[target(&fake, wire)], PATIENT).await;
        let answer = result.unwrap_or_else(|error| panic!("{wire}, {name}: {error}"));
        assert_eq!(answer.text, "at last", "{wire}, {name}");
        let oks: Vec<bool> = answer.calls.iter().map(|call| call.ok).collect();
        assert_eq!(oks, [false, false, true], "{wire}, {name}");
        assert!(answer.calls[0].error.is_some() && answer.calls[0].cost_usd.is_none_or(|cost| cost.is_zero()));
        // Whatever was shown before is taken back before the next attempt's text.
        let text_before = shown.iter().position(|piece| piece == "<3>").map_or(0, |at| at + 1);
        assert_eq!(shown[text_before..].concat(), "at last", "{wire}, {name}: {shown:?}");
        assert!(text_before > 0 || shown.concat() == "at last", "{wire}, {name}: {shown:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_single_target_gets_three_attempts_and_the_last_word_is_told() {
    join_all(passing().into_iter().map(|(name, reply)| async move {
        let fake = FakeModels::start().await;
        fake.otherwise(move |_| reply.clone());
        let error = ask(&[target(&fake, Wire::OpenaiChat)], PATIENT).await.0.unwrap_err();
        assert_eq!((error.kind, error.calls.len(), fake.count()), (ChatErrorKind::Exhausted, 3, 3), "{name}: {error}");
        assert!(error.message.contains("openai-chat/m") && error.message.contains("asked 3 times"), "{error}");
    }))
    .await;
}

#[tokio::test]
async fn the_pause_a_provider_asks_for_is_kept_where_it_fits() {
    let fake = FakeModels::start().await;
    fake.next([Reply::too_many_requests(Some("0.3")), Reply::say("now")]);
    let started = Instant::now();
    assert!(ask(&[target(&fake, Wire::OpenaiChat)], PATIENT).await.0.is_ok());
    assert!(started.elapsed() >= Duration::from_millis(300));
    fake.next([Reply::too_many_requests(Some("3600")), Reply::say("now")]);
    assert!(ask(&[target(&fake, Wire::OpenaiChat)], PATIENT).await.0.is_ok());
}

#[tokio::test]
async fn who_refuses_is_asked_once_and_the_next_target_answers() {
    let refusals = [
        Reply::status(400),
        Reply::status(401),
        Reply::status(403),
        Reply::status(404),
        Reply::fail(Broken::Quota),
        Reply::giant_call("one", 9 << 20),
    ];
    for reply in refusals {
        let (first, second) = (FakeModels::start().await, FakeModels::start().await);
        first.otherwise(move |_| reply.clone());
        second.otherwise(|_| Reply::say("from the fallback"));
        let targets = [target(&first, Wire::OpenaiChat), target(&second, Wire::Anthropic)];
        let answer = ask(&targets, PATIENT).await.0.unwrap();
        assert_eq!((answer.text.as_str(), answer.model.provider.as_str()), ("from the fallback", "anthropic"));
        assert_eq!((first.count(), answer.calls.len()), (1, 2));
    }
}

#[tokio::test]
async fn a_hanging_target_gives_way_to_the_next_at_once() {
    let (first, second) = (FakeModels::start().await, FakeModels::start().await);
    first.otherwise(|_| Reply::fail(Broken::Hang));
    second.otherwise(|_| Reply::say("here"));
    let targets = [target(&first, Wire::OpenaiChat), target(&second, Wire::Ollama)];
    let answer = ask(&targets, PATIENT).await.0.unwrap();
    assert_eq!((answer.text.as_str(), first.count()), ("here", 1));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_failed_over_and_told() {
    let gone = target(&FakeModels::start().await, Wire::Ollama);
    let fake = FakeModels::start().await;
    let answer = ask(&[gone.clone(), target(&fake, Wire::OpenaiChat)], PATIENT).await.0.unwrap();
    assert_eq!((answer.text.as_str(), answer.calls.len()), ("ok", 4));
    let error = ask(&[gone], PATIENT).await.0.unwrap_err();
    assert!(error.message.contains("could not be reached: could not connect (Connection refused"), "{error}");
}

#[tokio::test]
async fn the_deadline_ends_everything_in_the_middle_of_an_attempt_too() {
    let fake = FakeModels::start().await;
    fake.otherwise(|_| Reply::flawed("and so on ", Flaw::Endless));
    let started = Instant::now();
    let (result, shown) = ask(&[target(&fake, Wire::OpenaiChat)], Duration::from_millis(400)).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.calls.len()), (ChatErrorKind::Deadline, 1), "{error}");
    assert!(!shown.is_empty() && started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_question_that_everybody_refuses_is_told_from_an_outage() {
    let fake = FakeModels::start().await;
    fake.otherwise(|_| Reply::status(400));
    let error = ask(&[target(&fake, Wire::Anthropic)], PATIENT).await.0.unwrap_err();
    assert_eq!((error.kind, error.calls.len()), (ChatErrorKind::Invalid, 1));
}

#[tokio::test]
async fn no_key_is_in_any_error_and_none_follows_a_redirect() {
    let (fake, elsewhere) = (FakeModels::start().await, FakeModels::start().await);
    fake.next([Reply::status(401)]);
    let error = ask(&[target(&fake, Wire::OpenaiChat)], PATIENT).await.0.unwrap_err();
    assert!(error.message.contains("to the key ***"), "{error}");
    assert!(!format!("{error:?}").contains("0123456789"), "{error:?}");

    fake.next([Reply::fail(Broken::Redirect(format!("{}/chat/completions", elsewhere.openai_url())))]);
    let error = ask(&[target(&fake, Wire::OpenaiChat)], PATIENT).await.0.unwrap_err();
    assert!(error.message.contains("not followed"), "{error}");
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn a_private_address_is_out_of_a_tenants_reach() {
    let fake = FakeModels::start().await;
    let mut upstream = Arc::into_inner(target(&fake, Wire::OpenaiChat).upstream).unwrap();
    upstream.reach = Reach::Public;
    let target = Target { upstream: Arc::new(upstream), model: "m".into(), price: None };
    let error = ask(&[target], PATIENT).await.0.unwrap_err();
    assert_eq!((error.calls.len(), fake.count()), (1, 0), "{error}");
}

#[tokio::test]
async fn the_connection_is_used_again_for_the_next_call() {
    let fake = FakeModels::start().await;
    let (caller, target) = (caller(), target(&fake, Wire::OpenaiChat));
    for _ in 0..3 {
        let route = route(&caller, std::slice::from_ref(&target), PATIENT);
        caller.ask(route, &golden::request(), &mut |_| {}).await.unwrap();
    }
    assert_eq!(fake.connections(), 1);
}

#[tokio::test]
async fn the_offline_model_answers_through_the_pool_for_nothing() {
    let fake = FakeModels::start().await;
    let mut request = golden::request();
    request.messages.push(ChatMessage::user("How do I connect Ollama?"));
    let mut shown = Vec::new();
    let caller = caller();
    let route = route(&caller, &[target(&fake, Wire::Builtin)], PATIENT);
    let answer = caller
        .ask(route, &request, &mut |delta| {
            if let Delta::Text(text) = delta {
                shown.push(text.to_owned());
            }
        })
        .await
        .unwrap();
    assert!(answer.text.contains("offline model") && answer.tool_calls.is_empty());
    assert_eq!((shown.concat(), answer.cost_usd), (answer.text, Some(0.into())));
    assert!(shown.len() > 20 && fake.count() == 0);
}

#[test]
fn keys_are_taken_out_of_a_providers_words_whole_or_in_part() {
    let upstream = Upstream {
        id: ProviderId::new(),
        name: "p".into(),
        wire: Wire::OpenaiChat,
        base: None,
        reach: Reach::Public,
        key: Some(KEY.into()),
        gate: Arc::default(),
    };
    let target = Target { upstream: Arc::new(upstream), model: "m".into(), price: None };
    for (words, want) in [
        ("bad key sk-test-0123456789.", "bad key ***."),
        ("bad key sk-test-01****89", "bad key *******89"),
        ("cut at sk-test-012", "cut at ***"),
        ("sk-test-0123456789sk-test-0123456789", "******"),
        ("no key here", "no key here"),
    ] {
        assert_eq!(target.redact(words), want);
    }
}
