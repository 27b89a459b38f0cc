//! kanado: a keyboard-driven dev board for Azure DevOps in the terminal.
//!
//! # The architecture
//!
//! Facts from Azure DevOps enter the store through one door; the board is a read-model of the store; the screen is a function of the
//! model; a key becomes an intent, an intent becomes effects, and only the runtime performs effects; every effect reports back as an
//! event. The simulator stands on the other side of the wire and shares no type with the rest. Pure code sits at the bottom and takes
//! `now` as an argument. Progress and errors are values with words for people.
//!
//! # Floors
//!
//! Imports point down only. A test (`tests/it/floors.rs`) reads the `use` lines and holds this table.
//!
//! | floor | module | job | may import |
//! |---|---|---|---|
//! | 0 | [`clock`], [`notice`], [`memory`] | the time as a value; errors as words with a hint; text from outside made inert; memory that is not used given back | nothing of ours |
//! | 1 | [`domain`] | the words of the trade and their rules, pure | nothing |
//! | 1 | [`metrics`] | delivery figures: (facts, query, now) -> figures, pure | `domain` |
//! | 1 | [`config`] | file, environment and flags become one configuration; edits keep comments | `domain`, `notice` |
//! | 2 | [`ado`] | the only module that speaks HTTP to Azure DevOps; endpoints return domain facts; `wire` holds the serde shapes | 0-1 |
//! | 2 | [`store`] | the only module that speaks SQL; announces a `Change` after each commit; read-models | 0-1 |
//! | 2 | [`secret`] | tokens: where they come from, where they are kept | `notice` |
//! | 3 | [`sync`] | keeping up: poll, detail, deliveries, collect, and ingest, the one door for facts | 0-2 |
//! | 4 | [`action`] | what a person asks for, as resumable steps | 0-3 |
//! | 5 | [`services`], [`tasks`] | built once from the configuration; actions as async tasks with progress | 0-4 |
//! | 5 | [`engine`] | keeping a team's board live: applies deliveries, reconciles, collects, comments, holds the leases | 0-5 |
//! | 6 | [`hook`] | the webhook receiver: authenticate, keep, acknowledge, wake | `services`, `store`, `sync`, `config`, of `ado` the pure reading of events, 0-1 |
//! | 6 | [`tui`] | the screen. Its pure part imports `domain`, `metrics`, `config`, `notice` and `clock` only; `runtime`, `run`, `terminal` and `input` touch the outside | 0-5 |
//! | 7 | [`cli`] | one file a subcommand, stdout and stderr handed in | anything; only `demo` and `sim` import `sim` |
//! | -- | [`sim`] | an Azure DevOps that acts for real, on the other side of the wire | nothing of ours |
//!
//! The simulator is an island because types shared with the client would make a wrong field name wrong on both sides.
//!
//! # Invariants
//!
//! 1. `tui::update` performs no IO, reads no clock, spawns nothing: it returns effects. A view takes the model and paints.
//! 2. Every byte sent to Azure DevOps leaves through [`ado::Client`]; every fact about a pull request enters through [`sync::ingest`].
//! 3. A status changes only through [`domain::status::transition`], inside the transaction that stores its cause.
//! 4. A ticket is never shown as started before Azure DevOps has acknowledged the push.
//! 5. Every step of an action is safe to repeat: check, do, record. A crash anywhere leaves something that the next run finishes.
//! 6. A figure that can't be computed says why. It is never zero by accident.
//! 7. Whatever changes the outside world is a task with a subject, visible in the status bar, and can be cancelled.
//! 8. No secret reaches a log, a panic, a snapshot, an error or the database. No text from outside reaches the terminal unsanitised.
//! 9. A change announced is a change committed.
//! 10. Every delivery is on the disk before it is acknowledged or believed; the same delivery twice is the same as once.
//! 11. Nothing the user typed is ever lost: not by Esc, a failed push, a crash or a lost connection.
//!
//! # Five walks
//!
//! - **Start work**: the key `s` asks for a plan; `y` starts a task that runs [`action::start_work`]: ensure the branch, push
//!   `.tickets/KEY.md`, mark the ticket. Each step is checked first and journalled after. The store commits and announces the change,
//!   and the board reads its cards again.
//! - **View load**: [`sync::poll`] lists the project's active pull requests, at most once in 15 seconds; [`sync::ingest`] applies them in
//!   one transaction with the tickets that follow them; one that is missing from the list is looked for among the closed ones, and
//!   absence alone never means merged.
//! - **Webhook**: [`hook`] recognises the secret from the headers, keeps the raw delivery once, acknowledges it and wakes the [`engine`].
//!   [`sync::deliveries`] takes it for a tap on the shoulder: the pull request is asked for again and enters through the same door. Every
//!   so often, and after an outage, [`sync::reconcile`] compares everything, because hooks can fail.
//! - **Figures**: [`sync::collect`] reads what delivery rests on, page by page, each in one transaction with its cursor, lists before
//!   what costs a call each; [`metrics`] computes figures of those rows off the loop, and says of each what it lacks.
//! - **A crash in between**: the journal holds what was intended. The next run of the same action takes it over, finds by looking what
//!   is done, and goes on.

pub mod action;
pub mod ado;
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod hook;
pub mod memory;
pub mod metrics;
pub mod notice;
pub mod secret;
pub mod services;
pub mod sim;
pub mod store;
pub mod sync;
pub mod tasks;
pub mod tui;
