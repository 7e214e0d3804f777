//! What each service is started with, and starting it.

use std::fs;
use std::path::{Path, PathBuf};

use super::end::LEAVES_WITHIN;
use super::{Stack, loopback};
use crate::link::Link;
use crate::process::Process;

impl Stack {
    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    fn launch(&self, name: &'static str, admin: u16, variables: Vec<(&'static str, String)>) -> Process {
        self.launch_logged(name, name, admin, variables)
    }

    pub(super) fn launch_logged(
        &self,
        name: &'static str,
        log: &str,
        admin: u16,
        mut variables: Vec<(&'static str, String)>,
    ) -> Process {
        variables.push(("WORMHOLE_LOG", "debug".to_owned()));
        if variables.iter().all(|(name, _)| *name != "WORMHOLE_GRACE") {
            variables.push(("WORMHOLE_GRACE", "10s".to_owned()));
        }
        variables.push(("HOME", self.folder.path().display().to_string()));
        variables.push((admin_variable(name), format!("127.0.0.1:{admin}")));
        Process::start(name, &self.program, &[name], &variables, &self.log(log)).expect("the binary starts")
    }

    /// Starts the hub, on the port it has always had.
    pub fn start_server(&mut self) {
        let mut variables = vec![
            ("WORMHOLE_LISTEN", loopback(self.ports[0].service).to_string()),
            ("WORMHOLE_PAGE_TOKEN", self.tokens[0].clone()),
            ("WORMHOLE_SENDER_TOKEN", self.tokens[1].clone()),
        ];
        override_with(&mut variables, &self.setup.server);
        self.server = Some(self.launch("server", self.ports[0].admin, variables));
    }

    /// Starts the bridge on the profile folder it has always had.
    pub fn start_bridge(&mut self) {
        let variables = self.bridge_variables(&self.bridge_link, &self.profile());
        self.bridge = Some(self.launch("bridge", self.ports[1].admin, variables));
    }

    pub(super) fn bridge_variables(&self, link: &Link, profile: &Path) -> Vec<(&'static str, String)> {
        let password = self.setup.password.clone().unwrap_or_else(|| self.password.clone());
        let mut variables = vec![
            ("WORMHOLE_SERVER_URL", format!("ws://{}", link.addr())),
            ("WORMHOLE_PAGE_TOKEN", self.tokens[0].clone()),
            ("WORMHOLE_SITE", self.mounted_profile().display().to_string()),
            ("WORMHOLE_SITE_ORIGIN", self.origin.clone()),
            ("OUTLIER_EMAIL", "demo@example.test".to_owned()),
            ("OUTLIER_PASSWORD", password),
            ("CHROME_USER_DATA_DIR", profile.display().to_string()),
            ("CHROME_DEBUG_PORT", "0".to_owned()),
            ("CHROME_EXTRA_ARGS", self.chrome_args.clone()),
            ("WORMHOLE_DIAGNOSTICS", self.folder.path().join("diagnostics").display().to_string()),
        ];
        if let Some(own) = &self.setup.own_site {
            // Its pages may want fonts and scripts from elsewhere. No proxy listens there, and none is asked for loopback.
            let loopback_only = "--proxy-server=127.0.0.1:1";
            let there = [
                ("WORMHOLE_SITE_ORIGIN", own.origin.clone()),
                ("CHROME_EXTRA_ARGS", loopback_only.to_owned()),
            ];
            override_with(&mut variables, &there);
        }
        override_with(&mut variables, &self.setup.bridge);
        variables
    }

    /// The shipped profile with another pace, in a file of its own: as an operator would mount it.
    fn mounted_profile(&self) -> PathBuf {
        let name = format!("{}.yaml", self.setup.profile);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wormhole-bridge/sites").join(&name);
        let text = fs::read_to_string(shipped).expect("the profile is shipped");
        let capacity = format!("capacity: {}\n", self.setup.capacity);
        let faster = text
            .replace("capacity: 2\n", &capacity)
            .replace("capacity: 8\n", &capacity)
            .replace("gap: 1s\n", "gap: 0s\n");
        let one_at_a_time = text.contains("capacity: 1\n") && self.setup.capacity == 1;
        assert!(faster != text || one_at_a_time, "the profile's pace is where this looks for it");
        let mounted = self.folder.path().join(name);
        // Another bridge may be reading it just now.
        if !mounted.exists() {
            fs::write(&mounted, faster).expect("the temporary folder can be written to");
        }
        mounted
    }

    /// Starts the API, on the port it has always had.
    pub fn start_oai(&mut self) {
        let mut variables = vec![
            ("WORMHOLE_SERVER_URL", format!("ws://127.0.0.1:{}", self.ports[0].service)),
            ("WORMHOLE_SENDER_TOKEN", self.tokens[1].clone()),
            ("WORMHOLE_OAI_LISTEN", loopback(self.ports[2].service).to_string()),
            ("WORMHOLE_API_KEYS", format!("tester:{}\n{}", self.api.key(), self.setup.keys)),
            ("WORMHOLE_DATA", self.folder.path().join("data").display().to_string()),
        ];
        override_with(&mut variables, &self.setup.oai);
        self.oai = Some(self.launch("oai", self.ports[2].admin, variables));
    }

    /// Ends the API, starts it again with this variable, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not end or come back in time.
    pub async fn restart_oai_with(&mut self, name: &'static str, value: String) {
        let oai = self.oai.take().expect("the API runs");
        assert_eq!(oai.end(LEAVES_WITHIN).await, Some(0), "the API leaves in order");
        self.setup.oai.retain(|(known, _)| *known != name);
        self.setup.oai.push((name, value));
        self.start_oai();
        self.until_ready().await;
    }
}

/// Variables that a test sets replace the usual ones: a variable given twice would be luck.
pub(super) fn override_with(variables: &mut Vec<(&'static str, String)>, wanted: &[(&'static str, String)]) {
    variables.retain(|(name, _)| wanted.iter().all(|(other, _)| other != name));
    variables.extend(wanted.iter().cloned());
}

fn admin_variable(service: &str) -> &'static str {
    match service {
        "server" => "WORMHOLE_SERVER_ADMIN",
        "bridge" => "WORMHOLE_BRIDGE_ADMIN",
        _ => "WORMHOLE_OAI_ADMIN",
    }
}
