//! What is measured with: a store of ten thousand tickets made through the library, and a simulator with five hundred pull requests.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use kanado::domain::id::TicketKey;
use kanado::domain::spec::{Template, template};
use kanado::domain::ticket::{Criterion, Priority};
use kanado::store::{Linked, Location, NewTicket, SpecText, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::crowd::{Crowd, PROJECT};

pub const CROWD: Crowd = Crowd { repositories: 50, pull_requests: 500 };
const TICKETS: u32 = 10_000;
/// Tickets in progress without a pull request, behind those with one.
const IN_PROGRESS: u32 = 200;

pub struct Data {
    folder: TempDir,
    simulator: Child,
    url: String,
    token: String,
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = self.simulator.kill();
        let _ = self.simulator.wait();
    }
}

/// Every column has its first card, and the bar its name.
pub fn is_full_board(screen: &str) -> bool {
    let first = [
        format!("FLE-{}", CROWD.pull_requests + IN_PROGRESS as usize + 1),
        format!("FLE-{}", CROWD.pull_requests + 1),
        "FLE-1 ".to_owned(),
    ];
    screen.contains(PROJECT) && first.iter().all(|key| screen.contains(key))
}

/// Pull requests were looked at a moment ago.
pub fn is_looked(screen: &str) -> bool {
    screen.contains("now")
}

impl Data {
    pub fn make() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let load = folder.path().join("load");
        for name in [&load, &folder.path().join("home")] {
            std::fs::create_dir(name).expect("a folder");
        }
        CROWD.write(&load);
        let mut simulator = Command::new(env!("CARGO_BIN_EXE_kanado"))
            .args(["sim", "--listen", "127.0.0.1:0", "--control", "--cast", "paused", "--json", "--load"])
            .arg(&load)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the simulator starts");
        let mut line = String::new();
        BufReader::new(simulator.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let facts: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the simulator said {line:?}: {error}"));
        let word = |value: &Value| value.as_str().expect("a word").to_owned();
        let data = Self { folder, simulator, url: word(&facts["url"]), token: word(&facts["tokens"][0]["token"]) };
        data.kanado(&["connect", &format!("{}/{PROJECT}", word(&facts["organisation_url"])), "--prefix", "FLE", "--yes"]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(data.tickets());
        data.kanado(&["sync"]);
        data
    }

    pub fn words(&self) -> String {
        let size = std::fs::metadata(self.store_file()).map_or(0, |file| file.len());
        format!(
            "{TICKETS} tickets, {} open pull requests in {} repositories, a store of {:.1} MB",
            CROWD.pull_requests,
            CROWD.repositories,
            size as f64 / 1e6
        )
    }

    fn store_file(&self) -> std::path::PathBuf {
        self.folder.path().join("data/kanado/kanado.db")
    }

    async fn tickets(&self) {
        let store = Store::open(&Location::Sqlite(self.store_file())).await.expect("the store that `connect` made");
        let project = store.find_project(PROJECT).await.expect("a store").expect("the project is there").id;
        let mut repositories = store.repositories(project).await.expect("a store");
        repositories.sort_by(|a, b| a.name.cmp(&b.name));
        for repository in &repositories {
            store.set_linked(repository.id, Linked::Yes).await.expect("a store");
        }
        let members = store.members(project).await.expect("a store");
        // Long ago: no age on the board changes while it is measured.
        let made_at = Timestamp::now() - SignedDuration::from_hours(24 * 40);
        let new = (0..TICKETS)
            .map(|n| NewTicket {
                project,
                key: None,
                spec_text: SpecText::FromKey(Box::new(move |key| text(key, n))),
                repository: Some(repositories[n as usize % repositories.len()].id),
                assignee: Some(members[n as usize % members.len()].id),
                labels: vec![["api", "web", "ops", "docs"][n as usize % 4].to_owned()],
                priority: Priority::new((n % 4) as u8 + 1),
                estimate_hours: Some(f64::from(n % 9)),
                dependencies: Vec::new(),
            })
            .collect();
        let made = store.create_tickets(new, made_at).await.expect("a store");
        assert_eq!(made.len(), TICKETS as usize);
        let begun = CROWD.pull_requests + IN_PROGRESS as usize;
        for (n, ticket) in made.iter().enumerate().take(begun) {
            let repository = ticket.repository.expect("each has one");
            let branch = if n < CROWD.pull_requests { Crowd::branch(n) } else { format!("feature/{}", ticket.key) };
            store.start_ticket(&ticket.key, repository, &branch, ticket.assignee, made_at).await.expect("a store");
        }
        store.close().await;
    }

    pub fn environment(&self) -> Vec<(String, String)> {
        let place = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        let pairs = [
            ("HOME", place("home")),
            ("XDG_CONFIG_HOME", place("config")),
            ("XDG_DATA_HOME", place("data")),
            ("XDG_STATE_HOME", place("state")),
            ("XDG_CACHE_HOME", place("cache")),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("LANG", "C.UTF-8".to_owned()),
            ("KANADO_PAT", self.token.clone()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Runs a subcommand that must succeed; answers what it printed.
    pub fn kanado(&self, arguments: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_kanado"))
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()
            .expect("kanado starts");
        assert!(output.status.success(), "kanado {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// How many requests the simulator counts while this runs.
    pub fn requests_of(&self, work: impl FnOnce()) -> u32 {
        self.control(|http, url| http.post(format!("{url}/_sim/resetRequests")));
        work();
        let counted = self.control(|http, url| http.get(format!("{url}/_sim/requests")));
        counted["total"].as_u64().and_then(|count| count.try_into().ok()).expect("a count")
    }

    fn control(&self, request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder) -> Value {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let http = reqwest::Client::builder().no_proxy().build().expect("a client");
            let answer = request(&http, &self.url).send().await.expect("the simulator answers");
            answer.json().await.expect("JSON")
        })
    }
}

fn text(key: &TicketKey, n: u32) -> String {
    let criteria: Vec<_> =
        (0..4).map(|c| Criterion { text: format!("criterion {c} of number {n} holds"), ticked: (n + c).is_multiple_of(3) }).collect();
    template(&Template {
        key,
        title: &format!("Ticket number {n} with a title of a usual length"),
        description: "What somebody wants, in a sentence or two, so that somebody else can do it.",
        parent_story: Some("The fleet"),
        criteria: &criteria,
        dependencies: &[],
    })
}

/// A spec of about this many bytes.
pub fn spec_of(size: usize) -> String {
    let key = TicketKey::new("FLE", 1).expect("a key");
    let mut spec = text(&key, 1);
    while spec.len() < size {
        spec.push_str("\nA line of context with `code`, a [link](https://example.com) and some **words**.\n\n- a point\n- another\n");
    }
    spec
}
