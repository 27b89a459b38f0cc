//! Integration tests: the real binary, the simulator over TCP, real git.

mod actions;
mod floors;
mod support;
