//! One round over the deliveries of a project: what several of them want is done once.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::OnceCell;

use crate::ado::{self, event};
use crate::clock::Clock;
use crate::domain::fact;
use crate::domain::id::Guid;
use crate::domain::project::{Project, Repository};
use crate::store::{ClaimedDelivery, Store};

use super::decide::{Want, decide};
use super::fate::{Fate, Outcome, Unanswered};
use super::{Reach, Rules};

/// How many questions are open at once.
const IN_FLIGHT: usize = 4;

/// How a piece of work ended; for each delivery that wanted it, this becomes a [`Fate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Applied(String),
    Ignored(String),
    Failed { words: String, wait: Option<SignedDuration> },
}

impl Done {
    pub fn failed(words: impl Into<String>) -> Self {
        Self::Failed { words: words.into(), wait: None }
    }

    pub fn unanswered(why: Unanswered) -> Self {
        match why {
            Unanswered::Gone(words) | Unanswered::Forbidden(words) => Self::failed(words),
            Unanswered::Trouble { words, wait, .. } => Self::Failed { words, wait },
        }
    }

    /// `why` is what the delivery told, where the work alone does not say it.
    fn fate(&self, claimed: &ClaimedDelivery, why: Option<&str>, now: Timestamp) -> Fate {
        let told = |words: &str| why.map_or_else(|| words.to_owned(), |why| format!("{why}; {words}"));
        match self {
            Self::Applied(words) => Fate::applied(told(words)),
            Self::Ignored(words) => Fate::ignored(told(words)),
            Self::Failed { words, wait } => Fate::failed(&claimed.delivery, told(words), *wait, now),
        }
    }
}

/// What is to be done once, whoever wants it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    PullRequest(Guid, i64),
    Branch(Guid, String),
    Repositories,
    Checks(i64),
    Runs(Vec<i64>),
    Deployments,
    WorkItems(Vec<i64>),
}

/// What one body said of a pull request, and when it arrived.
#[derive(Debug, Clone)]
pub struct Said {
    pub fact: fact::PullRequest,
    pub received_at: Timestamp,
}

/// A round under way.
pub struct Round<'a> {
    pub store: &'a Store,
    pub clock: &'a Clock,
    pub project: &'a Project,
    pub rules: Rules,
    reach: &'a dyn Reach,
    client: OnceCell<Result<ado::Client, Unanswered>>,
    /// Listed at most once in a round.
    listed: OnceCell<Result<(), Unanswered>>,
    /// Whether the project is measured.
    measured: OnceCell<bool>,
    /// Why nothing more is asked in this round.
    down: Mutex<Option<Unanswered>>,
}

impl<'a> Round<'a> {
    pub fn new(store: &'a Store, reach: &'a dyn Reach, clock: &'a Clock, project: &'a Project, rules: Rules) -> Self {
        Self {
            store,
            clock,
            project,
            rules,
            reach,
            client: OnceCell::new(),
            listed: OnceCell::new(),
            measured: OnceCell::new(),
            down: Mutex::default(),
        }
    }

    pub async fn run(&self, claimed: &[ClaimedDelivery]) -> Vec<Outcome> {
        let mut fates: Vec<Option<Fate>> = vec![None; claimed.len()];
        let mut works: BTreeMap<Task, Vec<usize>> = BTreeMap::new();
        let mut said: BTreeMap<(Guid, i64), Vec<Said>> = BTreeMap::new();
        let mut words: BTreeMap<usize, String> = BTreeMap::new();
        // Several of these are one question.
        let (mut runs, mut items): (BTreeMap<i64, Vec<usize>>, BTreeMap<i64, Vec<usize>>) = Default::default();
        let collects = self.collects().await;
        for (at, one) in claimed.iter().enumerate() {
            let mut wanted = |work| works.entry(work).or_default().push(at);
            match self.decide(one) {
                Want::Nothing(fate) => fates[at] = Some(fate),
                Want::PullRequest(about) => {
                    let place = (about.repository, about.number);
                    wanted(Task::PullRequest(place.0.clone(), place.1));
                    let said = said.entry(place).or_default();
                    said.extend(about.fact.map(|fact| Said { fact: *fact, received_at: one.delivery.received_at }));
                }
                Want::Branches(named) => named.1.into_iter().for_each(|name| wanted(Task::Branch(named.0.clone(), name))),
                Want::Repositories(why) => {
                    words.insert(at, why);
                    wanted(Task::Repositories);
                }
                Want::Run { number, pull_request } => {
                    pull_request.into_iter().for_each(|number| wanted(Task::Checks(number)));
                    match number.filter(|_| collects) {
                        Some(number) => runs.entry(number).or_default().push(at),
                        None if pull_request.is_none() => fates[at] = Some(Fate::ignored("a build or run of no pull request")),
                        None => {}
                    }
                }
                Want::Deployments if collects => wanted(Task::Deployments),
                Want::Deployments => fates[at] = Some(Fate::ignored("a deployment: kept, and nothing of the board follows from it")),
                Want::WorkItem(number) if collects => items.entry(number).or_default().push(at),
                Want::WorkItem(number) => {
                    fates[at] = Some(Fate::ignored(format!("work item {number}: kept, and nothing of the board follows from it")));
                }
            }
        }
        for (of, work) in [(runs, Task::Runs as fn(Vec<i64>) -> Task), (items, Task::WorkItems)] {
            if !of.is_empty() {
                works.insert(work(of.keys().copied().collect()), of.into_values().flatten().collect());
            }
        }
        let (said, words) = (&said, &words);
        let mut done: Vec<(Vec<usize>, Done)> = stream::iter(works)
            .map(async |(work, wanted_by)| {
                // A bug that one delivery brings to light must not hold up the others.
                let outcome = AssertUnwindSafe(self.work(work, said)).catch_unwind().await;
                (wanted_by, outcome.unwrap_or_else(|_| Done::failed("applying it failed in a way nobody thought of; report it")))
            })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;
        // A delivery that wanted several things is only as good as the worst of them.
        done.sort_by_key(|(_, done)| match done {
            Done::Ignored(_) => 0,
            Done::Applied(_) => 1,
            Done::Failed { .. } => 2,
        });
        let now = self.clock.now();
        for (wanted_by, done) in done {
            for at in wanted_by {
                let why = words.get(&at).map(String::as_str);
                fates[at] = Some(done.fate(&claimed[at], why, now));
            }
        }
        let unheard = || Fate::ignored("nothing of the board follows from it");
        claimed.iter().zip(fates).map(|(one, fate)| Outcome { id: one.delivery.id, fate: fate.unwrap_or_else(unheard) }).collect()
    }

