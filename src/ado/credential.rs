//! The token, as the header that carries it. Nothing here shows it: neither `Debug` nor an error.

use base64::Engine as _;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// How the client proves who it is.
#[derive(Clone)]
pub enum Credential {
    /// A personal access token, sent as the password of Basic authentication.
    Pat(SecretString),
    /// A Microsoft Entra access token.
    Bearer(SecretString),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pat(_) => "Credential::Pat(hidden)",
            Self::Bearer(_) => "Credential::Bearer(hidden)",
        })
    }
}

impl Credential {
    /// The `Authorization` header, marked sensitive; `None` when the token holds characters no header can carry, or nothing.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::Pat(token) => {
                let token = Zeroizing::new(format!(":{}", token.expose_secret().trim()));
                if token.len() < 2 {
                    return None;
                }
                Zeroizing::new(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(token.as_bytes())))
            }
            Self::Bearer(token) => {
                let token = token.expose_secret().trim();
                if token.is_empty() {
                    return None;
                }
                Zeroizing::new(format!("Bearer {token}"))
            }
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}
