//! A person who sits at the bridge's page: acts in it by DevTools, as a hand at the keyboard would.

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::wait::{until, within};

/// Nothing that a person does here takes that long.
const SOON: Duration = Duration::from_secs(30);

/// See the module.
pub struct Person {
    page: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last: u64,
    /// Of DevTools over HTTP.
    devtools: String,
    client: reqwest::Client,
}

impl Person {
    /// At the page of the Chromium that runs on this profile folder.
    pub(crate) async fn at(profile: &Path, client: &reqwest::Client) -> Self {
        let port = std::fs::read_to_string(profile.join("DevToolsActivePort")).expect("Chromium runs");
        let port = port.lines().next().unwrap_or_default();
        let devtools = format!("http://127.0.0.1:{port}");
        let list = format!("{devtools}/json/list");
        let address = until(SOON, "a page of Chromium", || async {
            let targets: Value = client.get(&list).send().await.ok()?.json().await.ok()?;
            let page = targets.as_array()?.iter().find(|target| target["type"] == "page")?;
            page["webSocketDebuggerUrl"].as_str().map(str::to_owned)
        })
        .await;
        let (page, _) = connect_async(address).await.expect("Chromium's DevTools can be joined");
        Self { page, last: 0, devtools, client: client.clone() }
    }

    /// Runs a script in the page; what it gave, or nothing where the page was left meanwhile.
    ///
    /// # Panics
    /// When Chromium does not answer.
    pub async fn act(&mut self, script: &str) -> Value {
        self.last += 1;
        let parameters = json!({"expression": script, "returnByValue": true, "userGesture": true});
        let call = json!({"id": self.last, "method": "Runtime.evaluate", "params": parameters});
        self.page.send(Message::text(call.to_string())).await.expect("DevTools are open");
        within(SOON, "DevTools' answer", async {
            while let Some(Ok(message)) = self.page.next().await {
                let answer: Value =
                    serde_json::from_str(message.to_text().unwrap_or_default()).unwrap_or_default();
                if answer["id"] == self.last {
                    return answer["result"]["result"]["value"].clone();
                }
            }
            Value::Null
        })
        .await
    }

    /// Opens an empty tab in front of this one, and waits until the page knows that nobody sees it.
    ///
    /// # Panics
    /// When Chromium opens none.
    pub async fn cover(&mut self) {
        let opened = self.client.put(format!("{}/json/new?about:blank", self.devtools)).send().await;
        opened.and_then(reqwest::Response::error_for_status).expect("Chromium opens a tab");
        within(SOON, "the tab is hidden", async {
            while self.act("document.visibilityState").await != "hidden" {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }

    /// Fills a field once the page that has it is there, and sends its form.
    ///
    /// # Panics
    /// When the field does not come.
    pub async fn send(&mut self, field: &str, text: &str) {
        let script = format!(
            "(() => {{ const field = document.querySelector({field:?}); if (!field) return false; \
             field.value = {text:?}; field.form.requestSubmit(); return true; }})()"
        );
        within(SOON, field, async {
            while self.act(&script).await != true {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
    }
}
