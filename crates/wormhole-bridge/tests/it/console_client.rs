//! An operator's browser without a browser: signs in, and speaks the console's own socket.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};
use wormhole_bridge::{Config, ConsoleConfig};
use wormhole_protocol::PageState;
use wormhole_runtime::SecretString;

use crate::{
    session_hub::SOON,
    session_stand::{Bridge, Stand},
};

pub(crate) const TOKEN: &str = "console-token-of-the-test";

/// A console on any free port.
pub(crate) fn with_console(config: &mut Config) {
    config.console = Some(ConsoleConfig {
        token: SecretString::from(TOKEN),
        listen: "127.0.0.1:0".parse().unwrap(),
        url: "http://console.example/".parse().unwrap(),
    });
}

/// A stand whose bridge has a console, with the page in `state` and somebody at the console. `change` is what a test wants
/// otherwise than usual.
pub(crate) async fn manned(
    state: PageState,
    change: impl FnOnce(&Stand, &mut Config),
) -> (Stand, Bridge, Viewer) {
    let stand = Stand::open().await;
    let mut config = stand.config("outlier");
    with_console(&mut config);
    change(&stand, &mut config);
    let bridge = stand.bridge(config).await;
    stand.hub.until(state).await;
    let viewer = Viewer::at(&bridge).await;
    (stand, bridge, viewer)
}

pub(crate) fn client() -> Client {
    wormhole_runtime::install_crypto_provider();
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

pub(crate) async fn sign_in(at: SocketAddr, token: &str, origin: &str) -> Response {
    let request = client().post(format!("http://{at}/sign-in")).header("origin", origin);
    let form = request.header("content-type", "application/x-www-form-urlencoded");
    form.body(format!("token={token}")).send().await.unwrap()
}

/// Signs in; the cookie as a request carries it.
pub(crate) async fn cookie(at: SocketAddr) -> String {
    let response = sign_in(at, TOKEN, &format!("http://{at}")).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Somebody at the console.
pub(crate) struct Viewer {
    socket: Socket,
}

pub(crate) async fn connect(at: SocketAddr, cookie: &str, origin: &str) -> Result<Viewer, Error> {
    let mut request = format!("ws://{at}/api/view").into_client_request().unwrap();
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    request.headers_mut().insert("origin", origin.parse().unwrap());
    connect_async(request).await.map(|(socket, _)| Viewer { socket })
}

impl Viewer {
    /// Signs in and looks.
    pub(crate) async fn at(bridge: &Bridge) -> Self {
        let at = bridge.console.expect("the bridge has a console");
        Self::open(at, &cookie(at).await).await
    }

    pub(crate) async fn open(at: SocketAddr, cookie: &str) -> Self {
        connect(at, cookie, &format!("http://{at}")).await.expect("the console takes viewers")
    }

    pub(crate) async fn send(&mut self, want: Value) {
        self.socket.send(Message::text(want.to_string())).await.unwrap();
    }

    pub(crate) async fn message(&mut self) -> Option<Message> {
        timeout(SOON, self.socket.next())
            .await
            .expect("the console says something")
            .map(|message| message.unwrap())
    }

    /// The next thing told that fits. Pictures that come in between are answered, so that more may come.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let looked = timeout(SOON, async {
            loop {
                match self.message().await.expect("the console is there") {
                    Message::Text(text) => {
                        let told: Value = serde_json::from_str(&text).unwrap();
                        if fits(&told) {
                            return told;
                        }
                    }
                    Message::Binary(_) => self.send(json!({"type": "seen"})).await,
                    _ => {}
                }
            }
        });
        looked.await.unwrap_or_else(|_| panic!("never {what}"))
    }

    pub(crate) async fn until_state(&mut self, state: &str) -> Value {
        self.until(state, |told| told["type"] == "status" && told["state"] == state).await
    }

    /// The next picture: its size in the page's pixels, and the JPEG.
    pub(crate) async fn picture(&mut self) -> (u16, u16, Vec<u8>) {
        loop {
            if let Message::Binary(bytes) = self.message().await.expect("the console is there")
                && bytes.len() > 4
            {
                let size = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
                return (size(0), size(2), bytes[4..].to_vec());
            }
        }
    }

    pub(crate) async fn click(&mut self, (x, y): (f64, f64)) {
        self.send(json!({"type": "pointer", "act": "move", "x": x, "y": y})).await;
        for (act, buttons) in [("down", 1), ("up", 0)] {
            let press = json!({"type": "pointer", "act": act, "x": x, "y": y, "button": 0, "buttons": buttons, "clicks": 1});
            self.send(press).await;
        }
    }

    pub(crate) async fn key(&mut self, key: &str, number: u16) {
        for down in [true, false] {
            self.send(json!({"type": "key", "down": down, "key": key, "code": key, "number": number})).await;
        }
    }

    pub(crate) async fn type_keys(&mut self, text: &str) {
        for letter in text.chars() {
            let number = u16::try_from(u32::from(letter.to_ascii_uppercase())).unwrap();
            self.key(&letter.to_string(), number).await;
        }
    }

    pub(crate) async fn paste(&mut self, text: &str) {
        self.send(json!({"type": "text", "text": text})).await;
    }

    pub(crate) async fn order(&mut self, order: &str) {
        self.send(json!({"type": "order", "order": order})).await;
    }
}
