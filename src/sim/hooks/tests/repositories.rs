//! The life of a repository, by REST and from behind the scene, and what is told of it.
use super::*;

#[tokio::test]
async fn a_repository_is_made_renamed_disabled_forked_and_deleted_with_an_event_for_each() {
    let (stage, receiver) = (Stage::new().await, Receiver::start().await);
    for event_type in ["git.repo.created", "git.repo.renamed", "git.repo.statuschanged", "git.repo.forked", "git.repo.deleted"] {
        stage.subscribe(event_type, &receiver, json!({})).await;
    }
    let told = async |event_type: &str| {
        stage.idle().await;
        let arrived = receiver.take();
        let found = arrived.iter().find(|one| one.body["eventType"] == event_type);
        found.unwrap_or_else(|| panic!("no {event_type} among {arrived:#?}")).body["resource"].clone()
    };
    let body = json!({ "name": "lights", "project": { "id": stage.project("Harbor").await } });
    let (status, made) = stage.send(Method::POST, "git/repositories", body.clone()).await;
    assert_eq!((status, made["name"].as_str()), (201, Some("lights")), "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(told("git.repo.created").await["repository"]["id"], made["id"]);
    let (status, twice) = stage.send(Method::POST, "git/repositories", body).await;
    assert_eq!((status, twice["typeKey"].as_str()), (409, Some("GitRepositoryNameAlreadyExistsException")));
    let (status, renamed) = stage.send(Method::PATCH, &format!("git/repositories/{id}"), json!({ "name": "lamps" })).await;
    assert_eq!((status, renamed["name"].as_str()), (200, Some("lamps")), "{renamed}");
    let event = told("git.repo.renamed").await;
    assert_eq!((event["oldName"].as_str(), event["newName"].as_str()), (Some("lights"), Some("lamps")));
    stage.send(Method::PATCH, &format!("git/repositories/{id}"), json!({ "isDisabled": true })).await;
    assert_eq!(told("git.repo.statuschanged").await["disabled"], true);
    stage.control.enable_repository("lamps").await.unwrap();
    assert_eq!(told("git.repo.statuschanged").await["disabled"], false);
    stage.control.create_repository("Harbor", "pilot-fork", "bob", Some("pilot-cli")).await.unwrap();
    let event = told("git.repo.forked").await;
    assert_eq!(event["sourceRepository"]["name"], "pilot-cli");
    assert_eq!(event["targetRepository"]["name"], "pilot-fork");
    let place = stage.repository("pilot-fork").await;
    let refs = stage.get(&format!("git/repositories/{place}/refs?filter=heads/main")).await;
    assert_eq!(refs["count"], 1, "a fork has the branches");
    let (status, _) = stage.send(Method::DELETE, &format!("git/repositories/{id}"), Value::Null).await;
    assert_eq!(status, 204);
    let event = told("git.repo.deleted").await;
    assert_eq!((event["repositoryId"].as_str(), event["repositoryName"].as_str()), (Some(id.as_str()), Some("lamps")));
    assert!(event.get("repository").is_none());
    assert_eq!(stage.send(Method::GET, &format!("git/repositories/{id}"), Value::Null).await.0, 404);
    stage.running.stop().await;
}

#[tokio::test]
async fn a_deleted_repository_takes_its_pull_requests_along_and_their_numbers_are_not_used_again() {
    let stage = Stage::new().await;
    stage.push("last").await;
    let last = stage.control.open("pilot-cli", ("last", "main"), "HAR-34 Last", "bob").await.unwrap();
    stage.control.delete_repository("pilot-cli", "bob").await.unwrap();
    assert_eq!(stage.send(Method::GET, &format!("git/pullrequests/{last}"), Value::Null).await.0, 404);
    stage.control.push_file("ops", ("next", None), "bob", ("/n.md", b"n"), "Next").await.unwrap();
    let next = stage.control.open("ops", ("next", "main"), "HAR-35 Next", "bob").await.unwrap();
    assert!(next > last);
    stage.running.stop().await;
}
