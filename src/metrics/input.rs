//! What is measured: rows as the store keeps them, one a pull request, one a stage of a run.
//!
//! Instants are UTC. A time that the service did not give is absent, never year 1.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approvals::{Knowledge, Wanted};
use super::left_alone::LeftAlone;
use super::stretch::Stretch;
use crate::domain::collection::Collection;
use crate::domain::id::{Guid, ObjectId, ProjectId, RepositoryId, TicketKey};
use crate::domain::pull_request::{PullRequestStatus, Vote};
use crate::domain::run::{DefinitionKind, RunResult, StageResult};

/// Something that happened to a pull request, from its system and human threads. Texts are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    pub at: Timestamp,
    /// Who, where the service says.
    pub by: Option<Guid>,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    Vote {
        vote: Vote,
    },
    /// Written by a person or a bot (who tells), not by the service. `open` says whether the thread is unresolved now.
    Comment {
        open: bool,
    },
    Published,
    MadeDraft,
    Pushed,
    Completed,
    Abandoned,
    Reactivated,
    /// A reviewer was added or taken off.
    ReviewersChanged,
    /// The service took approvals back, as policies do after a push. Of whom is not told, or not of all.
    VotesReset,
}

/// Who somebody is, for the rules that tell people from machines.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    pub id: Guid,
    pub name: String,
    pub unique_name: String,
    pub is_group: bool,
}

/// A commit of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCommit {
    pub sha: ObjectId,
    pub authored_at: Option<Timestamp>,
}

/// All that is known of the past of a pull request, as collected. The input of [`Flow`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub repository: RepositoryId,
    pub number: i64,
    pub title: String,
    pub status: PullRequestStatus,
    pub is_draft: bool,
    pub author: Actor,
    pub source_branch: String,
    pub target_branch: String,
    pub created_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub merge_commit: Option<ObjectId>,
    pub source_commit: Option<ObjectId>,
    pub labels: Vec<String>,
    /// With the vote in force; not dated.
    pub reviewers: Vec<(Actor, Vote, Required)>,
    /// Oldest first; absent while threads were not read.
    pub happenings: Option<Vec<Happening>>,
    /// Everybody who occurs in `happenings`.
    pub actors: Vec<Actor>,
    /// Oldest first; absent while the detail was not read.
    pub commits: Option<Vec<ChangeCommit>>,
    /// Linked work items.
    pub items: Vec<i64>,
    pub iterations: Option<u32>,
    /// Files that it changes as of `source_commit`; absent while nobody counted them.
    pub files: Option<u32>,
    /// What the branch policies that cover its target want; empty is one approval. Of the project, so it is put in where a history is read.
    #[serde(skip)]
    pub wanted: Vec<Wanted>,
    /// Runs that checked its merge, in any order. The store has them by themselves, so they are put in where a history is read.
    #[serde(skip)]
    pub validations: Vec<Validation>,
}

/// A run of a pipeline that checked what a pull request would merge to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validation {
    pub run: i64,
    /// Its start where the service does not say when it was queued.
    pub queued_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Whether it was queued or running when it was last seen.
    pub goes_on: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Required {
    Required,
    Optional,
}

/// Whose change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    Human,
    /// A service identity or a name on the bot list: figures of their own, not deleted.
    Bot,
}

/// What a pull request is besides a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    Ordinary,
    /// Title `Revert "..."`.
    Revert,
    /// Branch `hotfix/*` or a label of that name.
    Hotfix,
}

/// What a pull request that reverts takes back, as the title in its quotes tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reverted {
    /// A pull request of the same repository: `Revert "Merged PR 12: ..."`.
    Number(i64),
    /// The one of the same repository with this mark of its title.
    Title(u32),
}

