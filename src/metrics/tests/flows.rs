//! From a history to its times.

use jiff::Timestamp;

use super::world::{WEB, commit, t};
use crate::domain::id::Guid;
use crate::domain::pull_request::{PullRequestStatus, Vote};
use crate::metrics::approvals::{AuthorsVote, Wanted};
use crate::metrics::flow::{of, rules_name};
use crate::metrics::input::{Actor, ChangeCommit, Flow, Happening, History, Nature, Required, Segment, What};
use crate::metrics::query::Rules;

fn actor(id: &str) -> Actor {
    Actor { id: Guid::new(id), name: id.to_owned(), unique_name: format!("{id}@harbour.example"), is_group: false }
}

fn at(hour: u32) -> Timestamp {
    t("2026-03-02 00:00") + jiff::SignedDuration::from_hours(i64::from(hour))
}

/// Created at hour 9, completed at hour 20, with what happened between.
fn history(happenings: &[(u32, &str, What)]) -> History {
    History {
        repository: WEB,
        number: 7,
        title: "Add a pier".to_owned(),
        status: PullRequestStatus::Completed,
        is_draft: false,
        author: actor("ann"),
        source_branch: "refs/heads/pier".to_owned(),
        target_branch: "refs/heads/main".to_owned(),
        created_at: at(9),
        closed_at: Some(at(20)),
        merge_commit: Some(commit(7)),
        source_commit: None,
        labels: Vec::new(),
        reviewers: Vec::new(),
        happenings: Some(
            happenings.iter().map(|(hour, by, what)| Happening { at: at(*hour), by: Some(Guid::new(by)), what: *what }).collect(),
        ),
        actors: vec![actor("ann"), actor("bob"), actor("cy")],
        commits: Some(vec![
            ChangeCommit { sha: commit(1), authored_at: Some(at(8)) },
            ChangeCommit { sha: commit(2), authored_at: Some(at(6)) },
        ]),
        items: vec![12],
        iterations: None,
        files: Some(3),
        wanted: Vec::new(),
        validations: Vec::new(),
    }
}

fn wants(approvals: u32, author: AuthorsVote) -> Wanted {
    Wanted { approvals, author }
}

fn flow(history: &History) -> Flow {
    of(history, &Rules::default())
}

const COMMENT: What = What::Comment { open: false };
const OPEN: What = What::Comment { open: true };
const APPROVE: What = What::Vote { vote: Vote::Approved };
const SUGGEST: What = What::Vote { vote: Vote::ApprovedWithSuggestions };
const WAIT: What = What::Vote { vote: Vote::WaitingForAuthor };
const RESET: What = What::Vote { vote: Vote::None };

#[test]
fn the_usual_way_has_all_its_times() {
    let flow = flow(&history(&[(10, "bob", COMMENT), (11, "ann", What::Pushed), (12, "bob", APPROVE)]));
    assert_eq!((flow.first_commit_at, flow.created_at, flow.ready_at), (Some(at(6)), at(9), Some(at(9))));
    assert_eq!((flow.first_review_at, flow.approved_at, flow.closed_at), (Some(at(10)), Some(at(12)), Some(at(20))));
    assert_eq!((flow.target_branch.as_str(), flow.iterations, flow.commits, flow.files), ("main", 2, Some(2), Some(3)));
    assert!(flow.has_threads && flow.has_detail && !flow.undated_vote);
}

#[test]
fn happenings_in_any_order_give_the_same() {
    let mut shuffled = history(&[(12, "bob", APPROVE), (10, "cy", COMMENT), (11, "ann", What::Pushed)]);
    let one = flow(&shuffled);
    shuffled.happenings.as_mut().unwrap().reverse();
    assert_eq!(flow(&shuffled), one);
}

#[test]
fn the_authors_own_words_and_votes_are_no_review() {
    let flow = flow(&history(&[(10, "ann", COMMENT), (11, "ann", APPROVE)]));
    assert_eq!((flow.first_review_at, flow.approved_at), (None, None));
}

