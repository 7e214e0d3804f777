//! What the compiler does not check: which of our crates may know which, and that no file is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// The table of house.md: what each crate may know of ours. Dev-dependencies are listed apart.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("wormhole-protocol", &[]),
    ("wormhole-api", &[]),
    ("wormhole-runtime", &[]),
    ("wormhole-playground", &[]),
    ("wormhole-cluster", &[]),
    ("wormhole-client", &["wormhole-protocol", "wormhole-runtime"]),
    ("wormhole-server", &["wormhole-protocol", "wormhole-runtime"]),
    // wormhole-cluster by its feature `kube`, and only in its `main.rs`.
    ("wormhole-bridge", &["wormhole-protocol", "wormhole-runtime", "wormhole-client", "wormhole-cluster"]),
    ("wormhole-oai", &["wormhole-protocol", "wormhole-api", "wormhole-runtime", "wormhole-client"]),
];

/// What tests may know beyond that. A service's tests never know another service: they meet on the wire only.
const TESTS_MAY_KNOW: &[(&str, &[&str])] =
    &[("wormhole-server", &["wormhole-client"]), ("wormhole-bridge", &["wormhole-playground"])];

/// These may know everything.
const FREE: &[&str] = &["wormhole", "wormhole-testkit", "wormhole-bench"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

type Edges = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

/// Our crates, each with those of ours it depends on: always, and in tests only.
fn edges() -> Edges {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    let of_kind = |package: &cargo_metadata::Package, dev: bool| {
        let ours = package.dependencies.iter().filter(|dependency| dependency.name.starts_with("wormhole"));
        ours.filter(|dependency| (dependency.kind == DependencyKind::Development) == dev)
            .map(|dependency| dependency.name.clone())
            .collect()
    };
    let packages = metadata.packages.iter();
    packages
        .map(|package| (package.name.to_string(), (of_kind(package, false), of_kind(package, true))))
        .collect()
}

fn allowed(table: &[(&str, &[&'static str])], name: &str) -> BTreeSet<String> {
    let row = table.iter().find(|(of, _)| *of == name).map(|(_, may)| *may).unwrap_or_default();
    row.iter().map(ToString::to_string).collect()
}

#[test]
fn our_crates_know_only_those_the_house_lets_them_know() {
    for (name, (always, in_tests)) in edges() {
        if FREE.contains(&name.as_str()) {
            continue;
        }
        assert!(MAY_KNOW.iter().any(|(of, _)| *of == name), "{name} has no row in the table of house.md");
        let may = allowed(MAY_KNOW, &name);
        assert!(always.is_subset(&may), "{name} may know {may:?} but depends on {always:?}");
        let may_in_tests: BTreeSet<_> = may.union(&allowed(TESTS_MAY_KNOW, &name)).cloned().collect();
        assert!(
            in_tests.is_subset(&may_in_tests),
            "tests of {name} may know {may_in_tests:?}, not {in_tests:?}"
        );
    }
}

#[test]
fn the_testkit_is_a_dev_dependency_only() {
    for (name, (always, _)) in edges() {
        assert!(!always.contains("wormhole-testkit"), "{name} ships the testkit");
    }
}

/// An orphan is a file that looks like code and is compiled by nobody.
#[test]
fn every_rust_file_is_reached_from_a_mod() {
    for krate in fs::read_dir(root().join("crates")).unwrap() {
        for file in rust_files(&krate.unwrap().path()) {
            assert!(is_crate_root(&file) || is_declared(&file), "{} is in no module", file.display());
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mut found: Vec<_> =
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
    found.extend(folders.iter().filter(|path| !path.ends_with("target")).flat_map(|path| rust_files(path)));
    found
}

fn is_crate_root(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_str().unwrap();
    ["main.rs", "lib.rs", "build.rs"].contains(&name) || file.parent().unwrap().ends_with("src/bin")
}

fn is_declared(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap();
    let beside =
        [folder.join("main.rs"), folder.join("lib.rs"), folder.join("mod.rs"), folder.with_extension("rs")];
    let declarations = beside.iter().filter_map(|parent| fs::read_to_string(parent).ok());
    declarations.flat_map(|text| text.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>()).any(
        |line| {
            line.strip_suffix(&format!("mod {name};"))
                .is_some_and(|before| before.is_empty() || before.starts_with("pub"))
        },
    )
}
