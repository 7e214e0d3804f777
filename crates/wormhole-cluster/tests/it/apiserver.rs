//! The API server that the tests speak to: one in this process that keeps to the rules that matter here, or the real one,
//! where `WORMHOLE_TEST_APISERVER` names its binary (`make test-apiserver`). Either holds the Role that the chart gives the
//! bridge, and whoever calls [`ApiServer::cluster`] has no other rights.

mod gate;
mod in_process;
mod real;
mod rights;
mod tunnel;

use std::sync::Mutex;

use http::{Method, Request};
use kube::Client;
use serde_json::{Value, json};
use wormhole_cluster::Cluster;

use self::gate::Gate;
use self::in_process::InProcess;
use self::real::Real;
use self::rights::Who;

pub(crate) use self::rights::pods_of_the_chart;

/// The namespace of the tests.
pub(crate) const NAMESPACE: &str = "test";
/// What the chart calls the Lease, and the pod, of the account `default`.
pub(crate) const LEASE_NAME: &str = "wormhole-bridge-default";
pub(crate) const POD_NAME: &str = "wormhole-bridge-default-0";

pub(crate) const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/test/leases";
pub(crate) const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/test/events";
pub(crate) const PODS: &str = "/api/v1/namespaces/test/pods";

enum Kind {
    InProcess(InProcess),
    Real(Box<Real>),
}

/// A running API server; dropping it ends it.
pub(crate) struct ApiServer {
    kind: Kind,
    /// Everybody but the tests themselves comes through here.
    gate: Gate,
    tests: Mutex<Client>,
}

impl ApiServer {
    /// The real one where the environment names one, else that in this process.
    pub(crate) async fn start() -> Self {
        match std::env::var_os("WORMHOLE_TEST_APISERVER") {
            Some(binary) => Self::behind_a_gate(Kind::Real(Box::new(Real::start(binary.into()).await))).await,
            None => Self::in_process().await,
        }
    }

    /// That in this process: where a test needs what the real one lacks here, such as a kubelet.
    pub(crate) async fn in_process() -> Self {
        Self::behind_a_gate(Kind::InProcess(InProcess::start().await)).await
    }

    async fn behind_a_gate(kind: Kind) -> Self {
        let gate = Gate::to(kind.addr()).await;
        let tests = Mutex::new(Client::try_from(kind.config(kind.addr(), Who::Operator)).unwrap());
        let server = Self { kind, gate, tests };
        if matches!(server.kind, Kind::Real(_)) {
            server.admit_the_bridge().await;
        }
        server
    }

    /// As the bridge, with the rights that the chart gives it.
    pub(crate) fn cluster(&self) -> Cluster {
        self.cluster_of(Who::Bridge)
    }

    /// As the person with the kubeconfig.
    pub(crate) fn operator(&self) -> Cluster {
        self.cluster_of(Who::Operator)
    }

    /// As a service account without a Role.
    pub(crate) fn stranger(&self) -> Cluster {
        self.cluster_of(Who::Stranger)
    }

    fn cluster_of(&self, who: Who) -> Cluster {
        Cluster::with(self.kind.config(self.gate.addr(), who), Some(NAMESPACE.to_owned())).unwrap()
    }

    /// Takes it away; what is open is cut.
    pub(crate) async fn stop(&self) {
        self.gate.close();
        if let Kind::Real(real) = &self.kind {
            real.stop().await;
        }
    }

    /// Starts it again after [`ApiServer::stop`], with all that it held.
    pub(crate) async fn start_again(&self) {
        if let Kind::Real(real) = &self.kind {
            real.start_server().await;
        }
        *self.tests.lock().unwrap() =
            Client::try_from(self.kind.config(self.kind.addr(), Who::Operator)).unwrap();
        self.gate.open_to(self.kind.addr());
    }

    /// How many connections found it stopped.
    pub(crate) fn refused(&self) -> usize {
        self.gate.refused()
    }

    /// Answers 503 to everybody but the tests from now on, or no longer. Only in process.
    pub(crate) fn overloaded(&self, overloaded: bool) {
        let Kind::InProcess(server) = &self.kind else { unreachable!("started in process") };
        server.overloaded(overloaded);
    }

