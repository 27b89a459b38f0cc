//! What a person asks for, as resumable steps.
//!
//! Every action has the same shape: `plan` looks and changes nothing, `run` carries out. Each step is checked, done, then journalled; a
//! process killed anywhere leaves something that the next `run` finishes, without a second branch, commit or pull request. Dropping the
//! future of a `run` is how an action is cancelled: it stops at the next await and can be resumed the same way.
//!
//! Actions know neither screen nor command line: they report [`Progress`](crate::domain::progress::Progress) through a [`Reporter`] and
//! answer with values or with an [`Error`] in words.

pub mod checkout;
pub mod connect;
mod context;
pub mod deselect;
pub mod edit_spec;
mod error;
pub mod explain_pull_request;
pub mod figures;
pub mod holder;
pub mod hooks;
pub mod import;
mod journal;
pub mod lease;
pub mod link_repositories;
pub mod members;
mod on_the_way;
pub mod open_pull_request;
pub mod quality_comment;
pub mod rate_limit;
mod reporter;
pub mod rotate_token;
pub mod start_work;
pub mod sync_pull_requests;
pub mod tickets;

pub use context::{Account, Acting, Clients, Context, Whereabouts, credential, network_settings};
pub use error::{Error, Result};
pub use reporter::Reporter;
