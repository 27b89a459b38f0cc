//! What the integration tests share: the binary by subcommands, the simulator in another process, the binary in a
//! pseudo-terminal, a receiver under load.

#![allow(dead_code)] // each test uses its part

pub mod catcher;
pub mod crowd;
pub mod desk;
pub mod digest;
pub mod inside;
pub mod kept;
pub mod kill;
pub mod killed;
pub mod load;
pub mod measured;
pub mod open_metrics;
pub mod patience;
pub mod payload;
pub mod postgres;
pub mod pty;
pub mod receiver;
pub mod team;
pub mod template;
pub mod trouble;
pub mod world;
