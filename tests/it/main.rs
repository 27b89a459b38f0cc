//! Integration tests: the real binary, the simulator over TCP, real git.

mod actions;
mod bad_input;
mod board_journey;
mod consent_cli;
mod contract;
mod deliveries;
mod events;
mod faults;
mod floors;
mod hook_door;
mod hooks_registration;
mod interruptions;
mod journey_cli;
mod merges;
mod orders;
mod posted;
mod reviews_cli;
mod secrets;
mod spec_cli;
mod support;
mod team_race;
mod terminal;
mod view_load;
