//! What happened when: the pull requests of the whole organisation, and each repository's main branch, event by event.
//!
//! Limits: history on main is one line; the number of commits in the window is met exactly by the length of direct pushes.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::dice::{Dice, whole_second};
use super::layout::{Flavour, Layout, Place};
use super::plan::Nature;
use super::planner::Planner;
use super::request::{Commit, Drafting, Edit, Link, Request, Style, Wish};
use super::{Scale, Window, words};
use crate::sim::world::{MergeStrategy, PrState};

/// Something that moved main.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub at: Timestamp,
    pub by: Uuid,
    pub what: What,
    /// Whether its run has to reach production at once: something later depends on it.
    pub is_urgent: bool,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Direct {
        commits: Vec<Commit>,
    },
    /// The index of the pull request.
    Merge(usize),
}

/// Everything that happened before pipelines are asked.
#[derive(Debug)]
pub(super) struct History {
    pub requests: Vec<Request>,
    /// By place, in order; the first is the root.
    pub lines: Vec<Vec<Event>>,
}

/// Plans it all.
pub(super) fn plan(layout: &Layout, scale: &Scale, seed: u64, window: Window) -> History {
    let mut dice = Dice::new(seed, "history");
    let mut planners: Vec<Planner<'_>> = layout
        .places
        .iter()
        .enumerate()
        .map(|(index, place)| Planner {
            place,
            index,
            people: &layout.people,
            start: window.start,
            dice: Dice::new(seed, &format!("place {index}")),
            serial: 0,
        })
        .collect();
    let weights = weights(&layout.places, &mut dice);
    let mut requests = Vec::new();
    let mut urgent = vec![Vec::new(); layout.places.len()];
    let active = scale.pull_requests * 13 / 100;
    let abandoned = (scale.pull_requests * 7 / 100).max(3);
    let completed = scale.pull_requests - active - abandoned;
    let spread = |count: usize, dice: &mut Dice| -> Vec<usize> {
        let all = weights.len();
        (0..count).map(|turn| if turn < all && count >= all { turn } else { draw(&weights, dice) }).collect()
    };
    // Merged in the window: ordinary ones first, because reverts and hotfixes follow from one of them.
    let (mut followers, mut turn) = (Vec::new(), 0);
    for (order, place) in spread(completed, &mut dice).into_iter().enumerate() {
        if layout.places[place].flavour.reaches_production() && (order % 15 == 4 || order % 19 == 11) {
            followers.push((place, if order % 15 == 4 { Nature::Hotfix } else { Nature::Revert }));
            continue;
        }
        turn += 1;
        let closed = in_window(&mut planners[place].dice, window);
        let wish = wish(turn, &mut dice);
        requests.push(planners[place].completed(wish, closed, None));
    }
    for (turn, (place, nature)) in followers.into_iter().enumerate() {
        turn_over(&mut requests, &mut planners[place], &mut urgent[place], (turn, nature), window);
    }
    for (turn, place) in spread(abandoned, &mut dice).into_iter().enumerate() {
        let closed = in_window(&mut planners[place].dice, window);
        let wish = Wish { drafting: Drafting::Never, amended: false, ..wish(turn * 3, &mut dice) };
        requests.push(planners[place].abandoned(wish, closed));
    }
    for (turn, place) in spread(active, &mut dice).into_iter().enumerate() {
        let minutes = if turn % 6 == 5 { dice.between(40 * 1440, 280 * 1440) } else { dice.between(30, 12 * 1440) };
        let drafting = if turn % 4 == 1 { Drafting::Still } else { Drafting::Never };
        let wish = Wish { drafting, amended: false, long_lived: false, ..wish(turn * 7, &mut dice) };
        requests.push(planners[place].active(wish, SignedDuration::from_mins(minutes), turn));
    }
    for place in spread(scale.old_pull_requests, &mut dice) {
        let closed = before_window(&mut planners[place].dice, window);
        let wish = Wish { style: Style::Plain, long_lived: false, ..wish(place * 5, &mut dice) };
        requests.push(planners[place].completed(wish, closed, None));
    }
    let mut lines: Vec<Vec<Event>> = Vec::new();
    for (place, planner) in planners.iter_mut().enumerate() {
        lines.push(line(planner, &mut requests, &urgent[place], scale, window));
    }
    let mut history = History { requests, lines };
    history.fill(scale.commits, &mut planners, window);
    history
}

/// Small shares for repositories that few people touch.
fn weights(places: &[Place], dice: &mut Dice) -> Vec<usize> {
    places.iter().map(|place| if place.flavour == Flavour::Bare { 2 } else { 4 + dice.below(5) }).collect()
}

fn draw(weights: &[usize], dice: &mut Dice) -> usize {
    let mut left = dice.below(weights.iter().sum());
    for (index, weight) in weights.iter().enumerate() {
        if left < *weight {
            return index;
        }
        left -= weight;
    }
    0
}

/// An instant well inside the window, mostly at work.
fn in_window(dice: &mut Dice, window: Window) -> Timestamp {
    let any = window.first() + dice.minutes(0, (window.last().duration_since(window.first())).as_mins());
    dice.at_work(any).max(window.first() + dice.minutes(1, 600))
}