#[test]
fn bots_services_and_groups_are_no_reviewers() {
    let mut history = history(&[(10, "renovate[bot]", COMMENT), (11, "svc", APPROVE), (12, "grp", APPROVE)]);
    history.actors.push(actor("renovate[bot]"));
    history.actors.push(Actor { unique_name: "Build\\5f3c".to_owned(), ..actor("svc") });
    history.actors.push(Actor { is_group: true, ..actor("grp") });
    let flow = flow(&history);
    assert_eq!((flow.first_review_at, flow.approved_at, flow.segment), (None, None, Segment::Human));
    history.author = Actor { name: "Shop Build Service (contoso)".to_owned(), ..actor("b") };
    assert_eq!(of(&history, &Rules::default()).segment, Segment::Bot);
    let rules = Rules { bots: Vec::new(), ..Rules::default() };
    assert_eq!(of(&history, &rules).segment, Segment::Human);
}

#[test]
fn waiting_as_a_draft_is_never_pickup() {
    // Created as a draft, looked at, published at 12, reviewed at 14.
    let drafted = flow(&history(&[(10, "bob", COMMENT), (12, "ann", What::Published), (14, "bob", COMMENT)]));
    assert_eq!((drafted.ready_at, drafted.first_review_at), (Some(at(12)), Some(at(14))));
    // Made a draft again before anybody looked: the last publication counts.
    let again = flow(&history(&[
        (10, "ann", What::MadeDraft),
        (12, "ann", What::Published),
        (13, "ann", What::MadeDraft),
        (15, "ann", What::Published),
        (16, "bob", APPROVE),
    ]));
    assert_eq!((again.ready_at, again.first_review_at), (Some(at(15)), Some(at(16))));
    // After the first review a draft is part of the review.
    let later = flow(&history(&[(10, "bob", COMMENT), (11, "ann", What::MadeDraft), (13, "ann", What::Published), (14, "bob", APPROVE)]));
    assert_eq!((later.ready_at, later.first_review_at, later.approved_at), (Some(at(9)), Some(at(10)), Some(at(14))));
}

#[test]
fn a_draft_is_not_ready() {
    let mut history = history(&[]);
    (history.is_draft, history.status, history.closed_at) = (true, PullRequestStatus::Active, None);
    assert_eq!(flow(&history).ready_at, None);
    history.happenings = None;
    assert_eq!(flow(&history).ready_at, None);
}

#[test]
fn a_reopened_pull_request_is_ready_from_its_reopening() {
    let flow = flow(&history(&[(10, "ann", What::Abandoned), (13, "ann", What::Reactivated), (14, "bob", COMMENT)]));
    assert_eq!((flow.ready_at, flow.first_review_at), (Some(at(13)), Some(at(14))));
}

#[test]
fn an_abandoned_week_is_in_no_phase_of_what_was_reopened() {
    // Reviewed, abandoned, reopened, looked at again.
    let abandoned = [(10, "bob", COMMENT), (11, "ann", What::Abandoned), (16, "ann", What::Reactivated)];
    let again = flow(&history(&[&abandoned[..], &[(17, "cy", COMMENT), (19, "bob", APPROVE)]].concat()));
    assert_eq!((again.ready_at, again.first_review_at, again.approved_at), (Some(at(16)), Some(at(17)), Some(at(19))));
    // The last reopening counts.
    let twice = flow(&history(&[&abandoned[..], &[(17, "ann", What::Abandoned), (18, "ann", What::Reactivated)]].concat()));
    assert_eq!((twice.ready_at, twice.first_review_at), (Some(at(18)), Some(at(18))), "reviewed before, so not without a review");
}

#[test]
fn an_approval_from_before_a_reopening_counts_from_then() {
    let approved = [(10, "bob", APPROVE), (11, "ann", What::Abandoned), (16, "ann", What::Reactivated)];
    let stands = flow(&history(&approved));
    assert_eq!((stands.ready_at, stands.first_review_at, stands.approved_at), (Some(at(16)), Some(at(16)), Some(at(16))));
    let reset = flow(&history(&[&approved[..], &[(16, "ann", What::VotesReset), (18, "bob", APPROVE)]].concat()));
    assert_eq!((reset.first_review_at, reset.approved_at), (Some(at(18)), Some(at(18))));
}

#[test]
fn what_is_reopened_as_a_draft_is_ready_when_it_is_published() {
    let made = [(10, "bob", COMMENT), (11, "ann", What::MadeDraft), (12, "ann", What::Abandoned), (14, "ann", What::Reactivated)];
    let published = flow(&history(&[&made[..], &[(16, "ann", What::Published), (17, "bob", APPROVE)]].concat()));
    assert_eq!((published.ready_at, published.first_review_at, published.approved_at), (Some(at(16)), Some(at(17)), Some(at(17))));
}

