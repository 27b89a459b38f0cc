//! How a command ends: an exit code, and words where it failed.

use std::io;

use serde_json::{Value, json};

use crate::notice::{Explain, Notice, inert};

/// The exit codes. Scripts can rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or there was nothing to do.
    Done,
    /// 1: refused or failed; the message says which and what to do.
    Failed,
    /// 2: wrong usage.
    Usage,
    /// 3: partly done; the same command finishes the rest.
    Partly,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 3,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command stopped.
#[derive(Debug)]
pub enum Failure {
    /// Whoever read our output has gone: nothing more to do, and nothing wrong.
    ClosedPipe,
    Stopped {
        exit: Exit,
        /// A stable word for scripts: `usage`, `refused`, `config`, `not_confirmed` ...
        code: &'static str,
        notice: Notice,
    },
}

impl Failure {
    pub fn new(exit: Exit, code: &'static str, notice: Notice) -> Self {
        Self::Stopped { exit, code, notice }
    }

    /// Not allowed, or not possible as things are.
    pub fn refused(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Failed, "refused", Notice::new(text).hint(hint))
    }

    /// The command was given in a way that cannot be carried out.
    pub fn usage(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", Notice::new(text).hint(hint))
    }

    /// Something of this machine failed: a file, a command.
    pub fn local(attempted: impl std::fmt::Display, error: &io::Error) -> Self {
        Self::new(Exit::Failed, "local", Notice::new(format!("{attempted}: {error}")))
    }

    pub fn exit(&self) -> Exit {
        match self {
            Self::ClosedPipe => Exit::Done,
            Self::Stopped { exit, .. } => *exit,
        }
    }

    /// `{"error": {...}}`, as `--json` prints it on stderr.
    pub fn json(code: &str, notice: &Notice, exit: Exit) -> Value {
        json!({ "error": { "code": code, "message": inert(&notice.text), "hint": notice.hint.as_deref().map(inert), "exit": exit.code() } })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::local("cannot write the output", &error),
        }
    }
}

macro_rules! explained {
    ($($error:ty => $code:literal),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(Exit::Failed, $code, error.notice())
            }
        })+
    };
}

explained!(crate::config::Error => "config", crate::secret::Error => "token", crate::hook::Error => "hook");
