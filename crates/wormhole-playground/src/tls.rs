//! A self-signed certificate, made anew at each start, and TLS on it.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::CertifiedKey;
use rcgen::PublicKeyData;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use sha2::Digest;
use sha2::Sha256;
use tokio_rustls::TlsAcceptor;

use crate::error::SiteError;

/// The site's TLS identity.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) certificate: Vec<u8>,
    pub(crate) spki_hash: String,
}

impl Identity {
    /// Makes a certificate for `localhost` and `127.0.0.1`.
    pub(crate) fn generate() -> Result<Self, SiteError> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names)?;
        let spki_hash = STANDARD.encode(Sha256::digest(signing_key.subject_public_key_info()));
        let key = PrivateKeyDer::try_from(signing_key.serialize_der())
            .map_err(|problem| SiteError::Tls(rustls::Error::General(problem.to_owned())))?;
        // The provider by name: a process-wide default is the business of a `main`.
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(tls)), certificate: cert.der().to_vec(), spki_hash })
    }
}
