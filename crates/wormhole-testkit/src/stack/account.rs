//! A further bridge under the same hub: another account there, with a tab in a Chromium of its own.

use std::path::PathBuf;
use std::time::Duration;

use super::end::LEAVES_WITHIN;
use super::services::override_with;
use super::{READY_WITHIN, Stack, loopback};
use crate::link::Link;
use crate::ports::free_port;
use crate::process::Process;
use crate::signals::chromium_pids;
use crate::wait::until;

/// See the module. Dropping it ends the bridge; [`Account::stop`] also checks how it left.
pub struct Account {
    /// Between this bridge and the hub.
    pub link: Link,
    bridge: Process,
    profile: PathBuf,
    admin: u16,
}

impl Stack {
    /// Starts one more bridge on the same site, with a login of its own. `name` is what the hub calls its account.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn another_account(&self, name: &str) -> Account {
        let link = Link::to(loopback(self.ports[0].service)).await.expect("a relay starts");
        let (profile, admin) = (self.folder.path().join(format!("chrome-{name}")), free_port());
        let mut variables = self.bridge_variables(&link, &profile);
        override_with(&mut variables, &[("WORMHOLE_ACCOUNT", name.to_owned())]);
        let bridge = self.launch_logged("bridge", &format!("bridge-{name}"), admin, variables);
        Account { link, bridge, profile, admin }
    }

    /// Waits until the bridge of `account` can serve.
    ///
    /// # Panics
    /// When it cannot in time.
    pub async fn until_account_ready(&self, account: &Account) {
        let url = format!("http://{}/readyz", loopback(account.admin));
        until(READY_WITHIN, &format!("{url} 200 ({})", self.folder.path().display()), || async {
            let reply = self.client.get(&url).send().await.ok()?;
            reply.status().is_success().then_some(())
        })
        .await;
    }
}

impl Account {
    /// The browser that the bridge keeps, unless it has none just now.
    pub fn chromium(&self) -> Option<u32> {
        chromium_pids(&self.profile).first().copied()
    }

    /// Ends the bridge, and its Chromium with it.
    ///
    /// # Panics
    /// When it left with another code than 0, or Chromium is left behind.
    pub async fn stop(self) {
        assert_eq!(self.bridge.end(LEAVES_WITHIN).await, Some(0), "a bridge leaves in order");
        until(Duration::from_secs(5), "Chromium is gone", || async {
            chromium_pids(&self.profile).is_empty().then_some(())
        })
        .await;
    }
}
