//! A [`Flow`] as a line of text, to the millisecond: what the store keeps of a pull request for figures.
//!
//! Limits: of more than [`MOST_ITEMS`] linked work items the rest is left out here (the links themselves are all kept).

use jiff::Timestamp;

use super::column::Word;
use super::error::{Error, Result};
use super::line::{Fields, Line};
use crate::domain::id::{Guid, ObjectId, RepositoryId, TicketKey};
use crate::metrics::input::{Flow, Nature, Reverted, Segment};
use crate::metrics::stretch::Stretch;

/// The first field: another one is of another version, and is made again from the history.
pub(super) const VERSION: i64 = 4;

const MOST_ITEMS: usize = 60;

/// The length of a stretch that goes on.
const GOES_ON: i64 = -1;

/// Stretches as pairs: from when, after the creation, and for how long, in milliseconds.
fn pairs(stretches: &[Stretch], since: Timestamp) -> Vec<i64> {
    let since = since.as_millisecond();
    let pair = |one: &Stretch| {
        let from = one.from.as_millisecond();
        [from - since, one.to.map_or(GOES_ON, |to| to.as_millisecond() - from)]
    };
    stretches.iter().flat_map(pair).collect()
}

fn stretches(pairs: &[i64], since: Timestamp) -> Result<Vec<Stretch>> {
    let at = |ms: i64| Timestamp::from_millisecond(ms).map_err(|_| Error::unreadable("a pull request's line: when it was validated"));
    let read = |pair: &[i64]| {
        let &[from, length] = pair else { return Err(Error::unreadable("a pull request's line: half a stretch of validation")) };
        let from = since.as_millisecond().saturating_add(from);
        Ok(Stretch { from: at(from)?, to: if length == GOES_ON { None } else { Some(at(from.saturating_add(length))?) } })
    };
    pairs.chunks(2).map(read).collect()
}

impl Word for Segment {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Human, "h"), (Self::Bot, "b")];
}

impl Word for Nature {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Ordinary, "o"), (Self::Revert, "r"), (Self::Hotfix, "h")];
}

pub(super) fn write(flow: &Flow) -> String {
    let flags = i64::from(flow.undated_vote)
        | i64::from(flow.has_threads) << 1
        | i64::from(flow.has_detail) << 2
        | i64::from(flow.validated.is_some()) << 3;
    Line::new()
        .int(VERSION)
        .int(flow.repository.0)
        .int(flow.number)
        .word(Some(flow.status))
        .word(Some(flow.segment))
        .word(Some(flow.nature))
        .int(i64::from(flow.title))
        .maybe_int(match flow.reverts {
            None => None,
            Some(Reverted::Number(number)) => Some(-number),
            Some(Reverted::Title(mark)) => Some(i64::from(mark)),
        })
        .text(flow.author.as_str())
        .at(flow.first_commit_at)
        .at(Some(flow.created_at))
        .at(flow.ready_at)
        .at(flow.first_review_at)
        .at(flow.approved_at)
        .at(flow.closed_at)
        .text(flow.merge_commit.as_ref().map_or("", ObjectId::as_str))
        .int(flags)
        .int(i64::from(flow.rework_rounds))
        .int(i64::from(flow.iterations))
        .maybe_int(flow.files.map(i64::from))
        .maybe_int(flow.commits.map(i64::from))
        .list(flow.items.get(..MOST_ITEMS).unwrap_or(&flow.items))
        .text(&flow.target_branch)
        .text(&flow.ticket.as_ref().map_or_else(String::new, TicketKey::to_string))
        .list(&pairs(flow.validated.as_deref().unwrap_or_default(), flow.created_at))
        .finish()
}

