//! Behind the scene: whoever arranges a test or a demo acts as anybody, bypasses policies, and turns the clock.
//!
//! `who` is a person's alias (`bob`) or unique name; a repository is a GUID, a name, or `Project/name`. The same verbs over
//! HTTP are in [`wire`]. Limits: what the world's own rules forbid (voting on a completed pull request) stays forbidden;
//! read-only pull requests stay as they are.

mod branches;
mod hooks;
mod look;
mod requests;
pub mod runs;
mod verb;
pub mod wire;

#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::cast::Cast;
use super::deed::{self, Change, NewComment, NewPullRequest, NewStatus, NewThread};
use super::fault::{Armed, FaultSpec};
use super::git::{GitError, Repo};
use super::host::{Sim, blocking};
use super::reply::Failure;
use super::seed;
use super::world::{
    CompletionOptions, Denial, MergeStrategy, Permission, Policy, PolicyKind, PolicyScope, RefMatch, Repository, StatusState, ThreadStatus,
    Token, TokenKind, World, ZERO_ID,
};

pub use super::deed::{Decision, Link, WorkItemChange};
pub use hooks::Emission;
pub use requests::Requests;
pub use wire::handle;

/// The hand behind the scene; cheap to clone.
#[derive(Debug, Clone)]
pub struct Control {
    sim: Sim,
}

/// Whether a push to a pull request takes its votes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "bool")]
pub enum Votes {
    #[default]
    Kept,
    Reset,
}

impl From<bool> for Votes {
    fn from(reset: bool) -> Votes {
        if reset { Votes::Reset } else { Votes::Kept }
    }
}

/// Whether a merge asks the branch policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Policies {
    #[default]
    Bypassed,
    Enforced,
}

/// Whether something is kept when it has served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "bool")]
pub enum SourceBranch {
    #[default]
    Kept,
    Deleted,
}

impl From<bool> for SourceBranch {
    fn from(deleted: bool) -> SourceBranch {
        if deleted { SourceBranch::Deleted } else { SourceBranch::Kept }
    }
}

/// How to merge; the default is a merge commit that asks no policy.
#[derive(Debug, Clone, Copy, Default)]
pub struct Merging {
    pub strategy: MergeStrategy,
    pub source: SourceBranch,
    pub policies: Policies,
}

impl Control {
    pub fn new(sim: Sim) -> Control {
        Control { sim }
    }

