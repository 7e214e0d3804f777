//! The page port: who is let in, what is lost when a socket breaks (nothing), and pages that forbid it.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest as _};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use wormhole_bridge::browser::Browser;
use wormhole_bridge::tab::{Tab, TabError, TabEvent};

use crate::browser_site::Site;
use crate::browser_start::{
    Carrier, Other, Port, SOON, Started, config, get, installed, lost, start_at, start_by, until,
};

/// A page's end of the socket, played by the test.
struct Page(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Page {
    /// Asks for a socket as a page of this origin does; an HTTP status when there is none.
    async fn ask(port: SocketAddr, origin: Option<&str>) -> Result<Self, u16> {
        let mut request = format!("ws://{port}/").into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match timeout(SOON, tokio_tungstenite::connect_async(request)).await.unwrap() {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        loop {
            match timeout(SOON, self.0.next()).await.expect("the bridge says something").unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code that the bridge closes with.
    async fn closed(mut self) -> u16 {
        loop {
            match timeout(SOON, self.0.next()).await.expect("the bridge closes").expect("a close") {
                Ok(Message::Close(Some(frame))) => return frame.code.into(),
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// An operator's own script: it shows the token, and leaves the rest to the test.
const SHOWS_TOKEN: &str = "if (self === top && wormhole.origins.includes(location.origin))
    addEventListener('DOMContentLoaded', () => { document.title = wormhole.socket.token; });";

/// A browser whose page leaves its end of the socket to the test.
struct Played {
    port: Port,
    site: Site,
    browser: Browser,
    tab: Tab,
    token: String,
    _folders: [TempDir; 2],
}

impl Played {
    async fn start() -> Self {
        let (port, site) = (Port::open(None).await, Site::open_plain().await);
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let script = folders[0].path().join("script.js");
        std::fs::write(&script, SHOWS_TOKEN).unwrap();
        let mut config = config(&site, &folders[1]);
        (config.page_port, config.script) = (Some(port.door.clone()), Some(script));
        let browser = Browser::launch(&config).await.unwrap();
        let tab = browser.tab();
        // The navigation itself would wait for a greeting.
        let other = Other::connect(&browser).await;
        let token = tokio::select! {
            gone = tab.goto(&site.origin) => panic!("nobody greets: {gone:?}"),
            token = shown_token(&other) => token,
        };
        Self { port, site, browser, tab, token, _folders: folders }
    }

    fn origin(&self) -> String {
        self.site.origin.origin().ascii_serialization()
    }

    /// A page of the site that has said this.
    async fn page(&self, first: String) -> Page {
        let mut page = Page::ask(self.port.addr, Some(&self.origin())).await.unwrap();
        page.say(first).await;
        page
    }

    fn join(&self, doc: &str) -> String {
        json!({"token": self.token, "doc": doc, "taken": 0}).to_string()
    }

    /// A document that has joined and greeted.
    async fn greeted(&self, doc: &str) -> Page {
        let mut page = self.page(self.join(doc)).await;
        assert_eq!(page.hear().await, json!({"heard": null}));
        let hello = json!([{"doc": doc, "id": 0, "seq": 0, "k": "hello", "version": 1, "origin": self.origin(), "path": "/"}]);
        page.say(json!({"heard": 0, "frames": hello}).to_string()).await;
        until(&self.tab, installed).await;
        page
    }

    fn counted(&self, outcome: &str) -> u64 {
        self.port.counted(&format!("wormhole_bridge_page_sockets_total{{outcome=\"{outcome}\"}}"))
    }
}

async fn shown_token(other: &Other) -> String {
    let page = other.page().await;
    loop {
        // The page may just be on its way in.
        if let Ok(title) = page.evaluate("document.title").await
            && let Ok(title) = title.into_value::<String>()
            && title != "page"
            && !title.is_empty()
        {
            return title;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn browser_socket_is_for_one_document_of_the_site_with_the_right_token() {
    let played = Played::start().await;
    assert!(played.token.len() >= 43, "256 bits");
    for foreign in [None, Some("http://evil.example"), Some("null")] {
        assert_eq!(Page::ask(played.port.addr, foreign).await.err(), Some(403), "{foreign:?}");
    }
    let guess = json!({"token": "guess", "doc": "a", "taken": 0}).to_string();
    assert_eq!(played.page(guess).await.closed().await, 4401);
    assert_eq!(played.page("[]".to_owned()).await.closed().await, 4400);
    let page = played.greeted("first").await;
    assert_eq!(played.page(played.join("second")).await.closed().await, 4409);
    let refused = ["wrong_origin", "wrong_token", "malformed", "busy"].map(|outcome| played.counted(outcome));
    assert_eq!((played.counted("joined"), refused), (1, [3, 1, 1, 1]));

    // Its right ends with its browser.
    let (port, origin) = (played.port.addr, played.origin());
    played.browser.close().await;
    assert_eq!(Page::ask(port, Some(&origin)).await.err(), Some(403));
    drop(page);
}

#[tokio::test]
async fn browser_socket_brings_a_command_again_that_was_not_taken_and_ends_with_a_message_too_large() {
    let played = Played::start().await;
    let mut page = played.greeted("first").await;
    let counting = played.tab.count("p");
    let acting = async {
        let batch = page.hear().await;
        assert_eq!(batch["commands"][0]["op"], "count");
        drop(page);
        let mut page = played.page(played.join("first")).await;
        assert_eq!(page.hear().await, json!({"heard": 1}));
        assert_eq!(page.hear().await, batch);
        let id = &batch["commands"][0]["id"];
        let value = json!([{"doc": "first", "id": id, "seq": 0, "k": "value", "value": 7}]);
        page.say(json!({"heard": 1, "frames": value}).to_string()).await;
        page
    };
    let (count, mut page) = tokio::join!(counting, acting);
    assert_eq!(count, Ok(7));
    assert_eq!((played.counted("joined"), played.counted("resumed")), (1, 1));

    page.say(format!("\"{}\"", "x".repeat(1024 * 1024))).await;
    until(&played.tab, lost(&TabError::ContextLost)).await;
    assert_eq!(played.counted("oversized"), 1);
    played.browser.close().await;
}

/// A wire between page and port that can be cut.
struct Wire {
    addr: SocketAddr,
    sockets: std::sync::Arc<Mutex<JoinSet<()>>>,
    whole: watch::Sender<bool>,
    _accepting: JoinSet<()>,
}

impl Wire {
    /// A port, and the wire that pages reach it by.
    async fn to_port() -> (Self, Port) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let port = Port::open(Some(format!("ws://{addr}").parse().unwrap())).await;
        let sockets = std::sync::Arc::new(Mutex::new(JoinSet::new()));
        let whole = watch::Sender::new(true);
        let mut accepting = JoinSet::new();
        let (target, passed, open) = (port.addr, std::sync::Arc::clone(&sockets), whole.subscribe());
        accepting.spawn(async move {
            loop {
                let (mut page, _) = listener.accept().await.unwrap();
                if !*open.borrow() {
                    continue;
                }
                passed.lock().await.spawn(async move {
                    let mut bridge = TcpStream::connect(target).await.unwrap();
                    drop(copy_bidirectional(&mut page, &mut bridge).await);
                });
            }
        });
        (Self { addr, sockets, whole, _accepting: accepting }, port)
    }

    /// Breaks what goes over it; what comes next goes through again if it is to be whole.
    async fn cut(&self, whole: bool) {
        self.whole.send_replace(whole);
        self.sockets.lock().await.shutdown().await;
    }
}

#[tokio::test]
async fn browser_socket_that_breaks_loses_nothing_and_one_that_stays_away_ends_what_ran() {
    let (wire, port) = Wire::to_port().await;
    assert_ne!(wire.addr, port.addr);
    let started = start_at(Site::open_plain().await, |config| config.page_port = Some(port.door.clone()));
    let Started { site, profile: _profile, browser, tab, .. } = started.await;
    let feed = site.feed("talk");
    let mut reply = get(&tab, "/feed/talk").await.unwrap();
    let mut expected = String::new();
    let mut read = String::new();
    for cut in 0..3 {
        for word in 0..20 {
            let word = format!("{cut}:{word} ");
            expected.push_str(&word);
            feed.write(word).await;
            if read.is_empty() {
                read.push_str(&reply.chunk().await.unwrap().unwrap());
            }
        }
        wire.cut(true).await;
        // A request that is made while there is no socket waits for the next one.
        assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    }
    drop(feed);
    while let Some(chunk) = reply.chunk().await {
        read.push_str(&chunk.unwrap());
    }
    assert_eq!(read, expected);
    let resumed = port.counted("wormhole_bridge_page_sockets_total{outcome=\"resumed\"}");
    assert!(resumed >= 3, "{resumed}");
    assert_eq!(port.counted("wormhole_bridge_page_sockets_total{outcome=\"joined\"}"), 1);

    let feed = site.feed("end");
    let mut reply = get(&tab, "/feed/end").await.unwrap();
    feed.write("a").await;
    reply.chunk().await.unwrap().unwrap();
    wire.cut(false).await;
    let end = timeout(SOON, reply.chunk()).await.expect("a page that stays away is given up");
    assert_eq!(end, Some(Err(TabError::ContextLost)));
    timeout(SOON, feed.aborted()).await.expect("the page has given up, too");
    until(&tab, lost(&TabError::ContextLost)).await;
    // The next document comes by the wire that is whole again.
    wire.cut(true).await;
    tab.goto(&site.origin).await.unwrap();
    until(&tab, installed).await;
    assert_eq!(get(&tab, "/echo").await.unwrap().status, 200);
    browser.close().await;
}

#[tokio::test]
async fn browser_socket_that_the_page_forbids_is_told_with_the_rule() {
    let site = Site::open().await;
    let port = Port::open(Some("ws://bridge.test:1".parse().unwrap())).await;
    let profile = tempfile::tempdir().unwrap();
    let mut config = config(&site, &profile);
    config.page_port = Some(port.door.clone());
    let browser = Browser::launch(&config).await.unwrap();
    let tab = browser.tab();
    // The page with the strict policy, and one without any, over HTTPS.
    for (path, rule) in [("/", "Content-Security-Policy"), ("/frame", "mixed content")] {
        assert_eq!(tab.goto(&site.at(path)).await, Err(TabError::Forbidden(rule)));
        assert!(matches!(get(&tab, "/echo").await.unwrap_err(), TabError::Forbidden(_)));
    }
    let text = tab.reload().await.unwrap_err().to_string();
    assert_eq!(text, "the page forbids the WebSocket transport (mixed content): unset WORMHOLE_PAGE_LISTEN");
    assert_eq!(port.counted("wormhole_bridge_page_socket_failures_total{reason=\"policy\"}"), 1);
    assert_eq!(port.counted("wormhole_bridge_page_socket_failures_total{reason=\"insecure\"}"), 2);
    browser.close().await;
}

#[tokio::test]
async fn browser_socket_from_a_public_page_to_loopback_is_forbidden_by_chromium() {
    let site = Site::open_plain().await;
    let port = Port::open(None).await;
    let profile = tempfile::tempdir().unwrap();
    let mut config = config(&site, &profile);
    config.page_port = Some(port.door.clone());
    let public = format!("--ip-address-space-overrides=127.0.0.1:{}=public", site.origin.port().unwrap());
    config.extra_args.push(public);
    let browser = Browser::launch(&config).await.unwrap();
    let shown = timeout(SOON, browser.tab().goto(&site.origin)).await.expect("there is an end to the tries");
    assert!(
        matches!(&shown, Err(TabError::Forbidden(rule)) if rule.contains("Local Network Access")),
        "{shown:?}"
    );
    assert_eq!(port.counted("wormhole_bridge_page_socket_failures_total{reason=\"failed\"}"), 1);
    assert_eq!(port.counted("wormhole_bridge_page_sockets_total{outcome=\"joined\"}"), 0);
    browser.close().await;
}

#[tokio::test]
async fn browser_socket_and_its_token_are_not_seen_by_the_page() {
    let Started { site: _site, profile: _profile, browser, tab, port: _port } =
        start_by(Carrier::Socket).await;
    let page = Other::connect(&browser).await;
    let page = page.page().await;
    let seen = "Object.getOwnPropertyNames(window).filter((name) => /wormhole|socket\\b/i.test(name)).join()
        + (typeof __wormhole) + (typeof wormhole)";
    let seen = page.evaluate(seen).await.unwrap().into_value::<String>().unwrap();
    assert_eq!(seen.replace("WebSocket", ""), "undefinedundefined");
    assert!(matches!(&*tab.events().borrow(), TabEvent::Installed { generation: 1, .. }));
    assert_eq!(timeout(SOON, tab.count(".many")).await.unwrap(), Ok(2));
    browser.close().await;
}
