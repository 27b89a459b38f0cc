//! From a path and a method to an operation: case-insensitive, project optional where the service makes it so.
//!
//! The table below is the whole surface of the simulator; the `OPTIONS _apis` catalogue is made from it too.
use axum::http::Method;

use super::hooks::catalogue::Face;
use super::site::{ServerVersion, percent_decode};
use super::version::Maturity;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    ConnectionData,
    ResourceAreas,
    ResourceArea,
    Projects,
    Project,
    Teams,
    Team,
    TeamMembers,
    AllTeams,
    Repositories,
    Repository,
    RepositoryCreate,
    RepositoryUpdate,
    RepositoryDelete,
    Refs,
    RefsUpdate,
    RefLock,
    Pushes,
    PushCreate,
    Push,
    Items,
    Commits,
    Commit,
    CommitChanges,
    CommitStatuses,
    CommitStatusCreate,
    CommitsBatch,
    Diffs,
    BranchStats,
    PullRequests,
    PullRequestCreate,
    PullRequest,
    PullRequestUpdate,
    PullRequestQuery,
    PullRequestsOfProject,
    PullRequestById,
    Reviewers,
    ReviewersAdd,
    Reviewer,
    ReviewerPut,
    ReviewerPatch,
    ReviewerDelete,
    Threads,
    ThreadCreate,
    Thread,
    ThreadUpdate,
    Comments,
    CommentCreate,
    Comment,
    CommentUpdate,
    CommentDelete,
    Iterations,
    Iteration,
    IterationChanges,
    IterationStatuses,
    IterationStatusCreate,
    PullRequestWorkItems,
    PullRequestCommits,
    PullRequestStatuses,
    PullRequestStatusCreate,
    Labels,
    LabelAdd,
    LabelRemove,
    GitPolicyConfigurations,
    PolicyConfigurations,
    PolicyConfiguration,
    PolicyEvaluations,
    PolicyEvaluation,
    PolicyRequeue,
    Identities,
    GraphUsers,
    GraphUser,
    SubjectQuery,
    StorageKey,
    Descriptor,
    HookPublishers,
    HookPublisher,
    HookEventTypes,
    HookEventType,
    HookInputValues,
    HookConsumers,
    HookConsumer,
    HookActions,
    HookAction,
    HookSubscriptions,
    HookSubscribe,
    HookSubscription,
    HookReplace,
    HookUnsubscribe,
    HookQuery,
    HookNotifications,
    HookNotification,
    HookNotificationsQuery,
    HookTest,
    HookDiagnostics,
    HookDiagnosticsUpdate,
    Builds,
    Build,
    Timeline,
    BuildDefinitions,
    BuildDefinition,
    Pipelines,
    Runs,
    Run,
    Approvals,
    Approval,
    Environments,
    Environment,
    EnvironmentDeployments,
    ReleaseDefinitions,
    ReleaseDefinition,
    ReleaseDeployments,
    ReleaseApprovals,
    WorkItemQuery,
    WorkItemsBatch,
    WorkItems,
    WorkItem,
    WorkItemsByArtifact,
}

/// Whether the path names a project before `_apis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectRule {
    Never,
    Optional,
    Required,
}

/// Any one of these scopes suffices; an empty list takes every valid token.
type Scopes = &'static [&'static str];

const ANY: Scopes = &[];
const PROJECT: Scopes = &["vso.project", "vso.profile", "vso.code"];
const CODE: Scopes = &["vso.code"];
const CODE_WRITE: Scopes = &["vso.code_write"];
const THREADS: Scopes = &["vso.code", "vso.threads_full"];
const THREADS_WRITE: Scopes = &["vso.code_write", "vso.threads_full"];
const STATUS: Scopes = &["vso.code", "vso.code_status"];
const STATUS_WRITE: Scopes = &["vso.code_status", "vso.code_write"];
const IDENTITY: Scopes = &["vso.identity"];
const GRAPH: Scopes = &["vso.graph"];
/// As the specification says for all of them; which right it takes is decided by the person's permissions.
const HOOKS: Scopes = &["vso.work", "vso.build", "vso.code"];
const CODE_MANAGE: Scopes = &["vso.code_manage"];
const BUILD: Scopes = &["vso.build"];
const RELEASE: Scopes = &["vso.release"];
const ENVIRONMENT: Scopes = &["vso.environment_manage"];
const WORK: Scopes = &["vso.work"];

/// The area of classic releases, which has a host of its own on Services.
pub const RELEASE_AREA: &str = "Release";