/// A pull request boiled down to what figures need: made of a [`History`] by `flow::of`, kept by the store, read in bulk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    pub repository: RepositoryId,
    pub number: i64,
    pub status: PullRequestStatus,
    pub segment: Segment,
    pub nature: Nature,
    /// A mark of its title, by which a revert that quotes the title finds it. The title itself is not kept.
    pub title: u32,
    /// Of a revert only.
    pub reverts: Option<Reverted>,
    pub author: Guid,
    pub target_branch: String,
    /// Earliest author date of its commits, as git has it; absent while commits are not known.
    pub first_commit_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// Creation, or the last publication before the first review, or the last reopening; absent while it is a draft.
    pub ready_at: Option<Timestamp>,
    /// First comment or vote of a person who is not the author, at or after `ready_at`, before the merge.
    pub first_review_at: Option<Timestamp>,
    /// The approval that was in force at the merge and completed the requirement.
    pub approved_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    pub merge_commit: Option<ObjectId>,
    /// A vote in force whose time is not known.
    pub undated_vote: bool,
    /// Pushes after a vote of -5 or -10 or an unresolved comment.
    pub rework_rounds: u32,
    pub iterations: u32,
    pub files: Option<u32>,
    pub commits: Option<u32>,
    pub items: Vec<i64>,
    /// The key in the name of its source branch, whether or not there is a ticket of that key.
    pub ticket: Option<TicketKey>,
    /// When runs that checked its merge were queued or running, from its first review to its close, joined; the newest
    /// [`MOST_STRETCHES`](super::flow::MOST_STRETCHES). Absent where no such run was ever seen.
    pub validated: Option<Vec<Stretch>>,
    /// Whether threads and detail were read: without them no phase has a value.
    pub has_threads: bool,
    pub has_detail: bool,
}

/// An attempt of a stage of a run, or of a classic environment of a release, as it ended. What may be a deployment.
///
/// Of a stage that was tried again there is a row for each attempt that is known. Which of them count, the figures say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRun {
    pub project: ProjectId,
    pub kind: DefinitionKind,
    pub definition: i64,
    /// The build, or the release.
    pub run: i64,
    pub stage: String,
    /// The YAML environment, where the stage deployed into one, or the classic one.
    pub environment: Option<String>,
    /// 1 for the first.
    pub attempt: i64,
    pub result: StageResult,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// Absent where no timeline told, and while it waits.
    pub approval: Option<Approval>,
    /// How the whole run ended; absent while it has not.
    pub run_result: Option<RunResult>,
    pub run_finished_at: Option<Timestamp>,
    pub sha: Option<ObjectId>,
    /// Without `refs/heads/`.
    pub branch: Option<String>,
    pub repository: Option<RepositoryId>,
}

/// What a timeline tells of the approvals and checks that a stage had to pass before it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "approval")]
pub enum Approval {
    /// There were none.
    NotAsked,
    /// From the first that was asked for to the last that was given or refused.
    Waited { from: Timestamp, to: Timestamp },
}

/// A kind of stage: what `kanado metrics production` lists and the production rule judges.
///
/// An empty `stage` with no environment stands for the runs of the definition as wholes. The store lists one for every pipeline that
/// has runs: it is what a pipeline's own name is judged by, and what a person decides where a pipeline is production as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageKind {
    pub project: ProjectId,
    pub kind: DefinitionKind,
    pub definition: i64,
    pub definition_name: String,
    /// Of any of its runs, in alphabetical order. Which of the runs have one, the runs say.
    pub tags: Vec<String>,
    pub stage: String,
    /// What people see in the stage's stead, where that is something else.
    pub shown: Option<String>,
    pub environment: Option<String>,
    pub runs: i64,
    pub last_at: Option<Timestamp>,
    /// What a person decided, if anybody did.
    pub decided: Option<Decided>,
    /// Of the runs of a pipeline as wholes: which of them were not asked for their stages.
    #[serde(default)]
    pub left_alone: Vec<LeftAlone>,
}

/// What a person decided about a kind of stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    Production,
    NotProduction,
}

