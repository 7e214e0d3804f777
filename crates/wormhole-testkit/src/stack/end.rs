//! The end of a run, and what must hold after every one.

use std::fs;
use std::time::Duration;

use super::Stack;
use crate::logs::{assert_silent, cookie_values};
use crate::signals::chromium_pids;
use crate::wait::{until, within};

/// The services' grace time here, and some seconds for closing Chromium.
pub(super) const LEAVES_WITHIN: Duration = Duration::from_secs(30);

impl Stack {
    /// Ends the services, API first, and checks what holds after every run. `prompts` are texts that this run sent.
    ///
    /// # Panics
    /// When a service left with another code than 0, Chromium is left behind, or a log tells a secret.
    pub async fn stop(mut self, prompts: &[&str]) {
        for process in [self.oai.take(), self.bridge.take(), self.server.take()].into_iter().flatten() {
            let code = process.end(LEAVES_WITHIN).await;
            assert_eq!(
                code,
                Some(0),
                "a service left with {code:?}, logs in {}",
                self.folder.path().display()
            );
        }
        until(Duration::from_secs(5), "Chromium is gone", || async {
            chromium_pids(&self.profile()).is_empty().then_some(())
        })
        .await;
        self.assert_logs_are_silent(prompts);
        self.stop_site.cancel();
        within(Duration::from_secs(5), "the practice site ends", async {
            while self.site_tasks.join_next().await.is_some() {}
        })
        .await;
    }

    /// Asserts that no log holds a password, a cookie's value, a token, the API key or one of `prompts`.
    ///
    /// # Panics
    /// When one does.
    pub fn assert_logs_are_silent(&self, prompts: &[&str]) {
        let entries = fs::read_dir(self.folder.path()).expect("the folder is ours").flatten();
        let files = entries.map(|entry| entry.path());
        let logs: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
        let mut secrets = vec![self.password.clone(), self.api.key().to_owned()];
        secrets.extend(self.setup.password.clone());
        secrets.extend(self.tokens.iter().cloned());
        secrets.extend(prompts.iter().map(ToString::to_string));
        let cookies = cookie_values(&self.profile().join("wormhole-cookies.json"));
        let logs_in = self.setup.own_site.is_none() && !self.setup.not_ready;
        assert!(!logs_in || !cookies.is_empty(), "the bridge saved its cookies");
        secrets.extend(cookies);
        assert_silent(&logs, &secrets);
    }
}
