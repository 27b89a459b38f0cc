//! When deliveries cannot be kept: asked for again, and nothing acknowledged that is not in the store.

use std::sync::Arc;

use super::*;
use crate::store::RECEIVER;

/// Another program holds the database until this is dropped.
async fn locked(scene: &Scene) -> sqlx::AnyConnection {
    use sqlx::Connection as _;
    let mut other =
        sqlx::AnyConnection::connect(&format!("sqlite://{}", scene.directory.path().join("kanado.db").display())).await.unwrap();
    sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    other
}

#[tokio::test]
async fn while_another_program_holds_the_store_deliveries_are_put_off_and_taken_afterwards() {
    use sqlx::Connection as _;
    let scene = Scene::new().await;
    let other = locked(&scene).await;
    let reply = scene.to_tide(&push(TIDE, 1)).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{reply:?}");
    assert!(scene.kept(scene.tide).await.is_empty());
    other.close().await.unwrap();
    assert!(scene.to_tide(&push(TIDE, 1)).await.is(StatusCode::OK));
    assert_eq!(scene.kept(scene.tide).await.len(), 1);
}

#[tokio::test]
async fn with_a_store_that_cannot_be_written_nothing_is_acknowledged() {
    let scene = Scene::new().await;
    let url = format!("sqlite://{}?mode=ro", scene.directory.path().join("kanado.db").display());
    let store = Store::open(&Location::Url(url)).await.unwrap();
    let services = services_of(store, &scene.clock, &scene.directory);
    let server = Server::bind(HookOptions::on(SocketAddr::from(([127, 0, 0, 1], 0))), &services, Wake::default()).await.unwrap();
    let (address, end) = (server.address(), CancellationToken::new());
    let serving = tokio::spawn(server.serve_until(end.clone()));
    let body = push(TIDE, 1);
    let mut line = Line { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() };
    line.send(&[post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len()).as_bytes(), &body].concat()).await;
    let reply = line.reply().await;
    assert_eq!((reply.status, reply.header("connection")), (503, Some("close")), "{reply:?}");
    assert!(scene.kept(scene.tide).await.is_empty());
    end.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn with_a_store_that_is_gone_even_strangers_are_put_off_for_nobody_knows_them() {
    let scene = Scene::new().await;
    scene.store().close().await;
    assert_eq!(scene.to_tide(&push(TIDE, 1)).await.status, 503);
    until("the digests to be looked for again", || async { scene.deliver(&path_of(TIDE), "wrong", &push(TIDE, 1)).await.status == 503 })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_beyond_what_fits_is_put_off_and_every_acknowledged_delivery_is_there() {
    let scene = Arc::new(Scene::within(Limits { in_flight: 64 * 1024, ..Limits::default() }).await);
    // Ten senders hold most of the room with bodies that do not end yet.
    let mut holding = Vec::new();
    for number in 0..10 {
        let mut body = push(TIDE, 10_000 + number);
        body.resize(10_000, b' ');
        let mut line = scene.connect().await;
        line.send(post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len()).as_bytes()).await;
        line.send(&body[..6_000]).await;
        holding.push((line, body));
    }
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..40_i64 {
        let scene = scene.clone();
        senders.spawn(async move {
            let mut taken = Vec::new();
            for number in sender * 10..sender * 10 + 10 {
                let mut body = push(TIDE, number);
                body.resize(20_000, b' ');
                match scene.to_tide(&body).await.status {
                    200 => taken.push(number),
                    503 => {}
                    other => panic!("answered {other}"),
                }
            }
            taken
        });
    }
    let taken: Vec<i64> = senders.join_all().await.into_iter().flatten().collect();
    for (mut line, body) in holding {
        line.send(&body[6_000..]).await;
        assert!(matches!(line.reply().await.status, 200 | 503));
    }
    assert!(taken.len() < 400, "the room is for three at a time");
    let kept: std::collections::BTreeSet<i64> =
        scene.kept(scene.tide).await.into_iter().filter_map(|delivery| delivery.notification).collect();
    assert!(taken.iter().all(|number| kept.contains(number)), "what was acknowledged is there");
    assert!(scene.to_tide(&push(TIDE, 20_000)).await.is(StatusCode::OK), "and it goes on");
}

#[tokio::test]
async fn the_probes_tell_alive_from_ready() {
    let scene = Scene::new().await;
    let get = async |path: &str| scene.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"), b"").await;
    assert_eq!(get("/healthz").await.status, 200);
    let reply = get("/readyz").await;
    assert_eq!((reply.status, reply.body.trim()), (503, "no receiver has said that it is there"));
    let until_then = noon() + jiff::SignedDuration::from_secs(90);
    scene.store().hold_lease(&format!("{RECEIVER}x"), "x", None, until_then, noon()).await.unwrap();
    until("being ready", || async { get("/readyz").await.status == 200 }).await;
    let mut line = scene.connect().await;
    line.send(b"HEAD /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    while line.fill().await {}
    assert!(line.read.starts_with(b"HTTP/1.1 200") && line.read.ends_with(b"\r\n\r\n"));
    scene.store().close().await;
    until("the store's end to be noticed", || async { get("/readyz").await.body.trim() == "the store does not answer" }).await;
    assert_eq!(get("/healthz").await.status, 200, "the process is alive all the same");
}

#[tokio::test]
async fn the_figures_say_what_was_taken_and_how_the_projects_stand() {
    let scene = Scene::new().await;
    scene.to_tide(&push(TIDE, 1)).await;
    scene.to_tide(&push(TIDE, 1)).await;
    scene.to_tide(b"nonsense").await;
    scene.deliver(&path_of(TIDE), "wrong", b"{}").await;
    let reply = scene.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"").await;
    assert_eq!(reply.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    for line in [
        "kanado_hook_answers_total{status=\"200\"} 3",
        "kanado_hook_answers_total{status=\"401\"} 1",
        "kanado_hook_deliveries_total{outcome=\"new\"} 1",
        "kanado_hook_deliveries_total{outcome=\"again\"} 1",
        "kanado_hook_deliveries_total{outcome=\"dead\"} 1",
        "kanado_hook_strangers_total 1",
        "kanado_hook_answer_seconds_count 4",
        "kanado_inbox_rows_total 3",
        "kanado_inbox_waiting 0",
        "kanado_project_deliveries_waiting{project=\"TIDE\"} 1",
        "kanado_project_deliveries_dead{project=\"TIDE\"} 1",
        "kanado_project_last_delivery_age_seconds{project=\"TIDE\"} 0",
        "kanado_project_live{project=\"REEF\"} 0",
    ] {
        assert!(reply.body.lines().any(|found| found == line), "{line} is missing in\n{}", reply.body);
    }
    assert!(!reply.body.contains("last_delivery_age_seconds{project=\"REEF\"}"), "what is not known is left out");
    assert!(reply.body.ends_with("# EOF\n"));
}
