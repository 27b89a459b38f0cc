//! The threads that the service writes itself: votes, pushes, reviewers, state changes.
//!
//! They are the only dated source of such events, so every verb that the service records calls here.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::sim::world::{Comment, CommentKind, Extra, Property, Thread, World};

/// Something the service notes down by itself.
pub enum Event {
    Vote {
        by: Uuid,
        vote: i8,
    },
    /// A policy took votes back.
    VotesReset {
        by: Uuid,
        voters: Vec<Uuid>,
    },
    Push {
        by: Uuid,
        ref_name: String,
        commits: Vec<String>,
        head: String,
    },
    ReviewersAdded {
        by: Uuid,
        added: Vec<Uuid>,
    },
    ReviewerRemoved {
        by: Uuid,
        removed: Uuid,
    },
    Status {
        by: Uuid,
        word: &'static str,
    },
    Draft {
        by: Uuid,
        is_draft: bool,
    },
    AutoComplete {
        by: Uuid,
        is_set: bool,
    },
    MergeFailed {
        by: Uuid,
        status: &'static str,
        source: String,
        target: String,
    },
}

/// Of a reset the service names a few voters and counts all of them.
const EXAMPLES: usize = 5;

pub fn note(world: &mut World, pull_request: i32, event: Event, at: Timestamp) {
    let name = |id: Uuid| world.user(id).map_or_else(|| id.to_string(), |user| user.display_name.clone());
    let text = |value: &str| Property::Text(value.to_owned());
    let mut properties = BTreeMap::new();
    let mut set = |key: &str, value: Property| {
        properties.insert(key.to_owned(), value);
    };
    let (author, content, kind, identities) = match event {
        Event::Vote { by, vote } => {
            set("CodeReviewVoteResult", text(&vote.to_string()));
            set("CodeReviewVotedByIdentity", text("1"));
            (by, format!("{} voted {vote}", name(by)), "VoteUpdate", vec![by])
        }
        Event::VotesReset { by, voters } => {
            let keys: Vec<String> = (2..).take(voters.len().min(EXAMPLES)).map(|key: usize| key.to_string()).collect();
            set("CodeReviewResetMultipleVotesNumVoters", text(&voters.len().to_string()));
            set("CodeReviewResetMultipleVotesExampleVoterIdentities", text(&json!(keys).to_string()));
            set("CodeReviewResetMultipleVotesInitiatorIdentity", text("1"));
            set("CodeReviewResetMultipleVotesReason", text("Changes pushed to the source branch"));
            let names: Vec<String> = voters.iter().map(|id| name(*id)).collect();
            let identities = std::iter::once(by).chain(voters.into_iter().take(EXAMPLES)).collect();
            (by, format!("Votes of {} were reset: changes pushed to the source branch", names.join(", ")), "ResetMultipleVotes", identities)
        }
        Event::Push { by, ref_name, commits, head } => {
            set("CodeReviewRefName", text(&ref_name));
            set("CodeReviewRefNewCommits", text(&commits.join(";")));
            set("CodeReviewRefNewCommitsCount", Property::Number(i64::try_from(commits.len()).unwrap_or(i64::MAX)));
            set("CodeReviewRefNewHeadCommit", text(&head));
            set("CodeReviewRefUpdatedByIdentity", text("1"));
            let plural = if commits.len() == 1 { "commit" } else { "commits" };
            (by, format!("{} pushed {} {plural} to {ref_name}", name(by), commits.len()), "RefUpdate", vec![by])
        }
        Event::ReviewersAdded { by, added } => {
            set("CodeReviewReviewersUpdatedNumAdded", Property::Number(i64::try_from(added.len()).unwrap_or(0)));
            set("CodeReviewReviewersUpdatedNumRemoved", Property::Number(0));
            set("CodeReviewReviewersUpdatedByIdentity", text("1"));
            let mut identities = vec![by];
            let mut names = Vec::new();
            for id in added {
                identities.push(id);
                names.push(name(id));
                set("CodeReviewReviewersUpdatedAddedIdentity", text(&identities.len().to_string()));
            }
            let content = format!("{} added {} as a reviewer", name(by), names.join(", "));
            (by, content, "ReviewersUpdate", identities)
        }
        Event::ReviewerRemoved { by, removed } => {
            set("CodeReviewReviewersUpdatedNumAdded", Property::Number(0));
            set("CodeReviewReviewersUpdatedNumRemoved", Property::Number(1));
            set("CodeReviewReviewersUpdatedByIdentity", text("1"));
            set("CodeReviewReviewersUpdatedRemovedIdentity", text("2"));
            let content = format!("{} removed {} as a reviewer", name(by), name(removed));
            (by, content, "ReviewersUpdate", vec![by, removed])
        }
        Event::Status { by, word } => {
            set("CodeReviewStatus", text(word));
            set("CodeReviewStatusUpdatedByIdentity", text("1"));
            let content = format!("{} updated the pull request status to {word}", name(by));
            (by, content, "StatusUpdate", vec![by])
        }
        Event::Draft { by, is_draft } => {
            set("CodeReviewIsDraft", text(if is_draft { "True" } else { "False" }));
            set("CodeReviewIsDraftUpdatedByIdentity", text("1"));
            let verb = if is_draft { "marked the pull request as a draft" } else { "published the pull request" };
            (by, format!("{} {verb}", name(by)), "IsDraftUpdate", vec![by])
        }
        Event::AutoComplete { by, is_set } => {
            set("CodeReviewAutoCompleteNowSet", text(if is_set { "True" } else { "False" }));
            set("CodeReviewAutoCompleteUpdatedByIdentity", text("1"));
            let verb = if is_set { "set auto-complete" } else { "cancelled auto-complete" };
            (by, format!("{} {verb}", name(by)), "AutoComplete", vec![by])
        }
        Event::MergeFailed { by, status, source, target } => {
            set("CodeReviewMergeStatus", text(status));
            set("CodeReviewSourceCommit", text(&source));
            set("CodeReviewTargetCommit", text(&target));
            (by, format!("The pull request could not be merged: {status}."), "MergeAttempt", vec![by])
        }
    };
    set("CodeReviewThreadType", text(kind));
    let comment = Comment {
        id: 1,
        parent: 0,
        author,
        content: Some(content),
        kind: CommentKind::System,
        published: at,
        last_updated: at,
        last_content_updated: at,
        is_deleted: false,
        liked_by: Vec::new(),
    };
    let id = world.next_thread_id();
    let thread = Thread {
        id,
        published: at,
        last_updated: at,
        comments: vec![comment],
        status: None,
        context: None,
        pull_request_context: None,
        properties,
        identities,
        is_deleted: false,
        extra: Extra::new(),
    };
    if let Some(pull_request) = world.pull_request_mut(pull_request) {
        pull_request.threads.push(thread);
    }
}
