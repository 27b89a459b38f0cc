//! Tokens in files that only their owner can read: one file an organisation.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::Error;

/// The file that keeps an organisation's token: its address made readable, and a digest that keeps similar ones apart.
pub(super) fn path(folder: &Path, url: &str) -> PathBuf {
    let account = super::account(url);
    let digest = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, account.as_bytes()).simple().to_string();
    let address = account.split_once("://").map_or(account.as_str(), |(_, rest)| rest);
    let readable: String =
        address.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' }).take(80).collect();
    folder.join(format!("{readable}-{}.token", &digest[..8]))
}

pub(super) fn read(folder: &Path, url: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let path = path(folder, url);
    let failed = |source| Error::File { doing: "read the token file", path: path.clone(), source };
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed(source)),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Of the open file, so that nobody can exchange it between the look and the reading.
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::FileTooOpen { path, mode });
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(64 * 1024).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}

pub(super) fn write(folder: &Path, url: &str, token: &SecretString) -> Result<super::Source, Error> {
    let path = path(folder, url);
    let failed = |source| Error::File { doing: "write the token file", path: path.clone(), source };
    private_folder(folder).map_err(failed)?;
    replace(&path, token.expose_secret().as_bytes()).map_err(failed)?;
    Ok(super::Source::File(path))
}

/// Whether there was one.
pub(super) fn delete(folder: &Path, url: &str) -> Result<bool, Error> {
    let path = path(folder, url);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::File { doing: "remove the token file", path, source }),
    }
}

/// A folder that only its owner can look into, if it is made now.
pub(super) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Writes a file as a whole or not at all, readable for its owner alone from its first moment.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let _ = std::fs::remove_file(&temporary);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let written = (|| {
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
