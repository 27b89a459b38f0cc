//! Secrets: 256 bits from the system, given away once, kept as a digest.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::action::error::{Error, Result};
use crate::ado::HookSecret;

/// What the user names of our own subscriptions begin with; a person who makes one by hand writes `kanado`.
const USER: &str = "kanado-";

/// The user name that a person is told to write.
pub(super) const MANUAL_USER: &str = "kanado";

/// A secret just made up.
pub struct Fresh {
    text: SecretString,
    pub digest: [u8; 32],
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh(***)")
    }
}

impl Fresh {
    /// 43 characters without padding or spaces, as the web page takes them.
    pub fn make() -> Result<Self> {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        getrandom::fill(&mut *bytes).map_err(|error| {
            Error::refused(format!("the system gives no random bytes for a secret: {error}"), "nothing was changed; try again")
        })?;
        let text = SecretString::from(URL_SAFE_NO_PAD.encode(*bytes));
        let digest = digest(text.expose_secret());
        Ok(Self { text, digest })
    }

    /// For the one place where a person reads it.
    pub fn show(&self) -> &str {
        self.text.expose_secret()
    }

    pub(super) fn password(&self) -> HookSecret {
        HookSecret::new(self.text.clone())
    }
}

pub(super) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// The user name that goes with a secret. The service answers it in clear, and it names the secret without telling it: so a subscription
/// whose row never learnt its id is found again, and one whose row holds another secret is not taken for it.
pub(super) fn user(digest: &[u8; 32]) -> String {
    let mut user = String::from(USER);
    for byte in &digest[..6] {
        user.push_str(&format!("{byte:02x}"));
    }
    user
}

/// Whether a user name is one that kanado makes up.
pub(super) fn is_own_user(name: &str) -> bool {
    name.strip_prefix(USER).is_some_and(|rest| rest.len() == 12 && rest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_256_bits_without_spaces_and_is_never_the_same() {
        let [one, other] = [Fresh::make().unwrap(), Fresh::make().unwrap()];
        assert_eq!(URL_SAFE_NO_PAD.decode(one.show()).unwrap().len(), 32);
        assert!(one.show().len() == 43 && one.show().chars().all(|c| c.is_ascii_graphic()));
        assert!(one.show() != other.show() && one.digest != other.digest);
        assert_eq!(digest(one.show()), one.digest);
        assert!(!format!("{one:?}{:?}", one.password()).contains(one.show()));
    }

    #[test]
    fn a_user_name_tells_ours_from_a_persons() {
        let fresh = Fresh::make().unwrap();
        assert!(is_own_user(&user(&fresh.digest)));
        for name in [MANUAL_USER, "kanado-", "kanado-hooks", "kanado-0123456789AB", "kanado-0123456789abc", ""] {
            assert!(!is_own_user(name), "{name}");
        }
    }
}
