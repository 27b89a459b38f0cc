//! Facts as Azure DevOps would tell them, for the store's tests and for its benchmark, which says whose types they are.

use super::{Deployment, Guid, Identity, MergeState, NewOrganisation, PullRequestStatus, TicketKey, Timestamp, fact};

/// Minutes after a fixed moment.
pub fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

pub fn identity(name: &str) -> Identity {
    Identity { id: Guid::new(format!("person-{name}")), display_name: name.to_owned(), unique_name: format!("{name}@example.test") }
}

pub fn repository(name: &str) -> fact::Repository {
    fact::Repository {
        guid: Guid::new(format!("repo-{name}")),
        name: name.to_owned(),
        project: Guid::new("project-lumen"),
        default_branch: Some("main".to_owned()),
        disabled: false,
        web_url: Some(format!("https://dev.example.test/lumen/_git/{name}")),
        remote_url: None,
    }
}

pub fn organisation() -> NewOrganisation {
    NewOrganisation {
        name: "lumen".to_owned(),
        url: "https://dev.example.test/lumen/".to_owned(),
        deployment: Deployment::Services,
        instance: Some(Guid::new("instance-1")),
        me: Some(identity("Ada")),
    }
}

pub fn project_fact(name: &str) -> fact::Project {
    fact::Project {
        guid: Guid::new(format!("project-{}", name.to_lowercase())),
        name: name.to_owned(),
        description: None,
        well_formed: true,
    }
}

pub fn spec_text(key: &str, title: &str) -> String {
    format!("# {key}: {title}\n\n## Overview\n\nWhat it is about.\n\n## Acceptance criteria\n\n- [ ] it works\n- [x] it is fast\n")
}

/// A pull request from the branch of a ticket in the repository `api`, made at a minute.
pub fn pull_request(number: i64, key: &TicketKey, status: PullRequestStatus, made: i64) -> fact::PullRequest {
    fact::PullRequest {
        number,
        repository: Guid::new("repo-api"),
        repository_name: "api".to_owned(),
        project: Some(Guid::new("project-lumen")),
        title: format!("{key}: a change"),
        description: "words".to_owned(),
        status,
        is_draft: false,
        source_branch: format!("feature/{key}"),
        target_branch: "main".to_owned(),
        author: identity("Ada"),
        created_at: at(made),
        closed_at: None,
        merge: MergeState::Succeeded,
        auto_complete: false,
        reviewers: vec![],
        labels: vec![],
        source_commit: None,
        target_commit: None,
        merge_commit: None,
    }
}
