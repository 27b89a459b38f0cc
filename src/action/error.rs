//! Why an action stopped: refused, or failed at a step, with what is already done.

use crate::ado::ErrorKind;
use crate::notice::{Explain, Notice};
use crate::{ado, secret, store};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stopped an action.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not allowed, or not possible as things are. Nothing was changed by the attempt.
    #[error("{}", .0.text)]
    Refused(Notice),
    /// A step failed after others had been done; the same action run again goes on from there.
    #[error("{}", at_step(.action, .step, .done, .source))]
    Step {
        action: &'static str,
        step: String,
        done: Vec<String>,
        #[source]
        source: Box<Error>,
    },
    #[error(transparent)]
    Ado(#[from] ado::Error),
    #[error(transparent)]
    Address(#[from] ado::AddressError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Secret(#[from] secret::Error),
    /// A command or a file on this machine.
    #[error("{attempted}: {source}")]
    Local {
        attempted: String,
        #[source]
        source: std::io::Error,
    },
}

/// Nothing done: the cause says it all. Else what failed, and what stands already.
fn at_step(action: &str, step: &str, done: &[String], source: &Error) -> String {
    match done {
        [] => source.to_string(),
        done => format!("{action} stopped at {step} (done: {}): {source}", done.join(", ")),
    }
}

impl Error {
    /// A refusal with what to do instead.
    pub fn refused(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused(Notice::new(text).hint(hint))
    }

    /// Whether something was done already and the action can be resumed.
    pub fn is_partly_done(&self) -> bool {
        matches!(self, Self::Step { done, .. } if !done.is_empty())
    }

    /// Whether what was asked of Azure DevOps may have happened all the same: its answer was lost.
    pub(super) fn may_have_happened(&self) -> bool {
        matches!(self.ado_kind(), Some(ErrorKind::OutcomeUnknown | ErrorKind::TimedOut | ErrorKind::Offline))
    }

    /// The kind of Azure DevOps error underneath, if it is one.
    pub fn ado_kind(&self) -> Option<&ado::ErrorKind> {
        match self {
            Self::Ado(error) => Some(error.kind()),
            Self::Step { source, .. } => source.ado_kind(),
            _ => None,
        }
    }
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(notice) => notice.hint.clone(),
            Self::Step { source, done, .. } => {
                let resume = (!done.is_empty()).then(|| "what is done stays done; run it again to finish the rest".to_owned());
                match (source.hint(), resume) {
                    (Some(hint), Some(resume)) => Some(format!("{hint}; {resume}")),
                    (hint, resume) => hint.or(resume),
                }
            }
            Self::Ado(error) => error.hint(),
            Self::Address(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Secret(error) => error.hint(),
            Self::Local { .. } => None,
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Ado(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Step { source, .. } => source.is_transient(),
            Self::Refused(_) | Self::Address(_) | Self::Secret(_) | Self::Local { .. } => false,
        }
    }
}
