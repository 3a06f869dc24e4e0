//! Whether an event is for one of our employees, and for which: pure, and done before anything is stored, so that
//! `message` and `app_mention` of one text come out the same in either order.

use super::envelope::{Envelope, Event};

/// An employee that may be meant: one connection of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Employee<'a> {
    pub(crate) name: &'a str,
    pub(crate) bot_user_id: Option<&'a str>,
    pub(crate) bot_id: Option<&'a str>,
    /// Bots it listens to, by bot id or user id; none by default.
    pub(crate) allowed_bots: &'a [String],
}

/// What is to be done with an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision<'a> {
    /// Not a person speaking to an employee.
    Ignore,
    /// For this employee.
    For(usize),
    /// For one of these: the one the conversation is engaged with, else the first.
    EngagedOrFirst(Vec<usize>),
    /// For one of these if the thread is engaged with it, else for nobody.
    IfEngaged(Vec<usize>),
    Amend(Amend<'a>),
    /// The app was removed or its token taken back.
    Revoked,
}

/// A change of what somebody said before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Amend<'a> {
    pub(crate) channel: &'a str,
    pub(crate) ts: &'a str,
    pub(crate) thread_ts: Option<&'a str>,
    /// `None`: withdrawn.
    pub(crate) text: Option<&'a str>,
}

/// Decides about `envelope`'s event for the `employees` whose secret verified it (at least one).
pub(crate) fn decide<'a>(envelope: &'a Envelope, employees: &[Employee<'_>]) -> Decision<'a> {
    let Some(event) = &envelope.event else { return Decision::Ignore };
    match event.kind.as_deref() {
        Some("app_mention" | "message") => match event.subtype.as_deref() {
            Some("message_changed") => amendment(event, envelope, employees, false),
            Some("message_deleted") => amendment(event, envelope, employees, true),
            // Which bot it was is what the guard against loops goes by.
            Some("bot_message") if event.bot_id.is_none() => Decision::Ignore,
            None | Some("file_share" | "thread_broadcast" | "me_message" | "bot_message") => {
                address(envelope, event, employees)
            }
            Some(_) => Decision::Ignore,
        },
        Some("app_uninstalled") => Decision::Revoked,
        Some("tokens_revoked") if event.tokens.as_ref().is_some_and(|tokens| !tokens.bot.is_empty()) => {
            Decision::Revoked
        }
        _ => Decision::Ignore,
    }
}

fn address<'a>(envelope: &'a Envelope, event: &'a Event, employees: &[Employee<'_>]) -> Decision<'a> {
    let user = event.user.as_deref();
    let heard: Vec<usize> = (0..employees.len())
        .filter(|&index| hears(&employees[index], user, event.bot_id.as_deref(), envelope.authorised_bot()))
        .collect();
    let (Some(_), Some(_), false) = (&event.channel, &event.ts, heard.is_empty()) else { return Decision::Ignore };
    if user.is_none() && event.bot_id.is_none() {
        return Decision::Ignore;
    }
    let text = event.text.as_deref().unwrap_or_default();
    let mentioned: Vec<usize> = heard
        .iter()
        .copied()
        .filter(|&index| bot_users(&employees[index], envelope).any(|bot| mentions(text, bot)))
        .collect();
    let called = match () {
        () if !mentioned.is_empty() => mentioned,
        () if event.is_direct() || event.kind.as_deref() == Some("app_mention") => heard.clone(),
        () => Vec::new(),
    };
    let spoken = without_leading_mentions(text);
    if let Some(named) = named(spoken, employees, if called.is_empty() { &heard } else { &called }) {
        return Decision::For(named);
    }
    match (called.as_slice(), &event.thread_ts) {
        ([one], _) => Decision::For(*one),
        ([], Some(thread)) if Some(thread) != event.ts.as_ref() => Decision::IfEngaged(heard),
        ([], _) => Decision::Ignore,
        _ => Decision::EngagedOrFirst(called),
    }
}