/// An instant well before the window.
fn before_window(dice: &mut Dice, window: Window) -> Timestamp {
    window.from - dice.minutes(3 * 1440, 45 * 1440)
}

/// What the n-th pull request is like: rare things come round in turn, so that none is missing.
fn wish(turn: usize, dice: &mut Dice) -> Wish {
    let nature = match turn % 31 {
        7 => Nature::ServiceBot,
        16 | 23 => Nature::ListedBot,
        _ => Nature::Ordinary,
    };
    let style = match turn % 29 {
        2 | 13 => Style::Unreviewed,
        5 => Style::SelfVote,
        8 | 20 => Style::BotFirst,
        11 => Style::Undated,
        14 => Style::DeletedRemark,
        17 => Style::Withdrawn,
        19 => Style::LateRemark,
        1 | 10 | 22 | 26 => Style::Rework,
        _ => Style::Plain,
    };
    let drafting = match turn % 13 {
        4 | 9 => Drafting::Published,
        12 if turn.is_multiple_of(2) => Drafting::Twice,
        _ => Drafting::Never,
    };
    let strategy = match turn % 7 {
        0 | 3 => MergeStrategy::NoFastForward,
        1 | 4 => MergeStrategy::Squash,
        2 | 5 => MergeStrategy::Rebase,
        _ => MergeStrategy::RebaseMerge,
    };
    let link = match turn % 5 {
        0 => Link::Commit,
        1 => Link::Description,
        2 => Link::Artifact,
        3 => Link::Branch,
        _ => Link::Nothing,
    };
    let is_bot = nature != Nature::Ordinary;
    Wish {
        nature,
        style,
        drafting: if is_bot { Drafting::Never } else { drafting },
        strategy,
        link: if is_bot { Link::Nothing } else { link },
        auto_complete: dice.chance(20) || turn % 17 == 3,
        stale: !is_bot && turn % 23 == 6,
        amended: !is_bot && turn % 11 == 9,
        long_lived: turn % 27 == 15,
        group: turn % 9 == 4,
        labels: match turn % 8 {
            2 => vec!["needs-docs"],
            6 => vec!["api", "customer"],
            _ => Vec::new(),
        },
    }
}

/// A revert or a hotfix some hours after an ordinary pull request of the same place, if there is one with enough room.
fn turn_over(
    requests: &mut Vec<Request>,
    planner: &mut Planner<'_>,
    urgent: &mut Vec<usize>,
    (turn, nature): (usize, Nature),
    window: Window,
) {
    let room = SignedDuration::from_hours(14);
    let candidates: Vec<usize> = requests
        .iter()
        .enumerate()
        .filter(|(index, row)| {
            row.place == planner.index
                && row.wish.nature == Nature::Ordinary
                && row.closed.is_some_and(|closed| closed >= window.first() && closed + room < window.last())
                && !urgent.contains(index)
        })
        .map(|(index, _)| index)
        .collect();
    let strategy = if turn % 2 == 0 { MergeStrategy::Squash } else { MergeStrategy::NoFastForward };
    let mut wish = Wish {
        nature,
        style: if turn % 4 == 3 { Style::Unreviewed } else { Style::Plain },
        drafting: Drafting::Never,
        strategy,
        link: Link::Nothing,
        auto_complete: false,
        stale: false,
        amended: false,
        long_lived: false,
        group: false,
        labels: if nature == Nature::Hotfix { vec!["hotfix"] } else { Vec::new() },
    };
    let (closed, reverted) = match candidates.is_empty() {
        false => {
            let index = planner.dice.pick(&candidates);
            urgent.push(index);
            let closed = requests[index].closed.unwrap_or(window.first()) + planner.dice.minutes(150, 11 * 60);
            (closed, (nature == Nature::Revert).then(|| (index, requests[index].title.clone())))
        }
        // Nothing to follow: it stays an ordinary one.
        true => {
            wish.nature = Nature::Ordinary;
            wish.labels.clear();
            (in_window(&mut planner.dice, window), None)
        }
    };
    if nature == Nature::Revert && reverted.is_none() {
        wish.nature = Nature::Ordinary;
    }
    if wish.nature != Nature::Ordinary {
        urgent.push(requests.len());
    }
    let request = planner.completed(wish, closed, reverted.as_ref().map(|(index, title)| (*index, title.as_str())));
    requests.push(request);
}

