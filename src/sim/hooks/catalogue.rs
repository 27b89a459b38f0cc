//! What can be subscribed to: publishers, their event types with filters and versions, and the one consumer there is.
//!
//! The texts are the simulator's own. Limits: of the many consumers of the service only `webHooks` is here, and no event
//! type of version control other than git.
use serde_json::{Map, Value, json};

use crate::sim::site::Site;

/// One filter of an event type, or a setting of the consumer.
#[derive(Debug)]
pub struct Input {
    pub id: &'static str,
    pub name: &'static str,
    pub kind: Kind,
}

/// How an input is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything.
    Text,
    Guid,
    /// A choice that depends on what the organisation has.
    Choice,
    /// One of these, or nothing.
    OneOf(&'static [&'static str]),
}

#[derive(Debug)]
pub struct EventType {
    pub publisher: &'static str,
    pub id: &'static str,
    pub name: &'static str,
    /// Newest released one first.
    pub versions: &'static [&'static str],
    pub inputs: &'static [Input],
}

const fn input(id: &'static str, name: &'static str, kind: Kind) -> Input {
    Input { id, name, kind }
}

const REPOSITORY: Input = input("repository", "Repository", Kind::Choice);
const BRANCH: Input = input("branch", "Target branch", Kind::Choice);
const AUTHOR: Input = input("pullrequestCreatedBy", "Requested by a member of group", Kind::Choice);
const REVIEWER: Input = input("pullrequestReviewersContains", "Reviewer includes group", Kind::Choice);
const PIPELINE: Input = input("pipelineId", "Pipeline", Kind::Choice);
const AREA: Input = input("areaPath", "Area path", Kind::Choice);
const ITEM_TYPE: Input = input("workItemType", "Work item type", Kind::Choice);
const TAG: Input = input("tag", "Tag", Kind::Text);
const LINKS: Input = input("linksChanged", "Links are added or removed", Kind::OneOf(&["true", "false"]));
const RELEASE: Input = input("releaseDefinitionId", "Release pipeline name", Kind::Choice);
const STAGE: Input = input("releaseEnvironmentId", "Stage name", Kind::Choice);

/// What an update of a pull request can be about; empty is any.
pub const NOTIFICATION_TYPES: &[&str] =
    &["PushNotification", "ReviewersUpdateNotification", "StatusUpdateNotification", "ReviewerVoteNotification"];

const MERGE_RESULTS: &[&str] = &["Succeeded", "Unsuccessful", "Conflicts", "Failure", "RejectedByPolicy"];
const ONE: &[&str] = &["1.0", "1.0-preview.1"];
const TWO: &[&str] = &["2.0", "1.0"];
const EARLY: &[&str] = &["1.0-preview.1"];
const ITEM: &[&str] = &["1.0", "1.0-preview.1", "2.0-preview.1", "3.0-preview.1", "3.1-preview.3", "5.1-preview.3"];
const PIPELINES: &[&str] = &["5.1-preview.1"];
const RELEASES: &[&str] = &["3.0-preview.1"];
const RUN_STATES: &[&str] = &["InProgress", "Canceling", "Completed"];
const STAGE_STATES: &[&str] = &["NotStarted", "Waiting", "Running", "Completed"];
const JOB_STATES: &[&str] = &["Waiting", "Running", "Completed"];
const RESULTS: &[&str] = &["Canceled", "Failed", "Rejected", "Skipped", "Succeeded", "SucceededWithIssues"];

const fn event(
    publisher: &'static str,
    id: &'static str,
    name: &'static str,
    versions: &'static [&'static str],
    inputs: &'static [Input],
) -> EventType {
    EventType { publisher, id, name, versions, inputs }
}

pub const COMMENT: &str = "ms.vss-code.git-pullrequest-comment-event";

