//! What the compiler does not know of the images and of the Compose files: they name settings, times, versions and files that
//! stand in the code, and no container is needed to see whether they agree. `make test-compose` runs them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Command};
use serde_yaml::Value;
use wormhole_runtime::parse_duration;

const DOCKERFILES: [&str; 3] = ["Dockerfile.server", "Dockerfile.bridge", "Dockerfile.oai"];
const FILES: [&str; 3] = ["docker-compose.yml", "docker-compose.debug.yml", "docker-compose.folders.yml"];

/// Read by Compose itself, not by a program; docs/COMPOSE.md tells what each is for.
const OF_COMPOSE: [&str; 13] = [
    "CHROMIUM_VERSION",
    "PACKAGES_AS_OF",
    "WORMHOLE_ENV_FILE",
    "WORMHOLE_FOLDERS",
    "WORMHOLE_PUBLISH_CONSOLE",
    "WORMHOLE_PUBLISH_DEBUG",
    "WORMHOLE_PUBLISH_GRAFANA",
    "WORMHOLE_PUBLISH_OAI",
    "WORMHOLE_PUBLISH_PROMETHEUS",
    "WORMHOLE_PUBLISH_SERVER",
    "WORMHOLE_REGISTRY",
    "WORMHOLE_REVISION",
    "WORMHOLE_TAG",
];

/// How long the bridge may take to end Chromium after its turns have ended: it asks, then insists twice.
const CHROMIUM_ENDS: Duration = Duration::from_secs(9);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The services of a Compose file, with what they take from each other filled in.
fn services(name: &str) -> Vec<(String, Value)> {
    let mut file: Value = serde_yaml::from_str(&read(name)).unwrap();
    assert!(file.get("version").is_none(), "{name}: `version` is obsolete");
    // Each pass resolves one step of what is merged from what is merged.
    for _ in 0..3 {
        file.apply_merge().unwrap();
    }
    let services = file["services"].as_mapping().unwrap().clone();
    services.into_iter().map(|(name, service)| (name.as_str().unwrap().to_owned(), service)).collect()
}

fn is_ours(name: &str) -> bool {
    name.starts_with("wormhole-")
}

