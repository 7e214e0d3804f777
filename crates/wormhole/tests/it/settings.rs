//! The settings in the code are the settings in `.env.example`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Args, Command};

fn variables<A: Args>(of: &'static str) -> BTreeSet<String> {
    let command = A::augment_args(Command::new(of));
    let names = command.get_arguments().filter_map(|argument| argument.get_env());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Every variable that stands in the file, set or commented out.
fn documented() -> BTreeSet<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.env.example");
    let text = fs::read_to_string(file).unwrap();
    let names = text.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
    names.map(|(name, _)| name.to_owned()).filter(|name| !name.contains(' ')).collect()
}

#[test]
fn every_setting_of_the_services_stands_in_env_example_and_nothing_else_does() {
    let mut known = variables::<wormhole_server::Args>("server");
    known.extend(variables::<wormhole_bridge::Args>("bridge"));
    known.extend(variables::<wormhole_oai::Args>("oai"));
    let documented = documented();
    let missing: Vec<_> = known.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&known).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "missing from .env.example: {missing:?}; unknown there: {stale:?}"
    );
}

/// Two services may share a variable (the hub's port), but a process that runs all of them must read it as one thing.
#[test]
fn services_that_share_a_setting_agree_on_its_kind() {
    for name in
        variables::<wormhole_server::Args>("server").intersection(&variables::<wormhole_oai::Args>("oai"))
    {
        let shared =
            ["WORMHOLE_PORT", "WORMHOLE_SENDER_TOKEN", "WORMHOLE_SENDER_TOKEN_FILE", "WORMHOLE_GRACE"];
        let logs = ["WORMHOLE_LOG", "LOG_FORMAT"];
        assert!(shared.iter().chain(&logs).any(|known| known == name), "{name} means two things");
    }
}