/// A run of a pipeline, for definitions that count runs and not stages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub project: ProjectId,
    pub definition: i64,
    pub number: i64,
    pub result: Option<RunResult>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub sha: Option<ObjectId>,
    /// Without `refs/heads/`; of the validation of a pull request the whole ref.
    pub branch: Option<String>,
    pub repository: Option<RepositoryId>,
    pub tags: Vec<String>,
}

/// A push to the default branch, in order of its number: what comes later contains what came before, unless it was forced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    pub repository: RepositoryId,
    pub push: i64,
    pub old: ObjectId,
    pub new: ObjectId,
    pub at: Timestamp,
    pub pusher: Option<Guid>,
    /// Author date of the commit `new`, where the commit is known.
    pub authored_at: Option<Timestamp>,
    /// Whose commit `new` is: of a machine where the author that git has is one. Of people as long as the commit is not known.
    pub segment: Segment,
}

/// A work item of an incident type or tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub project: ProjectId,
    pub number: i64,
    pub title: String,
    pub area: String,
    pub created_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// What it hangs on.
    pub pull_requests: Vec<(RepositoryId, i64)>,
    pub commits: Vec<ObjectId>,
    pub builds: Vec<i64>,
}

/// How many commits and pull requests of a project are linked to work items and to tickets of the board, and to which. Those of the lead
/// time: where its definition leaves bots out, they are counted here and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linkage {
    pub commits: u64,
    pub linked_commits: u64,
    pub pull_requests: u64,
    pub linked_pull_requests: u64,
    /// Work items with title, and how many commits and pull requests hang on each; most first, at most 100.
    pub items: Vec<(i64, String, u64)>,
    /// Pull requests whose source branch has the key of a ticket of the board in its name.
    pub ticketed_pull_requests: u64,
    /// Pull requests that are linked to a work item, to a ticket or to both.
    pub traced_pull_requests: u64,
    /// Tickets with title, and how many pull requests have their key in the branch's name; most first, at most 100.
    pub tickets: Vec<(TicketKey, String, u64)>,
    /// Commits written by bots, left out.
    pub bot_commits: u64,
    /// Pull requests of bots, left out.
    pub bot_pull_requests: u64,
}

/// A project with what is known of its collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredProject {
    pub id: ProjectId,
    pub name: String,
    pub collection: Collection,
    /// Whether failures can be told from work items of this project.
    pub incident_source: IncidentSource,
    /// Whether it is known how many approvals its branches want.
    pub approvals: Knowledge,
}

/// What a deployment from a branch other than the default brought: the commits that the service lists between the deployed commit and the
/// one deployed before it. Asked for only where the order of pushes can't tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compare {
    pub repository: RepositoryId,
    pub base: ObjectId,
    pub head: ObjectId,
    pub commits: Vec<ObjectId>,
}

/// Everything that figures of a query rest on, read in one go.
///
/// Rows of the query's projects are complete: the filters by repository, service and team are applied by the figures themselves. A
/// pull request that a filter had left out here would make its merge look like a direct push, and an incident be laid at the door of
/// the wrong service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub projects: Vec<MeasuredProject>,
    pub repositories: Vec<(RepositoryId, ProjectId, String, Option<String>)>,
    pub kinds: Vec<StageKind>,
    /// Of the kinds that may be production under the query's definition, in the window and the one before, and what precedes them:
    /// the last one before and, for containment and recovery, 90 days back.
    pub stages: Vec<StageRun>,
    /// Only for definitions that count runs.
    pub runs: Vec<Run>,
    /// Closed in the two windows, or carried by a deployment in them, or still active.
    pub flows: Vec<Flow>,
    /// Of default branches, by repository and push.
    pub tips: Vec<Tip>,
    /// Created in the two windows or the 90 days before them.
    pub incidents: Vec<Incident>,
    /// Of deployments from release branches, where they were asked for.
    pub compares: Vec<Compare>,
    pub linkage: Linkage,
}

/// Whether failures of a project's deployments can be told from its work items.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentSource {
    /// Nothing configured and none seen.
    #[default]
    None,
    Configured,
    Observed,
}
