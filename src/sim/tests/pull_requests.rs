//! The life of a pull request: created, merged in four ways, abandoned, in conflict, completed by itself.
use super::*;

async fn settled(stage: &Stage, repository: &str, id: i64) -> Value {
    stage.running.control().settle().await.unwrap();
    stage.get(&format!("{repository}/pullrequests/{id}")).await.expect(200)
}

fn completion(source: &str, strategy: &str) -> Value {
    json!({
        "status": "completed",
        "lastMergeSourceCommit": {"commitId": source},
        "completionOptions": {"mergeStrategy": strategy, "deleteSourceBranch": true},
    })
}

#[tokio::test]
async fn a_new_pull_request_is_queued_and_then_merges_cleanly() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let main = stage.tip(&repository, "main").await.unwrap();
    stage.add_file(&repository, "one", &main, "/one.md", "x").await;
    let bob = stage.person("bob").await;
    let body = json!({
        "sourceRefName": "refs/heads/one", "targetRefName": "refs/heads/main", "title": "One",
        "description": "d".repeat(500), "reviewers": [{"id": bob, "isRequired": true}],
        "labels": [{"name": "board"}], "workItemRefs": [{"id": "12"}],
    });
    let made = stage.post(&format!("{repository}/pullrequests"), body.clone()).await.expect(201);
    let id = made["pullRequestId"].as_i64().unwrap();
    assert_eq!(made["mergeStatus"], "queued");
    assert!(made.get("lastMergeCommit").is_none());
    assert_eq!(made["reviewers"][0]["isRequired"], true);
    assert!(made["artifactId"].as_str().unwrap().starts_with("vstfs:///Git/PullRequestId/"));
    let twice = stage.post(&format!("{repository}/pullrequests"), body).await;
    assert!(twice.refused(409, "GitPullRequestExistsException").starts_with("TF401179"));

    let now = settled(&stage, &repository, id).await;
    assert_eq!(now["mergeStatus"], "succeeded");
    assert_eq!(now["lastMergeCommit"]["comment"], format!("Merge pull request {id} from one into main"));
    let listed = stage.get("Harbor/_apis/git/pullrequests?searchCriteria.sourceRefName=refs/heads/one").await.expect(200);
    let row = &listed["value"][0];
    assert_eq!(row["description"].as_str().unwrap().len(), 400);
    assert_eq!(row["repository"]["project"]["state"], "unchanged");
    assert!(row.get("_links").is_none() && row.get("artifactId").is_none());
    let by_id = stage.get(&format!("_apis/git/pullrequests/{id}")).await.expect(200);
    assert_eq!(by_id["description"].as_str().unwrap().len(), 500);
    assert!(by_id.get("_links").is_none());
    let items = stage.get(&format!("{repository}/pullrequests/{id}/workitems")).await.expect(200);
    assert_eq!(items["value"][0]["id"], "12");
    let commits = stage.get(&format!("{repository}/pullrequests/{id}/commits")).await.expect(200);
    assert_eq!(commits["count"], 1);
    let labels = stage.get(&format!("{repository}/pullrequests/{id}/labels")).await.expect(200);
    assert_eq!(labels["value"][0]["name"], "board");
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let open = |source: &str, target: &str, title: &str| json!({"sourceRefName": source, "targetRefName": target, "title": title});
    let path = format!("{repository}/pullrequests");
    let missing = stage.post(&path, open("refs/heads/none", "refs/heads/main", "t")).await;
    assert!(missing.refused(400, "GitPullRequestCannotBeActivated").starts_with("TF401398"));
    let same = stage.post(&path, open("refs/heads/main", "refs/heads/main", "t")).await;
    same.refused(400, "InvalidArgumentValueException");
    let main = stage.tip(&repository, "main").await.unwrap();
    stage.add_file(&repository, "long", &main, "/long.md", "x").await;
    let long = stage.post(&path, open("refs/heads/long", "refs/heads/main", &"x".repeat(401))).await;
    long.refused(400, "InvalidArgumentValueException");
    let mut body = open("refs/heads/long", "refs/heads/main", "t");
    body["description"] = json!("x".repeat(4001));
    stage.post(&path, body).await.refused(400, "InvalidArgumentValueException");
    let nobody = stage.get(&format!("{repository}/pullrequests/99999")).await;
    assert!(nobody.refused(404, "GitPullRequestNotFoundException").starts_with("TF401180"));
}

