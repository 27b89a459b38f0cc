//! A large organisation as the raw JSON that `kanado sim --load` reads: many open pull requests in many repositories of one project.

use std::path::Path;

use serde_json::{Value, json};

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub struct Crowd {
    pub repositories: usize,
    pub pull_requests: usize,
}

/// The project everything is in.
pub const PROJECT: &str = "Fleet";

const PROJECT_ID: &str = "5f0e0000-0000-4000-8000-000000000001";
const VOTES: [i64; 5] = [10, 5, 0, -5, -10];
const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

impl Crowd {
    /// Writes the files into an empty folder.
    pub fn write(self, folder: &Path) {
        let project = json!({ "id": PROJECT_ID, "name": PROJECT, "state": "wellFormed", "visibility": "private" });
        let team = id(2, 1);
        let files = [
            ("projects.json", json!([project])),
            ("repositories.json", (0..self.repositories).map(repository).collect()),
            ("teams.json", json!([{ "id": team, "name": "Fleet Team", "projectId": PROJECT_ID, "projectName": PROJECT }])),
            ("identities.json", PEOPLE.iter().map(|name| person(name)).collect()),
            ("members.json", json!({ team: PEOPLE.iter().map(|name| json!({ "identity": person(name) })).collect::<Vec<_>>() })),
            ("pullrequests.json", (0..self.pull_requests).map(|n| self.pull_request(n)).collect::<Value>()),
        ];
        for (name, value) in files {
            std::fs::write(folder.join(name), value.to_string()).unwrap();
        }
    }

    /// The branch of pull request `n + 1`.
    pub fn branch(n: usize) -> String {
        format!("feature/FLE-{}", n + 1)
    }

    /// The name of the repository of pull request `n + 1`.
    pub fn repository_of(self, n: usize) -> String {
        repository_name(n % self.repositories)
    }

    /// What its two reviewers voted, by account.
    pub fn votes(n: usize) -> [(String, i64); 2] {
        [1, 2].map(|step| (account(PEOPLE[(n + step) % PEOPLE.len()]), VOTES[(n + step) % VOTES.len()]))
    }

    fn pull_request(self, n: usize) -> Value {
        let commit = format!("{:040x}", 0xc0_0000 + n);
        let reviewers: Vec<Value> = Self::votes(n)
            .into_iter()
            .map(|(account, vote)| {
                let mut row = person(account.split('@').next().unwrap_or_default());
                row["vote"] = vote.into();
                row
            })
            .collect();
        json!({
            "pullRequestId": n + 1,
            "status": "active",
            "isDraft": n.is_multiple_of(17),
            "title": format!("FLE-{}: Change number {} of the fleet", n + 1, n + 1),
            "description": "One of many.",
            "mergeStatus": if n.is_multiple_of(13) { "conflicts" } else { "succeeded" },
            "repository": repository(n % self.repositories),
            "createdBy": person(PEOPLE[n % PEOPLE.len()]),
            "creationDate": format!("2026-01-{:02}T10:{:02}:00Z", n % 28 + 1, n % 60),
            "sourceRefName": format!("refs/heads/{}", Self::branch(n)),
            "targetRefName": "refs/heads/main",
            "lastMergeSourceCommit": { "commitId": commit },
            "reviewers": reviewers,
        })
    }
}

fn id(kind: u64, n: usize) -> String {
    format!("5f0e0000-0000-4000-80{kind:02}-{n:012}")
}

fn account(name: &str) -> String {
    format!("{name}@lumen.example")
}

fn person(name: &str) -> Value {
    let n = PEOPLE.iter().position(|other| *other == name).unwrap_or(PEOPLE.len());
    let mut letters = name.chars();
    let display: String = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect();
    json!({ "id": id(3, n), "displayName": display, "uniqueName": account(name) })
}

fn repository_name(n: usize) -> String {
    format!("ship-{n:02}")
}

fn repository(n: usize) -> Value {
    json!({
        "id": id(4, n), "name": repository_name(n), "defaultBranch": "refs/heads/main",
        "project": { "id": PROJECT_ID, "name": PROJECT, "state": "wellFormed" },
    })
}
