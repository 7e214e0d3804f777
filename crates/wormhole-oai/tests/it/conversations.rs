//! Going on in a conversation that the site holds.

use std::time::Duration;

use serde_json::{Value, json};
use wormhole_protocol::{Directory, Failure, FailureCode, PageState, Posted};

use crate::hub::{FakeTurn, directory};
use crate::stage::{Stage, chat, soon};

fn says(role: &str, text: &str) -> Value {
    json!({"role": role, "content": text})
}

/// Asks with this history, and lets the site answer.
async fn ask(stage: &Stage, messages: &[Value], site: impl FnOnce(FakeTurn)) -> String {
    ask_as(stage, "", messages, site).await
}

async fn ask_as(stage: &Stage, key: &str, messages: &[Value], site: impl FnOnce(FakeTurn)) -> String {
    let body = chat(json!({"messages": messages}));
    let request = stage.request("POST", "/v1/chat/completions").bearer_auth(key).json(&body);
    let (response, ()) = tokio::join!(request.send(), async { site(stage.hub.turn().await) });
    let response = response.unwrap();
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
}

fn history() -> Vec<Value> {
    vec![says("system", "Be kind."), says("user", "one"), says("assistant", "uno"), says("user", "two")]
}

/// The first turn of [`history`], answered in conversation `c1`.
async fn begun(stage: &Stage) {
    ask(stage, &history()[..2], |turn| {
        assert!(turn.submit.conversation.is_none() && turn.submit.account.is_none());
        assert!(turn.submit.text.contains("Be kind.") && turn.submit.text.contains("one"));
        turn.answer_in("c1", 1, "uno");
    })
    .await;
}

#[tokio::test]
async fn only_what_is_new_is_posted() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let mut messages = history();
    ask(&stage, &messages, |turn| {
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        assert_eq!((turn.submit.site.as_deref(), turn.submit.text.as_str()), (Some("site"), "two"));
        turn.answer_in("c1", 2, "dos");
    })
    .await;
    messages.extend([says("assistant", "dos"), says("user", "three")]);
    ask(&stage, &messages, |turn| {
        assert_eq!((turn.place(), turn.submit.text.as_str()), (Some(("default", "c1", 2)), "three"));
        turn.answer_in("c1", 3, "tres");
    })
    .await;
}

#[tokio::test]
async fn another_dialect_goes_on_where_one_began() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let (response, ()) = tokio::join!(stage.ollama(json!({"messages": history(), "stream": true})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        turn.answer_in("c1", 2, "dos");
    });
    assert!(soon(response.text()).await.unwrap().contains("dos"));
}

#[tokio::test]
async fn changed_system_text_is_told_again_in_the_same_conversation() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let mut messages = history();
    messages[0] = says("system", "Be brief.");
    ask(&stage, &messages, |turn| {
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        let text = &turn.submit.text;
        assert!(text.contains("Be brief.") && text.contains("two") && !text.contains("uno"), "{text}");
        turn.answer_in("c1", 2, "dos");
    })
    .await;
}

#[tokio::test]
async fn an_edit_a_repetition_and_another_model_begin_anew() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let whole = |turn: FakeTurn| {
        assert_eq!(turn.place(), None);
        assert!(turn.submit.text.contains("two"), "{}", turn.submit.text);
        turn.answer_in("c2", 1, "dos");
    };
    let mut edited = history();
    edited[2] = says("assistant", "UNO");
    ask(&stage, &edited, whole).await;
    let other = stage.openai(json!({"messages": history(), "model": "story"}));
    let (other, ()) = tokio::join!(other, async { whole(stage.hub.turn().await) });
    assert_eq!(other.status(), 200);
    ask(&stage, &history(), |turn| turn.answer_in("c1", 2, "dos")).await;
    // The conversation has gone on: the same question once more is a branch.
    ask(&stage, &history(), whole).await;
}

