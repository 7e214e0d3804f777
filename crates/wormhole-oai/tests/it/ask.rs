//! `wormhole-oai ask`.

use std::process::Output;

use tokio::process::Command;
use wormhole_protocol::{Failure, FailureCode, Posted};

use crate::hub::directory;
use crate::stage::{Stage, soon};

async fn ask(base: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wormhole-oai"));
    command.env_clear().args(["ask", "--url", base]).args(more).arg("hello?").kill_on_drop(true);
    let Output { status, stdout, stderr } = soon(command.output()).await.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn the_first_model_answers_with_the_files_first_plain_key() {
    let stage = Stage::with(|config| config.keys = wormhole_oai::Keys::parse("alice:k1").unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let hash = "0".repeat(64);
    std::fs::write(&path, format!("# ours\nold:sha256:{hash} rpm=60\nalice:k1\n")).unwrap();
    let more = ["--key-file", path.to_str().unwrap()];
    let (asked, model) = tokio::join!(ask(&stage.base, &more), async {
        let turn = stage.hub.turn().await;
        let model = turn.submit.model.clone();
        turn.answer("hello yourself");
        model
    });
    assert_eq!(asked, (Some(0), "hello yourself\n".to_owned(), String::new()));
    assert_eq!(model, "echo");

    std::fs::write(&path, format!("old:sha256:{hash}\n")).unwrap();
    let (code, _, wrong) = ask(&stage.base, &more).await;
    assert_eq!(code, Some(1));
    assert!(wrong.ends_with("holds no plain key: a hash cannot be sent\n"), "{wrong}");

    let (code, _, wrong) = ask(&stage.base, &[]).await;
    assert_eq!(code, Some(1));
    assert!(wrong.starts_with("the API answered 401 Unauthorized: "), "{wrong}");
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_a_failure() {
    let stage = Stage::new().await;
    let cut = Failure::new(FailureCode::Truncated, Posted::Yes, "cut");
    let ((code, said, wrong), model) = tokio::join!(ask(&stage.base, &["--model", "story"]), async {
        let turn = stage.hub.turn().await;
        let model = turn.submit.model.clone();
        turn.begun("once upon").fail(cut);
        model
    });
    assert_eq!((code, said.as_str(), model.as_str()), (Some(1), "once upon", "story"));
    assert!(wrong.starts_with("the API broke the answer off: "), "{wrong}");
}

#[tokio::test]
async fn nobody_there_and_no_model_are_told_apart() {
    let empty = Stage::of(directory(&[]), |_| {}).await;
    let (code, _, wrong) = ask(&empty.base, &[]).await;
    assert_eq!((code, wrong.as_str()), (Some(1), "the API lists no model: no account is ready\n"));
    let (code, _, wrong) = ask("http://127.0.0.1:9", &[]).await;
    assert_eq!(code, Some(1));
    assert!(wrong.starts_with("the API does not answer: "), "{wrong}");
}
