//! Whatever an authenticated body holds, it is kept and acknowledged; what it is taken for differs.

use std::sync::Arc;

use super::*;

#[tokio::test]
async fn a_body_of_another_project_is_kept_and_believed_in_nothing() {
    let scene = Scene::new().await;
    assert!(scene.to_tide(&push(REEF, 1)).await.is(StatusCode::OK));
    assert_eq!(scene.newest().await.state, DeliveryState::Quarantined);
    assert!(scene.kept(scene.reef).await.is_empty());
    // The project may be written in any case, and a subscription that nobody knows is no reason to lose an event.
    assert!(scene.to_tide(&push(&TIDE.to_uppercase(), 2)).await.is(StatusCode::OK));
    assert!(scene.deliver(&path_of(&TIDE.to_uppercase()), SECRET_OF_TIDE, &push(TIDE, 3)).await.is(StatusCode::OK));
    let states: Vec<_> = scene.kept(scene.tide).await.into_iter().map(|delivery| delivery.state).collect();
    assert_eq!(states, [DeliveryState::Waiting, DeliveryState::Waiting, DeliveryState::Quarantined]);
}

#[tokio::test]
async fn the_general_routes_find_the_project_in_the_body_if_the_secret_opens_it() {
    let scene = Scene::new().await;
    for (number, place) in (1..).zip(["project", "merge-request", "boards"]) {
        let path = format!("/v1/azure/webhook/{place}");
        assert!(scene.deliver(&path, SECRET_OF_REEF, &push(REEF, number)).await.is(StatusCode::OK));
        let kept = &scene.kept(scene.reef).await[0];
        assert_eq!((kept.state, kept.purpose.as_deref()), (DeliveryState::Waiting, Some(place)));
    }
    assert!(scene.deliver("/v1/azure/webhook/boards", SECRET_OF_REEF, &push(TIDE, 4)).await.is(StatusCode::OK));
    assert_eq!(scene.kept(scene.reef).await[0].state, DeliveryState::Quarantined);
    assert!(scene.kept(scene.tide).await.is_empty());
}

#[tokio::test]
async fn the_purpose_of_the_path_is_kept_with_the_delivery() {
    let scene = Scene::new().await;
    let path = format!("{}/pull-request-vote", path_of(TIDE));
    assert!(scene.deliver(&path, SECRET_OF_TIDE, &push(TIDE, 1)).await.is(StatusCode::OK));
    assert_eq!(scene.newest().await.purpose.as_deref(), Some("pull-request-vote"));
    assert!(scene.deliver(&format!("{}/typo", path_of(TIDE)), SECRET_OF_TIDE, &push(TIDE, 2)).await.is(StatusCode::OK));
    assert_eq!(scene.newest().await.purpose, None);
}

#[tokio::test]
async fn a_test_of_the_subscription_page_is_acknowledged_each_time_and_never_applied() {
    let scene = Scene::new().await;
    let mut tests = vec![
        br#"{"subscriptionId":"00000000-0000-0000-0000-000000000000","notificationId":1,"id":"x","eventType":"git.push","resource":{}}"#
            .to_vec(),
    ];
    tests.push(
        serde_json::json!({
            "subscriptionId": "0a1b2c3d-1111-4000-8000-0000000000d1", "notificationId": 5, "id": "y", "eventType": "git.push",
            "resource": {"repository": {"remoteUrl": "https://fabrikam-fiber-inc.visualstudio.com/_git/x"}},
        })
        .to_string()
        .into_bytes(),
    );
    for test in &tests {
        for _ in 0..2 {
            assert!(scene.to_tide(test).await.is(StatusCode::OK));
            assert_eq!(scene.newest().await.state, DeliveryState::Test, "{}", String::from_utf8_lossy(test));
        }
    }
    assert_eq!(scene.kept(scene.tide).await.len(), 4, "the second is not swallowed");
    assert_eq!(scene.store().next_due().await.unwrap(), None, "nothing waits to be applied");
}

