//! Whatever the order in which the events of one pull request arrive, the end is the same.
//!
//! What happened is a line of six moments; an event can arrive at any time after its moment. So each order is played with Azure DevOps
//! at the latest moment that the deliveries so far have told of: the earliest it can be at, and the one that makes order matter most.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use kanado::ado;
use kanado::clock::Clock;
use kanado::domain::fact;
use kanado::domain::hook::{Delivery, DeliveryState};
use kanado::domain::id::{Guid, ProjectId, RepositoryId, TicketKey};
use kanado::domain::project::{Deployment, Project};
use kanado::domain::pull_request::PullRequestStatus;
use kanado::domain::status::Status;
use kanado::store::{ClaimedDelivery, Linked, Location, NewOrganisation, NewTicket, SpecText, Store};
use kanado::sync::deliveries::{Fate, Rules, apply};
use serde_json::{Value, json};

use crate::support::desk::Line;
use crate::support::payload::{NEW, Sender, Told};

/// What happened, in this order.
const MOMENTS: [&str; 6] = ["created", "push", "vote", "status", "comment", "merged"];
/// Orders that share a project: what is known of a project is looked through at each step.
const TOGETHER: usize = 60;

fn orders() -> Vec<[usize; 6]> {
    fn go(left: &mut Vec<usize>, taken: &mut Vec<usize>, found: &mut Vec<[usize; 6]>) {
        if left.is_empty() {
            found.extend(<[usize; 6]>::try_from(taken.as_slice()));
        }
        for at in 0..left.len() {
            taken.push(left.remove(at));
            go(left, taken, found);
            left.insert(at, taken.pop().unwrap());
        }
    }
    let mut found = Vec::new();
    go(&mut (0..6).collect(), &mut Vec::new(), &mut found);
    found
}

/// The pull request as it was at a moment.
fn pull_request(sender: &Sender, number: i64, moment: usize) -> Value {
    let mut told = Told::new(number, &format!("topic/{number}"));
    told.vote = if moment >= 2 { 10 } else { 0 };
    told.status = if moment >= 5 { "completed" } else { "active" };
    let mut body = sender.pull_request(&told);
    if moment >= 1 {
        body["lastMergeSourceCommit"]["commitId"] = json!(NEW);
    }
    body
}

fn event(sender: &Sender, number: i64, moment: usize) -> Value {
    let resource = pull_request(sender, number, moment);
    match MOMENTS[moment] {
        "created" => sender.envelope("git.pullrequest.created", "1.0", number, resource),
        "comment" => {
            let mut body = sender.comment(number, &Told::new(number, "x"), false);
            body["resource"]["pullRequest"] = resource;
            body
        }
        "merged" => sender.envelope("git.pullrequest.merged", "1.0", number, resource),
        _ => sender.envelope("git.pullrequest.updated", "1.0", number, resource),
    }
}

/// Azure DevOps with every pull request at a moment of its own.
#[derive(Clone, Default)]
struct Elsewhere(Arc<Mutex<HashMap<i64, usize>>>);

impl Elsewhere {
    /// An event of this moment was delivered: it is that late at least.
    fn is_at_least(&self, number: i64, moment: usize) {
        let mut moments = self.0.lock().unwrap();
        let at = moments.entry(number).or_default();
        *at = (*at).max(moment);
    }

    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        format!("http://{address}/lumen")
    }
}

async fn answer(State(here): State<Elsewhere>, uri: Uri) -> Response {
    let list = |rows: Value| axum::Json(json!({"count": rows.as_array().map_or(0, Vec::len), "value": rows})).into_response();
    let parts: Vec<&str> = uri.path().split('/').collect();
    let after = |word: &str| parts.iter().position(|part| part.eq_ignore_ascii_case(word)).and_then(|at| parts.get(at + 1)).copied();
    let Some(number) = after("pullrequests").and_then(|number| number.parse::<i64>().ok()) else { return list(json!([])) };
    let moment = here.0.lock().unwrap().get(&number).copied().unwrap_or_default();
    match parts.last().copied() {
        Some("statuses") if moment >= 3 => list(json!([{"id": 1, "state": "succeeded", "context": {"name": "unit"}}])),
        Some("threads") if moment >= 4 => {
            let comment = json!({"id": 1, "content": "Why so?", "commentType": "text"});
            list(json!([{"id": 5, "status": "active", "comments": [comment]}]))
        }
        Some("statuses" | "threads") => list(json!([])),
        _ => {
            let sender =
                Sender { project: parts[2].to_owned(), repository: after("repositories").unwrap().to_owned(), ..Sender::default() };
            axum::Json(pull_request(&sender, number, moment)).into_response()
        }
    }
}

/// A project with a started ticket for each pull request.
struct Place {
    project: Project,
    repository: RepositoryId,
    sender: Sender,
    tickets: Vec<(i64, TicketKey)>,
}

async fn store(folder: &tempfile::TempDir, url: &str) -> (Store, kanado::domain::id::OrganisationId) {
    let store = Store::open(&Location::in_directory(folder.path())).await.unwrap();
    let new = NewOrganisation { name: "lumen".to_owned(), url: url.to_owned(), deployment: Deployment::Services, instance: None, me: None };
    let organisation = store.put_organisation(&new, Timestamp::now()).await.unwrap().id;
    (store, organisation)
}

