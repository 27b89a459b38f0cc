//! The control verbs of runs, releases and work items over HTTP, by what the API says afterwards.
use super::*;
use crate::sim::Control;

async fn stage() -> Stage {
    Stage::with(Options { control: Control::On, ..Options::default() }).await
}

impl Stage {
    async fn control(&self, verb: &str, body: &Value) -> Seen {
        self.send(self.http.post(format!("{}/_sim/{verb}", self.running.url())).json(body)).await
    }

    /// Does it, and gives the answer.
    async fn done(&self, verb: &str, body: Value) -> Value {
        let seen = self.control(verb, &body).await;
        assert_eq!(seen.status, 200, "{verb} {body}: {}", seen.text);
        seen.json()
    }

    async fn build(&self, id: &Value) -> Value {
        self.get(&format!("Harbor/_apis/build/builds/{id}")).await.expect(200)
    }

    /// Result or state of a stage of a run.
    async fn stage_of(&self, build: &Value, name: &str) -> String {
        let timeline = self.get(&format!("Harbor/_apis/build/builds/{build}/timeline")).await.expect(200);
        let found = timeline["records"].as_array().unwrap().iter().find(|row| row["type"] == "Stage" && row["identifier"] == name).cloned();
        let row = found.unwrap_or_else(|| panic!("no stage {name} in {timeline}"));
        row["result"].as_str().or(row["state"].as_str()).unwrap().to_owned()
    }

    async fn item(&self, id: &Value) -> Value {
        let asked = json!({ "ids": [id], "$expand": "relations" });
        self.post("Harbor/_apis/wit/workitemsbatch", asked).await.expect(200)["value"][0].clone()
    }
}

#[tokio::test]
async fn a_run_is_queued_approved_and_finished_over_http() {
    let stage = stage().await;
    let build = stage.done("queueBuild", json!({ "definition": "tide-api", "as": "alice", "branch": "main" })).await["build"].clone();
    assert_eq!(stage.build(&build).await["status"], "notStarted");
    stage.done("startBuild", json!({ "build": build })).await;
    assert_eq!(stage.build(&build).await["status"], "inProgress");
    for name in ["Build", "Test", "Staging"] {
        stage.done("endStage", json!({ "build": build, "stage": name, "result": "succeeded" })).await;
    }
    stage.done("beginStage", json!({ "build": build, "stage": "Production" })).await;
    assert_eq!(stage.stage_of(&build, "Production").await, "pending");
    let answer = |who: &str| json!({ "build": build, "stage": "Production", "as": who, "decision": "approve" });
    let refused = stage.control("decideStage", &answer("alice")).await.expect(400);
    assert!(refused["error"].as_str().unwrap().contains("does not wait for them"), "{refused}");
    stage.done("decideStage", answer("bob")).await;
    assert_eq!(stage.stage_of(&build, "Production").await, "inProgress");
    stage.done("endStage", json!({ "build": build, "stage": "Production", "result": "succeededWithIssues" })).await;
    stage.done("finishBuild", json!({ "build": build, "result": "partiallySucceeded" })).await;
    let finished = stage.build(&build).await;
    assert_eq!((&finished["status"], &finished["result"]), (&json!("completed"), &json!("partiallySucceeded")));
    let records = stage.get("Harbor/_apis/distributedtask/environments/2/environmentdeploymentrecords").await.expect(200);
    let mine = records["value"].as_array().unwrap().iter().filter(|row| row["owner"]["id"] == build).count();
    assert_eq!(mine, 1);
    stage.done("forgetTimeline", json!({ "build": build })).await;
    stage.get(&format!("Harbor/_apis/build/builds/{build}/timeline")).await.refused(404, "TimelineNotFoundException");
}