fn variables<A: Args>() -> BTreeSet<String> {
    let command = A::augment_args(Command::new("any"));
    let names = command.get_arguments().filter_map(|argument| argument.get_env());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Every variable that a program of ours reads.
fn known() -> BTreeSet<String> {
    let mut known = variables::<wormhole_server::Args>();
    known.extend(variables::<wormhole_server::TokensArgs>());
    known.extend(variables::<wormhole_bridge::Args>());
    known.extend(variables::<wormhole_oai::Args>());
    known.extend(variables::<wormhole_playground::Args>());
    known
}

#[test]
fn containers_are_given_settings_that_the_programs_know() {
    let known = known();
    for file in FILES {
        for (name, service) in services(file).iter().filter(|(name, _)| is_ours(name)) {
            let Some(environment) = service.get("environment").and_then(Value::as_mapping) else { continue };
            for variable in environment.keys().map(|key| key.as_str().unwrap()) {
                assert!(known.contains(variable), "{file}: {name} is given {variable}, which nothing reads");
            }
        }
    }
    for line in read("docker-compose.env").lines().filter(|line| !line.starts_with('#')) {
        let (variable, _) = line.split_once('=').unwrap();
        assert!(known.contains(variable), "docker-compose.env names {variable}, which nothing reads");
    }
}

#[test]
fn what_compose_fills_in_is_a_setting_or_documented() {
    let (known, documented) = (known(), read("docs/COMPOSE.md"));
    for file in FILES {
        for part in read(file).split("${").skip(1) {
            let variable: String = part.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            let of_compose = OF_COMPOSE.contains(&variable.as_str());
            assert!(of_compose || known.contains(&variable), "{file} reads ${{{variable}}}");
        }
    }
    for variable in OF_COMPOSE {
        assert!(documented.contains(&format!("`{variable}`")), "docs/COMPOSE.md does not tell of {variable}");
    }
}

#[test]
fn a_container_is_given_longer_to_end_than_its_program_takes() {
    let command = wormhole_bridge::Args::augment_args(Command::new("bridge"));
    let grace =
        command.get_arguments().find(|argument| argument.get_env() == Some("WORMHOLE_GRACE".as_ref()));
    let grace = parse_duration(grace.unwrap().get_default_values()[0].to_str().unwrap()).unwrap();
    for (name, service) in services(FILES[0]).iter().filter(|(name, _)| is_ours(name)) {
        let given = parse_duration(service["stop_grace_period"].as_str().unwrap()).unwrap();
        assert!(given > grace + CHROMIUM_ENDS, "{name} is given {given:?}");
    }
}

#[test]
fn no_container_may_more_than_it_needs_and_none_is_reached_from_outside() {
    for (name, service) in services(FILES[0]) {
        // What makes the tokens ends; everything else comes back.
        let restart = if name == "wormhole-tokens" { "no" } else { "unless-stopped" };
        assert_eq!(service["restart"].as_str(), Some(restart), "{name}");
        assert_eq!(service["read_only"], Value::Bool(true), "{name}");
        assert_eq!(service["cap_drop"][0].as_str(), Some("ALL"), "{name}");
        assert_eq!(service["security_opt"][0].as_str(), Some("no-new-privileges:true"), "{name}");
        assert_eq!(service["logging"]["options"]["max-size"].as_str(), Some("10m"), "{name}");
        assert!(service.get("mem_limit").is_some() && service.get("pids_limit").is_some(), "{name}");
    }
    for (file, (name, service)) in
        FILES.into_iter().flat_map(|file| services(file).into_iter().map(move |of| (file, of)))
    {
        let ports = service.get("ports").and_then(Value::as_sequence).cloned().unwrap_or_default();
        for port in ports.iter().map(|port| port.as_str().unwrap()) {
            assert!(port.starts_with("127.0.0.1:"), "{file}: {name} publishes {port}");
        }
    }
}

/// What is mounted is what the crates ship: there is no second copy to keep in step.
#[test]
fn what_is_mounted_is_there() {
    for (name, service) in services(FILES[0]).iter().filter(|(name, _)| is_ours(name)) {
        let mounts = service.get("volumes").and_then(Value::as_sequence).cloned().unwrap_or_default();
        for source in mounts.iter().filter_map(|mount| mount.as_str()?.split(':').next()) {
            assert!(!source.starts_with('.') || root().join(source).exists(), "{name} mounts {source}");
        }
    }
}

/// The part of a Dockerfile between two of its lines.
fn part(name: &str, from: &str, to: &str) -> String {
    let text = read(name);
    let part = text.split_once(from).and_then(|(_, rest)| rest.split_once(to));
    part.unwrap_or_else(|| panic!("{name} lacks {from:?} or {to:?}")).0.to_owned()
}

/// BuildKit runs a stage once for several images only where its text is the same.
#[test]
fn dockerfiles_share_the_stages_that_they_have_in_common() {
    let programs = |name: &str| part(name, "# === The programs.", "# === End of the shared stage.");
    let first = programs(DOCKERFILES[0]);
    for name in &DOCKERFILES[1..] {
        assert_eq!(programs(name), first, "{name}");
    }
    let root = |name: &str| part(name, "# === The root of the small images", "# === End of the root.");
    assert_eq!(root("Dockerfile.server"), root("Dockerfile.oai"));
    let channel = read("rust-toolchain.toml");
    let channel =
        channel.lines().find_map(|line| line.strip_prefix("channel = \"")?.strip_suffix('"')).unwrap();
    assert!(first.contains(&format!("FROM rust:{channel}-slim-bookworm AS build")), "rust {channel}");
}

#[test]
fn every_image_says_its_version_runs_as_nobody_and_checks_itself() {
    for name in DOCKERFILES {
        let text = read(name);
        assert!(!text.contains("\n# syntax") && !text.contains("\nVOLUME"), "{name}");
        let images = text.matches("\nENTRYPOINT [").count();
        for line in [
            concat!("\nARG WORMHOLE_VERSION=", env!("CARGO_PKG_VERSION"), "\n"),
            "\nUSER 10001:10001\n",
            "\nHEALTHCHECK ",
            "org.opencontainers.image.revision=\"$WORMHOLE_REVISION\"",
        ] {
            assert_eq!(text.matches(line).count(), images, "{name}: {line:?}");
        }
    }
}
