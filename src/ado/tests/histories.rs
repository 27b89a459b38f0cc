//! The past of pull requests and branches: pages of lists, details, threads, commits, pushes.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::server::{ADA, REPOSITORY, Reply, Scene, project, repository};
use crate::ado::{PullRequestQuery, StatusFilter, history};
use crate::domain::fact::ChangeCounts;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::pull_request::Vote;
use crate::metrics::input::What;

const BOB: &str = "5e0a7c11-0000-4000-8000-0000000000c2";
const SERVICE: &str = "5e0a7c11-0000-4000-8000-0000000000c9";
const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn pull_request(number: i64) -> Value {
    json!({"pullRequestId": number, "repository": {"id": REPOSITORY, "name": "api"}, "status": "completed", "title": "t",
        "creationDate": "2026-02-01T00:00:00Z", "closedDate": "2026-02-20T00:00:00Z"})
}

#[tokio::test]
async fn a_page_of_pull_requests_is_one_request_and_says_where_the_next_begins() {
    let scene = Scene::new().await;
    let rows = |from: i64, count: i64| Reply::list((from..from + count).map(pull_request).collect());
    scene.on("GET", "/pullrequests", [rows(1, 3), rows(4, 2), rows(6, 101), rows(1, 0)]);
    let query = PullRequestQuery { status: StatusFilter::All, closed_since: Some(at("2026-02-10T00:00:00Z")), ..Default::default() };
    let c = &scene.client;
    let first = c.pull_request_page(&project(), &query, 0, 3).await.unwrap();
    assert_eq!((first.rows.len(), first.received, first.next_skip()), (3, 3, Some(3)));
    let second = c.pull_request_page(&project(), &query, 3, 3).await.unwrap();
    assert_eq!((second.rows.len(), second.next), (2, None), "a short page is the last");
    let cut = c.pull_request_page(&project(), &query, 0, 5000).await.unwrap();
    assert_eq!(cut.next_skip(), Some(101), "a page that ends where services cut may have a follower");
    assert_eq!(c.pull_request_page(&project(), &query, 101, 1000).await.unwrap().next, None);
    let asked: Vec<_> = scene.find("GET", "/pullrequests").into_iter().map(|s| s.target.replace("%3A", ":")).collect();
    let head = "searchCriteria.status=all&searchCriteria.minTime=2026-02-10T00:00:00Z&searchCriteria.queryTimeRangeType=closed";
    assert!(asked[1].ends_with(&format!("{head}&$top=3&$skip=3&api-version=7.1")), "{}", asked[1]);
    assert!(asked[2].contains("$top=1000"), "the service gives no more: {}", asked[2]);
}

#[tokio::test]
async fn a_server_that_cannot_filter_by_closing_time_sends_everything_and_it_is_filtered_here() {
    let scene = Scene::bare().await;
    scene.on("OPTIONS", "/_apis", [super::server::catalogue("7.0")]);
    let mut old = pull_request(1);
    old["closedDate"] = json!("2026-01-01T00:00:00Z");
    scene.on("GET", "/pullrequests", [Reply::list(json!([old, pull_request(2)]))]);
    let query = PullRequestQuery { status: StatusFilter::All, closed_since: Some(at("2026-02-10T00:00:00Z")), ..Default::default() };
    let page = scene.client.pull_request_page(&project(), &query, 0, 2).await.unwrap();
    assert_eq!((page.rows.len(), page.received, page.next_skip()), (1, 2, Some(2)), "skipping counts what the server sent");
}

