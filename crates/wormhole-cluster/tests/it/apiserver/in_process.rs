//! The API server in this process: objects by path, resource versions, conflicts, merge patches, what is missing, what is
//! forbidden, and a kubelet's port-forward. Nothing of ours watches, so it has no watches.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::rights::{self, Wanted, Who};
use super::tunnel;

struct Objects {
    /// By path.
    all: BTreeMap<String, Value>,
    version: u64,
    overloaded: bool,
    /// Of the bridge.
    rules: Vec<PolicyRule>,
}

pub(crate) struct InProcess {
    objects: Arc<Mutex<Objects>>,
    addr: SocketAddr,
    #[cfg(feature = "programs")]
    ports: tunnel::Ports,
    _tasks: JoinSet<()>,
}

impl InProcess {
    pub(crate) async fn start() -> Self {
        let rules = rights::of_the_bridge().role.rules.unwrap();
        let objects = Objects { all: BTreeMap::new(), version: 0, overloaded: false, rules };
        let objects = Arc::new(Mutex::new(objects));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let ports = tunnel::Ports::default();
        let portforward = any(tunnel::portforward).with_state(ports.clone());
        let router = Router::new()
            .route("/api/v1/namespaces/{ns}/pods/{pod}/portforward", portforward)
            .fallback(serve)
            .with_state(Arc::clone(&objects));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            objects,
            addr,
            #[cfg(feature = "programs")]
            ports,
            _tasks: tasks,
        }
    }

    /// A port of every pod leads to this port of this machine.
    #[cfg(feature = "programs")]
    pub(crate) fn pod_port(&self, port: u16, here: u16) {
        self.ports.lock().unwrap().insert(port, here);
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn overloaded(&self, overloaded: bool) {
        self.objects.lock().unwrap().overloaded = overloaded;
    }
}

/// The API server's own way to say no.
fn refusal(code: StatusCode, reason: &str, message: &str) -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    (code, axum::Json(status)).into_response()
}

fn missing(path: &str) -> Response {
    refusal(StatusCode::NOT_FOUND, "NotFound", &format!("{path} not found"))
}

async fn serve(
    State(objects): State<Arc<Mutex<Objects>>>,
    method: Method,
    uri: Uri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut objects = objects.lock().unwrap();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = header("authorization").trim_start_matches("Bearer ");
    let Some(who) = Who::ALL.into_iter().find(|who| who.token() == token) else {
        return refusal(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized");
    };
    if objects.overloaded && who != Who::Operator {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "etcd is away");
    }
    let path = uri.path();
    let Some(wanted) = Wanted::by(&method, path) else { return missing(path) };
    let allowed = match who {
        Who::Operator => true,
        Who::Bridge => wanted.is_allowed(&objects.rules),
        Who::Stranger => false,
    };
    if !allowed {
        return refusal(StatusCode::FORBIDDEN, "Forbidden", &wanted.denial(who));
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match method {
        Method::GET => read(&objects, path, query.get("labelSelector").map(String::as_str)),
        Method::POST => create(&mut objects, path, body),
        Method::PUT => replace(&mut objects, path, body),
        _ => patch(&mut objects, path, &body, header("content-type").contains("strategic")),
    }
}

fn read(objects: &Objects, path: &str, selector: Option<&str>) -> Response {
    if let Some(object) = objects.all.get(path) {
        return axum::Json(object.clone()).into_response();
    }
    // A collection's name stands at an odd depth: after the namespace, and after the name of an object.
    if path.split('/').rev().nth(1) != Some(super::NAMESPACE) {
        return missing(path);
    }
    let below = format!("{path}/");
    let wanted = |object: &&Value| {
        let pairs =
            selector.into_iter().flat_map(|text| text.split(',')).filter_map(|pair| pair.split_once('='));
        pairs.into_iter().all(|(name, value)| object["metadata"]["labels"][name] == value)
    };
    let all = objects.all.range(below.clone()..).take_while(|(path, _)| path.starts_with(&below));
    let items: Vec<_> = all.map(|(_, object)| object).filter(wanted).collect();
    axum::Json(json!({ "kind": "List", "apiVersion": "v1", "metadata": {}, "items": items })).into_response()
}

fn store(objects: &mut Objects, path: &str, mut object: Value) -> Value {
    objects.version += 1;
    object["metadata"]["resourceVersion"] = json!(objects.version.to_string());
    objects.all.insert(path.to_owned(), object.clone());
    object
}

/// A status is set by whoever runs the thing, not by who wants it.
fn create(objects: &mut Objects, collection: &str, mut object: Value) -> Response {
    let Some(name) = object["metadata"]["name"].as_str() else {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", "metadata.name is required");
    };
    let path = format!("{collection}/{name}");
    if objects.all.contains_key(&path) {
        return refusal(StatusCode::CONFLICT, "AlreadyExists", &format!("{path} already exists"));
    }
    object["metadata"]["uid"] = json!(format!("uid-{}", objects.version));
    if let Some(whole) = object.as_object_mut() {
        whole.shift_remove("status");
    }
    (StatusCode::CREATED, axum::Json(store(objects, &path, object))).into_response()
}

/// Only who has read the last version may write the next.
fn replace(objects: &mut Objects, path: &str, object: Value) -> Response {
    let Some(before) = objects.all.get(path) else { return missing(path) };
    if before["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
        let message = "the object has been modified; please apply your changes to the latest version";
        return refusal(StatusCode::CONFLICT, "Conflict", message);
    }
    axum::Json(store(objects, path, object)).into_response()
}

/// What changes nothing makes no new version. Of `…/status` nothing but the status counts.
fn patch(objects: &mut Objects, path: &str, wanted: &Value, strategic: bool) -> Response {
    let of_object = path.trim_end_matches("/status");
    let Some(before) = objects.all.get(of_object).cloned() else { return missing(of_object) };
    let mut after = before.clone();
    if of_object == path {
        merge(&mut after, wanted, strategic);
    } else {
        merge(&mut after["status"], &wanted["status"], strategic);
    }
    let answer = if after == before { before } else { store(objects, of_object, after) };
    axum::Json(answer).into_response()
}

/// RFC 7386; a strategic merge also knows that conditions are merged by their type.
fn merge(into: &mut Value, from: &Value, strategic: bool) {
    let Value::Object(changes) = from else {
        *into = from.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in changes {
        match value {
            Value::Null => drop(into.as_object_mut().and_then(|whole| whole.shift_remove(key))),
            Value::Array(items) if strategic && key == "conditions" => by_type(&mut into[key], items),
            value => merge(&mut into[key], value, strategic),
        }
    }
}

fn by_type(into: &mut Value, items: &[Value]) {
    let mut all = into.as_array().cloned().unwrap_or_default();
    for item in items {
        match all.iter_mut().find(|one| one["type"] == item["type"]) {
            Some(one) => merge(one, item, true),
            None => all.push(item.clone()),
        }
    }
    *into = Value::Array(all);
}
