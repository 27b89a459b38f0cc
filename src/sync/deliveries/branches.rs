//! A branch that was pushed to: where a ticket works on it, what it holds of the ticket's spec is compared with what is known.

use crate::ado::{At, ErrorKind, RepoRef};
use crate::domain::id::{Guid, ObjectId};
use crate::domain::project::Repository;
use crate::domain::ticket::SpecBadge;
use crate::store::{self, BranchFound};

use super::fate::Unanswered;
use super::round::{Done, Round};

/// How often a look is repeated because a push of our own came in between.
const LOOKS: usize = 3;

impl Round<'_> {
    /// Looks at a branch, if it is a ticket's.
    pub async fn branch(&self, repository: &Guid, name: &str) -> store::Result<Done> {
        let known = self.known_repository(repository).await?;
        let pushed = match &known {
            Some(known) => self.pushed(known, name).await?,
            None => None,
        };
        let ticket = match known {
            Some(known) => self.store.ticket_of_branch(known.id, name).await?.map(|key| (known, key)),
            None => None,
        };
        let Some((repository, key)) = ticket else {
            if let Some(pushed) = pushed {
                return Ok(pushed);
            }
            return Ok(Done::Ignored(format!("a push to {name}, which is no ticket's branch")));
        };
        let path = key.spec_path();
        for _ in 0..LOOKS {
            let before = self.store.spec(&key).await?;
            let object = match self.spec_on(&repository, name, &path).await {
                Ok(object) => object,
                Err(why) => return Ok(Done::unanswered(why)),
            };
            match self.store.record_spec_found(&key, &before, object.as_ref()).await? {
                BranchFound::Overtaken => {}
                BranchFound::Known => return Ok(Done::Applied(format!("the spec of {key} on {name} is the one known"))),
                BranchFound::New(state) => {
                    return Ok(Done::Applied(match (&object, state.badge()) {
                        (None, _) => format!("{name} holds no spec of {key} any more"),
                        (Some(_), SpecBadge::ChangedOnBranch) => format!("the spec of {key} changed on {name}"),
                        (Some(_), _) => format!("the spec of {key} on {name} is the one known"),
                    }));
                }
            }
        }
        Ok(Done::failed(format!("the spec of {key} is being pushed; look again when that is over")))
    }

    /// The blob of a spec at the tip of a branch; none where the branch is gone, too.
    async fn spec_on(&self, repository: &Repository, branch: &str, path: &str) -> Result<Option<ObjectId>, Unanswered> {
        let client = self.client().await?;
        let place = RepoRef { project: &self.project.guid, repository: &repository.guid };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match client.files_under(place, &At::Branch(branch), folder).await {
            Ok(files) => Ok(files.into_iter().find(|(found, _)| found == path).map(|(_, object)| object)),
            Err(error) if *error.kind() == ErrorKind::BranchMissing => Ok(None),
            Err(error) => Err(self.unanswered(&error)),
        }
    }
}