pub(super) fn read(line: &str) -> Result<Flow> {
    let mut fields = Fields::of(line);
    let version = fields.int()?;
    if version != VERSION {
        return Err(Error::unreadable(format!("a pull request's line of version {version}")));
    }
    let repository = RepositoryId(fields.int()?);
    let number = fields.int()?;
    let (status, segment, nature) = (fields.word()?, fields.word()?, fields.word()?);
    let title = fields.count()?;
    let reverts = fields.maybe_int()?.map(|said| u32::try_from(said).map_or(Reverted::Number(said.saturating_neg()), Reverted::Title));
    let author = Guid::new(fields.text()?);
    let first_commit_at = fields.maybe_at()?;
    let created_at = fields.at()?;
    let (ready_at, first_review_at) = (fields.maybe_at()?, fields.maybe_at()?);
    let (approved_at, closed_at) = (fields.maybe_at()?, fields.maybe_at()?);
    let merge_commit = fields.maybe_text()?.map(ObjectId::new);
    let flags = fields.int()?;
    let (rework_rounds, iterations) = (fields.count()?, fields.count()?);
    let count = |number: Option<i64>| number.and_then(|number| u32::try_from(number).ok());
    let (files, commits) = (count(fields.maybe_int()?), count(fields.maybe_int()?));
    let items = fields.list()?;
    let target_branch = fields.text()?.to_owned();
    let ticket = fields.maybe_text()?.map(TicketKey::parse).transpose();
    let ticket = ticket.map_err(|error| Error::unreadable(format!("a pull request's line: {error}")))?;
    let pairs = fields.list()?;
    let validated = if flags & 8 != 0 { Some(stretches(&pairs, created_at)?) } else { None };
    Ok(Flow {
        repository,
        number,
        status,
        segment,
        nature,
        title,
        reverts,
        author,
        target_branch,
        first_commit_at,
        created_at,
        ready_at,
        first_review_at,
        approved_at,
        closed_at,
        merge_commit,
        undated_vote: flags & 1 != 0,
        rework_rounds,
        iterations,
        files,
        commits,
        items,
        ticket,
        validated,
        has_threads: flags & 2 != 0,
        has_detail: flags & 4 != 0,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::pull_request::PullRequestStatus;
    use crate::metrics::flow::MOST_STRETCHES;

    fn flow(times: &[Option<i64>], numbers: &[u32], items: &[i64], branch: &str) -> Flow {
        let at = |index: usize| times[index].and_then(|ms| Timestamp::from_millisecond(ms).ok());
        Flow {
            repository: RepositoryId(7),
            number: 12,
            status: if numbers[0].is_multiple_of(2) { PullRequestStatus::Completed } else { PullRequestStatus::Active },
            segment: if numbers[1].is_multiple_of(2) { Segment::Human } else { Segment::Bot },
            nature: [Nature::Ordinary, Nature::Revert, Nature::Hotfix][(numbers[2] % 3) as usize],
            title: numbers[3],
            reverts: [None, Some(Reverted::Number(i64::from(numbers[3]) + 1)), Some(Reverted::Title(numbers[4]))]
                [(numbers[2] % 3) as usize],
            author: Guid::new("0f3a-1"),
            target_branch: branch.to_owned(),
            first_commit_at: at(0),
            created_at: at(1).unwrap_or(Timestamp::UNIX_EPOCH),
            ready_at: at(2),
            first_review_at: at(3),
            approved_at: at(4),
            closed_at: at(5),
            merge_commit: (numbers[3] > 9).then(|| ObjectId::new("ab".repeat(20))),
            undated_vote: numbers[4].is_multiple_of(2),
            rework_rounds: numbers[5],
            iterations: numbers[6],
            files: (numbers[0] > 5).then_some(numbers[1]),
            commits: (numbers[1] > 5).then_some(numbers[2]),
            items: items.to_vec(),
            ticket: TicketKey::new("KAN", numbers[6]).ok(),
            validated: validated(at(1).unwrap_or(Timestamp::UNIX_EPOCH), numbers),
            has_threads: numbers[5].is_multiple_of(2),
            has_detail: numbers[6].is_multiple_of(2),
        }
    }

    /// As many as a flow has at most, the last going on, or fewer, or none.
    fn validated(since: Timestamp, numbers: &[u32]) -> Option<Vec<Stretch>> {
        let count = [0, 1, MOST_STRETCHES][(numbers[3] % 3) as usize];
        let later = |ms: u32| since + SignedDuration::from_millis(i64::from(ms));
        let one = |nth: usize| {
            let from = numbers[0] + nth as u32 * 200_000;
            Stretch { from: later(from), to: (nth + 1 < MOST_STRETCHES).then(|| later(from + numbers[1])) }
        };
        numbers[4].is_multiple_of(3).then(|| (0..count).map(one).collect())
    }

    proptest! {
        #[test]
        fn a_flow_survives_its_line_to_the_millisecond(
            times in proptest::collection::vec(proptest::option::of(-2_000_000_000_000_i64..4_000_000_000_000), 6),
            numbers in proptest::collection::vec(0_u32..100_000, 7),
            items in proptest::collection::vec(1_i64..1_000_000, 0..60),
            branch in "[a-z/ 日é|;-]{0,40}",
        ) {
            let flow = flow(&times, &numbers, &items, &branch);
            let line = write(&flow);
            prop_assert!(!line.contains('\n'));
            prop_assert!(line.len() < 2_000, "short enough for an index");
            prop_assert_eq!(read(&line).unwrap(), flow);
        }
    }

    #[test]
    fn a_line_of_another_version_is_refused() {
        assert!(read("1\u{1f}7").is_err());
        assert!(read("").is_err());
    }
}
