//! TLS and HTTP/2.

use std::net::Ipv4Addr;
use std::net::SocketAddr;

use reqwest::Certificate;
use reqwest::Version;
use tokio::task::JoinSet;
use wormhole_playground::Config;
use wormhole_playground::GATE;

use crate::site::Browser;
use crate::site::Running;
use crate::site::SOON;
use crate::site::client;
use crate::site::quick;
use crate::site::said;
use crate::site::start;

async fn secure() -> (Running, Browser) {
    let site = start(Config { https: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), ..quick() }).await;
    let root = Certificate::from_der(site.certificate.as_deref().unwrap()).unwrap();
    let http = client().tls_certs_only([root]).build().unwrap();
    let mut browser = Browser::with(http, site.secure_origin.as_deref().unwrap());
    browser.login().await;
    (site, browser)
}

#[tokio::test]
async fn cookies_are_secure_and_the_protocol_is_http2() {
    let (site, mut browser) = secure().await;
    let page = browser.get("/chat").await;
    assert_eq!((page.status().as_u16(), page.version()), (200, Version::HTTP_2));
    site.control.rotate_csrf();
    let page = browser.get("/chat").await;
    assert!(page.headers()["set-cookie"].to_str().unwrap().ends_with("; Path=/; SameSite=Lax; Secure"));
}

#[tokio::test]
async fn sixty_four_streams_run_together_and_none_is_crossed() {
    const STREAMS: u64 = 64;
    let (site, browser) = secure().await;
    let mut asking = JoinSet::new();
    for nonce in 0..STREAMS {
        let browser = browser.clone();
        asking.spawn(async move {
            let id = browser.converse("x", GATE).await;
            let answer = browser.turn(&id, &format!("[[words:2]] nonce {nonce}"), GATE, 0).await;
            assert_eq!(answer.version(), Version::HTTP_2);
            (id, nonce, said(&answer.text().await.unwrap()))
        });
    }
    site.control.wait_until(SOON, |seen| seen.in_flight == STREAMS).await.unwrap();
    site.control.release(2 * STREAMS);
    while let Some(answered) = asking.join_next().await {
        let (id, nonce, said) = answered.unwrap();
        assert_eq!(said, ("w1 w2".to_owned(), String::new(), true));
        let seen = site.control.snapshot();
        let turn = seen.turns.iter().find(|turn| turn.conversation == id).unwrap();
        assert!(turn.text.ends_with(&format!(" {nonce}")));
    }
    let seen = site.control.wait_until(SOON, |seen| seen.in_flight == 0).await.unwrap();
    assert_eq!((seen.in_flight_max, seen.turns_completed), (STREAMS, STREAMS));
}

#[tokio::test]
async fn a_reset_stream_is_noticed_and_the_connection_lives_on() {
    let (site, mut browser) = secure().await;
    drop(browser.ask("x", GATE).await);
    site.control.wait_until(SOON, |seen| seen.turns_aborted == 1).await.unwrap();
    assert_eq!(browser.api_get("/playground-models").await.status(), 200);
}

#[tokio::test]
async fn it_ends_within_its_grace_with_http2_streams_open() {
    let (mut site, browser) = secure().await;
    let _open = browser.ask("x", GATE).await;
    site.stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(1), site.tasks.join_next()).await.unwrap();
    assert_eq!(site.control.snapshot().in_flight, 0);
}
