//! The admin port over a real socket.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use wormhole_runtime::{Admin, Lifecycle, Readiness, counter, healthcheck, registry};

/// Status and body of an answer.
async fn ask(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn admin(readiness: &Readiness, life: &Lifecycle) -> SocketAddr {
    let registry = registry();
    counter(&registry, "wormhole_test_asks_total", "Asks.").unwrap().inc();
    let admin = Admin::bind("127.0.0.1:0".parse().unwrap(), registry, readiness.clone()).await.unwrap();
    let addr = admin.addr();
    admin.spawn(life);
    addr
}

#[tokio::test]
async fn readyz_says_why_not_and_livez_does_not_care() {
    let (readiness, life) = (Readiness::new(), Lifecycle::new(Duration::from_secs(5)));
    readiness.set("hub", Err("connecting".to_owned()));
    readiness.set("page", Err("logged out".to_owned()));
    let addr = admin(&readiness, &life).await;
    assert_eq!(ask(addr, "/readyz").await, (503, "hub: connecting\npage: logged out\n".to_owned()));
    assert_eq!(ask(addr, "/livez").await, (200, "alive\n".to_owned()));
    assert_eq!(ask(addr, "/healthz").await, (200, "alive\n".to_owned()));
    readiness.set("hub", Ok(()));
    readiness.set("page", Ok(()));
    assert_eq!(ask(addr, "/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(ask(addr, "/nothing").await.0, 404);
    life.shutdown("test");
    assert_eq!(life.wait().await, ExitCode::SUCCESS);
}

#[tokio::test]
async fn metrics_are_those_of_the_service_and_of_its_tasks() {
    let life = Lifecycle::new(Duration::from_secs(5));
    let addr = admin(&Readiness::new(), &life).await;
    let (status, text) = ask(addr, "/metrics").await;
    assert_eq!(status, 200);
    for series in ["wormhole_test_asks_total 1", "wormhole_task_panics_total 0", "wormhole_build_info{"] {
        assert!(text.contains(series), "{series} is missing in\n{text}");
    }
}

#[tokio::test]
async fn it_answers_through_the_drain_and_ends_last() {
    let life = Lifecycle::new(Duration::from_secs(5));
    let addr = admin(&Readiness::new(), &life).await;
    let (end, ended) = oneshot::channel::<()>();
    life.spawn_transient("turn", async move { drop(ended.await) });
    life.shutdown("test");
    let (exit, ()) = tokio::join!(life.wait(), async {
        assert_eq!(ask(addr, "/readyz").await, (503, "process: draining\n".to_owned()));
        assert_eq!(ask(addr, "/livez").await.0, 200);
        drop(end);
    });
    assert_eq!(exit, ExitCode::SUCCESS);
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_service_restarted_as_a_child_gets_its_port_back() {
    let parent = Lifecycle::new(Duration::from_secs(5));
    let (child, readiness) = (parent.child(), Readiness::new());
    let addr = admin(&readiness, &child).await;
    child.shutdown("restart");
    assert_eq!(child.wait().await, ExitCode::SUCCESS);
    let again = Admin::bind(addr, registry(), readiness).await.unwrap();
    again.spawn(&parent.child());
    assert_eq!(ask(addr, "/livez").await.0, 200);
    parent.shutdown("test");
    assert_eq!(parent.wait().await, ExitCode::SUCCESS);
}

#[tokio::test]
async fn the_healthcheck_asks_it() {
    let (readiness, life) = (Readiness::new(), Lifecycle::new(Duration::from_secs(5)));
    readiness.set("hub", Err("connecting".to_owned()));
    let addr = admin(&readiness, &life).await;
    assert_eq!(healthcheck(addr, false).await, ExitCode::SUCCESS);
    assert_eq!(healthcheck(addr, true).await, ExitCode::FAILURE);
    readiness.set("hub", Ok(()));
    let everywhere = SocketAddr::from(([0, 0, 0, 0], addr.port()));
    assert_eq!(healthcheck(everywhere, true).await, ExitCode::SUCCESS);
    life.shutdown("test");
    life.wait().await;
    assert_eq!(healthcheck(addr, false).await, ExitCode::FAILURE);
}
