//! What is shipped for Prometheus and Grafana names only what the services really offer, and what is documented.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::with_everything;

/// Alerts, and what Grafana draws.
const FILES: [&str; 2] = ["charts/wormhole/files/rules.yaml", "charts/wormhole/files/dashboard.json"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words in a text that are a metric's name.
fn named(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("wormhole_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// The series that a page of metrics declares; a histogram has three names.
fn declared(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    types
        .flat_map(|(name, kind)| match kind {
            "histogram" => ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")).to_vec(),
            _ => vec![name.to_owned()],
        })
        .collect()
}

#[tokio::test]
async fn rules_and_dashboard_name_only_metrics_that_the_services_offer() {
    let stack = with_everything().await;
    stack.api.answer("practice-echo", "something to count").await;
    let mut offered = BTreeSet::new();
    for service in ["server", "bridge", "oai"] {
        let (status, page) = stack.admin(service, "/metrics").await.expect("it is up");
        assert_eq!(status, 200, "{service}");
        offered.extend(declared(&page));
    }
    for file in FILES {
        let wanted = named(&read(file));
        assert!(wanted.len() > 10, "{file} names metrics: {wanted:?}");
        let missing: Vec<_> = wanted.difference(&offered).collect();
        assert!(missing.is_empty(), "{file} names metrics that nobody offers: {missing:?}");
    }
    stack.stop(&["something to count"]).await;
}

#[test]
fn every_alert_has_its_section_in_the_operators_book_and_its_test() {
    let (book, tests) = (read("docs/OPERATIONS.md"), read("tests/monitoring/rules.test.yaml"));
    let rules = read(FILES[0]);
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 9, "{alerts:?}");
    for alert in alerts {
        assert!(book.lines().any(|line| line == format!("### {alert}")), "docs/OPERATIONS.md lacks {alert}");
        assert!(
            tests.contains(&format!("alertname: {alert}\n        exp_alerts")),
            "no test lets {alert} fire"
        );
        let runbook = format!("docs/OPERATIONS.md#{}", alert.to_lowercase());
        assert!(rules.contains(&runbook), "{alert} does not lead to its section");
    }
}
