//! From the history of a pull request to its times: who reviewed first, which approval counted, when it was ready.
//!
//! The rules, exactly. *Events* are happenings in order of time, not after `closed_at` where it is closed.
//!
//! - **Human**: not a group, not a service identity (account `Build\...`), no name or account on the list of bots. An event by nobody
//!   known counts for nobody; one by an id that no list names counts as human.
//! - **Draft**: it began as a draft if its first draft event is a publication, or if it has none and is a draft now.
//! - **Ready**: creation if it did not begin as a draft; every publication or reactivation (while no draft) before the first review sets it
//!   anew, being made a draft before the first review unsets it. After the first review it stays.
//! - **First review**: the first comment or vote (a withdrawn one is none) of a human who is not the author, while it is no draft.
//! - **Reopened**: everything begins anew. Ready is the reopening (of a draft: its next publication), and the first review is the first
//!   after it. Where everybody had spoken before, the first review is at ready; an approval from before counts from then.
//! - **Approval in force**: the last dated vote of somebody who is no group is +5 or +10, and the list of reviewers (if it has any) agrees
//!   that this person approves. Its time is when the person's votes last turned into approval. A reset of votes, and being made a draft,
//!   takes approvals back.
//! - **Approved**: with the approval in force with which every branch policy that covers the target has as many as it wants (one where
//!   there is none), but not before the last of the required people (not groups) who approved, nor before the first of a human reviewer.
//!   Approvals of machines count towards the number, as they do for the service, and the author's where the policy lets it; without one
//!   of a human reviewer it is not approved. Completed with fewer than wanted: with the last one.
//! - **Undated vote**: a human reviewer's vote in the list is not what the last dated vote of that person says.
//! - **Rework round**: a push after a vote of -5 or -10 or an unresolved comment of a human who is not the author, since the push before.
//! - **Validated**: while a run that checks its merge was queued or running, whichever of them, from the first review (or the approval, if
//!   that is earlier) to the close. A run that goes on has no end; one whose times contradict each other, or that ended nobody knows
//!   when, tells nothing. Where no run tells anything it is absent, for nobody knows that there was no other check.
//! - **Nature**: `Revert "` at the beginning of the title, unless what it reverts is a revert itself, which puts a change back in; else
//!   a branch or label of hotfixes; else ordinary.
//! - **What is reverted**: what stands in the quotes, up to the last one: the number where it is `Merged PR 12: ...`, as Azure DevOps
//!   calls what it merged, else the title, in any case of letters.
//!
//! Limits: policies are those of today; what a policy wanted when a pull request was merged is not known. Resets that the service does not
//! write down are heard only where the list of reviewers contradicts the vote. A run that was tried again is taken to have run from its
//! first queueing to its last end: the service tells no other. Of more than [`MOST_STRETCHES`] stretches of validation the newest are kept.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::approvals::{AuthorsVote, Wanted};
use super::input::{Actor, Flow, Happening, History, Nature, Required, Reverted, Segment, Validation, What};
use super::pattern::{fits, fits_any};
use super::query::Rules;
use super::stretch::{Stretch, joined, within};
use crate::domain::branch::find_key;
use crate::domain::id::Guid;
use crate::domain::pull_request::{PullRequestStatus, Vote};

/// Changes whenever the rules of this module do: lines made by another version are made again.
const VERSION: u32 = 4;

/// How many stretches of validation a flow has at most.
pub const MOST_STRETCHES: usize = 24;

const REVERT: &str = "Revert \"";
const MERGED: &str = "Merged PR ";

/// Names the rules that a line depends on. The store keeps it beside the line and makes the line again when it differs.
pub fn rules_name(rules: &Rules) -> String {
    let list = |names: &[String]| {
        let mut names: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        names.sort_unstable();
        names.dedup();
        names.join("\u{1f}")
    };
    format!("{VERSION}\u{1e}{}\u{1e}{}\u{1e}{}", list(&rules.bots), list(&rules.hotfix_branches), list(&rules.hotfix_labels))
}

