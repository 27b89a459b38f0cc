//! Work items: the query and its splitting, batches, links.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::server::{PROJECT, REPOSITORY, Reply, Scene, project, repository};
use crate::ado::{Artifact, WorkItemQuery};
use crate::domain::fact::ItemLink;
use crate::domain::id::{Guid, ObjectId};
use crate::domain::work_item::LinkTarget;

const SHA: &str = "1f2e3d4c5b6a79880123456789abcdef01234567";

fn query(types: &[&str], tags: &[&str]) -> WorkItemQuery {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    WorkItemQuery { changed_since: "2026-02-01T00:00:00Z".parse().unwrap(), types: own(types), tags: own(tags) }
}

fn found(ids: &[i64]) -> Reply {
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id, "url": "x"})).collect();
    Reply::ok(json!({"queryType": "flat", "asOf": "2026-03-01T00:00:00Z", "columns": [], "workItems": items}))
}

fn too_many() -> Reply {
    let words = "VS402337: The number of work items returned exceeds the size limit of 20000. Change the query to return fewer items.";
    Reply::error(400, "WorkItemTrackingQueryResultSizeLimitExceededException", words)
}

#[tokio::test]
async fn the_query_names_types_and_tags_and_no_name_can_break_out_of_it() {
    let scene = Scene::new().await;
    scene.on("POST", "/wit/wiql", [found(&[7, 3, 7])]);
    assert_eq!(scene.client.work_item_ids(&project(), &query(&["Bug", "Ops' Issue"], &["incident"])).await.unwrap(), [3, 7]);
    scene.client.work_item_ids(&project(), &query(&[], &[])).await.unwrap();
    let asked: Vec<_> = scene.find("POST", "/wit/wiql").iter().map(|s| s.json()["query"].as_str().unwrap().to_owned()).collect();
    let head = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.ChangedDate] >= '2026-02-01T00:00:00Z'";
    assert_eq!(
        asked,
        [
            format!(
                "{head} AND ([System.WorkItemType] IN ('Bug', 'Ops'' Issue') OR [System.Tags] CONTAINS 'incident') ORDER BY [System.Id]"
            ),
            format!("{head} ORDER BY [System.Id]"),
        ]
    );
    assert!(scene.find("POST", "/wit/wiql")[0].target.contains("timePrecision=true"), "times in a query need it");
}

#[tokio::test]
async fn more_than_the_service_answers_with_is_asked_for_in_ranges() {
    let scene = Scene::new().await;
    // Everything; then the lower half, which is too much again; its two halves; then the upper half.
    scene.on("POST", "/wit/wiql", [too_many(), too_many(), found(&[1, 2]), found(&[600_000_000]), found(&[])]);
    assert_eq!(scene.client.work_item_ids(&project(), &query(&["Bug"], &[])).await.unwrap(), [1, 2, 600_000_000]);
    let ranges: Vec<_> = scene
        .find("POST", "/wit/wiql")
        .iter()
        .map(|s| s.json()["query"].as_str().unwrap().split("('Bug'))").nth(1).unwrap().replace(" ORDER BY [System.Id]", ""))
        .collect();
    assert_eq!(
        ranges,
        [
            "",
            " AND [System.Id] >= 0 AND [System.Id] < 1073741824",
            " AND [System.Id] >= 0 AND [System.Id] < 536870912",
            " AND [System.Id] >= 536870912 AND [System.Id] < 1073741824",
            " AND [System.Id] >= 1073741824 AND [System.Id] < 2147483648",
        ]
    );
    // A service that always says so is not asked for ever.
    scene.on("POST", "/wit/wiql", [too_many()]);
    let error = scene.client.work_item_ids(&project(), &query(&[], &[])).await.unwrap_err();
    assert_eq!(error.service_code(), Some("VS402337"));
    assert!(scene.count("POST", "/wit/wiql") < 50);
}

fn row(id: i64, fields: Value) -> Value {
    json!({"id": id, "rev": 4, "fields": fields, "url": "x"})
}

#[tokio::test]
async fn work_items_come_in_batches_of_two_hundred_without_those_that_are_not_there() {
    let scene = Scene::new().await;
    let fields = json!({
        "System.Id": 7, "System.Rev": 9, "System.WorkItemType": "Bug", "System.State": "Resolved", "System.Title": "It broke",
        "System.Tags": "incident; eu ;", "System.AreaPath": "Orbit\\Api", "System.CreatedDate": "2026-02-01T10:00:00.123Z",
        "System.ChangedDate": "2026-02-03T10:00:00Z", "Microsoft.VSTS.Common.ClosedDate": "2026-02-02T10:00:00Z"
    });
    scene.on("POST", "workitemsbatch", [Reply::list(json!([row(7, fields), null, row(8, json!({"System.Title": 5})), {"id": 9}]))]);
    let numbers: Vec<i64> = (1..=450).collect();
    let items = scene.client.work_items(&numbers).await.unwrap();
    let sizes: Vec<_> = scene.find("POST", "workitemsbatch").iter().map(|s| s.json()["ids"].as_array().unwrap().len()).collect();
    assert_eq!((sizes, items.len()), (vec![200, 200, 50], 9));
    let bug = &items[0];
    assert_eq!((bug.number, bug.revision, bug.kind.as_str(), bug.state.as_str()), (7, 4, "Bug", "Resolved"));
    assert_eq!((bug.title.as_str(), bug.tags.join(","), bug.area.as_str()), ("It broke", "incident,eu".to_owned(), "Orbit\\Api"));
    let at = |text: &str| text.parse::<Timestamp>().ok();
    assert_eq!((bug.created_at, bug.resolved_at), (at("2026-02-01T10:00:00.123Z"), at("2026-02-02T10:00:00Z")));
    assert_eq!((items[1].title.as_str(), items[2].created_at), ("", None));
    let body = scene.find("POST", "workitemsbatch")[0].json();
    assert_eq!((&body["errorPolicy"], body["fields"].as_array().unwrap().len(), body.get("$expand")), (&json!("omit"), 11, None));
    assert_eq!(scene.client.work_items(&[]).await.unwrap(), []);
    assert_eq!(scene.count("POST", "workitemsbatch"), 3, "nothing is asked for nothing");
}

