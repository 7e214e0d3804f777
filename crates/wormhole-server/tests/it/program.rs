//! The program itself: settings, health check, signals.

use std::{
    net::{Ipv4Addr, TcpListener},
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

fn terminate(child: &Child) {
    let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", child.id())]).status().unwrap();
    assert!(status.success());
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
