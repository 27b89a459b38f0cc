//! Who reviews a pull request, and why that one.
//!
//! Only members who may review are asked, and never the author. Names are given back as they came: whoever shows a sentence makes it
//! inert.

use std::collections::{HashMap, HashSet};

use super::fact;
use super::id::{Guid, MemberId};
use super::person::{Member, ReviewRules, ReviewerStrategy};
use super::pull_request::PullRequestStatus;

/// What a choice is made from.
#[derive(Debug, Clone, Copy)]
pub struct Pool<'a> {
    /// The members of the project.
    pub members: &'a [Member],
    pub author: &'a Guid,
    pub rules: &'a ReviewRules,
    /// Active reviews by identity, from [`count_active`]; whoever is absent has none.
    pub active_reviews: &'a HashMap<Guid, u32>,
}

/// Who was chosen, or nobody, and a sentence that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Chosen { member: MemberId, sentence: String },
    Nobody { sentence: String },
}

/// Chooses the reviewer.
///
/// `load_balance`: the fewest active reviews; of several, who was chosen longest ago (never counts as longest), then the name.
/// `mapped`: the author's default reviewer, and load balance when there is none, when that person may not review, or has as many active
/// reviews as the threshold.
pub fn choose(pool: &Pool<'_>) -> Choice {
    let candidates: Vec<&Member> = pool.members.iter().filter(|m| m.can_review && m.identity.id != *pool.author).collect();
    if candidates.is_empty() {
        return Choice::Nobody { sentence: nobody(pool) };
    }
    match pool.rules.strategy {
        ReviewerStrategy::LoadBalance => balanced(pool, &candidates, None),
        ReviewerStrategy::Mapped => match mapped(pool, &candidates) {
            Ok(choice) => choice,
            Err(why_not) => balanced(pool, &candidates, Some(why_not)),
        },
    }
}

fn nobody(pool: &Pool<'_>) -> String {
    let reason = match pool.members.iter().filter(|m| m.can_review).count() {
        0 => "no member may review",
        _ => "the author is the only member who may review",
    };
    format!("no reviewer: {reason}; allow another with `kanado members set NAME --can-review`")
}

/// The author's default reviewer, or why not.
fn mapped(pool: &Pool<'_>, candidates: &[&Member]) -> Result<Choice, String> {
    let author = pool.members.iter().find(|m| m.identity.id == *pool.author).ok_or("the author is no member of the project")?;
    let author_name = name(author);
    let wanted = author.default_reviewer.ok_or_else(|| format!("{author_name} has no default reviewer"))?;
    let Some(member) = candidates.iter().find(|m| m.id == wanted) else {
        return Err(match pool.members.iter().find(|m| m.id == wanted) {
            Some(member) => format!("{}, the default reviewer, may not review", name(member)),
            None => "the default reviewer is no longer a member".to_owned(),
        });
    };
    let active = active(pool, member);
    let limit = pool.rules.overload_threshold;
    if active >= limit {
        return Err(format!("{}, the default reviewer, has {active}, at or over the limit of {limit}", name(member)));
    }
    Ok(Choice::Chosen {
        member: member.id,
        sentence: format!("{}: default reviewer of {author_name}; {}", name(member), open_reviews(active)),
    })
}

fn balanced(pool: &Pool<'_>, candidates: &[&Member], why_not_mapped: Option<String>) -> Choice {
    let order = |member: &&&Member| {
        (active(pool, member), member.last_assigned_at, member.identity.display_name.to_lowercase(), member.identity.id.clone())
    };
    let Some(chosen) = candidates.iter().min_by_key(order) else {
        return Choice::Nobody { sentence: nobody(pool) };
    };
    let count = active(pool, chosen);
    let mut sentence = format!("{}: {}", name(chosen), open_reviews(count));
    let equals: Vec<&&Member> = candidates.iter().filter(|m| m.id != chosen.id && active(pool, m) == count).collect();
    if candidates.len() == 1 {
        sentence.push_str(", the only one who may review");
    } else if equals.is_empty() {
        sentence.push_str(", the fewest");
    } else {
        let others = if let [other] = equals[..] { name(other).to_owned() } else { format!("{} others", equals.len()) };
        let why = match chosen.last_assigned_at {
            at if equals.iter().any(|m| m.last_assigned_at == at) => "first by name",
            None => "not chosen before",
            Some(_) => "chosen longest ago",
        };
        sentence.push_str(&format!(", as few as {others}; {why}"));
    }
    if let Some(why_not) = why_not_mapped {
        sentence.push_str(&format!("; {why_not}"));
    }
    Choice::Chosen { member: chosen.id, sentence }
}

