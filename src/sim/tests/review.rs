//! Reviewers, votes, threads, comments, statuses, policies.
use super::*;
use crate::sim::control::Votes;

async fn opened(stage: &Stage, branch: &str) -> String {
    let repository = Stage::repository(OPS.0, OPS.1);
    let id = stage.open_pull_request(&repository, branch).await;
    format!("{repository}/pullRequests/{id}")
}

#[tokio::test]
async fn one_votes_for_oneself_and_the_vote_is_dated_in_a_thread() {
    let stage = Stage::new().await;
    let pr = opened(&stage, "voted").await;
    let (alice, bob) = (stage.person("alice").await, stage.person("bob").await);
    let added = stage.post(&format!("{pr}/reviewers"), json!([{"id": bob}])).await.expect(200);
    assert_eq!((&added["count"], &added["value"][0]["vote"]), (&json!(1), &json!(0)));
    assert!(added["value"][0].get("descriptor").is_none());
    let again = stage.post(&format!("{pr}/reviewers"), json!([{"id": bob}])).await.expect(200);
    assert_eq!(again["count"], 1);
    let path = format!("{pr}/reviewers/{bob}");
    stage.put(&path, json!({"id": bob, "vote": 10})).await.refused(403, "GitNeedsPermissionException");
    let voted = stage.as_user("bob-token", Method::PUT, &path, json!({"id": bob, "vote": 10})).await.expect(200);
    assert_eq!(voted["vote"], 10);
    stage.as_user("bob-token", Method::PUT, &path, json!({"id": bob, "vote": 3})).await.refused(400, "InvalidEnumArgumentException");
    assert_eq!(stage.put(&format!("{pr}/reviewers/bob@lumen.example"), json!({"vote": 5})).await.status, 400);
    let threads = stage.get(&format!("{pr}/threads")).await.expect(200);
    let vote =
        threads["value"].as_array().unwrap().iter().find(|thread| thread["properties"]["CodeReviewThreadType"]["$value"] == "VoteUpdate");
    let vote = vote.unwrap();
    assert_eq!(vote["properties"]["CodeReviewVoteResult"]["$value"], "10");
    assert_eq!(vote["identities"]["1"]["id"], bob.as_str());
    assert_eq!(vote["comments"][0]["commentType"], "system");
    assert!(vote.get("status").is_none());
    let mine = stage.put(&format!("{pr}/reviewers/{alice}"), json!({"id": alice, "vote": -5, "isRequired": true})).await.expect(200);
    assert_eq!((&mine["vote"], &mine["isRequired"]), (&json!(-5), &json!(true)));
    let flagged = stage.patch(&path, json!({"isFlagged": true})).await.expect(200);
    assert_eq!((&flagged["isFlagged"], &flagged["vote"]), (&json!(true), &json!(10)));
    let gone = stage.delete(&path).await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    assert_eq!(stage.get(&format!("{pr}/reviewers")).await.expect(200)["count"], 1);
}

#[tokio::test]
async fn a_reviewer_who_is_unknown_or_may_not_look_is_refused() {
    let stage = Stage::new().await;
    let pr = opened(&stage, "nobody").await;
    let unknown = stage.post(&format!("{pr}/reviewers"), json!([{"id": uuid::Uuid::nil()}])).await;
    unknown.refused(404, "IdentityNotFoundException");
    let frank = stage.person("frank").await;
    let stranger = stage.post(&format!("{pr}/reviewers"), json!([{"id": frank}])).await;
    assert!(stranger.refused(403, "GitNeedsPermissionException").contains("frank@lumen.example"));
}

#[tokio::test]
async fn a_vote_on_a_draft_is_not_kept() {
    let stage = Stage::new().await;
    let pr = opened(&stage, "draft").await;
    let drafted = stage.patch(&pr, json!({"isDraft": true})).await.expect(200);
    assert_eq!(drafted["isDraft"], true);
    let bob = stage.person("bob").await;
    let path = format!("{pr}/reviewers/{bob}");
    assert_eq!(stage.as_user("bob-token", Method::PUT, &path, json!({"vote": 10})).await.status, 200);
    assert_eq!(stage.get(&path).await.expect(200)["vote"], 0);
    let published = stage.patch(&pr, json!({"isDraft": false})).await.expect(200);
    assert_eq!(published["isDraft"], false);
}

#[tokio::test]
async fn a_policy_takes_votes_back_after_a_push_and_a_thread_names_the_voters() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    control.want_approvals("pilot-cli", "main", 2, Votes::Reset).await.unwrap();
    let pr = opened(&stage, "repushed").await;
    let bob = stage.person("bob").await;
    stage.as_user("bob-token", Method::PUT, &format!("{pr}/reviewers/{bob}"), json!({"vote": 10})).await.expect(200);
    let push = async |text: &[u8]| {
        control.push_file("pilot-cli", ("repushed", None), "alice", ("/more.md", text), "Add more").await.unwrap();
        let threads = stage.get(&format!("{pr}/threads")).await.expect(200);
        let kind = |thread: &&Value| thread["properties"]["CodeReviewThreadType"]["$value"] == "ResetMultipleVotes";
        threads["value"].as_array().unwrap().iter().filter(kind).cloned().collect::<Vec<_>>()
    };
    let resets = push(b"more\n").await;
    assert_eq!(stage.get(&format!("{pr}/reviewers/{bob}")).await.expect(200)["vote"], 0);
    assert_eq!(resets.len(), 1);
    let said = |name: &str| resets[0]["properties"][format!("CodeReviewResetMultipleVotes{name}")]["$value"].clone();
    assert_eq!((said("NumVoters"), said("ExampleVoterIdentities")), (json!("1"), json!("[\"2\"]")));
    assert_eq!(resets[0]["identities"]["2"]["id"], bob.as_str());
    assert_eq!(resets[0]["comments"][0]["commentType"], "system");
    assert_eq!(push(b"again\n").await.len(), 1, "nobody had voted since");
}