/// One resource: where it is and what can be done with it.
#[derive(Debug)]
pub struct Resource {
    /// Below `_apis/`, lower case; `{x}` captures one segment.
    pub template: &'static str,
    pub project: ProjectRule,
    pub area: &'static str,
    pub name: &'static str,
    pub maturity: Maturity,
    pub methods: &'static [(&'static str, Operation, Scopes)],
}

const fn resource(
    template: &'static str,
    project: ProjectRule,
    area: &'static str,
    name: &'static str,
    methods: &'static [(&'static str, Operation, Scopes)],
) -> Resource {
    Resource { template, project, area, name, maturity: Maturity::Released, methods }
}

const fn preview(revision: u32, mut resource: Resource) -> Resource {
    resource.maturity = Maturity::Preview(revision);
    resource
}

use Operation as Op;
use ProjectRule::{Never, Optional, Required};

#[rustfmt::skip]
pub static RESOURCES: &[Resource] = &[
    preview(1, resource("connectiondata", Never, "Location", "ConnectionData", &[("GET", Op::ConnectionData, ANY)])),
    preview(1, resource("resourceareas", Never, "Location", "ResourceAreas", &[("GET", Op::ResourceAreas, ANY)])),
    preview(1, resource("resourceareas/{area}", Never, "Location", "ResourceAreas", &[("GET", Op::ResourceArea, ANY)])),
    resource("projects", Never, "core", "projects", &[("GET", Op::Projects, PROJECT)]),
    resource("projects/{name}", Never, "core", "projects", &[("GET", Op::Project, PROJECT)]),
    resource("projects/{name}/teams", Never, "core", "teams", &[("GET", Op::Teams, PROJECT)]),
    resource("projects/{name}/teams/{team}", Never, "core", "teams", &[("GET", Op::Team, PROJECT)]),
    resource("projects/{name}/teams/{team}/members", Never, "core", "members", &[("GET", Op::TeamMembers, PROJECT)]),
    preview(3, resource("teams", Never, "core", "allTeams", &[("GET", Op::AllTeams, PROJECT)])),
    resource("git/repositories", Optional, "git", "repositories", 
        &[("GET", Op::Repositories, CODE), ("POST", Op::RepositoryCreate, CODE_MANAGE)]),
    resource("git/repositories/{repository}", Optional, "git", "repositories",
        &[("GET", Op::Repository, CODE), ("PATCH", Op::RepositoryUpdate, CODE_MANAGE), ("DELETE", Op::RepositoryDelete, CODE_MANAGE)]),
    resource("git/repositories/{repository}/refs", Optional, "git", "refs",
        &[("GET", Op::Refs, CODE), ("POST", Op::RefsUpdate, CODE_WRITE), ("PATCH", Op::RefLock, CODE_WRITE)]),
    resource("git/repositories/{repository}/pushes", Optional, "git", "pushes",
        &[("GET", Op::Pushes, CODE), ("POST", Op::PushCreate, CODE_WRITE)]),
    resource("git/repositories/{repository}/pushes/{push}", Optional, "git", "pushes", &[("GET", Op::Push, CODE)]),
    resource("git/repositories/{repository}/items", Optional, "git", "items", &[("GET", Op::Items, CODE)]),
    resource("git/repositories/{repository}/commits", Optional, "git", "commits", &[("GET", Op::Commits, CODE)]),
    resource("git/repositories/{repository}/commits/{commit}", Optional, "git", "commits", &[("GET", Op::Commit, CODE)]),
    resource("git/repositories/{repository}/commits/{commit}/changes", Optional, "git", "changes", &[("GET", Op::CommitChanges, CODE)]),
    resource("git/repositories/{repository}/commits/{commit}/statuses", Optional, "git", "statuses",
        &[("GET", Op::CommitStatuses, STATUS), ("POST", Op::CommitStatusCreate, STATUS_WRITE)]),
    resource("git/repositories/{repository}/commitsbatch", Optional, "git", "commitsBatch", &[("POST", Op::CommitsBatch, CODE)]),
    resource("git/repositories/{repository}/diffs/commits", Optional, "git", "commitDiffs", &[("GET", Op::Diffs, CODE)]),
    resource("git/repositories/{repository}/stats/branches", Optional, "git", "branchStats", &[("GET", Op::BranchStats, CODE)]),
    resource("git/repositories/{repository}/pullrequests", Optional, "git", "pullRequests",
        &[("GET", Op::PullRequests, CODE), ("POST", Op::PullRequestCreate, CODE_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}", Optional, "git", "pullRequests",
        &[("GET", Op::PullRequest, CODE), ("PATCH", Op::PullRequestUpdate, CODE_WRITE)]),
    resource("git/repositories/{repository}/pullrequestquery", Optional, "git", "pullRequestQuery", &[("POST", Op::PullRequestQuery, CODE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/reviewers", Optional, "git", "pullRequestReviewers",
        &[("GET", Op::Reviewers, CODE), ("POST", Op::ReviewersAdd, CODE_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/reviewers/{reviewer}", Optional, "git", "pullRequestReviewers",
        &[("GET", Op::Reviewer, CODE), ("PUT", Op::ReviewerPut, CODE_WRITE), ("PATCH", Op::ReviewerPatch, CODE_WRITE),
          ("DELETE", Op::ReviewerDelete, CODE_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/threads", Optional, "git", "pullRequestThreads",
        &[("GET", Op::Threads, THREADS), ("POST", Op::ThreadCreate, THREADS_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/threads/{thread}", Optional, "git", "pullRequestThreads",
        &[("GET", Op::Thread, THREADS), ("PATCH", Op::ThreadUpdate, THREADS_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/threads/{thread}/comments", Optional, "git", "pullRequestThreadComments",
        &[("GET", Op::Comments, THREADS), ("POST", Op::CommentCreate, THREADS_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/threads/{thread}/comments/{comment}", Optional, "git", "pullRequestThreadComments",
        &[("GET", Op::Comment, THREADS), ("PATCH", Op::CommentUpdate, THREADS_WRITE), ("DELETE", Op::CommentDelete, THREADS_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/iterations", Optional, "git", "pullRequestIterations", &[("GET", Op::Iterations, CODE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/iterations/{iteration}", Optional, "git", "pullRequestIterations", &[("GET", Op::Iteration, CODE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/iterations/{iteration}/changes", Optional, "git", "pullRequestIterationChanges",
        &[("GET", Op::IterationChanges, CODE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/iterations/{iteration}/statuses", Optional, "git", "pullRequestIterationStatuses",
        &[("GET", Op::IterationStatuses, STATUS), ("POST", Op::IterationStatusCreate, STATUS_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/workitems", Optional, "git", "pullRequestWorkItems", &[("GET", Op::PullRequestWorkItems, CODE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/commits", Optional, "git", "pullRequestCommits", &[("GET", Op::PullRequestCommits, CODE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/statuses", Optional, "git", "pullRequestStatuses",
        &[("GET", Op::PullRequestStatuses, STATUS), ("POST", Op::PullRequestStatusCreate, STATUS_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/labels", Optional, "git", "pullRequestLabels",
        &[("GET", Op::Labels, CODE), ("POST", Op::LabelAdd, CODE_WRITE)]),
    resource("git/repositories/{repository}/pullrequests/{pull}/labels/{label}", Optional, "git", "pullRequestLabels", &[("DELETE", Op::LabelRemove, CODE_WRITE)]),
    resource("git/pullrequests", Optional, "git", "pullRequestsByProject", &[("GET", Op::PullRequestsOfProject, CODE)]),
    resource("git/pullrequests/{pull}", Optional, "git", "pullRequestsById", &[("GET", Op::PullRequestById, CODE)]),
    resource("git/policy/configurations", Required, "git", "policyConfigurations", &[("GET", Op::GitPolicyConfigurations, CODE)]),
    resource("policy/configurations", Required, "policy", "configurations", &[("GET", Op::PolicyConfigurations, CODE)]),
    resource("policy/configurations/{policy}", Required, "policy", "configurations", &[("GET", Op::PolicyConfiguration, CODE)]),
    preview(1, resource("policy/evaluations", Required, "policy", "evaluations", &[("GET", Op::PolicyEvaluations, CODE)])),
    preview(1, resource("policy/evaluations/{evaluation}", Required, "policy", "evaluations",
        &[("GET", Op::PolicyEvaluation, CODE), ("PATCH", Op::PolicyRequeue, CODE_WRITE)])),
    resource("identities", Never, "IMS", "Identities", &[("GET", Op::Identities, IDENTITY)]),
    preview(1, resource("graph/users", Never, "Graph", "Users", &[("GET", Op::GraphUsers, GRAPH)])),
    preview(1, resource("graph/users/{descriptor}", Never, "Graph", "Users", &[("GET", Op::GraphUser, GRAPH)])),
    preview(1, resource("graph/subjectquery", Never, "Graph", "SubjectQuery", &[("POST", Op::SubjectQuery, GRAPH)])),
    resource("graph/storagekeys/{descriptor}", Never, "Graph", "StorageKeys", &[("GET", Op::StorageKey, GRAPH)]),
    resource("graph/descriptors/{key}", Never, "Graph", "Descriptors", &[("GET", Op::Descriptor, GRAPH)]),
    resource("hooks/publishers", Never, "hooks", "publishers", &[("GET", Op::HookPublishers, HOOKS)]),
    resource("hooks/publishers/{publisher}", Never, "hooks", "publishers", &[("GET", Op::HookPublisher, HOOKS)]),
    resource("hooks/publishers/{publisher}/eventtypes", Never, "hooks", "eventTypes", &[("GET", Op::HookEventTypes, HOOKS)]),
    resource("hooks/publishers/{publisher}/eventtypes/{event}", Never, "hooks", "eventTypes", &[("GET", Op::HookEventType, HOOKS)]),
    resource("hooks/publishers/{publisher}/inputvaluesquery", Never, "hooks", "publisherInputValues", &[("POST", Op::HookInputValues, HOOKS)]),
    resource("hooks/consumers", Never, "hooks", "consumers", &[("GET", Op::HookConsumers, HOOKS)]),
    resource("hooks/consumers/{consumer}", Never, "hooks", "consumers", &[("GET", Op::HookConsumer, HOOKS)]),
    resource("hooks/consumers/{consumer}/actions", Never, "hooks", "consumerActions", &[("GET", Op::HookActions, HOOKS)]),
    resource("hooks/consumers/{consumer}/actions/{action}", Never, "hooks", "consumerActions", &[("GET", Op::HookAction, HOOKS)]),
    resource("hooks/subscriptions", Never, "hooks", "subscriptions",
        &[("GET", Op::HookSubscriptions, HOOKS), ("POST", Op::HookSubscribe, HOOKS)]),
    resource("hooks/subscriptions/{subscription}", Never, "hooks", "subscriptions",
        &[("GET", Op::HookSubscription, HOOKS), ("PUT", Op::HookReplace, HOOKS), ("DELETE", Op::HookUnsubscribe, HOOKS)]),
    resource("hooks/subscriptions/{subscription}/notifications", Never, "hooks", "notifications", &[("GET", Op::HookNotifications, HOOKS)]),
    resource("hooks/subscriptions/{subscription}/notifications/{notification}", Never, "hooks", "notifications",
        &[("GET", Op::HookNotification, HOOKS)]),
    resource("hooks/subscriptions/{subscription}/diagnostics", Never, "hooks", "diagnostics",
        &[("GET", Op::HookDiagnostics, HOOKS), ("PUT", Op::HookDiagnosticsUpdate, HOOKS)]),
    resource("hooks/subscriptionsquery", Never, "hooks", "subscriptionsQuery", &[("POST", Op::HookQuery, HOOKS)]),
    resource("hooks/notificationsquery", Never, "hooks", "notificationsQuery", &[("POST", Op::HookNotificationsQuery, HOOKS)]),
    resource("hooks/testnotifications", Never, "hooks", "testNotifications", &[("POST", Op::HookTest, HOOKS)]),
    resource("build/builds", Required, "build", "builds", &[("GET", Op::Builds, BUILD)]),
    resource("build/builds/{build}", Required, "build", "builds", &[("GET", Op::Build, BUILD)]),
    resource("build/builds/{build}/timeline", Required, "build", "timeline", &[("GET", Op::Timeline, BUILD)]),
    resource("build/builds/{build}/timeline/{timeline}", Required, "build", "timeline", &[("GET", Op::Timeline, BUILD)]),
    resource("build/definitions", Required, "build", "definitions", &[("GET", Op::BuildDefinitions, BUILD)]),
    resource("build/definitions/{definition}", Required, "build", "definitions", &[("GET", Op::BuildDefinition, BUILD)]),
    resource("pipelines", Required, "pipelines", "pipelines", &[("GET", Op::Pipelines, BUILD)]),
    resource("pipelines/{definition}/runs", Required, "pipelines", "runs", &[("GET", Op::Runs, BUILD)]),
    resource("pipelines/{definition}/runs/{build}", Required, "pipelines", "runs", &[("GET", Op::Run, BUILD)]),
    resource("pipelines/approvals", Required, "pipelinesApproval", "approvals", &[("GET", Op::Approvals, BUILD)]),
    resource("pipelines/approvals/{approval}", Required, "pipelinesApproval", "approvals", &[("GET", Op::Approval, BUILD)]),
    resource("distributedtask/environments", Required, "distributedtask", "environments", &[("GET", Op::Environments, ENVIRONMENT)]),
    resource("distributedtask/environments/{environment}", Required, "distributedtask", "environments",
        &[("GET", Op::Environment, ENVIRONMENT)]),
    resource("distributedtask/environments/{environment}/environmentdeploymentrecords", Required, "distributedtask",
        "environmentdeploymentrecords", &[("GET", Op::EnvironmentDeployments, ENVIRONMENT)]),
    resource("release/definitions", Required, RELEASE_AREA, "definitions", &[("GET", Op::ReleaseDefinitions, RELEASE)]),
    resource("release/definitions/{definition}", Required, RELEASE_AREA, "definitions", &[("GET", Op::ReleaseDefinition, RELEASE)]),
    resource("release/deployments", Required, RELEASE_AREA, "deployments", &[("GET", Op::ReleaseDeployments, RELEASE)]),
    resource("release/approvals", Required, RELEASE_AREA, "approvals", &[("GET", Op::ReleaseApprovals, RELEASE)]),
    resource("wit/wiql", Optional, "wit", "wiql", &[("POST", Op::WorkItemQuery, WORK)]),
    resource("wit/workitemsbatch", Optional, "wit", "workItemsBatch", &[("POST", Op::WorkItemsBatch, WORK)]),
    resource("wit/workitems", Optional, "wit", "workItems", &[("GET", Op::WorkItems, WORK)]),
    resource("wit/workitems/{item}", Optional, "wit", "workItems", &[("GET", Op::WorkItem, WORK)]),
    resource("wit/artifacturiquery", Optional, "wit", "artifactUriQuery", &[("POST", Op::WorkItemsByArtifact, WORK)]),
];

/// Whether an area is at a host of the instance: release management has its own on Services, and not every instance has all.
pub fn is_at(area: &str, face: Face, server: ServerVersion) -> bool {
    match area {
        "Graph" => server.is_services(),
        "hooks" => true,
        RELEASE_AREA => face != Face::Main,
        _ => face != Face::Release,
    }
}

/// A path that means something.
#[derive(Debug)]
pub struct Found {
    pub resource: &'static Resource,
    pub operation: Operation,
    pub scopes: Scopes,
    /// Decoded, by name in the template.
    pub captures: Vec<(&'static str, String)>,
}

/// Why a path means nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    NoResource,
    NoMethod,
}

/// Resolves the segments after `_apis/`, still percent-encoded.
pub fn find(method: &Method, segments: &[&str], names_project: bool) -> Result<Found, Lost> {
    let mut lost = Lost::NoResource;
    for resource in RESOURCES {
        let Some(captures) = captures(resource.template, segments) else {
            continue;
        };
        let fits = match resource.project {
            ProjectRule::Never => !names_project,
            ProjectRule::Optional => true,
            ProjectRule::Required => names_project,
        };
        if !fits {
            continue;
        }
        // HEAD is answered as GET, without the body.
        let wanted = if *method == Method::HEAD { "GET" } else { method.as_str() };
        match resource.methods.iter().find(|(name, _, _)| *name == wanted) {
            Some((_, operation, scopes)) => {
                return Ok(Found { resource, operation: *operation, scopes, captures });
            }
            None => lost = Lost::NoMethod,
        }
    }
    Err(lost)
}

fn captures(template: &'static str, segments: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let mut captures = Vec::new();
    let mut given = segments.iter();
    for part in template.split('/') {
        let segment = given.next()?;
        match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => captures.push((name, percent_decode(segment))),
            None if part.eq_ignore_ascii_case(&percent_decode(segment)) => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(captures)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(method: &str, path: &str, names_project: bool) -> Result<Operation, Lost> {
        let segments: Vec<&str> = path.split('/').collect();
        find(&Method::from_bytes(method.as_bytes()).unwrap(), &segments, names_project).map(|found| found.operation)
    }

    #[test]
    fn paths_are_found_whatever_their_case() {
        assert_eq!(operation("GET", "Git/Repositories/X/pullRequests/7", true), Ok(Operation::PullRequest));
        assert_eq!(operation("HEAD", "connectionData", false), Ok(Operation::ConnectionData));
    }

    #[test]
    fn the_project_is_optional_only_where_it_is() {
        assert_eq!(operation("GET", "git/pullrequests/7", false), Ok(Operation::PullRequestById));
        assert_eq!(operation("GET", "policy/configurations", false), Err(Lost::NoResource));
        assert_eq!(operation("GET", "projects", true), Err(Lost::NoResource));
    }

    #[test]
    fn an_unknown_method_is_told_from_an_unknown_path() {
        assert_eq!(operation("DELETE", "projects", false), Err(Lost::NoMethod));
        assert_eq!(operation("GET", "build/builds", false), Err(Lost::NoResource));
    }

    #[test]
    fn names_are_decoded() {
        let found = find(&Method::GET, &["git", "repositories", "a%20b"], true).unwrap();
        assert_eq!(found.captures, [("repository", "a b".to_owned())]);
    }
}
