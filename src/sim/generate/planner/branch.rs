//! The branch of a pull request: draft or not, its commits, and each push until the merge.
//!
//! Limits: files of its own, so that no two pull requests conflict.

use jiff::{SignedDuration, Timestamp};

use super::{Pace, Planner};
use crate::sim::generate::dice::whole_second;
use crate::sim::generate::plan::Nature;
use crate::sim::generate::request::{Act, Commit, Drafting, Edit, Request, Step};
use crate::sim::generate::words;
use crate::sim::world::PrState;

impl Planner<'_> {
    /// Draft, creation, coding: all that lies before readiness.
    pub(super) fn before_ready(&mut self, request: &mut Request, ready: Timestamp, pace: &Pace) {
        let mut created = ready;
        match request.wish.drafting {
            Drafting::Never | Drafting::Still => {}
            Drafting::Published => {
                request.acts.push((ready, Act::Draft { is_draft: false }));
                created = self.earlier(ready, 1100, pace);
            }
            Drafting::Twice => {
                request.acts.push((ready, Act::Draft { is_draft: false }));
                let again = self.earlier(ready, 300, pace);
                request.acts.push((again, Act::Draft { is_draft: true }));
                let published = self.earlier(again, 300, pace);
                request.acts.push((published, Act::Draft { is_draft: false }));
                created = self.earlier(published, 600, pace);
            }
        }
        if request.wish.long_lived {
            created -= self.dice.minutes(24 * 60 * 50, 24 * 60 * 170);
            // Open all the time: it was ready when it was created.
            if request.wish.drafting == Drafting::Never {
                request.ready = Some(created);
            }
        }
        request.created = created;
        self.write_commits(request, pace);
        let is_draft_first = matches!(request.wish.drafting, Drafting::Published | Drafting::Twice | Drafting::Still);
        request.is_draft = is_draft_first && request.state == PrState::Active;
    }

    /// The branch: commits before the creation, and one or two with each later push.
    fn write_commits(&mut self, request: &mut Request, pace: &Pace) {
        let created = request.created;
        let first = whole_second(self.earlier(created, pace.coding, pace));
        let is_bot = matches!(request.wish.nature, Nature::ServiceBot | Nature::ListedBot);
        let count = if pace.hurried || is_bot { 1 } else { 1 + self.dice.below(5) + self.dice.below(5) };
        request.branched = first - self.dice.minutes(2, 90);
        let mut initial = self.commits(request, first, created, count);
        if request.wish.stale {
            let long = SignedDuration::from_hours(24 * self.dice.between(100, 320));
            for commit in initial.iter_mut().take(2) {
                commit.authored = whole_second(commit.authored - long);
            }
        }
        request.steps.sort_by_key(|step| step.at);
        let mut steps = vec![Step { at: created, commits: initial.len() }];
        if request.wish.amended {
            let next = request.acts.iter().map(|(at, _)| *at).chain(request.steps.iter().map(|step| step.at)).chain(request.closed).min();
            let at = self.between(created, next.unwrap_or(self.start));
            let from = whole_second(self.between(created, at)) + SignedDuration::from_secs(1);
            // Only if there is room after the creation: else nothing was amended.
            if from + SignedDuration::from_secs(3) < at {
                let rewritten = self.commits(request, from, at, initial.len());
                request.discarded = std::mem::replace(&mut initial, rewritten);
                steps.push(Step { at, commits: initial.len() });
            }
        }
        request.commits = initial;
        for step in std::mem::take(&mut request.steps) {
            let count = 1 + self.dice.below(2);
            let from = step.at - self.dice.minutes(2, 25);
            let last = steps.last().map_or(created, |step| step.at);
            let more = self.commits(request, whole_second(from.max(last)), step.at, count);
            request.commits.extend(more);
            steps.push(Step { at: step.at, commits: request.commits.len() });
        }
        request.steps = steps;
    }

    /// `count` commits from `first` until before `until`.
    fn commits(&mut self, request: &Request, first: Timestamp, until: Timestamp, count: usize) -> Vec<Commit> {
        let room = until.duration_since(first) - SignedDuration::from_secs(1);
        let pause = room / i32::try_from(count + 1).unwrap_or(i32::MAX);
        let mut at = first;
        (0..count)
            .map(|turn| {
                let message = match (turn, request.wish.nature) {
                    (0, Nature::Revert) => format!("{}\n\nThis reverts an earlier commit.", request.title),
                    (0, _) => request.title.clone(),
                    _ => words::step(&mut self.dice).to_owned(),
                };
                let commit = Commit {
                    author: request.author,
                    authored: whole_second(at),
                    committed: whole_second(at),
                    message,
                    edits: self.edits(turn, request.state),
                };
                at += pause;
                commit
            })
            .collect()
    }

    /// New files of its own, so that no two pull requests conflict; now and then an old file is changed or removed.
    pub fn edits(&mut self, turn: usize, state: PrState) -> Vec<Edit> {
        let mut edits = Vec::new();
        let folder = self.dice.pick(&["src", "tests", "docs"]);
        let module = words::module(&mut self.dice);
        let ending = if folder == "docs" { "md" } else { "rs" };
        self.serial += 1;
        edits.push(Edit::Write { path: format!("{folder}/{module}_{}.{ending}", self.serial) });
        if state == PrState::Completed && turn == 0 {
            let old = format!("src/{}.rs", words::module(&mut self.dice));
            edits.push(Edit::Write { path: old });
            if self.dice.chance(5) {
                edits.push(Edit::Delete { path: format!("docs/{}.md", words::module(&mut self.dice)) });
            }
        }
        edits
    }
}