#[tokio::test]
async fn a_collection_without_the_fields_of_the_common_processes_is_asked_for_less() {
    let scene = Scene::new().await;
    let refusal = Reply::error(400, "InvalidFieldException", "TF51535: Cannot find field Microsoft.VSTS.Common.ResolvedDate.");
    scene.on("POST", "workitemsbatch", [refusal, Reply::list(json!([row(7, json!({"System.Title": "x"}))]))]);
    assert_eq!(scene.client.work_items(&[7]).await.unwrap()[0].title, "x");
    let asked = scene.find("POST", "workitemsbatch")[1].json();
    assert!(asked["fields"].as_array().unwrap().iter().all(|name| name.as_str().unwrap().starts_with("System.")), "{asked}");
}

#[tokio::test]
async fn a_work_item_s_own_links_are_read_in_every_writing() {
    let scene = Scene::new().await;
    let relation = |url: String| json!({"rel": "ArtifactLink", "url": url, "attributes": {"name": "x"}});
    let mut item = row(7, json!({"System.Title": "It broke"}));
    item["relations"] = json!([
        relation(format!("vstfs:///Git/PullRequestId/{PROJECT}%2F{REPOSITORY}%2F12")),
        relation(format!("vstfs:///Git/PullRequestId/{PROJECT}%2f{}%2f12", REPOSITORY.to_uppercase())),
        relation(format!("vstfs:///Git/Commit/{PROJECT}%2F{REPOSITORY}%2F{SHA}")),
        relation("vstfs:///Build/Build/4711".to_owned()),
        relation(format!("vstfs:///Git/Ref/{PROJECT}%2F{REPOSITORY}%2FGBmain")),
        relation("vstfs:///Git/Commit/a%2Fb%2Fnot-a-commit".to_owned()),
        {"rel": "System.LinkTypes.Hierarchy-Forward", "url": "https://lumen.example/_apis/wit/workItems/8"},
        {"rel": "ArtifactLink", "url": null},
        null,
    ]);
    scene.on("POST", "workitemsbatch", [Reply::list(json!([item]))]);
    let linked = scene.client.work_items_with_links(&[7]).await.unwrap();
    let repository = Some(Guid::new(REPOSITORY));
    assert_eq!(
        linked[0].links,
        [
            ItemLink { repository: repository.clone(), target: LinkTarget::PullRequest { number: 12 } },
            ItemLink { repository, target: LinkTarget::Commit { sha: ObjectId::new(SHA) } },
            ItemLink { repository: None, target: LinkTarget::Build { number: 4711 } },
        ]
    );
    assert_eq!(linked[0].item.title, "It broke");
    let asked = scene.find("POST", "workitemsbatch")[0].json();
    assert_eq!((asked["$expand"].as_str(), asked.get("fields")), (Some("relations"), None), "one or the other");
}

#[tokio::test]
async fn what_hangs_on_each_thing_comes_in_the_order_of_the_question() {
    let scene = Scene::new().await;
    let sha = ObjectId::new(SHA);
    let answer = json!({"artifactUrisQueryResult": {
        format!("vstfs:///git/commit/{PROJECT}%2f{REPOSITORY}%2f{SHA}"): [{"id": 9, "url": "x"}, {"id": 2}],
        format!("vstfs:///Git/PullRequestId/{PROJECT}%2F{REPOSITORY}%2F12"): [{"id": 1}],
        format!("vstfs:///Git/PullRequestId/{PROJECT}%2F{REPOSITORY}%2F13"): [],
    }});
    scene.on("POST", "artifacturiquery", [Reply::ok(answer)]);
    let r = repository();
    let things = [
        Artifact::PullRequest { repository: r, number: 13 },
        Artifact::Commit { repository: r, sha: &sha },
        Artifact::Build { number: 5 },
        Artifact::PullRequest { repository: r, number: 12 },
    ];
    assert_eq!(scene.client.linked_work_items(&things).await.unwrap(), [vec![], vec![2, 9], vec![], vec![1]]);
    let many = vec![Artifact::Build { number: 5 }; 401];
    assert_eq!(scene.client.linked_work_items(&many).await.unwrap().len(), 401);
    let sizes: Vec<_> = scene.find("POST", "artifacturiquery").iter().map(|s| s.json()["artifactUris"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [4, 200, 200, 1]);
}
