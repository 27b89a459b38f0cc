//! The board of the demo: connected, with a backlog to start on, and with what the simulated team has been doing.
//!
//! Tickets under way are made from the team's branches and pull requests, as of when those began; what has become of them is for the
//! facts to say, through the same door as always.

use std::collections::HashMap;

use crate::action::{self, Context, Reporter, connect, hooks, import, link_repositories, members, tickets};
use crate::ado::{Address, At, Client, In, PullRequestQuery, RepoRef, StatusFilter};
use crate::cli::exit::Failure;
use crate::domain::branch;
use crate::domain::fact;
use crate::domain::id::{MemberId, TicketKey};
use crate::domain::project::{Project, Repository};
use crate::domain::pull_request::Source;
use crate::domain::spec;
use crate::domain::status::Status;
use crate::secret;
use crate::sim::Running;
use crate::sim::seed::PROTAGONIST;
use crate::store::{Archived, Listing, MemberChange, NewTicket, SpecText};
use crate::sync;

macro_rules! backlog {
    ($($key:literal in $repository:literal),+ $(,)?) => {
        &[$(($key, $repository, include_str!(concat!("../../../assets/demo/backlog/", $key, ".md")))),+]
    };
}

/// Specs nobody has started: key, where the work is, text.
const BACKLOG: &[(&str, &str, &str)] = backlog! {
    "HAR-22" in "harbor-web",
    "HAR-23" in "tide-api",
    "HAR-24" in "tide-api",
    "HAR-25" in "pilot-cli",
    "HAR-26" in "harbor-web",
    "HAR-27" in "ops",
    "HAR-28" in "pilot-cli",
    "HAR-29" in "tide-api",
};

/// So many of the tickets merged last still wait for a person to call them done.
const STILL_MERGED: usize = 2;

/// Connects and fills the board, unless an earlier run has.
pub async fn prepare(ctx: &Context, running: &Running) -> Result<(), Failure> {
    let address = Address::parse(&format!("{}/Harbor", running.organisation_url()))?;
    let token = running.token_of(PROTAGONIST).unwrap_or_default();
    let token = secret::given(token.as_bytes().to_vec())?;
    let checked = connect::check(ctx, &address, &action::credential(&token)).await?;
    let projects: Vec<_> = checked.project.into_iter().map(|project| (project, Some("HAR".to_owned()))).collect();
    let choice = connect::Choice { projects, link: Vec::new(), keep_token: Some(secret::Place::File) };
    let connected = connect::activate(ctx, &address, &token, &choice, &Reporter::silent()).await?;
    let Some(project) = connected.projects.into_iter().next() else { return Ok(()) };
    if !ctx.store.tickets(project.id, Archived::Shown).await?.is_empty() {
        return Ok(());
    }
    let client = ctx.client(&project).await?;
    for repository in ctx.store.repositories(project.id).await?.iter().filter(|repository| !repository.disabled) {
        link_repositories::link(ctx, &project, &repository.name).await?;
    }
    let people = reviewers(ctx, &project).await?;
    under_way(ctx, &client, &project, &people).await?;
    offer_backlog(ctx, &project).await
}

/// Lets the simulator tell of every change. Nobody listens yet, so nothing is tested; the board does as soon as it is shown.
pub async fn go_live(ctx: &Context) -> Result<(), Failure> {
    for project in ctx.store.projects().await? {
        hooks::register(ctx, &project, hooks::Renew::Needed, &Reporter::silent()).await?;
    }
    Ok(())
}

/// Everybody reviews. Answers who has which account name.
async fn reviewers(ctx: &Context, project: &Project) -> Result<HashMap<String, MemberId>, Failure> {
    let mut people = HashMap::new();
    for member in ctx.store.members(project.id).await? {
        members::set(ctx, &member, &MemberChange { can_review: Some(true), default_reviewer: None }).await?;
        people.insert(member.identity.unique_name.to_lowercase(), member.id);
    }
    Ok(people)
}

async fn offer_backlog(ctx: &Context, project: &Project) -> Result<(), Failure> {
    let mut candidates = Vec::new();
    for (key, repository, text) in BACKLOG {
        let repository = link_repositories::find(ctx, project, repository).await.ok();
        candidates.push(import::Candidate { name: format!("{key}.md"), bytes: text.as_bytes().to_vec(), repository, object: None });
    }
    import::run(ctx, project, candidates, &Reporter::silent()).await?;
    Ok(())
}