#[tokio::test]
async fn a_thread_keeps_its_place_its_marker_and_its_replies() {
    let stage = Stage::new().await;
    let pr = opened(&stage, "talked").await;
    let body = json!({
        "comments": [{"parentCommentId": 0, "content": "Why?", "commentType": 1}],
        "status": 1,
        "threadContext": {"filePath": "/talked.md", "rightFileStart": {"line": 1, "offset": 1}, "rightFileEnd": {"line": 1, "offset": 4}},
        "properties": {"Marker": {"$type": "System.String", "$value": "m-1"}},
    });
    let thread = stage.post(&format!("{pr}/threads"), body).await.expect(200);
    assert_eq!((&thread["status"], &thread["threadContext"]["filePath"]), (&json!("active"), &json!("/talked.md")));
    assert_eq!(thread["properties"]["Marker"]["$value"], "m-1");
    assert!(thread["pullRequestThreadContext"].is_null());
    let path = format!("{pr}/threads/{}", thread["id"]);
    let reply = json!({"parentCommentId": 1, "content": "Because.", "commentType": "text"});
    let reply = stage.as_user("bob-token", Method::POST, &format!("{path}/comments"), reply).await.expect(200);
    assert_eq!((&reply["id"], &reply["parentCommentId"]), (&json!(2), &json!(1)));
    let edit = stage.patch(&format!("{path}/comments/2"), json!({"content": "No."})).await;
    assert_eq!(edit.status, 403);
    let edited = stage.as_user("bob-token", Method::PATCH, &format!("{path}/comments/2"), json!({"content": "Yes."})).await.expect(200);
    assert_eq!(edited["content"], "Yes.");
    let gone = stage.as_user("bob-token", Method::DELETE, &format!("{path}/comments/2"), Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    let comments = stage.get(&format!("{path}/comments")).await.expect(200);
    assert_eq!(comments["value"][1]["isDeleted"], true);
    assert!(comments["value"][1].get("content").is_none());
    let fixed = stage.patch(&path, json!({"status": "fixed"})).await.expect(200);
    assert_eq!(fixed["status"], "fixed");
    stage.get(&format!("{pr}/threads/99999")).await.refused(404, "CommentThreadNotFoundException");
}

#[tokio::test]
async fn statuses_are_kept_and_the_last_of_a_context_decides() {
    let stage = Stage::new().await;
    let pr = opened(&stage, "built").await;
    let post = |state: &str| json!({"state": state, "description": "d", "context": {"name": "ci", "genre": "build"}, "targetUrl": "http://ci.example/1"});
    let made = stage.post(&format!("{pr}/statuses"), post("pending")).await.expect(200);
    assert_eq!((&made["id"], &made["state"]), (&json!(1), &json!("pending")));
    stage.post(&format!("{pr}/iterations/1/statuses"), post("succeeded")).await.expect(200);
    let all = stage.get(&format!("{pr}/statuses")).await.expect(200);
    assert_eq!(all["count"], 2);
    let of_one = stage.get(&format!("{pr}/iterations/1/statuses")).await.expect(200);
    assert_eq!(of_one["value"][0]["state"], "succeeded");
    assert_eq!(stage.post(&format!("{pr}/statuses"), json!({"state": "odd", "context": {"name": "x"}})).await.status, 400);
}

#[tokio::test]
async fn policies_of_a_branch_are_listed() {
    let stage = Stage::new().await;
    stage.running.control().protect("pilot-cli", "main").await.unwrap();
    let repository = stage.get(&Stage::repository(OPS.0, OPS.1)).await.expect(200);
    let all = stage.get("Harbor/_apis/policy/configurations").await.expect(200);
    let id = repository["id"].as_str().unwrap();
    let here = stage.get(&format!("Harbor/_apis/git/policy/configurations?repositoryId={id}&refName=refs/heads/main")).await.expect(200);
    assert!(here["count"].as_i64().unwrap() >= 1 && here["count"].as_i64() <= all["count"].as_i64());
    let kinds: Vec<&str> = here["value"].as_array().unwrap().iter().map(|row| row["type"]["displayName"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"Minimum number of reviewers"), "{kinds:?}");
    let first = stage.get("Harbor/_apis/policy/configurations?$top=1").await;
    assert!(!first.header("x-ms-continuationtoken").is_empty());
    stage.get("_apis/policy/configurations").await.expect_text(404);
}

impl Seen {
    #[track_caller]
    fn expect_text(self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text);
    }
}
