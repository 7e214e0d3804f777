//! A connection's first frame: who it is, and whether it may be that.

use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::{StreamExt, stream::SplitStream};
use tokio::time::timeout;
use wormhole_protocol::{
    CLOSE_MALFORMED, CLOSE_PROTOCOL, CLOSE_UNAUTHORISED, FromPeer, Hello, PROTOCOL_VERSION, Role, decode,
};

use crate::{core::Gone, hub::Introduced, outbox::Close, ws::broken};

/// Waits for `hello`. The error says how the connection is to be closed.
pub(crate) async fn introduction(
    stream: &mut SplitStream<WebSocket>,
    granted: Role,
    within: Duration,
) -> Result<Introduced, (Gone, Close)> {
    match timeout(within, first_frame(stream)).await {
        Err(_) => Err(refusal(Gone::Malformed, "no hello came in time")),
        Ok(first) => check(&first?, granted),
    }
}

async fn first_frame(stream: &mut SplitStream<WebSocket>) -> Result<String, (Gone, Close)> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Binary(_))) => return Err(refusal(Gone::Malformed, "frames are text")),
            Some(Ok(Message::Close(_))) | None => return Err(refusal(Gone::Left, "closed before hello")),
            Some(Err(error)) => return Err(refusal(broken(&error), "the first frame could not be read")),
        }
    }
}

fn check(frame: &str, granted: Role) -> Result<Introduced, (Gone, Close)> {
    let hello = match decode::<FromPeer>(frame.as_bytes()) {
        Ok(FromPeer::Hello(hello)) => hello,
        Ok(_) => return Err(refusal(Gone::Malformed, "the first frame must be hello")),
        Err(error) => {
            // Another major version may have another hello; what stays is where it names its version.
            let spoken = serde_json::from_str::<serde_json::Value>(frame).ok();
            let spoken =
                spoken.as_ref().and_then(|hello| hello.get("protocol")).and_then(serde_json::Value::as_u64);
            return Err(match spoken {
                Some(spoken) if spoken != u64::from(PROTOCOL_VERSION) => other_version(spoken),
                _ => refusal(Gone::Malformed, error.to_string()),
            });
        }
    };
    let Hello { protocol, role, name, version, page } = hello;
    if protocol != PROTOCOL_VERSION {
        return Err(other_version(protocol.into()));
    }
    if role != granted {
        return Err(refusal(Gone::Unauthorised, "the token is for the other role"));
    }
    let page = match role {
        Role::Sender => None,
        Role::Page => match page {
            None => return Err(refusal(Gone::Malformed, "a page's hello must say what it speaks for")),
            Some(page) if page.site.is_empty() || page.account.is_empty() => {
                return Err(refusal(Gone::Malformed, "a page's site and account must have names"));
            }
            Some(page) => Some(page),
        },
    };
    Ok(Introduced { role, name, version, page })
}

fn other_version(spoken: u64) -> (Gone, Close) {
    let reason = format!("this hub speaks protocol version {PROTOCOL_VERSION}, the peer version {spoken}");
    refusal(Gone::Protocol, reason)
}

fn refusal(gone: Gone, reason: impl Into<String>) -> (Gone, Close) {
    let code = match gone {
        Gone::Unauthorised => CLOSE_UNAUTHORISED,
        Gone::Protocol => CLOSE_PROTOCOL,
        _ => CLOSE_MALFORMED,
    };
    (gone, Close { code, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(frame: &str) -> (Gone, u16) {
        let (gone, close) = check(frame, Role::Sender).unwrap_err();
        (gone, close.code)
    }

    #[test]
    fn a_good_hello_is_taken() {
        let frame = r#"{"type":"hello","protocol":1,"role":"sender","name":"n","version":"v","extra":1}"#;
        let Introduced { role, name, version, page } = check(frame, Role::Sender).unwrap();
        assert_eq!((role, &*name, &*version, page), (Role::Sender, "n", "v", None));
    }

    #[test]
    fn every_other_first_frame_has_its_close_code() {
        for (frame, expected) in [
            ("", (Gone::Malformed, 4400)),
            ("{}", (Gone::Malformed, 4400)),
            (r#"{"type":"cancel","turn":"t"}"#, (Gone::Malformed, 4400)),
            (
                r#"{"type":"hello","protocol":2,"role":"sender","name":"","version":""}"#,
                (Gone::Protocol, 4406),
            ),
            (r#"{"type":"hello","protocol":9,"who":"of another shape"}"#, (Gone::Protocol, 4406)),
            (
                r#"{"type":"hello","protocol":1,"role":"page","name":"","version":""}"#,
                (Gone::Unauthorised, 4401),
            ),
        ] {
            assert_eq!(refused(frame), expected, "{frame}");
        }
    }

    #[test]
    fn a_page_must_say_what_it_speaks_for() {
        let frame = r#"{"type":"hello","protocol":1,"role":"page","name":"","version":""}"#;
        assert_eq!(check(frame, Role::Page).unwrap_err().1.code, CLOSE_MALFORMED);
    }

    #[test]
    fn both_versions_are_named() {
        let (_, close) = other_version(7);
        assert_eq!(close.reason, "this hub speaks protocol version 1, the peer version 7");
    }
}
