//! The shipped profiles of chat programs that anybody can install, through the whole path: the real program, in front of
//! a small model server (`tests/pages`).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use wormhole_testkit::{Api, OwnSite, Process, Setup, Stack, Streamed, free_port, until};

use crate::{SEEN_WITHIN, WORMHOLE};

/// These programs import for some seconds before they listen, and longer where other tests run beside them.
const PROGRAM_STARTS_WITHIN: std::time::Duration = std::time::Duration::from_mins(2);

const PLAIN: &str = "a plain question";
const STILL: &str = "still there?";

/// What the stub answers `[[markdown]]` with.
const MARKDOWN: &str = include_str!("../../../../tests/pages/markdown.md");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A chat program and the model server behind it. Dropping it kills both.
struct Program {
    /// The model server; it asks for no key.
    model: Api,
    _processes: [Process; 2],
    _folder: TempDir,
}

/// What Python is given to start one of the programs on a port.
type Arguments = fn(port: &str) -> Vec<String>;

fn gradio(port: &str) -> Vec<String> {
    vec![script("gradio_chat.py"), port.to_owned()]
}

fn chainlit(port: &str) -> Vec<String> {
    let page = script("chainlit_chat.py");
    ["-m", "chainlit", "run", &page, "--headless", "--host", "127.0.0.1", "--port", port]
        .map(str::to_owned)
        .to_vec()
}

fn script(name: &str) -> String {
    root().join("tests/pages").join(name).display().to_string()
}

impl Program {
    /// Starts both, and waits until the program listens; the program's address.
    async fn start(name: &'static str, arguments: Arguments) -> (Self, String) {
        let folder = TempDir::new().unwrap();
        let [model_port, port] = [free_port(), free_port()].map(|port| port.to_string());
        let origin = format!("http://127.0.0.1:{port}");
        let model = Api::new(format!("http://127.0.0.1:{model_port}"), "none".to_owned());
        let variables = variables(folder.path(), model.base());
        let processes = [
            python("stub", &[script("stub.py"), model_port], &variables, folder.path()),
            python(name, &arguments(&port), &variables, folder.path()),
        ];
        let page = Api::new(origin.clone(), "none".to_owned());
        for (what, api) in [("stub", &model), (name, &page)] {
            let waits = format!("{what} listens (log in {})", folder.path().display());
            until(PROGRAM_STARTS_WITHIN, &waits, || async { api.get("/").send().await.ok() }).await;
        }
        (Self { model, _processes: processes, _folder: folder }, origin)
    }

    /// The model says one more word of a gated answer.
    async fn release(&self) {
        self.model.post("/release", &json!(null)).send().await.unwrap();
    }

    /// What the model server has counted.
    async fn seen(&self, what: &str) -> u64 {
        let counts = json_of(self.model.get("/seen").send().await.unwrap()).await;
        counts[what].as_u64().unwrap()
    }
}

/// Neither program may tell anybody that it runs, nor write outside of `folder`.
fn variables(folder: &Path, model: &str) -> [(&'static str, String); 8] {
    let here = folder.display().to_string();
    [
        ("STUB_URL", format!("{model}/v1")),
        ("HOME", here.clone()),
        ("CHAINLIT_APP_ROOT", here.clone()),
        ("GRADIO_TEMP_DIR", here),
        ("GRADIO_ANALYTICS_ENABLED", "False".to_owned()),
        ("HF_HUB_OFFLINE", "1".to_owned()),
        ("DO_NOT_TRACK", "1".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ]
}

fn python(name: &'static str, arguments: &[String], variables: &[(&str, String)], folder: &Path) -> Process {
    let tools = root().join(".tools");
    assert!(
        tools.join("pages.stamp").exists(),
        "the chat programs are not installed: run `scripts/setup.sh pages`"
    );
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let log = folder.join(format!("{name}.log"));
    Process::start(name, &tools.join("pages/bin/python"), &arguments, variables, &log).unwrap()
}

/// What holds for every such program. The page's only model is called as its profile; a caller is told `failed` when the
/// model fails.
async fn is_driven_through_its_page(name: &'static str, arguments: Arguments, failed: &str) {
    let (program, origin) = Program::start(name, arguments).await;
    let own_site = Some(OwnSite { origin, model: name });
    let setup = Setup { profile: name, own_site, capacity: 1, ..Setup::default() };
    let stack = Stack::start(WORMHOLE, setup).await;
    let listed = json_of(stack.api.get("/v1/models").send().await.unwrap()).await;
    let models: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(models, [name]);

    for (asked, answer) in
        [(PLAIN, PLAIN), ("[[markdown]]", MARKDOWN.trim()), ("and more\n\nof two", "and more\n\nof two")]
    {
        assert_eq!(stack.api.answer(name, asked).await, answer);
    }
    assert_eq!(program.seen("asked").await, 3, "nothing was posted twice");
    each_word_comes_before_the_next(&program, &stack, name).await;
    hanging_up_reaches_the_model(&program, &stack, name).await;
    assert_eq!(stack.api.answer(name, STILL).await, STILL);

    let reply = stack.api.chat(name, "[[fail]]", false).send().await.unwrap();
    assert_eq!(reply.status(), 502);
    let told = json_of(reply).await["error"]["message"].as_str().unwrap().to_owned();
    assert!(told.ends_with(failed), "{told}");
    stack.stop(&[PLAIN, STILL]).await;
}

async fn json_of(reply: reqwest::Response) -> Value {
    reply.json().await.unwrap()
}

async fn each_word_comes_before_the_next(program: &Program, stack: &Stack, model: &str) {
    let mut stream = Streamed::of(stack.api.chat(model, "[[gate:4]]", true).send().await.unwrap());
    for words in ["w1", "w1 w2", "w1 w2 w3"] {
        program.release().await;
        stream.until_text(words).await;
    }
    program.release().await;
    stream.to_end().await;
    assert_eq!(stream.text, "w1 w2 w3 w4");
    assert!(stream.says_it_is_whole() && stream.error().is_none());
}

async fn hanging_up_reaches_the_model(program: &Program, stack: &Stack, model: &str) {
    let mut stream = Streamed::of(stack.api.chat(model, "[[gate:9]]", true).send().await.unwrap());
    program.release().await;
    stream.until_text("w1").await;
    drop(stream);
    until(SEEN_WITHIN, "the model is left alone", || async {
        (program.seen("left").await == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn gradio_is_driven_through_its_page() {
    // It tells no more, unless the program was started with `show_error`.
    is_driven_through_its_page("gradio", gradio, "the site broke its answer off: Error").await;
}

#[tokio::test]
async fn chainlit_is_driven_through_its_page() {
    // Its page just stops.
    is_driven_through_its_page("chainlit", chainlit, "the page has stopped, and shows no answer").await;
}
