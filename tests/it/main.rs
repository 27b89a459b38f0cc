//! Integration tests: the real binary, the simulator over TCP, real git.

mod actions;
mod bad_input;
mod board_journey;
mod case_list;
mod consent_cli;
mod contract;
mod deliveries;
mod events;
mod faults;
mod floors;
mod hook_door;
mod hooks_journey;
mod hooks_kill;
mod hooks_registration;
mod hooks_secrets;
mod interruptions;
mod journey_cli;
mod merges;
mod orders;
mod reviews_cli;
mod secrets;
mod spec_cli;
mod support;
mod team_race;
mod terminal;
mod view_load;
