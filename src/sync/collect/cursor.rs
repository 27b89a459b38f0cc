//! How far a source of a project is collected: what each unit of it covers, and where the pass under way is. Pure.
//!
//! A unit is what is read page after page: a listing, an environment's records, a repository's commits. The text of a cursor is written
//! in the transaction of the page that it stands for, so that a process that is killed goes on after the last page that it kept.
//!
//! A pass that was begun long ago is not gone on with as if it had begun now: what it was done with is read on from there, so that what
//! keeps one unit from its end keeps no other from what is new. A time that is still to come was noted by a clock that went wrong: how
//! far a unit was read then, nobody knows, so that it is read from the beginning.
//!
//! Limits: a cursor that cannot be read counts as none: everything is read again, which changes nothing that is known already. A clock
//! that is always more than [`OVERLAP`] ahead of the service's leaves gaps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What is asked for again before the end of what is covered: clocks differ, and lists lag behind.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// How far back lists are read again for what can be read once more: two windows of figures.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 60);

/// A pass that was cut off is gone on with for so long.
const AGED: SignedDuration = SignedDuration::from_mins(15);

/// How far a source is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// When the pass under way began; absent between passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pass: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    units: BTreeMap<String, Unit>,
    /// When something was last looked at, for what is not looked at in every pass.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    looked: BTreeMap<String, Timestamp>,
    /// What could not be found any more, and is not asked for again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    gone: BTreeSet<String>,
    /// What could be read in the last pass, for lists that leave out what can't be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<BTreeSet<String>>,
    /// What was not there when it was asked for, and may only be hidden.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    hidden: BTreeSet<String>,
}

/// How far a unit is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Unit {
    /// What is covered, from and to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    covered: Option<(Timestamp, Timestamp)>,
    /// Where the pass under way is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Place>,
}

/// Where a pass is within a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What is read begins here.
    pub since: Timestamp,
    /// The page to ask for next, in the words of the listing (rows to skip, or a continuation token); absent for the first.
    pub next: Option<String>,
    /// When the first page was asked for, of a unit that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Timestamp>,
}

impl Place {
    fn first(since: Timestamp) -> Self {
        Self { since, next: None, begun: None }
    }
}

/// What a page of a unit led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There is another page.
    Next(String),
    Done,
}

impl Cursor {
    pub fn read(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    pub fn write(&self) -> String {
        // Times and texts: nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// When the pass under way began.
    pub fn pass(&self) -> Option<Timestamp> {
        self.pass
    }

    /// Goes on with the pass under way, or begins one; when it began.
    pub fn begin(&mut self, now: Timestamp) -> Timestamp {
        let is_to_come = |at: Timestamp| at > now + OVERLAP;
        for unit in self.units.values_mut() {
            unit.covered = unit.covered.filter(|(_, ends)| !is_to_come(*ends));
            unit.at = unit.at.take().filter(|at| !at.begun.is_some_and(is_to_come));
        }
        self.looked.retain(|_, at| !is_to_come(*at));
        let is_good = |begun: &Timestamp| !is_to_come(*begun) && now.duration_since(*begun) < AGED;
        let begun = self.pass.filter(is_good).unwrap_or(now);
        self.pass = Some(begun);
        begun
    }

    /// Takes note of what can be read now. Where something can that could not when the units were read, the last [`BACK`] of them is read
    /// again: what lists left out then, they do not bring up by themselves.
    pub fn see(&mut self, readable: BTreeSet<String>, now: Timestamp) {
        if self.seen.as_ref().is_some_and(|seen| !readable.is_subset(seen)) {
            for unit in self.units.values_mut() {
                unit.covered = unit.covered.map(|(begins, ends)| (begins, ends.min(now - BACK)));
                unit.at = None;
            }
        }
        self.seen = Some(readable);
    }

    /// The pass is over.
    pub fn end(&mut self) {
        self.pass = None;
        for unit in self.units.values_mut() {
            unit.at = None;
        }
    }

    /// Where to go on with a unit, whose facts are wanted since `from`; nothing where the pass under way is done with it.
    pub fn place(&self, unit: &str, from: Timestamp) -> Option<Place> {
        let Some(known) = self.units.get(unit) else { return Some(Place::first(from)) };
        if let Some(at) = known.at.as_ref().filter(|at| at.next.is_some()) {
            return Some(at.clone());
        }
        match known.covered {
            Some((begins, ends)) if begins <= from => {
                let is_done = self.pass.is_some_and(|begun| ends >= begun);
                (!is_done).then(|| Place::first((ends - OVERLAP).max(from)))
            }
            // Never read, or not as far back as is wanted now.
            _ => Some(Place::first(from)),
        }
    }

    /// Whether a unit was read from `from` to its end once.
    pub fn covers(&self, unit: &str, from: Timestamp) -> bool {
        self.units.get(unit).is_some_and(|known| known.at.is_none() && known.covered.is_some_and(|(begins, _)| begins <= from))
    }

    /// Takes over what a page led to.
    pub fn step(&mut self, unit: &str, place: &Place, from: Timestamp, step: Step) {
        let begun = place.begun.or(self.pass);
        let unit = self.units.entry(unit.to_owned()).or_default();
        match step {
            Step::Next(next) => unit.at = Some(Place { since: place.since, next: Some(next), begun }),
            Step::Done => {
                unit.at = None;
                let begins = unit.covered.map_or(from, |(begins, _)| begins.min(from));
                unit.covered = begun.map(|begun| (begins, begun)).or(unit.covered);
            }
        }
    }

    /// Starts a unit of the pass under way again: the listing did not know the place any more.
    pub fn restart(&mut self, unit: &str) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.at = None;
        }
    }

