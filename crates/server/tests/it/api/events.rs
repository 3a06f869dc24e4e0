use std::pin::Pin;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::Session;
use testkit::models::{Reply, Say};
use tokio::time::timeout;
use uuid::Uuid;

use super::world::World;
use crate::desk::Desk;

/// Generous: for a machine under load.
const SOON: Duration = Duration::from_secs(60);

/// One event of a stream.
#[derive(Debug)]
struct Told {
    id: Option<String>,
    kind: String,
    data: Value,
}

/// A conversation's events, and the raw lines between them.
struct Reader {
    bytes: Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    held: String,
}

impl Reader {
    async fn open(who: &Session, path: &str, last: Option<&str>) -> Self {
        let mut request = who.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        Self {
            bytes: Box::pin(answer.bytes_stream().map(|bytes| bytes.map(|bytes| bytes.to_vec()))),
            held: String::new(),
        }
    }

    /// The next block of lines; `None` at the end of the stream.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.held.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.held = rest;
                return Some(block);
            }
            let more = timeout(SOON, self.bytes.next()).await.expect("an event in time")?.ok()?;
            self.held.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    async fn next(&mut self) -> Told {
        loop {
            let block = self.block().await.expect("the stream goes on");
            let field = |name: &str| {
                block.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim_start().to_owned())
            };
            if let (Some(kind), Some(data)) = (field("event:"), field("data:")) {
                return Told { id: field("id:"), kind, data: serde_json::from_str(&data).unwrap() };
            }
        }
    }

    /// The next event with an id.
    async fn next_final(&mut self) -> Told {
        loop {
            let told = self.next().await;
            if told.id.is_some() {
                return told;
            }
        }
    }
}

fn web(world: &World, rest: &str) -> String {
    world.acme.path(&format!("/channels/web/{{web}}{rest}"))
}

async fn say(world: &World, text: &str) -> i64 {
    let body = json!({"id": Uuid::now_v7(), "text": text});
    world.acme.visitor.send(Method::POST, &web(world, "/messages"), &body).await["seq"].as_i64().unwrap()
}

#[tokio::test]
async fn a_visitor_is_told_what_was_said_and_what_is_answered_and_resumes_without_a_gap() {
    let world = World::new().await;
    let visitor = &world.acme.visitor;
    let mut reader = Reader::open(visitor, &web(&world, "/events"), None).await;
    assert_eq!(reader.block().await.unwrap(), "retry: 1000");
    let (said, answered) = (reader.next_final().await, reader.next_final().await);
    assert_eq!((said.id.as_deref(), answered.id.as_deref()), (Some("1.0"), Some("1.1")));
    assert_eq!(said.data["text"], "hello there");
    assert_eq!((&answered.data["state"], &answered.data["direction"]), (&json!("confirmed"), &json!("outbound")));
    assert_eq!(answered.data.get("run_id"), None, "how it was made is not for visitors");

    let seq = say(&world, "and again").await;
    let (said, answered) = (reader.next_final().await, reader.next_final().await);
    assert_eq!(said.id.unwrap(), format!("{seq}.0"));
    assert_eq!(answered.id.unwrap(), format!("{seq}.1"));
    assert!(!answered.data["text"].as_str().unwrap().is_empty());
    drop(reader);

    let missed = say(&world, "while nobody listened").await;
    let mut reader = Reader::open(visitor, &web(&world, "/events"), Some(&format!("{seq}.1"))).await;
    let mut told = Vec::new();
    while told.last() != Some(&format!("{missed}.1")) {
        told.push(reader.next_final().await.id.unwrap());
    }
    // What may have been missed is told again; what the reader has seen is not.
    assert!(told.contains(&format!("{missed}.0")), "{told:?}");
    assert!(!told.contains(&format!("{seq}.1")), "{told:?}");
}

#[tokio::test]
async fn the_portal_sees_the_same_conversation_with_its_runs() {
    let world = World::new().await;
    let path =
        world.acme.path("/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/events");
    let mut reader = Reader::open(&world.acme.viewer, &path, None).await;
    reader.next_final().await;
    let answered = reader.next_final().await;
    assert_eq!(answered.data["run_id"], world.acme.id("run"));
    let seq = say(&world, "live").await;
    loop {
        let told = reader.next().await;
        if told.kind == "message" && told.id == Some(format!("{seq}.1")) {
            break;
        }
    }
}

#[tokio::test]
async fn a_stream_ends_soon_after_its_reader_s_right_to_it() {
    let world = World::new().await;
    let path =
        world.acme.path("/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/events");
    let mut reader = Reader::open(&world.acme.viewer, &path, None).await;
    world.acme.viewer.send(Method::POST, "/api/auth/logout", &Value::Null).await;
    while reader.block().await.is_some() {}
}

#[tokio::test]
async fn a_message_sent_twice_is_one_message() {
    let world = World::new().await;
    let body = json!({"id": Uuid::now_v7(), "text": "once"});
    let first = world.acme.visitor.send(Method::POST, &web(&world, "/messages"), &body).await;
    let second = world.acme.visitor.send(Method::POST, &web(&world, "/messages"), &body).await;
    assert_eq!(first, second);
    let list = world.acme.visitor.get(&web(&world, "/messages")).await;
    let once = list["items"].as_array().unwrap().iter().filter(|message| message["text"] == "once").count();
    assert_eq!(once, 1);
}

#[tokio::test]
async fn pieces_of_an_answer_stand_at_bytes_whatever_the_script_and_go_on_for_a_reader_that_resumes() {
    let desk = Desk::new("").await;
    let whole = "مرحبا 🌷 Grüße, 你好! ".repeat(20).trim_end().to_owned();
    let slow = Say { chunks: 60, pace: Duration::from_millis(20), ..Say::text(whole.clone()) };
    desk.models.next([Reply::say("first"), Reply::Say(slow)]);
    desk.ask("hello").await;
    let mut early = Reader::open(&desk.visitor(), &desk.events(), Some("1.1")).await;
    let seq = desk.say("السلام عليكم").await;
    assert_eq!(early.next_final().await.data["text"], "السلام عليكم");
    let (mut said, mut late) = (String::new(), None);
    let answer = loop {
        let told = early.next().await;
        if told.id == Some(format!("{seq}.1")) {
            break told.data;
        }
        if told.kind != "text" || told.data["text"] == "" {
            continue;
        }
        assert_eq!(told.data["offset"], said.len(), "in bytes of UTF-8, not in characters: {said}");
        said.push_str(told.data["text"].as_str().unwrap());
        if late.is_none() && said.len() > 100 {
            late = Some(Reader::open(&desk.visitor(), &desk.events(), Some(&format!("{seq}.0"))).await);
        }
    };
    assert_eq!((said.as_str(), answer["text"].as_str()), (whole.as_str(), Some(whole.as_str())));
    let mut late = late.expect("a reader that came in the middle");
    loop {
        let told = late.next().await;
        if told.id == Some(format!("{seq}.1")) {
            assert_eq!(told.data["text"], whole.as_str());
            break;
        }
        if let (Some(at), Some(text)) = (told.data["offset"].as_u64(), told.data["text"].as_str()) {
            let rest = whole.get(at as usize..).expect("a piece begins where a letter does");
            assert!(rest.starts_with(text), "{text} at byte {at}");
        }
    }
}
