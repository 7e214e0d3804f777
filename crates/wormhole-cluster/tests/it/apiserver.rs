//! A small API server: objects by path, resource versions, 404, 409 and outages. Nothing of ours watches, so it has no
//! watches.

mod tunnel;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wormhole_cluster::Cluster;

/// The namespace of the tests.
pub(crate) const NAMESPACE: &str = "test";

#[derive(Default)]
struct Objects {
    /// By path, without the query.
    all: BTreeMap<String, Value>,
    version: u64,
    /// What every request is answered with in place of an answer.
    outage: Option<StatusCode>,
    /// Paths that hold this are refused.
    forbidden: Option<&'static str>,
    /// How often something was written.
    writes: usize,
}

/// A running API server; dropping it ends it.
pub(crate) struct ApiServer {
    objects: Arc<Mutex<Objects>>,
    url: String,
    _tasks: JoinSet<()>,
}

impl ApiServer {
    pub(crate) async fn start() -> Self {
        let objects: Arc<Mutex<Objects>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/api/v1/namespaces/{ns}/pods/{pod}/portforward", any(tunnel::portforward))
            .fallback(serve)
            .with_state(Arc::clone(&objects));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { objects, url, _tasks: tasks }
    }

    pub(crate) fn cluster(&self) -> Cluster {
        let config = kube_config(&self.url);
        Cluster::with(config, Some(NAMESPACE.to_owned())).unwrap()
    }

    /// Answers nothing but this from now on; `None` ends it.
    pub(crate) fn outage(&self, status: Option<StatusCode>) {
        self.objects.lock().unwrap().outage = status;
    }

    pub(crate) fn forbid(&self, part: &'static str) {
        self.objects.lock().unwrap().forbidden = Some(part);
    }

    pub(crate) fn writes(&self) -> usize {
        self.objects.lock().unwrap().writes
    }

    pub(crate) fn put(&self, path: &str, mut object: Value) {
        let mut objects = self.objects.lock().unwrap();
        stamp(&mut objects, &mut object);
        objects.all.insert(path.to_owned(), object);
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.objects.lock().unwrap().all.get(path).cloned()
    }

    pub(crate) fn under(&self, path: &str) -> Vec<Value> {
        let objects = self.objects.lock().unwrap();
        objects.all.iter().filter(|(of, _)| of.starts_with(path)).map(|(_, object)| object.clone()).collect()
    }
}

fn kube_config(url: &str) -> kube::Config {
    kube::Config::new(url.parse().unwrap())
}

fn stamp(objects: &mut Objects, object: &mut Value) {
    objects.version += 1;
    object["metadata"]["resourceVersion"] = json!(objects.version.to_string());
}

/// The API server's own way to say no.
fn refusal(code: StatusCode, reason: &str) -> Response {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code.as_u16(),
    });
    (code, axum::Json(status)).into_response()
}

async fn serve(
    State(objects): State<Arc<Mutex<Objects>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let mut objects = objects.lock().unwrap();
    let path = uri.path().to_owned();
    if let Some(status) = objects.outage {
        return refusal(status, "ServiceUnavailable");
    }
    if objects.forbidden.is_some_and(|part| path.contains(part)) {
        return refusal(StatusCode::FORBIDDEN, "Forbidden");
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match method {
        Method::GET => read(&objects, &path),
        Method::POST => create(&mut objects, &path, body),
        Method::PUT => replace(&mut objects, &path, body),
        Method::PATCH => patch(&mut objects, path.trim_end_matches("/status"), &body),
        _ => refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn read(objects: &Objects, path: &str) -> Response {
    if let Some(object) = objects.all.get(path) {
        return axum::Json(object.clone()).into_response();
    }
    let below = format!("{path}/");
    let items: Vec<_> =
        objects.all.iter().filter(|(of, _)| of.starts_with(&below)).map(|(_, object)| object).collect();
    if path.ends_with("/pods") {
        let list = json!({ "kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items });
        return axum::Json(list).into_response();
    }
    refusal(StatusCode::NOT_FOUND, "NotFound")
}

fn create(objects: &mut Objects, path: &str, mut object: Value) -> Response {
    let name = object["metadata"]["name"].as_str().map(str::to_owned);
    let generated =
        object["metadata"]["generateName"].as_str().map(|prefix| format!("{prefix}{}", objects.version));
    let Some(name) = name.or(generated) else { return refusal(StatusCode::UNPROCESSABLE_ENTITY, "Invalid") };
    object["metadata"]["name"] = json!(name);
    let path = format!("{path}/{name}");
    if objects.all.contains_key(&path) {
        return refusal(StatusCode::CONFLICT, "AlreadyExists");
    }
    stamp(objects, &mut object);
    objects.writes += 1;
    objects.all.insert(path, object.clone());
    (StatusCode::CREATED, axum::Json(object)).into_response()
}

/// Only who has read the last version may write the next.
fn replace(objects: &mut Objects, path: &str, mut object: Value) -> Response {
    let Some(before) = objects.all.get(path) else { return refusal(StatusCode::NOT_FOUND, "NotFound") };
    if before["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
        return refusal(StatusCode::CONFLICT, "Conflict");
    }
    stamp(objects, &mut object);
    objects.writes += 1;
    objects.all.insert(path.to_owned(), object.clone());
    axum::Json(object).into_response()
}

/// What of a strategic merge we use: conditions are merged by their type.
fn patch(objects: &mut Objects, path: &str, wanted: &Value) -> Response {
    let Some(mut object) = objects.all.get(path).cloned() else {
        return refusal(StatusCode::NOT_FOUND, "NotFound");
    };
    for condition in wanted["status"]["conditions"].as_array().cloned().unwrap_or_default() {
        let mut conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.retain(|one| one["type"] != condition["type"]);
        conditions.push(condition);
        object["status"]["conditions"] = Value::Array(conditions);
    }
    stamp(objects, &mut object);
    objects.writes += 1;
    objects.all.insert(path.to_owned(), object.clone());
    axum::Json(object).into_response()
}
