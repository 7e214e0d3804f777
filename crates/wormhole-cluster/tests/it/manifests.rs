//! What the chart renders and what `k8s/` holds, each object as its own type of Kubernetes, and what no schema says: that
//! what one object names is there, under the name that it says. `make test-chart` renders it; only it has this feature on.

mod links;
mod pods;
mod typed;

use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;

use self::typed::Manifests;

/// What `scripts/render-chart.sh` leaves, and what each expects the operator to bring, as kind and name.
const SHAPES: &[(&str, &[(&str, &str)])] = &[
    ("defaults", &[]),
    ("demo", &[]),
    (
        "full",
        &[
            ("ConfigMap", "ca"),
            ("ConfigMap", "proxy"),
            ("Secret", "api-tls"),
            ("Secret", "console"),
            ("Secret", "embeddings"),
            ("Secret", "keys"),
            ("Secret", "mine"),
            ("Secret", "plain-key"),
            ("Secret", "regcred"),
            ("Secret", "tokens"),
            ("Secret", "webhook"),
        ],
    ),
    ("k8s-base", &[("Secret", "wormhole-tokens")]),
    ("k8s-demo", &[("Secret", "wormhole-tokens")]),
    ("k8s-seccomp", &[]),
];

/// Each shape: its name, its objects, and what the operator brings.
fn shapes() -> impl Iterator<Item = (&'static str, Manifests, &'static [(&'static str, &'static str)])> {
    let folder = std::env::var_os("WORMHOLE_TEST_MANIFESTS").expect("`make test-chart` says where they are");
    SHAPES.iter().map(move |(shape, brought)| {
        let text = std::fs::read_to_string(Path::new(&folder).join(format!("{shape}.yaml"))).unwrap();
        let documents = serde_yaml::Deserializer::from_str(&text);
        let documents = documents.map(|document| Value::deserialize(document).unwrap());
        let manifests = Manifests::of(documents.filter(|document| !document.is_null()));
        (*shape, manifests.unwrap_or_else(|error| unreachable!("{shape}: {error}")), *brought)
    })
}
