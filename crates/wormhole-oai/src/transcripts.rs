//! What was asked and answered, as lines of JSON in files of their own, where the operator wishes it. Off by default:
//! nothing of it is written then.

mod files;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wormhole_protocol::{ConversationId, Submit};
use wormhole_runtime::ConfigError;

use crate::reply::{Finish, Part};
use files::Files;

/// Lines that wait for the disk. One more is thrown away with a warning: a slow disk must not slow answers.
const WAITING: usize = 256;

/// Where transcripts go, and how much of them stays.
#[derive(Debug, Clone)]
pub struct TranscriptSettings {
    /// The folder; made if it is not there.
    pub folder: PathBuf,
    /// A file that is larger is closed and a new one begun.
    pub file_bytes: u64,
    /// Files that were closed longer ago are removed.
    pub age: Duration,
}

/// The way to the files. Cloning shares it.
#[derive(Debug, Clone)]
pub(crate) struct Transcripts {
    lines: mpsc::Sender<Vec<u8>>,
}

/// Writes what the handles send.
#[derive(Debug)]
pub(crate) struct Writer {
    lines: mpsc::Receiver<Vec<u8>>,
    files: Files,
}

/// Opens the first file.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn open(settings: TranscriptSettings) -> Result<(Transcripts, Writer), ConfigError> {
    let files = Files::open(settings)?;
    let (sender, lines) = mpsc::channel(WAITING);
    Ok((Transcripts { lines: sender }, Writer { lines, files }))
}

impl Writer {
    /// Writes until the last handle is gone, which is when the server has ended; at the latest until hard.
    pub(crate) async fn run(self, hard: CancellationToken) {
        let Self { mut lines, mut files } = self;
        while let Some(Some(line)) = hard.run_until_cancelled(lines.recv()).await {
            let written = spawn_blocking(move || {
                if let Err(error) = files.write(&line) {
                    warn!(error = %error.kind(), "a transcript could not be written");
                }
                files
            });
            match written.await {
                Ok(back) => files = back,
                Err(_) => return,
            }
        }
    }
}

/// A line while its turn runs.
#[derive(Debug)]
pub(crate) struct Draft {
    lines: mpsc::Sender<Vec<u8>>,
    started: Instant,
    line: Line,
}

#[derive(Debug, Serialize)]
struct Line {
    at: String,
    request: Option<String>,
    key: String,
    model: String,
    account: Option<String>,
    conversation: Option<String>,
    /// Only what was new of the prompt was posted.
    continued: bool,
    prompt: String,
    reasoning: String,
    text: String,
    calls: Vec<LineCall>,
    /// How it ended: a finish reason, the code of a failure, or `left`.
    end: &'static str,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct LineCall {
    name: String,
    arguments: String,
}

impl Transcripts {
    /// The line of a turn, whose whole prompt is `prompt`.
    pub(crate) fn draft(&self, submit: &Submit, prompt: String) -> Draft {
        let line = Line {
            at: jiff::Timestamp::now().to_string(),
            request: submit.trace.clone(),
            key: submit.caller.clone(),
            model: submit.model.clone(),
            account: None,
            conversation: None,
            continued: submit.conversation.is_some(),
            prompt,
            reasoning: String::new(),
            text: String::new(),
            calls: Vec::new(),
            end: "left",
            duration_ms: 0,
        };
        Draft { lines: self.lines.clone(), started: Instant::now(), line }
    }
}

impl Draft {
    /// Where it was posted.
    pub(crate) fn posted_to(&mut self, account: &str, conversation: Option<&ConversationId>) {
        self.line.account = Some(account.to_owned());
        self.line.conversation = conversation.map(ToString::to_string);
    }

    /// The turn goes to a new conversation after all.
    pub(crate) fn begins_anew(&mut self) {
        self.line.continued = false;
    }

    /// A part of the answer.
    pub(crate) fn part(&mut self, part: &Part) {
        let line = &mut self.line;
        match part {
            Part::Text(delta) => line.text.push_str(delta),
            Part::Reasoning(delta) => line.reasoning.push_str(delta),
            Part::CallBegin { name, .. } => {
                line.calls.push(LineCall { name: name.clone(), arguments: String::new() });
            }
            Part::CallArguments { delta, .. } => {
                if let Some(call) = line.calls.last_mut() {
                    call.arguments.push_str(delta);
                }
            }
            Part::CallEnd { .. } => {}
            Part::End(finish, _) => {
                line.end = match finish {
                    Finish::Stop | Finish::Sequence(_) => "stop",
                    Finish::Length => "length",
                    Finish::ContentFilter => "content_filter",
                    Finish::ToolCalls => "tool_calls",
                };
            }
            Part::Failed(failure) => line.end = failure.code.as_str(),
        }
    }
}

/// The turn is over, however it ended.
impl Drop for Draft {
    fn drop(&mut self) {
        self.line.duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut bytes = serde_json::to_vec(&self.line).expect("a line has string keys");
        bytes.push(b'\n');
        if self.lines.try_send(bytes).is_err() {
            warn!("a transcript is lost: the disk is too slow, or the process ends");
        }
    }
}
