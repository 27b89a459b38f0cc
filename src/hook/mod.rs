//! The webhook receiver: authenticates from the headers, keeps the delivery, acknowledges it, wakes whoever applies it.
//!
//! What Azure DevOps makes of an answer decides which ones are given. After 2xx it forgets the delivery, so nothing is answered 2xx
//! before it is on the disk. After 408 and 503 it tries again for about three minutes. After any other failure it gives the event up and
//! puts the subscription on probation, where further events are lost: an authenticated delivery never gets one, whatever is in it. 410
//! ends a subscription for good, and is for projects that were taken off the board.
//!
//! Limits: no body is read before its secret was recognised, none is decompressed, and none is believed here. The receiver speaks http
//! and TLS itself; who may reach it is the network's business.

mod asking;
mod auth;
mod delivery;
mod figures;
mod handle;
mod keys;
mod limits;
mod options;
mod receive;
mod route;
mod seats;
mod server;
mod verdict;

#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use options::{HookOptions, Listen, TlsFiles};
pub use server::{Error, Server, TlsReload};
