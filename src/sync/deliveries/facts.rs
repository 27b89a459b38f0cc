//! What deliveries tell of that only figures need: read again where the project is measured.
//!
//! What may not be read is no failure here: health tells of it, source by source.

use jiff::Timestamp;

use crate::domain::fact;
use crate::domain::project::Repository;
use crate::store;
use crate::sync::Error;
use crate::sync::collect::hint::Hints;

use super::fate::Unanswered;
use super::round::{Done, Round};

impl Round<'_> {
    async fn hints(&self) -> Result<Option<Hints<'_>>, Unanswered> {
        let Some(rules) = self.rules.facts.as_deref() else { return Ok(None) };
        if !self.collects().await {
            return Ok(None);
        }
        let client = self.client().await?;
        Ok(Some(Hints { store: self.store, client, clock: self.clock, project: self.project, rules }))
    }

    /// What became of reading something again.
    fn read_again(&self, what: &str, read: Result<usize, Error>) -> store::Result<Done> {
        match read {
            Ok(0) => Ok(Done::Ignored(format!("{what}: not there any more, or not to be seen"))),
            Ok(_) => Ok(Done::Applied(format!("{what}: read again"))),
            Err(Error::Store(error)) => Err(error),
            Err(Error::Ado(error)) => Ok(match self.unanswered(&error) {
                Unanswered::Gone(words) | Unanswered::Forbidden(words) => Done::Ignored(format!("{what}: {words}")),
                trouble @ Unanswered::Trouble { .. } => Done::unanswered(trouble),
            }),
        }
    }

    pub async fn runs(&self, numbers: &[i64]) -> store::Result<Done> {
        let what = several("run", numbers);
        match self.hints().await {
            Ok(Some(hints)) => self.read_again(&what, hints.builds(numbers).await),
            Ok(None) => Ok(Done::Ignored(what)),
            Err(why) => Ok(Done::unanswered(why)),
        }
    }

    pub async fn deployments(&self) -> store::Result<Done> {
        match self.hints().await {
            Ok(Some(hints)) => self.read_again("the latest deployments", hints.deployments().await),
            Ok(None) => Ok(Done::Ignored("a deployment".to_owned())),
            Err(why) => Ok(Done::unanswered(why)),
        }
    }

    pub async fn work_items(&self, numbers: &[i64]) -> store::Result<Done> {
        let what = several("work item", numbers);
        match self.hints().await {
            Ok(Some(hints)) => self.read_again(&what, hints.items(numbers).await),
            Ok(None) => Ok(Done::Ignored(what)),
            Err(why) => Ok(Done::unanswered(why)),
        }
    }

    /// The past of a pull request that was just read. That it could not be read further holds nothing up: the next pass does.
    pub async fn history(&self, repository: &Repository, fact: &fact::PullRequest, asked_at: Timestamp) -> store::Result<()> {
        let Ok(Some(hints)) = self.hints().await else { return Ok(()) };
        match hints.pull_request(repository, fact, asked_at).await {
            Ok(()) => Ok(()),
            Err(Error::Store(error)) => Err(error),
            Err(Error::Ado(error)) => {
                tracing::debug!("{error}");
                Ok(())
            }
        }
    }

    /// A push to a default branch: what figures need of it.
    pub async fn pushed(&self, repository: &Repository, branch: &str) -> store::Result<Option<Done>> {
        if repository.default_branch.as_deref() != Some(branch) {
            return Ok(None);
        }
        match self.hints().await {
            Ok(Some(hints)) => self.read_again(&format!("pushes to {branch}"), hints.pushes(repository, branch).await).map(Some),
            Ok(None) => Ok(None),
            Err(why) => Ok(Some(Done::unanswered(why))),
        }
    }
}

fn several(what: &str, numbers: &[i64]) -> String {
    match numbers {
        [one] => format!("{what} {one}"),
        several => format!("{} {what}s", several.len()),
    }
}
