//! Three-way merges and diffs of texts, by lines and byte for byte.
//!
//! A line includes its ending, so that a text without a last line feed, or with other line endings, is merged like any other. Changes
//! that touch each other conflict, as they do for git.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What comes of merging two changes of one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    Clean(String),
    Conflicts {
        /// The merged text, each conflict between the marks git writes, with what both came from in the middle.
        text_with_markers: String,
        hunks: Vec<Conflict>,
    },
}

/// A place that both sides changed, each in its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub base: String,
    pub mine: String,
    pub theirs: String,
    /// The line of its first mark in the text with marks, counted from 0.
    pub line: usize,
}

const MARK_MINE: &str = "<<<<<<< mine";
const MARK_BASE: &str = "||||||| base";
const MARK_MIDDLE: &str = "=======";
const MARK_THEIRS: &str = ">>>>>>> theirs";

/// Merges two texts that came from one.
pub fn three_way(base: &str, mine: &str, theirs: &str) -> Merge {
    if mine == theirs || theirs == base {
        return Merge::Clean(mine.to_owned());
    }
    if mine == base {
        return Merge::Clean(theirs.to_owned());
    }
    let (base, mine, theirs) = (lines(base), lines(mine), lines(theirs));
    let eol = if mine.iter().filter(|line| line.ends_with("\r\n")).count() * 2 > mine.len() { "\r\n" } else { "\n" };
    let mut merged = Merged { text: String::new(), eol, conflicts: Vec::new() };
    let mut at = Position::default();
    for region in regions(&changes(&base, &mine), &changes(&base, &theirs)) {
        // Up to the region nobody changed anything.
        let untouched = region.base.start - at.base;
        merged.take(&base[at.base..region.base.start]);
        let mine_start = at.mine + untouched;
        let theirs_start = at.theirs + untouched;
        at = Position {
            base: region.base.end,
            mine: mine_start.saturating_add_signed(region.base.len() as isize + region.mine_growth),
            theirs: theirs_start.saturating_add_signed(region.base.len() as isize + region.theirs_growth),
        };
        merged.decide(&base[region.base], &mine[mine_start..at.mine], &theirs[theirs_start..at.theirs]);
    }
    merged.take(&base[at.base..]);
    match merged.conflicts.is_empty() {
        true => Merge::Clean(merged.text),
        false => Merge::Conflicts { text_with_markers: merged.text, hunks: merged.conflicts },
    }
}

/// Whether a text still has marks of a conflict in it.
pub fn has_markers(text: &str) -> bool {
    text.lines().any(|line| line == MARK_MINE || line == MARK_THEIRS)
}

#[derive(Default)]
struct Position {
    base: usize,
    mine: usize,
    theirs: usize,
}

struct Merged {
    text: String,
    eol: &'static str,
    conflicts: Vec<Conflict>,
}

impl Merged {
    fn take(&mut self, lines: &[&str]) {
        self.text.extend(lines.iter().copied());
    }

    fn decide(&mut self, base: &[&str], mine: &[&str], theirs: &[&str]) {
        if mine == theirs || theirs == base {
            return self.take(mine);
        }
        if mine == base {
            return self.take(theirs);
        }
        // What both begin and end with alike is no matter of dispute.
        let before = mine.iter().zip(theirs).take_while(|(a, b)| a == b).count();
        let rest = mine.len().min(theirs.len()) - before;
        let after = mine.iter().rev().zip(theirs.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
        self.take(&mine[..before]);
        let conflict = Conflict {
            base: base.concat(),
            mine: mine[before..mine.len() - after].concat(),
            theirs: theirs[before..theirs.len() - after].concat(),
            line: self.text.bytes().filter(|b| *b == b'\n').count(),
        };
        for (mark, side) in [(MARK_MINE, Some(&conflict.mine)), (MARK_BASE, Some(&conflict.base)), (MARK_MIDDLE, Some(&conflict.theirs))] {
            self.mark(mark);
            self.text.push_str(side.map_or("", String::as_str));
        }
        self.mark(MARK_THEIRS);
        self.conflicts.push(conflict);
        self.take(&mine[mine.len() - after..]);
    }

    /// A mark on a line of its own.
    fn mark(&mut self, mark: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push_str(self.eol);
        }
        self.text.push_str(mark);
        self.text.push_str(self.eol);
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Lines of the base that a side replaced, and by how many more.
struct Changed {
    base: Range<usize>,
    growth: isize,
}

fn changes(base: &[&str], side: &[&str]) -> Vec<Changed> {
    let ops = capture_diff_slices(Algorithm::Myers, base, side);
    let changed = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changed.map(|op| Changed { base: op.old_range(), growth: op.new_range().len() as isize - op.old_range().len() as isize }).collect()
}

/// Lines of the base that one side or both changed, and by how many lines each made them grow.
struct Region {
    base: Range<usize>,
    mine_growth: isize,
    theirs_growth: isize,
}

/// Joins the changes of both sides that overlap or touch.
fn regions(mine: &[Changed], theirs: &[Changed]) -> Vec<Region> {
    let mut all: Vec<_> = mine.iter().map(|c| (c, c.growth, 0)).chain(theirs.iter().map(|c| (c, 0, c.growth))).collect();
    all.sort_by_key(|(changed, ..)| (changed.base.start, changed.base.end));
    let mut regions: Vec<Region> = Vec::new();
    for (changed, mine_growth, theirs_growth) in all {
        match regions.last_mut() {
            Some(last) if changed.base.start <= last.base.end => {
                last.base.end = last.base.end.max(changed.base.end);
                last.mine_growth += mine_growth;
                last.theirs_growth += theirs_growth;
            }
            _ => regions.push(Region { base: changed.base.clone(), mine_growth, theirs_growth }),
        }
    }
    regions
}

/// How a line stands to two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiffKind {
    Same,
    Removed,
    Added,
}

/// A line of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub kind: DiffKind,
    /// Without its ending.
    pub text: String,
}

