//! The profile: whose it is, what is kept in it, and that nobody stays on it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;
use wormhole_bridge::browser::{Browser, BrowserConfig, LaunchError};

use crate::browser_site::Site;
use crate::browser_start::{SOON, config, get};

/// Whether a process of this group runs; the dead that wait for init do not.
fn runs(group: u32) -> bool {
    let group = group.to_string();
    fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        fields.len() > 2 && fields[0] != "Z" && fields[2] == group
    })
}

/// Set for the process that plays the bridge which is killed.
pub(crate) const PROFILE_OF_VICTIM: &str = "TEST_PROFILE_OF_VICTIM";

const SESSION: &str = "__Host-keep=k-1; csrf=a%20b; sid=s-1 |  | ";

async fn session(browser: &Browser, site: &Site) -> String {
    let tab = browser.tab();
    tab.goto(&site.origin).await.unwrap();
    get(&tab, "/echo").await.unwrap().text(1000).await.unwrap()
}

#[tokio::test]
async fn browser_keeps_the_session_over_a_kill_and_a_close() {
    let site = Site::open().await;
    let profile = tempfile::tempdir().unwrap();
    let config = config(&site, &profile);
    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(session(&browser, &site).await, " |  | ");
    get(&browser.tab(), "/login").await.unwrap();
    assert_eq!(browser.save_cookies().await.unwrap(), 3);
    let file = profile.path().join("wormhole-cookies.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    kill_process(Pid::from_raw(browser.pid().try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    browser.gone().await;
    browser.close().await;

    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(session(&browser, &site).await, SESSION);
    browser.save_cookies().await.unwrap();
    browser.close().await;

    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(session(&browser, &site).await, SESSION);
    browser.close().await;
}

#[tokio::test]
async fn browser_gets_back_what_its_own_file_lost() {
    let site = Site::open().await;
    let profile = tempfile::tempdir().unwrap();
    let config = config(&site, &profile);
    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(session(&browser, &site).await, " |  | ");
    browser.close().await;
    let own = ["Default/Cookies", "Default/Network/Cookies"].map(|file| profile.path().join(file));
    let own = own.iter().find(|file| file.is_file()).expect("Chromium has a file of its own");
    let empty = fs::read(own).unwrap();

    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(session(&browser, &site).await, " |  | ");
    get(&browser.tab(), "/login").await.unwrap();
    browser.save_cookies().await.unwrap();
    browser.close().await;
    // As if it had been ended while it wrote: the file is newer than ours, and knows less.
    fs::write(own, empty).unwrap();
    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(session(&browser, &site).await, SESSION);
    browser.close().await;
}

#[tokio::test]
async fn browser_profile_is_for_one_at_a_time_and_the_dead_do_not_count() {
    let site = Site::open().await;
    let profile = tempfile::tempdir().unwrap();
    let config = config(&site, &profile);
    // What a pod that was moved finds.
    symlink("other-pod-1234", profile.path().join("SingletonLock")).unwrap();
    symlink("/tmp/gone/SingletonSocket", profile.path().join("SingletonSocket")).unwrap();
    let browser = Browser::launch(&config).await.unwrap();
    match Browser::launch(&config).await {
        Err(LaunchError::ProfileLocked { holder, .. }) => {
            assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    let group = browser.pid();
    assert!(runs(group));
    browser.close().await;
    assert!(!runs(group), "something of Chromium is left");

    // A Chromium that somebody started by hand knows nothing of our lock.
    let mut by_hand = Command::new("/bin/sh")
        .args([
            "-c",
            r#"exec "$0" "$@""#,
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--remote-debugging-port=0",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg("about:blank")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(by_hand.stderr.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().unwrap().starts_with("DevTools listening") {}
    assert!(matches!(Browser::launch(&config).await, Err(LaunchError::ProfileInUse { .. })));
    by_hand.kill().await.unwrap();
}

#[tokio::test]
async fn browser_that_cannot_start_says_why() {
    let profile = tempfile::tempdir().unwrap();
    let mut config = BrowserConfig::new(profile.path(), Vec::new());
    config.bin = Some("/bin/false".into());
    assert!(matches!(Browser::launch(&config).await, Err(LaunchError::Exited { .. })));
    config.bin = Some("/nowhere/chromium".into());
    assert!(matches!(Browser::launch(&config).await, Err(LaunchError::Spawn { .. })));
    // What Chromium itself says where it can have no sandbox.
    let script = profile.path().join("no-sandbox");
    fs::write(
        &script,
        "#!/bin/sh\necho '[1:1:FATAL:zygote_host_impl_linux.cc] No usable sandbox! Update' >&2\nexit 1",
    )
    .unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    config.bin = Some(script);
    let error = Browser::launch(&config).await.unwrap_err();
    assert!(matches!(error, LaunchError::NoSandbox), "{error:?}");
    assert!(error.to_string().contains("CHROME_SANDBOX=false"), "{error}");
    config.bin = Some("/bin/cat".into());
    config.script = Some("/nowhere/script.js".into());
    assert!(matches!(Browser::launch(&config).await, Err(LaunchError::Script { .. })));
}

#[tokio::test]
async fn browser_ends_when_its_bridge_is_killed() {
    let profile = tempfile::tempdir().unwrap();
    let mut bridge = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "browser_profile::browser_victim", "--nocapture"])
        .env(PROFILE_OF_VICTIM, profile.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(bridge.stdout.take().unwrap()).lines();
    let chromium = loop {
        let line = lines.next_line().await.unwrap().expect("the victim says its Chromium's number");
        if let Some((_, pid)) = line.split_once("chromium=") {
            break Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        }
    };
    test_kill_process(chromium).unwrap();
    let socket = fs::read_link(profile.path().join("SingletonSocket")).unwrap();
    let scratch = socket.parent().unwrap().parent().unwrap().to_owned();
    fs::write(scratch.join("left"), "by a Chromium that was killed").unwrap();
    bridge.kill().await.unwrap();
    let gone = async {
        // A zombie is as good as gone: whose child it is now is not ours to say.
        while fs::read_to_string(format!("/proc/{}/stat", chromium.as_raw_nonzero()))
            .is_ok_and(|stat| !stat.contains(") Z "))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, gone).await.expect("Chromium ends with its bridge");

    // The next bridge on that profile is not held up by what the first one left, and removes it.
    let browser = Browser::launch(&BrowserConfig::new(profile.path(), Vec::new())).await.unwrap();
    assert!(scratch.exists() && !scratch.join("left").exists());
    browser.close().await;
    assert!(!scratch.exists());
}

/// No test: the bridge of the test above, when it is run by it.
#[tokio::test]
async fn browser_victim() {
    let Some(profile) = std::env::var_os(PROFILE_OF_VICTIM) else { return };
    let browser = Browser::launch(&BrowserConfig::new(profile, Vec::new())).await.unwrap();
    println!("chromium={}", browser.pid());
    std::future::pending::<()>().await;
}