    fn decide(&self, one: &ClaimedDelivery) -> Want {
        let read = std::panic::catch_unwind(|| event::read(&one.body));
        match read {
            Ok(read) => decide(read, self.project),
            Err(_) => {
                let why = "reading it failed in a way nobody thought of; report it";
                Want::Nothing(Fate::failed(&one.delivery, why, None, self.clock.now()))
            }
        }
    }

    async fn work(&self, work: Task, said: &BTreeMap<(Guid, i64), Vec<Said>>) -> Done {
        let done = match work {
            Task::PullRequest(repository, number) => {
                let place = (repository, number);
                let said = said.get(&place).map_or(&[][..], Vec::as_slice);
                self.pull_request(&place.0, number, said).await
            }
            Task::Branch(repository, name) => self.branch(&repository, &name).await,
            Task::Repositories => Ok(match self.list_repositories().await {
                Ok(()) => Done::Applied("the repositories were listed again".to_owned()),
                Err(why) => Done::unanswered(why),
            }),
            Task::Checks(number) => self.checks(number).await,
            Task::Runs(numbers) => self.runs(&numbers).await,
            Task::Deployments => self.deployments().await,
            Task::WorkItems(numbers) => self.work_items(&numbers).await,
        };
        // The store's trouble is nobody's fault here: later.
        done.unwrap_or_else(|error| Done::failed(error.to_string()))
    }

    /// The client, if there is one and Azure DevOps was not found unreachable a moment ago.
    pub async fn client(&self) -> Result<&ado::Client, Unanswered> {
        if let Some(why) = self.down.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(why);
        }
        let made = self.client.get_or_init(async || self.reach.client(self.project).await.map_err(Unanswered::Forbidden)).await;
        made.as_ref().map_err(Clone::clone)
    }

    /// Whether facts for figures are collected of this project.
    pub async fn collects(&self) -> bool {
        let measured = async || match self.store.collection(self.project.id).await {
            Ok(collection) => !collection.sources.is_empty(),
            // Whether or not it is: the next pass finds what is missed here.
            Err(_) => false,
        };
        self.rules.facts.is_some() && *self.measured.get_or_init(measured).await
    }

    /// What an error means; one that every other question would meet too ends the asking for this round.
    pub fn unanswered(&self, error: &ado::Error) -> Unanswered {
        let why = Unanswered::of(error);
        if matches!(why, Unanswered::Trouble { everywhere: true, .. }) {
            *self.down.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        }
        why
    }

    /// Lists the project's repositories, once a round.
    pub async fn list_repositories(&self) -> Result<(), Unanswered> {
        let listed = self.listed.get_or_init(async || {
            let listed = self.client().await?.repositories(&self.project.guid).await.map_err(|error| self.unanswered(&error))?;
            let kept = self.store.put_repositories(self.project.id, &listed).await;
            kept.map(drop).map_err(|error| Unanswered::Trouble { words: error.to_string(), wait: None, everywhere: false })
        });
        listed.await.clone()
    }

    pub async fn known_repository(&self, guid: &Guid) -> crate::store::Result<Option<Repository>> {
        Ok(self.store.repositories(self.project.id).await?.into_iter().find(|known| known.guid == *guid))
    }
}
