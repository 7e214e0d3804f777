//! `wormhole demo`, as a newcomer runs it.

use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinSet;
use wormhole_runtime::CancellationToken;
use wormhole_testkit::site::{Config, Control};
use wormhole_testkit::within;

use crate::WORMHOLE;

/// A cold Chromium, one answer of sixty words, and the end of both.
const DEMO_WITHIN: Duration = Duration::from_secs(90);

async fn run(arguments: &[&str]) -> Output {
    let command = Command::new(WORMHOLE).args(arguments).kill_on_drop(true).output();
    within(DEMO_WITHIN, "the command ends", command).await.unwrap()
}

#[tokio::test]
async fn demo_once_answers_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Command::new(WORMHOLE)
        .args(["demo", "--once"])
        .env("TMPDIR", folder.path())
        .kill_on_drop(true)
        .output();
    let output = within(DEMO_WITHIN, "the demo ends", demo).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("small lighthouse"), "the story was told: {said}");
    assert!(!said.contains('✗'), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the profile folder is gone");
}

#[tokio::test]
async fn demo_stays_up_at_the_port_it_was_given_until_a_signal() {
    let port = wormhole_testkit::free_port().to_string();
    let mut demo = Command::new(WORMHOLE)
        .args(["demo", "--port", &port])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let curl = within(DEMO_WITHIN, "the demo says how to go on", async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.trim_start().starts_with("curl ") {
                return line;
            }
        }
        unreachable!("the demo ended before it said how to go on")
    })
    .await;
    assert!(curl.contains(&format!("127.0.0.1:{port}/v1/chat/completions")), "{curl}");
    let api = wormhole_testkit::Api::new(format!("http://127.0.0.1:{port}"), "any".to_owned());
    assert_eq!(api.answer("practice-echo", "still up?").await, "still up?");

    wormhole_testkit::terminate(demo.id().unwrap());
    let status = within(Duration::from_secs(20), "the demo ends", demo.wait()).await.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_taken_port_and_a_bad_setting_are_each_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&["demo", "--once", "--port", &port]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&format!("port {port} is taken")), "{said}");

    let oai = Command::new(WORMHOLE).arg("oai").env("WORMHOLE_SENDER_TOKEN", "t").kill_on_drop(true).output();
    let output = within(DEMO_WITHIN, "it refuses", oai).await.unwrap();
    assert_eq!(output.status.code(), Some(64), "beyond loopback without keys");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("WORMHOLE_API_KEYS") && said.trim().lines().count() == 1, "{said}");
}

#[tokio::test]
async fn doctor_and_status_name_what_is_missing_and_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = Command::new(WORMHOLE)
        .arg("doctor")
        .env("CHROME_USER_DATA_DIR", folder.path().join("chrome"))
        .env("CHROME_BIN", "/nonexistent/chromium")
        .env("WORMHOLE_SITE_ORIGIN", "http://127.0.0.1:9")
        .kill_on_drop(true)
        .output();
    let output = within(DEMO_WITHIN, "the doctor is done", doctor).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("✗ Chromium") && said.contains("CHROME_BIN"), "{said}");
    assert!(said.contains("✓ profile"), "{said}");
    assert!(said.contains("✗ site") && said.contains("WORMHOLE_SITE_ORIGIN"), "{said}");

    let nobody = format!("127.0.0.1:{}", wormhole_testkit::free_port());
    let output = run(&["status", "--server", &nobody, "--bridge", &nobody, "--oai", &nobody]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("nothing answers"));
}

type Site = (Control, CancellationToken, JoinSet<()>, [(&'static str, String); 4]);

/// The practice site in this process, and what a bridge must be told to go there.
async fn practice_site() -> Site {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config { https: Some(any), ..Config::default() };
    let (email, password) = (config.email.clone(), config.password.clone());
    let site = wormhole_testkit::site::Site::bind(config).await.unwrap();
    let hash = site.spki_hash().unwrap();
    let variables = [
        ("WORMHOLE_SITE_ORIGIN", site.https_origin().unwrap()),
        ("CHROME_EXTRA_ARGS", format!("--ignore-certificate-errors-spki-list={hash}")),
        ("OUTLIER_EMAIL", email),
        ("OUTLIER_PASSWORD", password),
    ];
    let (control, stop) = (site.control(), CancellationToken::new());
    let mut tasks = JoinSet::new();
    tasks.spawn(site.serve(stop.clone()));
    (control, stop, tasks, variables)
}

#[tokio::test]
async fn up_needs_nothing_but_the_environment() {
    let (site, stop, tasks, variables) = practice_site().await;
    let folder = tempfile::tempdir().unwrap();
    let port = wormhole_testkit::free_port();
    let free = || format!("127.0.0.1:{}", wormhole_testkit::free_port());
    let mut up = Command::new(WORMHOLE)
        .args(["up", "--listen", &format!("127.0.0.1:{port}")])
        .envs(variables)
        // What it remembers goes into a folder beside whoever started it.
        .current_dir(folder.path())
        .env("CHROME_USER_DATA_DIR", folder.path().join("chrome"))
        .env("CHROME_DEBUG_PORT", "0")
        // The spelling of the seed of this project; upper case wins where both are set.
        .env("wormhole_port", wormhole_testkit::free_port().to_string())
        .env("WORMHOLE_SERVER_ADMIN", free())
        .env("WORMHOLE_BRIDGE_ADMIN", free())
        .env("WORMHOLE_OAI_ADMIN", free())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let api = wormhole_testkit::Api::new(format!("http://127.0.0.1:{port}"), "any".to_owned());
    wormhole_testkit::until(DEMO_WITHIN, "the API lists the site's models", || async {
        let listed = api.get("/v1/models").send().await.ok()?.text().await.ok()?;
        listed.contains("practice-echo").then_some(())
    })
    .await;
    assert_eq!(api.answer("practice-echo", "through up").await, "through up");
    assert_eq!(site.snapshot().logins_ok, 1);
    wormhole_testkit::terminate(up.id().unwrap());
    let status = within(Duration::from_secs(30), "it ends", up.wait()).await.unwrap();
    assert!(status.success(), "{status}");
    assert!(folder.path().join("data/wormhole-oai.redb").is_file());
    stop.cancel();
    tasks.join_all().await;
}
