//! What a receiver is told: where to listen, with which certificate, within which limits.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use super::limits::Limits;
use crate::config::Webhooks;

/// Where connections come from.
#[derive(Debug)]
pub enum Listen {
    Address(SocketAddr),
    /// A socket that somebody else opened, such as systemd.
    Given(TcpListener),
}

/// PEM files; the key without a passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug)]
pub struct HookOptions {
    pub listen: Listen,
    /// Plain http without.
    pub tls: Option<TlsFiles>,
    pub limits: Limits,
}

impl HookOptions {
    pub fn on(address: SocketAddr) -> Self {
        Self { listen: Listen::Address(address), tls: None, limits: Limits::default() }
    }

    /// What the configuration says; nothing where it names no address.
    pub fn of(config: &Webhooks) -> Option<Self> {
        Some(Self {
            listen: Listen::Address(config.listen?),
            tls: config.tls_cert.clone().zip(config.tls_key.clone()).map(|(cert, key)| TlsFiles { cert, key }),
            limits: Limits::of(config),
        })
    }
}
