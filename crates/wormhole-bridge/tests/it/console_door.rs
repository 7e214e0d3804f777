//! Who is let in to the console, and who is not.

use axum::http::StatusCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use wormhole_protocol::PageState;

use crate::{
    console_client::{TOKEN, Viewer, client, connect, cookie, sign_in, with_console},
    session_stand::Stand,
};

#[tokio::test]
async fn console_lets_in_by_token_and_cookie_and_nobody_else() {
    let stand = Stand::open().await;
    stand.site.switch(|switches| switches.captcha = true);
    let mut config = stand.config("outlier");
    with_console(&mut config);
    let bridge = stand.bridge(config).await;
    let at = bridge.console.unwrap();
    let home = format!("http://{at}");

    // Strangers see the sign-in page and nothing else.
    let page = client().get(&home).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    assert!(page.text().await.unwrap().contains("name=\"token\""));
    let status =
        |value: &str| client().get(format!("{home}/api/status")).header("authorization", value.to_owned());
    assert_eq!(status("Bearer wrong").send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let refused = connect(at, "wormhole_console=1", &home).await.err().expect("no cookie, no view");
    assert!(matches!(refused, Error::Http(response) if response.status() == StatusCode::UNAUTHORIZED));

    // Neither another page of the same browser nor a wrong token gets further.
    assert_eq!(sign_in(at, TOKEN, "https://evil.example").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(sign_in(at, "wrong", &home).await.status(), StatusCode::UNAUTHORIZED);
    let cookie = cookie(at).await;
    let foreign = connect(at, &cookie, "https://evil.example").await.err().expect("another page");
    assert!(matches!(foreign, Error::Http(response) if response.status() == StatusCode::FORBIDDEN));
    let inside = client().get(&home).header("cookie", &cookie).send().await.unwrap();
    assert!(inside.text().await.unwrap().contains("id=\"picture\""));
    let report = status(&format!("Bearer {TOKEN}")).send().await.unwrap();
    assert!(report.headers().contains_key("x-wormhole-console"));
    assert_eq!(report.json::<serde_json::Value>().await.unwrap()["site"], "outlier");

    // Eight may look. What is not understood ends a view, and so does signing out.
    let mut viewers = Vec::new();
    for _ in 0..8 {
        viewers.push(Viewer::open(at, &cookie).await);
    }
    let mut ninth = Viewer::open(at, &cookie).await;
    assert!(
        matches!(ninth.message().await, Some(Message::Close(Some(frame))) if u16::from(frame.code) == 1013)
    );
    viewers[0].until("8 viewers", |told| told["viewers"] == 8).await;
    viewers[7].send(serde_json::json!({"type": "nonsense"})).await;
    viewers[0].until("7 viewers", |told| told["viewers"] == 7).await;
    let out = client().post(format!("{home}/sign-out")).header("origin", &home).header("cookie", &cookie);
    assert_eq!(out.send().await.unwrap().status(), StatusCode::SEE_OTHER);
    loop {
        if let Some(Message::Close(Some(frame))) = viewers[0].message().await {
            assert_eq!(frame.reason.as_str(), "signed out");
            break;
        }
    }

    // After five wrong tokens in a minute even the right one has to wait: two were above.
    for _ in 0..3 {
        assert_eq!(sign_in(at, "wrong", &home).await.status(), StatusCode::UNAUTHORIZED);
    }
    let waiting = sign_in(at, TOKEN, &home).await;
    assert_eq!(waiting.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(waiting.headers().contains_key("retry-after"));
    bridge.stop().await;
    stand.close().await;
}

#[tokio::test]
async fn without_a_token_there_is_no_console() {
    let stand = Stand::open().await;
    let bridge = stand.bridge(stand.config("outlier")).await;
    assert!(bridge.console.is_none());
    stand.hub.until(PageState::Ready).await;
    bridge.stop().await;
    stand.close().await;
}