/// Whether an employee listens to this sender: to people, to bots it was told to, never to itself.
fn hears(employee: &Employee<'_>, user: Option<&str>, bot: Option<&str>, authorised: Option<&str>) -> bool {
    let own = |id: Option<&str>, ours: Option<&str>| id.is_some() && id == ours;
    if own(user, employee.bot_user_id) || own(user, authorised) || own(bot, employee.bot_id) {
        return false;
    }
    match bot {
        None => true,
        Some(bot) => employee.allowed_bots.iter().any(|allowed| allowed == bot || Some(allowed.as_str()) == user),
    }
}

fn bot_users<'a>(employee: &Employee<'a>, envelope: &'a Envelope) -> impl Iterator<Item = &'a str> {
    employee.bot_user_id.or_else(|| envelope.authorised_bot()).into_iter()
}

/// Whether `text` holds `<@USER>` or `<@USER|label>`.
fn mentions(text: &str, user: &str) -> bool {
    text.match_indices("<@").any(|(at, _)| {
        text[at + 2..].strip_prefix(user).is_some_and(|rest| rest.starts_with('>') || rest.starts_with('|'))
    })
}

/// `text` from behind the mentions and spaces it begins with.
fn without_leading_mentions(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(end) = rest.strip_prefix("<@").and_then(|inner| inner.find('>')) {
        rest = rest[2 + end + 1..].trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ':');
    }
    rest
}

/// The employee among `candidates` whose name `text` begins with: "Mara, …", "@Mara …", "hey Mara …".
/// Of names that begin alike ("Ann", "Ann Lee") the longest counts.
fn named(text: &str, employees: &[Employee<'_>], candidates: &[usize]) -> Option<usize> {
    let spoken = without_greeting(text);
    candidates
        .iter()
        .copied()
        .filter(|&index| begins_with_word(spoken.strip_prefix('@').unwrap_or(spoken), employees[index].name))
        .max_by_key(|&index| (employees[index].name.len(), std::cmp::Reverse(index)))
}

fn without_greeting(text: &str) -> &str {
    const GREETINGS: [&str; 10] =
        ["hey", "hi", "hello", "dear", "ok", "okay", "thanks", "thank you", "good morning", "مرحبا"];
    GREETINGS.iter().find(|greeting| begins_with_word(text, greeting)).map_or(text, |greeting| {
        skip(text, greeting).trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '!')
    })
}

/// Whether `text` begins with `word`, letter case aside, and the word ends there.
fn begins_with_word(text: &str, word: &str) -> bool {
    if word.trim().is_empty() {
        return false;
    }
    let mut rest = text.chars();
    for wanted in word.chars() {
        match rest.next() {
            Some(found) if found == wanted || found.to_lowercase().eq(wanted.to_lowercase()) => {}
            _ => return false,
        }
    }
    !rest.next().is_some_and(|next| next.is_alphanumeric() || next == '_' || next == '-')
}

fn skip<'a>(text: &'a str, word: &str) -> &'a str {
    text.char_indices().nth(word.chars().count()).map_or("", |(at, _)| &text[at..])
}