/// The lines of both texts in order, removed ones before those added in their place. Empty for two empty texts. Two lines that differ
/// in nothing but their ending are a removed and an added one.
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let (old, new) = (lines(old), lines(new));
    let mut out = Vec::with_capacity(old.len().max(new.len()));
    let mut push = |kind, lines: &[&str]| {
        out.extend(lines.iter().map(|line| {
            let text = line.strip_suffix('\n').unwrap_or(line);
            DiffLine { kind, text: text.strip_suffix('\r').unwrap_or(text).to_owned() }
        }));
    };
    for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
        match op {
            DiffOp::Equal { new_index, len, .. } => push(DiffKind::Same, &new[new_index..new_index + len]),
            _ => {
                push(DiffKind::Removed, &old[op.old_range()]);
                push(DiffKind::Added, &new[op.new_range()]);
            }
        }
    }
    out
}

/// The parts of a diff worth showing: changed lines with so many unchanged ones around them. Empty when nothing changed.
pub fn around_changes(lines: &[DiffLine], context: usize) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| line.kind != DiffKind::Same) {
        let (start, end) = (index.saturating_sub(context), (index + 1).saturating_add(context).min(lines.len()));
        match parts.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => parts.push(start..end),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(base: &str, mine: &str, theirs: &str) -> String {
        match three_way(base, mine, theirs) {
            Merge::Clean(text) => text,
            Merge::Conflicts { text_with_markers, .. } => panic!("{text_with_markers}"),
        }
    }

    #[test]
    fn changes_in_different_places_go_together() {
        assert_eq!(clean("a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nD\ne\n"), "A\nb\nc\nD\ne\n");
        assert_eq!(clean("a\r\nb\r\nc", "a\r\nb\r\nC", "x\r\nb\r\nc"), "x\r\nb\r\nC");
        assert_eq!(clean("a\nb\nc\n", "b\nc\n", "a\nb\n"), "b\n");
    }

    #[test]
    fn the_same_change_on_both_sides_is_one() {
        assert_eq!(clean("a\nb\nc\nd\n", "a\nx\nc\nd\n", "a\nx\nc\nD\n"), "a\nx\nc\nD\n");
    }

    #[test]
    fn a_place_both_changed_is_a_conflict_with_all_three_texts() {
        let merge = three_way("a\nb\nc\n", "a\nmine\nc\n", "a\ntheirs\nc\n");
        let hunk = Conflict { base: "b\n".into(), mine: "mine\n".into(), theirs: "theirs\n".into(), line: 1 };
        let text = "a\n<<<<<<< mine\nmine\n||||||| base\nb\n=======\ntheirs\n>>>>>>> theirs\nc\n";
        assert_eq!(merge, Merge::Conflicts { text_with_markers: text.into(), hunks: vec![hunk] });
        assert!(has_markers(text));
        assert!(!has_markers("a <<<<<<< mine\n=======\n"));
    }

    #[test]
    fn marks_stand_on_lines_of_their_own_in_the_endings_of_the_text() {
        let Merge::Conflicts { text_with_markers, hunks } = three_way("a\r\nb\r\nc", "a\r\nb\r\nmine", "a\r\nb\r\ntheirs") else {
            panic!()
        };
        let text = "a\nb\n<<<<<<< mine\nmine\n||||||| base\nc\n=======\ntheirs\n>>>>>>> theirs\n";
        assert_eq!(text_with_markers, text.replace('\n', "\r\n"));
        assert_eq!((hunks[0].mine.as_str(), hunks[0].theirs.as_str()), ("mine", "theirs"));
    }

    #[test]
    fn a_deletion_against_a_change_is_a_conflict() {
        assert!(matches!(three_way("a\nb\nc\n", "a\nc\n", "a\nB\nc\n"), Merge::Conflicts { .. }));
        assert!(matches!(three_way("a\nb\n", "a\nx\nb\n", "a\ny\nb\n"), Merge::Conflicts { .. }));
    }

    #[test]
    fn what_both_sides_share_is_left_out_of_the_conflict() {
        let Merge::Conflicts { hunks, .. } = three_way("a\n", "x\nmine\ny\n", "x\ntheirs\ny\n") else { panic!() };
        assert_eq!((hunks[0].mine.as_str(), hunks[0].theirs.as_str(), hunks[0].line), ("mine\n", "theirs\n", 1));
    }

    #[test]
    fn a_diff_shows_removed_lines_before_added_ones() {
        let shown: String = diff("a\nb\r\nc", "a\nB\nc").iter().map(|line| format!("{:?} {};", line.kind, line.text)).collect();
        assert_eq!(shown, "Same a;Removed b;Added B;Same c;");
        assert_eq!(diff("", ""), []);
        assert_eq!(diff("a", "a\n").len(), 2);
    }

    #[test]
    fn a_long_diff_is_shown_around_its_changes() {
        let old: String = (0..30).map(|n| format!("{n}\n")).collect();
        let lines = diff(&old, &old.replace("5\n", "five\n").replace("20\n", ""));
        let parts = around_changes(&lines, 1);
        let shown: Vec<Vec<&str>> = parts.into_iter().map(|part| lines[part].iter().map(|line| line.text.as_str()).collect()).collect();
        assert_eq!(shown[0], ["4", "5", "five", "6"]);
        assert!(around_changes(&diff("a\n", "a\n"), 3).is_empty());
    }

    fn text() -> impl Strategy<Value = String> {
        let line =
            prop::sample::select(vec!["a\n", "b\n", "c\r\n", "\n", "- [ ] x\n", "<<<<<<< mine\n", "é", "שלום\r\n", "a", "d\n", "e\n"]);
        prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn one_side_alone_is_taken_whole(base in text(), side in text()) {
            prop_assert_eq!(three_way(&base, &side, &base), Merge::Clean(side.clone()));
            prop_assert_eq!(three_way(&base, &base, &side), Merge::Clean(side.clone()));
            prop_assert_eq!(three_way(&base, &side, &side), Merge::Clean(side));
        }

        #[test]
        fn a_merge_is_the_same_from_both_sides(base in text(), mine in text(), theirs in text()) {
            match (three_way(&base, &mine, &theirs), three_way(&base, &theirs, &mine)) {
                (Merge::Clean(one), Merge::Clean(other)) => prop_assert_eq!(one, other),
                (Merge::Conflicts { hunks: one, .. }, Merge::Conflicts { hunks: other, .. }) => {
                    let turned: Vec<_> = other.iter().map(|c| (&c.base, &c.theirs, &c.mine)).collect();
                    prop_assert_eq!(one.iter().map(|c| (&c.base, &c.mine, &c.theirs)).collect::<Vec<_>>(), turned);
                }
                _ => prop_assert!(false, "clean from one side only"),
            }
        }

        #[test]
        fn changes_apart_from_each_other_never_conflict(
            common in prop::collection::vec("[a-z]{1,4}", 3..8), at_start in text(), at_end in text(),
        ) {
            let common: String = common.iter().enumerate().map(|(n, word)| format!("{n}{word}\n")).collect();
            let at_start = if at_start.is_empty() || at_start.ends_with('\n') { at_start } else { format!("{at_start}\n") };
            let merged = three_way(&common, &format!("{at_start}{common}"), &format!("{common}{at_end}"));
            prop_assert_eq!(merged, Merge::Clean(format!("{at_start}{common}{at_end}")));
        }

        #[test]
        fn every_conflict_is_found_where_it_says(base in text(), mine in text(), theirs in text()) {
            if let Merge::Conflicts { text_with_markers, hunks } = three_way(&base, &mine, &theirs) {
                for hunk in hunks {
                    prop_assert_eq!(text_with_markers.lines().nth(hunk.line), Some(MARK_MINE));
                    prop_assert!(mine.contains(&hunk.mine) && theirs.contains(&hunk.theirs) && base.contains(&hunk.base));
                }
            }
        }

        #[test]
        fn a_diff_holds_both_texts(old in text(), new in text()) {
            let lines = diff(&old, &new);
            let side = |but| lines.iter().filter(|l| l.kind != but).map(|l| l.text.as_str()).collect::<Vec<_>>();
            prop_assert_eq!(side(DiffKind::Added), old.lines().collect::<Vec<_>>());
            prop_assert_eq!(side(DiffKind::Removed), new.lines().collect::<Vec<_>>());
        }
    }
}
