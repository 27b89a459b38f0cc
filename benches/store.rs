//! The store with ten thousand tickets and five hundred active pull requests: opening it, reading the board, the list of pull
//! requests, and a poll that brings nothing new. A file in the system's temporary directory; the disk takes part.

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use kanado::domain::fact;
use kanado::domain::id::{Guid, ProjectId};
use kanado::domain::person::Identity;
use kanado::domain::project::Deployment;
use kanado::domain::pull_request::{MergeState, PullRequestStatus, Source};
use kanado::store::{IngestRules, Linked, Listing, Location, NewOrganisation, NewTicket, PullRequestFilter, SpecText, Store};

const TICKETS: u32 = 10_000;
const PULL_REQUESTS: i64 = 500;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).expect("a time")
}

async fn fill(location: &Location) -> (ProjectId, Vec<fact::PullRequest>) {
    let store = Store::open(location).await.expect("a store");
    let organisation = NewOrganisation {
        name: "lumen".into(),
        url: "https://dev.example.test/lumen".into(),
        deployment: Deployment::Services,
        instance: None,
        me: None,
    };
    let organisation = store.put_organisation(&organisation, at(0)).await.expect("an organisation");
    let guid = Guid::new("project");
    let project = fact::Project { guid: guid.clone(), name: "Lumen".into(), description: None, well_formed: true };
    let project = store.put_project(organisation.id, &project, "LUM").await.expect("a project").id;
    let repository = fact::Repository {
        guid: Guid::new("repository"),
        name: "api".into(),
        project: guid.clone(),
        default_branch: Some("main".into()),
        disabled: false,
        web_url: None,
        remote_url: None,
    };
    let repository = store.put_repositories(project, &[repository]).await.expect("a repository")[0].id;
    store.set_linked(repository, Linked::Yes).await.expect("a link");
    let new = (0..TICKETS).map(|number| NewTicket {
        project,
        key: None,
        spec_text: SpecText::FromKey(Box::new(move |key| {
            format!("# {key}: Ticket {number} with a title of the usual length\n\n## Overview\n\nWhat it is about.\n\n## Acceptance criteria\n\n- [ ] one\n- [x] two\n")
        })),
        repository: Some(repository),
        assignee: None,
        labels: vec!["ui".into()],
        priority: None,
        estimate_hours: None,
        dependencies: vec![],
    });
    let tickets = store.create_tickets(new.collect(), at(1)).await.expect("tickets");
    let author = Identity { id: Guid::new("ada"), display_name: "Ada".into(), unique_name: "ada@example.test".into() };
    let mut facts = Vec::new();
    for (number, ticket) in (1..=PULL_REQUESTS).zip(tickets.iter().step_by(20)) {
        let branch = format!("feature/{}", ticket.key);
        store.start_ticket(&ticket.key, repository, &branch, None, at(2)).await.expect("a start");
        facts.push(fact::PullRequest {
            number,
            repository: Guid::new("repository"),
            repository_name: "api".into(),
            project: Some(guid.clone()),
            title: ticket.title.clone(),
            description: "words ".repeat(60),
            status: PullRequestStatus::Active,
            is_draft: false,
            source_branch: branch,
            target_branch: "main".into(),
            author: author.clone(),
            created_at: at(3),
            closed_at: None,
            merge: MergeState::Succeeded,
            auto_complete: false,
            reviewers: vec![],
            labels: vec![],
            source_commit: None,
            target_commit: None,
            merge_commit: None,
        });
    }
    let listing = Listing::ActiveComplete { since_poll: at(4) };
    store.ingest(project, &facts, listing, Source::Poll, &IngestRules::default(), at(4)).await.expect("a poll");
    store.close().await;
    (project, facts)
}

fn bench(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let directory = tempfile::tempdir().expect("a directory");
    let location = Location::in_directory(directory.path());
    let (project, facts) = runtime.block_on(fill(&location));

    c.bench_function("store/open", |b| {
        b.iter(|| runtime.block_on(async { Store::open(&location).await.expect("a store").close().await }));
    });
    let store = runtime.block_on(Store::open(&location)).expect("a store");
    c.bench_function("store/board of 10,000", |b| {
        b.iter(|| runtime.block_on(store.board(project, None)).expect("a board").cards.len());
    });
    c.bench_function("store/500 pull requests", |b| {
        b.iter(|| runtime.block_on(store.pull_requests(project, &PullRequestFilter::active())).expect("a list").len());
    });
    let mut minute = 5;
    c.bench_function("store/poll without news", |b| {
        b.iter(|| {
            minute += 1;
            let listing = Listing::ActiveComplete { since_poll: at(minute) };
            runtime.block_on(store.ingest(project, &facts, listing, Source::Poll, &IngestRules::default(), at(minute))).expect("a poll")
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
