//! A site that no longer fits its profile: the event, the probe, the metric, and the report in the folder.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::timeout;
use wormhole_bridge::{Config, DiagnosticsConfig};
use wormhole_playground::{Call, ECHO, Fault};
use wormhole_protocol::{FailureCode, PageState};

use crate::{
    session_hub::SOON,
    session_stand::{Stand, ask, until_metric},
};

/// What a person types that is nobody's business.
const PROMPT: &str = "a prompt that is nobody's business";

fn kept_in(folder: &Path) -> DiagnosticsConfig {
    DiagnosticsConfig { folder: folder.to_owned(), most_bytes: 8 << 20 }
}

impl Stand {
    fn reports(&self) -> PathBuf {
        self.folder.path().join("diagnostics")
    }

    fn diagnosed(&self) -> Config {
        let mut config = self.config("outlier");
        config.session.check = Duration::from_millis(200);
        config.diagnostics = Some(kept_in(&self.reports()));
        config
    }

    /// Waits until this many files are whole in the folder; their names.
    async fn until_reports(&self, wanted: usize) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let there = timeout(SOON, async {
            while found.len() < wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let entries = fs::read_dir(self.reports()).into_iter().flatten();
                let whole = |path: &PathBuf| path.extension().is_some_and(|end| end != "new");
                found = entries.map(|entry| entry.unwrap().path()).filter(whole).collect();
            }
        });
        there.await.unwrap_or_else(|_| panic!("only {found:?}"));
        found.sort_unstable();
        found
    }

    /// No report holds the password, a cookie's value or a prompt, and nobody else may read it.
    fn assert_discreet(&self, reports: &[PathBuf]) {
        let cookies = fs::read_to_string(self.chrome().join("wormhole-cookies.json")).unwrap_or_default();
        let cookies: serde_json::Value = serde_json::from_str(&cookies).unwrap_or_default();
        let values = cookies.as_array().into_iter().flatten().filter_map(|cookie| cookie["value"].as_str());
        let secrets: Vec<&str> = values.chain(["demo@example.test", "practice\"", PROMPT]).collect();
        for report in reports {
            let bytes = fs::read(report).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for secret in &secrets {
                assert!(!text.contains(secret), "{} holds {secret:?}", report.display());
            }
            let mode = fs::metadata(report).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", report.display());
        }
    }
}

#[tokio::test]
async fn diagnostics_of_models_in_an_unknown_shape_and_the_site_heals() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.diagnosed()).await;
    stand.hub.until(PageState::Ready).await;
    until_metric(bridge.admin, "wormhole_bridge_site_changed_total 0").await;
    stand.site.switch(|switches| switches.unknown_models = true);
    let page = stand.hub.until(PageState::Blocked).await;
    assert!(page.detail.starts_with("site_changed: call models: "), "{}", page.detail);
    let (status, text) = ask(bridge.admin, "/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains(&format!("session: blocked: {}", page.detail)), "{text}");

    let reports = stand.until_reports(2).await;
    let [picture, outline] = &*reports else { panic!("{reports:?}") };
    assert!(fs::read(picture).unwrap().starts_with(&[0xff, 0xd8]), "a JPEG");
    let outline = fs::read_to_string(outline).unwrap();
    assert!(outline.starts_with(&page.detail), "{outline}");
    assert!(outline.contains("/chat\n\nhtml"), "{outline}");
    stand.assert_discreet(&reports);

    stand.site.switch(|switches| switches.unknown_models = false);
    stand.hub.until(PageState::Ready).await;
    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    assert_eq!(stand.until_reports(2).await.len(), 2, "the same thing is saved once");
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn diagnostics_of_a_turn_unready_the_bridge_until_one_is_answered() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.diagnosed()).await;
    stand.hub.until(PageState::Ready).await;
    assert!(stand.site.misbehave(Call::Create, Fault::UnknownShape, 1));
    let failure = stand.hub.post(ECHO, PROMPT).failed().await;
    assert_eq!(failure.code, FailureCode::SiteChanged);
    assert!(failure.message.starts_with("site_changed: call create: "), "{failure}");
    let reason = |conditions: &wormhole_runtime::Conditions| {
        conditions.get("site").and_then(|site| site.as_ref().err().cloned())
    };
    let mut conditions = bridge.readiness.subscribe();
    let broken = timeout(SOON, conditions.wait_for(|now| reason(now).is_some())).await.unwrap();
    assert_eq!(reason(&broken.unwrap()).as_ref(), Some(&failure.message));
    let reports = stand.until_reports(2).await;
    stand.assert_discreet(&reports);
    until_metric(bridge.admin, "wormhole_bridge_site_changed_total 1").await;

    assert_eq!(stand.hub.post(ECHO, "hi").ended().await.text, "hi");
    timeout(SOON, conditions.wait_for(|now| reason(now).is_none())).await.unwrap().unwrap();
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn diagnostics_of_a_login_field_that_was_renamed() {
    let stand = Stand::open().await;
    let mut config = stand.diagnosed();
    // As if the site had renamed its own.
    let login = config.site.login.as_mut().expect("the practice site has a login");
    login.password = vec!["input[name=passphrase]".to_owned()];
    // A busy machine has the page by then: what is missing is the one field.
    login.deadline = Duration::from_secs(5);
    let bridge = stand.bridge(config).await;
    let page = stand.hub.until(PageState::Blocked).await;
    assert!(page.detail.starts_with("site_changed: "), "{}", page.detail);
    assert!(page.detail.ends_with("matches login.password"), "{}", page.detail);
    let reports = stand.until_reports(2).await;
    let outline = fs::read_to_string(&reports[1]).unwrap();
    assert!(outline.contains("[name=password]"), "what it is called now: {outline}");
    stand.assert_discreet(&reports);
    assert_eq!(stand.site.snapshot().logins_failed, 0);
    bridge.stop().await;
    stand.close().await;
}
