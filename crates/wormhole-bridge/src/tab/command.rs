//! What the page script is told, as `inject/protocol.js` reads it.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};

use super::{FetchRequest, WatchRequest};

/// How many chunks of a body may be on their way: what a slow reader can cost us, with the size of a chunk.
pub(crate) const CREDIT: u32 = 256;

/// One command. It has no `Debug`: it can carry a password or a prompt.
#[derive(Serialize)]
pub(crate) struct Command {
    pub(crate) id: u64,
    #[serde(flatten)]
    pub(crate) action: Action,
}

#[derive(Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Action {
    Fetch {
        #[serde(flatten)]
        request: Box<FetchRequest>,
        credit: u32,
    },
    Credit {
        chunks: u32,
    },
    Abort,
    Count {
        selector: String,
    },
    Fill {
        selector: String,
        #[serde(serialize_with = "expose")]
        value: SecretString,
    },
    Click {
        selector: String,
    },
    Enter {
        selector: String,
    },
    Text {
        selector: String,
        limit: usize,
    },
    Shown {
        selectors: Vec<String>,
    },
    Press {
        selector: String,
    },
    Compose {
        selector: String,
        #[serde(serialize_with = "expose")]
        value: SecretString,
    },
    Composed {
        selector: String,
    },
    Sendable {
        send: String,
    },
    Submit {
        composer: String,
        send: Option<String>,
    },
    Options {
        selector: String,
        most: usize,
    },
    Pick {
        selector: String,
        name: String,
    },
    Watch {
        #[serde(flatten)]
        watch: Box<WatchRequest>,
        credit: u32,
    },
    Confirm,
    Finish {
        heard: u64,
    },
}

/// The one way a secret takes out of here: to the field of the page it is for.
fn expose<S: Serializer>(value: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.expose_secret())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tab::CsrfRule;

    /// The page script's own tests read the same file.
    #[test]
    fn commands_are_written_as_the_page_script_reads_them() {
        let shown: Value = serde_json::from_str(include_str!("../../inject/test/commands.json")).unwrap();
        let selector = || "#composer".to_owned();
        let request = FetchRequest {
            method: "POST".to_owned(),
            path: "/api/turns?stream=1".to_owned(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some("{\"prompt\":\"hello\"}".to_owned()),
            csrf: Some(CsrfRule { cookie: "csrf".to_owned(), header: "x-csrf".to_owned(), decode: true }),
        };
        let watch = WatchRequest {
            replies: ".reply".to_owned(),
            body: None,
            ignore: vec![".tools".to_owned()],
            asked: Some(".asked".to_owned()),
            stop: Some("#stop".to_owned()),
            busy: None,
            done: None,
            error: vec![],
            composer: selector(),
        };
        let commands = [
            Action::Fetch { request: Box::new(request), credit: CREDIT },
            Action::Fetch { request: Box::new(FetchRequest::get("/api/models")), credit: CREDIT },
            Action::Credit { chunks: 64 },
            Action::Abort,
            Action::Count { selector: selector() },
            Action::Fill { selector: selector(), value: "hello".into() },
            Action::Click { selector: selector() },
            Action::Enter { selector: selector() },
            Action::Text { selector: selector(), limit: 80 },
            Action::Shown { selectors: vec![selector()] },
            Action::Press { selector: selector() },
            Action::Compose { selector: selector(), value: "hello".into() },
            Action::Composed { selector: selector() },
            Action::Sendable { send: "#send".to_owned() },
            Action::Submit { composer: selector(), send: None },
            Action::Options { selector: selector(), most: 8 },
            Action::Pick { selector: selector(), name: "m".to_owned() },
            Action::Watch { watch: Box::new(watch), credit: CREDIT },
            Action::Confirm,
            Action::Finish { heard: 3 },
        ];
        let commands: Vec<_> =
            commands.into_iter().zip(1..).map(|(action, id)| Command { id, action }).collect();
        assert_eq!(serde_json::to_value(&commands).unwrap(), shown);
    }
}