#[tokio::test]
async fn one_call_tells_a_pull_request_with_its_commits_and_work_items() {
    let scene = Scene::new().await;
    let mut answer = pull_request(12);
    answer["description"] = json!("x".repeat(3000));
    answer["commits"] = json!([
        {"commitId": SHA, "author": {"name": "Ada", "email": "a@x", "date": "2026-02-02T10:00:00Z"}, "comment": "second"},
        {"commitId": "2".repeat(40), "author": {"date": "2026-01-30T10:00:00Z"}},
        {"comment": "no id"},
    ]);
    answer["workItemRefs"] = json!([{"id": "34", "url": "x"}, {"id": 5}, {"id": "34"}, {"id": "x"}, {"id": null}]);
    scene.on("GET", "/pullrequests/12?", [answer.clone()].map(Reply::ok));
    let detail = scene.client.pull_request_detail(repository(), 12).await.unwrap();
    assert_eq!((detail.pull_request.number, detail.pull_request.description.len()), (12, 3000));
    assert_eq!(
        detail.commits.iter().map(|c| c.authored_at).collect::<Vec<_>>(),
        [Some(at("2026-02-02T10:00:00Z")), Some(at("2026-01-30T10:00:00Z"))]
    );
    assert_eq!(detail.work_items, [5, 34]);
    assert!(scene.find("GET", "/pullrequests/12")[0].target.contains("?includeCommits=true&includeWorkItemRefs=true&"));
    scene.on("GET", "/pullrequests/12?", [Reply::ok(pull_request(12))]);
    let bare = scene.client.pull_request_detail(repository(), 12).await.unwrap();
    assert_eq!((bare.commits.len(), bare.work_items.len()), (0, 0));
}

#[tokio::test]
async fn commits_come_with_how_many_files_they_changed() {
    let scene = Scene::new().await;
    let rows = json!([
        {"commitId": SHA, "comment": "long ...", "commentTruncated": true, "changeCounts": {"Add": 2, "Edit": 3, "Delete": 1}},
        {"commitId": SHA, "changeCounts": {"add": 1, "edit, rename": 4, "rename": 2, "Delete, SourceRename": 1, "Edit": "5", "None": 9}},
        {"commitId": SHA},
        {"commitId": SHA, "changeCounts": {}},
    ]);
    scene.on("GET", "/commits?", [Reply::list(rows), Reply::error(404, "GitUnresolvableToCommitException", "TF401175:The version")]);
    let page = scene.client.commits_page(repository(), at("2026-02-01T00:00:00Z"), 0, 1000).await.unwrap();
    let counts = |added, edited, deleted| Some(ChangeCounts { added, edited, deleted });
    assert_eq!(page.rows.iter().map(|c| c.changes).collect::<Vec<_>>(), [counts(2, 3, 1), counts(1, 11, 1), None, counts(0, 0, 0)]);
    assert_eq!((page.rows[0].is_cut, page.rows[1].is_cut, page.next), (true, false, None));
    let empty = scene.client.commits_page(repository(), at("2026-02-01T00:00:00Z"), 1000, 1000).await.unwrap();
    assert_eq!((empty.rows.len(), empty.next), (0, None), "an empty repository has none");
    let asked = scene.find("GET", "/commits?")[1].target.replace("%3A", ":");
    let wanted = "?searchCriteria.fromDate=2026-02-01T00:00:00Z&searchCriteria.$top=1000&searchCriteria.$skip=1000&api-version=7.1";
    assert!(asked.ends_with(wanted), "{asked}");
}

#[tokio::test]
async fn changed_files_are_counted_without_folders_and_the_old_names_of_renamed_ones() {
    let scene = Scene::new().await;
    let row = |path: &str, kind: &str| json!({"item": {"path": path, "gitObjectType": "blob"}, "changeType": kind});
    let folder = json!({"item": {"path": "/src", "gitObjectType": "tree", "isFolder": true}, "changeType": "edit"});
    let first = json!([folder, row("/src/a.rs", "edit"), row("/src/b.rs", "edit, rename"), row("/src/c.rs", "delete, sourceRename")]);
    let second =
        json!([{"item": {"path": "/d", "isFolder": true}}, {"item": {"path": "/e.rs"}, "changeType": "add"}, {"changeType": "add"}]);
    let page = |rows: Value| Reply::ok(json!({"changeCounts": {"Add": 24, "Edit": 6}, "changes": rows}));
    let last = Reply::ok(json!({"allChangesIncluded": true, "changes": [row("/x", "add")]}));
    scene.on("GET", "/diffs/commits?", [page(first), page(second), page(json!([])), last]);
    let (target, source) = (ObjectId::new("1".repeat(40)), ObjectId::new("2".repeat(40)));
    let count = async || scene.client.changed_files(repository(), &target, &source).await.unwrap();
    assert_eq!((count().await, count().await), (3, 1));
    let asked: Vec<_> = scene.find("GET", "/diffs/commits?").into_iter().map(|s| s.target).collect();
    assert_eq!(asked.len(), 4, "until a page is empty, or says that it is all");
    let versions = format!("?baseVersion={target}&baseVersionType=commit&targetVersion={source}&targetVersionType=commit");
    assert!(asked[0].contains(&format!("{versions}&diffCommonCommit=true&$top=2000&api-version")), "{}", asked[0]);
    assert!(asked[2].contains("&$skip=7&"), "{}", asked[2]);
}