pub static EVENT_TYPES: &[EventType] = &[
    event("tfs", "git.push", "Code pushed", ONE, &[REPOSITORY, BRANCH, input("pushedBy", "Pushed by a member of group", Kind::Choice)]),
    event("tfs", "git.pullrequest.created", "Pull request created", ONE, &[REPOSITORY, BRANCH, AUTHOR, REVIEWER]),
    event(
        "tfs",
        "git.pullrequest.updated",
        "Pull request updated",
        ONE,
        &[input("notificationType", "Change", Kind::OneOf(NOTIFICATION_TYPES)), REPOSITORY, BRANCH, AUTHOR, REVIEWER],
    ),
    event(
        "tfs",
        "git.pullrequest.merged",
        "Pull request merge attempted",
        ONE,
        &[REPOSITORY, BRANCH, AUTHOR, REVIEWER, input("mergeResult", "Merge result", Kind::OneOf(MERGE_RESULTS))],
    ),
    event("tfs", COMMENT, "Pull request commented on", TWO, &[REPOSITORY, BRANCH]),
    event("tfs", "git.repo.created", "Repository created", EARLY, &[]),
    event("tfs", "git.repo.deleted", "Repository deleted", EARLY, &[REPOSITORY]),
    event("tfs", "git.repo.forked", "Repository forked", EARLY, &[REPOSITORY]),
    event("tfs", "git.repo.renamed", "Repository renamed", EARLY, &[REPOSITORY]),
    event("tfs", "git.repo.statuschanged", "Repository status changed", EARLY, &[REPOSITORY]),
    event(
        "tfs",
        "build.complete",
        "Build completed",
        TWO,
        &[
            input("definitionName", "Build pipeline", Kind::Choice),
            input("buildStatus", "Build status", Kind::OneOf(&["Succeeded", "PartiallySucceeded", "Failed", "Stopped"])),
        ],
    ),
    event("tfs", "workitem.created", "Work item created", ITEM, &[AREA, ITEM_TYPE, TAG, LINKS]),
    event("tfs", "workitem.deleted", "Work item deleted", ITEM, &[AREA, ITEM_TYPE, TAG]),
    event("tfs", "workitem.restored", "Work item restored", ITEM, &[AREA, ITEM_TYPE, TAG]),
    event(
        "tfs",
        "workitem.updated",
        "Work item updated",
        ITEM,
        &[AREA, ITEM_TYPE, TAG, LINKS, input("changedFields", "Field", Kind::Choice)],
    ),
    event(
        "tfs",
        "workitem.commented",
        "Work item commented on",
        ITEM,
        &[AREA, ITEM_TYPE, TAG, input("commentPattern", "Contains string", Kind::Text)],
    ),
    event(
        "pipelines",
        "ms.vss-pipelines.run-state-changed-event",
        "Run state changed",
        PIPELINES,
        &[
            PIPELINE,
            input("runStateId", "State", Kind::OneOf(RUN_STATES)),
            input("runResultId", "Result", Kind::OneOf(&["Canceled", "Failed", "Succeeded"])),
        ],
    ),
    event(
        "pipelines",
        "ms.vss-pipelines.stage-state-changed-event",
        "Run stage state changed",
        PIPELINES,
        &[
            PIPELINE,
            input("stageNameId", "Stage", Kind::Choice),
            input("stageStateId", "State", Kind::OneOf(STAGE_STATES)),
            input("stageResultId", "Result", Kind::OneOf(RESULTS)),
        ],
    ),
    event(
        "pipelines",
        "ms.vss-pipelines.job-state-changed-event",
        "Run job state changed",
        PIPELINES,
        &[
            PIPELINE,
            input("jobNameId", "Job", Kind::Choice),
            input("jobStateId", "State", Kind::OneOf(JOB_STATES)),
            input("jobResultId", "Result", Kind::OneOf(RESULTS)),
        ],
    ),
    event(
        "pipelines",
        "ms.vss-pipelinechecks-events.approval-pending",
        "Run stage waiting for approval",
        PIPELINES,
        &[PIPELINE, input("stageName", "Stage", Kind::Choice), input("environmentName", "Environment", Kind::Choice)],
    ),
    event(
        "pipelines",
        "ms.vss-pipelinechecks-events.approval-completed",
        "Run stage approval completed",
        PIPELINES,
        &[PIPELINE, input("stageName", "Stage", Kind::Choice), input("environmentName", "Environment", Kind::Choice)],
    ),
    event("rm", "ms.vss-release.release-created-event", "Release created", RELEASES, &[RELEASE]),
    event("rm", "ms.vss-release.release-abandoned-event", "Release abandoned", RELEASES, &[RELEASE]),
    event("rm", "ms.vss-release.deployment-started-event", "Release deployment started", RELEASES, &[RELEASE, STAGE]),
    event(
        "rm",
        "ms.vss-release.deployment-completed-event",
        "Release deployment completed",
        RELEASES,
        &[RELEASE, STAGE, input("releaseEnvironmentStatus", "Status", Kind::OneOf(&["4", "8", "16", "128"]))],
    ),
    event(
        "rm",
        "ms.vss-release.deployment-approval-pending-event",
        "Release deployment approval pending",
        RELEASES,
        &[RELEASE, STAGE, input("releaseApprovalType", "Approval type", Kind::OneOf(&["1", "2"]))],
    ),
    event(
        "rm",
        "ms.vss-release.deployment-approval-completed-event",
        "Release deployment approval completed",
        RELEASES,
        &[
            RELEASE,
            STAGE,
            input("releaseApprovalType", "Approval type", Kind::OneOf(&["1", "2"])),
            input("releaseApprovalStatus", "Approval status", Kind::OneOf(&["2", "4"])),
        ],
    ),
];

