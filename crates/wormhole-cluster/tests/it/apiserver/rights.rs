//! Who asks, and what the chart's Role lets the bridge do.

use std::path::Path;

use axum::http::Method;
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding};
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::NAMESPACE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// May do everything.
    Operator,
    /// The service account of the chart's bridge.
    Bridge,
    /// A service account without a Role.
    Stranger,
}

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Operator, Self::Bridge, Self::Stranger];

    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Operator => "token-of-the-operator",
            Self::Bridge => "token-of-the-bridge",
            Self::Stranger => "token-of-a-stranger",
        }
    }

    pub(crate) fn user(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Bridge => "system:serviceaccount:test:wormhole-bridge",
            Self::Stranger => "system:serviceaccount:test:stranger",
        }
    }
}

/// As `k8s/` has them, which a test keeps equal to the chart.
pub(crate) struct Rights {
    pub(crate) role: Role,
    pub(crate) binding: RoleBinding,
}

pub(crate) fn of_the_bridge() -> Rights {
    let mut binding: RoleBinding = the_only("RoleBinding");
    // kustomize's business, in the tests' namespace.
    for subject in binding.subjects.iter_mut().flatten() {
        subject.namespace = Some(NAMESPACE.to_owned());
    }
    Rights { role: the_only("Role"), binding }
}

fn the_only<T: DeserializeOwned>(kind: &str) -> T {
    let mut found: Vec<_> = manifests().into_iter().filter(|object| object["kind"] == kind).collect();
    assert_eq!(found.len(), 1, "{kind}");
    serde_json::from_value(found.remove(0)).unwrap()
}

/// Each workload's pod, as the workload would make it.
pub(crate) fn pods_of_the_chart() -> Vec<Value> {
    let workloads = manifests().into_iter().filter(|object| object["spec"]["template"].is_object());
    workloads.map(|workload| pod_of(&workload)).collect()
}

fn pod_of(workload: &Value) -> Value {
    let template = &workload["spec"]["template"];
    let (mut metadata, mut spec) = (template["metadata"].clone(), template["spec"].clone());
    metadata["name"] = json!(format!("{}-0", workload["metadata"]["name"].as_str().unwrap()));
    // A set adds the volumes of its claims.
    for claim in workload["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let name = claim["metadata"]["name"].clone();
        spec["volumes"].as_array_mut().unwrap().push(json!({ "name": name, "emptyDir": {} }));
    }
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec })
}

/// The objects of k8s/base.
fn manifests() -> Vec<Value> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../k8s/base");
    let files = ["bridge.yaml", "oai.yaml", "server.yaml"];
    let texts = files.map(|file| std::fs::read_to_string(base.join(file)).unwrap());
    let documents = texts.iter().flat_map(|text| serde_yaml::Deserializer::from_str(text));
    documents.map(|document| Value::deserialize(document).unwrap()).collect()
}

/// What a request wants, in the words of a Role.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    verb: &'static str,
    group: &'a str,
    resource: String,
    name: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// From `/api/v1/namespaces/…` or `/apis/GROUP/v1/namespaces/…`.
    pub(crate) fn by(method: &Method, path: &'a str) -> Option<Self> {
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", "namespaces", _, rest @ ..] => ("", rest),
            ["apis", group, "v1", "namespaces", _, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (resource, name) = match rest {
            [resource] => ((*resource).to_owned(), None),
            [resource, name] => ((*resource).to_owned(), Some(*name)),
            [resource, name, of_it] => (format!("{resource}/{of_it}"), Some(*name)),
            _ => return None,
        };
        let verb = match *method {
            Method::GET if name.is_none() => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            _ => return None,
        };
        Some(Self { verb, group, resource, name })
    }

    pub(crate) fn is_allowed(&self, rules: &[PolicyRule]) -> bool {
        let holds = |list: &Option<Vec<String>>, what: &str| list.iter().flatten().any(|one| one == what);
        rules.iter().any(|rule| {
            rule.verbs.iter().any(|verb| verb == self.verb)
                && holds(&rule.api_groups, self.group)
                && holds(&rule.resources, &self.resource)
                && (rule.resource_names.is_none()
                    || self.name.is_some_and(|name| holds(&rule.resource_names, name)))
        })
    }

    /// In the API server's words.
    pub(crate) fn denial(&self, who: Who) -> String {
        let Self { verb, group, resource, name } = self;
        let user = who.user();
        let name = name.unwrap_or_default();
        format!(
            "{resource}.{group} {name:?} is forbidden: User {user:?} cannot {verb} resource {resource:?} in API group {group:?}"
        )
    }
}