    /// Remembers that something was looked at.
    pub fn look(&mut self, what: impl Into<String>, at: Timestamp) {
        self.looked.insert(what.into(), at);
    }

    pub fn looked(&self, what: &str) -> Option<Timestamp> {
        self.looked.get(what).copied()
    }

    /// Remembers what could not be found any more.
    pub fn lose(&mut self, what: impl Into<String>) {
        self.gone.insert(what.into());
    }

    /// Remembers what was not to be seen, until it is again.
    pub fn hide(&mut self, what: impl Into<String>) {
        self.hidden.insert(what.into());
    }

    pub fn show(&mut self, what: &str) {
        self.hidden.remove(what);
    }

    pub fn has_hidden(&self, what: &str) -> bool {
        self.hidden.contains(what)
    }

    pub fn has_lost(&self, what: &str) -> bool {
        self.gone.contains(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn written(cursor: &Cursor) -> Cursor {
        Cursor::read(Some(&cursor.write()))
    }

    #[test]
    fn a_first_pass_reads_everything_and_the_next_one_what_came_since_with_an_overlap() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.begin(at(1000)), at(1000));
        let place = cursor.place("closed", at(0)).unwrap();
        assert_eq!(place, Place::first(at(0)));
        assert!(!cursor.covers("closed", at(0)));
        cursor.step("closed", &place, at(0), Step::Done);
        assert_eq!(cursor.place("closed", at(0)), None, "done in this pass");
        cursor.end();
        cursor = written(&cursor);
        assert!(cursor.covers("closed", at(0)) && cursor.covers("closed", at(5)) && !cursor.covers("closed", at(-5)));
        cursor.begin(at(1015));
        assert_eq!(cursor.place("closed", at(0)).unwrap().since, at(990));
    }

    #[test]
    fn a_pass_that_was_cut_off_goes_on_with_the_next_page_and_when_it_began() {
        let mut cursor = Cursor::default();
        cursor.begin(at(1000));
        let place = cursor.place("finished", at(0)).unwrap();
        cursor.step("finished", &place, at(0), Step::Next("5000".to_owned()));
        let mut again = written(&cursor);
        assert_eq!(again.begin(at(1010)), at(1000));
        let place = again.place("finished", at(0)).unwrap();
        assert_eq!((place.since, place.next.as_deref()), (at(0), Some("5000")));
        again.step("finished", &place, at(0), Step::Done);
        again.end();
        again.begin(at(1600));
        assert_eq!(again.place("finished", at(0)).unwrap().since, at(990), "what came after the pass began is asked for");
    }

