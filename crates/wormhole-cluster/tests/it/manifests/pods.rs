//! A pod by itself: what its containers mount, open, probe and read.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, PodSpec, Probe, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::typed::Manifests;

/// Any pod of a rendering: a workload's, or one by itself.
#[derive(Debug)]
pub(crate) struct AnyPod<'a> {
    pub(crate) of: String,
    pub(crate) metadata: &'a ObjectMeta,
    pub(crate) spec: &'a PodSpec,
    /// Volumes that a StatefulSet adds.
    pub(crate) claimed: Vec<String>,
}

impl Manifests {
    pub(crate) fn any_pods(&self) -> Vec<AnyPod<'_>> {
        let mut found = Vec::new();
        macro_rules! of_templates {
            ($workloads:expr, $claimed:expr) => {
                for workload in $workloads {
                    let spec = workload.spec.as_ref().unwrap();
                    found.push(AnyPod {
                        of: workload.metadata.name.clone().unwrap(),
                        metadata: spec.template.metadata.as_ref().unwrap(),
                        spec: spec.template.spec.as_ref().unwrap(),
                        claimed: $claimed(spec),
                    });
                }
            };
        }
        of_templates!(&self.deployments, |_: &_| Vec::new());
        of_templates!(&self.daemons, |_: &_| Vec::new());
        of_templates!(&self.sets, |spec: &k8s_openapi::api::apps::v1::StatefulSetSpec| {
            spec.volume_claim_templates
                .iter()
                .flatten()
                .filter_map(|claim| claim.metadata.name.clone())
                .collect()
        });
        found.extend(self.pods.iter().map(|pod| AnyPod {
            of: pod.metadata.name.clone().unwrap(),
            metadata: &pod.metadata,
            spec: pod.spec.as_ref().unwrap(),
            claimed: Vec::new(),
        }));
        found
    }
}

impl AnyPod<'_> {
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Container> {
        self.spec.init_containers.iter().flatten().chain(&self.spec.containers)
    }

    /// A port that a Service or a probe names, as a number.
    pub(crate) fn port(&self, named: &IntOrString) -> Option<i32> {
        let mut ports = self.spec.containers.iter().flat_map(|container| container.ports.iter().flatten());
        let found = ports.find(|port| match named {
            IntOrString::Int(number) => port.container_port == *number,
            IntOrString::String(name) => port.name.as_ref() == Some(name),
        });
        found.map(|port| port.container_port)
    }
}

/// The same twice, if it is there.
fn twice<T: Ord + Clone>(all: impl IntoIterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    all.into_iter().find(|one| !seen.insert(one.clone()))
}

#[test]
fn each_mount_is_of_a_volume_of_its_pod_and_no_volume_is_for_nothing() {
    for (shape, manifests, _) in super::shapes() {
        for pod in manifests.any_pods() {
            let volumes: Vec<_> =
                pod.spec.volumes.iter().flatten().map(|volume| volume.name.clone()).collect();
            let volumes: Vec<_> = volumes.into_iter().chain(pod.claimed.clone()).collect();
            let mounted: Vec<_> =
                pod.containers().flat_map(|one| one.volume_mounts.iter().flatten()).collect();
            assert_eq!(twice(volumes.clone()), None, "{shape}: {}", pod.of);
            let names: BTreeSet<_> = mounted.iter().map(|mount| mount.name.clone()).collect();
            assert_eq!(names, volumes.into_iter().collect(), "{shape}: {}", pod.of);
            for container in pod.containers() {
                let paths = container.volume_mounts.iter().flatten().map(|mount| mount.mount_path.as_str());
                assert_eq!(twice(paths), None, "{shape}: {}", pod.of);
            }
        }
    }
}

#[test]
fn no_variable_is_said_twice_and_no_port_opened_twice() {
    for (shape, manifests, _) in super::shapes() {
        for pod in manifests.any_pods() {
            for container in pod.containers() {
                let names = container.env.iter().flatten().map(|variable: &EnvVar| variable.name.as_str());
                assert_eq!(twice(names), None, "{shape}: {}", pod.of);
            }
            let ports = pod.containers().flat_map(|container| container.ports.iter().flatten());
            let (names, numbers): (Vec<_>, Vec<_>) =
                ports.map(|port| (port.name.clone(), port.container_port)).unzip();
            assert_eq!((twice(names), twice(numbers)), (None, None), "{shape}: {}", pod.of);
        }
    }
}

#[test]
fn each_probe_asks_a_port_that_its_container_opens() {
    let mut asked = 0;
    for (shape, manifests, _) in super::shapes() {
        for pod in manifests.any_pods() {
            for container in &pod.spec.containers {
                let probes =
                    [&container.startup_probe, &container.liveness_probe, &container.readiness_probe];
                for probe in probes.into_iter().flatten() {
                    let found = target(probe).and_then(|port| pod.port(port));
                    assert!(found.is_some(), "{shape}: {} {probe:?}", pod.of);
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 40, "{asked}");
}

fn target(probe: &Probe) -> Option<&IntOrString> {
    let of_http = probe.http_get.as_ref().map(|http| &http.port);
    of_http.or_else(|| probe.tcp_socket.as_ref().map(|socket| &socket.port))
}

#[test]
fn requests_stay_below_limits_and_every_container_of_ours_has_both_for_memory() {
    for (shape, manifests, _) in super::shapes() {
        for pod in manifests.any_pods() {
            for container in &pod.spec.containers {
                let resources = container.resources.clone().unwrap_or_default();
                let (requested, limit) = (bytes(&resources, false), bytes(&resources, true));
                assert!(requested > 0 && requested <= limit, "{shape}: {} {resources:?}", pod.of);
            }
        }
    }
}

/// Memory in the units that the chart uses.
fn bytes(resources: &ResourceRequirements, limit: bool) -> u64 {
    let of = if limit { &resources.limits } else { &resources.requests };
    let quantity = of.as_ref().and_then(|of| of.get("memory")).map_or("0Mi", |quantity| quantity.0.as_str());
    let number = |text: &str| text.parse::<u64>().unwrap();
    match quantity.strip_suffix("Gi") {
        Some(gibibytes) => number(gibibytes) << 30,
        None => number(quantity.strip_suffix("Mi").unwrap()) << 20,
    }
}
