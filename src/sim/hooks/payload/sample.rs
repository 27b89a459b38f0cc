//! What the "Test" button sends: the same made-up event for every organisation, about a firm called Fabrikam.
//!
//! The event id of a sample is always the same, as on the service, so that it names no delivery. Limits: the dates are fixed.
use jiff::Timestamp;
use uuid::Uuid;

use super::super::catalogue::EventType;
use super::super::event::{Event, Happening, Remark, Told, Update};
use super::{facts, invented, tell};
use crate::sim::api::render::Renderer;
use crate::sim::git::{CommitRow, Stamp};
use crate::sim::site::{ServerVersion, Site};
use crate::sim::world::{
    Clock, Comment, CommentKind, MergeStatus, PrState, Project, PullRequest, Push, RefMove, Repository, Reviewer, Thread, ThreadStatus,
    User, World, ZERO_ID,
};

const HEAD: &str = "5c1d9e0f7a3b2468ace013579bdf02468ace1357";
const BASE: &str = "0b7e6f5d4c3b2a19081726354453627180f1e2d3";

fn id(what: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("https://fabrikam.visualstudio.com/{what}").as_bytes())
}

/// A day in 2014.
fn date() -> Timestamp {
    Timestamp::from_second(1_403_023_000).unwrap_or_default()
}

fn site() -> Site {
    Site::new("https://fabrikam.visualstudio.com", "DefaultCollection", ServerVersion::Services)
}

fn fabrikam() -> World {
    let mut world = World::empty("fabrikam", date());
    world.clock = Clock::showing(date());
    let (author, reviewer) = (id("people/1"), id("people/2"));
    world.users.push(User::new(author, "Jamal Hartnett", "jamal@fabrikam.example"));
    world.users.push(User::new(reviewer, "Johnnie McLeod", "johnnie@fabrikam.example"));
    let project = Project::new(id("projects/1"), "Fabrikam", date());
    let repository = Repository::new(id("repositories/1"), project.id, "Fabrikam");
    let mut row = PullRequest::new(
        1,
        repository.id,
        author,
        date(),
        "my first pull request",
        ("refs/heads/mytopic", HEAD),
        ("refs/heads/main", BASE),
    );
    row.description = Some(" - test2\r\n".to_owned());
    row.merge.status = MergeStatus::Succeeded;
    row.merge.commit = Some("e1f00d2c3b4a59687786a5b4c3d2e1f0aabbccdd".to_owned());
    row.reviewers.push(Reviewer::new(reviewer));
    row.threads.push(Thread {
        id: 5,
        published: date(),
        last_updated: date(),
        comments: vec![Comment {
            id: 2,
            parent: 1,
            author,
            content: Some("This is my comment.".to_owned()),
            kind: CommentKind::Text,
            published: date(),
            last_updated: date(),
            last_content_updated: date(),
            is_deleted: false,
            liked_by: Vec::new(),
        }],
        status: Some(ThreadStatus::Active),
        context: None,
        pull_request_context: None,
        properties: Default::default(),
        identities: Vec::new(),
        is_deleted: false,
        extra: Default::default(),
    });
    world.pushes.push(Push {
        id: 14,
        repository: repository.id,
        by: author,
        date: date(),
        moves: vec![RefMove { name: "refs/heads/main".to_owned(), old: ZERO_ID.to_owned(), new: HEAD.to_owned() }],
        commits: vec![HEAD.to_owned()],
    });
    world.pull_requests.insert(1, row);
    world.projects.push(project);
    world.repositories.push(repository);
    world
}

/// The sample of an event type.
pub fn event(event_type: &EventType) -> Option<Event> {
    let (mut world, site) = (fabrikam(), site());
    let (by, repository) = (id("people/1"), id("repositories/1"));
    let signed = Stamp::new("Jamal Hartnett", "jamal@fabrikam.example", date());
    let commits = [CommitRow {
        id: HEAD.to_owned(),
        tree: BASE.to_owned(),
        parents: Vec::new(),
        author: signed.clone(),
        committer: signed,
        message: "Fixed bug in web.config file".to_owned(),
    }];
    let happening = match event_type.id {
        "git.push" => Some(Happening::Pushed { commits: &commits }),
        "git.pullrequest.created" => Some(Happening::PullRequestCreated { id: 1, by }),
        "git.pullrequest.updated" => Some(Happening::PullRequestUpdated { id: 1, by, what: Update::Status }),
        "git.pullrequest.merged" => Some(Happening::MergeAttempted { id: 1, by }),
        super::super::catalogue::COMMENT => Some(Happening::Commented { pull_request: 1, thread: 5, comment: 2, remark: Remark::Made }),
        "git.repo.created" => Some(Happening::RepositoryCreated { id: repository, by }),
        "git.repo.renamed" => Some(Happening::RepositoryRenamed { id: repository, by, old: "Diber" }),
        "git.repo.deleted" => Some(Happening::RepositoryDeleted { id: repository, by }),
        "git.repo.forked" => Some(Happening::RepositoryForked { source: repository, target: repository, by }),
        "git.repo.statuschanged" => Some(Happening::RepositoryStatusChanged { id: repository, by }),
        _ => None,
    };
    // The samples of both say that it is done.
    if matches!(event_type.id, "git.pullrequest.updated" | "git.pullrequest.merged")
        && let Some(row) = world.pull_request_mut(1)
    {
        row.state = PrState::Completed;
        row.closed = Some(date());
    }
    let project = world.projects.first()?.clone();
    let (told, project): (Told, Uuid) = match happening {
        Some(happening) => (tell(&world, &site, &happening)?, facts(&world, &happening)?.project),
        None => {
            let place = invented::Place {
                renderer: Renderer { world: &world, site: &site },
                project: &project,
                repository: world.repositories.first(),
                by,
            };
            let (facts, told) = invented::tell(&place, event_type.id, &invented::Sketch::default())?;
            (told, facts.project)
        }
    };
    let mut event = super::event(&world, &site, (event_type.publisher, event_type.id), project, told);
    event.id = id(event_type.id);
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::super::super::catalogue::EVENT_TYPES;
    use super::*;

    #[test]
    fn every_event_type_has_a_sample_with_an_id_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for kind in EVENT_TYPES {
            let event = event(kind).unwrap_or_else(|| panic!("{} has no sample", kind.id));
            let resource: serde_json::Value = serde_json::from_str(&event.resource).unwrap();
            assert!(resource.is_object(), "{}", kind.id);
            assert!(seen.insert(event.id));
            assert!(event.resource.contains("fabrikam"), "{}: {}", kind.id, event.resource);
        }
    }
}
