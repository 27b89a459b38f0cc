//! What the definitions say, row by row. Where to find the test of a rule:
//!
//! | rule | test |
//! |---|---|
//! | names of production | `production::names_are_judged_by_their_tokens` |
//! | first hit wins: decided, configured, environment, stage, pipeline, none | `production::*` |
//! | stage succeeded, with issues, run partially succeeded | `states::a_stage_that_succeeded_deploys_whatever_its_run_says` |
//! | stage failed, final attempt | `states::a_failed_stage_is_a_failed_attempt_and_no_deployment` |
//! | skipped, abandoned, never started, rejected | `states::what_never_ran_is_no_deployment` |
//! | cancelled after its start | `states::a_stage_cancelled_after_its_start_is_in_no_rate` |
//! | run failed later | `states::a_run_that_fails_after_production_is_a_success_with_a_note` |
//! | retried stage | `states::a_retried_stage_is_one_deployment_at_its_final_attempt` |
//! | several production stages | `states::regions_are_one_deployment_at_the_last` |
//! | same commit again | `states::the_same_commit_again_counts_and_brings_nothing` |
//! | several repositories | `changes::a_change_belongs_to_the_repository_of_the_run` |
//! | result none, start null | `states::a_run_without_times_is_kept_and_has_no_duration` |
//! | seed, exact match | `changes::the_first_deployment_brings_only_its_own_commit` |
//! | direct push | `changes::a_direct_push_is_a_change_of_its_own` |
//! | stale start, rebase, cherry-pick | `changes::a_stale_first_commit_starts_at_creation` |
//! | squash | `changes::a_squash_starts_at_the_commits_of_the_pull_request` |
//! | merge commit that is no tip | `changes::a_merge_that_is_no_tip_stands_at_the_push_of_its_minute` |
//! | long-lived release branches | `changes::a_release_branch_brings_what_the_service_lists` |
//! | windows by completion and deployment | `changes::windows_go_by_deployment_and_completion_not_by_creation` |
//! | failures, recovery, rework | `failing::*` |
//! | the approval that completed the requirement | `flows::the_approval_that_completes_what_the_policy_wants_counts`, `flows::the_second_approval_in_force_counts_and_not_the_second_that_was_given` |
//! | approvals of the author and of machines | `flows::the_authors_approval_is_one_of_several_where_the_policy_counts_it_and_never_the_only_one`, `flows::a_machines_approval_is_one_of_several_and_never_the_only_one` |
//! | votes taken back by a policy, by a draft | `flows::a_reset_takes_approvals_back`, `flows::being_made_a_draft_takes_approvals_back` |
//! | reopened: phases use the last ready | `flows::a_reopened_pull_request_is_ready_from_its_reopening`, `flows::an_abandoned_week_is_in_no_phase_of_what_was_reopened`, `flows::an_approval_from_before_a_reopening_counts_from_then` |
//! | drafts, votes, bots, rework rounds, clocks | `flows::*` |
//! | system comments, deleted threads and comments | `what_happened_is_read_from_threads_with_who_did_it_and_when` (`ado`) |
//! | reverted, abandoned, active with a test merge, no review, undated votes, weekends | `cycles::*` |
//! | small samples, intervals, bands, trends, nothing measured, backfilling, scopes | `honesty::*` |
//! | weeks not measured, or in part | `weeks::*` |
//! | order of rows, rows left out, contiguous phases, window before | `properties::*` |

mod by_hand;
mod changes;
mod cycles;
mod failing;
mod flows;
mod honesty;
mod one;
mod production;
mod properties;
mod sizes;
mod states;
mod weeks;
mod world;
