//! A pull request that deliveries tell of: asked for again, and let in through the one door.

use jiff::Timestamp;

use crate::ado::RepoRef;
use crate::domain::fact;
use crate::domain::id::Guid;
use crate::domain::project::Repository;
use crate::domain::pull_request::Source;
use crate::store::{self, Ingested, Listing};
use crate::sync::{detail, ingest};

use super::believe::{is_completed, rank, with_known};
use super::fate::Unanswered;
use super::round::{Done, Round, Said};

impl Round<'_> {
    /// Brings a pull request up to date, whatever the deliveries said of it.
    pub async fn pull_request(&self, repository: &Guid, number: i64, said: &[Said]) -> store::Result<Done> {
        let mut known = self.known_repository(repository).await?;
        if known.is_none() {
            // Made since the last listing, or none of ours.
            match self.list_repositories().await {
                Ok(()) => known = self.known_repository(repository).await?,
                Err(why) => return Ok(Done::unanswered(why)),
            }
        }
        let Some(repository) = known else {
            return Ok(Done::Ignored(format!("pull request {number} is of no repository of this project")));
        };
        let mut words = Words::default();
        let completed = said.iter().find(|said| is_completed(&said.fact));
        if let Some(completed) = completed {
            // Final, so its age does not matter; the look that follows only adds to it.
            words.add(&self.believe(&repository, completed, self.clock.now()).await?);
        }
        match self.look(&repository, number).await {
            Ok((fact, asked_at)) => {
                words.add(&self.take_in(&fact, asked_at).await?);
                self.history(&repository, &fact, asked_at).await?;
                let detail = self.refresh_detail(&repository, number).await?;
                Ok(match detail {
                    Ok(()) => Done::Applied(words.of(number)),
                    Err(why) => Done::unanswered(why),
                })
            }
            Err(why) => self.without_a_look(&repository, number, said, words, why).await,
        }
    }

    async fn look(&self, repository: &Repository, number: i64) -> Result<(fact::PullRequest, Timestamp), Unanswered> {
        let client = self.client().await?;
        // The answer is at least as new as the moment before the question.
        let asked_at = self.clock.now();
        let place = RepoRef { project: &self.project.guid, repository: &repository.guid };
        let fact = client.pull_request(place, number).await.map_err(|error| self.unanswered(&error))?;
        Ok((fact, asked_at))
    }

    async fn take_in(&self, fact: &fact::PullRequest, at: Timestamp) -> store::Result<Ingested> {
        let facts = std::slice::from_ref(fact);
        ingest::facts(self.store, self.project, facts, Listing::Some, Source::Hook, self.rules.done_on_merge, at).await
    }

    async fn believe(&self, repository: &Repository, said: &Said, at: Timestamp) -> store::Result<Ingested> {
        let known = self.store.pull_request(repository.id, said.fact.number).await?;
        self.take_in(&with_known(known.as_ref(), &said.fact, self.project, repository), at).await
    }

    /// Azure DevOps did not say: what the bodies say counts where it is a step forward, or everything there is.
    async fn without_a_look(
        &self,
        repository: &Repository,
        number: i64,
        said: &[Said],
        mut words: Words,
        why: Unanswered,
    ) -> store::Result<Done> {
        let completed = said.iter().any(|said| is_completed(&said.fact));
        let (gone, reason) = match why {
            Unanswered::Gone(reason) => (true, reason),
            Unanswered::Forbidden(reason) => (false, reason),
            Unanswered::Trouble { words: reason, .. } if completed => (false, reason),
            trouble @ Unanswered::Trouble { .. } => return Ok(Done::unanswered(trouble)),
        };
        if completed {
            return Ok(Done::Applied(format!("{}, as the delivery says; {reason}", words.of(number))));
        }
        let known = self.store.pull_request(repository.id, number).await?;
        let furthest = said.iter().max_by_key(|said| (rank(said.fact.status), said.received_at));
        let forward = furthest.filter(|said| match &known {
            Some(known) => rank(said.fact.status) > rank(known.facts.status) && said.received_at > known.seen_at,
            None => !gone,
        });
        let Some(said) = forward else {
            return Ok(Done::Ignored(format!("pull request {number} stays as it is known: {reason}")));
        };
        words.add(&self.believe(repository, said, said.received_at).await?);
        Ok(Done::Applied(format!("{}, as the delivery says; {reason}", words.of(number))))
    }

    /// Checks and threads of a pull request that a ticket follows; closed ones too, so that the end is the same in whatever order
    /// deliveries come.
    async fn refresh_detail(&self, repository: &Repository, number: i64) -> store::Result<Result<(), Unanswered>> {
        if !self.store.followed_in(self.project.id, number).await?.contains(&repository.id) {
            return Ok(Ok(()));
        }
        let client = match self.client().await {
            Ok(client) => client,
            Err(why) => return Ok(Err(why)),
        };
        match detail::pull_requests(self.store, client, self.clock, self.project, vec![(repository.id, number)]).await {
            Ok(_) => Ok(Ok(())),
            Err(crate::sync::Error::Store(error)) => Err(error),
            Err(crate::sync::Error::Ado(error)) => Ok(Err(self.unanswered(&error))),
        }
    }

    /// A build of a pull request ended: its checks are read again if a ticket follows it. Numbers are unique in an organisation.
    pub async fn checks(&self, number: i64) -> store::Result<Done> {
        let followed = self.store.followed_in(self.project.id, number).await?;
        let Some(repository) = followed.first() else {
            return Ok(Done::Ignored(format!("a build of pull request {number}, which no ticket follows")));
        };
        let Some(repository) = self.store.repository(*repository).await? else {
            return Ok(Done::Ignored(format!("a build of pull request {number}, whose repository is not known")));
        };
        Ok(match self.refresh_detail(&repository, number).await? {
            Ok(()) => Done::Applied(format!("read the checks of pull request {number}")),
            Err(why) => Done::unanswered(why),
        })
    }
}

/// What a pull request's facts did, for the list of deliveries.
#[derive(Debug, Default)]
struct Words {
    changed: bool,
    moves: Vec<String>,
}

impl Words {
    fn add(&mut self, ingested: &Ingested) {
        self.changed |= !ingested.changed.is_empty();
        self.moves.extend(ingested.moved.iter().map(|(key, _, to, _)| format!("{key} to {}", to.title())));
    }

    fn of(&self, number: i64) -> String {
        match (self.moves.as_slice(), self.changed) {
            ([], false) => format!("nothing new of pull request {number}"),
            ([], true) => format!("pull request {number} changed"),
            (moves, _) => format!("pull request {number}: {}", moves.join(", ")),
        }
    }
}