#[tokio::test]
async fn each_strategy_leaves_the_right_parents() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let control = stage.running.control();
    control.unprotect("pilot-cli", "main").await.unwrap();
    for (strategy, branch, parents, subject) in [
        ("noFastForward", "s1", 2, "Merged PR"),
        ("squash", "s2", 1, "Merged PR"),
        ("rebase", "s3", 1, "add /s3.md"),
        ("rebaseMerge", "s4", 2, "Merged PR"),
    ] {
        let id = stage.open_pull_request(&repository, branch).await;
        let before = stage.tip(&repository, "main").await.unwrap();
        // The target moves on, so that nothing is a fast-forward by accident.
        let before = stage.add_file(&repository, "main", &before, &format!("/moved-{branch}.md"), "x").await;
        let source = stage.tip(&repository, branch).await.unwrap();
        let path = format!("{repository}/pullrequests/{id}");
        let asked = stage.patch(&path, completion(&source, strategy)).await.expect(200);
        assert_eq!((&asked["status"], &asked["mergeStatus"]), (&json!("active"), &json!("queued")));
        assert!(asked["completionQueueTime"].is_string() && asked["closedBy"].is_object());
        let done = settled(&stage, &repository, id).await;
        assert_eq!(done["status"], "completed", "{strategy}");
        assert!(done["closedDate"].is_string());
        let tip = stage.tip(&repository, "main").await.unwrap();
        assert_eq!(done["lastMergeCommit"]["commitId"], tip.as_str());
        let commit = stage.get(&format!("{repository}/commits/{tip}")).await.expect(200);
        let found: Vec<&str> = commit["parents"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        assert_eq!(found.len(), parents, "{strategy}");
        assert_eq!(found[0], before, "{strategy}");
        assert!(commit["comment"].as_str().unwrap().starts_with(subject), "{strategy}: {}", commit["comment"]);
        assert_eq!(stage.tip(&repository, branch).await, None, "{strategy} deletes the source branch");
    }
}

#[tokio::test]
async fn a_stale_completion_and_a_rejected_one_are_told() {
    let stage = Stage::new().await;
    let repository = Stage::repository("Harbor", "tide-api");
    stage.running.control().protect("tide-api", "main").await.unwrap();
    let id = stage.open_pull_request(&repository, "guarded").await;
    let path = format!("{repository}/pullrequests/{id}");
    let main = stage.tip(&repository, "main").await.unwrap();
    let stale = stage.patch(&path, completion(&main, "squash")).await;
    assert!(stale.refused(409, "GitPullRequestStaleException").starts_with("TF401192"));
    let source = stage.tip(&repository, "guarded").await.unwrap();
    let rejected = stage.patch(&path, completion(&source, "squash")).await;
    rejected.refused(403, "GitPullRequestUpdateRejectedByPolicyException");
}

#[tokio::test]
async fn abandoning_drops_the_merge_and_reactivating_queues_it_again() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let id = stage.open_pull_request(&repository, "maybe").await;
    settled(&stage, &repository, id).await;
    let path = format!("{repository}/pullrequests/{id}");
    let abandoned = stage.patch(&path, json!({"status": "abandoned"})).await.expect(200);
    assert_eq!(abandoned["status"], "abandoned");
    assert!(abandoned["closedDate"].is_string());
    assert!(abandoned.get("mergeStatus").is_none() && abandoned.get("lastMergeCommit").is_none());
    stage.patch(&path, json!({"title": "x"})).await.refused(400, "GitPullRequestNotEditableException");
    let gone = stage.get("Harbor/_apis/git/pullrequests?searchCriteria.sourceRefName=refs/heads/maybe").await.expect(200);
    assert_eq!(gone["count"], 0);
    let back = stage.patch(&path, json!({"status": "active"})).await.expect(200);
    assert_eq!((&back["status"], &back["mergeStatus"]), (&json!("active"), &json!("queued")));
    assert!(back.get("closedDate").is_none());
}

