//! One client: asks, reads, hangs up or reads slowly, and checks that nothing it reads is anybody else's.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use wormhole_testkit::{Api, Streamed};

use super::Dice;

/// Pieces that a slow reader reads slowly; then it takes the rest as it comes.
const SLOW_PIECES: usize = 100;

/// What clients saw.
#[derive(Default)]
pub(super) struct Saw {
    /// Nonces of the turns that were answered to the end.
    pub(super) whole: Vec<String>,
    /// Turns that ended with an error of the dialect.
    pub(super) broken: usize,
    /// Turns that the client left.
    pub(super) left: usize,
    codes: Vec<String>,
}

impl std::fmt::Debug for Saw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} whole, {} broken {:?}, {} left", self.whole.len(), self.broken, self.codes, self.left)
    }
}

impl Saw {
    pub(super) fn add(&mut self, other: Self) {
        self.whole.extend(other.whole);
        self.codes.extend(other.codes);
        self.codes.sort();
        self.codes.dedup();
        self.broken += other.broken;
        self.left += other.left;
    }

    pub(super) fn turns(&self) -> usize {
        self.whole.len() + self.broken + self.left
    }

    fn error(&mut self, error: &Value) {
        self.broken += 1;
        self.codes.push(error["code"].as_str().unwrap_or_else(|| panic!("typed: {error}")).to_owned());
    }
}

/// The nonce that a text ends with, or the last before its end.
pub(super) fn last_nonce(text: &str) -> Option<&str> {
    let from = &text[text.rfind("nonce-")?..];
    from.split_inclusive('!').next()
}

/// The number of the client whose text this is.
pub(super) fn client_in(text: &str) -> &str {
    let nonce = last_nonce(text).expect("every turn has a nonce");
    nonce.split('-').nth(1).expect("a nonce names its client")
}

struct Question {
    nonce: String,
    prompt: String,
    body: Value,
    /// Whether an earlier turn goes along: where its conversation is lost, all of it is asked again.
    goes_on: bool,
}

pub(super) struct Client {
    api: Api,
    number: usize,
    dice: Dice,
    progress: Arc<watch::Sender<usize>>,
    last: Option<(String, String)>,
    saw: Saw,
}

impl Client {
    pub(super) fn new(api: Api, number: usize, dice: Dice, progress: Arc<watch::Sender<usize>>) -> Self {
        Self { api, number, dice, progress, last: None, saw: Saw::default() }
    }

    pub(super) async fn run(mut self, turns: usize) -> Saw {
        for turn in 0..turns {
            match self.dice.below(8) {
                0..=2 => self.whole(turn).await,
                3 | 4 => self.streamed(turn, Duration::ZERO).await,
                5 => self.streamed(turn, Duration::from_millis(5)).await,
                _ => self.leave(turn).await,
            }
            self.progress.send_modify(|done| *done += 1);
        }
        self.saw
    }

    /// Words of any number, so that replies end at different times.
    fn question(&mut self, turn: usize, stream: bool) -> Question {
        let nonce = format!("nonce-{:02}-{turn}-{:016x}!", self.number, self.dice.next());
        let words = usize::try_from(self.dice.below(200)).unwrap();
        let prompt = format!("{}{nonce}", "word ".repeat(words));
        let mut messages = Vec::new();
        let earlier = self.last.take().filter(|_| self.dice.below(2) == 0);
        let goes_on = earlier.is_some();
        if let Some((asked, answered)) = earlier {
            messages.push(json!({"role": "user", "content": asked}));
            messages.push(json!({"role": "assistant", "content": answered}));
        }
        messages.push(json!({"role": "user", "content": prompt}));
        let body = json!({"model": "practice-echo", "stream": stream, "messages": messages});
        Question { nonce, prompt, body, goes_on }
    }

    async fn whole(&mut self, turn: usize) {
        let question = self.question(turn, false);
        let reply = self.api.post("/v1/chat/completions", &question.body).send().await.unwrap();
        let status = reply.status();
        let body: Value = reply.json().await.unwrap();
        if status.is_success() {
            let text = body["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
            self.got(question, text);
        } else {
            self.saw.error(&body["error"]);
        }
    }

    async fn streamed(&mut self, turn: usize, between_pieces: Duration) {
        let question = self.question(turn, true);
        let reply = self.api.post("/v1/chat/completions", &question.body).send().await.unwrap();
        let mut stream = Streamed::of(reply);
        let mut pieces = 0;
        while stream.next().await.is_some() {
            pieces += 1;
            if pieces < SLOW_PIECES && !between_pieces.is_zero() {
                tokio::time::sleep(between_pieces).await;
            }
        }
        self.nothing_foreign(&stream.text);
        if let Some(error) = stream.error() {
            assert!(!stream.says_it_is_whole(), "{error}");
            self.saw.error(&error);
        } else {
            assert!(stream.says_it_is_whole(), "it neither ended nor failed: {:?}", stream.lines);
            self.got(question, stream.text);
        }
    }

    /// Hangs up after so many pieces, or so soon that there may be none.
    async fn leave(&mut self, turn: usize) {
        let (pieces, soon) = (self.dice.below(6), Duration::from_millis(self.dice.below(60)));
        let question = self.question(turn, true);
        let request = self.api.post("/v1/chat/completions", &question.body);
        let read = async {
            let mut stream = Streamed::of(request.send().await.unwrap());
            for _ in 0..pieces {
                stream.next().await;
            }
            stream.text
        };
        let text = match pieces {
            0 => tokio::time::timeout(soon, read).await.unwrap_or_default(),
            _ => read.await,
        };
        self.nothing_foreign(&text);
        self.saw.left += 1;
    }

    fn got(&mut self, question: Question, answer: String) {
        self.nothing_foreign(&answer);
        if question.goes_on {
            assert!(answer.contains(&question.prompt), "{answer:?} is no answer to {:?}", question.prompt);
        } else {
            assert_eq!(answer, question.prompt);
        }
        self.saw.whole.push(question.nonce);
        self.last = Some((question.prompt, answer));
    }

    /// No nonce in a text, cut short or not, is another client's.
    fn nothing_foreign(&self, text: &str) {
        let ours = format!("{:02}-", self.number);
        for rest in text.split("nonce-").skip(1) {
            let told = &rest[..rest.len().min(ours.len())];
            assert!(ours.starts_with(told), "client {} reads of {told}: {text:?}", self.number);
        }
    }
}
