//! The end in order: what is under way is finished or put off, and nothing is acknowledged that was not kept.

use super::*;

fn hasty() -> Limits {
    Limits { grace: Duration::from_millis(500), ..Limits::default() }
}

#[tokio::test]
async fn a_body_under_way_at_the_end_is_finished_and_kept() {
    let scene = Scene::new().await;
    let body = push(TIDE, 1);
    let mut line = scene.connect().await;
    let more = format!("{}Expect: 100-continue\r\n", basic("x", SECRET_OF_TIDE));
    line.send(post(&path_of(TIDE), &more, body.len()).as_bytes()).await;
    // It is asked for the body: the request is under way.
    assert_eq!(line.reply().await.status, 100);
    line.send(&body[..10]).await;
    let mut idle = scene.connect().await;
    scene.end.cancel();
    assert!(idle.is_closed().await, "who says nothing is let go at once");
    line.send(&body[10..]).await;
    let reply = line.reply().await;
    assert!(reply.is(StatusCode::OK), "{reply:?}");
    assert!(line.is_closed().await);
    scene.serving.await.unwrap().unwrap();
    assert_eq!(scene.services.ctx.store.deliveries(None, DeliveryFilter::All, 10).await.unwrap().len(), 1);
    assert!(TcpStream::connect(scene.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_body_that_does_not_end_is_put_off_at_the_end_and_leaves_nothing() {
    let scene = Scene::within(hasty()).await;
    let body = push(TIDE, 1);
    let mut line = scene.connect().await;
    let more = format!("{}Expect: 100-continue\r\n", basic("x", SECRET_OF_TIDE));
    line.send(post(&path_of(TIDE), &more, body.len()).as_bytes()).await;
    assert_eq!(line.reply().await.status, 100);
    line.send(&body[..10]).await;
    scene.end.cancel();
    let reply = line.reply().await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{reply:?}");
    scene.serving.await.unwrap().unwrap();
    assert!(scene.services.ctx.store.deliveries(None, DeliveryFilter::All, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_was_acknowledged_before_the_end_is_in_the_store() {
    let scene = Scene::within(hasty()).await;
    let address = scene.address;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..16_i64 {
        senders.spawn(async move {
            let mut taken = Vec::new();
            let Ok(stream) = TcpStream::connect(address).await else { return taken };
            let mut line = Line { stream, read: Vec::new() };
            for number in sender * 10_000.. {
                let body = push(TIDE, number);
                line.send(&[post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len()).as_bytes(), &body].concat()).await;
                let reply = loop {
                    if line.read.windows(4).any(|four| four == b"\r\n\r\n") {
                        break Some(line.reply().await);
                    }
                    if !line.fill().await {
                        break None;
                    }
                };
                match reply {
                    Some(reply) if reply.is(StatusCode::OK) => taken.push(number),
                    Some(reply) => {
                        assert_eq!(reply.status, 503);
                        break;
                    }
                    None => break,
                }
            }
            taken
        });
    }
    let store = scene.services.ctx.store.clone();
    until("a few hundred deliveries", || async { store.inbox().rows >= 300 }).await;
    scene.end.cancel();
    scene.serving.await.unwrap().unwrap();
    let taken: Vec<i64> = senders.join_all().await.into_iter().flatten().collect();
    let kept = store.deliveries(None, DeliveryFilter::All, 100_000).await.unwrap();
    let kept: std::collections::BTreeSet<i64> = kept.into_iter().filter_map(|delivery| delivery.notification).collect();
    assert!(taken.len() >= 300 - 16, "{}", taken.len());
    assert!(taken.iter().all(|number| kept.contains(number)));
}
