//! A real socket, a real drain.

use axum::routing::get;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use tokio::sync::oneshot;

use super::*;

type Client = SendRequest<Empty<bytes::Bytes>>;

/// `/held` answers when the test says so.
fn router(started: oneshot::Sender<()>, released: oneshot::Receiver<()>) -> Router {
    let turn = std::sync::Arc::new(std::sync::Mutex::new(Some((started, released))));
    Router::new()
        .route("/who", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }))
        .route("/panic", get(broken))
        .route(
            "/held",
            get(move || {
                let (started, released) = turn.lock().unwrap().take().unwrap();
                async move {
                    started.send(()).unwrap();
                    let _ = released.await;
                    "held"
                }
            }),
        )
}

async fn broken() {
    panic!("of the test")
}

async fn connect(addr: SocketAddr, life: &Lifecycle) -> Client {
    let stream = TcpStream::connect(addr).await.unwrap();
    let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    life.spawn_transient("test client", async move { drop(connection.await) });
    client
}

async fn ask(client: &mut Client, path: &str) -> hyper::Result<String> {
    let request = Request::get(path).header("host", "test").body(Empty::new()).unwrap();
    let response = client.send_request(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

struct Served {
    life: Lifecycle,
    addr: SocketAddr,
    stop: CancellationToken,
    started: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

async fn serve(stop: Option<CancellationToken>) -> Served {
    let life = Lifecycle::new(Duration::from_secs(10));
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let ((tell, started), (release, released)) = (oneshot::channel(), oneshot::channel());
    let stop = stop.unwrap_or_else(|| life.soft());
    serve_http_until(listener, router(tell, released), &life, "http", stop.clone());
    Served { life, addr, stop, started, release }
}

#[tokio::test]
async fn a_drain_finishes_the_request_that_runs_and_takes_no_new_one() {
    let served = serve(None).await;
    // A client of its own life, so that the drain does not wait for it.
    let clients = Lifecycle::new(Duration::ZERO);
    let mut held = connect(served.addr, &clients).await;
    let mut idle = connect(served.addr, &clients).await;
    assert_eq!(ask(&mut idle, "/who").await.unwrap(), "127.0.0.1");
    let (answer, ()) = futures_util::future::join(ask(&mut held, "/held"), async {
        served.started.await.unwrap();
        served.life.shutdown("test");
        // The connection that idles is closed, and nobody answers at the door.
        while ask(&mut idle, "/who").await.is_ok() {}
        served.release.send(()).unwrap();
    })
    .await;
    assert_eq!(answer.unwrap(), "held");
    assert_eq!(served.life.wait().await, std::process::ExitCode::SUCCESS);
    assert!(TcpStream::connect(served.addr).await.is_err());
}

#[tokio::test]
async fn hard_cuts_what_runs() {
    let served = serve(None).await;
    let clients = Lifecycle::new(Duration::ZERO);
    let mut held = connect(served.addr, &clients).await;
    let (answer, ()) = futures_util::future::join(ask(&mut held, "/held"), async {
        served.started.await.unwrap();
        served.life.shutdown("test");
        served.life.hard().cancel();
    })
    .await;
    assert!(answer.is_err());
    assert_eq!(served.life.wait().await, std::process::ExitCode::SUCCESS);
    drop(served.release);
}

#[tokio::test]
async fn a_service_may_go_on_accepting_during_its_drain() {
    let served = serve(Some(CancellationToken::new())).await;
    let clients = Lifecycle::new(Duration::ZERO);
    served.life.shutdown("test");
    let mut late = connect(served.addr, &clients).await;
    assert_eq!(ask(&mut late, "/who").await.unwrap(), "127.0.0.1");
    served.stop.cancel();
    assert_eq!(served.life.wait().await, std::process::ExitCode::SUCCESS);
}

#[tokio::test]
async fn a_panic_in_a_handler_ends_only_its_connection() {
    let served = serve(None).await;
    let clients = Lifecycle::new(Duration::ZERO);
    let mut broken = connect(served.addr, &clients).await;
    assert!(ask(&mut broken, "/panic").await.is_err());
    let mut next = connect(served.addr, &clients).await;
    assert_eq!(ask(&mut next, "/who").await.unwrap(), "127.0.0.1");
    assert_eq!(served.life.panics().get(), 1);
    served.life.shutdown("test");
    assert_eq!(served.life.wait().await, std::process::ExitCode::SUCCESS);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let first = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = first.local_addr().unwrap();
    let error = listen(addr).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {addr}: address in use"));
    assert_eq!(error.addr(), addr);
    assert_eq!(error.into_io().kind(), io::ErrorKind::AddrInUse);
}
