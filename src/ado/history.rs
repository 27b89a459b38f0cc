//! What happened to a pull request, read from its threads: the only dated source of votes, pushes and state changes.
//!
//! Pure. The service writes a thread of its own for each such event and says in its properties what it was. Who did it is named in
//! one of three ways, by age of the server: an index into the thread's identities (`…ByIdentity`), an id (`…ByTfId`), or not at all,
//! where the author of the comment is the best that is known. Deleted threads and comments do not count, nor does the
//! comment that kanado keeps: it is no review. Texts are not kept.
//!
//! Where a policy took votes back after a push, the thread names some of the voters as examples and says how many there were: where
//! it names all of them, each is a withdrawn vote; otherwise it is known only that approvals were taken back.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::fact;
use crate::domain::id::Guid;
use crate::domain::pull_request::Vote;
use crate::domain::quality;
use crate::metrics::input::{Actor, Happening, What};

/// Votes of some people were taken back.
const SOME_RESET: &str = "ResetMultipleVotes";

/// Everything dated that the threads tell, oldest first, and everybody who occurs in it.
pub fn happenings(threads: &[fact::Thread]) -> (Vec<Happening>, Vec<Actor>) {
    let mut found: Vec<Happening> = Vec::new();
    let mut actors: BTreeMap<Guid, Actor> = BTreeMap::new();
    for thread in threads.iter().filter(|thread| !thread.deleted && !quality::is_ours(thread)) {
        for party in thread.identities.values() {
            note(&mut actors, party);
        }
        match thread.properties.get("CodeReviewThreadType") {
            Some(kind) if kind == SOME_RESET => found.extend(resets(thread, &mut actors)),
            Some(kind) => found.extend(event(thread, kind, &mut actors)),
            None => found.extend(comments(thread, &mut actors)),
        }
    }
    found.sort_by_key(|happening| happening.at);
    // Only those who did something: a thread also names those to whom something was done.
    let acted = |id: &Guid| found.iter().any(|happening| happening.by.as_ref() == Some(id));
    let actors = actors.into_values().filter(|actor| acted(&actor.id)).collect();
    (found, actors)
}

/// What people wrote. Answers in a thread count each.
fn comments(thread: &fact::Thread, actors: &mut BTreeMap<Guid, Actor>) -> Vec<Happening> {
    let open = thread.status.as_deref().is_some_and(|status| matches!(status, "active" | "pending"));
    let written = thread.comments.iter().filter(|comment| !comment.system && !comment.deleted);
    written
        .filter_map(|comment| {
            let at = comment.published_at.or(thread.published_at)?;
            Some(Happening { at, by: author(comment, actors), what: What::Comment { open } })
        })
        .collect()
}

fn event(thread: &fact::Thread, kind: &str, actors: &mut BTreeMap<Guid, Actor>) -> Option<Happening> {
    let property = |name: &str| thread.properties.get(name).map(String::as_str);
    let (what, who) = match kind {
        "VoteUpdate" => {
            let vote = property("CodeReviewVoteResult")?.trim().parse().ok()?;
            (What::Vote { vote: Vote::from_wire(vote) }, "CodeReviewVotedBy")
        }
        "ResetAllVotes" => (What::VotesReset, "CodeReviewResetAllVotesInitiator"),
        SOME_RESET => (What::VotesReset, "CodeReviewResetMultipleVotesInitiator"),
        "RefUpdate" => (What::Pushed, "CodeReviewRefUpdatedBy"),
        "ReviewersUpdate" => (What::ReviewersChanged, "CodeReviewReviewersUpdatedBy"),
        "IsDraftUpdate" => {
            let is_draft = property("CodeReviewIsDraft")?.trim().eq_ignore_ascii_case("true") || property("CodeReviewIsDraft") == Some("1");
            (if is_draft { What::MadeDraft } else { What::Published }, "CodeReviewIsDraftUpdatedBy")
        }
        "StatusUpdate" => {
            let what = match property("CodeReviewStatus")?.trim().to_ascii_lowercase().as_str() {
                "completed" | "3" => What::Completed,
                "abandoned" | "2" => What::Abandoned,
                "active" | "1" => What::Reactivated,
                _ => return None,
            };
            (what, "CodeReviewStatusUpdatedBy")
        }
        // Merge attempts, policies, auto-complete: nothing that a person did to the change.
        _ => return None,
    };
    let comment = thread.comments.iter().find(|comment| !comment.deleted)?;
    let at = thread.published_at.or(comment.published_at)?;
    let by = named(thread, who, actors).or_else(|| author(comment, actors));
    Some(Happening { at, by, what })
}

