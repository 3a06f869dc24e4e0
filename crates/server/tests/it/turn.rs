//! Turns through the real process: tools, failures, limits, versions, memory and a crash in the middle.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::models::Reply;

use crate::desk::{Desk, employee, options};

const WITH_TOOLS: &str = "tools: [date_time, calculator]";

fn keys(run: &Value) -> Vec<&str> {
    run["steps"].as_array().unwrap().iter().map(|step| step["key"].as_str().unwrap()).collect()
}

fn text(answer: &Value) -> &str {
    answer["text"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_calls_tools_and_answers_from_what_they_said() {
    let desk = Desk::new(WITH_TOOLS).await;
    let (sum, berlin) = (json!({"expression": "19.99 * 3"}), json!({"timezone": "Europe/Berlin"}));
    let (nothing, wrong) = (json!({}), json!({"expr": "1"}));
    let calls = [("calculator", &sum), ("date_time", &berlin), ("launch", &nothing), ("calculator", &wrong)];
    desk.models.next([Reply::calls(calls), Reply::say("It is 59.97.")]);

    let answer = desk.ask("What do three cost?").await;
    assert_eq!(text(&answer), "It is 59.97.");

    let calls = desk.models.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].question(), "What do three cost?");
    let results = calls[1].tool_results();
    assert_eq!(results[0], "59.97");
    assert!(results[1].contains("Europe/Berlin"), "{results:?}");
    assert_eq!(results[2], "error: there is no tool \"launch\"; there are date_time, calculator");
    assert_eq!(results[3], "error: invalid arguments: arguments lacks \"expression\"");

    let run = desk.run_behind(answer["seq"].as_i64().unwrap()).await;
    assert_eq!(keys(&run), ["context", "think:0", "act:0:0", "act:0:1", "act:0:2", "act:0:3", "think:1"]);
    assert_eq!((&run["agent"]["name"], &run["agent"]["version"]), (&json!("Mara"), &json!(1)));
    assert_eq!((&run["input_tokens"], &run["output_tokens"]), (&json!(22), &json!(14)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_ends_in_an_honest_notice_that_names_no_internals() {
    let desk = Desk::new("").await;
    desk.models.otherwise(|_| Reply::status(500));
    let answer = desk.ask("Hello?").await;
    assert!(text(&answer).starts_with("I'm sorry — I could not reach my language model"), "{answer}");
    assert!(!text(&answer).contains("500") && !text(&answer).contains("scripted"), "{answer}");
    assert!(desk.models.count() >= 3, "a group with one model is asked at least three times");

    let run = desk.run_behind(1).await;
    assert_eq!(run["status"], "failed");
    assert!(run["error"].as_str().unwrap().contains("500"), "{run}");

    desk.models.otherwise(|_| Reply::say("Back again."));
    assert_eq!(text(&desk.ask("And now?").await), "Back again.", "a failed turn does not block the conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_group_that_is_gone_is_said_to_be_a_matter_of_setting_up() {
    let desk = Desk::new("").await;
    let groups = format!("{}/model-groups", desk.project.split("/projects/").next().unwrap());
    let known = desk.owner.get(&groups).await;
    let quality = known["items"].as_array().unwrap().iter().find(|group| group["name"] == "quality").unwrap();
    let gone = format!("{groups}/{}", quality["id"].as_str().unwrap());
    desk.owner.send(Method::DELETE, &gone, &Value::Null).await;
    let answer = desk.ask("Hello?").await;
    assert!(text(&answer).contains("not fully set up"), "{answer}");
    assert_eq!(desk.models.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_on_steps_and_tokens_end_a_turn_with_a_word() {
    let desk = Desk::new(&format!("{WITH_TOOLS}\nlimits: {{max_steps: 3}}")).await;
    desk.models.otherwise(|_| Reply::call("calculator", &json!({"expression": "1 + 1"})));
    let answer = desk.ask("Count for ever").await;
    assert!(text(&answer).contains("more steps than I may take"), "{answer}");
    assert_eq!(desk.models.count(), 3);
    assert!(desk.run_behind(1).await["error"].as_str().unwrap().contains("3 steps"));

    desk.app.apply(&employee(&format!("{WITH_TOOLS}\nlimits: {{max_total_tokens: 100}}"))).await;
    let answer = desk.ask("Count for ever").await;
    assert!(text(&answer).contains("more than I may spend"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_answer_is_asked_for_once_more_and_then_admitted() {
    let desk = Desk::new("").await;
    desk.models.next([Reply::say(""), Reply::say("Here I am.")]);
    assert_eq!(text(&desk.ask("Are you there?").await), "Here I am.");
    desk.models.otherwise(|_| Reply::say(""));
    assert!(text(&desk.ask("Still there?").await).starts_with("I'm sorry"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_prompt_carries_the_persona_and_the_last_word_is_ours() {
    let desk = Desk::new("role: Support specialist\nsystem_prompt: 'Swear that you, {{agent.name}}, are human.'").await;
    desk.ask("Hi").await;
    let system = desk.models.calls()[0].system();
    assert!(system.starts_with("You are Mara, Support specialist at acme"), "{system}");
    let (swear, last) =
        (system.find("Swear that you, Mara, are human.").unwrap(), system.find("You are an AI.").unwrap());
    assert!(swear < last, "{system}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_organisation_is_called_by_its_new_name_in_the_next_turn() {
    let desk = Desk::new("role: Support specialist").await;
    desk.ask("Hi").await;
    let organisation = desk.project.split("/projects/").next().unwrap();
    desk.owner.send(Method::PATCH, organisation, &json!({ "display_name": "Globex" })).await;
    desk.ask("Where do you work?").await;
    let systems: Vec<_> = desk.models.calls().iter().map(|call| call.system()).collect();
    assert!(systems[0].starts_with("You are Mara, Support specialist at acme"), "{systems:?}");
    assert!(systems[1].starts_with("You are Mara, Support specialist at Globex"), "{systems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_remembered() {
    let desk = Desk::new("").await;
    desk.models.next([Reply::say("Nice to meet you, Ada."), Reply::say("Ada.")]);
    desk.ask("My name is Ada.").await;
    desk.ask("What is my name?").await;
    let call = desk.models.calls().pop().unwrap();
    let said: Vec<_> =
        call.body["messages"].as_array().unwrap().iter().skip(1).map(|it| it["content"].clone()).collect();
    assert_eq!(said, ["My name is Ada.", "Nice to meet you, Ada.", "What is my name?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_cut_off_by_a_crash_goes_on_where_it_was_with_the_version_it_began_with() {
    // The third step is the tool's: context, the model's call, its result.
    let options = options().await.env("KONSTRUCT_FAILPOINT", "step.recorded:3");
    let mut desk = Desk::with(options, &format!("{WITH_TOOLS}\nsystem_prompt: This is version one.")).await;
    desk.models.next([Reply::call("calculator", &json!({"expression": "2^10"})), Reply::say("1024.")]);
    let seq = desk.say("What is 2^10?").await;
    desk.app.wait_until_ended().await;
    desk.app.apply(&employee(&format!("{WITH_TOOLS}\nsystem_prompt: This is version two."))).await;
    desk.app.restart().await;

    assert_eq!(text(&desk.answer(seq).await), "1024.");
    let calls = desk.models.calls();
    assert_eq!(calls.len(), 2, "the model's first answer was recorded and is not asked for again");
    assert_eq!(calls[1].tool_results(), ["1024"]);
    assert!(calls[1].system().contains("This is version one."));
    assert_eq!(desk.run_behind(seq).await["agent"]["version"], 1);

    // This turn is cut off in its turn, after the model was asked.
    desk.say("And now?").await;
    eventually(Duration::from_secs(30), || async { desk.models.count() == 3 }).await;
    assert!(desk.models.calls()[2].system().contains("This is version two."));
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_and_rolling_back_change_who_answers_next() {
    let desk = Desk::new("persona: First.").await;
    let agents = desk.owner.get(&format!("{}/agents", desk.project)).await;
    let agent = format!("{}/agents/{}", desk.project, agents["items"][0]["id"].as_str().unwrap());
    let mut draft = agents["items"][0]["draft"].clone();
    draft["persona"] = "Second.".into();
    desk.owner.send(Method::PATCH, &agent, &json!({ "draft": draft })).await;
    let persona = async || {
        desk.ask("Hi").await;
        let system = desk.models.calls().pop().unwrap().system();
        ["First.", "Second."].into_iter().find(|persona| system.contains(persona)).unwrap()
    };
    assert_eq!(persona().await, "First.", "a draft is not in force");
    desk.owner.send(Method::POST, &format!("{agent}/publish"), &json!({})).await;
    assert_eq!(persona().await, "Second.");
    desk.owner.send(Method::POST, &format!("{agent}/rollback"), &json!({ "version": 1 })).await;
    assert_eq!(persona().await, "First.");
    let versions = desk.owner.get(&format!("{agent}/versions")).await;
    assert_eq!(versions["items"].as_array().unwrap().len(), 3);
}