#[tokio::test]
async fn pushes_are_read_for_the_branch_that_was_asked_about() {
    let scene = Scene::new().await;
    let update = |name: &str, old: &str, new: &str| json!({"repositoryId": "r", "name": name, "oldObjectId": old.repeat(40), "newObjectId": new.repeat(40)});
    let rows = json!([
        {"pushId": 83, "date": "2026-02-03T10:00:00.9579947Z", "pushedBy": {"id": BOB, "displayName": "Bob"},
         "refUpdates": [update("refs/heads/other", "1", "2"), update("refs/heads/main", "3", "4")]},
        {"pushId": 82, "date": "2026-02-02T10:00:00Z", "pushedBy": null, "refUpdates": [update("refs/heads/main", "0", "3")]},
        {"pushId": 81, "date": "2026-02-02T10:00:00Z", "refUpdates": [update("refs/heads/main-2", "0", "3")]},
        {"pushId": 80, "date": null, "refUpdates": [update("refs/heads/main", "0", "3")]},
        {"pushId": 79, "date": "2026-02-02T10:00:00Z", "refUpdates": null},
    ]);
    scene.on("GET", "/pushes?", [Reply::list(rows)]);
    let page = scene.client.pushes_page(repository(), "main", at("2026-02-01T00:00:00Z"), 0, 1000).await.unwrap();
    assert_eq!((page.received, page.next), (5, None));
    let told: Vec<_> = page.rows.iter().map(|p| (p.number, p.branch.as_str(), p.old.short(), p.new.short())).collect();
    assert_eq!(told, [(83, "main", "33333333", "44444444"), (82, "main", "00000000", "33333333")]);
    assert_eq!((page.rows[0].pusher.as_ref().unwrap().id.as_str(), &page.rows[1].pusher), (BOB, &None));
    let asked = scene.find("GET", "/pushes?")[0].target.replace("%3A", ":");
    assert!(asked.contains("searchCriteria.refName=refs%2Fheads%2Fmain&searchCriteria.includeRefUpdates=true&$top=1000"), "{asked}");
}

/// A thread of the service itself: a group is its author, who did it stands in the properties.
fn event(minute: u32, kind: &str, properties: Value, identities: Value) -> Value {
    let time = format!("2026-02-01T10:{minute:02}:00.1234567Z");
    let wrap = |value: &Value| json!({"$type": if value.is_string() { "System.String" } else { "System.Int32" }, "$value": value});
    let mut bag: serde_json::Map<String, Value> = properties.as_object().unwrap().iter().map(|(k, v)| (k.clone(), wrap(v))).collect();
    bag.insert("CodeReviewThreadType".to_owned(), wrap(&json!(kind)));
    json!({
        "id": minute, "publishedDate": time, "lastUpdatedDate": time, "isDeleted": false, "threadContext": null, "properties": bag,
        "identities": identities,
        "comments": [{"id": 1, "parentCommentId": 0, "commentType": "system", "publishedDate": time, "content": "something happened",
            "author": {"id": SERVICE, "displayName": "[Lumen]\\Service Accounts", "isContainer": true}}]
    })
}

fn person(id: &str, name: &str) -> Value {
    json!({"id": id, "displayName": name, "uniqueName": format!("{}@lumen.example", name.to_lowercase())})
}

fn words(minute: u32, id: i64, who: &Value, deleted: bool) -> Value {
    json!({"id": id, "parentCommentId": 0, "commentType": "text", "content": "secret words", "isDeleted": deleted, "author": who,
        "publishedDate": format!("2026-02-01T10:{minute:02}:30Z")})
}