/// A withdrawn vote of each voter where all are named, else a reset by whoever set it off.
fn resets(thread: &fact::Thread, actors: &mut BTreeMap<Guid, Actor>) -> Vec<Happening> {
    let Some(reset) = event(thread, SOME_RESET, actors) else { return Vec::new() };
    let property = |name: &str| thread.properties.get(&format!("CodeReviewResetMultipleVotes{name}"));
    let keys = keys(property("ExampleVoterIdentities").map_or("", String::as_str));
    let mut voters: Vec<Guid> = keys.iter().filter_map(|key| Some(note(actors, thread.identities.get(key)?))).collect();
    if voters.is_empty() {
        voters.extend(self::keys(property("ExampleVoterIds").map_or("", String::as_str)).iter().filter_map(|id| dashed(id)));
    }
    let count: Option<usize> = property("NumVoters").and_then(|count| count.trim().parse().ok());
    if voters.is_empty() || count != Some(voters.len()) {
        return vec![reset];
    }
    voters.into_iter().map(|voter| Happening { by: Some(voter), what: What::Vote { vote: Vote::None }, ..reset }).collect()
}

/// A list of texts in JSON, or a single text.
fn keys(text: &str) -> Vec<String> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(keys)) => keys.iter().map(plain).collect(),
        _ => Some(text.trim().to_owned()).filter(|text| !text.is_empty()).into_iter().collect(),
    }
}

/// Whom a property names: by an index into the thread's identities, or by an id with or without dashes.
fn named(thread: &fact::Thread, property: &str, actors: &mut BTreeMap<Guid, Actor>) -> Option<Guid> {
    if let Some(index) = thread.properties.get(&format!("{property}Identity"))
        && let Some(party) = thread.identities.get(index.trim())
    {
        return Some(note(actors, party));
    }
    let id = dashed(thread.properties.get(&format!("{property}TfId"))?)?;
    let name = ["DisplayName", "Displayname"].into_iter().find_map(|end| thread.properties.get(&format!("{property}{end}")));
    actors.entry(id.clone()).or_insert_with(|| Actor {
        id: id.clone(),
        name: name.cloned().unwrap_or_default(),
        unique_name: thread.properties.get(property).cloned().unwrap_or_default(),
        is_group: false,
    });
    Some(id)
}

fn dashed(text: &str) -> Option<Guid> {
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    Some(Guid::new(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))))
}

fn author(comment: &fact::Comment, actors: &mut BTreeMap<Guid, Actor>) -> Option<Guid> {
    let identity = comment.author.clone()?;
    Some(note(actors, &fact::Party { identity, is_group: comment.author_is_group }))
}

/// Remembers who somebody is; whoever is known already stays, unless nothing but an id was known.
fn note(actors: &mut BTreeMap<Guid, Actor>, party: &fact::Party) -> Guid {
    let fact::Party { identity, is_group } = party;
    let actor = actors.entry(identity.id.clone()).or_insert_with(|| Actor {
        id: identity.id.clone(),
        name: identity.display_name.clone(),
        unique_name: identity.unique_name.clone(),
        is_group: *is_group,
    });
    if actor.unique_name.is_empty() {
        actor.unique_name.clone_from(&identity.unique_name);
    }
    if actor.name.is_empty() {
        actor.name.clone_from(&identity.display_name);
    }
    actor.id.clone()
}
