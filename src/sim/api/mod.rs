//! The REST surface: one file an endpoint family, and what they share of a request.
//!
//! A handler gets a `Call`, reads or changes the world and answers in the service's shape. Authentication, scopes,
//! versions and routing are done before it runs.
mod approvals;
mod branch_stats;
mod build_definitions;
mod builds;
mod commits;
mod connection;
mod core;
mod diffs;
mod environments;
mod evaluations;
mod graph;
mod hook_history;
mod hooks;
mod identities;
mod items;
mod iterations;
mod labels;
mod policies;
mod pull_request_edit;
mod pull_request_list;
mod pull_requests;
mod pushes;
mod refs;
mod release_approvals;
pub mod releases;
pub mod render;
pub mod render_pull_request;
pub mod render_run;
pub mod render_work_item;
mod repositories;
mod repository_edit;
mod reviewers;
mod statuses;
mod threads;
mod timelines;
mod work_items;

use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::auth::Caller;
use super::git;
use super::hooks::catalogue::Face;
use super::host::Sim;
use super::reply::{Answer, Failure};
use super::route::Operation;
use super::world::{Permission, Project, PullRequest, Repository, World};

/// One request that has passed the front end.
pub struct Call {
    pub sim: Sim,
    pub caller: Caller,
    pub operation: Operation,
    pub face: Face,
    /// The project segment, decoded.
    pub project: Option<String>,
    pub captures: Vec<(&'static str, String)>,
    pub query: Query,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Query parameters; names in any case, `$` and all.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(query: Option<&str>) -> Self {
        Query(
            form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        self.0.iter().find(|(known, value)| *known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1")
    }

    /// A number that is not negative.
    pub fn number(&self, name: &str) -> Result<Option<usize>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Failure::out_of_range(name)),
        }
    }

    pub fn guid(&self, name: &str) -> Result<Option<Uuid>, Failure> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => Uuid::try_parse(text)
                .map(Some)
                .map_err(|_| Failure::argument(name, &format!("The value '{text}' is not valid for a Guid."))),
        }
    }
}

impl Call {
    pub fn actor(&self) -> Uuid {
        self.caller.user.id
    }

    /// A segment of the path; the route table guarantees that it is there.
    pub fn capture(&self, name: &str) -> &str {
        self.captures.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> Result<i32, Failure> {
        self.capture(name).parse().map_err(|_| Failure::out_of_range(name))
    }

    /// The project a name or GUID means to this caller.
    pub fn find_project<'a>(&self, world: &'a World, id_or_name: &str) -> Result<&'a Project, Failure> {
        world.project(id_or_name).filter(|project| project.is_visible_to(self.actor())).ok_or_else(|| Failure::no_project(id_or_name))
    }

    /// The project of the path, if it names one.
    pub fn scope<'a>(&self, world: &'a World) -> Result<Option<&'a Project>, Failure> {
        self.project.as_deref().map(|name| self.find_project(world, name)).transpose()
    }

    /// The project of the path where it is required.
    pub fn project<'a>(&self, world: &'a World) -> Result<&'a Project, Failure> {
        self.find_project(world, self.project.as_deref().unwrap_or_default())
    }

    /// The repository of the path, whatever its state. Things one may not see do not exist.
    pub fn repository_even_disabled<'a>(&self, world: &'a World) -> Result<&'a Repository, Failure> {
        let asked = self.capture("repository");
        let missing = || Failure::no_repository(asked);
        let scope = self.scope(world)?;
        let found = match (Uuid::try_parse(asked), scope) {
            (Ok(id), _) => world.repository(id).filter(|found| scope.is_none_or(|project| project.id == found.project)),
            (Err(_), Some(project)) => world.repository_named(project.id, asked),
            (Err(_), None) => None,
        };
        found.filter(|found| self.may_read(world, found)).ok_or_else(missing)
    }

    /// The repository of the path; a disabled one answers as if it were not there.
    pub fn repository<'a>(&self, world: &'a World) -> Result<&'a Repository, Failure> {
        self.repository_even_disabled(world).and_then(
            |found| {
                if found.is_disabled { Err(Failure::no_repository(&found.name)) } else { Ok(found) }
            },
        )
    }

    pub fn may_read(&self, world: &World, repository: &Repository) -> bool {
        repository.permits(self.actor(), Permission::GenericRead)
            && world.project_by_id(repository.project).is_some_and(|project| project.is_visible_to(self.actor()))
    }

    /// The pull request of the path, in the repository of the path.
    pub fn pull_request<'a>(&self, world: &'a World) -> Result<&'a PullRequest, Failure> {
        let repository = self.repository(world)?;
        let id = self.capture("pull").parse().map_err(|_| Failure::no_pull_request())?;
        world.pull_request(id).filter(|pr| pr.repository == repository.id).ok_or_else(Failure::no_pull_request)
    }

    /// The id of the pull request of the path, checked to be there.
    pub async fn pull_request_id(&self) -> Result<i32, Failure> {
        let world = self.sim.read().await;
        self.pull_request(&world).map(|pr| pr.id)
    }

    /// The id of the repository of the path, checked to be there.
    pub async fn repository_id(&self) -> Result<Uuid, Failure> {
        let world = self.sim.read().await;
        self.repository(&world).map(|repository| repository.id)
    }

    /// The body as JSON; an empty or broken one is what the service calls null.
    pub fn json(&self) -> Result<Value, Failure> {
        let bytes = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(bytes).map_err(|_| Failure::null_argument("body"))
    }

    pub fn git(&self, repository: &Repository) -> git::Repo {
        self.sim.git(repository)
    }

    pub fn renderer<'a>(&'a self, world: &'a World) -> render::Renderer<'a> {
        render::Renderer { world, site: &self.sim.site }
    }
}

