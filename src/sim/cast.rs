//! The cast: teammates who act by themselves, so that a demo lives.
//!
//! On each pull request that the demo's user opens while the cast plays: a build starts and passes, a reviewer asks,
//! answers themselves, approves, and completes it with squash about a minute after it was opened. In between, the seeded
//! pull requests move on, one scene after the other. Time is the world's clock while the cast plays: advancing the clock
//! hastens it, pausing stops it. Limits: no chance is involved; what cannot be done any more is left out; the scenes of a
//! pull request that was there when the cast began are only those of the script.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use super::deed::{self, NewComment, NewStatus, NewThread};
use super::host::Sim;
use super::reply::Failure;
use super::seed;
use super::world::{CompletionOptions, MergeStatus, MergeStrategy, PullRequest, StatusState, ThreadStatus, World, ZERO_ID};

/// Whether teammates act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cast {
    /// Nobody ever acts.
    #[default]
    Off,
    /// They wait to be told.
    Paused,
    Running,
}

/// Pauses and resumes the cast from anywhere; clones share it.
#[derive(Debug, Clone)]
pub struct Switch {
    mode: watch::Sender<Mode>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Mode {
    cast: Cast,
    /// How many seconds of the script pass in a second.
    pace: f64,
}

impl Default for Switch {
    fn default() -> Switch {
        Switch { mode: watch::Sender::new(Mode { cast: Cast::Off, pace: 1.0 }) }
    }
}

impl Switch {
    pub fn pause(&self) {
        self.mode.send_modify(|mode| mode.cast = Cast::Paused);
    }

    /// Also wakes a cast that was off from the beginning, if it was started at all.
    pub fn resume(&self) {
        self.mode.send_modify(|mode| mode.cast = Cast::Running);
    }

    /// 2.0 plays twice as fast. Out of (0, 1000] is put back into it.
    pub fn set_pace(&self, pace: f64) {
        let pace = if pace.is_finite() { pace.clamp(0.01, 1000.0) } else { 1.0 };
        self.mode.send_modify(|mode| mode.pace = pace);
    }