/// The main branch of one place: a root, direct pushes and merges in order of time.
fn line(planner: &mut Planner<'_>, requests: &mut [Request], urgent: &[usize], scale: &Scale, window: Window) -> Vec<Event> {
    let root_at = whole_second(window.start - SignedDuration::from_hours(24 * 390));
    let team = planner.place.team.clone();
    let founder = team.first().copied().unwrap_or_default();
    let root = Event {
        at: root_at,
        by: founder,
        what: What::Direct { commits: vec![root_commit(planner.place, founder, root_at)] },
        is_urgent: false,
    };
    let mut events = Vec::new();
    for _ in 0..scale.old_pushes {
        let at = before_window(&mut planner.dice, window);
        events.push(direct(planner.dice.pick(&team), at));
    }
    // Some repositories are mostly pushed to.
    let pushes = if matches!(planner.place.flavour, Flavour::Bare | Flavour::Library) { scale.pushes * 2 } else { scale.pushes };
    for _ in 0..pushes {
        let at = in_window(&mut planner.dice, window);
        events.push(direct(planner.dice.pick(&team), at));
    }
    for (index, request) in requests.iter().enumerate() {
        if request.place == planner.index
            && request.state == PrState::Completed
            && let (Some(at), Some(by)) = (request.closed, request.closed_by)
        {
            events.push(Event { at, by, what: What::Merge(index), is_urgent: urgent.contains(&index) });
        }
    }
    events.sort_by_key(|event| event.at);
    events.insert(0, root);
    let mut last = root_at;
    for (index, event) in events.iter_mut().enumerate().skip(1) {
        // Two moves in one second could not be told apart by their commits.
        event.at = event.at.max(last + SignedDuration::from_secs(2));
        last = event.at;
        if let What::Merge(request) = event.what {
            requests[request].closed = Some(event.at);
            requests[request].merged = Some(index);
        }
    }
    for request in requests.iter_mut().filter(|request| request.place == planner.index) {
        let base = events.iter().take_while(|event| event.at <= request.branched).count();
        request.base = base.saturating_sub(1);
    }
    events
}

fn direct(by: Uuid, at: Timestamp) -> Event {
    Event { at, by, what: What::Direct { commits: Vec::new() }, is_urgent: false }
}

fn root_commit(place: &Place, author: Uuid, at: Timestamp) -> Commit {
    let files = [
        "README.md",
        "azure-pipelines.yml",
        "src/main.rs",
        "src/basket.rs",
        "src/prices.rs",
        "src/orders.rs",
        "tests/all.rs",
        "docs/intro.md",
    ];
    let edits = files.iter().map(|path| Edit::Write { path: (*path).to_owned() }).collect();
    Commit { author, authored: at, committed: at, message: format!("Begin {}", place.name), edits }
}

impl History {
    /// How many commits of a merged pull request are on main with a commit date since `from`.
    fn landed(&self, request: &Request, from: Timestamp) -> usize {
        let (Some(closed), Some(merged)) = (request.closed, request.merged) else { return 0 };
        let at_closing = usize::from(closed >= from);
        let own = request.commits.iter().filter(|commit| commit.committed >= from).count();
        // A branch that already stands on main's tip is not replayed.
        let replayed = if request.base + 1 == merged { own } else { request.commits.len() * at_closing };
        match request.wish.strategy {
            MergeStrategy::Squash => at_closing,
            MergeStrategy::NoFastForward => own + at_closing,
            MergeStrategy::Rebase => replayed,
            MergeStrategy::RebaseMerge => replayed + at_closing,
        }
    }

    /// Commits on all main branches with a commit date since `from`.
    pub fn commits_since(&self, from: Timestamp) -> usize {
        let direct = self.lines.iter().flatten().map(|event| match &event.what {
            What::Direct { commits } => commits.iter().filter(|commit| commit.committed >= from).count(),
            What::Merge(request) => self.landed(&self.requests[*request], from),
        });
        direct.sum()
    }

    /// Gives direct pushes their commits: one each before the window, in it so many that main has `wanted` in all.
    fn fill(&mut self, wanted: usize, planners: &mut [Planner<'_>], window: Window) {
        let landed: usize = self.requests.iter().map(|request| self.landed(request, window.from)).sum();
        let is_open = |event: &Event| matches!(&event.what, What::Direct { commits } if commits.is_empty());
        let pushes = self.lines.iter().flatten().filter(|event| is_open(event) && event.at >= window.from).count().max(1);
        let missing = wanted.saturating_sub(landed).max(pushes);
        let mut turn = 0;
        for (place, line) in self.lines.iter_mut().enumerate() {
            for event in line.iter_mut().filter(|event| is_open(event)) {
                let count = if event.at < window.from {
                    1
                } else {
                    turn += 1;
                    missing * turn / pushes - missing * (turn - 1) / pushes
                };
                event.what = What::Direct { commits: pushed(&mut planners[place], event.by, event.at, count) };
            }
        }
    }
}

/// The commits of one direct push, the last just before it.
fn pushed(planner: &mut Planner<'_>, author: Uuid, at: Timestamp, count: usize) -> Vec<Commit> {
    let pause = SignedDuration::from_mins(50) / i32::try_from(count.max(1)).unwrap_or(i32::MAX);
    (0..count)
        .map(|turn| {
            let back = i32::try_from(count - 1 - turn).unwrap_or(0);
            let when = whole_second(at - pause * back);
            let message = if turn == 0 { words::title(&mut planner.dice) } else { words::step(&mut planner.dice).to_owned() };
            Commit { author, authored: when, committed: when, message, edits: planner.edits(turn, PrState::Active) }
        })
        .collect()
}
