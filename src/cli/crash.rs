//! When kanado itself is at fault: the terminal is given back, a report is written, and the words say where it is.
//!
//! The report holds the message, the place and the call stack; no argument, no environment, no text of the board, and no token.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

use tokio_util::sync::CancellationToken;

use crate::notice::inert;
use crate::secret::redact;

struct State {
    /// Where reports go; the temporary folder until the configuration is known.
    folder: Option<PathBuf>,
    /// The board on the screen.
    board: Option<Board>,
    /// What is said of a crash behind the board once the board is gone.
    untold: Option<String>,
}

/// A board whose screen a report must not be written over.
struct Board {
    thread: ThreadId,
    restore: fn(),
    ends: CancellationToken,
}

static STATE: Mutex<State> = Mutex::new(State { folder: None, board: None, untold: None });

/// Replaces the panic hook of the process.
pub fn install() {
    std::panic::set_hook(Box::new(report));
}

/// Reports go here from now on.
pub fn reports_to(folder: PathBuf) {
    STATE.lock().unwrap_or_else(PoisonError::into_inner).folder = Some(folder);
}

/// This thread shows a board from now on. When it crashes, `restore` gives the terminal back before anything is printed; when work in
/// the background crashes, the board is asked to end in order, with what is typed saved, and [`untold`] has the words.
pub fn behind_board(restore: fn(), ends: CancellationToken) {
    let board = Board { thread: std::thread::current().id(), restore, ends };
    STATE.lock().unwrap_or_else(PoisonError::into_inner).board = Some(board);
}

/// The words about a crash behind the board, if there was one. The board is gone by now.
pub fn untold() -> Option<String> {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    state.board = None;
    state.untold.take()
}

fn report(panic: &PanicHookInfo<'_>) {
    let (folder, ends) = {
        let state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = match &state.board {
            Some(board) if board.thread == std::thread::current().id() => {
                (board.restore)();
                None
            }
            Some(board) => Some(board.ends.clone()),
            None => None,
        };
        (state.folder.clone(), ends)
    };
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
    let what = format!("kanado crashed: {} ({place})", inert(&redact(message)));
    let words = match written {
        Ok(path) => format!("{what}\n  nothing that was saved is lost; the report is in {}", path.display()),
        Err(_) => format!("{what}\n  nothing that was saved is lost; no report could be written"),
    };
    match ends {
        Some(ends) => {
            STATE.lock().unwrap_or_else(PoisonError::into_inner).untold.get_or_insert(words);
            ends.cancel();
        }
        None => {
            let _ = writeln!(std::io::stderr().lock(), "{words}");
        }
    }
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
