//! A pull request as it is planned: every instant of its life is decided before anything of it is made.
//!
//! Limits: instants are planned backwards from the end (or forwards, while it is open), so that each phase has a plausible
//! length; what the service would note by itself follows from the acts.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::dice::{Dice, whole_second};
use super::layout::Place;
use super::people::People;
use super::plan::Nature;
use super::words;
use crate::sim::world::{MergeStrategy, PrState};

/// A commit of a branch or of a direct push.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    pub author: Uuid,
    pub authored: Timestamp,
    pub committed: Timestamp,
    pub message: String,
    pub edits: Vec<Edit>,
}

/// A change of one file, which lies in one folder or at the root.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    Write { path: String },
    Delete { path: String },
}

impl Edit {
    pub fn path(&self) -> &str {
        match self {
            Edit::Write { path } | Edit::Delete { path } => path,
        }
    }
}

/// A push to the branch of a pull request, the first being its creation.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub at: Timestamp,
    /// How many of its commits the branch has from then on.
    pub commits: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    Vote { by: Uuid, vote: i8 },
    Comment { by: Uuid, text: String, reply: Option<(Timestamp, String)>, is_deleted: bool, is_open: bool },
    Draft { is_draft: bool },
    AutoComplete,
}

/// How it comes to its review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Remarks perhaps, then as many approvals as are required, or one more.
    Plain,
    /// Turned down, pushed again, approved.
    Rework,
    /// Merged past the policy, without any review.
    Unreviewed,
    /// The author's own vote is all there is.
    SelfVote,
    /// A bot votes and a build service comments before any person does.
    BotFirst,
    /// A vote of which no thread tells when it was given.
    Undated,
    /// The first remark was deleted.
    DeletedRemark,
    /// An approval that was taken back before another was given.
    Withdrawn,
    /// Nobody looked until after the merge.
    LateRemark,
}

/// Whether it was a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drafting {
    Never,
    Published,
    /// Published, made a draft again, and published again.
    Twice,
    Still,
}

/// How its work item is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// `AB#12` in a commit message.
    Commit,
    /// `#12` in the description.
    Description,
    /// Azure DevOps's own link.
    Artifact,
    /// A ticket key in the name of the branch, which is no work item.
    Branch,
    Nothing,
}

/// What is asked of one pull request.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub nature: Nature,
    pub style: Style,
    pub drafting: Drafting,
    pub strategy: MergeStrategy,
    pub link: Link,
    pub auto_complete: bool,
    /// Author dates long before the branch: a cherry-pick.
    pub stale: bool,
    /// The first commits were replaced by a forced push after the creation.
    pub amended: bool,
    /// Open for months.
    pub long_lived: bool,
    /// The team was asked as a whole.
    pub group: bool,
    pub labels: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub place: usize,
    pub wish: Wish,
    pub state: PrState,
    pub author: Uuid,
    pub title: String,
    pub description: String,
    /// Without `refs/heads/`.
    pub branch: String,
    pub is_draft: bool,
    pub reviewers: Vec<(Uuid, i8)>,
    /// What the branch has at the end.
    pub commits: Vec<Commit>,
    /// What a forced push replaced.
    pub discarded: Vec<Commit>,
    pub steps: Vec<Step>,
    /// When the branch left main.
    pub branched: Timestamp,
    pub created: Timestamp,
    pub ready: Option<Timestamp>,
    pub first_review: Option<Timestamp>,
    /// Approvals by people that were in force at the merge, oldest first.
    pub approvals: Vec<Timestamp>,
    pub closed: Option<Timestamp>,
    pub closed_by: Option<Uuid>,
    pub acts: Vec<(Timestamp, Act)>,
    pub reverts: Option<usize>,
    /// Given when all are known.
    pub id: i32,
    pub work_item: Option<i32>,
    /// The place on main that the branch left from, and the one of its merge.
    pub base: usize,
    pub merged: Option<usize>,
}

impl Request {
    /// The earliest author date of its commits.
    pub fn first_author_date(&self) -> Option<Timestamp> {
        self.commits.iter().map(|commit| commit.authored).min()
    }

    /// The approval that completed the requirement.
    pub fn completing_approval(&self, required: usize) -> Option<Timestamp> {
        self.approvals.get(required.max(1) - 1).copied()
    }

    pub fn was_bypassed(&self, required: usize) -> bool {
        self.state == PrState::Completed && self.wish.style != Style::Undated && self.approvals.len() < required
    }
}

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

    /// Plans the review backwards from the merge; answers the instant before which it became ready.
    fn review(&mut self, request: &mut Request, closed: Timestamp, pace: &Pace) -> Timestamp {
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
    fn beside_the_review(&mut self, request: &mut Request, ready: Timestamp, closed: Timestamp) {
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

    /// Draft, creation, coding: all that lies before readiness.
    fn before_ready(&mut self, request: &mut Request, ready: Timestamp, pace: &Pace) {
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

fn comment(by: Uuid, text: &str) -> Act {
    Act::Comment { by, text: text.to_owned(), reply: None, is_deleted: false, is_open: false }
}
