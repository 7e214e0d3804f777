//! The real thing: a kube-apiserver and its etcd, on free ports of loopback, with everything they write in a folder that
//! goes with them.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use http::Request;
use kube::Client;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::rights::Who;

pub(crate) struct Real {
    folder: TempDir,
    binary: PathBuf,
    etcd: SocketAddr,
    certificate: Vec<u8>,
    /// Another after each start.
    addr: Mutex<SocketAddr>,
    server: tokio::sync::Mutex<Option<Child>>,
    _etcd: Child,
}

impl Real {
    pub(crate) async fn start(binary: PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificate = write_credentials(folder.path());
        let (etcd, peers) = (free_port(), free_port());
        let mut command = Command::new("etcd");
        command.arg(format!("--data-dir={}", folder.path().join("etcd").display()));
        command.arg(format!("--listen-client-urls=http://{etcd}"));
        command.arg(format!("--advertise-client-urls=http://{etcd}"));
        command.arg(format!("--listen-peer-urls=http://{peers}"));
        command.arg(format!("--initial-advertise-peer-urls=http://{peers}"));
        command.arg(format!("--initial-cluster=default=http://{peers}"));
        let child = spawn(command, &folder.path().join("etcd.log"));
        let real = Self {
            folder,
            binary,
            etcd,
            certificate,
            addr: Mutex::new(etcd),
            server: tokio::sync::Mutex::default(),
            _etcd: child,
        };
        real.start_server().await;
        real
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        *self.addr.lock().unwrap()
    }

    /// DER.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.certificate.clone()
    }

    #[cfg(feature = "programs")]
    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    pub(crate) async fn stop(&self) {
        if let Some(mut server) = self.server.lock().await.take() {
            server.kill().await.unwrap();
        }
    }

    /// Starts the API server over what etcd holds, and waits until it is ready.
    pub(crate) async fn start_server(&self) {
        let addr = free_port();
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let mut command = Command::new(&self.binary);
        command.args(["--authorization-mode=RBAC", "--service-cluster-ip-range=10.0.0.0/24"]);
        command.args(["--bind-address=127.0.0.1", "--service-account-issuer=https://issuer.invalid"]);
        // Nobody makes service accounts' tokens here, and loopback is no address to announce.
        command.args(["--disable-admission-plugins=ServiceAccount", "--endpoint-reconciler-type=none"]);
        command.arg(format!("--etcd-servers=http://{}", self.etcd));
        command.arg(format!("--secure-port={}", addr.port()));
        for option in ["tls-cert-file", "service-account-key-file"] {
            command.arg(format!("--{option}={}", file("cert.pem")));
        }
        command.arg(format!("--cert-dir={}", file("certs")));
        command.arg(format!("--token-auth-file={}", file("tokens.csv")));
        for option in ["tls-private-key-file", "service-account-signing-key-file"] {
            command.arg(format!("--{option}={}", file("key.pem")));
        }
        let log = self.folder.path().join("apiserver.log");
        *self.server.lock().await = Some(spawn(command, &log));
        *self.addr.lock().unwrap() = addr;
        self.until_ready(&log).await;
    }

    async fn until_ready(&self, log: &Path) {
        let mut config = kube::Config::new(format!("https://{}", self.addr()).parse().unwrap());
        config.auth_info.token = Some(Who::Operator.token().to_owned().into());
        config.root_cert = Some(vec![self.certificate()]);
        let client = Client::try_from(config).unwrap();
        crate::until("the API server is ready", async || {
            let ended = self.server.lock().await.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(log).unwrap());
            let request = Request::get("/readyz").body(Vec::new()).unwrap();
            client.request_text(request).await.is_ok()
        })
        .await;
    }
}

/// A certificate for loopback, and a token for each who asks; the certificate as DER.
fn write_credentials(folder: &Path) -> Vec<u8> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let line = |who: Who| {
        let group = if who == Who::Operator { "system:masters" } else { "system:serviceaccounts" };
        format!("{},{},{},{group}\n", who.token(), who.user(), who.user())
    };
    fs::write(folder.join("tokens.csv"), Who::ALL.map(line).concat()).unwrap();
    made.cert.der().to_vec()
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn spawn(mut command: Command, log: &Path) -> Child {
    let out = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out).kill_on_drop(true);
    command.spawn().unwrap_or_else(|error| unreachable!("{command:?}: {error}"))
}