#[test]
fn what_happens_after_the_completion_is_no_review() {
    let flow = flow(&history(&[(21, "bob", COMMENT), (22, "cy", APPROVE)]));
    assert_eq!((flow.first_review_at, flow.approved_at), (None, None));
}

#[test]
fn a_withdrawn_approval_does_not_count_and_a_new_one_counts_from_then() {
    let flow = flow(&history(&[(10, "bob", APPROVE), (11, "bob", RESET), (12, "bob", SUGGEST), (13, "bob", APPROVE)]));
    assert_eq!(flow.approved_at, Some(at(12)));
}

#[test]
fn the_approval_that_completes_what_the_policy_wants_counts() {
    let mut history = history(&[(10, "bob", APPROVE), (13, "cy", SUGGEST), (15, "dan", APPROVE)]);
    assert_eq!(flow(&history).approved_at, Some(at(10)), "without a policy the first");
    for (wanted, hour) in [(1, 10), (2, 13), (3, 15)] {
        history.wanted = vec![wants(wanted, AuthorsVote::DoesNot)];
        assert_eq!(flow(&history).approved_at, Some(at(hour)), "{wanted} wanted");
    }
    history.wanted = vec![wants(3, AuthorsVote::DoesNot), wants(2, AuthorsVote::DoesNot)];
    assert_eq!(flow(&history).approved_at, Some(at(15)), "all policies that cover the branch");
}

#[test]
fn the_second_approval_in_force_counts_and_not_the_second_that_was_given() {
    let mut history = history(&[(10, "bob", APPROVE), (11, "cy", APPROVE), (12, "bob", WAIT), (15, "bob", APPROVE)]);
    history.wanted = vec![wants(2, AuthorsVote::DoesNot)];
    assert_eq!(flow(&history).approved_at, Some(at(15)));
    history.happenings.as_mut().unwrap().pop();
    assert_eq!(flow(&history).approved_at, Some(at(11)), "merged with one: past the policy, or before it wanted two");
}

#[test]
fn what_is_active_is_not_approved_with_too_few() {
    let mut history = history(&[(10, "bob", APPROVE)]);
    (history.status, history.closed_at) = (PullRequestStatus::Active, None);
    history.wanted = vec![wants(2, AuthorsVote::DoesNot)];
    assert_eq!(flow(&history).approved_at, None);
    history.wanted.clear();
    assert_eq!(flow(&history).approved_at, Some(at(10)));
}

#[test]
fn the_authors_approval_is_one_of_several_where_the_policy_counts_it_and_never_the_only_one() {
    let mut history = history(&[(10, "ann", APPROVE), (12, "bob", APPROVE), (14, "cy", APPROVE)]);
    history.wanted = vec![wants(2, AuthorsVote::Counts)];
    assert_eq!(flow(&history).approved_at, Some(at(12)));
    history.wanted = vec![wants(2, AuthorsVote::DoesNot)];
    assert_eq!(flow(&history).approved_at, Some(at(14)));
    history.happenings.as_mut().unwrap().truncate(1);
    history.wanted = vec![wants(1, AuthorsVote::Counts)];
    assert_eq!(flow(&history).approved_at, None);
}

#[test]
fn a_machines_approval_is_one_of_several_and_never_the_only_one() {
    let mut history = history(&[(10, "svc", APPROVE), (12, "grp", APPROVE), (13, "bob", APPROVE), (15, "cy", APPROVE)]);
    history.actors.push(Actor { unique_name: "Build\\5f3c".to_owned(), ..actor("svc") });
    history.actors.push(Actor { is_group: true, ..actor("grp") });
    for (wanted, hour) in [(1, 13), (2, 13), (3, 15)] {
        history.wanted = vec![wants(wanted, AuthorsVote::DoesNot)];
        assert_eq!(flow(&history).approved_at, Some(at(hour)), "{wanted} wanted");
    }
}

#[test]
fn a_reset_takes_approvals_back() {
    let reset = flow(&history(&[(10, "bob", APPROVE), (11, "ann", What::Pushed), (11, "ann", What::VotesReset), (15, "bob", APPROVE)]));
    assert_eq!((reset.first_review_at, reset.approved_at), (Some(at(10)), Some(at(15))));
    let mut alone = history(&[(10, "bob", APPROVE), (12, "ann", What::VotesReset)]);
    alone.reviewers = vec![(actor("bob"), Vote::None, Required::Optional)];
    let alone = flow(&alone);
    assert_eq!((alone.approved_at, alone.undated_vote), (None, false));
    let late = flow(&history(&[(10, "bob", APPROVE), (21, "ann", What::VotesReset)]));
    assert_eq!(late.approved_at, Some(at(10)), "after the completion");
}

