//! Every body that the simulator posts, through the reader of events: two readings of one description, written apart from each other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::Uri;
use kanado::ado::event::{Read, What, envelope, read};
use kanado::ado::{HookSecret, NewHook, RepoRef};
use kanado::domain::hook::Purpose;
use kanado::sim;
use kanado::sim::control::Emission;

use crate::support::inside::Inside;
use crate::support::payload::named;

/// What arrived, by the last part of the path.
type Caught = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

async fn catcher() -> (String, Caught) {
    let caught = Caught::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keep = async |State(caught): State<Caught>, uri: Uri, body: Bytes| {
        let last = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
        caught.lock().unwrap().push((last, body.to_vec()));
    };
    let app = Router::new().fallback(keep).with_state(caught.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, caught)
}

fn expected(purpose: Purpose) -> &'static str {
    use Purpose::*;
    match purpose {
        PullRequestCreated | PullRequestMerged | PullRequestPush | PullRequestReviewers | PullRequestStatus | PullRequestVote => {
            "pull request"
        }
        PullRequestComment => "comment",
        Push => "push",
        RepositoryCreated | RepositoryRenamed | RepositoryDeleted | RepositoryStatus => "repository",
        BuildCompleted | RunState | StageState => "build",
        DeploymentCompleted => "deployment",
        WorkItemCreated | WorkItemUpdated | WorkItemDeleted | WorkItemRestored | WorkItemCommented => "work item",
    }
}

#[tokio::test]
async fn every_body_the_simulator_posts_is_read_as_what_it_is_and_its_samples_as_tests() {
    let world = Inside::start(sim::Options { loopback_hooks: sim::hooks::Loopback::Allowed, ..sim::Options::default() }).await;
    let (alice, project) = world.person("alice", &["tide-api"]).await;
    let repositories = alice.ctx.store.repositories(project.id).await.unwrap();
    let repository = repositories.iter().find(|known| known.name == "tide-api").unwrap();
    let client = alice.ctx.client(&project).await.unwrap();
    let (url, caught) = catcher().await;
    let control = world.sim.control();
    control.push_file("Harbor/tide-api", ("topic", None), "bob", ("/x.md", b"x"), "A topic").await.unwrap();
    let number = control.open("Harbor/tide-api", ("topic", "main"), "A topic", "bob").await.unwrap();
    control.comment(number, "carol", "Why so?").await.unwrap();
    control.vote(number, "carol", 5).await.unwrap();
    let asked = client.pull_request(RepoRef { project: &project.guid, repository: &repository.guid }, number.into()).await.unwrap();
    let secret = HookSecret::new("not-a-secret".to_owned());

    for purpose in Purpose::ALL {
        let mut inputs = BTreeMap::from([("projectId".to_owned(), project.guid.to_string())]);
        if let Some(kind) = purpose.event().notification_type {
            inputs.insert("notificationType".to_owned(), kind.to_owned());
        }
        let new = NewHook {
            event: purpose.event(),
            publisher_inputs: inputs,
            url: format!("{url}/{}", purpose.word()),
            user: "kanado".to_owned(),
        };
        let made = client.create_hook_subscription(&new, &secret).await.unwrap();
        control.hooks_idle().await.unwrap();
        caught.lock().unwrap().clear();
        let about_pull_request = purpose.event().event_type.contains("pullrequest");
        let emission = Emission {
            event_type: purpose.event().event_type.to_owned(),
            project: Some("Harbor".to_owned()),
            repository: Some("Harbor/tide-api".to_owned()),
            pull_request: about_pull_request.then_some(number),
            notification_type: purpose.event().notification_type.map(str::to_owned),
            ..Emission::default()
        };
        control.emit(emission).await.unwrap();
        control.hooks_idle().await.unwrap();
        let real: Vec<_> = caught.lock().unwrap().drain(..).filter(|(word, _)| word == purpose.word()).collect();
        assert!(!real.is_empty(), "nothing was posted for {}", purpose.word());
        for (_, body) in real {
            let text = String::from_utf8_lossy(&body);
            let Read::Event(event) = read(&body) else { panic!("{text}") };
            assert_eq!(named(&event.what), expected(purpose), "{text}");
            assert!(!event.envelope.is_test_at(&project.guid) && !event.envelope.is_of_another_than(&project.guid), "{text}");
            assert_eq!(event.envelope.project.as_ref(), Some(&project.guid), "{text}");
            assert_eq!(event.envelope.subscription.as_ref(), Some(&made.id), "{text}");
            if let What::PullRequest(about) | What::Comment { about, .. } = event.what {
                let said = about.fact.unwrap_or_else(|| panic!("{text}"));
                assert_eq!((said.status, &said.source_branch, said.created_at), (asked.status, &asked.source_branch, asked.created_at));
                assert_eq!(said.reviewers, asked.reviewers);
            }
        }
        client.test_hook_subscription(&new, &made.id, Some(&secret)).await.unwrap();
        control.hooks_idle().await.unwrap();
        let samples: Vec<_> = caught.lock().unwrap().drain(..).filter(|(word, _)| word == purpose.word()).collect();
        assert!(!samples.is_empty(), "no sample for {}", purpose.word());
        for (_, body) in samples {
            assert!(envelope(&body).is_test_at(&project.guid), "{}", String::from_utf8_lossy(&body));
        }
        client.delete_hook_subscription(purpose.event().publisher, &made.id).await.unwrap();
    }
}
