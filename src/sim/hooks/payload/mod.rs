//! What is sent about a happening: the facts for the filters, the resource, and the words around it.
//!
//! Resources are written by the same hands as the answers of the REST API. Limits: as on the service nothing is told of a
//! changed title, description, label, posted status or auto-complete; only polling finds those.
mod delivery;
pub mod invented;
mod pull_request;
mod repository;
pub mod sample;

use serde_json::{Value, json};
use uuid::Uuid;

use super::catalogue::Face;
use super::event::{Event, Facts, Happening, Message, Told};
use crate::sim::api::render::Renderer;
use crate::sim::site::{Site, percent_encode};
use crate::sim::world::{MergeStatus, PullRequest, Repository, World};

/// What the filters look at; `None` when what it happened to is not there any more.
pub fn facts(world: &World, happening: &Happening<'_>) -> Option<Facts> {
    let of_repository = |id: Uuid| {
        let place = world.repository(id)?;
        Some(Facts { project: place.project, repository: Some(place.id), ..Facts::default() })
    };
    let of_pull_request = |id: i32| {
        let row = world.pull_request(id)?;
        let reviewers = row.reviewers.iter().map(|reviewer| reviewer.id).collect();
        let branches = vec![row.target_ref.clone()];
        Some(Facts { branches, author: Some(row.created_by), reviewers, ..of_repository(row.repository)? })
    };
    let with = |facts: Option<Facts>, key: &str, word: &str| {
        let mut facts = facts?;
        facts.more.insert(key.to_owned(), word.to_owned());
        Some(facts)
    };
    match happening {
        Happening::Pushed { .. } => {
            let push = world.pushes.last()?;
            let branches = push.moves.iter().map(|moved| moved.name.clone()).collect();
            Some(Facts { branches, pushed_by: Some(push.by), ..of_repository(push.repository)? })
        }
        Happening::PullRequestCreated { id, .. } => of_pull_request(*id),
        Happening::PullRequestUpdated { id, what, .. } => with(of_pull_request(*id), "notificationType", what.word()),
        Happening::MergeAttempted { id, .. } => with(of_pull_request(*id), "mergeResult", merge_result(world.pull_request(*id)?)),
        Happening::Commented { pull_request, .. } => of_pull_request(*pull_request),
        Happening::RepositoryCreated { id, .. }
        | Happening::RepositoryRenamed { id, .. }
        | Happening::RepositoryDeleted { id, .. }
        | Happening::RepositoryStatusChanged { id, .. } => of_repository(*id),
        Happening::RepositoryForked { source, .. } => of_repository(*source),
        Happening::BuildCompleted { id } => delivery::of_completed(world, *id),
        Happening::RunChanged { id } => delivery::of_run(world, *id),
        Happening::StageChanged { build, stage } => delivery::of_stage(world, *build, stage),
        Happening::ReleaseDeploymentStarted { id } | Happening::ReleaseDeploymentCompleted { id } => {
            delivery::of_release_deployment(world, *id)
        }
        Happening::WorkItemCreated { id } => delivery::of_work_item(world, *id, &[]),
        Happening::WorkItemUpdated { id, changes, .. } => delivery::of_work_item(world, *id, changes),
    }
}

fn merge_result(row: &PullRequest) -> &'static str {
    match row.merge.status {
        MergeStatus::Succeeded => "Succeeded",
        MergeStatus::Conflicts => "Conflicts",
        MergeStatus::RejectedByPolicy => "RejectedByPolicy",
        MergeStatus::Failure | MergeStatus::NotSet | MergeStatus::Queued => "Failure",
    }
}