/// A ticket for each branch that names one, and for each pull request from such a branch, open or closed.
async fn under_way(ctx: &Context, client: &Client, project: &Project, people: &HashMap<String, MemberId>) -> Result<(), Failure> {
    let query = PullRequestQuery { status: StatusFilter::All, ..PullRequestQuery::default() };
    let listed = client.pull_requests(In::Project(&project.guid), &query).await?;
    for repository in ctx.store.repositories(project.id).await?.iter().filter(|repository| repository.linked) {
        let mut work: HashMap<TicketKey, Work> = HashMap::new();
        for pr in listed.iter().filter(|pr| pr.repository == repository.guid) {
            if let Some(key) = branch::find_key(&pr.source_branch) {
                work.entry(key).or_insert_with(|| Work::of(&pr.source_branch)).pull_request = Some(pr);
            }
        }
        let repo = RepoRef { project: &project.guid, repository: &repository.guid };
        for found in client.branches(repo, "feature/").await? {
            if let Some(key) = branch::find_key(&found.name) {
                let work = work.entry(key).or_insert_with(|| Work::of(&found.name));
                work.creator = found.creator.map(|creator| creator.unique_name);
                work.exists = true;
            }
        }
        for (key, work) in work {
            begin(ctx, client, project, repository, &key, &work, people).await?;
        }
    }
    let rules = ctx.config.board.done_on_merge;
    sync::ingest::facts(&ctx.store, project, &listed, Listing::Some, Source::Poll, rules, ctx.clock.now())
        .await
        .map_err(action::Error::from)?;
    let closed_at = |number: i64| listed.iter().find(|pr| pr.number == number).and_then(|pr| pr.closed_at);
    let mut merged: Vec<_> =
        ctx.store.tickets(project.id, Archived::Hidden).await?.into_iter().filter(|ticket| ticket.status == Status::Merged).collect();
    merged.sort_by_key(|ticket| std::cmp::Reverse(ticket.pull_request.and_then(|linked| closed_at(linked.number))));
    for ticket in merged.iter().skip(STILL_MERGED) {
        tickets::move_to(ctx, &ticket.key, Status::Done).await?;
    }
    Ok(())
}

/// What is known of the work on a ticket.
struct Work<'a> {
    branch: String,
    exists: bool,
    creator: Option<String>,
    pull_request: Option<&'a fact::PullRequest>,
}

impl Work<'_> {
    fn of(branch: &str) -> Self {
        Self { branch: branch.to_owned(), exists: false, creator: None, pull_request: None }
    }
}

async fn begin(
    ctx: &Context,
    client: &Client,
    project: &Project,
    repository: &Repository,
    key: &TicketKey,
    work: &Work<'_>,
    people: &HashMap<String, MemberId>,
) -> Result<(), Failure> {
    let repo = RepoRef { project: &project.guid, repository: &repository.guid };
    let path = key.spec_path();
    let file = if work.exists { client.file(repo, &At::Branch(&work.branch), &path).await? } else { None };
    let pushed = file.and_then(|file| String::from_utf8(file.bytes).ok().map(|text| (text, file.object)));
    let text = match (&pushed, work.pull_request) {
        (Some((text, _)), _) => text.clone(),
        (None, pr) => {
            let title = pr.map_or(work.branch.as_str(), |pr| pr.title.trim_start_matches(&key.to_string()).trim());
            let description = pr.map_or("", |pr| pr.description.split("## ").next().unwrap_or_default().trim());
            spec::template(&spec::Template { key, title, description, parent_story: None, criteria: &[], dependencies: &[] })
        }
    };
    let began = work.pull_request.map_or(ctx.clock.now(), |pr| pr.created_at - jiff::SignedDuration::from_hours(20));
    let who = work.pull_request.map(|pr| pr.author.unique_name.clone()).or_else(|| work.creator.clone()).unwrap_or_default();
    let assignee = people.get(&who.to_lowercase()).copied();
    let new = NewTicket {
        project: project.id,
        key: Some(key.clone()),
        spec_text: SpecText::Given(text),
        repository: Some(repository.id),
        assignee,
        labels: work.pull_request.map(|pr| pr.labels.clone()).unwrap_or_default(),
        priority: None,
        estimate_hours: None,
        dependencies: Vec::new(),
    };
    ctx.store.create_ticket(new, began).await?;
    if let Some((text, object)) = &pushed {
        ctx.store.record_spec_pushed(key, text, object, began).await?;
    }
    ctx.store.start_ticket(key, repository.id, &work.branch, assignee, began).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::{Config, Overrides};
    use crate::secret::TokenSources;
    use crate::services::Services;
    use crate::sim::{self, Options};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_demo_board_has_tickets_of_every_status_once_and_keeps_them_at_the_next_start() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let overrides = Overrides { data_dir: Some(folder.path().to_owned()), ..Overrides::default() };
        let (config, _) = Config::from_text("", &folder.path().join("config.toml"), &overrides).unwrap();
        let tokens = TokenSources::file_only(config.paths.token_dir());
        let services = Services::open(config, tokens, Clock::System).await.unwrap();
        let ctx = &services.ctx;
        let running = sim::start(Options { organisation: sim::Content::Busy, ..Options::default() }).await.unwrap();
        prepare(ctx, &running).await.unwrap();

        let project = ctx.store.find_project("HAR").await.unwrap().unwrap();
        let tickets = ctx.store.tickets(project.id, Archived::Shown).await.unwrap();
        for status in Status::ALL {
            let keys: Vec<String> = tickets.iter().filter(|t| t.status == status).map(|t| t.key.to_string()).collect();
            let all: Vec<String> = tickets.iter().map(|t| format!("{} {}", t.key, t.status.word())).collect();
            assert!(!keys.is_empty(), "no ticket is {}: {all:?}", status.word());
        }
        assert_eq!(tickets.iter().filter(|t| t.status == Status::Todo).count(), BACKLOG.len());
        assert!(tickets.iter().all(|t| t.repository.is_some()));
        assert!(tickets.iter().filter(|t| t.status == Status::PrOpen).all(|t| t.pull_request.is_some() && t.assignee.is_some()));
        let new = tickets::New { title: "Next".to_owned(), ..tickets::New::default() };
        assert_eq!(tickets::new(ctx, project.id, new).await.unwrap().key.to_string(), "HAR-30");

        prepare(ctx, &running).await.unwrap();
        assert_eq!(ctx.store.tickets(project.id, Archived::Shown).await.unwrap().len(), tickets.len() + 1);
        running.stop().await;
    }
}
