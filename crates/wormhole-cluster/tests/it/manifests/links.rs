//! What one object names in another: selectors, ports, accounts, claims, Secrets. A cluster takes an object whose names lead
//! nowhere, and then does nothing.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{EnvVarSource, Service, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::pods::AnyPod;
use super::typed::Manifests;

type Labels = BTreeMap<String, String>;

/// Whether all of these are among the labels.
fn selects(selector: &Labels, labels: Option<&Labels>) -> bool {
    let labels = labels.cloned().unwrap_or_default();
    selector.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// The pods that it selects. Ours select by labels alone.
fn selected<'a>(pods: &'a [AnyPod<'a>], selector: &LabelSelector) -> Vec<&'a AnyPod<'a>> {
    assert!(selector.match_expressions.is_none(), "{selector:?}");
    let labels = selector.match_labels.clone().unwrap_or_default();
    pods.iter().filter(|pod| selects(&labels, pod.metadata.labels.as_ref())).collect()
}

#[test]
fn each_workload_selects_its_own_pods_and_nobody_elses() {
    for (shape, manifests, _) in super::shapes() {
        let pods = manifests.any_pods();
        let of_deployments = manifests
            .deployments
            .iter()
            .map(|one| (&one.metadata, one.spec.as_ref().map(|spec| &spec.selector)));
        let of_sets =
            manifests.sets.iter().map(|one| (&one.metadata, one.spec.as_ref().map(|spec| &spec.selector)));
        let of_daemons =
            manifests.daemons.iter().map(|one| (&one.metadata, one.spec.as_ref().map(|spec| &spec.selector)));
        for (metadata, selector) in of_deployments.chain(of_sets).chain(of_daemons) {
            let found = selected(&pods, selector.unwrap());
            let found: Vec<_> = found.iter().map(|pod| pod.of.as_str()).collect();
            assert_eq!(found, [metadata.name.as_deref().unwrap()], "{shape}");
        }
    }
}

/// That of a whole release, which Prometheus asks, also selects pods that have no such port; they are left out there.
#[test]
fn each_service_leads_to_a_port_of_the_pods_that_it_selects() {
    for (shape, manifests, _) in super::shapes() {
        let pods = manifests.any_pods();
        for service in &manifests.services {
            let (name, spec) = (&service.metadata.name, service.spec.as_ref().unwrap());
            let selector = spec.selector.as_ref().unwrap();
            let found: Vec<_> =
                pods.iter().filter(|pod| selects(selector, pod.metadata.labels.as_ref())).collect();
            for port in spec.ports.iter().flatten() {
                let target = port.target_port.clone().unwrap_or(IntOrString::Int(port.port));
                let led = found.iter().filter(|pod| pod.port(&target).is_some()).count();
                let of_release = !selector.contains_key("app.kubernetes.io/component");
                let enough = if of_release { 1 } else { found.len() };
                assert!(led > 0 && led >= enough, "{shape}: {name:?} {port:?}");
            }
        }
    }
}

#[test]
fn each_set_has_a_headless_service_of_its_pods() {
    for (shape, manifests, _) in super::shapes() {
        for set in &manifests.sets {
            let spec = set.spec.as_ref().unwrap();
            let service =
                service(&manifests, spec.service_name.as_deref().unwrap()).unwrap().spec.clone().unwrap();
            assert_eq!(service.cluster_ip.as_deref(), Some("None"), "{shape}");
            let labels = spec.template.metadata.as_ref().unwrap().labels.as_ref();
            assert!(selects(&service.selector.unwrap(), labels), "{shape}: {:?}", set.metadata.name);
        }
    }
}

fn service<'a>(manifests: &'a Manifests, name: &str) -> Option<&'a Service> {
    manifests.services.iter().find(|service| service.metadata.name.as_deref() == Some(name))
}

#[test]
fn each_ingress_leads_to_a_port_of_a_service() {
    let mut led = 0;
    for (shape, manifests, _) in super::shapes() {
        let rules = manifests
            .ingresses
            .iter()
            .flat_map(|ingress| ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten()));
        for path in rules.flat_map(|rule| rule.http.iter().flat_map(|http| &http.paths)) {
            let backend = path.backend.service.as_ref().unwrap();
            let service = service(&manifests, &backend.name).unwrap().spec.as_ref().unwrap();
            let wanted = backend.port.as_ref().and_then(|port| port.name.as_ref());
            assert!(
                service.ports.iter().flatten().any(|port| port.name.as_ref() == wanted),
                "{shape}: {backend:?}"
            );
            led += 1;
        }
    }
    assert!(led > 0);
}

