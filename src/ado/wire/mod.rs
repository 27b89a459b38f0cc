//! What Azure DevOps writes, one file an endpoint family, and how each becomes a fact.
//!
//! Every field but an id may be absent, null or of an unknown value; whatever is not needed is not named.

pub mod approval;
pub mod build;
pub mod commit;
pub mod connection;
pub mod environment;
pub mod hook;
pub mod identity;
pub mod loose;
pub mod place;
pub mod policy;
pub mod pull_request;
pub mod refs;
pub mod release;
pub mod thread;
pub mod timeline;
pub mod work_item;
