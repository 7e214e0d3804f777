//! Whole processes: this test binary starts itself, and the child runs `child` below, told by a variable what to be.

use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::Parser;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use wormhole_runtime::{Lifecycle, LogArgs, SecretString, parse};

/// What a child writes when it can be sent signals.
const READY: &str = "child is ready";

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    /// A port.
    #[arg(long, env = "WORMHOLE_PORT", default_value_t = 8765)]
    port: u16,
    /// A password.
    #[arg(long, env = "OUTLIER_PASSWORD", hide_env_values = true)]
    password: Option<SecretString>,
    /// Names.
    #[arg(long, env = "WORMHOLE_NAMES", value_delimiter = ',')]
    names: Vec<String>,
    // What the test harness is called with.
    #[arg(hide = true, long)]
    exact: bool,
    #[arg(hide = true, long)]
    nocapture: bool,
    #[arg(hide = true)]
    filters: Vec<String>,
}

fn child_command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "process::child", "--nocapture"])
        .env("WORMHOLE_TEST_ROLE", role)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Not a test of its own: what the child processes of the tests below run.
#[test]
fn child() {
    let Some(role) = std::env::var_os("WORMHOLE_TEST_ROLE") else { return };
    let exit = match role.to_str() {
        Some("settings") => settings(),
        Some("signals") => signals(),
        Some("panics") => panics(),
        _ => ExitCode::FAILURE,
    };
    assert_eq!(exit, ExitCode::SUCCESS);
}

fn settings() -> ExitCode {
    match parse::<Cli>() {
        Ok(cli) => {
            eprintln!("port={} password={:?} names={:?}", cli.port, cli.password.is_some(), cli.names);
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}

fn signals() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let life = Lifecycle::new(Duration::from_mins(1));
        life.watch_signals();
        let (soft, hard) = (life.soft(), life.hard());
        life.spawn("service", async move {
            eprintln!("{READY}");
            soft.cancelled().await;
            eprintln!("child drains");
            hard.cancelled().await;
        });
        life.wait().await
    })
}

fn panics() -> ExitCode {
    LogArgs { log_format: wormhole_runtime::LogFormat::Json, ..LogArgs::default() }.init().unwrap();
    LogArgs::default().init().unwrap();
    let prompt = String::from("a prompt");
    let caught = std::panic::catch_unwind(|| panic!("cannot read {prompt}"));
    assert!(caught.is_err());
    let caught = std::panic::catch_unwind(|| panic!("a constant"));
    assert!(caught.is_err());
    ExitCode::SUCCESS
}

async fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().await.unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn lower_case_variables_reach_the_settings() {
    let (ok, text) = said(
        child_command("settings")
            .env("wormhole_port", "1234")
            .env("outlier_password", "hunter2")
            .env("wormhole_names", "a,b")
            .env("WORMHOLE_LOG", ""),
    )
    .await;
    assert!(ok, "{text}");
    assert!(text.contains(r#"port=1234 password=true names=["a", "b"]"#), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_bad_value_ends_in_one_line_that_names_the_variable() {
    let (ok, text) = said(child_command("settings").env("WORMHOLE_PORT", "many")).await;
    assert!(!ok);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("WORMHOLE_PORT: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(lines[0].contains("many"), "{text}");
    assert!(text.contains("ExitCode(unix_exit_status(64))"), "{text}");
}

#[tokio::test]
async fn a_panic_is_a_log_line_without_what_was_being_worked_on() {
    let (ok, text) = said(&mut child_command("panics")).await;
    assert!(ok, "{text}");
    assert!(!text.contains("a prompt"), "{text}");
    assert_eq!(text.matches(r#""message":"panic""#).count(), 2, "{text}");
    assert!(text.contains(r#""reason":"a constant""#), "{text}");
}

async fn line(child: &mut BufReader<tokio::process::ChildStderr>) -> String {
    let mut line = String::new();
    child.read_line(&mut line).await.unwrap();
    line.trim().to_owned()
}

async fn kill(child: &Child, signal: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
}

#[tokio::test]
async fn the_first_signal_drains_and_the_second_ends() {
    let mut child = child_command("signals").spawn().unwrap();
    let mut says = BufReader::new(child.stderr.take().unwrap());
    assert_eq!(line(&mut says).await, READY);
    kill(&child, "-TERM").await;
    assert_eq!(line(&mut says).await, "child drains");
    assert!(child.try_wait().unwrap().is_none(), "it did not wait for its task");
    kill(&child, "-INT").await;
    let mut rest = String::new();
    says.read_to_string(&mut rest).await.unwrap();
    assert!(child.wait().await.unwrap().success(), "{rest}");
}