    /// A port of every pod leads to this port of this machine; without this, to the same. Only in process.
    #[cfg(feature = "programs")]
    pub(crate) fn pod_port(&self, port: u16, here: u16) {
        let Kind::InProcess(server) = &self.kind else { unreachable!("started in process") };
        server.pod_port(port, here);
    }

    /// The operator's.
    #[cfg(feature = "programs")]
    pub(crate) fn kubeconfig(&self) -> tempfile::NamedTempFile {
        self.kubeconfig_of(Who::Operator)
    }

    #[cfg(feature = "programs")]
    pub(crate) fn kubeconfig_of_a_stranger(&self) -> tempfile::NamedTempFile {
        self.kubeconfig_of(Who::Stranger)
    }

    #[cfg(feature = "programs")]
    fn kubeconfig_of(&self, who: Who) -> tempfile::NamedTempFile {
        let mut cluster = json!({ "server": format!("{}://{}", self.kind.scheme(), self.gate.addr()) });
        if let Kind::Real(server) = &self.kind {
            cluster["certificate-authority"] = json!(server.certificate_file());
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{ "name": "it", "cluster": cluster }],
            "users": [{ "name": "me", "user": { "token": who.token() } }],
            "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "me", "namespace": NAMESPACE } }],
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        // JSON is YAML.
        std::fs::write(file.path(), config.to_string()).unwrap();
        file
    }

    pub(crate) async fn create(&self, collection: &str, object: &Value) {
        self.ask(Method::POST, collection, "application/json", Some(object)).await.unwrap();
    }

    /// Changes an object, or its status, by a merge patch.
    pub(crate) async fn merge(&self, path: &str, change: &Value) {
        self.ask(Method::PATCH, path, "application/merge-patch+json", Some(change)).await.unwrap();
    }

    pub(crate) async fn get(&self, path: &str) -> Option<Value> {
        match self.ask(Method::GET, path, "application/json", None).await {
            Ok(object) => Some(object),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => unreachable!("{error}"),
        }
    }

    pub(crate) async fn list(&self, collection: &str) -> Vec<Value> {
        let list = self.ask(Method::GET, collection, "application/json", None).await.unwrap();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        content: &str,
        body: Option<&Value>,
    ) -> kube::Result<Value> {
        let body = body.map_or_else(Vec::new, |value| serde_json::to_vec(value).unwrap());
        let request = Request::builder().method(method).uri(path).header("content-type", content);
        let client = self.tests.lock().unwrap().clone();
        client.request(request.body(body).unwrap()).await
    }

    /// A new API server knows neither the namespace nor the bridge, and takes a moment to know a Role.
    async fn admit_the_bridge(&self) {
        self.create("/api/v1/namespaces", &json!({ "metadata": { "name": NAMESPACE } })).await;
        let role = rights::of_the_bridge();
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/test";
        self.create(&format!("{rbac}/roles"), &serde_json::to_value(&role.role).unwrap()).await;
        self.create(&format!("{rbac}/rolebindings"), &serde_json::to_value(&role.binding).unwrap()).await;
        let bridge = Client::try_from(self.kind.config(self.kind.addr(), Who::Bridge)).unwrap();
        crate::until("the bridge has its rights", async || {
            let request = Request::get(format!("{PODS}/{POD_NAME}")).body(Vec::new()).unwrap();
            matches!(bridge.request::<Value>(request).await, Err(kube::Error::Api(status)) if status.code == 404)
        })
        .await;
    }
}

impl Kind {
    fn addr(&self) -> std::net::SocketAddr {
        match self {
            Self::InProcess(server) => server.addr(),
            Self::Real(server) => server.addr(),
        }
    }

    fn scheme(&self) -> &'static str {
        if matches!(self, Self::Real(_)) { "https" } else { "http" }
    }

    fn config(&self, addr: std::net::SocketAddr, who: Who) -> kube::Config {
        let mut config = kube::Config::new(format!("{}://{addr}", self.scheme()).parse().unwrap());
        config.auth_info.token = Some(who.token().to_owned().into());
        if let Self::Real(server) = self {
            config.root_cert = Some(vec![server.certificate()]);
        }
        config
    }
}
