//! Plans the life of a pull request: when it was begun, opened, looked at, approved and merged.
//!
//! Limits: instants are planned backwards from the end (or forwards, while it is open), so that each phase has a plausible length.

mod branch;
mod review;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::dice::Dice;
use super::layout::Place;
use super::people::People;
use super::plan::Nature;
use super::request::{Act, Drafting, Link, Request, Wish};
use super::words;
use crate::sim::world::PrState;

/// Plans pull requests of one place.
pub(super) struct Planner<'a> {
    pub place: &'a Place,
    pub index: usize,
    pub people: &'a People,
    pub start: Timestamp,
    pub dice: Dice,
    /// Tickets and files get numbers that do not come twice in a place.
    pub serial: u32,
}

/// Medians of the phases, in minutes.
struct Pace {
    merge_wait: i64,
    review: i64,
    pickup: i64,
    coding: i64,
    hurried: bool,
}

const USUAL: Pace = Pace { merge_wait: 45, review: 260, pickup: 190, coding: 520, hurried: false };
const HURRIED: Pace = Pace { merge_wait: 4, review: 12, pickup: 6, coding: 25, hurried: true };

impl Planner<'_> {
    /// One that was merged at `closed`.
    pub fn completed(&mut self, wish: Wish, closed: Timestamp, reverted: Option<(usize, &str)>) -> Request {
        let pace = if matches!(wish.nature, Nature::Hotfix | Nature::Revert) { HURRIED } else { USUAL };
        let author = self.author(wish.nature);
        let mut request = self.blank(wish, author, PrState::Completed, reverted);
        request.closed = Some(closed);
        let reviewed_from = self.review(&mut request, closed, &pace);
        let ready = self.earlier(reviewed_from, pace.pickup, &pace);
        request.ready = Some(ready);
        self.beside_the_review(&mut request, ready, closed);
        self.before_ready(&mut request, ready, &pace);
        request.closed_by = Some(if request.wish.auto_complete || self.dice.chance(70) {
            request.author
        } else {
            request.reviewers.iter().find(|(who, vote)| *vote > 0 && self.is_human(*who)).map_or(request.author, |(who, _)| *who)
        });
        request.acts.sort_by_key(|(at, _)| *at);
        request
    }

    /// One that was given up at `closed`.
    pub fn abandoned(&mut self, wish: Wish, closed: Timestamp) -> Request {
        let author = self.author(wish.nature);
        let mut request = self.blank(wish, author, PrState::Abandoned, None);
        request.closed = Some(closed);
        request.closed_by = Some(author);
        let mut begin = self.earlier(closed, 900, &USUAL);
        if self.dice.chance(60) {
            let by = self.reviewers(author, 1)[0];
            request.reviewers.push((by, 0));
            self.remark(&mut request, begin, by, closed);
            request.first_review = Some(begin);
            begin = self.earlier(begin, 300, &USUAL);
        }
        request.ready = Some(begin);
        self.before_ready(&mut request, begin, &USUAL);
        request.acts.sort_by_key(|(at, _)| *at);
        request
    }

    /// One that is still open, `age` after its creation; `turn` says in which situation.
    pub fn active(&mut self, wish: Wish, age: SignedDuration, turn: usize) -> Request {
        let author = self.author(wish.nature);
        let mut request = self.blank(wish, author, PrState::Active, None);
        let created = self.start - age;
        let is_draft = request.wish.drafting == Drafting::Still;
        self.before_ready(&mut request, created, &USUAL);
        request.is_draft = is_draft;
        request.ready = (!is_draft).then_some(created);
        let asked = self.reviewers(author, 2);
        request.reviewers = asked.iter().map(|who| (*who, 0)).collect();
        let share = |percent: i32| created + age * percent / 100;
        if !is_draft {
            let by = asked[0];
            let vote = match turn % 6 {
                0 => Some(10),
                1 => Some(-10),
                2 => Some(-5),
                _ => None,
            };
            if turn % 6 < 4 {
                let at = share(40);
                self.remark(&mut request, at, by, share(95));
                request.first_review = Some(at);
            }
            if let Some(vote) = vote {
                request.acts.push((share(55), Act::Vote { by, vote }));
                request.reviewers[0].1 = vote;
                if vote > 0 {
                    request.approvals.push(share(55));
                }
            }
        }
        request.acts.sort_by_key(|(at, _)| *at);
        request
    }

    fn blank(&mut self, wish: Wish, author: Uuid, state: PrState, reverted: Option<(usize, &str)>) -> Request {
        self.serial += 1;
        let serial = self.serial;
        let key = format!("{}-{}", self.place.ticket_prefix, 100 * (self.index + 1) + usize::try_from(serial).unwrap_or(0));
        let mut title = words::title(&mut self.dice);
        let branch = match wish.nature {
            Nature::Revert => {
                title = format!("Revert \"{}\"", reverted.map_or("the last change", |(_, title)| title));
                format!("revert/{serial}-{}", words::slug(&title))
            }
            Nature::Hotfix => format!("hotfix/{serial}-{}", words::slug(&title)),
            Nature::ServiceBot | Nature::ListedBot => {
                let (bump, what) = words::bump(&mut self.dice);
                title = bump;
                format!("deps/{what}-{serial}")
            }
            _ if wish.link == Link::Branch => {
                let slug = words::slug(&title);
                title = format!("{key} {title}");
                format!("feature/{key}-{slug}")
            }
            _ => format!("users/{serial}/{}", words::slug(&title)),
        };
        let description = format!("{title}.\n\nSee the remarks in the code; tested by hand on staging.");
        Request {
            place: self.index,
            wish,
            state,
            author,
            title,
            description,
            branch,
            is_draft: false,
            reviewers: Vec::new(),
            commits: Vec::new(),
            discarded: Vec::new(),
            steps: Vec::new(),
            branched: self.start,
            created: self.start,
            ready: None,
            first_review: None,
            approvals: Vec::new(),
            closed: None,
            closed_by: None,
            acts: Vec::new(),
            reverts: reverted.map(|(index, _)| index),
            id: 0,
            work_item: None,
            base: 0,
            merged: None,
        }
    }

    fn author(&mut self, nature: Nature) -> Uuid {
        match nature {
            Nature::ServiceBot => self.people.build_service,
            Nature::ListedBot => self.people.bot,
            _ => self.dice.pick(&self.place.team),
        }
    }

    fn is_human(&self, who: Uuid) -> bool {
        self.place.team.contains(&who)
    }

    /// People of the team other than the author, all different.
    fn reviewers(&mut self, author: Uuid, count: usize) -> Vec<Uuid> {
        let mut others: Vec<Uuid> = self.place.team.iter().copied().filter(|who| *who != author).collect();
        self.dice.shuffle(&mut others);
        others.truncate(count);
        others
    }

    /// Before `at`, by about so many minutes, at work unless it is urgent.
    fn earlier(&mut self, at: Timestamp, median: i64, pace: &Pace) -> Timestamp {
        let earlier = at - self.dice.about(median);
        if pace.hurried { earlier } else { self.dice.at_work(earlier) }
    }

    fn remark(&mut self, request: &mut Request, at: Timestamp, by: Uuid, until: Timestamp) {
        let reply = self.dice.chance(60).then(|| {
            let when = self.between(at, until);
            (when, words::reply(&mut self.dice).to_owned())
        });
        let text = words::remark(&mut self.dice).to_owned();
        let is_open = request.state == PrState::Active && self.dice.chance(60);
        request.acts.push((at, Act::Comment { by, text, reply, is_deleted: false, is_open }));
    }

    /// An instant inside, to 100 ns; `from` itself if there is no room.
    fn between(&mut self, from: Timestamp, until: Timestamp) -> Timestamp {
        let ticks = i64::try_from(until.duration_since(from).as_nanos() / 100).unwrap_or(0);
        if ticks <= 2 { from } else { from + SignedDuration::from_nanos(self.dice.between(1, ticks - 1) * 100) }
    }
}