/// Whether somebody is a machine or a group.
pub fn is_machine(actor: &Actor, rules: &Rules) -> bool {
    let is_service = actor.unique_name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("build\\"));
    actor.is_group || is_service || fits_any(&rules.bots, &actor.name) || fits_any(&rules.bots, &actor.unique_name)
}

/// Whether the author of a commit is a machine, by the name and the address that git has.
pub fn is_machine_author(name: &str, email: &str, rules: &Rules) -> bool {
    fits_any(&rules.bots, name) || fits_any(&rules.bots, email)
}

/// What a pull request is besides a change.
pub fn nature(title: &str, source_branch: &str, labels: &[String], rules: &Rules) -> Nature {
    let branch = source_branch.strip_prefix("refs/heads/").unwrap_or(source_branch);
    if is_revert(title) {
        Nature::Revert
    } else if fits_any(&rules.hotfix_branches, branch)
        || labels.iter().any(|label| rules.hotfix_labels.iter().any(|hotfix| fits(hotfix, label)))
    {
        Nature::Hotfix
    } else {
        Nature::Ordinary
    }
}

/// What the title of a revert quotes.
fn quoted(title: &str) -> Option<&str> {
    let (start, rest) = title.trim().split_at_checked(REVERT.len())?;
    start.eq_ignore_ascii_case(REVERT).then(|| rest.rsplit_once('"').map_or(rest, |(quoted, _)| quoted))
}

/// Whether it takes something out: a revert of a revert puts it back in.
fn is_revert(title: &str) -> bool {
    quoted(title).is_some_and(|quoted| !is_revert(quoted))
}

/// What a title says that it reverts.
pub fn reverted(title: &str) -> Option<Reverted> {
    let quoted = quoted(title).filter(|_| is_revert(title))?.trim();
    let merged = quoted.split_at_checked(MERGED.len()).filter(|(start, _)| start.eq_ignore_ascii_case(MERGED));
    let number = merged.and_then(|(_, rest)| rest.split_once(':')?.0.parse().ok()).filter(|number| *number > 0);
    Some(number.map_or_else(|| Reverted::Title(title_mark(quoted)), Reverted::Number))
}