/// `(id, name, description)`.
pub const PUBLISHERS: [(&str, &str, &str); 3] = [
    ("tfs", "Azure Repos, Boards and Build", "Publishes events about code, work items and builds."),
    ("pipelines", "Azure Pipelines", "Publishes events about runs of YAML pipelines."),
    ("rm", "Release Management", "Publishes events about classic releases."),
];

pub const CONSUMER: &str = "webHooks";
pub const ACTION: &str = "httpRequest";

/// What stands for a confidential input in every answer.
pub const MASK: &str = "********";

/// The settings of the action; the password is the only confidential one.
pub const PASSWORD: &str = "basicAuthPassword";

pub const CONSUMER_INPUTS: [(&str, &str); 8] = [
    ("url", "URL"),
    ("acceptUntrustedCerts", "Accept untrusted SSL certificates"),
    ("basicAuthUsername", "Basic authentication username"),
    (PASSWORD, "Basic authentication password"),
    ("httpHeaders", "HTTP headers"),
    ("resourceDetailsToSend", "Resource details to send"),
    ("messagesToSend", "Messages to send"),
    ("detailedMessagesToSend", "Detailed messages to send"),
];

pub fn event_type(publisher: &str, id: &str) -> Option<&'static EventType> {
    EVENT_TYPES.iter().find(|known| known.publisher.eq_ignore_ascii_case(publisher) && known.id.eq_ignore_ascii_case(id))
}

/// Event types by id alone, whoever publishes them.
pub fn event_type_named(id: &str) -> Option<&'static EventType> {
    EVENT_TYPES.iter().find(|known| known.id.eq_ignore_ascii_case(id))
}