#[tokio::test]
async fn a_check_of_a_pull_request_runs_on_its_merge() {
    let stage = stage().await;
    let requests = stage.get("Harbor/_apis/git/pullrequests").await.expect(200);
    let request = requests["value"].as_array().unwrap().iter().find(|row| row["title"].as_str().unwrap().starts_with("HAR-14")).unwrap();
    let asked = json!({ "definition": 7, "as": "bob", "pullRequest": request["pullRequestId"] });
    let build = stage.build(&stage.done("queueBuild", asked).await["build"]).await;
    assert_eq!((&build["reason"], &build["sourceVersion"]), (&json!("pullRequest"), &request["lastMergeCommit"]["commitId"]));
    let refused = stage.control("queueBuild", &json!({ "definition": "nothing", "as": "bob" })).await.expect(404);
    assert!(refused["error"].as_str().unwrap().contains("nothing"), "{refused}");
}

#[tokio::test]
async fn a_whole_deployment_is_one_request_and_the_run_ends_as_its_stages_did() {
    let stage = stage().await;
    let main = stage.get("Harbor/_apis/git/repositories/harbor-web/commits?$top=2").await.expect(200);
    let commit = main["value"][1]["commitId"].clone();
    for (last, result) in
        [("succeeded", "succeeded"), ("succeededWithIssues", "partiallySucceeded"), ("failed", "failed"), ("canceled", "canceled")]
    {
        let stages = json!([["Build", "succeeded"], ["Staging", "succeeded"], ["ProdNorth", last]]);
        let asked = json!({ "definition": "harbor-web", "as": "carol", "stages": stages, "commit": commit });
        let id = stage.done("deploy", asked).await["build"].clone();
        let build = stage.build(&id).await;
        assert_eq!((&build["result"], &build["sourceVersion"]), (&json!(result), &commit));
        assert_eq!((stage.stage_of(&id, "ProdNorth").await.as_str(), stage.stage_of(&id, "ProdSouth").await.as_str()), (last, "skipped"));
    }
}

