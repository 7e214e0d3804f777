//! One crypto provider for the process.

/// Makes *ring* the provider of every TLS connection. Calling it again does nothing.
pub fn install_crypto_provider() {
    // The only error is that a provider is installed already, which is what was asked for.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