impl EventType {
    pub fn to_json(&self, base: &str) -> Value {
        json!({
            "publisherId": self.publisher,
            "id": self.id,
            "url": format!("{base}/hooks/publishers/{}/eventTypes/{}", self.publisher, self.id),
            "name": self.name,
            "description": format!("{}.", self.name),
            "supportedResourceVersions": self.versions.iter().copied().chain(["latest"]).collect::<Vec<_>>(),
            "inputDescriptors": self.inputs.iter().map(Input::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Input {
    fn to_json(&self) -> Value {
        let (mode, data) = match self.kind {
            Kind::Text => ("textBox", "string"),
            Kind::Guid => ("combo", "guid"),
            Kind::Choice | Kind::OneOf(_) => ("combo", "string"),
        };
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(self.id));
        map.insert("name".to_owned(), json!(self.name));
        map.insert("description".to_owned(), json!(format!("Filter events by: {}.", self.name)));
        map.insert("inputMode".to_owned(), json!(mode));
        map.insert("isConfidential".to_owned(), json!(false));
        map.insert("useInDefaultDescription".to_owned(), json!(self.id == "repository"));
        map.insert("groupName".to_owned(), Value::Null);
        map.insert("validation".to_owned(), json!({ "dataType": data }));
        if self.kind != Kind::Text {
            map.insert("values".to_owned(), self.values());
        }
        map.insert("hasDynamicValueInformation".to_owned(), json!(matches!(self.kind, Kind::Choice | Kind::Guid)));
        Value::Object(map)
    }

    /// What can be chosen without looking at the organisation.
    pub fn values(&self) -> Value {
        let words: &[&str] = match self.kind {
            Kind::OneOf(words) => words,
            _ => &[],
        };
        let any = json!({ "value": "", "displayValue": "[Any]" });
        let rows: Vec<Value> =
            std::iter::once(any).chain(words.iter().map(|word| json!({ "value": word, "displayValue": word }))).collect();
        json!({
            "inputId": self.id, "defaultValue": "", "possibleValues": rows, "isLimitedToPossibleValues": true, "isDisabled": false,
            "isReadOnly": false,
        })
    }
}

/// The project: every publisher asks for it.
const PROJECT: Input = input("projectId", "Project", Kind::Guid);

/// `base` is `.../_apis`.
pub fn publisher(id: &str, base: &str) -> Option<Value> {
    let (id, name, description) = PUBLISHERS.into_iter().find(|(known, _, _)| known.eq_ignore_ascii_case(id))?;
    let events: Vec<Value> = EVENT_TYPES.iter().filter(|event| event.publisher == id).map(|event| event.to_json(base)).collect();
    Some(json!({
        "id": id,
        "url": format!("{base}/hooks/publishers/{id}"),
        "name": name,
        "description": description,
        "supportedEvents": events,
        "inputDescriptors": [PROJECT.to_json()],
        "_links": { "self": { "href": format!("{base}/hooks/publishers/{id}") } },
    }))
}

/// The action `httpRequest`.
pub fn action(base: &str) -> Value {
    let descriptors: Vec<Value> = CONSUMER_INPUTS
        .iter()
        .map(|(id, name)| {
            let (mode, validation) = match *id {
                "url" => ("textBox", json!({ "dataType": "uri", "isRequired": true, "maxLength": 2048 })),
                "basicAuthUsername" => {
                    ("textBox", json!({ "dataType": "string", "pattern": r"^[\S]+$", "minLength": 1, "maxLength": 256 }))
                }
                PASSWORD => ("passwordBox", json!({ "dataType": "string", "pattern": r"^[\S]+$", "minLength": 1, "maxLength": 256 })),
                "httpHeaders" => ("textArea", json!({ "dataType": "string", "maxLength": 1024 })),
                "acceptUntrustedCerts" => ("checkBox", json!({ "dataType": "boolean" })),
                _ => ("combo", json!({ "dataType": "string" })),
            };
            json!({
                "id": id, "name": name, "description": format!("{name}."), "inputMode": mode, "isConfidential": *id == PASSWORD,
                "useInDefaultDescription": *id == "url", "groupName": null, "validation": validation, "hasDynamicValueInformation": false,
            })
        })
        .collect();
    let here = format!("{base}/hooks/consumers/{CONSUMER}/actions/{ACTION}");
    json!({
        "id": ACTION,
        "consumerId": CONSUMER,
        "url": here,
        "name": "Post via HTTP",
        "description": "Posts a JSON object representation of the event to the specified URL.",
        "supportedEventTypes": ["*"],
        "supportedResourceVersions": {},
        "inputDescriptors": descriptors,
        "allowResourceVersionOverride": true,
        "_links": { "self": { "href": here } },
    })
}

pub fn consumer(base: &str) -> Value {
    let here = format!("{base}/hooks/consumers/{CONSUMER}");
    json!({
        "id": CONSUMER,
        "url": here,
        "name": "Web Hooks",
        "description": "Provides event communication via HTTP.",
        "imageUrl": null,
        "informationUrl": null,
        "authenticationType": "none",
        "inputDescriptors": [],
        "actions": [action(base)],
        "_links": { "self": { "href": here } },
    })
}

/// Which services of the organisation a request reached: release management has a host of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// `dev.azure.com`.
    Main,
    /// `vsrm.dev.azure.com`.
    Release,
    /// A Server: all in one place.
    Whole,
}

impl Face {
    pub fn publishes(self, publisher: &str) -> bool {
        let is_release = publisher.eq_ignore_ascii_case("rm");
        match self {
            Face::Main => !is_release,
            Face::Release => is_release,
            Face::Whole => true,
        }
    }

    /// `.../_apis` of the face.
    pub fn base(self, site: &Site) -> String {
        match self {
            Face::Release => format!("{}/_apis", site.release_url()),
            Face::Main | Face::Whole => format!("{}/_apis", site.organisation_url()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_type_has_a_publisher_and_a_version() {
        for event in EVENT_TYPES {
            assert!(PUBLISHERS.iter().any(|(id, _, _)| *id == event.publisher), "{}", event.id);
            assert!(!event.versions.is_empty());
            assert!(std::ptr::eq(event_type_named(event.id).unwrap(), event));
        }
    }

    #[test]
    fn only_the_password_is_confidential() {
        let action = action("x");
        let confidential: Vec<_> = action["inputDescriptors"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["isConfidential"] == true)
            .map(|row| row["id"].as_str().unwrap())
            .collect();
        assert_eq!(confidential, [PASSWORD]);
    }
}