/// A member of a JSON object, in any case: the service binds names without looking at it.
pub fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
        .filter(|value| !value.is_null())
}

pub fn text_field(object: &Value, name: &str) -> Option<String> {
    field(object, name).and_then(Value::as_str).map(str::to_owned)
}

/// A truth value; strings are taken too.
pub fn bool_field(object: &Value, name: &str) -> Option<bool> {
    match field(object, name)? {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// An enum member given by name in any case, or by number; `words` are in the order of their numbers.
pub fn enum_field(object: &Value, name: &str, words: &[(&'static str, i64)]) -> Result<Option<&'static str>, Failure> {
    let Some(value) = field(object, name) else {
        return Ok(None);
    };
    let found = match value {
        Value::String(text) => {
            words.iter().find(|(word, number)| word.eq_ignore_ascii_case(text) || number.to_string() == *text).map(|(word, _)| *word)
        }
        Value::Number(number) => words.iter().find(|(_, known)| number.as_i64() == Some(*known)).map(|(word, _)| *word),
        _ => None,
    };
    found.map(Some).ok_or_else(|| Failure::enum_value(name, &value.to_string()))
}

/// One page of rows.
pub fn page<T>(rows: impl Iterator<Item = T>, skip: usize, top: usize) -> Vec<T> {
    rows.skip(skip).take(top).collect()
}

/// Runs the handler of an operation.
pub async fn answer(call: &Call) -> Result<Answer, Failure> {
    match call.operation {
        Operation::ConnectionData => connection::connection_data(call).await,
        Operation::ResourceAreas => connection::resource_areas(call).await,
        Operation::ResourceArea => connection::resource_area(call).await,
        Operation::Projects => core::projects(call).await,
        Operation::Project => core::project(call).await,
        Operation::Teams => core::teams(call).await,
        Operation::Team => core::team(call).await,
        Operation::TeamMembers => core::members(call).await,
        Operation::AllTeams => core::all_teams(call).await,
        Operation::Repositories => repositories::list(call).await,
        Operation::Repository => repositories::get(call).await,
        Operation::RepositoryCreate => repository_edit::create(call).await,
        Operation::RepositoryUpdate => repository_edit::update(call).await,
        Operation::RepositoryDelete => repository_edit::delete(call).await,
        Operation::Refs => refs::list(call).await,
        Operation::RefsUpdate => refs::update(call).await,
        Operation::RefLock => refs::lock(call).await,
        Operation::Pushes => pushes::list(call).await,
        Operation::PushCreate => pushes::create(call).await,
        Operation::Push => pushes::get(call).await,
        Operation::Items => items::get(call).await,
        Operation::Commits => commits::list(call).await,
        Operation::Commit => commits::get(call).await,
        Operation::CommitChanges => commits::changes(call).await,
        Operation::CommitStatuses => statuses::of_commit(call).await,
        Operation::CommitStatusCreate => statuses::create_of_commit(call).await,
        Operation::CommitsBatch => commits::batch(call).await,
        Operation::Diffs => diffs::get(call).await,
        Operation::BranchStats => branch_stats::get(call).await,
        Operation::PullRequests => pull_request_list::of_repository(call).await,
        Operation::PullRequestCreate => pull_requests::create(call).await,
        Operation::PullRequest => pull_requests::get(call).await,
        Operation::PullRequestUpdate => pull_request_edit::update(call).await,
        Operation::PullRequestQuery => pull_request_list::query(call).await,
        Operation::PullRequestsOfProject => pull_request_list::of_project(call).await,
        Operation::PullRequestById => pull_requests::get_by_id(call).await,
        Operation::Reviewers => reviewers::list(call).await,
        Operation::ReviewersAdd => reviewers::add(call).await,
        Operation::Reviewer => reviewers::get(call).await,
        Operation::ReviewerPut => reviewers::put(call).await,
        Operation::ReviewerPatch => reviewers::patch(call).await,
        Operation::ReviewerDelete => reviewers::delete(call).await,
        Operation::Threads => threads::list(call).await,
        Operation::ThreadCreate => threads::create(call).await,
        Operation::Thread => threads::get(call).await,
        Operation::ThreadUpdate => threads::update(call).await,
        Operation::Comments => threads::comments(call).await,
        Operation::CommentCreate => threads::reply(call).await,
        Operation::Comment => threads::comment(call).await,
        Operation::CommentUpdate => threads::edit(call).await,
        Operation::CommentDelete => threads::delete(call).await,
        Operation::Iterations => iterations::list(call).await,
        Operation::Iteration => iterations::get(call).await,
        Operation::IterationChanges => iterations::changes(call).await,
        Operation::IterationStatuses => statuses::of_iteration(call).await,
        Operation::IterationStatusCreate => statuses::create_of_iteration(call).await,
        Operation::PullRequestWorkItems => pull_requests::work_items(call).await,
        Operation::PullRequestCommits => pull_requests::commits(call).await,
        Operation::PullRequestStatuses => statuses::of_pull_request(call).await,
        Operation::PullRequestStatusCreate => statuses::create_of_pull_request(call).await,
        Operation::Labels => labels::list(call).await,
        Operation::LabelAdd => labels::add(call).await,
        Operation::LabelRemove => labels::remove(call).await,
        Operation::GitPolicyConfigurations => policies::for_branch(call).await,
        Operation::PolicyConfigurations => policies::list(call).await,
        Operation::PolicyConfiguration => policies::get(call).await,
        Operation::PolicyEvaluations => evaluations::list(call).await,
        Operation::PolicyEvaluation => evaluations::get(call).await,
        Operation::PolicyRequeue => evaluations::requeue(call).await,
        Operation::Identities => identities::read(call).await,
        Operation::GraphUsers => graph::users(call).await,
        Operation::GraphUser => graph::user(call).await,
        Operation::SubjectQuery => graph::query(call).await,
        Operation::StorageKey => graph::storage_key(call).await,
        Operation::Descriptor => graph::descriptor(call).await,
        Operation::HookPublishers => hooks::publishers(call),
        Operation::HookPublisher => hooks::publisher(call),
        Operation::HookEventTypes => hooks::event_types(call),
        Operation::HookEventType => hooks::event_type(call),
        Operation::HookInputValues => hooks::input_values(call).await,
        Operation::HookConsumers => hooks::consumers(call),
        Operation::HookConsumer => hooks::consumer(call),
        Operation::HookActions => hooks::actions(call),
        Operation::HookAction => hooks::action(call),
        Operation::HookSubscriptions => hooks::list(call).await,
        Operation::HookSubscribe => hooks::create(call).await,
        Operation::HookSubscription => hooks::get(call).await,
        Operation::HookReplace => hooks::replace(call).await,
        Operation::HookUnsubscribe => hooks::delete(call).await,
        Operation::HookQuery => hooks::query(call).await,
        Operation::HookNotifications => hook_history::list(call).await,
        Operation::HookNotification => hook_history::get(call).await,
        Operation::HookNotificationsQuery => hook_history::query(call).await,
        Operation::HookTest => hook_history::test(call).await,
        Operation::HookDiagnostics => hook_history::diagnostics(call).await,
        Operation::HookDiagnosticsUpdate => hook_history::set_diagnostics(call).await,
        Operation::Builds => builds::list(call).await,
        Operation::Build => builds::get(call).await,
        Operation::Timeline => timelines::get(call).await,
        Operation::BuildDefinitions => build_definitions::list(call).await,
        Operation::BuildDefinition => build_definitions::get(call).await,
        Operation::Pipelines => build_definitions::pipelines(call).await,
        Operation::Runs => build_definitions::runs(call).await,
        Operation::Run => build_definitions::run(call).await,
        Operation::Approvals => approvals::list(call).await,
        Operation::Approval => approvals::get(call).await,
        Operation::Environments => environments::list(call).await,
        Operation::Environment => environments::get(call).await,
        Operation::EnvironmentDeployments => environments::deployments(call).await,
        Operation::ReleaseDefinitions => releases::definitions(call).await,
        Operation::ReleaseDefinition => releases::definition_get(call).await,
        Operation::ReleaseDeployments => releases::deployments(call).await,
        Operation::ReleaseApprovals => release_approvals::list(call).await,
        Operation::WorkItemQuery => work_items::query(call).await,
        Operation::WorkItemsBatch => work_items::batch(call).await,
        Operation::WorkItems => work_items::list(call).await,
        Operation::WorkItem => work_items::get(call).await,
        Operation::WorkItemsByArtifact => work_items::by_artifact(call).await,
    }
}

pub use connection::catalogue;
