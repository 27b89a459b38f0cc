//! Somebody at work in front of the simulator, and deliveries that arrive for them: kept, claimed and applied by the real parts.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use kanado::action::{Reporter, start_work, tickets};
use kanado::ado::event::envelope;
use kanado::ado::{self, RepoRef};
use kanado::domain::hook::DeliveryState;
use kanado::domain::id::TicketKey;
use kanado::domain::project::{Project, Repository};
use kanado::domain::pull_request::KnownPullRequest;
use kanado::domain::ticket::Ticket;
use kanado::services::Services;
use kanado::sim;
use kanado::sim::control::Control;
use kanado::store::NewDelivery;
use kanado::sync::deliveries::{Fate, Outcome, Reach, Rules, work};
use serde_json::Value;

use super::inside::Inside;
use super::payload::{Sender, Told};

/// Azure DevOps by a client, or out of reach with a reason.
pub struct Line(pub Result<ado::Client, String>);

impl Reach for Line {
    fn client<'a>(&'a self, _: &'a Project) -> BoxFuture<'a, Result<ado::Client, String>> {
        std::future::ready(self.0.clone()).boxed()
    }
}

/// Alice, connected to Harbor, with a ticket `KAN-1` under way in tide-api.
pub struct Desk {
    pub world: Inside,
    pub alice: Services,
    pub project: Project,
    pub repository: Repository,
    pub key: TicketKey,
    pub branch: String,
    pub sender: Sender,
    pub line: Line,
    pub rules: Rules,
}

impl Desk {
    pub async fn new() -> Self {
        let world = Inside::start(sim::Options::default()).await;
        let (alice, project) = world.person("alice", &["tide-api"]).await;
        let new = tickets::New { title: "Answer faster".to_owned(), description: "Soon.".to_owned(), ..tickets::New::default() };
        let key = tickets::new(&alice.ctx, project.id, new).await.unwrap().key;
        start_work::run(&alice.ctx, &key, &Default::default(), &Reporter::silent()).await.unwrap();
        let repositories = alice.ctx.store.repositories(project.id).await.unwrap();
        let repository = repositories.into_iter().find(|r| r.name == "tide-api").unwrap();
        let organisation = alice.ctx.organisation(project.organisation).await.unwrap();
        let line = Line(Ok(alice.ctx.clients.of(&organisation).await.unwrap()));
        let sender = Sender {
            organisation: world.sim.organisation_url().to_owned(),
            project: project.guid.to_string(),
            repository: repository.guid.to_string(),
            ..Sender::default()
        };
        let branch = format!("feature/{key}");
        Self { world, alice, project, repository, key, branch, sender, line, rules: Rules::default() }
    }

    pub fn control(&self) -> Control {
        self.world.sim.control()
    }

    /// Bob opens a pull request from the ticket's branch.
    pub async fn open(&self) -> i32 {
        self.control().open("Harbor/tide-api", (&self.branch, "main"), "KAN-1: Answer faster", "bob").await.unwrap()
    }

    pub fn told(&self, number: i32) -> Told {
        Told::new(i64::from(number), &self.branch)
    }

    /// An event of a pull request.
    pub fn event(&self, kind: &str, n: i64, told: &Told) -> Value {
        self.sender.pull_request_event(kind, n, told)
    }

    /// Keeps a body as the receiver does.
    pub async fn keep(&self, body: &Value, received_at: Timestamp) -> i64 {
        let bytes = serde_json::to_vec(body).unwrap();
        let outside = envelope(&bytes);
        let new = NewDelivery {
            project: self.project.id,
            dedupe: format!("{:?} {:?}", outside.subscription, outside.notification),
            purpose: None,
            event_type: outside.event_type,
            event_id: outside.id,
            subscription: outside.subscription,
            notification: outside.notification,
            received_at,
            body: bytes,
            state: DeliveryState::Waiting,
            words: None,
        };
        self.alice.ctx.store.keep_delivery(new).await.unwrap().id()
    }

    /// Claims what is due at a moment and applies it.
    pub async fn work_at(&self, now: Timestamp) -> Vec<Outcome> {
        let store = &self.alice.ctx.store;
        let claimed = store.claim_deliveries("worker", 1_000, SignedDuration::from_secs(60), now).await.unwrap();
        work(store, &self.line, &self.alice.ctx.clock, claimed, self.rules.clone()).await.unwrap()
    }

    /// Keeps bodies and applies them together; what became of each.
    pub async fn deliver(&self, bodies: &[Value]) -> Vec<Outcome> {
        let now = self.alice.ctx.clock.now();
        for body in bodies {
            self.keep(body, now).await;
        }
        self.work_at(self.alice.ctx.clock.now()).await
    }

    /// Keeps and applies one body; what became of it.
    pub async fn deliver_one(&self, body: &Value) -> (DeliveryState, String) {
        let outcomes = self.deliver(std::slice::from_ref(body)).await;
        assert_eq!(outcomes.len(), 1, "{outcomes:?}");
        settled(&outcomes[0])
    }

    pub async fn ticket(&self) -> Ticket {
        self.alice.ctx.ticket(&self.key).await.unwrap()
    }

    pub async fn known(&self, number: i32) -> Option<KnownPullRequest> {
        self.alice.ctx.store.pull_request(self.repository.id, i64::from(number)).await.unwrap()
    }

    /// A client that was not told to wait.
    pub fn another_client(&self) -> ado::Client {
        let base = ado::Base::new(self.world.sim.organisation_url()).unwrap();
        let credential = ado::Credential::Pat(secrecy::SecretString::from(self.world.token("alice")));
        ado::Client::new(base, credential, &ado::Settings::default()).unwrap()
    }

    /// How often a route was asked, by a part of its name.
    pub fn asked(&self, part: &str) -> u64 {
        let requests = self.control().requests();
        requests.by_route.iter().filter(|(route, _)| route.to_lowercase().contains(&part.to_lowercase())).map(|(_, n)| n).sum()
    }

    pub fn repo(&self) -> RepoRef<'_> {
        RepoRef { project: &self.project.guid, repository: &self.repository.guid }
    }
}

pub fn settled(outcome: &Outcome) -> (DeliveryState, String) {
    match &outcome.fate {
        Fate::Settled { state, words } => (*state, words.clone()),
        Fate::Postponed { words, .. } => (DeliveryState::Waiting, words.clone()),
    }
}
