//! Repositories, refs, pushes, items, commits.
use super::*;

#[tokio::test]
async fn repositories_tell_empty_and_disabled_ones_apart() {
    let stage = Stage::new().await;
    let all = stage.get("_apis/git/repositories").await.expect(200);
    let row = |name: &str| all["value"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!(row("tide-api")["defaultBranch"], "refs/heads/main");
    assert!(row("manifest").get("defaultBranch").is_none());
    assert_eq!(row("crane-control")["isDisabled"], true);
    assert!(row("tide-api")["remoteUrl"].as_str().unwrap().starts_with("http://lumen@127.0.0.1"));
    let harbor = stage.get("Harbor/_apis/git/repositories").await.expect(200);
    assert_eq!(harbor["count"], 4);
}

#[tokio::test]
async fn a_branch_is_created_moved_and_deleted_and_every_failure_is_a_row() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let main = stage.tip(&repository, "main").await.unwrap();
    let update = |name: &str, old: &str, new: &str| json!({"name": name, "oldObjectId": old, "newObjectId": new});
    let body = json!([
        update("refs/heads/feature/a", ZERO_ID, &main),
        update("refs/heads/feature/a", ZERO_ID, &main),
        update("refs/heads/feature/a/b", ZERO_ID, &main),
        update("refs/heads/bad..name", ZERO_ID, &main),
        update("refs/heads/x", ZERO_ID, "1234567890123456789012345678901234567890"),
    ]);
    let done = stage.post(&format!("{repository}/refs"), body).await.expect(200);
    let words: Vec<&str> = done["value"].as_array().unwrap().iter().map(|row| row["updateStatus"].as_str().unwrap()).collect();
    assert_eq!(words, ["succeeded", "staleOldObjectId", "refNameConflict", "invalidRefName", "unresolvableToCommit"]);
    assert_eq!(done["value"][0]["success"], true);
    assert_eq!(done["value"][1]["success"], false);
    let found = stage.get(&format!("{repository}/refs?filter=heads/feature/a")).await.expect(200);
    assert_eq!(found["value"][0]["creator"]["uniqueName"], "alice@lumen.example");
    assert_eq!(stage.tip(&repository, "feature/zzz").await, None);
    let gone = stage.post(&format!("{repository}/refs"), json!([update("refs/heads/feature/a", &main, ZERO_ID)])).await;
    assert_eq!(gone.expect(200)["value"][0]["updateStatus"], "succeeded");
    assert_eq!(stage.tip(&repository, "feature/a").await, None);
}

