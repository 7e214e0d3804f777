use proptest::prelude::*;

use super::*;
use crate::site::Profile;

fn profile() -> Profile {
    Profile::shipped("outlier").unwrap().unwrap()
}

/// Texts and reasoning as one string each, and how it ended.
type Read = (String, String, Result<(Finish, u64), Fault>);

fn read(pieces: &[&str]) -> Read {
    let profile = profile();
    let mut decoder = Decoder::new(&profile.api().unwrap().stream);
    let mut out = Vec::new();
    let fed = pieces.iter().try_for_each(|piece| decoder.feed(piece, &mut out));
    let end = fed.and_then(|()| decoder.end(&mut out));
    let (mut text, mut reasoning) = (String::new(), String::new());
    for piece in out {
        match piece {
            Piece::Text(delta) => text.push_str(&delta),
            Piece::Reasoning(delta) => reasoning.push_str(&delta),
        }
    }
    (text, reasoning, end)
}

fn data(messages: &[&str]) -> String {
    messages.iter().flat_map(|message| ["data: ", message, "\n\n"]).collect()
}

#[track_caller]
fn check(messages: &[&str], text: &str, reasoning: &str, end: Result<(Finish, u64), Fault>) {
    assert_eq!(read(&[&data(messages)]), (text.to_owned(), reasoning.to_owned(), end));
}

const OPENAI: [&str; 7] = [
    r#"{"object":"chat.completion.chunk","choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
    r#"{"choices":[{"delta":{"reasoning_content":"hm 🤔"}}]}"#,
    r#"{"choices":[{"delta":{"reasoning":"…"}}]}"#,
    r#"{"choices":[{"delta":{"content":"Grüße, "}}]}"#,
    r#"{"choices":[{"delta":{"content":"\"終\"\n"},"finish_reason":null}]}"#,
    r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    r#"{"choices":[],"usage":{"total_tokens":3}}"#,
];

#[test]
fn openai_chunks_are_read_to_their_end_mark() {
    let mut messages = OPENAI.to_vec();
    messages.push("[DONE]");
    check(&messages, "Grüße, \"終\"\n", "hm 🤔…", Ok((Finish::Stop, 25)));
    assert_eq!("Grüße, \"終\"\nhm 🤔…".len(), 25);
}

#[test]
fn a_recorded_stream_cut_at_every_place_reads_the_same() {
    let stream = format!(": hi\r\n{}data: [DONE]\r\n\r\n", data(&OPENAI).replace('\n', "\r\n"));
    let whole = read(&[&stream]);
    assert!(whole.2.is_ok());
    for at in (0..=stream.len()).filter(|at| stream.is_char_boundary(*at)) {
        assert_eq!(read(&[&stream[..at], &stream[at..]]), whole, "cut at {at}");
    }
    let each: Vec<String> = stream.chars().map(String::from).collect();
    assert_eq!(read(&each.iter().map(String::as_str).collect::<Vec<_>>()), whole);
}

#[test]
fn every_way_to_end_is_told_apart() {
    let ends =
        [("length", Finish::Length), ("content_filter", Finish::ContentFilter), ("end_turn", Finish::Stop)];
    for (word, finish) in ends {
        let last = format!(r#"{{"choices":[{{"delta":{{"content":"a"}},"finish_reason":"{word}"}}]}}"#);
        check(&[&last], "a", "", Ok((finish, 1)));
    }
}

#[test]
fn typed_messages_are_read_to_done() {
    let messages = [
        r#"{"type":"reasoning","content":"why"}"#,
        r#"{"type":"chunk","content":"be"}"#,
        r#"{"type":"chunk","content":"cause"}"#,
        r#"{"type":"done"}"#,
        r#"{"type":"chunk","content":"never read"}"#,
    ];
    check(&messages, "because", "why", Ok((Finish::Stop, 10)));
}

#[test]
fn a_bare_end_is_truncated_and_what_came_is_kept() {
    check(&OPENAI[..5], "Grüße, \"終\"\n", "hm 🤔…", Err(Fault::Truncated));
    check(&[], "", "", Err(Fault::Truncated));
    let cut = format!("{}data: {{\"choices\":[{{\"del", data(&OPENAI[3..4]));
    assert_eq!(read(&[&cut]), ("Grüße, ".to_owned(), String::new(), Err(Fault::Truncated)));
}

#[test]
fn a_last_event_without_its_blank_line_counts() {
    let stream = format!("{}data: [DONE]", data(&OPENAI[3..4]));
    assert_eq!(read(&[&stream]).2, Ok((Finish::Stop, 9)));
}

#[test]
fn what_no_rule_knows_is_a_change_that_names_the_field() {
    let cases = [
        (r#"{"blocks":[{"t":"secret"}],"v":2}"#, "no rule fits a message with the fields blocks, v"),
        (r#"{"type":"fragment","body":"secret"}"#, "no rule fits a message with the fields type, body"),
        (r#"["secret"]"#, "a message of the stream is no object"),
        ("secret", "a message of the stream is not JSON"),
        (
            r#"{"choices":[{"delta":{"content":["secret"]}}]}"#,
            "the field choices.0.delta.content of a message is not text",
        ),
        (r#"{"choices":[{"message":"secret"}]}"#, "a message lacks the field choices.0.delta"),
        (r#"{"type":"chunk","text":"secret"}"#, "a message lacks the field content"),
    ];
    for (message, what) in cases {
        check(&[message], "", "", Err(Fault::changed("turn", what)));
    }
}

#[test]
fn an_answer_whose_text_was_never_found_is_a_change() {
    let messages = [
        r#"{"choices":[{"delta":{"output":"secret"}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    ];
    let what = "no message of the answer has the field choices.0.delta.content";
    check(&messages, "", "", Err(Fault::changed("turn", what)));
}

#[test]
fn an_empty_answer_is_an_answer() {
    check(&[OPENAI[0], OPENAI[5], "[DONE]"], "", "", Ok((Finish::Stop, 0)));
    check(&[r#"{"type":"done"}"#], "", "", Ok((Finish::Stop, 0)));
}

#[test]
fn an_error_in_the_stream_is_the_sites() {
    for message in [r#"{"error":{"message":"overloaded"}}"#, r#"{"type":"error","message":"overloaded"}"#] {
        check(&[OPENAI[3], message], "Grüße, ", "", Err(Fault::Site { words: "overloaded".to_owned() }));
    }
}

#[test]
fn a_reply_over_the_limit_is_refused() {
    let message = format!(r#"{{"type":"chunk","content":"{}"}}"#, "x".repeat(MAX_REPLY_BYTES / 2));
    assert_eq!(read(&[&data(&[&message, &message, &message])]).2, Err(Fault::TooLarge));
}

proptest! {
    #[test]
    fn no_stream_makes_it_panic(pieces in prop::collection::vec("(data: )?[{}\\[\\]\":,a-z0-9\\n ]{0,24}|\\PC{0,8}", 0..16)) {
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let _ = read(&pieces);
    }
}
