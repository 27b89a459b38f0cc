//! Bodies as Azure DevOps posts them for a pull request, of a wanted size, each with its own notification.
//!
//! The text is built once; only the digits of the notification and of the event are written anew for each one, so that a load client
//! spends its time on sending.

use std::ops::Range;

use serde_json::json;

/// The size of a usual body.
pub const USUAL: usize = 4_700;

/// Notifications count from here: every one has as many digits.
pub const FIRST: i64 = 1_000_000_001;

const NOTIFICATION: &str = "1999999999";
const EVENT: &str = "c0ffee999999";

/// Which pull request of which project, told of by which subscription.
#[derive(Debug, Clone)]
pub struct About {
    pub project: String,
    pub repository: String,
    pub number: i64,
    /// Without `refs/heads/`.
    pub branch: String,
    pub subscription: String,
}

#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    notification: Range<usize>,
    event: Range<usize>,
}

impl Template {
    /// `git.pullrequest.updated` of an active pull request.
    pub fn updated(about: &About, size: usize) -> Self {
        let bare = body(about, "");
        let filler = "What it changes, and why, in words. ".repeat(size / 30);
        let wanted = size.saturating_sub(bare.len());
        Self::of(body(about, &filler[..wanted.min(filler.len())]))
    }

    fn of(bytes: Vec<u8>) -> Self {
        let find = |what: &str| {
            let at = bytes.windows(what.len()).position(|window| window == what.as_bytes()).expect("the template has its marks");
            at..at + what.len()
        };
        Self { notification: find(NOTIFICATION), event: find(EVENT), bytes }
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The body of a notification.
    pub fn body(&self, notification: i64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        self.write(notification, &mut bytes);
        bytes
    }

    /// Appends the body of a notification.
    pub fn write(&self, notification: i64, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&self.bytes);
        let digits = format!("{notification:010}");
        to[start + self.notification.start..start + self.notification.end].copy_from_slice(digits.as_bytes());
        let event = format!("c0{notification:010}");
        to[start + self.event.start..start + self.event.end].copy_from_slice(event.as_bytes());
    }
}

fn body(about: &About, filler: &str) -> Vec<u8> {
    let person = |n: u8, name: &str| {
        json!({
            "id": format!("7d1f0c55-2b1e-4f0a-9c3e-0000000000{n:02x}"), "displayName": name, "uniqueName": format!("{}@tidewatch.example", name.to_lowercase()),
            "url": format!("https://spsprodweu1.vssps.visualstudio.com/_apis/Identities/7d1f0c55-2b1e-4f0a-9c3e-0000000000{n:02x}"),
            "imageUrl": format!("https://dev.azure.com/tidewatch/_api/_common/identityImage?id=7d1f0c55-2b1e-4f0a-9c3e-0000000000{n:02x}"),
            "descriptor": format!("aad.{}", "Zm9vYmFy".repeat(5)),
        })
    };
    let reviewer = |n: u8, name: &str, vote: i8| {
        let mut row = person(n, name);
        row["vote"] = vote.into();
        row["hasDeclined"] = false.into();
        row["isFlagged"] = false.into();
        row
    };
    let commit = |n: u8| {
        let id = format!("{n:02x}").repeat(20);
        json!({ "commitId": id, "url": format!("https://dev.azure.com/tidewatch/_apis/git/repositories/{}/commits/{id}", about.repository) })
    };
    let value = json!({
        "subscriptionId": about.subscription,
        "notificationId": NOTIFICATION.parse::<i64>().expect("digits"),
        "id": format!("5f1d7c0e-9a4b-4c55-8d21-{EVENT}"),
        "eventType": "git.pullrequest.updated",
        "publisherId": "tfs",
        "message": null,
        "detailedMessage": null,
        "resource": {
            "repository": {
                "id": about.repository, "name": "tide-api", "defaultBranch": "refs/heads/main", "size": 48_213, "isDisabled": false,
                "url": format!("https://dev.azure.com/tidewatch/_apis/git/repositories/{}", about.repository),
                "remoteUrl": "https://tidewatch@dev.azure.com/tidewatch/Harbor/_git/tide-api",
                "project": {
                    "id": about.project, "name": "Harbor", "state": "wellFormed", "visibility": "private",
                    "url": format!("https://dev.azure.com/tidewatch/_apis/projects/{}", about.project), "lastUpdateTime": "0001-01-01T00:00:00",
                },
            },
            "pullRequestId": about.number, "codeReviewId": about.number, "status": "active", "createdBy": person(1, "Alice"),
            "creationDate": "2026-05-04T09:12:44.1834211Z", "title": "Warn of high tides", "description": format!("Warns. {filler}"),
            "sourceRefName": format!("refs/heads/{}", about.branch), "targetRefName": "refs/heads/main",
            "mergeStatus": "succeeded", "isDraft": false, "mergeId": "1c1b2a3d-0000-4000-8000-00000000beef",
            "lastMergeSourceCommit": commit(0x3a), "lastMergeTargetCommit": commit(0x4b), "lastMergeCommit": commit(0x5c),
            "reviewers": [reviewer(2, "Bob", 0), reviewer(3, "Carol", 5)],
            "url": format!("https://dev.azure.com/tidewatch/_apis/git/repositories/{}/pullRequests/{}", about.repository, about.number),
            "_links": {
                "web": { "href": format!("https://dev.azure.com/tidewatch/Harbor/_git/tide-api/pullrequest/{}", about.number) },
                "statuses": { "href": format!("https://dev.azure.com/tidewatch/_apis/git/repositories/{}/pullRequests/{}/statuses", about.repository, about.number) },
            },
            "supportsIterations": true, "artifactId": format!("vstfs:///Git/PullRequestId/{}%2f{}%2f{}", about.project, about.repository, about.number),
        },
        "resourceVersion": "1.0",
        "resourceContainers": {
            "collection": { "id": "c12d0eb8-e382-443b-9f9c-c52cba5014c2", "baseUrl": "https://dev.azure.com/tidewatch/" },
            "account": { "id": "f844ec47-a9db-4511-8281-8b63f4eaf94e", "baseUrl": "https://dev.azure.com/tidewatch/" },
            "project": { "id": about.project, "baseUrl": "https://dev.azure.com/tidewatch/" },
        },
        "createdDate": "2026-05-04T09:13:02.5561817Z",
    });
    serde_json::to_vec(&value).expect("a value becomes text")
}

#[test]
fn a_body_has_the_wanted_size_and_its_own_notification() {
    let guid = |n: u8| format!("00000000-0000-4000-8000-0000000000{n:02x}");
    let about = About { project: guid(1), repository: guid(2), number: 7, branch: "feature/KAN-1".to_owned(), subscription: guid(3) };
    let template = Template::updated(&about, USUAL);
    assert_eq!(template.len(), USUAL);
    let [first, second] =
        [FIRST, FIRST + 1].map(|notification| serde_json::from_slice::<serde_json::Value>(&template.body(notification)).unwrap());
    assert_eq!((first["notificationId"].as_i64(), second["notificationId"].as_i64()), (Some(FIRST), Some(FIRST + 1)));
    assert_ne!(first["id"], second["id"]);
    assert_eq!(first["resource"], second["resource"]);
}
