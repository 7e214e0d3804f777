//! The official SDKs, unmodified, over every row of the dialect table: one suite in Python and one in Node.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;
use wormhole_testkit::{Setup, Stack, free_port};

use crate::WORMHOLE;

/// A key that may ask once a minute, and so meets the limit.
const LIMITED_KEY: &str = "limited-key";

/// As the API is told of it.
const LIMITED: &str = "limited:limited-key rpm=1";

/// Endpoints that no SDK has a call for.
const WITHOUT_CALL: &[&str] = &["GET /", "GET /openapi.json", "HEAD /api/blobs/{digest}"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// One of `tests/clients`, in the language that its name says.
fn script(name: &str, arguments: &[&str]) -> Command {
    let tools = root().join(".tools");
    assert!(
        tools.join("clients.stamp").exists(),
        "the SDKs are not installed: run `scripts/setup.sh clients`"
    );
    let is_python = Path::new(name).extension().is_some_and(|extension| extension == "py");
    let mut command =
        Command::new(if is_python { tools.join("venv/bin/python") } else { PathBuf::from("node") });
    command.arg(root().join("tests/clients").join(name)).args(arguments);
    // No answer of these needs a server; scripts read the variables before anything else.
    command.env("BASE_URL", "http://127.0.0.1:1").env("API_KEY", "none").env("NO_PROXY", "*");
    command.env("NODE_CLIENTS", tools.join("node")).env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
    command
}

/// One of `tests/clients`, to be run against the stack.
pub(crate) fn command(stack: &Stack, name: &str, arguments: &[&str]) -> Command {
    let mut command = script(name, arguments);
    command.env("BASE_URL", stack.api.base()).env("API_KEY", stack.api.key());
    command.env("CONTROL_URL", stack.control_url()).env("LIMITED_KEY", LIMITED_KEY);
    command
}

/// Runs it to its end.
pub(crate) async fn run(stack: &Stack, name: &str, arguments: &[&str]) -> Output {
    command(stack, name, arguments).output().await.unwrap()
}

/// The names of the checks that passed.
fn passed(output: &Output) -> BTreeSet<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said.lines().filter_map(|line| line.strip_prefix("ok ").map(str::to_owned)).collect()
}

/// `METHOD /path` of everything that the API says it serves.
async fn endpoints(stack: &Stack) -> BTreeSet<String> {
    let document: Value = stack.api.get("/openapi.json").send().await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let methods =
        paths.flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method, path)));
    methods.map(|(method, path)| format!("{} {path}", method.to_uppercase())).collect()
}

async fn every_row_holds(suite: &str) {
    let setup = Setup { profile: "playground", keys: LIMITED, ..Setup::default() };
    let mut stack = Stack::start(WORMHOLE, setup).await;

    let checks = passed(&run(&stack, suite, &[]).await);
    for endpoint in endpoints(&stack).await.iter().filter(|found| !WITHOUT_CALL.contains(&found.as_str())) {
        assert!(
            checks.iter().any(|check| check.starts_with(&format!("{endpoint}: "))),
            "{endpoint} is not checked"
        );
    }
    assert_eq!(stack.site.snapshot().logins_ok, 1);

    let port = free_port().to_string();
    stack.restart_oai_with("WORMHOLE_EMBEDDINGS_URL", format!("http://127.0.0.1:{port}/v1")).await;
    let mut command = script(suite, &["passed-on"]);
    command.env("BASE_URL", stack.api.base()).env("API_KEY", stack.api.key()).env("EMBEDDINGS_PORT", port);
    assert_eq!(passed(&command.output().await.unwrap()).len(), 3);
    stack.stop(&["héllo, wörld", "What is the weather in Paris", LIMITED_KEY]).await;
}

#[tokio::test]
async fn every_row_holds_with_the_official_python_sdks() {
    every_row_holds("python/contract.py").await;
}

#[tokio::test]
async fn every_row_holds_with_the_official_node_sdks() {
    every_row_holds("node/contract.mjs").await;
}

#[tokio::test]
async fn both_languages_check_the_same() {
    let names = async |suite: &str| {
        let output = script(suite, &["names"]).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (python, node) = (names("python/contract.py").await, names("node/contract.mjs").await);
    assert_eq!(python, node);
    assert!(python.len() > 60);
}