#[tokio::test]
async fn a_classic_deployment_is_begun_and_ended() {
    let stage = stage().await;
    let build = stage.done("deploy", json!({ "definition": "ops", "as": "erin", "stages": [] })).await["build"].clone();
    let asked = |status: &str| json!({ "definition": "ops", "build": build, "environment": "production", "as": "erin", "status": status });
    let id = stage.done("deployRelease", asked("inProgress")).await["deployment"].clone();
    let find = async |id: &Value| {
        let list = stage.at_release("Harbor/_apis/release/deployments?$top=100").await.expect(200);
        list["value"].as_array().unwrap().iter().find(|row| &row["id"] == id).unwrap().clone()
    };
    let running = find(&id).await;
    assert_eq!((&running["deploymentStatus"], &running["attempt"]), (&json!("inProgress"), &json!(1)));
    stage.done("finishDeployment", json!({ "deployment": id, "status": "failed" })).await;
    assert_eq!(find(&id).await["deploymentStatus"], "failed");
    let again = stage.done("deployRelease", asked("succeeded")).await["deployment"].clone();
    let again = find(&again).await;
    assert_eq!((&again["deploymentStatus"], &again["attempt"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(again["release"]["id"], running["release"]["id"], "the same release once more");
    let refused = stage.control("finishDeployment", &json!({ "deployment": 99_999, "status": "failed" })).await.expect(400);
    assert!(refused["error"].as_str().unwrap().contains("99999"), "{refused}");
}

#[tokio::test]
async fn a_work_item_is_made_changed_and_linked_once() {
    let stage = stage().await;
    let made = json!({ "project": "Harbor", "kind": "Bug", "title": "Tides are late", "as": "dave", "tags": ["Incident"] });
    let id = stage.done("createWorkItem", made).await["workItem"].clone();
    let item = stage.item(&id).await;
    let fields = &item["fields"];
    assert_eq!((&fields["System.State"], &fields["System.Tags"]), (&json!("New"), &json!("Incident")));
    stage.done("updateWorkItem", json!({ "workItem": id, "as": "dave", "state": "Resolved", "title": "Tides were late" })).await;
    let item = stage.item(&id).await;
    assert_eq!((&item["fields"]["System.State"], &item["fields"]["System.Title"]), (&json!("Resolved"), &json!("Tides were late")));
    assert_eq!(item["fields"]["System.Tags"], "Incident", "what is not said stays");

    let commit = stage.get("Harbor/_apis/git/repositories/tide-api/commits?$top=1").await.expect(200)["value"][0]["commitId"].clone();
    let requests = stage.get("Harbor/_apis/git/pullrequests").await.expect(200);
    let request = &requests["value"][0]["pullRequestId"];
    for (to, known) in [
        (json!({ "pullRequest": request }), 1),
        (json!({ "build": 402 }), 2),
        (json!({ "repository": "Harbor/tide-api", "commit": commit }), 3),
        (json!({ "build": 402 }), 3),
    ] {
        let mut asked = json!({ "workItem": id, "as": "dave" });
        asked.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
        stage.done("linkWorkItem", asked).await;
        assert_eq!(stage.item(&id).await["relations"].as_array().unwrap().len(), known, "{to}");
    }
    for to in [json!({}), json!({ "repository": "tide-api" }), json!({ "build": 402, "pullRequest": request })] {
        let mut asked = json!({ "workItem": id, "as": "dave" });
        asked.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
        let refused = stage.control("linkWorkItem", &asked).await.expect(400);
        assert!(refused["error"].as_str().unwrap().contains("Say pullRequest, or build"), "{refused}");
    }
}

#[tokio::test]
async fn what_somebody_may_see_and_what_an_organisation_has_is_taken_away_and_given_back() {
    let stage = stage().await;
    let builds = "Harbor/_apis/build/builds";
    stage.done("hideBuilds", json!({ "project": "Harbor", "as": "alice" })).await;
    stage.get(builds).await.refused(403, "AccessDeniedException");
    stage.as_user("bob-token", Method::GET, builds, Value::Null).await.expect(200);
    stage.done("showBuilds", json!({ "project": "Harbor", "as": "alice" })).await;
    stage.get(builds).await.expect(200);

    let items = json!({ "ids": [201] });
    for (service, off) in [("boards", [404, 200, 9]), ("pipelines", [200, 404, 9]), ("classicReleases", [200, 200, 0])] {
        stage.done("switchOff", json!({ "service": service })).await;
        let seen = [
            u64::from(stage.post("Harbor/_apis/wit/workitemsbatch", items.clone()).await.status),
            u64::from(stage.get(builds).await.status),
            stage.at_release("Harbor/_apis/release/deployments").await.expect(200)["count"].as_u64().unwrap(),
        ];
        assert_eq!(seen, off, "without {service}");
        stage.done("switchOn", json!({ "service": service })).await;
    }
    stage.post("Harbor/_apis/wit/workitemsbatch", items).await.expect(200);
    assert_eq!(stage.get(builds).await.status, 200);
    assert_eq!(stage.at_release("Harbor/_apis/release/deployments").await.expect(200)["count"], 9);
}

#[tokio::test]
async fn a_body_that_does_not_fit_the_verb_is_refused_in_words() {
    let stage = stage().await;
    for (verb, body, words) in [
        ("queueBuild", json!({ "as": "bob" }), "definition"),
        ("endStage", json!({ "build": 402, "stage": "Build", "result": "excellent" }), "excellent"),
        ("endStage", json!({ "build": 402, "stage": "Nowhere", "result": "failed" }), "no stage called Nowhere"),
        ("startBuild", json!({ "build": 402, "loudly": true }), "loudly"),
        ("switchOff", json!({ "service": "coffee" }), "coffee"),
    ] {
        let refused = stage.control(verb, &body).await.expect(400);
        assert!(refused["error"].as_str().unwrap().contains(words), "{verb}: {refused}");
    }
    let closed = Stage::new().await;
    assert_eq!(closed.control("startBuild", &json!({ "build": 402 })).await.status, 404, "nobody opened the door");
}
