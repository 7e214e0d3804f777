//! A small site whose answers the tests write piece by piece: over HTTPS with HTTP/2 and the strictest policy, or over
//! plain HTTP without any.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect};
use axum::routing::{any, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{CertifiedKey, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// The strictest policy a site may have: nothing inline, nothing foreign, no strings as script.
const POLICY: &str = "default-src 'self'; connect-src 'self'; require-trusted-types-for 'script'";

const PAGE: &str = r#"<!doctype html><title>page</title><script src="/page.js" defer></script>
<form id="form" action="/sent"><input id="field" name="field"><textarea id="area"></textarea></form>
<button id="button">Send</button><p id="log"></p><p class="many">a</p><p class="many">b</p>
<form name="cookie"></form><iframe src="/frame"></iframe>"#;

const PAGE_SCRIPT: &str = r##"
const log = document.querySelector("#log");
const field = document.querySelector("#field");
// As frameworks do: whoever sets the value through this is not a person.
Object.defineProperty(field, "value", { set() { log.append("[shadowed]"); }, configurable: true });
for (const name of ["input", "change"]) field.addEventListener(name, () => log.append(`[${name}]`));
document.querySelector("#button").addEventListener("click", () => log.append("[click]"));
document.querySelector("#form").addEventListener("submit", (event) => {
  event.preventDefault();
  log.append("[submit]");
});
document.querySelector("#area").addEventListener("keydown", (event) => {
  event.preventDefault();
  log.append(`[${event.key}]`);
});
if (location.search === "?dialog") setTimeout(() => { alert("stop"); log.append("[alerted]"); });
"##;

type Piece = io::Result<Bytes>;

#[derive(Default)]
struct Shared {
    feeds: Mutex<HashMap<String, mpsc::Receiver<Piece>>>,
    flooded: AtomicU64,
    streams: watch::Sender<usize>,
    plain: bool,
}

/// The site; dropping it ends it.
pub(crate) struct Site {
    pub(crate) origin: Url,
    /// Of the site's key, if it has one.
    spki: Option<String>,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl Site {
    pub(crate) async fn open() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let spki = STANDARD.encode(Sha256::digest(signing_key.subject_public_key_info()));
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let mut tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
        let shared = Arc::new(Shared::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, TlsAcceptor::from(Arc::new(tls)), router(Arc::clone(&shared))));
        Self { origin, spki: Some(spki), shared, _tasks: tasks }
    }

    /// The same over plain HTTP: six requests at once, as browsers have it there.
    pub(crate) async fn open_plain() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shared = Arc::new(Shared { plain: true, ..Shared::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_plain(listener, router(Arc::clone(&shared))));
        Self { origin, spki: None, shared, _tasks: tasks }
    }

    /// The argument by which Chromium trusts this site's key, and no other.
    pub(crate) fn trust(&self) -> String {
        format!("--ignore-certificate-errors-spki-list={}", self.spki.as_deref().unwrap_or_default())
    }

    /// How many answers a browser reads from it at once.
    pub(crate) fn at_once(&self) -> usize {
        if self.shared.plain { 5 } else { 32 }
    }

    /// The cookies after `/login`, as `/echo` shows them.
    pub(crate) fn cookies(&self) -> &'static str {
        if self.shared.plain {
            "csrf=a%20b; keep=k-1; sid=s-1"
        } else {
            "__Host-keep=k-1; csrf=a%20b; sid=s-1"
        }
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.origin.join(path).unwrap()
    }

    /// What `/feed/<name>` answers with, written as the test goes.
    pub(crate) fn feed(&self, name: &str) -> Feed {
        let (pieces, body) = mpsc::channel(1);
        self.shared.feeds.lock().unwrap().insert(name.to_owned(), body);
        Feed(pieces)
    }

    /// Waits until so many feeds are being read at once.
    pub(crate) async fn streams(&self, wanted: usize) {
        self.shared.streams.subscribe().wait_for(|open| *open == wanted).await.unwrap();
    }

    /// How many bytes `/flood` got rid of.
    pub(crate) fn flooded(&self) -> u64 {
        self.shared.flooded.load(Ordering::Relaxed)
    }
}

/// An answer under way.
pub(crate) struct Feed(mpsc::Sender<Piece>);

impl Feed {
    pub(crate) async fn write(&self, bytes: impl Into<Bytes>) {
        self.0.send(Ok(bytes.into())).await.expect("the answer is still wanted");
    }