#[tokio::test]
async fn where_a_site_keeps_branches_a_branch_goes_on_at_its_parent() {
    let stage = Stage::with(|config| config.reuse.branches = true).await;
    begun(&stage).await;
    for _ in 0..2 {
        ask(&stage, &history(), |turn| {
            assert_eq!(turn.place(), Some(("default", "c1", 1)));
            assert!(turn.submit.text.contains("two"));
            turn.answer_in("c1", 2, "dos");
        })
        .await;
    }
}

#[tokio::test]
async fn there_are_never_two_turns_at_once_in_one_conversation() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let (one, two, ()) = tokio::join!(
        stage.openai(json!({"messages": history()})),
        stage.openai(json!({"messages": history()})),
        async {
            let (first, second) = (stage.hub.turn().await, stage.hub.turn().await);
            assert_eq!(first.place(), Some(("default", "c1", 1)));
            assert_eq!(second.place(), None);
            second.answer_in("c2", 1, "dos");
            first.answer_in("c1", 2, "dos");
        }
    );
    assert_eq!((one.status(), two.status()), (200.try_into().unwrap(), 200.try_into().unwrap()));
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_forgotten_and_told_anew() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let gone = || Failure::new(FailureCode::ConversationUnknown, Posted::No, "gone");
    let (response, ()) = tokio::join!(stage.openai(json!({"messages": history()})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        turn.fail(gone());
        let turn = stage.hub.turn().await;
        assert_eq!((turn.place(), turn.submit.account.as_deref()), (None, None));
        for part in ["Be kind.", "one", "uno", "two"] {
            assert!(turn.submit.text.contains(part), "{}", turn.submit.text);
        }
        turn.answer_in("c2", 1, "dos");
    });
    assert_eq!(response.status(), 200);
    let mut messages = history();
    messages.extend([says("assistant", "dos"), says("user", "three")]);
    ask(&stage, &messages, |turn| {
        assert_eq!(turn.place(), Some(("default", "c2", 1)));
        turn.answer_in("c2", 2, "tres");
    })
    .await;
    // Once is enough: a new conversation that is unknown is an error.
    let (response, ()) = tokio::join!(stage.openai(json!({"messages": history()})), async {
        stage.hub.turn().await.fail(gone());
    });
    assert_eq!(response.status(), 502);
}

#[tokio::test]
async fn after_a_turn_that_broke_off_nobody_goes_on_there() {
    let stage = Stage::new().await;
    begun(&stage).await;
    for (posted, place) in [(Posted::No, Some(("default", "c1", 1))), (Posted::Unknown, None)] {
        let (response, ()) = tokio::join!(stage.openai(json!({"messages": history()})), async {
            let turn = stage.hub.turn().await;
            assert_eq!(turn.place(), Some(("default", "c1", 1)));
            turn.fail(Failure::new(FailureCode::SiteError, posted, "broken"));
        });
        assert_eq!(response.status(), 502);
        if place.is_none() {
            ask(&stage, &history(), |turn| {
                assert_eq!(turn.place(), None);
                turn.answer("dos");
            })
            .await;
        }
    }
}

/// Two accounts of one site.
fn accounts(first: PageState, second: PageState) -> Directory {
    let mut accounts = directory(&[("site", &["echo"]), ("site", &["echo"])]).accounts;
    for (entry, (name, state)) in accounts.iter_mut().zip([("default", first), ("second", second)]) {
        (entry.account, entry.state) = (name.to_owned(), state);
    }
    Directory { accounts }
}

