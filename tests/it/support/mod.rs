//! What the integration tests share: the binary by subcommands, the simulator in another process, the binary in a pseudo-terminal.

#![allow(dead_code)] // each test uses its part

pub mod catcher;
pub mod crowd;
pub mod digest;
pub mod inside;
pub mod payload;
pub mod pty;
pub mod world;