    /// Ends the answer as a broken connection does.
    pub(crate) async fn break_off(self) {
        self.0.send(Err(io::Error::other("broken off"))).await.expect("the answer is still wanted");
    }

    /// Ends when the other side no longer wants the answer.
    pub(crate) async fn aborted(&self) {
        self.0.closed().await;
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (tls, service) = (tls.clone(), TowerToHyperService::new(router.clone()));
        connections.spawn(async move {
            // A browser that does not trust the certificate hangs up here.
            let Ok(socket) = tls.accept(socket).await else { return };
            let mut builder = Builder::new(TokioExecutor::new()).http2_only();
            builder.http2().max_concurrent_streams(1000);
            drop(builder.serve_connection(TokioIo::new(socket), service).await);
        });
    }
}

async fn serve_plain(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let service = TowerToHyperService::new(router.clone());
        connections.spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            drop(builder.serve_connection(TokioIo::new(socket), service).await);
        });
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let policy = if shared.plain { "" } else { POLICY };
    let policy = move || AppendHeaders([(header::CONTENT_SECURITY_POLICY, policy)]);
    Router::new()
        .route("/", get(move || async move { (policy(), Html(PAGE)) }))
        .route("/page.js", get(|| async { ([(header::CONTENT_TYPE, "text/javascript")], PAGE_SCRIPT) }))
        .route("/frame", get(|| async { Html("<p>frame") }))
        .route("/feed/{name}", any(feed))
        .route("/flood", get(flood))
        .route("/login", get(login))
        .route("/echo", any(echo))
        .route("/moved", get(|| async { Redirect::temporary("/echo?secret=1") }))
        .route("/away/{*to}", get(|Path(to): Path<String>| async move { Redirect::temporary(&to) }))
        .route(
            "/busy",
            get(|| async { (axum::http::StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")]) }),
        )
        .route("/secret", get(secret))
        .route(
            "/download",
            get(|| async { ([(header::CONTENT_DISPOSITION, "attachment; filename=a.bin")], "x") }),
        )
        .route("/never", get(std::future::pending::<()>))
        .with_state(shared)
}

/// Counts the feeds that are being read.
struct Reading(Arc<Shared>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.streams.send_modify(|open| *open -= 1);
    }
}

async fn feed(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> impl IntoResponse {
    let pieces = shared.feeds.lock().unwrap().remove(&name).expect("a feed of this name");
    shared.streams.send_modify(|open| *open += 1);
    let body = stream::unfold((pieces, Reading(shared)), |(mut pieces, reading)| async move {
        pieces.recv().await.map(|piece| (piece, (pieces, reading)))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(body))
}

async fn flood(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let body = stream::unfold(shared, |shared| async move {
        let piece = Bytes::from(vec![b'x'; 64 * 1024]);
        shared.flooded.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Some((io::Result::Ok(piece), shared))
    });
    Body::from_stream(body)
}

/// Asks for a name and a password as browsers do, in a window of their own.
async fn secret() -> impl IntoResponse {
    (axum::http::StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"secret\"")], "no")
}

async fn login(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    if shared.plain {
        return AppendHeaders([
            (header::SET_COOKIE, "sid=s-1; Path=/; HttpOnly; SameSite=Lax"),
            (header::SET_COOKIE, "csrf=a%20b; Path=/"),
            (header::SET_COOKIE, "keep=k-1; Path=/; Max-Age=100000"),
        ]);
    }
    AppendHeaders([
        (header::SET_COOKIE, "sid=s-1; Path=/; Secure; HttpOnly; SameSite=Lax"),
        (header::SET_COOKIE, "csrf=a%20b; Path=/; Secure"),
        (header::SET_COOKIE, "__Host-keep=k-1; Path=/; Secure; Max-Age=100000"),
    ])
}

/// The cookies, the token and the body as they came in.
async fn echo(headers: HeaderMap, body: String) -> String {
    // HTTP/2 sends each cookie in a field of its own.
    let mut cookies: Vec<&str> =
        headers.get_all("cookie").iter().flat_map(|line| line.to_str().unwrap().split("; ")).collect();
    let token = headers.get("x-csrf").map(|token| token.to_str().unwrap()).unwrap_or_default();
    cookies.sort_unstable();
    format!("{} | {token} | {body}", cookies.join("; "))
}