#[tokio::test]
async fn an_account_that_is_away_is_waited_for_only_if_no_other_is_there() {
    let stage = Stage::new().await;
    begun(&stage).await;
    let fails = |turn: FakeTurn| turn.fail(Failure::not_posted(FailureCode::NoPage, "away"));
    stage.hub.tell(accounts(PageState::Expired, PageState::Challenge));
    let (response, ()) = tokio::join!(stage.openai(json!({"messages": history()})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        fails(turn);
    });
    assert_eq!(response.status(), 502);
    stage.hub.tell(accounts(PageState::Ready, PageState::Ready));
    let (response, ()) = tokio::join!(stage.openai(json!({"messages": history()})), async {
        let mut turn = stage.hub.turn().await;
        // The directory may still be on its way.
        if turn.place().is_some() {
            fails(turn);
            turn = stage.hub.turn().await;
        }
        assert_eq!(turn.place(), None);
        turn.answer_on("second", "d1", 1, "dos");
    });
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn what_one_key_said_is_no_other_keys_beginning() {
    let stage = Stage::with(|config| {
        config.keys = wormhole_oai::Keys::parse("alice:k1\nbob:k2 accounts=second,third").unwrap();
    })
    .await;
    let messages = history();
    ask_as(&stage, "k1", &messages[..2], |turn| turn.answer_in("c1", 1, "uno")).await;
    ask_as(&stage, "k2", &messages, |turn| {
        assert_eq!((turn.place(), turn.submit.account.as_deref()), (None, Some("second")));
        turn.answer_on("second", "d1", 1, "dos");
    })
    .await;
    ask_as(&stage, "k1", &messages, |turn| {
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        turn.answer_in("c1", 2, "dos");
    })
    .await;
}

#[tokio::test]
async fn reuse_can_be_turned_off() {
    let stage = Stage::with(|config| config.reuse.on = false).await;
    begun(&stage).await;
    ask(&stage, &history(), |turn| {
        assert_eq!(turn.place(), None);
        turn.answer_in("c2", 1, "dos");
    })
    .await;
}

#[tokio::test]
async fn it_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let on_disk = |config: &mut wormhole_oai::Config| config.store.folder = Some(folder.path().to_owned());
    let stage = Stage::with(on_disk).await;
    begun(&stage).await;
    stage.lifecycle.shutdown("test");
    soon(stage.lifecycle.wait()).await;
    let stage = Stage::with(on_disk).await;
    ask(&stage, &history(), |turn| {
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        turn.answer_in("c1", 2, "dos");
    })
    .await;
}

#[tokio::test]
async fn only_what_was_made_here_and_is_old_is_removed_from_the_site() {
    let stage = Stage::with(|config| config.reuse.ttl = Some(Duration::from_millis(100))).await;
    begun(&stage).await;
    assert_eq!(stage.hub.forgotten().await, ("default".to_owned(), "c1".to_owned()));
    ask(&stage, &history(), |turn| {
        assert_eq!(turn.place(), None);
        turn.answer_in("c2", 1, "dos");
    })
    .await;
    assert_eq!(stage.hub.forgotten().await, ("default".to_owned(), "c2".to_owned()));
}

#[tokio::test]
async fn an_agents_next_step_posts_only_the_results() {
    let stage = Stage::new().await;
    let tool = json!([{"type": "function", "function": {"name": "add", "description": "Adds numbers.",
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}}]);
    let mut messages = vec![says("user", "what is one and two?")];
    let (response, ()) =
        tokio::join!(stage.openai(json!({"messages": messages, "tools": tool, "stream": false})), async {
            let turn = stage.hub.turn().await;
            assert!(turn.submit.text.contains("Adds numbers."));
            let call = "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";
            turn.answer_in("c1", 1, &format!("I will add.\n{call}"));
        });
    let answer: Value = response.json().await.unwrap();
    let said = answer["choices"][0]["message"].clone();
    let id = said["tool_calls"][0]["id"].clone();
    messages.extend([said, json!({"role": "tool", "tool_call_id": id, "content": "three-ish"})]);
    let (response, ()) = tokio::join!(stage.openai(json!({"messages": messages, "tools": tool})), async {
        let turn = stage.hub.turn().await;
        assert_eq!(turn.place(), Some(("default", "c1", 1)));
        let text = &turn.submit.text;
        assert!(text.contains("three-ish") && text.contains("add"), "{text}");
        assert!(!text.contains("Adds numbers.") && !text.contains("what is one"), "{text}");
        turn.answer_in("c1", 2, "It is three.");
    });
    assert_eq!(response.status(), 200);
    let metric = "wormhole_oai_conversations_total{how=\"on\"}";
    assert_eq!(stage.metric(metric).await, 1);
}
