//! The site as a whole: bound first, then served.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Config;
use crate::control::Control;
use crate::error::SiteError;
use crate::serve::Server;
use crate::tls::Identity;
use crate::web;

/// A practice site whose sockets are bound. Nothing runs before [`Site::serve`].
pub struct Site {
    app: Arc<App>,
    http: (TcpListener, SocketAddr),
    https: Option<(TcpListener, SocketAddr, Identity)>,
}

impl Site {
    /// Binds the site's sockets and makes its certificate.
    ///
    /// # Errors
    /// When an address cannot be bound or a setting is not usable.
    pub async fn bind(config: Config) -> Result<Self, SiteError> {
        let http = listen(config.http).await?;
        let https = match config.https {
            Some(address) => {
                let (listener, bound) = listen(address).await?;
                Some((listener, bound, Identity::open(config.identity.as_deref())?))
            }
            None => None,
        };
        Ok(Self { app: Arc::new(App::new(config)?), http, https })
    }

    /// The plain origin, e.g. `http://127.0.0.1:8088`.
    pub fn http_origin(&self) -> String {
        format!("http://{}", self.http.1)
    }

    /// The secure origin, e.g. `https://127.0.0.1:8443`.
    pub fn https_origin(&self) -> Option<String> {
        self.https.as_ref().map(|(_, bound, _)| format!("https://{bound}"))
    }

    /// Base64 of the SHA-256 of the certificate's public key information, as Chromium's
    /// `--ignore-certificate-errors-spki-list` wants it.
    pub fn spki_hash(&self) -> Option<String> {
        self.https.as_ref().map(|(_, _, identity)| identity.spki_hash.clone())
    }

    /// The certificate in DER, for clients that take a root of their own.
    pub fn certificate_der(&self) -> Option<Vec<u8>> {
        self.https.as_ref().map(|(_, _, identity)| identity.certificate.clone())
    }

    /// A handle that plans faults, turns switches and tells what the site has seen.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.app))
    }

    /// Serves until `stop` is cancelled, and returns within a second of it, also with streams open.
    pub async fn serve(self, stop: CancellationToken) {
        let server = Server::new(web::router(&self.app), stop);
        server.listen(self.http.0, None);
        if let Some((listener, _, identity)) = self.https {
            server.listen(listener, Some(identity.acceptor));
        }
        server.ended().await;
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SiteError> {
    let failed = |source| SiteError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