#[tokio::test]
async fn what_happened_is_read_from_threads_with_who_did_it_and_when() {
    let scene = Scene::new().await;
    let (ada, bob) = (person(ADA, "Ada"), person(BOB, "Bob"));
    let both = json!({"1": ada, "2": bob});
    let rows = json!([
        {"id": 90, "status": "active", "publishedDate": "2026-02-01T10:03:30Z", "properties": {}, "identities": null,
         "comments": [words(3, 1, &bob, false), words(4, 2, &ada, false), words(5, 3, &bob, true)]},
        {"id": 91, "status": "fixed", "comments": [words(6, 1, &bob, false)]},
        {"id": 92, "status": "active", "isDeleted": true, "comments": [words(7, 1, &bob, false)]},
        event(10, "VoteUpdate", json!({"CodeReviewVoteResult": "10", "CodeReviewVotedByIdentity": "2"}), both.clone()),
        event(8, "VoteUpdate", json!({"CodeReviewVoteResult": "-5", "CodeReviewVotedByIdentity": "2"}), both.clone()),
        event(1, "IsDraftUpdate", json!({"CodeReviewIsDraft": "True", "CodeReviewIsDraftUpdatedByIdentity": "1"}), json!({"1": ada})),
        event(2, "IsDraftUpdate", json!({"CodeReviewIsDraft": "False", "CodeReviewIsDraftUpdatedByIdentity": "1"}), json!({"1": ada})),
        event(9, "RefUpdate", json!({"CodeReviewRefNewCommits": SHA, "CodeReviewRefUpdatedByIdentity": "1"}), json!({"1": ada})),
        event(0, "ReviewersUpdate", json!({"CodeReviewReviewersUpdatedNumAdded": 1, "CodeReviewReviewersUpdatedByIdentity": "1",
            "CodeReviewReviewersUpdatedAddedIdentity": "2"}), both.clone()),
        event(11, "StatusUpdate", json!({"CodeReviewStatus": "Abandoned", "CodeReviewStatusUpdatedByIdentity": "1"}), json!({"1": ada})),
        event(12, "StatusUpdate", json!({"CodeReviewStatus": "Active", "CodeReviewStatusUpdatedByIdentity": "1"}), json!({"1": ada})),
        event(13, "StatusUpdate", json!({"CodeReviewStatus": "Completed", "CodeReviewStatusUpdatedByIdentity": "1"}), json!({"1": ada})),
        event(14, "MergeAttempt", json!({"CodeReviewMergeStatus": "Succeeded"}), Value::Null),
        event(15, "PolicyStatusUpdate", json!({"CodeReviewPolicyType": "x"}), Value::Null),
        event(16, "VoteUpdate", json!({"CodeReviewVotedByIdentity": "2"}), both),
        event(17, "StatusUpdate", json!({"CodeReviewStatus": "Frozen"}), Value::Null),
    ]);
    scene.on("GET", "/threads", [Reply::list(rows)]);
    let threads = scene.client.threads(repository(), 12).await.unwrap();
    let (happenings, actors) = history::happenings(&threads);
    let told: Vec<_> = happenings
        .iter()
        .map(|h| (h.at.to_string(), h.by.as_ref().map(|by| if by.as_str() == ADA { "ada" } else { "bob" }).unwrap_or("?"), h.what))
        .map(|(at, by, what)| (at[14..16].to_owned(), by, what))
        .collect();
    let expected = [
        ("00", "ada", What::ReviewersChanged),
        ("01", "ada", What::MadeDraft),
        ("02", "ada", What::Published),
        ("03", "bob", What::Comment { open: true }),
        ("04", "ada", What::Comment { open: true }),
        ("06", "bob", What::Comment { open: false }),
        ("08", "bob", What::Vote { vote: Vote::WaitingForAuthor }),
        ("09", "ada", What::Pushed),
        ("10", "bob", What::Vote { vote: Vote::Approved }),
        ("11", "ada", What::Abandoned),
        ("12", "ada", What::Reactivated),
        ("13", "ada", What::Completed),
    ];
    assert_eq!(told, expected.map(|(at, by, what)| (at.to_owned(), by, what)));
    assert_eq!(
        actors.iter().map(|a| (a.id.as_str(), a.unique_name.as_str(), a.is_group)).collect::<Vec<_>>(),
        [(ADA, "ada@lumen.example", false), (BOB, "bob@lumen.example", false)]
    );
    assert!(!format!("{happenings:?}{actors:?}").contains("secret words"));
}

