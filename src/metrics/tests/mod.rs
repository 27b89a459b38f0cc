//! What the definitions say, row by row. The rules and edge cases of figures stand in `tests/README.md`, each with the tests that show it by
//! name; a test (`case_list`) holds that list. Here by module:
//!
//! | module | what |
//! |---|---|
//! | [`production`] | which environments, stages and pipelines are production |
//! | [`states`] | what each state of a stage or a run counts as |
//! | [`attempts`] | what becomes of a stage or a run that is tried again |
//! | [`changes`] | which deployment brought a change, and where its time begins |
//! | [`flows`] | from what happened to a pull request to its times |
//! | [`cycles`] | cycle time and its phases |
//! | [`overlays`] | what went on in a phase: CI, approvals |
//! | [`failing`] | which deployments failed, and when that was mended |
//! | [`honesty`] | small samples, intervals, bands, trends, what is missing |
//! | [`weeks`] | weeks that were not measured, or in part |
//! | [`sizes`] | how large a pull request is |
//! | [`one`] | one pull request, one commit, one median |
//! | [`on_the_way`] | what a commit waits for on its way to production |
//! | [`properties`] | what holds of any facts in any order |
//! | [`by_hand`] | a month of two services, every answer worked out |

mod attempts;
mod by_hand;
mod changes;
mod cycles;
mod failing;
mod flows;
mod honesty;
mod on_the_way;
mod one;
mod overlays;
mod production;
mod properties;
mod sizes;
mod states;
mod weeks;
mod world;