#[tokio::test]
async fn conflicts_come_from_the_trees_and_go_when_they_are_gone() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    stage.running.control().unprotect("pilot-cli", "main").await.unwrap();
    let base = stage.tip(&repository, "main").await.unwrap();
    let base = stage.add_file(&repository, "main", &base, "/shared.txt", "one\n").await;
    let edit = |branch: &str, old: &str, text: &str| one_file_push(branch, old, "edit", "/shared.txt", text);
    let pushes = format!("{repository}/pushes");
    stage.post(&pushes, edit("clash", &base, "two\n")).await.expect(201);
    let body = json!({"sourceRefName": "refs/heads/clash", "targetRefName": "refs/heads/main", "title": "Clash"});
    let made = stage.post(&format!("{repository}/pullrequests"), body).await.expect(201);
    let id = made["pullRequestId"].as_i64().unwrap();
    assert_eq!(settled(&stage, &repository, id).await["mergeStatus"], "succeeded");
    let moved = stage.post(&pushes, edit("main", &base, "three\n")).await.expect(201);
    let moved = moved["refUpdates"][0]["newObjectId"].as_str().unwrap().to_owned();
    let now = settled(&stage, &repository, id).await;
    assert_eq!(now["mergeStatus"], "conflicts");
    assert!(now.get("lastMergeCommit").is_none());
    assert_eq!(now["lastMergeTargetCommit"]["commitId"], moved.as_str());
    // Completing what cannot be merged leaves it open, in conflict.
    let source = stage.tip(&repository, "clash").await.unwrap();
    stage.patch(&format!("{repository}/pullrequests/{id}"), completion(&source, "squash")).await.expect(200);
    let now = settled(&stage, &repository, id).await;
    assert_eq!((&now["status"], &now["mergeStatus"]), (&json!("active"), &json!("conflicts")));
    stage.post(&pushes, edit("main", &moved, "two\n")).await.expect(201);
    assert_eq!(settled(&stage, &repository, id).await["mergeStatus"], "succeeded");
}

#[tokio::test]
async fn the_worker_merges_without_being_told() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let id = stage.open_pull_request(&repository, "alone").await;
    let path = format!("{repository}/pullrequests/{id}");
    let merged = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while stage.get(&path).await.expect(200)["mergeStatus"] == "queued" {}
    });
    merged.await.expect("the merge was tried");
    assert_eq!(stage.get(&path).await.expect(200)["mergeStatus"], "succeeded");
}