    pub async fn vote(&self, pull_request: i32, who: &str, vote: i8) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::vote(&self.sim, person, pull_request, vote).await.map(drop)
    }

    /// Opens a thread on the whole pull request; answers its id.
    pub async fn comment(&self, pull_request: i32, who: &str, text: &str) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        deed::open_thread(&self.sim, person, pull_request, NewThread::remark(text)).await
    }

    /// Opens a thread on a line; the path with a leading slash.
    pub async fn comment_at(&self, pull_request: i32, who: &str, text: &str, path: &str, line: u32) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        let thread = NewThread {
            context: Some(json!({
                "filePath": path,
                "rightFileStart": { "line": line, "offset": 1 },
                "rightFileEnd": { "line": line, "offset": 2 },
            })),
            ..NewThread::remark(text)
        };
        deed::open_thread(&self.sim, person, pull_request, thread).await
    }

    pub async fn reply(&self, pull_request: i32, who: &str, thread: i32, text: &str) -> Result<i32, Failure> {
        let person = self.person(who).await?;
        deed::reply(&self.sim, person, pull_request, thread, NewComment::text(text)).await
    }

    pub async fn resolve(&self, pull_request: i32, who: &str, thread: i32) -> Result<(), Failure> {
        let person = self.person(who).await?;
        let fixed = Some(ThreadStatus::Fixed);
        deed::set_thread_status(&self.sim, person, pull_request, thread, fixed).await
    }

    /// Opens a pull request between two branches; answers its id.
    pub async fn open(&self, repository: &str, (source, target): (&str, &str), title: &str, who: &str) -> Result<i32, Failure> {
        let new = NewPullRequest {
            repository: self.repository(repository).await?.id,
            source_ref: full(source),
            target_ref: full(target),
            title: title.to_owned(),
            description: None,
            is_draft: false,
            reviewers: Vec::new(),
            labels: Vec::new(),
            work_items: Vec::new(),
            completion: None,
        };
        let person = self.person(who).await?;
        let id = deed::create_pull_request(&self.sim, person, new).await?;
        self.settle().await?;
        Ok(id)
    }

    /// Completes it and waits until it is done; answers the new commit on the target.
    pub async fn merge(&self, pull_request: i32, who: &str, merging: Merging) -> Result<String, Failure> {
        let person = self.person(who).await?;
        let options = CompletionOptions {
            strategy: merging.strategy,
            delete_source_branch: merging.source == SourceBranch::Deleted,
            bypass_policy: merging.policies == Policies::Bypassed,
            ..CompletionOptions::default()
        };
        deed::complete(&self.sim, person, pull_request, ZERO_ID, Some(options)).await?;
        self.settle().await?;
        let world = self.sim.read().await;
        let row = world.pull_request(pull_request).ok_or_else(Failure::no_pull_request)?;
        match (&row.merge.commit, row.is_active()) {
            (Some(commit), false) => Ok(commit.clone()),
            _ => Err(Failure::new(
                StatusCode::CONFLICT,
                "SimulatorException",
                format!("Pull request {pull_request} was not merged: {}.", row.merge.status.word()),
            )),
        }
    }

    pub async fn auto_complete(&self, pull_request: i32, who: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::set_auto_complete(&self.sim, person, pull_request, Some(person)).await
    }

    pub async fn abandon(&self, pull_request: i32, who: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::abandon(&self.sim, person, pull_request).await
    }

    pub async fn reactivate(&self, pull_request: i32, who: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::reactivate(&self.sim, person, pull_request).await?;
        self.settle().await
    }

    pub async fn publish(&self, pull_request: i32, who: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        deed::publish(&self.sim, person, pull_request).await
    }

    pub async fn retitle(&self, pull_request: i32, who: &str, title: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        let change = vec![Change::Title(title.to_owned())];
        deed::update_pull_request(&self.sim, person, pull_request, change).await
    }

    pub async fn add_status(
        &self,
        pull_request: i32,
        who: &str,
        context: &str,
        state: StatusState,
        description: &str,
    ) -> Result<(), Failure> {
        let new = NewStatus {
            state,
            description: (!description.is_empty()).then(|| description.to_owned()),
            context_name: context.to_owned(),
            context_genre: Some("continuous-integration".to_owned()),
            target_url: None,
            iteration: None,
        };
        let person = self.person(who).await?;
        deed::add_status(&self.sim, person, pull_request, new).await.map(drop)
    }

    pub async fn disable_repository(&self, repository: &str) -> Result<(), Failure> {
        self.switch(repository, deed::Service::Disabled).await
    }

    pub async fn enable_repository(&self, repository: &str) -> Result<(), Failure> {
        self.switch(repository, deed::Service::Enabled).await
    }

    pub async fn deny(&self, repository: &str, who: &str, permission: Permission) -> Result<(), Failure> {
        let user = self.person(who).await?;
        self.edit_repository(repository, |row| row.denied.push(Denial { user, permission })).await
    }

    pub async fn permit(&self, repository: &str, who: &str, permission: Permission) -> Result<(), Failure> {
        let user = self.person(who).await?;
        self.edit_repository(repository, |row| {
            row.denied.retain(|denial| denial.user != user || denial.permission != permission);
        })
        .await
    }

    /// Puts a blocking "Minimum number of reviewers" on a branch: one.
    pub async fn protect(&self, repository: &str, branch: &str) -> Result<(), Failure> {
        self.want_approvals(repository, branch, 1, Votes::Kept).await
    }

    /// Puts a blocking "Minimum number of reviewers" on a branch.
    pub async fn want_approvals(&self, repository: &str, branch: &str, count: usize, on_push: Votes) -> Result<(), Failure> {
        let reset_on_source_push = on_push == Votes::Reset;
        let kind = PolicyKind::MinimumReviewers { count, creator_vote_counts: false, allow_downvotes: false, reset_on_source_push };
        self.guard(repository, branch, kind).await
    }

    /// Puts a blocking "Comment requirements" on a branch.
    pub async fn want_resolved(&self, repository: &str, branch: &str) -> Result<(), Failure> {
        self.guard(repository, branch, PolicyKind::CommentRequirements).await
    }

    async fn guard(&self, repository: &str, branch: &str, kind: PolicyKind) -> Result<(), Failure> {
        let place = self.repository(repository).await?;
        let mut world = self.sim.write().await;
        let policy = Policy {
            id: world.next_policy_id(),
            project: place.project,
            kind,
            is_blocking: true,
            is_enabled: true,
            scopes: vec![PolicyScope { repository: Some(place.id), ref_name: Some(full(branch)), matching: RefMatch::Exact }],
            created_by: world.user_named(seed::PROTAGONIST).map_or(Uuid::nil(), |user| user.id),
            created: world.now(),
            revision: 1,
        };
        world.policies.push(policy);
        Ok(())
    }

    /// Removes every policy that covers a branch.
    pub async fn unprotect(&self, repository: &str, branch: &str) -> Result<(), Failure> {
        let (place, name) = (self.repository(repository).await?, full(branch));
        let mut world = self.sim.write().await;
        world.policies.retain(|policy| policy.project != place.project || !policy.covers(&place, &name));
        Ok(())
    }

    /// Turns the world's clock forward; answers the time it shows.
    pub async fn advance(&self, by: SignedDuration) -> Timestamp {
        let mut world = self.sim.write().await;
        world.clock.advance(by);
        self.sim.hooks.clock_moved(world.clock);
        world.now()
    }

    /// Works off queued merges and completions now.
    pub async fn settle(&self) -> Result<(), Failure> {
        deed::settle(&self.sim).await.map(drop)
    }

    /// Switches a fault on; answers the id that switches it off.
    pub fn add_fault(&self, spec: FaultSpec) -> u64 {
        self.sim.faults.add(spec)
    }

    /// Whether there was such a fault.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.sim.faults.remove(id)
    }

    /// The faults that are switched on, and how often each was met.
    pub fn faults(&self) -> Vec<Armed> {
        self.sim.faults.list()
    }

    pub fn clear_faults(&self) {
        self.sim.faults.clear();
    }

    /// Makes another token of somebody's, for everything.
    pub async fn issue_token(&self, who: &str, token: &str) -> Result<(), Failure> {
        let person = self.person(who).await?;
        self.sim.write().await.tokens.push(Token::full(person, token, "everything"));
        Ok(())
    }

    pub async fn revoke_token(&self, token: &str) -> Result<(), Failure> {
        self.edit_token(token, |row, _| row.kind = TokenKind::Revoked).await
    }

    pub async fn expire_token(&self, token: &str) -> Result<(), Failure> {
        self.edit_token(token, |row, now| row.expires = Some(now)).await
    }

    pub fn pause_cast(&self) {
        self.sim.cast.pause();
    }

    pub fn resume_cast(&self) {
        self.sim.cast.resume();
    }

    pub fn cast(&self) -> Cast {
        self.sim.cast.state()
    }

    /// How many seconds of the cast's script pass in a second.
    pub fn set_cast_pace(&self, pace: f64) {
        self.sim.cast.set_pace(pace);
    }

    /// A copy of the world as it is, to assert on.
    pub async fn world(&self) -> World {
        self.sim.read().await.clone()
    }

    /// The repository's git data, to assert on; its functions block.
    pub async fn git(&self, repository: &str) -> Result<Repo, Failure> {
        let place = self.repository(repository).await?;
        Ok(self.sim.git(&place))
    }

    async fn person(&self, who: &str) -> Result<Uuid, Failure> {
        let world = self.sim.read().await;
        world.user_named(who).map(|user| user.id).ok_or_else(|| {
            let known: Vec<_> = world.users.iter().map(|user| user.alias()).collect();
            Failure::argument("as", &format!("Nobody is called {who}; there are {}.", known.join(", ")))
        })
    }

    async fn repository(&self, name: &str) -> Result<Repository, Failure> {
        let world = self.sim.read().await;
        let found = match (Uuid::try_parse(name), name.split_once('/')) {
            (Ok(id), _) => world.repository(id),
            (_, Some((project, name))) => world.project(project).and_then(|project| world.repository_named(project.id, name)),
            (_, None) => world.repositories.iter().find(|row| row.name.eq_ignore_ascii_case(name)),
        };
        found.cloned().ok_or_else(|| Failure::no_repository(name))
    }

    async fn switch(&self, repository: &str, service: deed::Service) -> Result<(), Failure> {
        let (place, person) = (self.repository(repository).await?.id, self.person(seed::PROTAGONIST).await?);
        deed::disable_repository(&self.sim, person, place, service).await
    }

    async fn edit_repository(&self, name: &str, change: impl FnOnce(&mut Repository)) -> Result<(), Failure> {
        let id = self.repository(name).await?.id;
        let mut world = self.sim.write().await;
        world.repository_mut(id).map(change).ok_or_else(|| Failure::no_repository(name))
    }

    async fn edit_token(&self, token: &str, change: impl FnOnce(&mut Token, Timestamp)) -> Result<(), Failure> {
        let mut world = self.sim.write().await;
        let now = world.now();
        match world.tokens.iter_mut().find(|row| row.token == token) {
            Some(row) => {
                change(row, now);
                Ok(())
            }
            None => Err(Failure::argument("token", "No such token.")),
        }
    }

    async fn with_git<T: Send + 'static>(
        &self,
        repository: Uuid,
        work: impl FnOnce(&Repo) -> Result<T, GitError> + Send + 'static,
    ) -> Result<T, Failure> {
        let repo = {
            let world = self.sim.read().await;
            let place = world.repository(repository);
            self.sim.git(place.ok_or_else(|| Failure::no_repository(&repository.to_string()))?)
        };
        blocking(move || work(&repo)).await
    }
}

fn full(branch: &str) -> String {
    if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") }
}

fn short(name: &str) -> String {
    name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()
}
