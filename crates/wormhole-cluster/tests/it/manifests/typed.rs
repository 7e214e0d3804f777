//! Objects by their types.

use k8s_openapi::Resource;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{
    ConfigMap, Namespace, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The Prometheus Operator's, of which there are no types here.
const FOREIGN: &[&str] = &["PodMonitor", "ServiceMonitor", "PrometheusRule"];

macro_rules! manifests {
    ($($field:ident: $kind:ident),* $(,)?) => {
        /// The objects of one rendering.
        #[derive(Debug, Default)]
        pub(crate) struct Manifests {
            $(pub(crate) $field: Vec<$kind>,)*
        }

        impl Manifests {
            fn take(&mut self, document: &Value) -> Result<(), String> {
                let [version, kind] = ["apiVersion", "kind"].map(|key| document[key].as_str().unwrap_or_default());
                match (version, kind) {
                    $(($kind::API_VERSION, $kind::KIND) => self.$field.push(decode(document)?),)*
                    ("monitoring.coreos.com/v1", kind) if FOREIGN.contains(&kind) => {}
                    _ => return Err(format!("no type for {version} {kind}")),
                }
                Ok(())
            }

            /// Kind and metadata of each object.
            pub(crate) fn all(&self) -> Vec<(&'static str, &ObjectMeta)> {
                let mut all = Vec::new();
                $(all.extend(self.$field.iter().map(|object| ($kind::KIND, &object.metadata)));)*
                all
            }
        }
    };
}

manifests! {
    namespaces: Namespace,
    accounts: ServiceAccount,
    roles: Role,
    bindings: RoleBinding,
    secrets: Secret,
    configs: ConfigMap,
    claims: PersistentVolumeClaim,
    services: Service,
    ingresses: Ingress,
    policies: NetworkPolicy,
    budgets: PodDisruptionBudget,
    deployments: Deployment,
    sets: StatefulSet,
    daemons: DaemonSet,
    pods: Pod,
}

impl Manifests {
    pub(crate) fn of(documents: impl Iterator<Item = Value>) -> Result<Self, String> {
        let mut manifests = Self::default();
        for document in documents {
            manifests.take(&document)?;
        }
        Ok(manifests)
    }

    pub(crate) fn has(&self, kind: &str, name: &str) -> bool {
        self.all().iter().any(|(of, metadata)| *of == kind && metadata.name.as_deref() == Some(name))
    }
}

/// A type alone takes keys that it does not know, and drops them: what it gives back must be all that it was given.
fn decode<T: DeserializeOwned + Serialize + Resource>(document: &Value) -> Result<T, String> {
    let name = document["metadata"]["name"].as_str().unwrap_or_default();
    let typed: T =
        serde_json::from_value(document.clone()).map_err(|error| format!("{} {name}: {error}", T::KIND))?;
    let given = without_nulls(document);
    let back = without_nulls(&serde_json::to_value(&typed).unwrap());
    if let Some(path) = difference(&given, &back) {
        return Err(format!("{} {name}: {} has no {path} such as this", T::KIND, T::API_VERSION));
    }
    Ok(typed)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        value => value.clone(),
    }
}

/// The path of the first thing that is in `given` and is not, or is another, in `back`.
fn difference(given: &Value, back: &Value) -> Option<String> {
    let below = |key: String, given: &Value, back: Option<&Value>| {
        let Some(back) = back else { return Some(key) };
        difference(given, back).map(|rest| format!("{key}.{rest}").trim_end_matches('.').to_owned())
    };
    match (given, back) {
        (Value::Object(given), Value::Object(back)) => {
            given.iter().find_map(|(key, value)| below(key.clone(), value, back.get(key)))
        }
        (Value::Array(given), Value::Array(back)) if given.len() == back.len() => given
            .iter()
            .zip(back)
            .enumerate()
            .find_map(|(i, (given, back))| below(i.to_string(), given, Some(back))),
        _ => (given != back).then(String::new),
    }
}

#[test]
fn every_document_has_a_type_and_nothing_of_it_is_lost_there() {
    for (shape, manifests, _) in super::shapes() {
        let all = manifests.all();
        assert!(all.len() > 3, "{shape}: {}", all.len());
    }
}

#[test]
fn each_kind_of_object_is_rendered_somewhere() {
    let mut seen: Vec<_> = super::shapes()
        .flat_map(|(_, manifests, _)| manifests.all().iter().map(|(kind, _)| *kind).collect::<Vec<_>>())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 15, "{seen:?}");
}

#[test]
fn what_is_of_no_type_or_does_not_fit_its_own_is_refused() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "x" },
        "spec": { "ports": [{ "port": 1, "targetPort": "admin" }] },
    });
    let refused = |path: &str, value: Value| {
        let mut changed = service.clone();
        *changed.pointer_mut(path).unwrap() = value;
        Manifests::of([changed].into_iter()).unwrap_err()
    };
    assert_eq!(Manifests::of([service.clone()].into_iter()).unwrap().services[0].name_any(), "x");
    assert_eq!(refused("/kind", json!("Servise")), "no type for v1 Servise");
    assert_eq!(refused("/apiVersion", json!("v1beta1")), "no type for v1beta1 Service");
    let of_text = refused("/spec/ports/0/port", json!("1"));
    assert!(of_text.starts_with("Service x: invalid type: string"), "{of_text}");
    let misspelt = refused("/spec/ports/0", json!({ "port": 1, "tragetPort": 2 }));
    assert_eq!(misspelt, "Service x: v1 has no spec.ports.0.tragetPort such as this");
    // An octal of YAML 1.1 is text to others.
    let octal =
        json!({ "volumes": [{ "name": "s", "projected": { "defaultMode": "0440" } }], "containers": [] });
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "x" }, "spec": octal });
    assert!(Manifests::of([pod].into_iter()).is_err());
}
