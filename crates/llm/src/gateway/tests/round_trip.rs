//! What is written in a protocol, read by the reader of the same protocol, is the same answer.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{protocols, reader, reply};
use crate::draft::{Answer, Draft};
use crate::model::{Stop, TokenUsage, Wire};
use crate::piece::Sink;
use crate::request::Thought;

/// One thing that happens to an answer under way.
#[derive(Clone, Debug)]
enum Step {
    Think(String),
    Sign(String),
    Seal(String),
    Say(String),
    Call(String),
    /// The next piece of the arguments of one of the calls so far.
    Argue(prop::sample::Index, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let text = "[a-z äß🦀\"\\\\{}\n]{1,8}";
    prop_oneof![
        text.prop_map(Step::Think),
        "[a-zA-Z0-9+/]{4,8}".prop_map(Step::Sign),
        "[a-zA-Z0-9+/]{4,8}".prop_map(Step::Seal),
        text.prop_map(Step::Say),
        "[a-z_]{1,8}".prop_map(Step::Call),
        (any::<prop::sample::Index>(), 1..6_usize).prop_map(|(call, length)| Step::Argue(call, length)),
    ]
}

fn arguments() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![any::<i32>().prop_map(|n| json!(n)), "[a-z\"\\\\{}\\[\\]ü]{0,6}".prop_map(|s| json!(s))];
    let nested = scalar.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..3).prop_map(|members| json!(members)),
        ]
    });
    prop::collection::btree_map("[a-z]{1,3}", nested, 0..3).prop_map(|members| json!(members))
}

fn usage() -> impl Strategy<Value = TokenUsage> {
    (0..99_u64, 0..99_u64, 0..99_u64, 1..99_u64).prop_map(|(input, cache_read, cache_write, output)| TokenUsage {
        input,
        cache_read,
        cache_write,
        output,
        reasoning: output / 2,
        ..TokenUsage::default()
    })
}

/// The answer that comes of `steps`; `sink` hears of its pieces. Every call's arguments are there in the end, those that
/// were not told before in one piece.
fn happen(steps: &[Step], arguments: &[Value], sink: &mut Sink<'_>) -> Draft {
    let mut draft = Draft::new(1);
    let mut calls: Vec<(String, usize)> = Vec::new();
    let piece_of = |calls: &mut Vec<(String, usize)>, at: usize, length: usize| {
        let (json, from) = &mut calls[at];
        let piece: String = json.chars().skip(*from).take(length).collect();
        *from = from.saturating_add(length);
        piece
    };
    for step in steps {
        match step {
            Step::Think(text) => draft.think(text, sink),
            Step::Sign(proof) => draft.sign(proof, sink),
            Step::Seal(data) => draft.seal(data, sink),
            Step::Say(text) => draft.say(text, sink),
            Step::Call(name) if calls.len() < arguments.len() => {
                let at = calls.len();
                calls.push((arguments[at].to_string(), 0));
                draft.call(at as u64, &format!("call_{at}"), name, sink)
            }
            Step::Argue(call, length) if !calls.is_empty() => {
                let at = call.index(calls.len());
                draft.argue(at as u64, &piece_of(&mut calls, at, *length), sink)
            }
            Step::Call(_) | Step::Argue(..) => Ok(()),
        }
        .unwrap();
    }
    for at in 0..calls.len() {
        draft.argue(at as u64, &piece_of(&mut calls, at, usize::MAX), sink).unwrap();
    }
    // An answer says something.
    draft.say(".", sink).unwrap();
    draft
}

/// The answer, as far as `wire` has a place for it.
fn told_by(wire: Wire, mut answer: Answer) -> Answer {
    answer.tool_calls.iter_mut().for_each(|call| call.echo = None);
    if wire == Wire::OpenaiChat {
        answer.thoughts.retain(|thought| matches!(thought, Thought::Open { .. }));
        answer.thoughts.iter_mut().for_each(|thought| {
            if let Thought::Open { signature, .. } = thought {
                *signature = None;
            }
        });
    }
    answer
}

/// The same answer with thoughts that nothing keeps apart made into one.
fn joined(mut answer: Answer) -> Answer {
    let mut joined: Vec<Thought> = Vec::new();
    for thought in answer.thoughts {
        match (joined.last_mut(), thought) {
            (Some(Thought::Open { text, signature: proof @ None }), Thought::Open { text: more, signature }) => {
                text.push_str(&more);
                *proof = signature;
            }
            (_, thought) => joined.push(thought),
        }
    }
    joined.retain(|thought| !matches!(thought, Thought::Open { text, signature: None } if text.is_empty()));
    answer.thoughts = joined;
    answer
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        (protocol, wire) in prop::sample::select(vec![(0, Wire::OpenaiChat), (1, Wire::Anthropic), (2, Wire::OpenaiResponses)]),
        steps in prop::collection::vec(step(), 0..20),
        arguments in prop::collection::vec(arguments(), 0..4),
        stop in prop::sample::select(vec![Stop::End, Stop::Length, Stop::Filtered]),
        usage in usage(),
    ) {
        let (_, protocol) = protocols()[protocol];
        let (mut writer, mut out) = (protocol.writer(reply()), Vec::new());
        writer.begin(&mut out);
        let mut draft = happen(&steps, &arguments, &mut |piece| writer.piece(piece, &mut out));
        (draft.stop, draft.usage) = (Some(stop), Some(usage));
        let answer = draft.finish().unwrap();
        writer.end(&answer, &mut out);
        let want = joined(told_by(wire, answer.clone()));

        let mut stream = reader(wire);
        stream.feed(&out, &mut |_| {}).unwrap();
        let read = stream.finish(&mut |_| {}).unwrap();
        prop_assert_eq!(&joined(told_by(wire, read)), &want, "{}", String::from_utf8_lossy(&out));

        let whole = protocol.whole(&reply(), &answer);
        let read = reader(wire).whole(&whole, &mut |_| {}).unwrap();
        prop_assert_eq!(&joined(told_by(wire, read)), &want, "{}", String::from_utf8_lossy(&whole));
    }
}