    #[test]
    fn a_pass_that_was_cut_off_long_ago_reads_on_to_now_what_it_was_done_with_and_what_it_was_in_the_middle_of() {
        let mut cursor = Cursor::default();
        cursor.begin(at(1000));
        for unit in ["active", "closed"] {
            let place = cursor.place(unit, at(0)).unwrap();
            cursor.step(unit, &place, at(0), if unit == "closed" { Step::Next("990".to_owned()) } else { Step::Done });
        }
        // The laptop slept for a week.
        let now = at(1000 + 7 * 24 * 60);
        let mut again = written(&cursor);
        assert_eq!(again.begin(now), now);
        assert_eq!(again.place("active", at(0)), Some(Place::first(at(990))), "not done with: a week has passed");
        let place = again.place("closed", at(0)).unwrap();
        assert_eq!(place.next.as_deref(), Some("990"), "the rest of what was under way");
        again.step("closed", &place, at(0), Step::Done);
        assert_eq!(again.place("closed", at(0)), Some(Place::first(at(990))), "then what came since its first page");
    }

    #[test]
    fn what_a_clock_noted_that_was_ahead_is_read_again_from_the_beginning() {
        let mut cursor = Cursor::default();
        cursor.begin(at(1000));
        let place = cursor.place("closed", at(0)).unwrap();
        cursor.step("closed", &place, at(0), Step::Done);
        cursor.look("7", at(1000));
        cursor.end();
        let mut a_little = cursor.clone();
        a_little.begin(at(995));
        assert!(a_little.covers("closed", at(0)) && a_little.looked("7").is_some(), "clocks differ by minutes");
        // Set right again, an hour earlier.
        assert_eq!(cursor.begin(at(940)), at(940));
        assert_eq!(cursor.place("closed", at(0)), Some(Place::first(at(0))));
        assert_eq!(cursor.looked("7"), None);
        let place = cursor.place("closed", at(0)).unwrap();
        cursor.step("closed", &place, at(0), Step::Next("5".to_owned()));
        assert_eq!(cursor.begin(at(900)), at(900), "nor is a pass gone on with that is to begin yet");
        assert_eq!(cursor.place("closed", at(0)), Some(Place::first(at(0))));
    }

    #[test]
    fn what_can_be_read_again_has_two_months_of_the_lists_read_again() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let read = |cursor: &mut Cursor, now: i64| {
            cursor.begin(at(now));
            let place = cursor.place("closed", at(0)).unwrap();
            cursor.step("closed", &place, at(0), Step::Done);
            cursor.end();
            place.since
        };
        let (mut cursor, now) = (Cursor::default(), at(1150));
        cursor.see(names(&["1", "2"]), now);
        assert_eq!(read(&mut cursor, 1000), at(0));
        let mut cursor = written(&cursor);
        cursor.see(names(&["1"]), now);
        assert_eq!(read(&mut cursor, 1100), at(990), "what vanished brings nothing");
        cursor.see(names(&["1", "2"]), now);
        assert_eq!(read(&mut cursor, 1200), at(0));
        cursor.see(names(&["1", "2"]), now);
        assert_eq!(read(&mut cursor, 1300), at(1190));
        let year = 365 * 24 * 60;
        assert_eq!(read(&mut cursor, year), at(1290));
        cursor.see(names(&["1", "2", "3"]), at(year));
        assert_eq!(read(&mut cursor, year + 15), at(year - 60 * 24 * 60 - 10), "not all of a year");
    }

    #[test]
    fn reaching_further_back_reads_from_there_and_a_later_beginning_reads_no_more_than_is_wanted() {
        let mut cursor = Cursor::default();
        cursor.begin(at(1000));
        let place = cursor.place("closed", at(500)).unwrap();
        cursor.step("closed", &place, at(500), Step::Done);
        cursor.end();
        cursor.begin(at(1015));
        assert_eq!(cursor.place("closed", at(0)).unwrap().since, at(0));
        assert_eq!(cursor.place("closed", at(1010)).unwrap().since, at(1010));
        let place = cursor.place("closed", at(0)).unwrap();
        cursor.step("closed", &place, at(0), Step::Done);
        cursor.end();
        cursor.begin(at(1030));
        assert_eq!(cursor.place("closed", at(0)).unwrap().since, at(1005));
    }

    #[test]
    fn a_text_that_is_no_cursor_is_none() {
        for text in [None, Some(""), Some("null"), Some("[]"), Some("{\"pass\": 5}"), Some("{\"units\": {\"a\": 1}}")] {
            assert_eq!(Cursor::read(text), Cursor::default(), "{text:?}");
        }
    }

    #[test]
    fn what_is_gone_is_not_asked_for_again() {
        let mut cursor = Cursor::default();
        cursor.lose("3:12");
        let cursor = written(&cursor);
        assert!(cursor.has_lost("3:12") && !cursor.has_lost("3:13"));
    }
}
