//! Webhooks from behind the scene: events of every type, deliveries that go wrong, and what was sent; repositories made and
//! unmade.
//!
//! Limits: an event about a pull request or repository is of one that exists; about anything else it is made up.

use serde::Deserialize;
use uuid::Uuid;

use super::Control;
use crate::sim::api::render::Renderer;
use crate::sim::deed;
use crate::sim::hooks::catalogue::{COMMENT, event_type_named};
use crate::sim::hooks::event::{Happening, Remark, Update};
use crate::sim::hooks::faults::HookFaults;
use crate::sim::hooks::payload::invented::{Place, Sketch};
use crate::sim::hooks::retry::Status;
use crate::sim::hooks::subscription::Subscription;
use crate::sim::hooks::{self, Delivered, Idle, publish, publish_invented};
use crate::sim::reply::Failure;
use crate::sim::seed;

/// An event to publish.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Emission {
    pub event_type: String,
    /// By name or id; the first of the world if not said.
    pub project: Option<String>,
    pub repository: Option<String>,
    /// For events about a pull request: as it is now.
    pub pull_request: Option<i32>,
    /// For `git.pullrequest.updated`.
    pub notification_type: Option<String>,
    pub r#as: Option<String>,
    /// How often; once if not said.
    pub count: Option<u32>,
    /// About what this world does not have.
    pub about: Sketch,
}

impl Control {
    /// Publishes an event; answers to how many subscriptions it goes, all repetitions together.
    pub async fn emit(&self, emission: Emission) -> Result<usize, Failure> {
        let kind = event_type_named(&emission.event_type).ok_or_else(|| Failure::no_event_handler(&emission.event_type))?;
        let by = self.person(emission.r#as.as_deref().unwrap_or(seed::PROTAGONIST)).await?;
        let repository = match &emission.repository {
            Some(name) => Some(self.repository(name).await?),
            None => None,
        };
        let mut taken = 0;
        for _ in 0..emission.count.unwrap_or(1) {
            // Let go between two, so that a burst holds nobody up.
            let world = self.sim.read().await;
            let happening = match (kind.id, emission.pull_request, &repository) {
                ("git.pullrequest.created", Some(id), _) => Some(Happening::PullRequestCreated { id, by }),
                ("git.pullrequest.updated", Some(id), _) => {
                    let word = emission.notification_type.as_deref().unwrap_or("PushNotification");
                    let what = Update::named(word).ok_or_else(|| Failure::enum_value("notificationType", word))?;
                    Some(Happening::PullRequestUpdated { id, by, what })
                }
                ("git.pullrequest.merged", Some(id), _) => Some(Happening::MergeAttempted { id, by }),
                (COMMENT, Some(id), _) => {
                    let row = world.pull_request(id).ok_or_else(Failure::no_pull_request)?;
                    let spoken = row.threads.iter().rev().find(|thread| !thread.is_system());
                    let thread = spoken.ok_or_else(|| Failure::argument("pullRequest", "Nobody said anything about it yet."))?;
                    let comment = thread.comments.last().map_or(1, |comment| comment.id);
                    Some(Happening::Commented { pull_request: id, thread: thread.id, comment, remark: Remark::Made })
                }
                ("git.push", _, _) => Some(Happening::Pushed { commits: &[] }),
                ("git.repo.created", _, Some(row)) => Some(Happening::RepositoryCreated { id: row.id, by }),
                ("git.repo.deleted", _, Some(row)) => Some(Happening::RepositoryDeleted { id: row.id, by }),
                ("git.repo.renamed", _, Some(row)) => Some(Happening::RepositoryRenamed { id: row.id, by, old: &row.name }),
                ("git.repo.forked", _, Some(row)) => Some(Happening::RepositoryForked { source: row.id, target: row.id, by }),
                ("git.repo.statuschanged", _, Some(row)) => Some(Happening::RepositoryStatusChanged { id: row.id, by }),
                _ => None,
            };
            taken += match happening {
                Some(happening) => publish(&self.sim, &world, &happening),
                None => {
                    let project = match (&emission.project, &repository) {
                        (Some(name), _) => world.project(name).ok_or_else(|| Failure::no_project(name))?,
                        (None, Some(row)) => world.project_by_id(row.project).ok_or_else(|| Failure::no_project(&row.name))?,
                        (None, None) => world.projects.first().ok_or_else(|| Failure::no_project(""))?,
                    };
                    let here = repository.as_ref().or_else(|| world.repositories.iter().find(|row| row.project == project.id));
                    let place = Place { renderer: Renderer { world: &world, site: &self.sim.site }, project, repository: here, by };
                    publish_invented(&self.sim, &world, &place, kind, &emission.about).ok_or_else(|| {
                        Failure::argument("pullRequest", &format!("{} is about something that exists: say which.", kind.id))
                    })?
                }
            };
        }
        Ok(taken)
    }

    /// What was sent and what came back, oldest first.
    pub fn deliveries(&self) -> Vec<Delivered> {
        self.sim.hooks.log()
    }

    pub fn clear_deliveries(&self) {
        self.sim.hooks.clear_log();
    }

    /// Works off queued merges, then waits until no delivery is under way or due.
    pub async fn hooks_idle(&self) -> Result<Idle, Failure> {
        self.settle().await?;
        Ok(self.sim.hooks.idle().await)
    }

    /// Replaces the faults of delivery; the default has none.
    pub fn hook_faults(&self, faults: HookFaults) {
        self.sim.hooks.set_faults(faults);
    }

    /// Everybody's, in the order they were made, with their secrets.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.sim.hooks.subscriptions()
    }

