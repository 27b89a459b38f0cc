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
//! - **Approval in force**: a human reviewer's last dated vote is +5 or +10, and the list of reviewers (if it has any) agrees that this
//!   person approves. Its time is when the person's votes last turned into approval.
//! - **Approved**: if required reviewers (people, not groups) have approvals in force, the latest of these; else the first in force.
//! - **Undated vote**: a human reviewer's vote in the list is not what the last dated vote of that person says.
//! - **Rework round**: a push after a vote of -5 or -10 or an unresolved comment of a human who is not the author, since the push before.
//! - **Nature**: `Revert "` at the beginning of the title; else a branch or label of hotfixes; else ordinary.
//! - **What is reverted**: what stands in the quotes, up to the last one: the number where it is `Merged PR 12: ...`, as Azure DevOps
//!   calls what it merged, else the title, in any case of letters.
//!
//! Limits: how many approvals a policy wants is not known here: without required people the first approval counts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::input::{Actor, Flow, Happening, History, Nature, Required, Reverted, Segment, What};
use super::pattern::{fits, fits_any};
use super::query::Rules;
use crate::domain::branch::find_key;
use crate::domain::id::Guid;
use crate::domain::pull_request::{PullRequestStatus, Vote};

/// Changes whenever the rules of this module do: lines made by another version are made again.
const VERSION: u32 = 1;

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
    if quoted(title).is_some() {
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

/// What a title says that it reverts.
pub fn reverted(title: &str) -> Option<Reverted> {
    let quoted = quoted(title)?.trim();
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
    let machines: BTreeMap<&Guid, bool> = history
        .actors
        .iter()
        .chain(history.reviewers.iter().map(|(actor, _, _)| actor))
        .chain([&history.author])
        .map(|actor| (&actor.id, is_machine(actor, rules)))
        .collect();
    let is_reviewer = |who: &Guid| *who != history.author.id && !machines.get(who).copied().unwrap_or(false);

    let mut events: Vec<&Happening> = history.happenings.iter().flatten().collect();
    events.sort_by_key(|event| event.at);
    let closed_at = if history.status == PullRequestStatus::Active { None } else { history.closed_at };
    let seen = events.iter().copied().filter(|event| closed_at.is_none_or(|end| event.at <= end));
    let course = course(history, seen, &is_reviewer);
    let votes = Votes::of(history, &events, closed_at, &is_reviewer);

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
        approved_at: votes.approved_at,
        closed_at,
        merge_commit: if history.status == PullRequestStatus::Completed { history.merge_commit.clone() } else { None },
        undated_vote: votes.undated,
        rework_rounds: course.rework_rounds,
        iterations: history.iterations.unwrap_or(course.pushes + 1),
        files: history.files,
        commits: history.commits.as_ref().map(|commits| u32::try_from(commits.len()).unwrap_or(u32::MAX)),
        items: history.items.clone(),
        ticket: find_key(history.source_branch.strip_prefix("refs/heads/").unwrap_or(&history.source_branch)),
        has_threads: history.happenings.is_some(),
        has_detail: history.commits.is_some(),
    }
}

#[derive(Default)]
struct Course {
    ready_at: Option<Timestamp>,
    first_review_at: Option<Timestamp>,
    rework_rounds: u32,
    pushes: u32,
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
    let mut wants_work = false;
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
            What::Reactivated if is_open && !is_draft => course.ready_at = Some(event.at),
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
    course
}

struct Votes {
    approved_at: Option<Timestamp>,
    undated: bool,
}

impl Votes {
    fn of(history: &History, events: &[&Happening], closed_at: Option<Timestamp>, is_reviewer: &impl Fn(&Guid) -> bool) -> Self {
        // Of each voter: the last vote before the end, since when it approves, and the last vote of all.
        let mut dated: BTreeMap<&Guid, (Option<Timestamp>, Vote)> = BTreeMap::new();
        for event in events {
            let (What::Vote { vote }, Some(by)) = (event.what, &event.by) else { continue };
            if !is_reviewer(by) {
                continue;
            }
            let entry = dated.entry(by).or_insert((None, Vote::None));
            entry.1 = vote;
            if closed_at.is_none_or(|end| event.at <= end) {
                entry.0 = approves(vote).then(|| entry.0.unwrap_or(event.at));
            }
        }
        let listed: BTreeMap<&Guid, (Vote, Required)> =
            history.reviewers.iter().map(|(actor, vote, required)| (&actor.id, (*vote, *required))).collect();
        let in_force = |who: &Guid| listed.is_empty() || listed.get(who).is_some_and(|(vote, _)| approves(*vote));
        let approvals = dated.iter().filter(|(who, _)| in_force(who)).filter_map(|(who, (since, _))| Some((*who, (*since)?)));
        let required = approvals
            .clone()
            .filter(|(who, _)| listed.get(who).is_some_and(|(_, required)| *required == Required::Required))
            .map(|(_, since)| since)
            .max();
        Self {
            approved_at: required.or_else(|| approvals.map(|(_, since)| since).min()),
            undated: history.happenings.is_some()
                && listed
                    .iter()
                    .any(|(who, (vote, _))| *vote != Vote::None && is_reviewer(who) && dated.get(who).is_none_or(|(_, last)| last != vote)),
        }
    }
}

fn approves(vote: Vote) -> bool {
    matches!(vote, Vote::Approved | Vote::ApprovedWithSuggestions)
}
