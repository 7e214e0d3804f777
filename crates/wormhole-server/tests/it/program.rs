//! The program itself: settings, health check, signals.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wormhole-server"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn refused(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    assert_eq!(status.code(), Some(64));
    String::from_utf8(stderr).unwrap()
}

#[test]
fn bad_settings_end_in_one_line_that_names_the_variable_and_exit_code_64() {
    let said = refused(&mut program(&[]));
    assert!(said.starts_with("WORMHOLE_PAGE_TOKEN: ") && said.lines().count() == 1, "{said}");
    let tokens = [("WORMHOLE_PAGE_TOKEN", "s3cret"), ("WORMHOLE_SENDER_TOKEN", "s3cret")];
    let said = refused(program(&[]).envs(tokens));
    assert!(said.starts_with("WORMHOLE_SENDER_TOKEN: ") && !said.contains("s3cret"), "{said}");
    let said = refused(program(&[]).env("WORMHOLE_QUEUE_LIMIT", "many"));
    assert!(said.starts_with("WORMHOLE_QUEUE_LIMIT: "), "{said}");
}

#[test]
fn it_becomes_ready_and_ends_with_0_on_the_first_signal() {
    let (port, admin) = (free_port(), format!("127.0.0.1:{}", free_port()));
    let settings = [
        ("WORMHOLE_LISTEN", format!("127.0.0.1:{port}")),
        ("WORMHOLE_SERVER_ADMIN", admin),
        ("WORMHOLE_PAGE_TOKEN", "p4ge".to_owned()),
        ("WORMHOLE_SENDER_TOKEN", "s3nder".to_owned()),
        ("WORMHOLE_LOG", "debug".to_owned()),
    ];
    let hub = program(&[]).envs(settings.clone()).stderr(Stdio::piped()).spawn().unwrap();
    let mut healthy = false;
    // Each try is a process, which is rest enough between them.
    for _ in 0..500 {
        let check = program(&["healthcheck", "--ready"]).envs(settings.clone()).output().unwrap();
        healthy = check.status.success();
        if healthy {
            break;
        }
    }
    terminate(&hub);
    let Output { status, stderr, .. } = hub.wait_with_output().unwrap();
    let log = String::from_utf8(stderr).unwrap();
    assert!(healthy, "{log}");
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("hub is up"), "{log}");
    assert!(!log.contains("p4ge") && !log.contains("s3nder"), "{log}");
}

fn token(folder: &Path, name: &str) -> String {
    let file = folder.join(name).join("token");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    fs::read_to_string(file).unwrap()
}

#[test]
fn tokens_are_made_once_and_those_of_the_environment_win() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = |environment: &[(&str, &str)]| {
        let mut tokens = program(&["tokens", "--into"]);
        let Output { status, stdout, .. } =
            tokens.arg(folder.path()).envs(environment.to_vec()).output().unwrap();
        assert_eq!(status.code(), Some(0));
        String::from_utf8(stdout).unwrap()
    };
    assert_eq!(tokens(&[]), "page token made, sender token made, console token made\n");
    let page = token(folder.path(), "page");
    assert!(page.len() == 64 && page != token(folder.path(), "sender"));
    // Compose passes an empty variable for one that is not set.
    let environment = [("WORMHOLE_PAGE_TOKEN", ""), ("WORMHOLE_CONSOLE_TOKEN", "op3n")];
    let said = tokens(&environment);
    assert_eq!(said, "page token kept, sender token kept, console token given\n");
    assert_eq!(token(folder.path(), "page"), page);
    assert_eq!(token(folder.path(), "console"), "op3n");
    // A hub reads what was made.
    let file = |name: &str| folder.path().join(name).join("token");
    let mut hub = program(&["--admin", "192.0.2.1:1", "--listen", "127.0.0.1:0"]);
    hub.env("WORMHOLE_PAGE_TOKEN_FILE", file("page")).env("WORMHOLE_SENDER_TOKEN_FILE", file("sender"));
    let Output { status, stderr, .. } = hub.output().unwrap();
    // The tokens were taken: what it stumbles over is the address that is nobody's.
    assert_eq!(status.code(), Some(1), "{}", String::from_utf8_lossy(&stderr));
}

#[test]
fn tokens_that_the_hub_would_refuse_or_cannot_keep_are_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut tokens = program(&["tokens", "--into"]);
    tokens.arg(folder.path()).envs([("WORMHOLE_PAGE_TOKEN", "s3cret"), ("WORMHOLE_SENDER_TOKEN", "s3cret")]);
    let said = refused(&mut tokens);
    assert_eq!(said, "WORMHOLE_SENDER_TOKEN: must differ from WORMHOLE_PAGE_TOKEN\n");
    fs::write(folder.path().join("page"), "a file in the folder's place").unwrap();
    let mut tokens = program(&["tokens", "--into"]);
    let Output { status, stderr, .. } = tokens.arg(folder.path()).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(said.starts_with("cannot write the token ") && said.lines().count() == 1, "{said}");
}

fn terminate(child: &Child) {
    let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    assert!(status.success());
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