impl Place {
    async fn new(store: &Store, organisation: kanado::domain::id::OrganisationId, n: usize, numbers: &[i64]) -> Self {
        let sender = Sender {
            project: format!("5e0a7c11-0000-4000-8000-0000000a{n:04x}"),
            repository: format!("5e0a7c11-0000-4000-8000-0000000b{n:04x}"),
            ..Sender::default()
        };
        let fact = fact::Project { guid: Guid::new(&sender.project), name: format!("P{n}"), description: None, well_formed: true };
        let project = store.put_project(organisation, &fact, &format!("P{n}X")).await.unwrap();
        let fact = fact::Repository {
            guid: Guid::new(&sender.repository),
            name: "tide-api".to_owned(),
            project: project.guid.clone(),
            default_branch: Some("main".to_owned()),
            disabled: false,
            web_url: None,
            remote_url: None,
        };
        let repository = store.put_repositories(project.id, &[fact]).await.unwrap()[0].id;
        store.set_linked(repository, Linked::Yes).await.unwrap();
        let new = |_: &i64| NewTicket {
            project: project.id,
            key: None,
            spec_text: SpecText::FromKey(Box::new(|key| format!("# {key}: A change\n"))),
            repository: Some(repository),
            assignee: None,
            labels: vec![],
            priority: None,
            estimate_hours: None,
            dependencies: vec![],
        };
        // Before the pull requests were made, by the clock of the bodies.
        let then: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
        let made = store.create_tickets(numbers.iter().map(new).collect(), then).await.unwrap();
        let mut tickets = Vec::new();
        for (number, ticket) in numbers.iter().zip(made) {
            store.start_ticket(&ticket.key, repository, &format!("topic/{number}"), None, then).await.unwrap();
            tickets.push((*number, ticket.key));
        }
        Self { project, repository, sender, tickets }
    }

    fn claimed(&self, number: i64, moment: usize) -> ClaimedDelivery {
        let body = serde_json::to_vec(&event(&self.sender, number, moment)).unwrap();
        ClaimedDelivery { delivery: delivery(number, self.project.id, body.len()), body }
    }

    /// Everything the board knows of a pull request and its ticket but when and from where, without what names it.
    async fn end(&self, store: &Store, number: i64, key: &TicketKey) -> Value {
        let known = store.pull_request(self.repository, number).await.unwrap().expect("it is known");
        let ticket = store.ticket(key).await.unwrap().unwrap();
        let follows = ticket.pull_request.is_some_and(|followed| followed.number == number);
        let mut facts = serde_json::to_value(&known.facts).unwrap();
        for name in ["number", "repository", "source_branch"] {
            facts[name] = Value::Null;
        }
        json!({"status": ticket.status, "follows": follows, "facts": facts, "checks": known.checks, "threads": known.threads})
    }
}

fn delivery(id: i64, project: ProjectId, bytes: usize) -> Delivery {
    Delivery {
        id,
        project,
        purpose: None,
        event_type: None,
        event_id: None,
        subscription: None,
        notification: None,
        received_at: Timestamp::now(),
        bytes: bytes as i64,
        state: DeliveryState::Waiting,
        tries: 0,
        words: None,
        settled_at: None,
    }
}

/// Whether Azure DevOps can be asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Taken,
    Impossible,
}

/// Plays orders, and answers the different ends they came to.
async fn ends_of(orders: &[[usize; 6]], look: Look) -> BTreeSet<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let elsewhere = Elsewhere::default();
    let url = elsewhere.listen().await;
    let folder = tempfile::tempdir().unwrap();
    let (store, organisation) = store(&folder, &url).await;
    let credential = ado::Credential::Pat(secrecy::SecretString::from("token".to_owned()));
    let client = ado::Client::new(ado::Base::new(&url).unwrap(), credential, &ado::Settings::default()).unwrap();
    let line = Line(if look == Look::Taken { Ok(client) } else { Err("no token is kept here".to_owned()) });
    let mut ends = BTreeSet::new();
    for (n, together) in orders.chunks(TOGETHER).enumerate() {
        let numbers: Vec<i64> = (0..together.len()).map(|at| (n * TOGETHER + at) as i64 + 1).collect();
        let place = Place::new(&store, organisation, n, &numbers).await;
        for step in 0..MOMENTS.len() {
            let claimed: Vec<ClaimedDelivery> = together
                .iter()
                .zip(&numbers)
                .map(|(order, number)| {
                    elsewhere.is_at_least(*number, order[step]);
                    place.claimed(*number, order[step])
                })
                .collect();
            let outcomes = apply(&store, &line, &Clock::System, &place.project, &claimed, Rules::default()).await;
            assert!(outcomes.iter().all(|outcome| matches!(outcome.fate, Fate::Settled { .. })), "{outcomes:?}");
        }
        for (number, key) in &place.tickets {
            let end = place.end(&store, *number, key).await;
            assert_eq!(end["status"], json!(Status::Merged), "{number}");
            assert_eq!(end["facts"]["status"], json!(PullRequestStatus::Completed));
            ends.insert(if look == Look::Taken { end.to_string() } else { format!("{} {}", end["status"], end["follows"]) });
        }
    }
    ends
}

/// With a look at Azure DevOps at every step, all orders take a minute: every fifth is played unless `KANADO_ALL_ORDERS` is set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_of_six_events_the_end_is_one() {
    let mut orders = orders();
    assert_eq!(orders.len(), 720);
    if std::env::var_os("KANADO_ALL_ORDERS").is_none() {
        orders = orders.into_iter().step_by(5).collect();
    }
    println!("{} of 720 orders", orders.len());
    let ends = ends_of(&orders, Look::Taken).await;
    assert_eq!(ends.len(), 1, "{ends:#?}");
    let end = ends.first().unwrap();
    assert!(end.contains("\"approved\"") && end.contains("\"passed\":1") && end.contains("\"unresolved\":1"), "{end}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_look_at_azure_devops_every_order_of_six_events_ends_in_one_status() {
    let ends = ends_of(&orders(), Look::Impossible).await;
    assert_eq!(ends.len(), 1, "{ends:#?}");
}