fn active(pool: &Pool<'_>, member: &Member) -> u32 {
    pool.active_reviews.get(&member.identity.id).copied().unwrap_or_default()
}

fn name(member: &Member) -> &str {
    let identity = &member.identity;
    [&identity.display_name, &identity.unique_name].into_iter().find(|n| !n.trim().is_empty()).map_or(identity.id.as_str(), |n| n.as_str())
}

fn open_reviews(count: u32) -> String {
    match count {
        0 => "no open review".to_owned(),
        1 => "1 open review".to_owned(),
        _ => format!("{count} open reviews"),
    }
}

/// The active reviews of every person: the active pull requests they are asked to review, whatever they voted so far. Groups and
/// authors of the pull request do not count.
pub fn count_active(pull_requests: &[fact::PullRequest]) -> HashMap<Guid, u32> {
    let mut counts = HashMap::new();
    for pull_request in pull_requests.iter().filter(|p| p.status == PullRequestStatus::Active) {
        let people = pull_request.reviewers.iter().filter(|r| !r.is_group && r.identity.id != pull_request.author.id);
        let people: HashSet<&Guid> = people.map(|r| &r.identity.id).collect();
        for id in people {
            *counts.entry(id.clone()).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::id::ProjectId;
    use super::super::person::Identity;
    use super::super::pull_request::{MergeState, Reviewer, Vote};
    use super::*;

    fn identity(name: &str) -> Identity {
        Identity { id: Guid::new(name), display_name: name.to_owned(), unique_name: String::new() }
    }

    fn member(id: i64, name: &str) -> Member {
        Member {
            id: MemberId(id),
            project: ProjectId(1),
            identity: identity(name),
            can_review: true,
            default_reviewer: None,
            last_assigned_at: None,
        }
    }

    fn rules(strategy: ReviewerStrategy) -> ReviewRules {
        ReviewRules { strategy, overload_threshold: 3 }
    }

    fn chosen(members: &[Member], strategy: ReviewerStrategy, active: &[(&str, u32)]) -> (Option<i64>, String) {
        let active_reviews = active.iter().map(|(name, count)| (Guid::new(name), *count)).collect();
        match choose(&Pool { members, author: &Guid::new("ann"), rules: &rules(strategy), active_reviews: &active_reviews }) {
            Choice::Chosen { member, sentence } => (Some(member.0), sentence),
            Choice::Nobody { sentence } => (None, sentence),
        }
    }

    #[test]
    fn the_fewest_active_reviews_win() {
        let members = [member(1, "ann"), member(2, "bob"), member(3, "cal")];
        let (who, why) = chosen(&members, ReviewerStrategy::LoadBalance, &[("bob", 2), ("cal", 1)]);
        assert_eq!((who, why.as_str()), (Some(3), "cal: 1 open review, the fewest"));
    }

    #[test]
    fn the_author_never_reviews() {
        let members = [member(1, "ann")];
        let (who, why) = chosen(&members, ReviewerStrategy::LoadBalance, &[]);
        assert_eq!(who, None);
        assert!(why.contains("the author is the only member"), "{why}");
        assert_eq!(chosen(&[], ReviewerStrategy::Mapped, &[]).0, None);
    }

    #[test]
    fn whoever_may_not_review_is_left_out() {
        let members = [Member { can_review: false, ..member(2, "bob") }, member(3, "cal")];
        assert_eq!(
            chosen(&members, ReviewerStrategy::LoadBalance, &[("cal", 9)]),
            (Some(3), "cal: 9 open reviews, the only one who may review".into())
        );
        assert!(chosen(&members[..1], ReviewerStrategy::LoadBalance, &[]).1.starts_with("no reviewer: no member may review"));
    }

    #[test]
    fn ties_go_to_who_was_chosen_longest_ago_then_by_name() {
        let at = |second| Timestamp::from_second(second).ok();
        let mut members = [member(2, "Dan"), member(3, "bob"), member(4, "cal")];
        assert_eq!(
            chosen(&members, ReviewerStrategy::LoadBalance, &[]),
            (Some(3), "bob: no open review, as few as 2 others; first by name".into())
        );
        members[1].last_assigned_at = at(20);
        members[2].last_assigned_at = at(10);
        let pair = chosen(&members[1..], ReviewerStrategy::LoadBalance, &[]);
        assert_eq!(pair, (Some(4), "cal: no open review, as few as bob; chosen longest ago".into()));
        assert_eq!(chosen(&members, ReviewerStrategy::LoadBalance, &[]).1, "Dan: no open review, as few as 2 others; not chosen before");
    }

    #[test]
    fn the_default_reviewer_is_chosen_below_the_threshold_only() {
        let author = Member { default_reviewer: Some(MemberId(2)), ..member(1, "ann") };
        let members = [author, member(2, "bob"), member(3, "cal")];
        let below = chosen(&members, ReviewerStrategy::Mapped, &[("bob", 2)]);
        assert_eq!(below, (Some(2), "bob: default reviewer of ann; 2 open reviews".into()));
        let at = chosen(&members, ReviewerStrategy::Mapped, &[("bob", 3), ("cal", 1)]);
        assert_eq!(at, (Some(3), "cal: 1 open review, the fewest; bob, the default reviewer, has 3, at or over the limit of 3".into()));
        assert_eq!(chosen(&members, ReviewerStrategy::LoadBalance, &[("bob", 1)]).0, Some(3), "the map is not asked");
    }

    #[test]
    fn without_a_usable_default_reviewer_the_load_decides() {
        let with = |default_reviewer| {
            [Member { default_reviewer, ..member(1, "ann") }, Member { can_review: false, ..member(2, "bob") }, member(3, "cal")]
        };
        for (default, expected) in
            [(None, "no default"), (Some(1), "may not review"), (Some(2), "may not review"), (Some(9), "no longer a member")]
        {
            let (who, why) = chosen(&with(default.map(MemberId)), ReviewerStrategy::Mapped, &[]);
            assert_eq!(who, Some(3));
            assert!(why.contains(expected), "{why}");
        }
        assert!(chosen(&[member(3, "cal")], ReviewerStrategy::Mapped, &[]).1.contains("no member of the project"));
    }

    #[test]
    fn active_reviews_are_counted_for_people_on_active_pull_requests() {
        let reviewer = |name: &str, is_group| Reviewer { identity: identity(name), vote: Vote::Approved, required: false, is_group };
        let pull_request = |status, reviewers| fact::PullRequest {
            number: 1,
            repository: Guid::new("r"),
            repository_name: "r".into(),
            project: None,
            title: String::new(),
            description: String::new(),
            status,
            is_draft: false,
            source_branch: "a".into(),
            target_branch: "main".into(),
            author: identity("ann"),
            created_at: Timestamp::UNIX_EPOCH,
            closed_at: None,
            merge: MergeState::NotSet,
            auto_complete: false,
            reviewers,
            labels: Vec::new(),
            source_commit: None,
            target_commit: None,
            merge_commit: None,
        };
        let counts = count_active(&[
            pull_request(PullRequestStatus::Active, vec![reviewer("BOB", false), reviewer("team", true), reviewer("ann", false)]),
            pull_request(PullRequestStatus::Active, vec![reviewer("bob", false), reviewer("bob", false), reviewer("cal", false)]),
            pull_request(PullRequestStatus::Completed, vec![reviewer("cal", false)]),
            pull_request(PullRequestStatus::Unknown, vec![reviewer("cal", false)]),
        ]);
        assert_eq!(counts, HashMap::from([(Guid::new("bob"), 2), (Guid::new("cal"), 1)]));
    }
}