#[tokio::test]
async fn older_servers_name_people_by_id_and_the_oldest_not_at_all() {
    let scene = Scene::new().await;
    let bare: String = BOB.replace('-', "").to_uppercase();
    let rows = json!([
        event(
            1,
            "VoteUpdate",
            json!({"CodeReviewVoteResult": "5", "CodeReviewVotedByTfId": BOB, "CodeReviewVotedByDisplayName": "Bob"}),
            Value::Null
        ),
        event(2, "RefUpdate", json!({"CodeReviewRefUpdatedByTfId": bare, "CodeReviewRefUpdatedBy": "bob@lumen.example"}), Value::Null),
        event(3, "RefUpdate", json!({"CodeReviewRefName": "refs/heads/x"}), Value::Null),
        event(
            4,
            "RefUpdate",
            json!({"CodeReviewRefUpdatedByTfId": "not an id", "CodeReviewRefUpdatedByIdentity": "7"}),
            json!({"1": person(ADA, "Ada")})
        ),
    ]);
    scene.on("GET", "/threads", [Reply::list(rows)]);
    let (happenings, actors) = history::happenings(&scene.client.threads(repository(), 12).await.unwrap());
    let by: Vec<_> = happenings.iter().map(|h| h.by.as_ref().unwrap().as_str()).collect();
    assert_eq!(by, [BOB, BOB, SERVICE, SERVICE]);
    assert_eq!(happenings[0].what, What::Vote { vote: Vote::ApprovedWithSuggestions });
    let bob = actors.iter().find(|a| a.id.as_str() == BOB).unwrap();
    assert_eq!((bob.name.as_str(), bob.is_group), ("Bob", false));
    assert!(actors.iter().find(|a| a.id.as_str() == SERVICE).unwrap().is_group);
    assert!(actors.iter().all(|a| a.id.as_str() != ADA), "who only is named in a thread did nothing");
}

#[tokio::test]
async fn threads_keep_the_marks_that_programs_left_in_them() {
    let scene = Scene::new().await;
    let thread = json!({"id": 5, "status": "active", "comments": [], "properties": {
        "kanado.mark": {"$type": "System.String", "$value": "quality"}, "n": {"$type": "System.Int32", "$value": 3}, "bare": "x", "odd": {"a": 1}, "no": null}});
    scene.on("GET", "/threads", [Reply::list(json!([thread]))]);
    let threads = scene.client.threads(repository(), 12).await.unwrap();
    let marks: Vec<_> = threads[0].properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(marks, [("bare", "x"), ("kanado.mark", "quality"), ("n", "3")]);
    assert_eq!(history::happenings(&threads), (vec![], vec![]));
}

#[tokio::test]
async fn a_comment_of_the_service_itself_never_counts() {
    let scene = Scene::new().await;
    let bob = person(BOB, "Bob");
    let mut notice = words(5, 1, &bob, false);
    notice["commentType"] = json!("system");
    let rows = json!([
        // In a thread of its own, beside a person's words, and under a property that nobody knows.
        {"id": 90, "status": "active", "publishedDate": "2026-02-01T10:05:30Z", "comments": [notice]},
        {"id": 91, "status": "active", "comments": [notice, words(6, 2, &bob, false)]},
        event(7, "SomethingNew", json!({}), json!({"2": bob})),
    ]);
    scene.on("GET", "/threads", [Reply::list(rows)]);
    let (happenings, _) = history::happenings(&scene.client.threads(repository(), 12).await.unwrap());
    let told: Vec<_> = happenings.iter().map(|h| (h.at.to_string()[14..16].to_owned(), h.what)).collect();
    assert_eq!(told, [("06".to_owned(), What::Comment { open: true })]);
}

