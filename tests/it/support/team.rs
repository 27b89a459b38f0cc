//! A team in front of one store: a receiver, and boards of other processes that nobody touches.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::kept::Database;
use super::pty::Pty;
use super::receiver::{self, Receiver, Serve};
use super::template::About;
use super::world::{Person, World};

/// How long something may take to happen. A test never waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which database the team shares.
#[derive(Debug, Clone)]
pub enum Shares {
    /// A file in Alice's home: her boards and her receiver are the team.
    File,
    /// A database of its own on this server.
    Postgres(String),
}

pub struct Team {
    pub world: World,
    pub alice: Person,
    /// On PostgreSQL somebody with a home of his own; with a file, nobody.
    pub bob: Option<Person>,
    pub serve: Serve,
    pub shares: Shares,
}

impl Team {
    /// A world with Harbor on a shared board, whose simulator may deliver to this machine; nothing is registered yet.
    pub fn gather(shares: Shares) -> Self {
        Self::around(World::with(&["--allow-loopback-hooks"]), shares)
    }

    pub fn around(world: World, shares: Shares) -> Self {
        let serve = Serve::anywhere();
        let configure = |person: &Person| {
            let store = match &shares {
                Shares::File => String::new(),
                Shares::Postgres(url) => format!("[store]\ndatabase = {url:?}\n"),
            };
            person.configure(&format!(
                "[webhooks]\npublic_url = {:?}\n[hooks]\nallow_insecure_url = true\n[token]\nkeyring = false\n{store}",
                serve.public_url()
            ));
        };
        let alice = Person::new(&world.token("alice"));
        configure(&alice);
        alice.ok(&["connect", &format!("{}/Harbor", world.organisation()), "--prefix", "KAN", "--repo", "tide-api", "--yes"]);
        let bob = matches!(shares, Shares::Postgres(_)).then(|| {
            let bob = Person::new(&world.token("bob"));
            configure(&bob);
            bob
        });
        Self { world, alice, bob, serve, shares }
    }

    pub fn database(&self) -> Database {
        match &self.shares {
            Shares::File => Database::sqlite(&receiver::database(&self.alice)),
            Shares::Postgres(url) => Database(url.clone()),
        }
    }

    /// Registers every hook by the product, with a receiver that is there.
    #[track_caller]
    pub fn live(&self) -> Receiver {
        let receiver = self.serve_with_secret();
        self.alice.ok(&["hooks", "register", "--yes"]);
        receiver
    }

    /// A receiver that has a secret to open its door with.
    #[track_caller]
    pub fn serve_with_secret(&self) -> Receiver {
        receiver::secret(&self.alice);
        self.serve.start(&self.alice)
    }

    /// A board somebody else looks at: of Bob where he has a home, else of another process of Alice's.
    pub fn board(&self, rows: u16, columns: u16) -> Pty {
        self.bob.as_ref().unwrap_or(&self.alice).board(rows, columns)
    }

    /// A ticket with an open pull request; answers its number.
    #[track_caller]
    pub fn reviewed(&self, title: &str) -> (String, i64) {
        let made = self.alice.json(&["new", title]);
        let key = made["key"].as_str().unwrap().to_owned();
        self.alice.ok(&["start", &key, "--yes"]);
        self.alice.ok(&["pr", &key, "--yes"]);
        let opened = self.world.pull_requests_of(&format!("feature/{key}"));
        assert_eq!(opened.len(), 1, "{opened:?}");
        (key, opened[0]["pullRequest"].as_i64().unwrap())
    }

    /// What a body about this pull request names.
    pub fn about(&self, key: &str, number: i64) -> About {
        About {
            project: receiver::project_guid(&self.alice, "Harbor"),
            repository: receiver::repository_guid(&self.alice, "tide-api"),
            number,
            branch: format!("feature/{key}"),
            subscription: "0d6a7a2c-5a0e-4c0b-9a3a-4c1f2b7b9d01".to_owned(),
        }
    }

    pub fn act(&self, verb: &str, body: Value) {
        self.world.control("POST", verb, body);
    }

    pub fn vote(&self, number: i64, vote: i8) {
        self.act("vote", json!({ "pullRequest": number, "as": "bob", "vote": vote }));
    }

    pub fn status(&self, key: &str) -> String {
        self.alice.json(&["show", key])["status"].as_str().unwrap().to_owned()
    }

    /// Waits until every delivery in the store was dealt with. What a killed process had claimed is free again only after a minute.
    #[track_caller]
    pub fn wait_settled(&self) {
        let deadline = Instant::now() + Duration::from_secs(60) + 2 * PATIENCE;
        loop {
            let states = self.database().states();
            if states.get("waiting").is_none_or(|count| *count == 0) {
                return;
            }
            assert!(Instant::now() < deadline, "deliveries are still waiting: {states:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until `kanado health` says what is wanted of Harbor.
    #[track_caller]
    pub fn wait_health(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let output = self.alice.run(&["health", "--json"]);
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let health: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
            if wanted(&health) {
                return health;
            }
            assert!(Instant::now() < deadline, "waited for {what}: {text}{}", String::from_utf8_lossy(&output.stderr));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
