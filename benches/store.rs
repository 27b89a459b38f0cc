//! The store with ten thousand tickets and five hundred active pull requests: opening it, reading the board, the list of pull
//! requests, and a poll that brings nothing new. A file in the system's temporary directory; the disk takes part.

#[path = "../src/store/tests/facts.rs"]
#[allow(dead_code)]
mod facts;

use criterion::{Criterion, criterion_group, criterion_main};
use facts::at;
use jiff::Timestamp;
use kanado::domain::fact;
use kanado::domain::id::{Guid, ProjectId, TicketKey};
use kanado::domain::person::Identity;
use kanado::domain::project::Deployment;
use kanado::domain::pull_request::{MergeState, PullRequestStatus, Source};
use kanado::store::{IngestRules, Linked, Listing, Location, NewOrganisation, NewTicket, PullRequestFilter, SpecText, Store};

const TICKETS: u32 = 10_000;
const PULL_REQUESTS: i64 = 500;

async fn fill(location: &Location) -> (ProjectId, Vec<fact::PullRequest>) {
    let store = Store::open(location).await.expect("a store");
    let organisation = store.put_organisation(&facts::organisation(), at(0)).await.expect("an organisation");
    let project = store.put_project(organisation.id, &facts::project_fact("Lumen"), "LUM").await.expect("a project").id;
    let repository = store.put_repositories(project, &[facts::repository("api")]).await.expect("a repository")[0].id;
    store.set_linked(repository, Linked::Yes).await.expect("a link");
    let new = (0..TICKETS).map(|number| NewTicket {
        project,
        key: None,
        spec_text: SpecText::FromKey(Box::new(move |key| {
            facts::spec_text(&key.to_string(), &format!("Ticket {number} with a title of the usual length"))
        })),
        repository: Some(repository),
        assignee: None,
        labels: vec!["ui".into()],
        priority: None,
        estimate_hours: None,
        dependencies: vec![],
    });
    let tickets = store.create_tickets(new.collect(), at(1)).await.expect("tickets");
    let mut all = Vec::new();
    for (number, ticket) in (1..=PULL_REQUESTS).zip(tickets.iter().step_by(20)) {
        store.start_ticket(&ticket.key, repository, &format!("feature/{}", ticket.key), None, at(2)).await.expect("a start");
        let title = ticket.title.clone();
        let fact = facts::pull_request(number, &ticket.key, PullRequestStatus::Active, 3);
        all.push(fact::PullRequest { title, description: "words ".repeat(60), ..fact });
    }
    let listing = Listing::ActiveComplete { since_poll: at(4) };
    store.ingest(project, &all, listing, Source::Poll, &IngestRules::default(), at(4)).await.expect("a poll");
    store.close().await;
    (project, all)
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