#[tokio::test]
async fn auto_complete_waits_for_the_policies() {
    let stage = Stage::new().await;
    let repository = Stage::repository("Harbor", "ops");
    let control = stage.running.control();
    control.unprotect("ops", "main").await.unwrap();
    control.protect("ops", "main").await.unwrap();
    let id = stage.open_pull_request(&repository, "auto").await;
    let path = format!("{repository}/pullrequests/{id}");
    let bob = stage.person("bob").await;
    let other = stage.patch(&path, json!({"autoCompleteSetBy": {"id": bob}})).await;
    other.refused(400, "InvalidArgumentValueException");
    let alice = stage.person("alice").await;
    let set = json!({"autoCompleteSetBy": {"id": alice}, "completionOptions": {"mergeStrategy": "squash"}});
    let set = stage.patch(&path, set).await.expect(200);
    assert_eq!(set["autoCompleteSetBy"]["id"], alice.as_str());
    assert_eq!(settled(&stage, &repository, id).await["status"], "active");
    let project = stage.get("_apis/projects/Harbor").await.expect(200)["id"].as_str().unwrap().to_owned();
    let evaluations = |stage: &Stage| {
        let query = format!("artifactId=vstfs%3A%2F%2F%2FCodeReview%2FCodeReviewId%2F{project}%2F{id}");
        stage
            .http
            .get(format!("{}/Harbor/_apis/policy/evaluations?{query}&api-version=7.1-preview.1", stage.running.organisation_url()))
            .basic_auth("", Some(&stage.token))
    };
    let blocking = |rows: &Value| -> Vec<String> {
        let rows = rows["value"].as_array().unwrap().iter();
        rows.filter(|row| row["configuration"]["isBlocking"] == true).map(|row| row["status"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(blocking(&stage.send(evaluations(&stage)).await.expect(200)), ["running"]);
    control.vote(i32::try_from(id).unwrap(), "bob", 10).await.unwrap();
    assert_eq!(blocking(&stage.send(evaluations(&stage)).await.expect(200)), ["approved"]);
    assert_eq!(settled(&stage, &repository, id).await["status"], "completed");
}

#[tokio::test]
async fn lists_page_by_skip_and_filter_by_closing_time() {
    let stage = Stage::new().await;
    let all = stage.get("Harbor/_apis/git/pullrequests?searchCriteria.status=all&$top=1000").await.expect(200);
    let total = all["count"].as_i64().unwrap();
    let mut seen = 0;
    let mut ids = Vec::new();
    loop {
        let page = stage.get(&format!("Harbor/_apis/git/pullrequests?searchCriteria.status=all&$top=3&$skip={seen}")).await.expect(200);
        let rows = page["value"].as_array().unwrap().clone();
        if rows.is_empty() {
            break;
        }
        seen += rows.len();
        ids.extend(rows.iter().map(|row| row["pullRequestId"].as_i64().unwrap()));
    }
    assert_eq!(i64::try_from(ids.len()).unwrap(), total);
    let created: Vec<&str> = all["value"].as_array().unwrap().iter().map(|row| row["creationDate"].as_str().unwrap()).collect();
    assert!(created.is_sorted_by(|a, b| a >= b));
    let completed = stage.get("Harbor/_apis/git/pullrequests?searchCriteria.status=completed").await.expect(200);
    let newest = completed["value"].as_array().unwrap().iter().map(|row| row["closedDate"].as_str().unwrap()).max().unwrap();
    let since = format!(
        "Harbor/_apis/git/pullrequests?searchCriteria.status=all&searchCriteria.queryTimeRangeType=closed&searchCriteria.minTime={newest}"
    );
    let since = stage.get(&since).await.expect(200);
    assert!(since["value"].as_array().unwrap().iter().all(|row| row["closedDate"].as_str().unwrap() >= newest));
    assert!(since["count"].as_i64().unwrap() >= 1);
}

#[tokio::test]
async fn a_push_to_the_source_is_a_new_iteration_and_merges_anew() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let id = stage.open_pull_request(&repository, "grows").await;
    settled(&stage, &repository, id).await;
    let tip = stage.tip(&repository, "grows").await.unwrap();
    let next = stage.add_file(&repository, "grows", &tip, "/more.md", "x").await;
    let now = settled(&stage, &repository, id).await;
    assert_eq!(now["lastMergeSourceCommit"]["commitId"], next.as_str());
    let path = format!("{repository}/pullrequests/{id}");
    let iterations = stage.get(&format!("{path}/iterations")).await.expect(200);
    assert_eq!(iterations["count"], 2);
    let changes = stage.get(&format!("{path}/iterations/2/changes?$top=1")).await.expect(200);
    assert_eq!(changes["changeEntries"].as_array().unwrap().len(), 1);
    assert_eq!(changes["nextSkip"], 1);
    let newer = stage.get(&format!("{path}/iterations/2/changes?$compareTo=1")).await.expect(200);
    assert_eq!(newer["changeEntries"][0]["item"]["path"], "/more.md");
    let query = json!({"queries": [{"items": [next], "type": "commit"}]});
    let found = stage.post(&format!("{repository}/pullrequestquery"), query).await.expect(200);
    assert_eq!(found["results"][0][&next][0]["pullRequestId"], id);
}

#[tokio::test]
async fn a_deleted_source_branch_cannot_be_completed() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let id = stage.open_pull_request(&repository, "lost").await;
    let tip = stage.tip(&repository, "lost").await.unwrap();
    let body = json!([{"name": "refs/heads/lost", "oldObjectId": tip, "newObjectId": ZERO_ID}]);
    stage.post(&format!("{repository}/refs"), body).await.expect(200);
    assert_eq!(settled(&stage, &repository, id).await["status"], "active");
    let seen = stage.patch(&format!("{repository}/pullrequests/{id}"), completion(&tip, "squash")).await;
    seen.refused(400, "GitPullRequestCannotBeActivated");
}

#[tokio::test]
async fn the_same_life_is_lived_on_every_server() {
    for version in [ServerVersion::Server2019, ServerVersion::Server2020, ServerVersion::Server2022] {
        let stage = Stage::with(Options { server_version: version, ..Options::default() }).await;
        let repository = Stage::repository(OPS.0, OPS.1);
        stage.running.control().unprotect("pilot-cli", "main").await.unwrap();
        let id = stage.open_pull_request(&repository, "served").await;
        let source = stage.tip(&repository, "served").await.unwrap();
        let path = format!("{repository}/pullrequests/{id}");
        stage.patch(&path, completion(&source, "squash")).await.expect(200);
        let done = settled(&stage, &repository, id).await;
        assert_eq!(done["status"], "completed", "{version:?}");
        let url = done["url"].as_str().unwrap();
        assert!(url.contains("/tfs/DefaultCollection/"), "{url}");
        // Times in the criteria came with 7.1: older servers do not look at them.
        let criteria = "searchCriteria.status=completed&searchCriteria.minTime=2199-01-01T00:00:00Z";
        let listed = stage.get(&format!("Harbor/_apis/git/pullrequests?{criteria}")).await.expect(200);
        assert!(listed["count"].as_i64().unwrap() >= 1, "{version:?}");
    }
}
