//! From an address to a WebSocket that has joined.

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use secrecy::ExposeSecret;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tracing::debug;
use wormhole_protocol::{
    FromHub, FromPeer, Hello, MAX_FRAME_BYTES, PROTOCOL_VERSION, Welcome, decode, encode,
};

use crate::address::HubAddress;
use crate::error::LinkError;

/// The most of a close frame's reason that goes into a log line.
const MAX_REASON_CHARS: usize = 200;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Dials and upgrades. The token travels in a header and no `Origin` is sent: the hub takes that for a browser.
pub(crate) async fn dial(address: &HubAddress) -> Result<Socket, LinkError> {
    let url = address.endpoint();
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(LinkError::Address);
    };
    // An IPv6 address stands in brackets in a URL, and without them in a socket address.
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, port)).await.map_err(LinkError::Dial)?;
    // Without it, each small frame waits for the acknowledgement of the one before: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    let mut request = url.as_str().into_client_request()?;
    let bearer = format!("Bearer {}", address.token.expose_secret());
    let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| LinkError::Unauthorised)?;
    bearer.set_sensitive(true);
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES));
    let (socket, _) = Box::pin(client_async_tls_with_config(request, stream, Some(config), None)).await?;
    Ok(socket)
}

/// Says who we are and waits for `welcome`.
pub(crate) async fn join(socket: &mut Socket, hello: Hello) -> Result<Welcome, LinkError> {
    socket.send(Message::text(encode(&FromPeer::Hello(hello)))).await?;
    loop {
        match socket.next().await.ok_or(LinkError::Ended)?? {
            Message::Text(text) => {
                let frame = decode(text.as_bytes()).map_err(LinkError::Welcome)?;
                let FromHub::Welcome(welcome) = frame else { return Err(LinkError::NoWelcome) };
                if welcome.protocol != PROTOCOL_VERSION {
                    return Err(LinkError::Version(welcome.protocol));
                }
                return Ok(welcome);
            }
            Message::Close(frame) => return Err(closed(frame)),
            Message::Binary(_) => return Err(LinkError::NoWelcome),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// Why the hub closed.
pub(crate) fn closed(frame: Option<CloseFrame>) -> LinkError {
    frame.map_or(LinkError::Ended, |frame| LinkError::Closed {
        code: frame.code.into(),
        reason: frame.reason.chars().filter(|c| !c.is_control()).take(MAX_REASON_CHARS).collect(),
    })
}
