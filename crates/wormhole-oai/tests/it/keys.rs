//! `wormhole-oai keys`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use crate::stage::soon;

async fn keys(file: Option<&Path>, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wormhole-oai"));
    command.env_clear().arg("keys").args(arguments);
    if let Some(file) = file {
        command.env("WORMHOLE_API_KEYS_FILE", file);
    }
    let Output { status, stdout, stderr } = soon(command.output()).await.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[tokio::test]
async fn a_key_is_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let file = Some(path.as_path());
    std::fs::write(&path, "# people\nold:plain-key").unwrap();
    let (code, secret, _) =
        keys(file, &["add", "alice", "--rpm", "60", "--concurrency", "2", "--accounts", "a,b"]).await;
    assert_eq!(code, Some(0));
    assert!(secret.starts_with("wh-") && secret.trim().len() == 67, "{secret}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# people\nold:plain-key\nalice:sha256:"), "{text}");
    assert!(
        text.ends_with(" rpm=60 concurrency=2 accounts=a,b\n") && !text.contains(secret.trim()),
        "{text}"
    );
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let known = wormhole_oai::Keys::from_file(&path).unwrap();
    assert_eq!(format!("{known:?}"), r#"["old", "alice"]"#);

    let (code, listed, _) = keys(file, &["list"]).await;
    assert_eq!((code, listed.as_str()), (Some(0), "old\nalice rpm=60 concurrency=2 accounts=a,b\n"));
    assert_eq!(keys(file, &["add", "alice"]).await.0, Some(1));
    assert_eq!(keys(file, &["add", "al:ice"]).await.0, Some(1));

    assert_eq!(keys(file, &["revoke", "alice"]).await.0, Some(0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "# people\nold:plain-key\n");
    let (code, _, wrong) = keys(file, &["revoke", "alice"]).await;
    assert_eq!((code, wrong.as_str()), (Some(1), "there is no key named 'alice'\n"));
}

#[tokio::test]
async fn the_file_is_made_and_must_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    assert_eq!(keys(Some(&path), &["add", "first"]).await.0, Some(0));
    assert_eq!(keys(Some(&path), &["list"]).await.1, "first\n");
    let (code, _, wrong) = keys(None, &["list"]).await;
    assert_eq!(code, Some(64));
    assert!(wrong.starts_with("WORMHOLE_API_KEYS_FILE: needed"), "{wrong}");
}