/// A short mark that titles share which differ in nothing but the case of letters and blanks at the ends (FNV-1a, 32 bits).
pub fn title_mark(title: &str) -> u32 {
    title.trim().to_lowercase().bytes().fold(0x811c_9dc5, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Boils a history down to its times.
pub fn of(history: &History, rules: &Rules) -> Flow {
    let everybody = history.actors.iter().chain(history.reviewers.iter().map(|(actor, _, _)| actor));
    let voters: BTreeMap<&Guid, Voter> = everybody.map(|actor| (&actor.id, voter(actor, rules))).collect();
    let voter = |who: &Guid| match voters.get(who) {
        _ if *who == history.author.id => Voter::Author,
        Some(voter) => *voter,
        None => Voter::Reviewer,
    };
    let is_reviewer = |who: &Guid| voter(who) == Voter::Reviewer;

    let mut events: Vec<&Happening> = history.happenings.iter().flatten().collect();
    events.sort_by_key(|event| event.at);
    let closed_at = if history.status == PullRequestStatus::Active { None } else { history.closed_at };
    let seen = events.iter().copied().filter(|event| closed_at.is_none_or(|end| event.at <= end));
    let course = course(history, seen, &is_reviewer);
    let votes = Votes::of(history, &events, closed_at, &voter);
    // Given before it was reopened, it stands from then on.
    let approved_at = votes.approved_at.map(|at| if course.was_reopened { at.max(course.ready_at.unwrap_or(at)) } else { at });

    let reviewed_at = course.first_review_at.into_iter().chain(approved_at).min();

    Flow {
        repository: history.repository,
        number: history.number,
        status: history.status,
        segment: if is_machine(&history.author, rules) { Segment::Bot } else { Segment::Human },
        nature: nature(&history.title, &history.source_branch, &history.labels, rules),
        title: title_mark(&history.title),
        reverts: reverted(&history.title),
        author: history.author.id.clone(),
        target_branch: history.target_branch.strip_prefix("refs/heads/").unwrap_or(&history.target_branch).to_owned(),
        first_commit_at: history.commits.iter().flatten().filter_map(|commit| commit.authored_at).min(),
        created_at: history.created_at,
        ready_at: course.ready_at,
        first_review_at: course.first_review_at,
        approved_at,
        closed_at,
        merge_commit: if history.status == PullRequestStatus::Completed { history.merge_commit.clone() } else { None },
        undated_vote: votes.undated,
        rework_rounds: course.rework_rounds,
        iterations: history.iterations.unwrap_or(course.pushes + 1),
        files: history.files,
        commits: history.commits.as_ref().map(|commits| u32::try_from(commits.len()).unwrap_or(u32::MAX)),
        items: history.items.clone(),
        ticket: find_key(history.source_branch.strip_prefix("refs/heads/").unwrap_or(&history.source_branch)),
        validated: validated(&history.validations, reviewed_at, closed_at),
        has_threads: history.happenings.is_some(),
        has_detail: history.commits.is_some(),
    }
}

/// When a run was queued or running, as far as it tells.
fn stretch(run: &Validation) -> Option<Stretch> {
    let from = run.queued_at?;
    match run.finished_at {
        _ if run.goes_on => Some(Stretch { from, to: None }),
        Some(to) if to >= from => Some(Stretch::new(from, to)),
        _ => None,
    }
}

fn validated(runs: &[Validation], from: Option<Timestamp>, closed_at: Option<Timestamp>) -> Option<Vec<Stretch>> {
    let all = joined(runs.iter().filter_map(stretch));
    if all.is_empty() {
        return None;
    }
    // Before anybody looked at it nothing waited for a run alone.
    let Some(from) = from else { return Some(Vec::new()) };
    let goes_on = closed_at.is_none() && all.last().is_some_and(|last| last.to.is_none());
    let mut kept: Vec<Stretch> = within(&all, from, closed_at.unwrap_or(Timestamp::MAX)).map(|(from, to)| Stretch::new(from, to)).collect();
    if let Some(last) = kept.last_mut().filter(|_| goes_on) {
        last.to = None;
    }
    kept.drain(..kept.len().saturating_sub(MOST_STRETCHES));
    Some(kept)
}

#[derive(Default)]
struct Course {
    ready_at: Option<Timestamp>,
    first_review_at: Option<Timestamp>,
    rework_rounds: u32,
    pushes: u32,
    was_reopened: bool,
}

fn course<'a>(history: &History, events: impl Iterator<Item = &'a Happening> + Clone, is_reviewer: &impl Fn(&Guid) -> bool) -> Course {
    let mut is_draft = events
        .clone()
        .find_map(|event| match event.what {
            What::Published => Some(true),
            What::MadeDraft => Some(false),
            _ => None,
        })
        .unwrap_or(history.is_draft);
    let mut course = Course { ready_at: (!is_draft).then_some(history.created_at), ..Course::default() };
    let (mut wants_work, mut was_reviewed) = (false, false);
    for event in events {
        let by_reviewer = event.by.as_ref().is_some_and(is_reviewer);
        let is_open = course.first_review_at.is_none();
        match event.what {
            What::Published => {
                is_draft = false;
                if is_open {
                    course.ready_at = Some(event.at);
                }
            }
            What::MadeDraft => {
                is_draft = true;
                if is_open {
                    course.ready_at = None;
                }
            }
            What::Reactivated => {
                was_reviewed |= course.first_review_at.take().is_some();
                course.was_reopened = true;
                course.ready_at = (!is_draft).then_some(event.at);
            }
            What::Pushed => {
                course.pushes += 1;
                if std::mem::take(&mut wants_work) {
                    course.rework_rounds += 1;
                }
            }
            What::Vote { vote } if by_reviewer => {
                wants_work |= matches!(vote, Vote::Rejected | Vote::WaitingForAuthor);
                if is_open && !is_draft && vote != Vote::None {
                    course.first_review_at = Some(event.at);
                }
            }
            What::Comment { open } if by_reviewer => {
                wants_work |= open;
                if is_open && !is_draft {
                    course.first_review_at = Some(event.at);
                }
            }
            _ => {}
        }
    }
    if was_reviewed {
        course.first_review_at = course.first_review_at.or(course.ready_at);
    }
    course
}

/// Who votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voter {
    Reviewer,
    Author,
    Machine,
    /// Its vote is that of one of its people, who is counted already.
    Group,
}

