//! DevTools for others.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use wormhole_bridge::browser::{Browser, LaunchError, Publish};

use crate::browser_start::{SOON, Started, config, start_with};

/// What DevTools answers over this port to a caller who names it so; nothing when it hangs up. It keeps the
/// connection open afterwards, whatever it is asked.
async fn ask(port: SocketAddr, host: &str) -> String {
    let mut socket = TcpStream::connect(port).await.unwrap();
    let request = format!("GET /json/version HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut answer = String::new();
    let asked = async {
        socket.write_all(request.as_bytes()).await.ok();
        let mut piece = [0; 4096];
        while !answer.contains("webSocketDebuggerUrl") && !answer.contains("Host header") {
            match socket.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(length) => answer.push_str(std::str::from_utf8(&piece[..length]).unwrap()),
            }
        }
    };
    timeout(SOON, asked).await.expect("an answer or an end");
    answer
}

async fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn browser_devtools_are_published_to_those_who_are_listed_alone() {
    let listen = free_port().await;
    let publish = |allow: &str| Some(Publish { listen, allow: vec![allow.parse().unwrap()] });
    let Started { site, profile, browser, .. } = start_with(|config| {
        config.publish = publish("127.0.0.0/8");
        config.debug_port = listen.port();
    })
    .await;
    assert_ne!(browser.debug_port(), listen.port(), "Chromium's own port is another one");
    let answer = ask(listen, &listen.to_string()).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("webSocketDebuggerUrl"), "{answer}");
    // Chromium's own rule, against pages that send a browser to 127.0.0.1 by a name of theirs.
    assert!(ask(listen, "chrome.example").await.starts_with("HTTP/1.1 500"));
    browser.close().await;
    assert!(TcpStream::connect(listen).await.is_err(), "closed with the browser");

    let mut config = config(&site, &profile);
    config.publish = publish("192.0.2.0/24");
    let browser = Browser::launch(&config).await.unwrap();
    assert_eq!(ask(listen, &listen.to_string()).await, "");
    browser.close().await;

    let taken = TcpListener::bind(listen).await.unwrap();
    match Browser::launch(&config).await {
        Err(LaunchError::Publish { addr, .. }) => assert_eq!(addr, taken.local_addr().unwrap()),
        other => panic!("{other:?}"),
    }
}