/// What is told.
pub fn tell(world: &World, site: &Site, happening: &Happening<'_>) -> Option<Told> {
    let teller = Teller { world, site, renderer: Renderer { world, site } };
    match happening {
        Happening::Pushed { commits } => teller.pushed(commits),
        Happening::PullRequestCreated { id, by } => teller.created(*id, *by),
        Happening::PullRequestUpdated { id, by, what } => teller.updated(*id, *by, *what),
        Happening::MergeAttempted { id, by } => teller.merge_attempted(*id, *by),
        Happening::Commented { pull_request, thread, comment, remark } => teller.commented((*pull_request, *thread, *comment), *remark),
        Happening::RepositoryCreated { id, by } => teller.repository_created(*id, *by),
        Happening::RepositoryRenamed { id, by, old } => teller.repository_renamed(*id, *by, old),
        Happening::RepositoryDeleted { id, by } => teller.repository_deleted(*id, *by),
        Happening::RepositoryForked { source, target, by } => teller.repository_forked(*source, *target, *by),
        Happening::RepositoryStatusChanged { id, by } => teller.repository_status_changed(*id, *by),
        Happening::BuildCompleted { id } => teller.build_completed(*id),
        Happening::RunChanged { id } => teller.run_changed(*id),
        Happening::StageChanged { build, stage } => teller.stage_changed(*build, stage),
        Happening::ReleaseDeploymentStarted { id } | Happening::ReleaseDeploymentCompleted { id } => teller.release_deployment(*id),
        Happening::WorkItemCreated { id } => teller.work_item(*id),
        Happening::WorkItemUpdated { id, by, changes } => teller.work_item_updated(*id, *by, changes),
    }
}

/// The event that all subscriptions share.
pub fn event(world: &World, site: &Site, (publisher, event_type): (&str, &str), project: Uuid, told: Told) -> Event {
    Event {
        id: Uuid::new_v4(),
        event_type: event_type.to_owned(),
        publisher: publisher.to_owned(),
        message: told.message,
        detailed: told.detailed,
        resource: told.resource.to_string(),
        containers: containers(world, site, publisher, project).to_string(),
        created: world.now(),
    }
}

/// Where it happened. Release management leaves the project out.
fn containers(world: &World, site: &Site, publisher: &str, project: Uuid) -> Value {
    let base = if publisher == "rm" { Face::Release } else { Face::Main };
    let base = format!("{}/", base.base(site).trim_end_matches("_apis").trim_end_matches('/'));
    let mut containers = json!({
        "collection": { "id": world.organisation.id, "baseUrl": base },
        "account": { "id": world.organisation.deployment, "baseUrl": base },
    });
    if publisher != "rm" {
        containers["project"] = json!({ "id": project, "baseUrl": base });
    }
    containers
}

/// Writes what there is to say about the world as it is.
struct Teller<'a> {
    world: &'a World,
    site: &'a Site,
    renderer: Renderer<'a>,
}

impl Teller<'_> {
    fn name(&self, id: Uuid) -> String {
        self.world.user(id).map_or_else(|| "Somebody".to_owned(), |user| user.display_name.clone())
    }

    fn web(&self, repository: &Repository) -> String {
        let project = self.world.project_by_id(repository.project).map_or("", |project| project.name.as_str());
        self.site.web(project, &repository.name)
    }

    /// The repository as events carry it: with its default branch, without what only git knows.
    fn repository(&self, repository: &Repository) -> Value {
        let mut value = self.renderer.repository(repository);
        value["defaultBranch"] = json!(repository.default_branch);
        value
    }

    fn branch_link(&self, repository: &Repository, ref_name: &str) -> String {
        let short = ref_name.strip_prefix("refs/heads/").unwrap_or(ref_name);
        format!("{}?version=GB{}", self.web(repository), percent_encode(short))
    }
}

/// `before [label](address) after` in the three ways.
fn linked(before: &str, label: &str, address: &str, after: &str) -> Message {
    let safe = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    Message {
        text: format!("{before}{label}{after}"),
        html: format!("{}<a href=\"{}\">{}</a>{}", safe(before), safe(address), safe(label), safe(after)),
        markdown: format!("{before}[{label}]({address}){after}"),
    }
}