fn voter(actor: &Actor, rules: &Rules) -> Voter {
    match () {
        () if actor.is_group => Voter::Group,
        () if is_machine(actor, rules) => Voter::Machine,
        () => Voter::Reviewer,
    }
}

struct Votes {
    approved_at: Option<Timestamp>,
    undated: bool,
}

/// What somebody's votes come to.
#[derive(Clone, Copy)]
struct Standing {
    /// Since when they approve, at the end of the pull request.
    since: Option<Timestamp>,
    /// The last of all.
    last: Vote,
}

impl Votes {
    fn of(history: &History, events: &[&Happening], closed_at: Option<Timestamp>, voter: &impl Fn(&Guid) -> Voter) -> Self {
        let mut dated: BTreeMap<&Guid, Standing> = BTreeMap::new();
        for event in events {
            let counts = closed_at.is_none_or(|end| event.at <= end);
            match (event.what, &event.by) {
                (What::Vote { vote }, Some(by)) => {
                    let standing = dated.entry(by).or_insert(Standing { since: None, last: Vote::None });
                    standing.last = vote;
                    if counts {
                        standing.since = approves(vote).then(|| standing.since.unwrap_or(event.at));
                    }
                }
                (What::VotesReset | What::MadeDraft, _) if counts => {
                    for standing in dated.values_mut().filter(|standing| approves(standing.last)) {
                        *standing = Standing { since: None, last: Vote::None };
                    }
                }
                _ => {}
            }
        }
        let listed: BTreeMap<&Guid, (Vote, Required)> =
            history.reviewers.iter().map(|(actor, vote, required)| (&actor.id, (*vote, *required))).collect();
        let in_force = |who: &Guid| listed.is_empty() || listed.get(who).is_some_and(|(vote, _)| approves(*vote));
        let mut approvals: Vec<Approval> = Vec::new();
        for (who, standing) in dated.iter().filter(|(who, _)| in_force(who)) {
            let required = listed.get(who).map_or(Required::Optional, |(_, required)| *required);
            approvals.extend(standing.since.map(|at| Approval { at, by: voter(who), required }));
        }
        approvals.sort_by_key(|approval| approval.at);
        let is_undated = |(who, (vote, _)): (&&Guid, &(Vote, Required))| {
            *vote != Vote::None && voter(who) == Voter::Reviewer && dated.get(*who).is_none_or(|standing| standing.last != *vote)
        };
        Self {
            approved_at: approved_at(&approvals, &history.wanted, history.status),
            undated: history.happenings.is_some() && listed.iter().any(is_undated),
        }
    }
}

/// An approval in force.
struct Approval {
    at: Timestamp,
    by: Voter,
    required: Required,
}

/// With which of these, the oldest first, the requirement was complete.
fn approved_at(approvals: &[Approval], wanted: &[Wanted], status: PullRequestStatus) -> Option<Timestamp> {
    let of_reviewers = || approvals.iter().filter(|approval| approval.by == Voter::Reviewer);
    let mut at = of_reviewers().next()?.at;
    at = of_reviewers().filter(|approval| approval.required == Required::Required).map(|approval| approval.at).fold(at, Timestamp::max);
    for wanted in wanted {
        let mut counting = approvals.iter().filter(|approval| match approval.by {
            Voter::Reviewer | Voter::Machine => true,
            Voter::Author => wanted.author == AuthorsVote::Counts,
            Voter::Group => false,
        });
        let enough = counting.clone().nth(usize::try_from(wanted.approvals.max(1) - 1).unwrap_or(usize::MAX));
        // Merged with fewer: past the policy, or before it was as strict.
        let completing = enough.or_else(|| counting.next_back().filter(|_| status == PullRequestStatus::Completed))?;
        at = at.max(completing.at);
    }
    Some(at)
}

fn approves(vote: Vote) -> bool {
    matches!(vote, Vote::Approved | Vote::ApprovedWithSuggestions)
}