/// The whole namespace's is meant so in k8s/seccomp.
#[test]
fn each_policy_and_budget_is_for_the_pods_of_one_component() {
    for (shape, manifests, _) in super::shapes() {
        let pods = manifests.any_pods();
        let policies =
            manifests.policies.iter().filter_map(|policy| policy.spec.as_ref()?.pod_selector.as_ref());
        let budgets = manifests.budgets.iter().filter_map(|budget| budget.spec.as_ref()?.selector.as_ref());
        for selector in policies.chain(budgets) {
            let component = |pod: &&AnyPod<'_>| {
                pod.metadata.labels.as_ref().unwrap().get("app.kubernetes.io/component").cloned()
            };
            let found: BTreeSet<_> = selected(&pods, selector).iter().map(component).collect();
            assert_eq!(found.len(), 1, "{shape}: {selector:?}");
        }
    }
}

#[test]
fn every_pod_is_somebody_and_only_who_has_a_role_may_ask_the_api_server() {
    for (shape, manifests, _) in super::shapes() {
        let mut bound = BTreeSet::new();
        for binding in &manifests.bindings {
            assert!(manifests.has(&binding.role_ref.kind, &binding.role_ref.name), "{shape}: {binding:?}");
            for subject in binding.subjects.iter().flatten() {
                assert!(manifests.has(&subject.kind, &subject.name), "{shape}: {subject:?}");
                assert_eq!(subject.namespace.as_deref(), Some("wormhole"), "{shape}: {subject:?}");
                bound.insert(subject.name.clone());
            }
        }
        for pod in manifests.any_pods() {
            let account = pod.spec.service_account_name.clone();
            if let Some(account) = &account {
                assert!(manifests.has("ServiceAccount", account), "{shape}: {}", pod.of);
            }
            let asks = pod.spec.automount_service_account_token.unwrap();
            assert_eq!(asks, account.is_some_and(|account| bound.contains(&account)), "{shape}: {}", pod.of);
        }
    }
}

#[test]
fn what_a_pod_mounts_or_reads_is_rendered_with_it_or_brought_by_the_operator() {
    for (shape, manifests, brought) in super::shapes() {
        let mut named: BTreeSet<(&str, String)> = BTreeSet::new();
        for pod in manifests.any_pods() {
            named.extend(pod.spec.volumes.iter().flatten().flat_map(of_volume));
            let variables = pod.containers().flat_map(|container| container.env.iter().flatten());
            named.extend(variables.filter_map(|variable| variable.value_from.as_ref()).flat_map(of_variable));
            named.extend(
                pod.spec.image_pull_secrets.iter().flatten().map(|pull| ("Secret", pull.name.clone())),
            );
        }
        let tls =
            manifests.ingresses.iter().filter_map(|ingress| ingress.spec.as_ref()?.tls.as_ref()).flatten();
        named.extend(tls.filter_map(|tls| Some(("Secret", tls.secret_name.clone()?))));
        let missing: BTreeSet<_> = named
            .iter()
            .filter(|(kind, name)| !manifests.has(kind, name))
            .map(|(kind, name)| (*kind, name.as_str()))
            .collect();
        assert_eq!(missing, brought.iter().copied().collect(), "{shape}");
    }
}

fn of_volume(volume: &Volume) -> Vec<(&'static str, String)> {
    let mut named = Vec::new();
    named.extend(volume.config_map.iter().map(|of| ("ConfigMap", of.name.clone())));
    named.extend(volume.secret.iter().map(|of| ("Secret", of.secret_name.clone().unwrap_or_default())));
    named.extend(
        volume.persistent_volume_claim.iter().map(|of| ("PersistentVolumeClaim", of.claim_name.clone())),
    );
    let sources = volume.projected.iter().flat_map(|projected| projected.sources.iter().flatten());
    named.extend(sources.filter_map(|source| Some(("Secret", source.secret.as_ref()?.name.clone()))));
    named
}

fn of_variable(from: &EnvVarSource) -> Vec<(&'static str, String)> {
    let secret = from.secret_key_ref.iter().map(|key| ("Secret", key.name.clone()));
    secret.chain(from.config_map_key_ref.iter().map(|key| ("ConfigMap", key.name.clone()))).collect()
}

#[test]
fn names_are_such_as_kubernetes_takes_and_each_is_there_once() {
    for (shape, manifests, _) in super::shapes() {
        let mut seen = BTreeSet::new();
        for (kind, metadata) in manifests.all() {
            let name = metadata.name.as_deref().unwrap();
            assert!(seen.insert((kind, name)), "{shape}: {kind} {name} is there twice");
            assert!(is_label(name), "{shape}: {kind} {name}");
            let values = metadata.labels.iter().flat_map(BTreeMap::values);
            for value in values {
                assert!(
                    is_label(&value.to_ascii_lowercase().replace(['.', '_'], "-")),
                    "{shape}: {kind} {name}: {value}"
                );
            }
        }
    }
}

/// RFC 1123: what a name of a Service, and the host name of a pod, must be.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
