//! Stretches of time that may overlap, joined and cut: what a wait was made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stretch {
    pub from: Timestamp,
    /// Absent while it goes on.
    pub to: Option<Timestamp>,
}

impl Stretch {
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to: Some(to) }
    }

    /// What of it lies between two instants. Nothing where it only touches them.
    fn cut(self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (begin, end) = (self.from.max(from), self.to.map_or(to, |end| end.min(to)));
        (begin < end).then_some((begin, end))
    }
}

/// Joined where they overlap or touch, in order of time. One that ends before it begins says nothing: clocks disagree.
pub fn joined(stretches: impl IntoIterator<Item = Stretch>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = stretches.into_iter().filter(|one| one.to.is_none_or(|to| to >= one.from)).collect();
    all.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::with_capacity(all.len());
    for one in all {
        match joined.last_mut() {
            Some(last) if last.to.is_none_or(|to| to >= one.from) => last.to = last.to.zip(one.to).map(|(a, b)| a.max(b)),
            _ => joined.push(one),
        }
    }
    joined
}

/// What of joined stretches lies between two instants, in order of time.
pub fn within(joined: &[Stretch], from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    joined.iter().filter_map(move |one| one.cut(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn stretch((from, to): (i64, Option<i64>)) -> Stretch {
        Stretch { from: at(from), to: to.map(at) }
    }

    fn of(stretches: &[(i64, Option<i64>)]) -> Vec<Stretch> {
        joined(stretches.iter().copied().map(stretch))
    }

    #[test]
    fn what_overlaps_or_touches_is_counted_once_in_any_order() {
        let expected: Vec<_> = [(1, Some(9)), (12, Some(14))].map(stretch).to_vec();
        assert_eq!(of(&[(1, Some(5)), (4, Some(9)), (2, Some(3)), (12, Some(14))]), expected);
        assert_eq!(of(&[(12, Some(14)), (5, Some(9)), (1, Some(5))]), expected);
    }

    #[test]
    fn what_goes_on_takes_in_all_that_begins_after_it() {
        assert_eq!(of(&[(1, Some(2)), (4, None), (6, Some(8)), (9, None)]), [(1, Some(2)), (4, None)].map(stretch));
        assert_eq!(of(&[(1, Some(5)), (4, None)]), [(1, None)].map(stretch));
    }

    #[test]
    fn what_ends_before_it_begins_says_nothing() {
        assert_eq!(of(&[(9, Some(5)), (1, Some(2))]), [(1, Some(2))].map(stretch));
    }

    #[test]
    fn a_cut_takes_what_lies_between_and_no_more() {
        let all = of(&[(1, Some(4)), (6, Some(8)), (10, None)]);
        let cut = |from, to| within(&all, at(from), at(to)).map(|(a, b)| (a.as_second(), b.as_second())).collect::<Vec<_>>();
        assert_eq!(cut(2, 12), [(2, 4), (6, 8), (10, 12)]);
        assert_eq!(cut(4, 6), [], "touching is nothing");
        assert_eq!(cut(7, 7), []);
        assert_eq!(cut(9, 5), [], "the wrong way round is nothing");
    }
}
