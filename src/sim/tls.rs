//! TLS for the simulator's own listener, from PEM files.
//!
//! Limits: no client certificates, no reload; HTTP/2 and HTTP/1.1 are offered.

use std::path::{Path, PathBuf};

use axum_server::tls_rustls::RustlsConfig;

/// Why the listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve TLS with certificate {} and key {}: {source}; both must be PEM files, the key without a passphrase", .cert.display(), .key.display())]
pub struct TlsError {
    pub cert: PathBuf,
    pub key: PathBuf,
    #[source]
    pub source: std::io::Error,
}

/// Reads certificate chain and key.
pub async fn config(cert: &Path, key: &Path) -> Result<RustlsConfig, TlsError> {
    // Err means that one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    RustlsConfig::from_pem_file(cert, key).await.map_err(|source| TlsError { cert: cert.to_owned(), key: key.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fresh_certificate_is_taken_and_a_broken_one_is_named() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a key pair");
        let (cert, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
        std::fs::write(&cert, made.cert.pem()).expect("writes");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("writes");
        config(&cert, &key).await.expect("serves");
        std::fs::write(&key, "nothing").expect("writes");
        let error = config(&cert, &key).await.expect_err("no key").to_string();
        assert!(error.contains("k.pem"), "{error}");
    }
}
