//! TLS and HTTP/2.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use reqwest::Certificate;
use reqwest::Version;
use tokio::task::JoinSet;
use wormhole_playground::Config;
use wormhole_playground::GATE;
use wormhole_playground::Site;

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
async fn a_kept_key_is_the_same_after_a_restart_and_its_hash_lies_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        https: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        identity: Some(folder.path().to_owned()),
        ..quick()
    };
    let hash = |site: &Site| site.spki_hash().unwrap();
    let first = Site::bind(config.clone()).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("key-hash")).unwrap(), hash(&first));
    let mode = std::fs::metadata(folder.path().join("key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = Site::bind(config.clone()).await.unwrap();
    assert_eq!(hash(&again), hash(&first));
    let elsewhere = Site::bind(Config { identity: None, ..config }).await.unwrap();
    assert_ne!(hash(&elsewhere), hash(&first));
}

#[tokio::test]
async fn the_health_check_hears_whether_the_site_answers() {
    let site = start(quick()).await;
    let address = site.origin.trim_start_matches("http://").parse().unwrap();
    assert!(wormhole_playground::healthcheck(address).await);
    let nobody = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    assert!(!wormhole_playground::healthcheck(nobody).await);
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
