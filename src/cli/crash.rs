//! When kanado itself is at fault: the terminal is given back, a report is written, and the words say where it is.
//!
//! The report holds the message, the place and the call stack; no argument, no environment, no text of the board, and no token.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::notice::inert;
use crate::secret::redact;

struct State {
    /// Where reports go; the temporary folder until the configuration is known.
    folder: Option<PathBuf>,
    /// What gives the terminal back.
    restore: Option<fn()>,
}

static STATE: Mutex<State> = Mutex::new(State { folder: None, restore: None });

/// Replaces the panic hook of the process.
pub fn install() {
    std::panic::set_hook(Box::new(report));
}

/// Reports go here from now on.
pub fn reports_to(folder: PathBuf) {
    STATE.lock().unwrap_or_else(PoisonError::into_inner).folder = Some(folder);
}

/// Called before anything is printed about a crash; gives the terminal back.
pub fn restore_with(restore: fn()) {
    STATE.lock().unwrap_or_else(PoisonError::into_inner).restore = Some(restore);
}

fn report(panic: &PanicHookInfo<'_>) {
    let (folder, restore) = {
        let state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        (state.folder.clone(), state.restore)
    };
    if let Some(restore) = restore {
        restore();
    }
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let text = format!(
        "kanado {} crashed\nthread: {}\nplace: {place}\nmessage: {message}\nsystem: {} {}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        thread.name().unwrap_or("unnamed"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        Backtrace::force_capture()
    );
    let text = redact(&text);
    let written = write(folder.as_deref().unwrap_or(&std::env::temp_dir()), &text);
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "kanado crashed: {} ({place})", inert(&redact(message)));
    let _ = match written {
        Ok(path) => writeln!(err, "  nothing that was saved is lost; the report is in {}", path.display()),
        Err(_) => writeln!(err, "  nothing that was saved is lost; no report could be written"),
    };
}

fn write(folder: &Path, text: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let stamp = jiff::Timestamp::now().as_millisecond();
    let path = folder.join(format!("crash-{stamp}-{}.txt", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}
