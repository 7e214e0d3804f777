//! The `portforward` subresource: the pod is whatever listens on that port of this machine.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(serde::Deserialize)]
pub(crate) struct Asked {
    ports: u16,
}

/// Where ports of pods lead to, if not to the same port of this machine.
pub(crate) type Ports = Arc<Mutex<BTreeMap<u16, u16>>>;

pub(crate) async fn portforward(
    State(ports): State<Ports>,
    Query(asked): Query<Asked>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let here = ports.lock().unwrap().get(&asked.ports).copied().unwrap_or(asked.ports);
    upgrade.protocols(["v4.channel.k8s.io"]).on_upgrade(move |socket| carry(socket, asked.ports, here))
}

/// Each message is for a channel, its first byte: 0 is data, 1 is errors; each begins with the port's two bytes.
async fn carry(mut socket: WebSocket, port: u16, here: u16) {
    for channel in [0, 1] {
        let [low, high] = port.to_le_bytes();
        socket.send(Message::Binary(vec![channel, low, high].into())).await.unwrap();
    }
    let Ok(mut pod) = TcpStream::connect(("127.0.0.1", here)).await else {
        let words = [&[1u8][..], b"connection refused"].concat();
        drop(socket.send(Message::Binary(words.into())).await);
        return;
    };
    let mut buffer = [0; 1024];
    loop {
        tokio::select! {
            said = pod.read(&mut buffer) => match said {
                Ok(length) if length > 0 => {
                    let data = [&[0u8][..], &buffer[..length]].concat();
                    if socket.send(Message::Binary(data.into())).await.is_err() { return }
                }
                // As a kubelet does: without it, what is still on its way would be lost.
                _ => return drop(socket.send(Message::Close(None)).await),
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(data))) if data.first() == Some(&0) => {
                    if pod.write_all(&data[1..]).await.is_err() { return }
                }
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