#[test]
fn being_made_a_draft_takes_approvals_back() {
    let flow = flow(&history(&[(10, "bob", APPROVE), (11, "ann", What::MadeDraft), (13, "ann", What::Published), (15, "bob", APPROVE)]));
    assert_eq!(flow.approved_at, Some(at(15)));
}

#[test]
fn required_people_complete_the_requirement() {
    let mut history = history(&[(10, "cy", APPROVE), (13, "bob", APPROVE)]);
    history.reviewers = vec![(actor("bob"), Vote::Approved, Required::Required), (actor("cy"), Vote::Approved, Required::Optional)];
    assert_eq!(flow(&history).approved_at, Some(at(13)));
    history.reviewers[0].2 = Required::Optional;
    assert_eq!(flow(&history).approved_at, Some(at(10)));
}

#[test]
fn a_vote_that_the_list_does_not_confirm_is_not_in_force() {
    let mut history = history(&[(10, "bob", APPROVE), (12, "cy", APPROVE)]);
    history.reviewers = vec![(actor("bob"), Vote::None, Required::Optional), (actor("cy"), Vote::Approved, Required::Optional)];
    assert_eq!(flow(&history).approved_at, Some(at(12)));
}

#[test]
fn a_vote_without_a_date_is_told() {
    let mut history = history(&[(10, "bob", WAIT)]);
    history.reviewers = vec![(actor("bob"), Vote::Approved, Required::Optional)];
    assert!(flow(&history).undated_vote);
    // The author's, a machine's and nobody's vote need no date, and without threads nothing is expected.
    history.reviewers = vec![(actor("ann"), Vote::Approved, Required::Optional), (actor("cy"), Vote::None, Required::Optional)];
    assert!(!flow(&history).undated_vote);
    history.reviewers = vec![(actor("bob"), Vote::Approved, Required::Optional)];
    history.happenings = None;
    assert!(!flow(&history).undated_vote);
}

#[test]
fn rework_is_a_push_after_somebody_asked_for_it() {
    let flow = flow(&history(&[
        (10, "ann", What::Pushed),
        (11, "bob", WAIT),
        (12, "ann", What::Pushed),
        (13, "ann", What::Pushed),
        (14, "cy", OPEN),
        (15, "cy", COMMENT),
        (16, "ann", What::Pushed),
        (17, "ann", OPEN),
        (18, "ann", What::Pushed),
    ]));
    assert_eq!((flow.rework_rounds, flow.iterations), (2, 6));
}

#[test]
fn reverts_and_hotfixes_are_known_by_title_branch_and_label() {
    let mut history = history(&[]);
    assert_eq!(flow(&history).nature, Nature::Ordinary);
    history.labels = vec!["Hotfix".to_owned()];
    assert_eq!(flow(&history).nature, Nature::Hotfix);
    history.labels.clear();
    history.source_branch = "refs/heads/hotfix/pier".to_owned();
    assert_eq!(flow(&history).nature, Nature::Hotfix);
    history.title = "Revert \"Add a pier\"".to_owned();
    assert_eq!(flow(&history).nature, Nature::Revert);
    history.title = "Revert \"Revert \"Add a pier\"\"".to_owned();
    let relanded = flow(&history);
    assert_eq!((relanded.nature, relanded.reverts), (Nature::Hotfix, None), "it puts the pier back: what its branch says");
    history.title = "Revert the pier".to_owned();
    assert_eq!(flow(&history).nature, Nature::Hotfix);
}

#[test]
fn an_active_pull_request_with_a_test_merge_is_not_merged() {
    let mut history = history(&[]);
    history.status = PullRequestStatus::Active;
    let flow = flow(&history);
    assert_eq!((flow.closed_at, flow.merge_commit), (None, None));
}

#[test]
fn the_rules_that_lines_depend_on_have_a_name_of_their_own() {
    let rules = Rules::default();
    let name = rules_name(&rules);
    assert_eq!(rules_name(&Rules { holidays: vec![jiff::civil::date(2026, 12, 25)], ..rules.clone() }), name);
    assert_ne!(rules_name(&Rules { bots: vec!["x".to_owned()], ..rules.clone() }), name);
    assert_ne!(rules_name(&Rules { hotfix_labels: Vec::new(), ..rules }), name);
}