#[tokio::test]
async fn threads_and_comments_that_were_deleted_are_ignored() {
    let scene = Scene::new().await;
    let bob = person(BOB, "Bob");
    let mut vote = event(8, "VoteUpdate", json!({"CodeReviewVoteResult": "10", "CodeReviewVotedByIdentity": "2"}), json!({"2": bob}));
    vote["isDeleted"] = json!(true);
    let rows = json!([
        {"id": 90, "status": "active", "isDeleted": true, "comments": [words(5, 1, &bob, false)]},
        {"id": 91, "status": "active", "isDeleted": false, "comments": [words(6, 1, &bob, true), words(7, 2, &bob, true)]},
        vote,
    ]);
    scene.on("GET", "/threads", [Reply::list(rows)]);
    assert_eq!(history::happenings(&scene.client.threads(repository(), 12).await.unwrap()), (vec![], vec![]));
}

#[tokio::test]
async fn auto_complete_is_neither_a_review_nor_an_approval() {
    let scene = Scene::new().await;
    let bob = person(BOB, "Bob");
    let by = json!({"CodeReviewAutoCompleteNowSet": "True", "CodeReviewAutoCompleteUpdatedByIdentity": "2"});
    let rows = json!([event(5, "AutoComplete", by, json!({"2": bob})), event(6, "MergeAttempt", json!({}), json!({"2": bob}))]);
    scene.on("GET", "/threads", [Reply::list(rows)]);
    assert_eq!(history::happenings(&scene.client.threads(repository(), 12).await.unwrap()), (vec![], vec![]));
}

#[tokio::test]
async fn votes_that_a_policy_took_back_are_heard() {
    let scene = Scene::new().await;
    let (ada, bob) = (person(ADA, "Ada"), person(BOB, "Bob"));
    let both = json!({"1": ada, "2": bob});
    let some = |voters: &str, count: &str| {
        json!({"CodeReviewResetMultipleVotesInitiatorIdentity": "1", "CodeReviewResetMultipleVotesNumVoters": count,
            "CodeReviewResetMultipleVotesExampleVoterIdentities": voters})
    };
    let rows = json!([
        event(10, "VoteUpdate", json!({"CodeReviewVoteResult": "10", "CodeReviewVotedByIdentity": "2"}), both.clone()),
        event(12, "ResetAllVotes", json!({"CodeReviewResetAllVotesInitiatorIdentity": "1"}), json!({"1": ada})),
        // All of them are named, or some of several, or nobody.
        event(14, "ResetMultipleVotes", some("[\"2\"]", "1"), both.clone()),
        event(16, "ResetMultipleVotes", some("[\"2\"]", "3"), both.clone()),
        event(18, "ResetMultipleVotes", json!({}), json!({})),
        event(
            20,
            "ResetMultipleVotes",
            json!({"CodeReviewResetMultipleVotesExampleVoterIds": format!("[\"{BOB}\"]"), "CodeReviewResetMultipleVotesNumVoters": 1}),
            Value::Null
        ),
    ]);
    scene.on("GET", "/threads", [Reply::list(rows)]);
    let threads = scene.client.threads(repository(), 12).await.unwrap();
    let (happenings, _) = history::happenings(&threads);
    let who = |by: &Guid| [(ADA, "ada"), (BOB, "bob"), (SERVICE, "service")].into_iter().find(|(id, _)| by.as_str() == *id).unwrap().1;
    let told: Vec<_> =
        happenings.iter().map(|one| (one.at.to_string()[14..16].to_owned(), one.by.as_ref().map(who).unwrap_or("?"), one.what)).collect();
    let expected = [
        ("10", "bob", What::Vote { vote: Vote::Approved }),
        ("12", "ada", What::VotesReset),
        ("14", "bob", What::Vote { vote: Vote::None }),
        ("16", "ada", What::VotesReset),
        ("18", "service", What::VotesReset),
        ("20", "bob", What::Vote { vote: Vote::None }),
    ];
    assert_eq!(told, expected.map(|(at, by, what)| (at.to_owned(), by, what)));
}
