//! Who looked at a pull request, what they said and how they voted, backwards from its merge.
//!
//! Limits: at most three people of the team, and the machines beside them.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Pace, Planner};
use crate::sim::generate::request::{Act, Request, Step, Style};

impl Planner<'_> {
    /// Plans the review backwards from the merge; answers the instant before which it became ready.
    pub(super) fn review(&mut self, request: &mut Request, closed: Timestamp, pace: &Pace) -> Timestamp {
        let style = request.wish.style;
        let asked = self.reviewers(request.author, 3);
        let required = self.place.required;
        match style {
            Style::Unreviewed => {
                request.reviewers.push((asked[0], 0));
                closed
            }
            Style::LateRemark => {
                let after = closed + self.dice.minutes(5, 400);
                if after < self.start - SignedDuration::from_mins(5) {
                    self.remark(request, after, asked[0], self.start);
                }
                request.reviewers.push((asked[0], 0));
                closed
            }
            Style::SelfVote => {
                let at = self.earlier(closed, pace.merge_wait, pace);
                request.acts.push((at, Act::Vote { by: request.author, vote: 10 }));
                request.reviewers.push((request.author, 10));
                at
            }
            Style::Undated => {
                request.reviewers.push((asked[0], 10));
                closed
            }
            Style::Plain | Style::Rework | Style::BotFirst | Style::DeletedRemark | Style::Withdrawn => {
                let merge_wait = if request.wish.auto_complete { 2 } else { pace.merge_wait };
                let mut first = closed;
                let given = if required == 1 && self.dice.chance(15) { 2 } else { required };
                for (turn, by) in asked.iter().take(given).enumerate() {
                    first = if turn == 0 { self.earlier(first, merge_wait, pace) } else { self.earlier(first, 80, pace) };
                    request.acts.push((first, Act::Vote { by: *by, vote: 10 }));
                    request.approvals.insert(0, first);
                    request.reviewers.push((*by, 10));
                }
                self.until_the_first_approval(request, first, &asked, pace)
            }
        }
    }

    fn until_the_first_approval(&mut self, request: &mut Request, approved: Timestamp, asked: &[Uuid], pace: &Pace) -> Timestamp {
        let mut first = approved;
        match request.wish.style {
            Style::Rework => {
                for _ in 0..self.dice.between(1, 2) {
                    let pushed = self.earlier(first, 110, pace);
                    let refused = self.earlier(pushed, 240, pace);
                    let vote = if self.dice.chance(25) { -10 } else { -5 };
                    request.acts.push((refused, Act::Vote { by: asked[0], vote }));
                    request.steps.push(Step { at: pushed, commits: 0 });
                    first = refused;
                }
                let at = first + SignedDuration::from_secs(5);
                self.remark(request, at, asked[0], approved);
            }
            Style::Withdrawn => {
                let withdrawn = self.earlier(first, 60, pace);
                let given = self.earlier(withdrawn, 60, pace);
                let by = asked.last().copied().unwrap_or(asked[0]);
                request.acts.push((given, Act::Vote { by, vote: 10 }));
                request.acts.push((withdrawn, Act::Vote { by, vote: 0 }));
                request.reviewers.push((by, 0));
                // Somebody who approved in the end as well has said it twice, and the last word counts.
                if asked.iter().take(request.approvals.len()).any(|who| *who == by) {
                    request.reviewers.pop();
                }
                first = given;
            }
            _ if self.dice.chance(65) || request.wish.style == Style::DeletedRemark => {
                let remarked = self.earlier(first, pace.review, pace);
                self.remark(request, remarked, asked[0], approved);
                for _ in 0..self.dice.below(3) {
                    let at = self.between(remarked, approved);
                    let by = self.dice.pick(asked);
                    self.remark(request, at, by, approved);
                }
                if self.dice.chance(45) {
                    let at = self.between(remarked, approved);
                    request.steps.push(Step { at, commits: 0 });
                }
                first = remarked;
            }
            _ => {}
        }
        request.first_review = Some(first);
        first
    }

    /// What bots and the author do between readiness and the merge.
    pub(super) fn beside_the_review(&mut self, request: &mut Request, ready: Timestamp, closed: Timestamp) {
        let until = request.first_review.unwrap_or(closed);
        if request.wish.style == Style::BotFirst {
            let soon = self.between(ready, until);
            request.acts.push((soon, Act::Vote { by: self.people.bot, vote: 10 }));
            request.reviewers.push((self.people.bot, 10));
            let text = format!("Coverage is {}.{} %.", self.dice.between(60, 95), self.dice.below(10));
            request.acts.push((soon, comment(self.people.build_service, &text)));
        }
        if request.wish.style == Style::DeletedRemark {
            let at = self.between(ready, until);
            let by = self.reviewers(request.author, 1)[0];
            let mut gone = comment(by, "Never mind.");
            if let Act::Comment { is_deleted, .. } = &mut gone {
                *is_deleted = true;
            }
            request.acts.push((at, gone));
        }
        if request.wish.auto_complete {
            let at = self.between(ready, closed);
            request.acts.push((at, Act::AutoComplete));
        }
        if request.wish.group {
            let vote = if request.approvals.is_empty() { 0 } else { 10 };
            request.reviewers.push((self.place.group, vote));
        }
    }
}

fn comment(by: Uuid, text: &str) -> Act {
    Act::Comment { by, text: text.to_owned(), reply: None, is_deleted: false, is_open: false }
}
