use channels::conversation::{self, ConversationFilter};
use channels::ingress::TryMessage;
use channels::{Author, ChannelKind, Connection, NewConnection};
use durable::ReplyState;
use kernel::{ErrorKind, LaneId, PageRequest, UserId};
use serde_json::json;

use crate::world::{PATIENCE, World, organisation};

async fn web(world: &World) -> Connection {
    let new = NewConnection {
        project: world.acme.project,
        name: "site".into(),
        channel: ChannelKind::Web,
        agent: world.acme.mara,
        external_id: "site".into(),
        app_id: String::new(),
        settings: json!({"title": "Ask us"}),
        secrets: Default::default(),
    };
    world.try_connect(&world.acme, new, Author::Member).await.unwrap()
}

async fn answer(world: &World, lane: LaneId, seq: i64) -> String {
    testkit::eventually_some(PATIENCE, || async {
        let entries = world.transcript(lane).await;
        let reply = entries.into_iter().find(|entry| entry.seq == seq)?.reply?;
        (reply.state == ReplyState::Confirmed).then(|| reply.text.unwrap())
    })
    .await
}

#[tokio::test]
async fn a_visitor_is_answered_and_a_message_sent_twice_counts_once() {
    let world = World::new().await;
    let chat = web(&world).await;
    let page = world.channels.web_chat(chat.id).await.unwrap();
    assert_eq!((page.agent.name.as_str(), page.settings.title.as_deref()), ("Mara", Some("Ask us")));
    let (visitor, token) = world.channels.web_welcome(chat.id).await.unwrap();
    assert_eq!(world.channels.web_visitor(chat.id, &token).await.unwrap(), visitor);
    let placed = world.channels.web_message(&visitor, "m1", " hello ").await.unwrap();
    assert!(!placed.duplicate);
    assert_eq!(placed.conversation, visitor.conversation());
    assert_eq!(answer(&world, placed.conversation, placed.seq).await, "echo: hello");
    let again = world.channels.web_message(&visitor, "m1", "hello").await.unwrap();
    assert_eq!((again.seq, again.duplicate), (placed.seq, true));
    let (other, _) = world.channels.web_welcome(chat.id).await.unwrap();
    let placed = world.channels.web_message(&other, "m1", "hello").await.unwrap();
    assert!(!placed.duplicate, "another visitor's id is another's");
    for (id, text) in [("", "x"), ("m2", " "), ("m2", &"x".repeat(40_000))] {
        let refused = world.channels.web_message(&visitor, id, text).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }
    let token = world.channels.web_visitor(chat.id, "kv_forged").await.unwrap_err();
    assert_eq!(token.kind(), ErrorKind::Unauthenticated);
    let unknown = world.channels.web_chat(kernel::ConnectionId::new()).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_draft_is_tried_out_in_conversations_of_its_own() {
    let world = World::connected().await;
    let mut said = TryMessage {
        tenant: world.acme.tenant,
        project: world.acme.project,
        agent: world.acme.mara,
        user: UserId::new(),
        conversation: None,
        id: "m1",
        text: "hello",
    };
    let first = world.channels.try_message(&said).await.unwrap();
    said.conversation = Some(first.conversation);
    said.id = "m2";
    let second = world.channels.try_message(&said).await.unwrap();
    assert_eq!((second.conversation, second.seq), (first.conversation, first.seq + 1));
    assert_eq!(answer(&world, first.conversation, second.seq).await, "echo: hello");
    assert!(world.stored().await.iter().all(|message| message.draft && message.connection.is_none()));

    said.agent = world.acme.alex;
    assert_eq!(world.channels.try_message(&said).await.unwrap_err().kind(), ErrorKind::NotFound, "Mara's, not Alex's");
    let on_slack = world.workspace.mention("C1", "U1", "hello");
    world.deliver(&world.workspace.mention_event(&on_slack)).await.unwrap();
    let lane = world.stored().await.into_iter().find(|message| !message.draft).unwrap().conversation;
    (said.agent, said.conversation) = (world.acme.mara, Some(lane));
    assert_eq!(world.channels.try_message(&said).await.unwrap_err().kind(), ErrorKind::NotFound, "no trial");
}

#[tokio::test]
async fn a_trial_is_a_conversation_before_its_first_turn_begins() {
    let world = World::idle().await;
    let said = TryMessage {
        tenant: world.acme.tenant,
        project: world.acme.project,
        agent: world.acme.mara,
        user: UserId::new(),
        conversation: None,
        id: "m1",
        text: "hello",
    };
    for duplicate in [false, true] {
        let placed = world.channels.try_message(&said).await.unwrap();
        assert_eq!((placed.seq, placed.duplicate), (1, duplicate));
        let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
        let found = conversation::find(&mut tx, placed.conversation).await.unwrap().expect("it is there");
        assert_eq!((found.title.as_str(), found.agent.unwrap().name.as_str()), ("hello", "Mara"));
    }
}

#[tokio::test]
async fn conversations_are_listed_and_searched_by_title_message_and_answer() {
    let world = World::new().await;
    let chat = web(&world).await;
    for text in ["the blue 50% parrot", "the red parrot", "a cat"] {
        let (visitor, _) = world.channels.web_welcome(chat.id).await.unwrap();
        let placed = world.channels.web_message(&visitor, "m1", text).await.unwrap();
        answer(&world, placed.conversation, placed.seq).await;
    }
    let mut tx = world.db.tenant(world.acme.tenant).await.unwrap();
    let mut search = async |words: &str| {
        let filter = ConversationFilter { search: Some(words.into()), ..ConversationFilter::default() };
        let page = PageRequest::new(None, None);
        let found = conversation::list(&mut tx, world.acme.project, &filter, &page).await.unwrap();
        found.items.into_iter().map(|found| found.title).collect::<Vec<_>>()
    };
    assert_eq!(search("PARROT").await, ["the red parrot", "the blue 50% parrot"]);
    assert_eq!(search("0%").await, ["the blue 50% parrot"]);
    assert_eq!(search("echo: a c").await, ["a cat"]);
    assert_eq!(search("").await.len(), 3);
    assert!(search("%").await.len() == 1);
    let found = conversation::list(
        &mut tx,
        world.acme.project,
        &ConversationFilter::default(),
        &PageRequest::new(None, Some(2)),
    )
    .await
    .unwrap();
    assert_eq!((found.items.len(), found.next.is_some()), (2, true));
    let one = conversation::find(&mut tx, found.items[0].id).await.unwrap().unwrap();
    assert_eq!(one.agent.unwrap().name, "Mara");
    let rival = organisation(&world.db, "rival").await;
    let mut theirs = world.db.tenant(rival.tenant).await.unwrap();
    assert_eq!(conversation::find(&mut theirs, one.id).await.unwrap(), None);
}
