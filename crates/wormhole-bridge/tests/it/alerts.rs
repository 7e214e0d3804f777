//! Somebody is told, once, that a person is needed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};
use wormhole_protocol::PageState;
use wormhole_runtime::{Lifecycle, SecretString, listen, serve_http};

use crate::{
    console_client::with_console,
    session_hub::SOON,
    session_stand::{Stand, ask},
};

const SECRET: &str = "s3cret-of-the-hook";

#[derive(Clone)]
struct Receiver {
    taken: mpsc::Sender<Value>,
    /// How many requests are answered with 500 before one is taken.
    broken: Arc<AtomicUsize>,
}

async fn take(
    State(receiver): State<Receiver>,
    Path(secret): Path<String>,
    Json(alert): Json<Value>,
) -> StatusCode {
    assert_eq!(secret, SECRET);
    let broken = receiver.broken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if broken.is_ok() {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    receiver.taken.send(alert).await.unwrap();
    StatusCode::OK
}

#[tokio::test]
async fn alert_is_sent_once_for_each_change_and_again_when_it_is_not_taken() {
    let stand = Stand::open().await;
    let around = Lifecycle::new(Duration::from_secs(1));
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let at = listener.local_addr().unwrap();
    let (taken, mut alerts) = mpsc::channel(16);
    let receiver = Receiver { taken, broken: Arc::new(AtomicUsize::new(1)) };
    let router = Router::new().route("/hooks/{secret}", post(take)).with_state(receiver);
    serve_http(listener, router, &around, "receiver");

    stand.site.switch(|switches| switches.one_time_code = true);
    let mut config = stand.config("outlier");
    with_console(&mut config);
    config.alerts = Some(SecretString::from(format!("http://{at}/hooks/{SECRET}")));
    assert!(!format!("{config:?}").contains(SECRET));
    let bridge = stand.bridge(config).await;
    stand.hub.until(PageState::Challenge).await;
    let alert = timeout(SOON, alerts.recv()).await.expect("an alert").unwrap();
    assert_eq!(
        (&alert["site"], &alert["account"], &alert["state"]),
        (&"outlier".into(), &"default".into(), &"challenge".into())
    );
    assert_eq!(alert["console_url"], "http://console.example/");
    assert_eq!(
        alert["text"],
        "Wormhole: account default at outlier needs a person (challenge: the site asks for a one-time code: go on at http://console.example/)"
    );
    assert!(alert["since"].as_str().unwrap().ends_with('Z'));

    // Ten looks later nothing was sent again; the next trouble is a change, and is.
    let person = stand.person().await;
    person.fill_when_there("input[autocomplete=one-time-code]", "424242").await;
    person.act("document.querySelector('form').requestSubmit()").await;
    stand.hub.until(PageState::Ready).await;
    stand.site.expire_sessions();
    stand.hub.post(wormhole_playground::ECHO, "x").failed().await;
    let alert = timeout(SOON, alerts.recv()).await.expect("an alert").unwrap();
    assert_eq!(alert["state"], "challenge");
    assert!(alerts.try_recv().is_err(), "one for each change");
    let (_, metrics) = ask(bridge.admin, "/metrics").await;
    assert!(
        metrics.contains(r#"wormhole_bridge_alerts_total{outcome="sent"} 1"#)
            || metrics.contains(r#"wormhole_bridge_alerts_total{outcome="sent"} 2"#),
        "{metrics}"
    );
    bridge.stop().await;
    around.shutdown("the test is over");
    around.wait().await;
    stand.close().await;
}
