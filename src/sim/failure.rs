//! Refusals in the service's own words: status, type key, TF code, and the envelope around them.
//!
//! One constructor a refusal, so that a text exists once. Texts marked by a `TF` or `VS` code are the service's.
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::reply::{bytes_of, put};

/// An error in the service's envelope.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: StatusCode,
    pub type_key: &'static str,
    pub message: String,
    pub event_id: i32,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status.as_u16(), self.type_key, self.message)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    pub fn new(status: StatusCode, type_key: &'static str, message: impl Into<String>) -> Self {
        let event_id = if type_key.starts_with("Argument") { 0 } else { 3000 };
        Failure { status, type_key, message: message.into(), event_id }
    }

    fn bad(type_key: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, type_key, message)
    }

    fn not_found(type_key: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, type_key, message)
    }

    fn conflict(type_key: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, type_key, message)
    }

    fn forbidden(type_key: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, type_key, message)
    }

    pub fn argument(name: &str, why: &str) -> Self {
        Self::bad("ArgumentException", format!("{why}\r\nParameter name: {name}"))
    }

    pub fn null_argument(name: &str) -> Self {
        Self::bad("ArgumentNullException", format!("Value cannot be null.\r\nParameter name: {name}"))
    }

    pub fn out_of_range(name: &str) -> Self {
        Self::bad(
            "ArgumentOutOfRangeException",
            format!("Specified argument was out of the range of valid values.\r\nParameter name: {name}"),
        )
    }

    pub fn invalid_value(why: &str) -> Self {
        Self::bad("InvalidArgumentValueException", format!("Invalid argument value.\r\nParameter name: {why}"))
    }

    pub fn enum_value(name: &str, value: &str) -> Self {
        Self::bad(
            "InvalidEnumArgumentException",
            format!("The value of argument '{name}' ({value}) is invalid for its type.\r\nParameter name: {name}"),
        )
    }

    pub fn no_project(name: &str) -> Self {
        let key = if Uuid::try_parse(name).is_ok() { "ProjectDoesNotExistException" } else { "ProjectDoesNotExistWithNameException" };
        Self::not_found(
            key,
            format!(
                "TF200016: The following project does not exist: {name}. Verify that the name of the project is \
                 correct and that the project exists on the specified Azure DevOps Server."
            ),
        )
    }

    pub fn no_team(name: &str) -> Self {
        Self::not_found(
            "TeamNotFoundException",
            format!("The team with id '{name}' does not exist, or you do not have permission to read it."),
        )
    }

    pub fn no_repository(name: &str) -> Self {
        Self::not_found(
            "GitRepositoryNotFoundException",
            format!(
                "TF401019: The Git repository with name or identifier {name} does not exist or you do not have \
                 permissions for the operation you are attempting."
            ),
        )
    }

    pub fn no_pull_request() -> Self {
        Self::not_found("GitPullRequestNotFoundException", "TF401180: The requested pull request was not found.")
    }

    pub fn no_version(kind: &str, version: &str, repository: &str) -> Self {
        Self::not_found(
            "GitUnresolvableToCommitException",
            format!(
                "TF401175:The version descriptor <{kind}: {version} > could not be resolved to a version in the \
                 repository {repository}"
            ),
        )
    }

    pub fn no_item(path: &str, repository: &str, kind: &str, version: &str, commit: &str) -> Self {
        Self::not_found(
            "GitItemNotFoundException",
            format!(
                "TF401174: The item {path} could not be found in the repository {repository} at the version \
                 specified by <{kind}: {version} >(resolved to commit {commit})"
            ),
        )
    }

    pub fn no_commit(id: &str) -> Self {
        Self::not_found("GitObjectDoesNotExistException", format!("TF401173: The commit {id} does not exist in the repository."))
    }

    pub fn no_identity(id: &str) -> Self {
        Self::not_found("IdentityNotFoundException", format!("TF14045: The identity with id {id} could not be found."))
    }

    pub fn no_thread(id: &str) -> Self {
        Self::not_found("CommentThreadNotFoundException", format!("VS403390: The comment thread with id {id} was not found."))
    }

    pub fn no_comment(id: &str) -> Self {
        Self::not_found("CommentNotFoundException", format!("VS403391: The comment with id {id} was not found."))
    }

    pub fn needs_permission(permission: &str, identity: &str) -> Self {
        Self::forbidden(
            "GitNeedsPermissionException",
            format!(
                "TF401027: You need the Git '{permission}' permission to perform this action. Details: identity \
                 '{identity}', scope 'repository'."
            ),
        )
    }

    pub fn protected_branch() -> Self {
        Self::forbidden(
            "GitRefUpdateRejectedByPolicyException",
            "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
        )
    }

    pub fn rejected_by_policy() -> Self {
        Self::forbidden(
            "GitPullRequestUpdateRejectedByPolicyException",
            "TF402454: The pull request cannot be completed: one or more required policies are not approved.",
        )
    }

    pub fn stale_ref(name: &str) -> Self {
        Self::conflict(
            "GitReferenceStaleException",
            format!(
                "TF401028: The reference '{name}' has already been updated by another client, so you cannot update \
                 it. Please try again."
            ),
        )
    }

    pub fn stale_pull_request() -> Self {
        Self::conflict("GitPullRequestStaleException", "TF401192: The source branch has been modified since the last merge attempt.")
    }

    pub fn pull_request_exists() -> Self {
        Self::conflict("GitPullRequestExistsException", "TF401179: An active pull request for the source and target branch already exists.")
    }

    pub fn cannot_be_activated() -> Self {
        Self::bad(
            "GitPullRequestCannotBeActivated",
            "TF401398: The pull request cannot be activated because the source and/or the target branch no longer \
             exists, or the requested refs are not branches",
        )
    }

    pub fn not_editable() -> Self {
        Self::bad("GitPullRequestNotEditableException", "TF401181: The pull request cannot be edited due to its state.")
    }

    pub fn path_exists(path: &str) -> Self {
        Self::bad(
            "GitItemAlreadyExistsException",
            format!("The path '{path}' specified in the add operation already exists. Please specify a new path."),
        )
    }

    pub fn path_missing(path: &str) -> Self {
        Self::bad(
            "GitItemNotFoundException",
            format!("TF401174: The path '{path}' specified in the operation does not exist in the branch."),
        )
    }

    pub fn invalid_path(path: &str) -> Self {
        Self::bad("InvalidArgumentValueException", format!("The path '{path}' is not valid.\r\nParameter name: path"))
    }

    pub fn body(why: &str) -> Self {
        Self::bad("VssPropertyValidationException", format!("Value cannot be null.\r\nParameter name: {why}"))
    }

    /// Somebody may not look after the subscriptions of a project.
    pub fn hook_permission(user: &str, project: Uuid, action: &str) -> Self {
        Self::forbidden(
            "AccessCheckException",
            format!(
                "Access Denied: {user} needs the following permission(s) on the resource PublisherSecurity/{project} to \
                 perform this action: {action}"
            ),
        )
    }

    pub fn no_subscription(id: &str) -> Self {
        Self::not_found("SubscriptionNotFoundException", format!("The service hooks subscription '{id}' was not found."))
    }

    /// A publisher, consumer, action, event type or notification that is not there.
    pub fn no_hook_part(type_key: &'static str, what: &str, id: &str) -> Self {
        Self::not_found(type_key, format!("The service hooks {what} '{id}' was not found."))
    }

    /// An event type of another host, or of none.
    pub fn no_event_handler(event_type: &str) -> Self {
        Self::bad("EventTypeNotFoundException", format!("There is no registered handler for the service hooks event type {event_type}"))
    }

    /// A build that is not there, or was deleted.
    pub fn no_build(id: &str) -> Self {
        Self::not_found("BuildNotFoundException", format!("The requested build {id} could not be found."))
    }

    pub fn no_timeline(build: i32) -> Self {
        Self::not_found("TimelineNotFoundException", format!("The timeline of build {build} could not be found."))
    }

    pub fn no_definition(id: &str) -> Self {
        Self::not_found("DefinitionNotFoundException", format!("The requested definition {id} could not be found."))
    }

    pub fn no_approval(id: &str) -> Self {
        Self::not_found("ApprovalNotFoundException", format!("Approval with id {id} does not exist, or you may not see it."))
    }

    pub fn no_environment(id: &str) -> Self {
        Self::not_found("EnvironmentNotFoundException", format!("Environment with id {id} was not found."))
    }

    pub fn no_release_definition(id: &str) -> Self {
        Self::not_found(
            "ReleaseDefinitionNotFoundException",
            format!("VS402875: Release definition with ID {id} does not exist. Specify a valid ID and try again."),
        )
    }

    /// Somebody lacks "View builds" in a project.
    pub fn builds_hidden(user: &str, project: &str) -> Self {
        Self::forbidden(
            "AccessDeniedException",
            format!(
                "TF215106: Access denied. {user} needs View builds permissions for build pipelines in team project {project} to perform \
                 the action. For more information, contact the Azure DevOps administrator."
            ),
        )
    }

    pub fn no_work_item(id: &str) -> Self {
        let message = format!("TF401232: Work item {id} does not exist, or you do not have permissions to read it.");
        Failure { event_id: 3200, ..Self::not_found("WorkItemUnauthorizedAccessException", message) }
    }

    pub fn too_many_work_items() -> Self {
        let message = "VS403474: The number of work items requested is more than the 200 that are given out at once.";
        Failure { event_id: 3200, ..Self::bad("VssPropertyValidationException", message) }
    }

    pub fn no_field(name: &str) -> Self {
        let message = format!("TF51535: Cannot find field {name}.");
        Failure { event_id: 3200, ..Self::bad("InvalidFieldReferenceException", message) }
    }

    pub fn conflicting_parameters() -> Self {
        let message = "The expand parameter can not be used with the fields parameter.";
        Failure { event_id: 3200, ..Self::bad("ConflictingParametersException", message) }
    }

    /// A query whose text cannot be used; `why` ends with a stop.
    pub fn query(why: &str, near: &str) -> Self {
        let message = format!("TF51006: The query statement is not valid. {why} The error is caused by \u{ab}{near}\u{bb}.");
        Failure { event_id: 3200, ..Self::bad("WorkItemTrackingQueryException", message) }
    }

    pub fn query_result_too_large() -> Self {
        let message =
            "VS402337: The number of work items returned exceeds the size limit of 20000. Change the query to return fewer items.";
        Failure { event_id: 3200, ..Self::bad("WorkItemTrackingQueryResultSizeLimitExceededException", message) }
    }

    pub fn repository_exists(name: &str) -> Self {
        Self::conflict(
            "GitRepositoryNameAlreadyExistsException",
            format!("TF400948: A Git repository with the name {name} already exists."),
        )
    }

    pub fn unsupported_media(content_type: &str, method: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "VssRequestContentTypeNotSupportedException",
            format!(
                "The request indicated a Content-Type of \"{content_type}\" for method type \"{method}\" which is \
                 not supported. Valid content types for this method are: application/json, \
                 application/json-patch+json."
            ),
        )
    }

    pub fn method_not_allowed(method: &str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "VssServiceResponseException",
            format!("The requested resource does not support http method '{method}'."),
        )
    }

    /// Somebody's budget is spent.
    pub fn too_many_requests() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "RequestBlockedException",
            "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource 'Concurrency' in namespace 'User'.",
        )
    }

    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestContentTooLargeException",
            "The request body is larger than the 25 MB that a push through the REST API may have.",
        )
    }

    /// The simulator itself failed (disk, libgit2): as the service says it, with what really happened.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "VssServiceException", format!("TF400898: An Internal Error Occurred. {what}"))
    }

    fn type_name(&self) -> String {
        let namespace = match self.type_key {
            key if key.starts_with("Git") => "Microsoft.TeamFoundation.Git.Server",
            key if key.starts_with("Subscription") || key.starts_with("EventType") => "Microsoft.VisualStudio.Services.ServiceHooks.Sdk",
            key if key.starts_with("Project") || key.starts_with("Team") => "Microsoft.TeamFoundation.Core.WebApi",
            key if key.starts_with("Argument") || key.starts_with("InvalidEnum") => {
                return format!("System.{}, mscorlib", self.type_key);
            }
            key if key.starts_with("Build") || key.starts_with("Definition") || key.starts_with("AccessDenied") => {
                "Microsoft.TeamFoundation.Build.WebApi"
            }
            key if key.starts_with("Release") => "Microsoft.VisualStudio.Services.ReleaseManagement.Data.Exceptions",
            key if key.starts_with("WorkItem") => "Microsoft.TeamFoundation.WorkItemTracking.Server",
            key if key.starts_with("Comment") => "Microsoft.TeamFoundation.SourceControl.WebServer",
            _ => "Microsoft.VisualStudio.Services.Common",
        };
        format!("{namespace}.{}, {namespace}", self.type_key)
    }

    pub fn to_json(&self) -> Value {
        json!({
            "$id": "1",
            "innerException": null,
            "message": self.message,
            "typeName": self.type_name(),
            "typeKey": self.type_key,
            "errorCode": 0,
            "eventId": self.event_id,
        })
    }

    pub fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(bytes_of(&self.to_json())));
        *response.status_mut() = self.status;
        put(&mut response, CONTENT_TYPE, "application/json; charset=utf-8");
        response
    }
}