#[tokio::test]
async fn a_body_that_cannot_be_understood_is_kept_as_it_is_and_acknowledged() {
    let scene = Scene::new().await;
    let deep = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    let deep_in = |depth: usize| [b"{\"id\":\"d\",\"eventType\":\"git.push\",\"resource\":".to_vec(), deep(depth), b"}".to_vec()].concat();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("{\"id\":1}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let dead: Vec<Vec<u8>> = vec![
        vec![],
        b"   \r\n".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"42".to_vec(),
        b"\"text\"".to_vec(),
        b"nonsense".to_vec(),
        b"{".to_vec(),
        b"{\"id\":\"a\"} trailing".to_vec(),
        b"{\"id\":\"\xff\xfe\"}".to_vec(),
        utf16,
        deep(100_000),
        deep(127),
        b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--".to_vec(),
        b"a=1&b=2".to_vec(),
    ];
    for body in &dead {
        let reply = scene.to_tide(body).await;
        assert!(reply.is(StatusCode::OK), "{:.40} {reply:?}", String::from_utf8_lossy(body));
        let newest = scene.newest().await;
        assert_eq!(newest.state, DeliveryState::Dead, "{:.40}", String::from_utf8_lossy(body));
        assert!(newest.words.is_some_and(|words| !words.is_empty()));
        assert_eq!(scene.store().delivery_body(newest.id).await.unwrap().unwrap(), *body);
    }
    // Odd, and nothing that stops the outside from being read: whether there is sense in it is for whoever applies it.
    let odd: Vec<Vec<u8>> = vec![
        [b"\xef\xbb\xbf".to_vec(), push(TIDE, 1)].concat(),
        br#"{"id":"a","eventType":"git.push","x":1e400,"y":9223372036854775808,"z":-0,"resource":{}}"#.to_vec(),
        br#"{"id":"b","id":"c","eventType":"git.push","resource":{}}"#.to_vec(),
        br#"{"id":"nul\u0000here","eventType":"git.push\u0000","resource":{}}"#.to_vec(),
        br#"{"id":7,"eventType":["git.push"],"subscriptionId":12,"notificationId":"x","resourceContainers":[],"resource":null}"#.to_vec(),
        deep_in(100),
    ];
    for body in &odd {
        let reply = scene.to_tide(body).await;
        assert!(reply.is(StatusCode::OK), "{:.60}", String::from_utf8_lossy(body));
        assert_ne!(scene.newest().await.state, DeliveryState::Quarantined, "{:.60}", String::from_utf8_lossy(body));
    }
    for body in [deep_in(127), deep_in(128), deep_in(129), deep_in(100_000), br#"{"id":"\ud800","eventType":"git.push"}"#.to_vec()] {
        assert!(scene.to_tide(&body).await.is(StatusCode::OK), "{:.60}", String::from_utf8_lossy(&body));
    }
    assert_eq!(scene.kept(scene.tide).await.len(), dead.len() + odd.len() + 5, "each is a row of its own");
}

#[tokio::test]
async fn the_content_type_decides_nothing() {
    let scene = Scene::new().await;
    for (number, kind) in
        (1..).zip(["Content-Type: text/plain\r\n", "", "Content-Type: ;;;\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"])
    {
        let body = push(TIDE, number);
        let head = post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len())
            .replace("Content-Type: application/json; charset=utf-8\r\n", kind);
        assert!(scene.ask(&head, &body).await.is(StatusCode::OK), "{kind}");
        assert_eq!(scene.newest().await.state, DeliveryState::Waiting, "{kind}");
    }
}

#[tokio::test]
async fn a_push_of_a_hundred_thousand_commits_is_one_delivery() {
    let scene = Scene::new().await;
    let mut body = b"{\"id\":\"large\",\"eventType\":\"git.push\",\"resource\":{\"commits\":[".to_vec();
    for number in 0..100_000 {
        body.extend(format!("{}{{\"commitId\":\"{number:020}\"}}", if number == 0 { "" } else { "," }).bytes());
    }
    body.extend(b"]}}");
    assert!(body.len() > 3_500_000 && body.len() <= Limits::default().body, "{}", body.len());
    assert!(scene.to_tide(&body).await.is(StatusCode::OK));
    let newest = scene.newest().await;
    assert_eq!((newest.state, newest.bytes), (DeliveryState::Waiting, body.len() as i64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_delivery_a_thousand_times_at_once_is_one_row_and_a_thousand_acknowledgements() {
    let scene = Arc::new(Scene::new().await);
    let body = push(TIDE, 1);
    let request: Vec<u8> = [post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len()).into_bytes(), body].concat();
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (scene, request) = (scene.clone(), request.clone());
        senders.spawn(async move {
            let mut line = scene.connect().await;
            line.send(&request.repeat(20)).await;
            let mut taken = 0;
            for _ in 0..20 {
                taken += usize::from(line.reply().await.is(StatusCode::OK));
            }
            taken
        });
    }
    assert_eq!(senders.join_all().await.into_iter().sum::<usize>(), 1_000);
    assert_eq!(scene.kept(scene.tide).await.len(), 1);
}

#[tokio::test]
async fn whoever_applies_deliveries_is_woken_by_one_that_waits_and_by_nothing_else() {
    let scene = Scene::new().await;
    let is_woken = async || tokio::time::timeout(Duration::ZERO, scene.wake.woken()).await.is_ok();
    scene.to_tide(b"nonsense").await;
    scene.deliver(&path_of(TIDE), "wrong", &push(TIDE, 1)).await;
    assert!(!is_woken().await);
    assert!(scene.to_tide(&push(TIDE, 1)).await.is(StatusCode::OK));
    assert!(is_woken().await);
    assert!(scene.to_tide(&push(TIDE, 1)).await.is(StatusCode::OK));
    assert!(!is_woken().await, "it was kept before");
}
