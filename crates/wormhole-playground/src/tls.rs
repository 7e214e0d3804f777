//! A self-signed certificate, made anew at each start, and TLS on it. Its key may be kept.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rcgen::PublicKeyData;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use sha2::Digest;
use sha2::Sha256;
use tokio_rustls::TlsAcceptor;

use crate::error::SiteError;

/// In the folder that keeps the key.
const KEY: &str = "key.pem";
/// Beside it, for whoever starts a browser.
const KEY_HASH: &str = "key-hash";

/// The site's TLS identity.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) certificate: Vec<u8>,
    pub(crate) spki_hash: String,
}

impl Identity {
    /// Makes a certificate for `localhost` and `127.0.0.1`, with the key that `folder` keeps.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self, SiteError> {
        let signing_key = match folder {
            Some(folder) => kept_key(folder)?,
            None => KeyPair::generate()?,
        };
        let spki_hash = STANDARD.encode(Sha256::digest(signing_key.subject_public_key_info()));
        if let Some(folder) = folder {
            let path = folder.join(KEY_HASH);
            write(&path, &spki_hash, 0o644).map_err(|source| SiteError::Identity { path, source })?;
        }
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names)?.self_signed(&signing_key)?;
        let key = PrivateKeyDer::try_from(signing_key.serialize_der())
            .map_err(|problem| SiteError::Tls(rustls::Error::General(problem.to_owned())))?;
        // The provider by name: a process-wide default is the business of a `main`.
        let mut tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let certificate = certificate.der().to_vec();
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(tls)), certificate, spki_hash })
    }
}

fn kept_key(folder: &Path) -> Result<KeyPair, SiteError> {
    let path = folder.join(KEY);
    match fs::read_to_string(&path) {
        Ok(pem) => Ok(KeyPair::from_pem(&pem)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            write(&path, &key.serialize_pem(), 0o600)
                .map_err(|source| SiteError::Identity { path, source })?;
            Ok(key)
        }
        Err(source) => Err(SiteError::Identity { path, source }),
    }
}

/// Whoever reads the file meets the old text or the new one, never half of one.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    fs::rename(unfinished, path)
}
