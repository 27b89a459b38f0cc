//! From a kept delivery to the board: read it, decide what it wants, find out what is so, and let it in through the one door.
//!
//! A delivery is a tap on the shoulder more than a message: what it is about is asked for again, so that the order, the number and the
//! age of deliveries never matter. Of what a body says, only this is believed: that a pull request is completed (which is final), and,
//! where Azure DevOps cannot be asked, that one went further than is known. Every request is built from ids; no address in a body is
//! ever asked. Applying a delivery twice, or by two processes at once, does no more than applying it once.

mod believe;
mod branches;
mod decide;
mod facts;
mod fate;
mod pull_requests;
mod round;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};

use crate::ado;
use crate::clock::Clock;
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::metrics;
use crate::store::{self, ClaimedDelivery, Settled, Store};

pub use fate::{Fate, MOST_TRIES, Outcome};

/// Projects whose deliveries are applied at the same time.
const PROJECTS: usize = 4;

/// How Azure DevOps is reached for a project.
pub trait Reach: Send + Sync {
    /// A client with a token of the project's organisation, or why there is none, in words.
    fn client<'a>(&'a self, project: &'a Project) -> BoxFuture<'a, Result<ado::Client, String>>;
}

/// What the configuration says about following pull requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether a completed pull request takes its ticket to done at once.
    pub done_on_merge: bool,
    /// By which rules facts for figures are collected; absent where none are.
    pub facts: Option<Arc<metrics::query::Rules>>,
}

/// Applies claimed deliveries of any projects and writes down what became of each. What fails here is only the writing down: then the
/// claims run out, and the same deliveries come again.
pub async fn work(
    store: &Store,
    reach: &dyn Reach,
    clock: &Clock,
    claimed: Vec<ClaimedDelivery>,
    rules: Rules,
) -> store::Result<Vec<Outcome>> {
    let mut of_project: BTreeMap<ProjectId, Vec<ClaimedDelivery>> = BTreeMap::new();
    for one in claimed {
        of_project.entry(one.delivery.project).or_default().push(one);
    }
    let projects = store.projects().await?;
    let projects = &projects;
    // Side by side: an organisation that does not answer must not hold up another one.
    let settled: Vec<store::Result<Vec<Outcome>>> = stream::iter(of_project)
        .map(async |(id, claimed)| {
            let applied = match projects.iter().find(|project| project.id == id) {
                Some(project) => apply(store, reach, clock, project, &claimed, rules.clone()).await,
                None => claimed.iter().map(|one| Outcome { id: one.delivery.id, fate: Fate::of_a_removed_project() }).collect(),
            };
            settle(store, clock, &applied).await?;
            Ok(applied)
        })
        .buffer_unordered(PROJECTS)
        .collect()
        .await;
    let outcomes: store::Result<Vec<Vec<Outcome>>> = settled.into_iter().collect();
    Ok(outcomes?.concat())
}

/// Applies deliveries of one project, and says of each what became of it. Nothing is settled here: a delivery whose outcome is lost
/// comes again, and that does no harm. A delivery that cannot be applied never holds up another one.
pub async fn apply(
    store: &Store,
    reach: &dyn Reach,
    clock: &Clock,
    project: &Project,
    claimed: &[ClaimedDelivery],
    rules: Rules,
) -> Vec<Outcome> {
    round::Round::new(store, reach, clock, project, rules).run(claimed).await
}

async fn settle(store: &Store, clock: &Clock, outcomes: &[Outcome]) -> store::Result<()> {
    let mut settled = Vec::new();
    for outcome in outcomes {
        match &outcome.fate {
            Fate::Settled { state, words } => settled.push(Settled { id: outcome.id, state: *state, words: Some(words.clone()) }),
            Fate::Postponed { not_before, words } => store.postpone_delivery(outcome.id, words, *not_before).await?,
        }
    }
    if settled.is_empty() { Ok(()) } else { store.settle_deliveries(&settled, clock.now()).await }
}
