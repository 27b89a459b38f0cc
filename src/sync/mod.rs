//! Keeping up with Azure DevOps: list calls in, facts through one door.
//!
//! [`ingest`] is the only way a fact about a pull request enters the store; [`poll`] lists what changed, with calls per project, never
//! one a pull request; [`detail`] reads policies, checks and threads of the cards that are looked at; [`deliveries`] applies what
//! webhooks brought; [`collect`] gathers what delivery figures rest on.

pub mod collect;
pub mod deliveries;
pub mod detail;
pub mod ingest;
pub mod poll;
pub mod reconcile;
pub mod wake;

use crate::notice::Explain;
use crate::{ado, store};

/// What a poll failed on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Ado(#[from] ado::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Explain for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Ado(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }

    fn is_transient(&self) -> bool {
        match self {
            Self::Ado(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
        }
    }
}
