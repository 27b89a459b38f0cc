//! Classic releases, at their own host.
use super::*;
use crate::sim::world::{DeploymentStatus, Release, ReleaseArtifact, ReleaseDeployment, Service};

#[tokio::test]
async fn deployments_name_their_commit_their_attempt_and_their_approvals() {
    let stage = Stage::new().await;
    let list = stage.at_release("Harbor/_apis/release/deployments?$top=100").await.expect(200);
    let rows = list["value"].as_array().unwrap();
    let newest = &rows[0];
    assert_eq!((newest["releaseEnvironment"]["name"].as_str(), newest["attempt"].as_i64()), (Some("Production"), Some(2)));
    assert_eq!((newest["deploymentStatus"].as_str(), newest["operationStatus"].as_str()), (Some("succeeded"), Some("Approved")));
    let reference = &newest["release"]["artifacts"][0]["definitionReference"];
    let build = stage.get(&format!("Harbor/_apis/build/builds/{}", reference["version"]["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(reference["sourceVersion"]["id"], build["sourceVersion"]);
    let refused = rows.iter().find(|row| row["operationStatus"] == "Rejected").unwrap();
    assert_eq!((refused["deploymentStatus"].as_str(), refused["startedOn"].as_str()), (Some("notDeployed"), Some("0001-01-01T00:00:00")));
    assert_eq!(refused["preDeployApprovals"][0]["status"], "rejected");
    // Not at the host of everything else.
    assert_eq!(stage.get("Harbor/_apis/release/deployments").await.status, 404);
    assert_eq!(stage.at_release("Harbor/_apis/build/builds").await.status, 404);
}

#[tokio::test]
async fn deployments_page_by_a_number_and_hold_a_hundred_at_most() {
    let stage = Stage::new().await;
    stage
        .running
        .control()
        .change_world(|world| {
            let definition = world.release_definition(1).unwrap().clone();
            let (by, now) = (definition.created_by, world.now());
            let release = Release::new(900, &definition, ReleaseArtifact::of_build(409), by, now);
            for id in 1000..1250 {
                let row =
                    ReleaseDeployment::new(id, &release, &definition.environments[0], now, by).ran(now, now, DeploymentStatus::Succeeded);
                world.release_deployments.insert(id, row);
            }
            world.releases.insert(900, release);
        })
        .await;
    let (mut found, mut token, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let seen = stage.at_release(&format!("Harbor/_apis/release/deployments?$top=1000&continuationToken={token}")).await;
        token = seen.header("x-ms-continuationtoken").to_owned();
        let list = seen.expect(200);
        let rows = list["value"].as_array().unwrap();
        assert!(rows.len() <= 100);
        found.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
        pages += 1;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, 3);
    let mut once = found.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!((once.len(), found.len()), (259, 259));
}

#[tokio::test]
async fn deployments_are_filtered_by_time_status_and_definition() {
    let stage = Stage::new().await;
    let list = async |rest: &str| stage.at_release(&format!("Harbor/_apis/release/deployments?{rest}")).await.expect(200);
    assert_eq!(list("deploymentStatus=failed").await["count"], 1);
    assert_eq!(list("operationStatus=rejected").await["count"], 1);
    assert_eq!(list("definitionId=2").await["count"], 0);
    assert_eq!(list("definitionEnvironmentId=102&latestAttemptsOnly=true").await["count"], 4);
    assert_eq!(list("sourceBranch=refs/heads/other").await["count"], 0);
    let since = (stage.running.control().world().await.now() - jiff::SignedDuration::from_hours(24 * 10)).to_string();
    // What never started has no start to be after.
    assert_eq!(list(&format!("minStartedTime={since}")).await["count"], 3);
    assert_eq!(list(&format!("minModifiedTime={since}&queryOrder=ascending")).await["count"], 3);
    assert_eq!(list(&format!("maxStartedTime={since}")).await["count"], 5);
    stage.at_release("Harbor/_apis/release/deployments?deploymentStatus=odd").await.refused(400, "InvalidEnumArgumentException");
}

#[tokio::test]
async fn definitions_are_listed_with_their_environments() {
    let stage = Stage::new().await;
    let list = stage.at_release("Harbor/_apis/release/definitions?$expand=environments").await.expect(200);
    let row = &list["value"][0];
    let names: Vec<_> = row["environments"].as_array().unwrap().iter().map(|plan| plan["name"].as_str().unwrap()).collect();
    assert_eq!((row["name"].as_str(), names), (Some("ops"), vec!["Test", "Production"]));
    stage.at_release("Harbor/_apis/release/definitions/9").await.refused(404, "ReleaseDefinitionNotFoundException");
    stage.running.control().switch_off(Service::ClassicReleases).await;
    assert_eq!(stage.at_release("Harbor/_apis/release/definitions").await.expect(200)["count"], 0);
    assert_eq!(stage.at_release("Harbor/_apis/release/deployments").await.expect(200)["count"], 0);
}

#[tokio::test]
async fn a_server_has_one_host_for_all() {
    let stage = Stage::with(Options { server_version: ServerVersion::Server2022, ..Options::default() }).await;
    assert_eq!(stage.at_release("Harbor/_apis/release/deployments").await.expect(200)["count"], 9);
    stage.get("Harbor/_apis/build/builds").await.expect(200);
}

#[tokio::test]
async fn a_classic_deployment_is_made_and_tried_again() {
    let stage = Stage::new().await;
    let control = stage.running.control();
    let build = control.deploy("ops", "erin", (None, None), &[]).await.unwrap();
    control.deploy_release("ops", build, "Test", "erin", DeploymentStatus::Succeeded).await.unwrap();
    let first = control.deploy_release("ops", build, "Production", "erin", DeploymentStatus::InProgress).await.unwrap();
    control.finish_deployment(first, DeploymentStatus::Failed).await.unwrap();
    control.deploy_release("ops", build, "production", "erin", DeploymentStatus::Succeeded).await.unwrap();
    let list = stage.at_release("Harbor/_apis/release/deployments?$top=3").await.expect(200);
    let told: Vec<_> = list["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["attempt"].as_i64().unwrap(), row["deploymentStatus"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(told, [(2, "succeeded".to_owned()), (1, "failed".to_owned()), (1, "succeeded".to_owned())]);
    let releases: std::collections::BTreeSet<i64> =
        list["value"].as_array().unwrap().iter().map(|row| row["release"]["id"].as_i64().unwrap()).collect();
    assert_eq!(releases.len(), 1);
}