    pub fn state(&self) -> Cast {
        self.mode.borrow().cast
    }
}

/// How often the cast looks around, in seconds of the script at pace 1.
const BEAT: Duration = Duration::from_millis(1000);

/// Starts the cast; it ends when the simulator stops.
pub fn start(sim: Sim, cast: Cast) {
    sim.cast.mode.send_modify(|mode| mode.cast = cast);
    tokio::spawn(async move {
        let stopping = sim.stopping.clone();
        tokio::select! {
            () = stopping.cancelled() => {}
            () = play(&sim) => {}
        }
    });
}

async fn play(sim: &Sim) {
    let mut mode = sim.cast.mode.subscribe();
    // Also while paused: what is opened meanwhile is for the cast.
    let mut play = Play::begin(&*sim.read().await);
    loop {
        // Paused means asleep: no beat, no wake-up.
        let now = *mode.borrow_and_update();
        if now.cast != Cast::Running {
            play.rest();
            if mode.changed().await.is_err() {
                return;
            }
            continue;
        }
        play.beat(sim, now.pace).await;
        let pause = BEAT.div_f64(now.pace.max(1.0)).max(Duration::from_millis(20));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

/// Where the performance stands. `pub(super)` for tests, which beat it by hand.
#[derive(Debug)]
pub(super) struct Play {
    protagonist: Uuid,
    /// Pull requests up to here were there before the cast.
    newest_at_begin: i32,
    last_beat: Option<Timestamp>,
    /// Seconds of the script that passed.
    elapsed: f64,
    next_scene: usize,
    /// By pull request: seconds since the cast saw it, and the next act.
    acts: BTreeMap<i32, (f64, usize)>,
}

/// What happens on a pull request of the protagonist, and how many seconds after it was seen.
const ACTS: [(f64, Act); 7] = [
    (4.0, Act::BuildStarts),
    (14.0, Act::BuildPasses),
    (20.0, Act::Asks),
    (34.0, Act::Answers),
    (45.0, Act::Approves),
    (50.0, Act::Resolves),
    (60.0, Act::Completes),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    BuildStarts,
    BuildPasses,
    Asks,
    Answers,
    Approves,
    Resolves,
    Completes,
}

/// What happens on seeded pull requests, found by the start of their title.
const SCENES: [(f64, &str, &str, Scene); 9] = [
    (30.0, "HAR-21", "erin", Scene::Status(StatusState::Succeeded, "Build 420 succeeded")),
    (75.0, "HAR-14", "bob", Scene::Says("Half an hour fits: 336 rows. I will change the step.")),
    (110.0, "HAR-21", "erin", Scene::Completes(MergeStrategy::RebaseMerge)),
    (150.0, "HAR-16", "dave", Scene::Says("Right. I will watch the file's date.")),
    (200.0, "HAR-11", "dave", Scene::Votes(10)),
    (260.0, "HAR-17", "carol", Scene::Publishes),
    (320.0, "HAR-17", "bob", Scene::Says("Mark it red, please: amber means pilots to us.")),
    (380.0, "HAR-16", "dave", Scene::Status(StatusState::Succeeded, "Build 424 succeeded")),
    (440.0, "HAR-16", "bob", Scene::Votes(10)),
];

#[derive(Debug, Clone, Copy)]
enum Scene {
    Says(&'static str),
    Votes(i8),
    Status(StatusState, &'static str),
    Publishes,
    Completes(MergeStrategy),
}

const QUESTIONS: [&str; 4] = [
    "Reads well. What happens when the input is empty?",
    "Could this have a test for the second criterion?",
    "Is the name final? We call it something else in the runbook.",
    "I would not have found this. Does it need a line in the README?",
];

const ANSWERS: [&str; 4] = [
    "Never mind, I see it now: the guard above.",
    "Found it, it is there already. Good.",
    "Keep it, it is clearer than ours.",
    "Not needed for this one. Approving.",
];

impl Play {
    pub(super) fn begin(world: &World) -> Play {
        Play {
            protagonist: world.user_named(seed::PROTAGONIST).map_or(Uuid::nil(), |user| user.id),
            newest_at_begin: world.pull_requests.keys().next_back().copied().unwrap_or(0),
            last_beat: None,
            elapsed: 0.0,
            next_scene: 0,
            acts: BTreeMap::new(),
        }
    }

    /// The time until the next beat does not count.
    fn rest(&mut self) {
        self.last_beat = None;
    }

    /// Lets pass what passed since the last beat and does all that is due.
    pub(super) async fn beat(&mut self, sim: &Sim, pace: f64) {
        let (now, newcomers) = {
            let world = sim.read().await;
            let newcomers: Vec<i32> = world
                .pull_requests
                .range(self.newest_at_begin + 1..)
                .filter(|(_, row)| row.created_by == self.protagonist && row.is_active())
                .map(|(id, _)| *id)
                .collect();
            (world.now(), newcomers)
        };
        let passed = match self.last_beat.replace(now) {
            Some(last) => now.duration_since(last).as_secs_f64().max(0.0) * pace,
            None => 0.0,
        };
        self.elapsed += passed;
        for (seconds, _) in self.acts.values_mut() {
            *seconds += passed;
        }
        for id in newcomers {
            self.acts.entry(id).or_insert((0.0, 0));
        }
        let ids: Vec<i32> = self.acts.keys().copied().collect();
        for id in ids {
            while let Some((seconds, next)) = self.acts.get(&id).copied()
                && let Some((due, act)) = ACTS.get(next)
                && seconds >= *due
            {
                match perform(sim, id, *act).await {
                    Ok(Outcome::Done) => self.acts.insert(id, (seconds, next + 1)),
                    // Time stands still for it until the obstacle is gone.
                    Ok(Outcome::NotYet) => {
                        self.acts.insert(id, (*due, next));
                        break;
                    }
                    Ok(Outcome::Over) => self.acts.insert(id, (seconds, ACTS.len())),
                    Err(failure) => {
                        tracing::debug!(pull_request = id, %failure, "an act was left out");
                        self.acts.insert(id, (seconds, next + 1))
                    }
                };
            }
        }
        while let Some((due, title, who, scene)) = SCENES.get(self.next_scene)
            && self.elapsed >= *due
        {
            self.next_scene += 1;
            if let Err(failure) = show(sim, self.newest_at_begin, title, who, *scene).await {
                tracing::debug!(title, %failure, "a scene was left out");
            }
        }
    }
}

enum Outcome {
    Done,
    NotYet,
    Over,
}

async fn perform(sim: &Sim, id: i32, act: Act) -> Result<Outcome, Failure> {
    let (row, reviewer, builder) = {
        let world = sim.read().await;
        let Some(row) = world.pull_request(id).filter(|row| row.is_active()).cloned() else {
            return Ok(Outcome::Over);
        };
        let builder = world.user_named("erin").map_or(row.created_by, |user| user.id);
        (row.clone(), reviewer_of(&world, &row), builder)
    };
    let Some(reviewer) = reviewer else {
        return Ok(Outcome::Over);
    };
    let line = usize::try_from(id).unwrap_or(0) % QUESTIONS.len();
    match act {
        Act::BuildStarts => {
            let words = format!("Build {} is running", 500 + id);
            status(sim, id, builder, StatusState::Pending, &words).await?;
        }
        Act::BuildPasses => {
            let words = format!("Build {} succeeded", 500 + id);
            status(sim, id, builder, StatusState::Succeeded, &words).await?;
        }
        // Nobody reviews a draft.
        _ if row.is_draft => return Ok(Outcome::NotYet),
        Act::Asks => {
            deed::open_thread(sim, reviewer, id, NewThread::remark(QUESTIONS[line])).await?;
        }
        Act::Answers => {
            if let Some(thread) = open_thread_of(&row, reviewer) {
                deed::reply(sim, reviewer, id, thread, NewComment::text(ANSWERS[line])).await?;
            }
        }
        Act::Approves => {
            deed::vote(sim, reviewer, id, 10).await?;
        }
        Act::Resolves => {
            if let Some(thread) = open_thread_of(&row, reviewer) {
                deed::set_thread_status(sim, reviewer, id, thread, Some(ThreadStatus::Fixed)).await?;
            }
        }
        Act::Completes if row.merge.status != MergeStatus::Succeeded => return Ok(Outcome::NotYet),
        Act::Completes => {
            let options = CompletionOptions { strategy: MergeStrategy::Squash, ..CompletionOptions::default() };
            match deed::complete(sim, reviewer, id, ZERO_ID, Some(options)).await {
                Ok(()) => {}
                // A push took the approval back, a colleague rejected it: wait.
                Err(failure) if failure.status.as_u16() == 403 => return Ok(Outcome::NotYet),
                Err(failure) => return Err(failure),
            }
        }
    }
    Ok(Outcome::Done)
}

/// Who reviews: the first person asked, else somebody of the default team in turn.
fn reviewer_of(world: &World, row: &PullRequest) -> Option<Uuid> {
    let person = |id: &Uuid| *id != row.created_by && world.user(*id).is_some_and(|user| user.is_member && !user.is_container);
    if let Some(reviewer) = row.reviewers.iter().map(|reviewer| reviewer.id).find(person) {
        return Some(reviewer);
    }
    let project = world.project_by_id(world.repository(row.repository)?.project)?;
    let team = project.teams.iter().find(|team| Some(team.id) == project.default_team)?;
    let others: Vec<Uuid> = team.members.iter().map(|member| member.user).filter(person).collect();
    let turn = usize::try_from(row.id).unwrap_or(0).checked_rem(others.len())?;
    others.get(turn).copied()
}

fn open_thread_of(row: &PullRequest, author: Uuid) -> Option<i32> {
    row.threads
        .iter()
        .filter(|thread| thread.status.is_some_and(ThreadStatus::is_open))
        .find(|thread| thread.comments.first().is_some_and(|comment| comment.author == author))
        .map(|thread| thread.id)
}

async fn status(sim: &Sim, id: i32, by: Uuid, state: StatusState, words: &str) -> Result<(), Failure> {
    let new = NewStatus {
        state,
        description: Some(words.to_owned()),
        context_name: seed::BUILD.to_owned(),
        context_genre: Some("continuous-integration".to_owned()),
        target_url: None,
        iteration: None,
    };
    deed::add_status(sim, by, id, new).await.map(drop)
}

async fn show(sim: &Sim, up_to: i32, title: &str, who: &str, scene: Scene) -> Result<(), Failure> {
    let (id, person) = {
        let world = sim.read().await;
        let starts = |row: &&PullRequest| row.title.split_whitespace().next() == Some(title);
        let row = world.pull_requests.range(..=up_to).map(|(_, row)| row).find(starts);
        match (row.filter(|row| row.is_active()), world.user_named(who)) {
            (Some(row), Some(user)) => (row.id, user.id),
            _ => return Ok(()),
        }
    };
    match scene {
        Scene::Says(words) => {
            deed::open_thread(sim, person, id, NewThread::remark(words)).await?;
        }
        Scene::Votes(vote) => {
            deed::vote(sim, person, id, vote).await?;
        }
        Scene::Status(state, words) => status(sim, id, person, state, words).await?,
        Scene::Publishes => deed::publish(sim, person, id).await?,
        Scene::Completes(strategy) => {
            let options = CompletionOptions { strategy, ..CompletionOptions::default() };
            deed::complete(sim, person, id, ZERO_ID, Some(options)).await?;
        }
    }
    Ok(())
}
