//! kanado: a keyboard-driven dev board for Azure DevOps in the terminal.
pub mod action;
pub mod ado;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod notice;
pub mod secret;
pub mod services;
pub mod sim;
pub mod store;
pub mod sync;
pub mod tasks;
pub mod tui;
