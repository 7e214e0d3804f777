use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wormhole_cluster::forward::Forward;

use crate::apiserver::ApiServer;

/// Says everything back, in capitals, to all at once.
async fn pod_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.spawn(shout(stream));
        }
    });
    port
}

async fn shout(mut stream: TcpStream) {
    let mut buffer = [0; 64];
    while let Ok(length) = stream.read(&mut buffer).await {
        if length == 0 || stream.write_all(&buffer[..length].to_ascii_uppercase()).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn a_local_port_leads_to_the_pods_and_each_connection_is_its_own() {
    let server = ApiServer::in_process().await;
    let forward = Forward::bind(&server.operator(), "bridge-0", pod_port().await).await.unwrap();
    let addr = forward.addr().unwrap();
    let stop = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the test is the owner and waits for it")]
    let running = tokio::spawn(forward.run(stop.clone()));
    let mut streams = [TcpStream::connect(addr).await.unwrap(), TcpStream::connect(addr).await.unwrap()];
    for (stream, word) in streams.iter_mut().zip(["one", "two"]) {
        stream.write_all(word.as_bytes()).await.unwrap();
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, word.to_uppercase().as_bytes());
    }
    stop.cancel();
    running.await.unwrap();
    let mut rest = Vec::new();
    // Cut or closed: nothing more comes.
    drop(streams[0].read_to_end(&mut rest).await);
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_pod_that_is_not_reached_ends_the_connection_and_not_the_forward() {
    let server = ApiServer::in_process().await;
    // Nobody listens there any more.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let forward = Forward::bind(&server.operator(), "bridge-0", closed).await.unwrap();
    let addr = forward.addr().unwrap();
    let stop = CancellationToken::new();
    #[expect(clippy::disallowed_methods, reason = "the test is the owner and waits for it")]
    let running = tokio::spawn(forward.run(stop.clone()));
    let ends = async || {
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok() && rest.is_empty(), "it goes on: {rest:?}");
    };
    ends().await;
    server.stop().await;
    ends().await;
    stop.cancel();
    running.await.unwrap();
}