#[tokio::test]
async fn refs_page_by_continuation_token() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let all = stage.get(&format!("{repository}/refs?filter=heads/")).await.expect(200);
    let mut names = Vec::new();
    let mut token = String::new();
    loop {
        let seen = stage.get(&format!("{repository}/refs?filter=heads/&$top=1&continuationToken={token}")).await;
        token = seen.header("x-ms-continuationtoken").to_owned();
        names.extend(seen.expect(200)["value"].as_array().unwrap().iter().map(|row| row["name"].clone()));
        if token.is_empty() {
            break;
        }
    }
    let expected: Vec<Value> = all["value"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert!(expected.len() > 1);
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_push_makes_a_real_commit_that_can_be_read_back() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let main = stage.tip(&repository, "main").await.unwrap();
    let text = "# T\r\n\r\n- [ ] \u{1f6a2} crlf\r\n";
    let made = stage
        .post(&format!("{repository}/pushes"), one_file_push("feature/spec", &main, "add", "/.tickets/K-1.md", text))
        .await
        .expect(201);
    let commit = made["commits"][0]["commitId"].as_str().unwrap();
    assert_eq!(made["commits"][0]["parents"], json!([main]));
    assert_eq!(stage.tip(&repository, "feature/spec").await.as_deref(), Some(commit));
    let at = "versionDescriptor.version=feature/spec&versionDescriptor.versionType=branch";
    let item = stage.get(&format!("{repository}/items?path=/.tickets/K-1.md&includeContent=true&{at}")).await.expect(200);
    assert_eq!(item["content"], text);
    assert_eq!(item["commitId"], commit);
    let raw =
        stage.request(Method::GET, &format!("{repository}/items?path=/.tickets/K-1.md&{at}")).header("Accept", "application/octet-stream");
    assert_eq!(stage.send(raw).await.text, text);
    let listed = stage.get(&format!("{repository}/items?scopePath=/.tickets&recursionLevel=oneLevel&{at}")).await.expect(200);
    assert!(listed["value"].as_array().unwrap().iter().any(|row| row["path"] == "/.tickets/K-1.md"));
    assert_eq!(stage.get(&format!("{repository}/items?path=/x&recursionLevel=full&{at}")).await.status, 400);

    let again = one_file_push("feature/spec", commit, "add", "/.tickets/K-1.md", "x");
    let seen = stage.post(&format!("{repository}/pushes"), again).await.expect(400);
    assert!(seen["message"].as_str().unwrap().contains("already exists. Please specify a new path."));
    let stale = one_file_push("feature/spec", &main, "edit", "/.tickets/K-1.md", "x");
    let seen = stage.post(&format!("{repository}/pushes"), stale).await;
    assert!(seen.refused(409, "GitReferenceStaleException").starts_with("TF401028"));

    let one = stage.get(&format!("{repository}/commits/{commit}?changeCount=5")).await.expect(200);
    assert_eq!(one["changes"][0]["item"]["path"], "/.tickets/K-1.md");
    assert_eq!(one["push"]["pushedBy"]["uniqueName"], "alice@lumen.example");
    let query = "searchCriteria.itemVersion.version=feature/spec&searchCriteria.$top=1";
    let log = stage.get(&format!("{repository}/commits?{query}")).await.expect(200);
    assert_eq!(log["value"][0]["changeCounts"], json!({"Add": 1, "Edit": 0, "Delete": 0}));
    let diff = "baseVersion=main&baseVersionType=branch&targetVersion=feature/spec&targetVersionType=branch";
    let diff = stage.get(&format!("{repository}/diffs/commits?{diff}")).await.expect(200);
    assert_eq!((&diff["aheadCount"], &diff["behindCount"]), (&json!(1), &json!(0)));
    // A folder is a row, and counted, like a file.
    let rows = |diff: &Value| {
        diff["changes"].as_array().unwrap().iter().map(|row| (row["item"]["path"].clone(), row["changeType"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(rows(&diff), [(json!("/.tickets"), json!("add")), (json!("/.tickets/K-1.md"), json!("add"))]);
    assert_eq!((&diff["changeCounts"]["Add"], &diff["allChangesIncluded"]), (&json!(2), &json!(true)));
    let stats = stage.get(&format!("{repository}/stats/branches?name=feature/spec")).await.expect(200);
    assert_eq!(stats["aheadCount"], 1);
}

#[tokio::test]
async fn a_missing_file_and_a_missing_branch_are_told_apart() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let item = |branch: &str| format!("{repository}/items?path=/none.md&version={branch}&versionType=branch");
    let file = stage.get(&item("main")).await;
    assert!(file.refused(404, "GitItemNotFoundException").contains("<Branch: main >"));
    let branch = stage.get(&item("none")).await;
    let message = branch.refused(404, "GitUnresolvableToCommitException");
    assert!(message.starts_with("TF401175:The version descriptor <Branch: none >"), "{message}");
    let log = stage.get(&format!("{repository}/commits?searchCriteria.itemVersion.version=none")).await;
    log.refused(404, "GitUnresolvableToCommitException");
}

#[tokio::test]
async fn an_empty_repository_takes_its_first_push() {
    let stage = Stage::new().await;
    let repository = Stage::repository("Quay", "manifest");
    assert_eq!(stage.get(&format!("{repository}/commits")).await.expect(200)["count"], 0);
    stage.add_file(&repository, "main", ZERO_ID, "/README.md", "hello\n").await;
    let row = stage.get(&repository).await.expect(200);
    assert_eq!(row["defaultBranch"], "refs/heads/main");
}

#[tokio::test]
async fn a_protected_branch_refuses_pushes_and_moves() {
    let stage = Stage::new().await;
    let repository = Stage::repository("Harbor", "tide-api");
    stage.running.control().protect("tide-api", "main").await.unwrap();
    let main = stage.tip(&repository, "main").await.unwrap();
    let push = stage.post(&format!("{repository}/pushes"), one_file_push("main", &main, "add", "/n.md", "x")).await;
    assert!(push.refused(403, "GitRefUpdateRejectedByPolicyException").starts_with("TF402455"));
    let body = json!([{"name": "refs/heads/main", "oldObjectId": main, "newObjectId": ZERO_ID}]);
    let row = stage.post(&format!("{repository}/refs"), body).await.expect(200);
    assert_eq!(row["value"][0]["updateStatus"], "rejectedByPolicy");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let stage = Stage::new().await;
    let repository = Stage::repository("Harbor", "tide-api");
    let main = stage.tip(&repository, "main").await.unwrap();
    let push = one_file_push("erin", &main, "add", "/n.md", "x");
    let seen = stage.as_user("erin-token", Method::POST, &format!("{repository}/pushes"), push).await;
    let message = seen.refused(403, "GitNeedsPermissionException");
    assert!(message.contains("'GenericContribute'") && message.contains("erin@lumen.example"), "{message}");
    let body = json!([{"name": "refs/heads/erin", "oldObjectId": ZERO_ID, "newObjectId": main}]);
    let seen = stage.as_user("erin-token", Method::POST, &format!("{repository}/refs"), body).await.expect(200);
    assert_eq!(seen["value"][0]["updateStatus"], "createBranchPermissionRequired");
}

#[tokio::test]
async fn a_branch_is_locked_and_unlocked() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let main = stage.tip(&repository, "main").await.unwrap();
    stage.add_file(&repository, "mine", &main, "/mine.md", "x").await;
    let locked = stage.patch(&format!("{repository}/refs?filter=heads/mine"), json!({"isLocked": true})).await.expect(200);
    assert_eq!(locked["isLockedBy"]["uniqueName"], "alice@lumen.example");
    let tip = stage.tip(&repository, "mine").await.unwrap();
    let body = json!([{"name": "refs/heads/mine", "oldObjectId": tip, "newObjectId": ZERO_ID}]);
    let refused = stage.as_user("bob-token", Method::POST, &format!("{repository}/refs"), body).await.expect(200);
    assert_eq!(refused["value"][0]["updateStatus"], "locked");
    let open = stage.patch(&format!("{repository}/refs?filter=heads/mine"), json!({"isLocked": false})).await.expect(200);
    assert!(open.get("isLocked").is_none());
}

#[tokio::test]
async fn pushes_are_listed_with_what_they_moved() {
    let stage = Stage::new().await;
    let repository = Stage::repository(OPS.0, OPS.1);
    let main = stage.tip(&repository, "main").await.unwrap();
    let commit = stage.add_file(&repository, "logged", &main, "/l.md", "x").await;
    let query = "searchCriteria.refName=refs/heads/logged&searchCriteria.includeRefUpdates=true";
    let pushes = stage.get(&format!("{repository}/pushes?{query}")).await.expect(200);
    assert_eq!(pushes["count"], 1);
    assert_eq!(pushes["value"][0]["refUpdates"][0]["newObjectId"], commit.as_str());
    let one = stage.get(&format!("{repository}/pushes/{}", pushes["value"][0]["pushId"])).await.expect(200);
    assert_eq!(one["pushedBy"]["uniqueName"], "alice@lumen.example");
}
