//! The inside of an event, by its kind.

use super::bag::Bag;
use super::envelope::guid;
use super::{AboutPullRequest, Deed, RefUpdate, What, link};
use crate::ado::wire;
use crate::domain::fact;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::pull_request::PullRequestStatus;

/// A push of more refs than this is a mirror; the rest of it is left to the next comparison.
const REFS: usize = 1_000;

pub fn what(kind: &str, bag: &Bag<'_>) -> What {
    if kind.starts_with("git.pullrequest.") {
        return pull_request(bag).map_or(What::Incomplete("which pull request it is about"), What::PullRequest);
    }
    match kind {
        "ms.vss-code.git-pullrequest-comment-event" => comment(bag),
        "git.push" => push(bag),
        "git.repo.created" => repository(bag, Deed::Created),
        "git.repo.deleted" => repository(bag, Deed::Deleted),
        "git.repo.renamed" => repository(bag, Deed::Renamed),
        "git.repo.forked" => repository(bag, Deed::Forked),
        "git.repo.statuschanged" => repository(bag, Deed::StatusChanged),
        "build.complete" => build(bag),
        _ if kind.starts_with("ms.vss-pipelines.") => run(bag),
        _ if kind.starts_with("ms.vss-release.") => What::Deployment,
        _ if kind.starts_with("workitem.") => work_item(kind, bag),
        _ => What::Other,
    }
}

fn pull_request(bag: &Bag<'_>) -> Option<AboutPullRequest> {
    about(&bag.object("resource", PULL_REQUEST), bag.text_of("resource"))
}

const PULL_REQUEST: &[&str] = &["pullRequestId", "repository", "url"];

/// `whole` is the text of the same object.
fn about(resource: &Bag<'_>, whole: Option<&str>) -> Option<AboutPullRequest> {
    let address = resource.word("url").unwrap_or_default();
    let number = resource.number("pullRequestId").or_else(|| link::pull_request(&address)).filter(|number| *number > 0)?;
    let repository = resource.object("repository", &["id"]).word("id").and_then(guid).or_else(|| link::repository(&address))?;
    let fact = whole.and_then(fact).filter(|fact| fact.number == number && fact.repository == repository).map(Box::new);
    Some(AboutPullRequest { repository, number, fact })
}

/// What the body says of a pull request, if that is enough to know it by: thin bodies are asked for again, not believed.
fn fact(text: &str) -> Option<fact::PullRequest> {
    let wire: wire::pull_request::PullRequest = serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(text).and_then(|value: serde_json::Value| serde_json::from_value(value)))
        .ok()?;
    let mut fact = wire.fact();
    let whole = fact.status != PullRequestStatus::Unknown
        && !fact.title.is_empty()
        && !fact.source_branch.is_empty()
        && !fact.target_branch.is_empty();
    fact.repository = guid(fact.repository.as_str())?;
    fact.project = fact.project.and_then(|id| guid(id.as_str()));
    whole.then_some(fact)
}

/// Version 2.0 holds the pull request, 1.0 the bare comment with links to its threads.
fn comment(bag: &Bag<'_>) -> What {
    const RESOURCE: &[&str] = &["comment", "pullRequest", "isDeleted", "_links"];
    let resource = bag.object("resource", RESOURCE);
    let comment = resource.object("comment", &["isDeleted", "_links"]);
    let deleted = comment.flag("isDeleted") || resource.flag("isDeleted");
    let named = about(&resource.object("pullRequest", PULL_REQUEST), resource.text_of("pullRequest"));
    let found = named.or_else(|| by_links(&comment)).or_else(|| by_links(&resource));
    found.map_or(What::Incomplete("which pull request was commented on"), |about| What::Comment { about, deleted })
}

fn by_links(of: &Bag<'_>) -> Option<AboutPullRequest> {
    const NAMES: &[&str] = &["self", "threads", "pullRequests"];
    let links = of.object("_links", NAMES);
    NAMES.iter().find_map(|name| {
        let address = links.object(name, &["href"]).word("href")?;
        let number = link::pull_request(&address).filter(|number| *number > 0)?;
        Some(AboutPullRequest { repository: link::repository(&address)?, number, fact: None })
    })
}

fn push(bag: &Bag<'_>) -> What {
    const RESOURCE: &[&str] = &["repository", "refUpdates", "url"];
    let resource = bag.object("resource", RESOURCE);
    let named = resource.object("repository", &["id"]).word("id").and_then(guid);
    let Some(repository) = named.or_else(|| resource.word("url").and_then(|url| link::repository(&url))) else {
        return What::Incomplete("which repository was pushed to");
    };
    let updates = resource.list("refUpdates", REFS).into_iter().filter_map(ref_update).collect();
    What::Push { repository, updates }
}

fn ref_update(text: &str) -> Option<RefUpdate> {
    let update = Bag::read(text, &["name", "oldObjectId", "newObjectId"]).ok()?;
    let name = update.long_word("name").filter(|name| !name.is_empty())?;
    Some(RefUpdate { name, old: update.word("oldObjectId").map(ObjectId::new), new: update.word("newObjectId").map(ObjectId::new) })
}

/// A deleted repository is named by its id alone; a fork by both repositories.
fn repository(bag: &Bag<'_>, deed: Deed) -> What {
    const RESOURCE: &[&str] = &["repository", "targetRepository", "repositoryId", "repositoryName"];
    const REPOSITORY: &[&str] = &["id", "name"];
    let resource = bag.object("resource", RESOURCE);
    let repository = match deed {
        Deed::Forked => resource.object("targetRepository", REPOSITORY),
        _ => resource.object("repository", REPOSITORY),
    };
    let id: Option<Guid> = repository.word("id").or_else(|| resource.word("repositoryId")).and_then(guid);
    let name = repository.word("name").or_else(|| resource.word("repositoryName"));
    What::Repository { repository: id, name, deed }
}

fn build(bag: &Bag<'_>) -> What {
    const RESOURCE: &[&str] = &["id", "sourceBranch", "triggerInfo"];
    let resource = bag.object("resource", RESOURCE);
    let by_branch = resource.word("sourceBranch").and_then(|name| link::merge_ref(&name));
    let named = || resource.object("triggerInfo", &["pr.number"]).number("pr.number").filter(|number| *number > 0);
    What::Build { number: resource.number("id").filter(|number| *number > 0), pull_request: by_branch.or_else(named) }
}

/// A run, or a stage or job of one. A run has the number of its build.
fn run(bag: &Bag<'_>) -> What {
    let run = bag.object("resource", &["run"]).object("run", &["id", "resources"]);
    let number = run.number("id").filter(|number| *number > 0);
    let this = run.object("resources", &["repositories"]).object("repositories", &["self"]).object("self", &["refName"]);
    What::Build { number, pull_request: this.word("refName").and_then(|name| link::merge_ref(&name)) }
}

/// `id` is the number of the update where a work item was updated, and the work item everywhere else.
fn work_item(kind: &str, bag: &Bag<'_>) -> What {
    let resource = bag.object("resource", &["id", "workItemId", "rev"]);
    let id = match kind {
        "workitem.updated" => resource.number("workItemId"),
        _ => resource.number("id"),
    };
    id.map_or(What::Incomplete("which work item it is about"), |id| What::WorkItem { id, revision: resource.number("rev") })
}