fn amendment<'a>(event: &'a Event, envelope: &'a Envelope, employees: &[Employee<'_>], deleted: bool) -> Decision<'a> {
    let said = if deleted { &event.previous_message } else { &event.message };
    let (Some(channel), Some(said)) = (event.channel.as_deref(), said) else { return Decision::Ignore };
    let Some(ts) = said.ts.as_deref().or(event.deleted_ts.as_deref()) else { return Decision::Ignore };
    // Our own `chat.update` comes back as an edit too.
    let (user, bot) = (said.user.as_deref(), said.bot_id.as_deref());
    if user.is_none() || !employees.iter().any(|employee| hears(employee, user, bot, envelope.authorised_bot())) {
        return Decision::Ignore;
    }
    let text = if deleted { None } else { Some(said.text.as_deref().unwrap_or_default()) };
    Decision::Amend(Amend { channel, ts, thread_ts: said.thread_ts.as_deref(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARA: Employee<'static> =
        Employee { name: "Mara", bot_user_id: Some("UBOT"), bot_id: Some("BBOT"), allowed_bots: &[] };
    const ALEX: Employee<'static> = Employee { name: "Alex", ..MARA };

    fn envelope(event: serde_json::Value) -> Envelope {
        let body = serde_json::json!({"type": "event_callback", "team_id": "T1", "event": event});
        Envelope::read(body.to_string().as_bytes()).unwrap()
    }

    fn said(text: &str, extra: serde_json::Value) -> Envelope {
        let mut event = serde_json::json!({"type": "message", "channel": "C1", "channel_type": "channel",
            "user": "U1", "text": text, "ts": "2.0"});
        for (key, value) in extra.as_object().unwrap() {
            event[key] = value.clone();
        }
        envelope(event)
    }

    #[test]
    fn what_is_for_an_employee_and_for_which() {
        use serde_json::json;
        let thread = json!({"thread_ts": "1.0"});
        let both = Decision::EngagedOrFirst(vec![0, 1]);
        for (text, extra, expected) in [
            ("good morning everyone", json!({}), Decision::Ignore),
            ("what does Mara think?", json!({}), Decision::Ignore),
            ("Maranello is nice", json!({}), Decision::Ignore),
            ("Mara-Lou, hello", json!({}), Decision::Ignore),
            ("Mara, hello", json!({}), Decision::For(0)),
            ("alex: hello", json!({}), Decision::For(1)),
            ("@Alex hello", json!({}), Decision::For(1)),
            ("hey Mara", json!({}), Decision::For(0)),
            ("Good morning, Alex!", json!({}), Decision::For(1)),
            ("<@UBOT> hello", json!({}), Decision::EngagedOrFirst(vec![0, 1])),
            ("<@UBOT|konstruct> hello", json!({}), Decision::EngagedOrFirst(vec![0, 1])),
            ("so <@UBOT>, what now?", json!({}), Decision::EngagedOrFirst(vec![0, 1])),
            ("<@UBOT> Alex, hello", json!({}), Decision::For(1)),
            ("<@UBOT>: hey alex hello", json!({"type": "app_mention"}), Decision::For(1)),
            ("hello", json!({"type": "app_mention"}), both),
            ("<@UBOTTOM> hello", json!({}), Decision::Ignore),
            ("<@U2> hello", thread.clone(), Decision::IfEngaged(vec![0, 1])),
            ("and then?", thread.clone(), Decision::IfEngaged(vec![0, 1])),
            ("and then?", json!({"thread_ts": "2.0"}), Decision::Ignore),
            ("<@UBOT> and then?", thread, Decision::EngagedOrFirst(vec![0, 1])),
            ("hello", json!({"channel_type": "im", "channel": "D1"}), Decision::EngagedOrFirst(vec![0, 1])),
            ("Alex?", json!({"channel_type": "im", "channel": "D1"}), Decision::For(1)),
            ("hello", json!({"channel_type": "mpim"}), Decision::Ignore),
        ] {
            assert_eq!(decide(&said(text, extra.clone()), &[MARA, ALEX]), expected, "{text} {extra}");
        }
    }

    #[test]
    fn a_workspace_with_one_employee_needs_no_look_at_the_thread() {
        let direct = said("hello", serde_json::json!({"channel_type": "im", "channel": "D1"}));
        assert_eq!(decide(&direct, &[MARA]), Decision::For(0));
        assert_eq!(decide(&said("<@UBOT> hi", serde_json::json!({})), &[MARA]), Decision::For(0));
    }

    #[test]
    fn both_events_of_one_text_are_decided_alike() {
        for text in ["<@UBOT> hello", "<@UBOT> Alex, hello", "hey <@UBOT>"] {
            for thread in [serde_json::json!({}), serde_json::json!({"thread_ts": "1.0"})] {
                let mut mention = thread.clone();
                mention["type"] = "app_mention".into();
                let (plain, mention) = (said(text, thread), said(text, mention));
                assert_eq!(decide(&plain, &[MARA, ALEX]), decide(&mention, &[MARA, ALEX]), "{text}");
            }
        }
    }

    #[test]
    fn nobody_talks_to_themselves_or_to_strange_bots() {
        use serde_json::json;
        let direct = |extra: serde_json::Value| {
            let mut with = json!({"channel_type": "im", "channel": "D1"});
            with.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            said("Mara, hello", with)
        };
        for own in [json!({"user": "UBOT"}), json!({"user": null, "bot_id": "BBOT"}), json!({"bot_id": "BBOT"})] {
            assert_eq!(decide(&direct(own.clone()), &[MARA]), Decision::Ignore, "{own}");
        }
        let other = json!({"bot_id": "BOTHER", "user": "UOTHER", "subtype": "bot_message"});
        assert_eq!(decide(&direct(other.clone()), &[MARA]), Decision::Ignore);
        for allowed in ["BOTHER", "UOTHER"] {
            let allowed = [allowed.to_owned()];
            let listening = Employee { allowed_bots: &allowed, ..MARA };
            assert_eq!(decide(&direct(other.clone()), &[listening]), Decision::For(0));
            assert_eq!(decide(&direct(json!({"bot_id": "BBOT"})), &[listening]), Decision::Ignore);
        }
        assert_eq!(decide(&direct(json!({"user": null})), &[MARA]), Decision::Ignore, "said by nobody");
    }

    #[test]
    fn only_what_people_say_is_looked_at() {
        use serde_json::json;
        for subtype in ["channel_join", "channel_topic", "message_replied", "assistant_app_thread", "brand_new"] {
            assert_eq!(decide(&said("Mara, hello", json!({"subtype": subtype})), &[MARA]), Decision::Ignore);
        }
        for subtype in ["file_share", "thread_broadcast", "me_message"] {
            assert_eq!(decide(&said("Mara, hello", json!({"subtype": subtype})), &[MARA]), Decision::For(0));
        }
        for kind in ["reaction_added", "app_home_opened", "never_heard_of"] {
            assert_eq!(decide(&said("Mara, hello", json!({"type": kind})), &[MARA]), Decision::Ignore);
        }
    }

    #[test]
    fn edits_and_deletions_of_people_are_amendments_and_our_own_are_not() {
        use serde_json::json;
        let edit = |message: serde_json::Value| {
            said("", json!({"subtype": "message_changed", "user": null, "message": message, "ts": "9.0"}))
        };
        let person = edit(json!({"user": "U1", "text": "better", "ts": "2.0", "thread_ts": "1.0"}));
        let expected = Amend { channel: "C1", ts: "2.0", thread_ts: Some("1.0"), text: Some("better") };
        assert_eq!(decide(&person, &[MARA]), Decision::Amend(expected));
        for own in [json!({"user": "UBOT", "ts": "2.0"}), json!({"user": "UX", "bot_id": "BBOT", "ts": "2.0"})] {
            assert_eq!(decide(&edit(own.clone()), &[MARA]), Decision::Ignore, "{own}");
        }
        let gone = said(
            "",
            json!({"subtype": "message_deleted", "user": null, "deleted_ts": "2.0", "ts": "9.0",
                   "previous_message": {"user": "U1", "text": "oops", "ts": "2.0"}}),
        );
        assert_eq!(
            decide(&gone, &[MARA]),
            Decision::Amend(Amend { channel: "C1", ts: "2.0", thread_ts: None, text: None })
        );
    }

    #[test]
    fn a_lost_installation_is_noticed() {
        use serde_json::json;
        assert_eq!(decide(&envelope(json!({"type": "app_uninstalled"})), &[MARA]), Decision::Revoked);
        let revoked = |tokens| envelope(json!({"type": "tokens_revoked", "tokens": tokens}));
        assert_eq!(decide(&revoked(json!({"oauth": ["U1"], "bot": ["UBOT"]})), &[MARA]), Decision::Revoked);
        assert_eq!(decide(&revoked(json!({"oauth": ["U1"], "bot": []})), &[MARA]), Decision::Ignore);
    }
}
