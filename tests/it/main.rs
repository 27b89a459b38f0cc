//! Integration tests: the real binary, the simulator over TCP, real git.

mod actions;
mod consent_cli;
mod floors;
mod journey_cli;
mod merges;
mod reviews_cli;
mod spec_cli;
mod support;
mod terminal;
mod view_load;
