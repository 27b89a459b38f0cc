//! Keyrings: the desktop's (Secret Service, Keychain, Credential Manager) and the Linux kernel's.
//!
//! Both block, and a locked desktop keyring waits for a person; so each call has a thread of its own that is left behind when the
//! time is over. No runtime waits for such a thread at the end.

use std::sync::Arc;
use std::time::Duration;

use keyring::v1::Entry;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// What keyrings know us by.
const SERVICE: &str = "kanado";

/// A place that keeps secrets by account name. Calls may block.
pub trait Ring: Send + Sync {
    fn read(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, RingError>;
    fn write(&self, account: &str, token: &SecretString) -> Result<(), RingError>;
    /// Whether there was something to delete.
    fn delete(&self, account: &str) -> Result<bool, RingError>;
}

/// Why a keyring cannot be used, in words without any content of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RingError(pub String);

/// Runs a blocking call on a thread of its own; `None` when it does not end in time.
pub(super) async fn within<T: Send + 'static>(timeout: Option<Duration>, call: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, answer) = tokio::sync::oneshot::channel();
    let started = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
        let _ = done.send(call());
    });
    started.ok()?;
    match timeout {
        Some(timeout) => tokio::time::timeout(timeout, answer).await.ok()?.ok(),
        None => answer.await.ok(),
    }
}

fn entry_error(error: keyring::v1::Error) -> RingError {
    use keyring::v1::Error;
    // Never the error's own `Debug`: some variants carry the bytes that were read.
    RingError(match error {
        Error::NoStorageAccess(_) => "access is denied; it may be locked, or this session has none".to_owned(),
        Error::NoDefaultStore => "it does not answer".to_owned(),
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) => "what it holds cannot be read".to_owned(),
        Error::Ambiguous(_) => "it holds more than one token for this organisation".to_owned(),
        Error::TooLong(_, longest) => format!("it takes no more than {longest} bytes"),
        _ => "it failed".to_owned(),
    })
}

/// The desktop's keyring, unless it is plain that there is none: over SSH without a session bus nothing is tried.
pub(super) fn desktop() -> Option<Arc<dyn Ring>> {
    if cfg!(any(windows, target_os = "macos")) || session_bus_exists() { Some(Arc::new(Entries(desktop_entry))) } else { None }
}

fn session_bus_exists() -> bool {
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty()) {
        return true;
    }
    if let Some(folder) = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        return std::path::Path::new(&folder).join("bus").exists();
    }
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|own| std::path::PathBuf::from(format!("/run/user/{}/bus", own.uid())).exists())
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// A keyring by how an account's entry is found in it.
struct Entries(fn(&str) -> Result<Entry, RingError>);

impl Ring for Entries {
    fn read(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, RingError> {
        match (self.0)(account)?.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(keyring::v1::Error::NoEntry) => Ok(None),
            Err(error) => Err(entry_error(error)),
        }
    }

    fn write(&self, account: &str, token: &SecretString) -> Result<(), RingError> {
        (self.0)(account)?.set_secret(token.expose_secret().as_bytes()).map_err(entry_error)
    }

    fn delete(&self, account: &str) -> Result<bool, RingError> {
        match (self.0)(account)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(keyring::v1::Error::NoEntry) => Ok(false),
            Err(error) => Err(entry_error(error)),
        }
    }
}

fn desktop_entry(account: &str) -> Result<Entry, RingError> {
    Entry::new(SERVICE, account).map_err(entry_error)
}

/// The kernel's keyring, where the platform has one.
pub(super) fn kernel() -> Option<Arc<dyn Ring>> {
    #[cfg(target_os = "linux")]
    {
        Some(Arc::new(Entries(kernel_entry)))
    }
    #[cfg(not(target_os = "linux"))]
    None
}

#[cfg(target_os = "linux")]
fn kernel_entry(account: &str) -> Result<Entry, RingError> {
    use keyring_core::api::CredentialStoreApi;
    let store = linux_keyutils_keyring_store::Store::new().map_err(entry_error)?;
    let inner = store.build(SERVICE, account, None).map_err(entry_error)?;
    Ok(Entry { inner })
}
