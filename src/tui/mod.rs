//! The screen. Pure: an event changes the model and asks for effects, the screen is a function of the model. Impure: a few files that
//! read keys, write bytes and perform effects.
//!
//! - a key: `input` -> [`event::Event`] -> [`update::update`] -> [`effect::Effect`] -> `runtime` -> an event again
//! - [`actions`] is the one catalogue that keys, hints, help, palette and configuration are made from
//! - [`screen::draw`] paints a [`model::Model`] into a buffer; `terminal` writes what differs from the last frame

pub mod actions;
pub mod answer;
pub mod clipboard;
pub mod effect;
pub mod encode;
pub mod event;
pub mod fixture;
pub mod input;
pub mod input_parser;
pub mod intent;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod model;
pub mod notification;
pub mod readable;
pub mod refusal;
pub mod run;
pub mod runtime;
pub mod screen;
pub mod session;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod widget;

#[cfg(test)]
mod tests;
