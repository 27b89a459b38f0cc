//! What must not change when something is refused: the remote's refs and pull requests, the store's tickets and drafts.

use std::fmt::Write;
use std::path::Path;

use kanado::domain::person::Member;
use kanado::store::{Archived, Location, Store};
use serde_json::Value;

use super::world::{Person, World, git};

/// Everything of a person's store and of the world that a refused command must leave alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    pub store: String,
    pub remote: String,
}

impl Digest {
    /// Fails, with the lines that differ, when anything has changed since.
    #[track_caller]
    pub fn assert_unchanged(&self, world: &World, person: &Person, by: &str) {
        let now = Self::of(world, person);
        assert_same(&self.store, &now.store, &format!("the store was changed by {by}"));
        assert_same(&self.remote, &now.remote, &format!("the remote was changed by {by}"));
    }

    pub fn of(world: &World, person: &Person) -> Self {
        Self { store: store(person, Detail::Everything), remote: remote(world) }
    }
}

/// Runs a command that must fail with this code and these words, and leave store, drafts and remote alone; answers stderr.
#[track_caller]
pub fn refused(world: &World, person: &Person, code: i32, arguments: &[&str], words: &[&str]) -> String {
    let before = Digest::of(world, person);
    let told = person.fails(code, arguments);
    for word in words {
        assert!(told.contains(word), "{arguments:?} does not say {word:?} but {told}");
    }
    assert!(!told.contains("panicked") && !told.contains("crashed"), "{told}");
    before.assert_unchanged(world, person, &format!("{arguments:?}"));
    told
}

/// How much of a store is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Versions and times too: nothing may have been written.
    Everything,
    /// What is the same when the same was done at another time.
    Timeless,
}

/// Fails with the lines that only one side has.
#[track_caller]
pub fn assert_same(left: &str, right: &str, words: &str) {
    let only = |these: &str, those: &str| {
        let those: std::collections::HashSet<_> = those.lines().collect();
        these.lines().filter(|line| !those.contains(line)).collect::<Vec<_>>().join("\n  ")
    };
    assert!(left == right, "{words}\nleft:\n  {}\nright:\n  {}", only(left, right), only(right, left));
}

/// Every ref of every repository with its commit, and every pull request with its votes.
pub fn remote(world: &World) -> String {
    settle(world);
    let mut text = String::new();
    for repository in repositories(world) {
        writeln!(text, "{}", git(&repository, &["for-each-ref", "--format=%(refname) %(objectname)"])).unwrap();
    }
    writeln!(text, "{:#}", world.control("GET", "pullRequests", Value::Null)).unwrap();
    text
}

/// The same without what depends on the time of day: branches, the trees, authors and messages of their commits, and pull requests
/// with their words and reviewers.
pub fn remote_timeless(world: &World) -> String {
    settle(world);
    let mut text = String::new();
    for repository in repositories(world) {
        for branch in git(&repository, &["for-each-ref", "--format=%(refname)"]).lines() {
            writeln!(text, "{branch}\n{}", git(&repository, &["log", "--format=%T %an <%ae> %cn <%ce>: %B", branch])).unwrap();
        }
    }
    let listed = world.control("GET", "pullRequests", Value::Null);
    for row in listed["pullRequests"].as_array().unwrap() {
        let number = &row["pullRequest"];
        let (status, full) = world.api("alice", "GET", &format!("_apis/git/pullrequests/{number}"), Value::Null);
        assert_eq!(status, 200, "{full}");
        let reviewers: Vec<_> =
            full["reviewers"].as_array().unwrap().iter().map(|r| format!("{} {}", r["uniqueName"], r["vote"])).collect();
        writeln!(
            text,
            "!{number} {} {} {} -> {} draft {} by {} reviewed by {reviewers:?}\n{}",
            row["state"], full["title"], full["sourceRefName"], full["targetRefName"], full["isDraft"], row["by"], full["description"]
        )
        .unwrap();
    }
    text
}

/// Lets the simulator work off what it does after it has answered, such as trying merges.
fn settle(world: &World) {
    world.control("POST", "settle", serde_json::json!({}));
}

fn repositories(world: &World) -> Vec<std::path::PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(world.state().join("git")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// What a person's store holds: places, people, tickets, the texts of their specs, and actions that wait to be finished.
pub fn store(person: &Person, detail: Detail) -> String {
    within(async {
        let file = person.data().join("kanado.db");
        if !file.exists() {
            return String::new();
        }
        let store = Store::open(&Location::Sqlite(file)).await.unwrap();
        let text = describe(&store, detail).await;
        store.close().await;
        text
    })
}

async fn describe(store: &Store, detail: Detail) -> String {
    let mut text = String::new();
    for organisation in store.organisations().await.unwrap() {
        writeln!(text, "{} {:?} {:?}", organisation.url, organisation.deployment, organisation.me).unwrap();
    }
    for project in store.projects().await.unwrap() {
        writeln!(text, "{} {} {:?}", project.name, project.prefix, project.review_rules).unwrap();
        for repository in store.repositories(project.id).await.unwrap() {
            writeln!(text, "{repository:?}").unwrap();
        }
        for Member { identity, can_review, default_reviewer, last_assigned_at, .. } in store.members(project.id).await.unwrap() {
            writeln!(text, "{identity:?} {can_review} {default_reviewer:?} {}", last_assigned_at.is_some()).unwrap();
        }
        let mut tickets = store.tickets(project.id, Archived::Shown).await.unwrap();
        tickets.extend(store.tickets(project.id, Archived::Hidden).await.unwrap());
        tickets.sort_by_key(|ticket| ticket.key.number());
        tickets.dedup_by(|a, b| a.key == b.key);
        for mut ticket in tickets {
            let spec = store.spec(&ticket.key).await.unwrap();
            if detail == Detail::Timeless {
                ticket.version = 0;
                ticket.times = Default::default();
            }
            writeln!(text, "{ticket:?}").unwrap();
            writeln!(text, "{:?} {:?} {:?}", spec.text, spec.base_text, spec.base_object).unwrap();
            if detail == Detail::Timeless {
                writeln!(text, "{:?}", spec.badge()).unwrap();
            }
        }
    }
    if let Some(project) = store.setting("board.project").await.unwrap() {
        writeln!(text, "on the board: {project}").unwrap();
    }
    for entry in store.open_journals().await.unwrap() {
        writeln!(text, "unfinished: {} {}", entry.action, entry.subject).unwrap();
    }
    text
}

/// The steps that finished runs wrote down: `(action, step)`, each once, in the order of the first run.
pub fn journalled_steps(person: &Person) -> Vec<(String, String)> {
    use sqlx::Row;
    use sqlx::{AnyConnection, Connection};

    within(async {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=ro", Path::new(&person.data()).join("kanado.db").display());
        let mut conn = AnyConnection::connect(&url).await.unwrap();
        let sql = "SELECT j.action, s.step FROM journal j JOIN journal_steps s ON s.journal = j.id ORDER BY j.id, s.position";
        let rows = sqlx::query(sql).fetch_all(&mut conn).await.unwrap();
        conn.close().await.unwrap();
        let mut steps: Vec<(String, String)> = Vec::new();
        for row in rows {
            let step = (row.get(0), row.get(1));
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps
    })
}

fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
