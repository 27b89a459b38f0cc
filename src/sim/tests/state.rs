//! What outlives a simulator, and what does not.
use super::*;

#[tokio::test]
async fn a_state_directory_carries_the_world_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let repository = Stage::repository(OPS.0, OPS.1);
    let first = Stage::with(options.clone()).await;
    let id = first.open_pull_request(&repository, "kept").await;
    let tip = first.tip(&repository, "kept").await;
    first.running.stop().await;
    let second = Stage::with(options).await;
    assert_eq!(second.tip(&repository, "kept").await, tip);
    let pr = second.get(&format!("_apis/git/pullrequests/{id}")).await.expect(200);
    assert_eq!(pr["title"], "Add kept");
    // The queued merge of the first life is worked off in the second.
    second.running.control().settle().await.unwrap();
    let pr = second.get(&format!("_apis/git/pullrequests/{id}")).await.expect(200);
    assert_eq!(pr["mergeStatus"], "succeeded");
}

#[tokio::test]
async fn a_temporary_state_directory_is_gone_after_stopping() {
    let stage = Stage::new().await;
    let repository = stage.running.control().git("tide-api").await.unwrap();
    assert!(repository.path().exists());
    stage.running.stop().await;
    assert!(!repository.path().exists());
}

#[tokio::test]
async fn a_saved_world_that_cannot_be_read_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("world.json"), "{").unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let error = start(options).await.unwrap_err().to_string();
    assert!(error.contains("world.json") && error.contains("--state"), "{error}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let stage = Stage::new().await;
    let address = stage.running.url().trim_start_matches("http://").parse().unwrap();
    let error = start(Options { listen: address, ..Options::default() }).await.unwrap_err().to_string();
    assert!(error.contains("--listen"), "{error}");
}

#[tokio::test]
async fn the_same_seed_and_start_give_the_same_commits() {
    let begin: jiff::Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    let repository = Stage::repository("Harbor", "tide-api");
    let mut tips = Vec::new();
    for _ in 0..2 {
        let stage = Stage::with(Options { start: Some(begin), ..Options::default() }).await;
        tips.push(stage.get(&format!("{repository}/refs?filter=heads/")).await.expect(200)["value"].clone());
    }
    let ids = |rows: &Value| -> Vec<Value> { rows.as_array().unwrap().iter().map(|row| row["objectId"].clone()).collect() };
    assert_eq!(ids(&tips[0]), ids(&tips[1]));
}

#[tokio::test]
async fn a_world_kept_before_there_were_pipelines_is_taken_up() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    Stage::with(options.clone()).await.running.stop().await;
    let file = folder.path().join("world.json");
    let mut world: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for name in [
        "definitions",
        "builds",
        "environments",
        "environment_deployments",
        "release_definitions",
        "releases",
        "release_deployments",
        "work_items",
    ] {
        assert!(world.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    for project in world["projects"].as_array_mut().unwrap() {
        project.as_object_mut().unwrap().remove("builds_hidden_from").unwrap();
    }
    world["organisation"].as_object_mut().unwrap().remove("switched_off").unwrap();
    std::fs::write(&file, world.to_string()).unwrap();
    let stage = Stage::with(options).await;
    assert_eq!(stage.get("Harbor/_apis/build/builds").await.expect(200)["count"], 0);
    assert_eq!(stage.get("Harbor/_apis/distributedtask/environments").await.expect(200)["count"], 0);
}

#[tokio::test]
async fn runs_and_work_items_outlive_a_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state_dir: Some(folder.path().to_owned()), ..Options::default() };
    let first = Stage::with(options.clone()).await;
    let build = first.running.control().deploy("pilot-cli", "bob", (None, None), &[]).await.unwrap();
    let item = first.running.control().create_work_item("Harbor", ("Bug", "Kept"), "bob", &[]).await.unwrap();
    let before = first.get(&format!("Harbor/_apis/build/builds/{build}/timeline")).await.expect(200)["records"].clone();
    first.running.stop().await;
    let second = Stage::with(options).await;
    assert_eq!(second.get(&format!("Harbor/_apis/build/builds/{build}/timeline")).await.expect(200)["records"], before);
    assert_eq!(second.get(&format!("_apis/wit/workitems/{item}")).await.expect(200)["fields"]["System.Title"], "Kept");
}