    /// As if a person or the service had done it.
    pub fn set_subscription_status(&self, id: Uuid, status: Status) -> Result<(), Failure> {
        self.sim.hooks.set_status(id, status).map(drop).ok_or_else(|| Failure::no_subscription(&id.to_string()))
    }

    /// As if a person had deleted it on the web page.
    pub fn unsubscribe(&self, id: Uuid) -> bool {
        self.sim.hooks.unsubscribe(id)
    }

    /// Makes somebody an administrator, or takes it away: their subscriptions are then disabled.
    pub async fn set_administrator(&self, who: &str, is_administrator: bool) -> Result<(), Failure> {
        let person = self.person(who).await?;
        if let Some(user) = self.sim.write().await.users.iter_mut().find(|user| user.id == person) {
            user.is_administrator = is_administrator;
        }
        if !is_administrator {
            for row in self.sim.hooks.subscriptions().into_iter().filter(|row| row.created_by == person) {
                self.sim.hooks.set_status(row.id, Status::DisabledByInactiveIdentity);
            }
        }
        Ok(())
    }

    /// Makes an empty repository, or a fork; answers its id.
    pub async fn create_repository(&self, project: &str, name: &str, who: &str, parent: Option<&str>) -> Result<Uuid, Failure> {
        let person = self.person(who).await?;
        let parent = match parent {
            Some(parent) => Some(self.repository(parent).await?.id),
            None => None,
        };
        let project = {
            let world = self.sim.read().await;
            world.project(project).ok_or_else(|| Failure::no_project(project))?.id
        };
        deed::create_repository(&self.sim, person, project, name, parent).await
    }

    pub async fn rename_repository(&self, repository: &str, who: &str, name: &str) -> Result<(), Failure> {
        let (place, person) = (self.repository(repository).await?.id, self.person(who).await?);
        deed::rename_repository(&self.sim, person, place, name).await
    }

    pub async fn delete_repository(&self, repository: &str, who: &str) -> Result<(), Failure> {
        let (place, person) = (self.repository(repository).await?.id, self.person(who).await?);
        deed::delete_repository(&self.sim, person, place).await
    }

    /// Renames a project: no event tells of it.
    pub async fn rename_project(&self, project: &str, name: &str) -> Result<(), Failure> {
        let mut world = self.sim.write().await;
        let id = world.project(project).ok_or_else(|| Failure::no_project(project))?.id;
        if let Some(row) = world.projects.iter_mut().find(|row| row.id == id) {
            row.name = name.to_owned();
            row.revision += 1;
        }
        Ok(())
    }

    /// Edits a comment of one's own.
    pub async fn edit_comment(&self, pull_request: i32, who: &str, (thread, comment): (i32, i32), text: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::edit_comment(&self.sim, person, (pull_request, thread, comment), text.to_owned()).await
    }

    /// Deletes a comment of one's own.
    pub async fn delete_comment(&self, pull_request: i32, who: &str, (thread, comment): (i32, i32)) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::delete_comment(&self.sim, person, (pull_request, thread, comment)).await
    }

    /// Adds a reviewer.
    pub async fn add_reviewer(&self, pull_request: i32, who: &str, reviewer: &str) -> Result<(), Failure> {
        let (person, reviewer) = (self.person(who).await?, self.person(reviewer).await?);
        deed::add_reviewer(&self.sim, person, pull_request, reviewer, None).await.map(drop)
    }

    /// The history of a subscription, newest first.
    pub fn notifications(&self, id: Uuid) -> Vec<hooks::notification::Notification> {
        self.sim.hooks.history(id)
    }
}
