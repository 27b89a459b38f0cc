//! Who may deliver, and what strangers learn: nothing.

use super::*;
use jiff::SignedDuration;

#[tokio::test]
async fn odd_credentials_are_refused_and_nothing_worse_happens() {
    let scene = Scene::new().await;
    let good = STANDARD.encode(format!("me:{SECRET_OF_TIDE}"));
    let plain = STANDARD.encode(SECRET_OF_TIDE);
    let mut odd: Vec<Vec<u8>> = [
        String::new(),
        "Authorization:\r\n".to_owned(),
        "Authorization: Basic\r\n".to_owned(),
        "Authorization: Basic ====\r\n".to_owned(),
        format!("Authorization: Bearer {good}\r\n"),
        format!("Authorization: Bearer {SECRET_OF_TIDE}\r\n"),
        format!("Authorization: Basic {plain}\r\n"),
        format!("Authorization: Basic\t{good}\r\n"),
        format!("Authorization: Basic {good}\r\nAuthorization: Basic {good}\r\n"),
        format!("X-Authorization: Basic {good}\r\n"),
        basic("me", ""),
        basic("", ""),
        basic("me", "wrong"),
        basic("me", &SECRET_OF_TIDE.to_uppercase()),
        basic("me", &format!("{SECRET_OF_TIDE} ")),
        basic("me", &SECRET_OF_TIDE[1..]),
        basic(SECRET_OF_TIDE, "me"),
        basic("ü", "пароль"),
        basic("me", &"x".repeat(20_000)),
    ]
    .map(String::into_bytes)
    .to_vec();
    odd.push([b"Authorization: Basic \xff\xfe\x80".as_slice(), b"\r\n"].concat());
    odd.push(format!("Authorization: Basic {}\r\n", STANDARD.encode(b"\xff\xfe:\xc3\x28")).into_bytes());
    let (before, after) = post(&path_of(TIDE), "MARK", 2).split_once("MARK").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let mut seen = None;
    for more in odd {
        let mut line = scene.connect().await;
        line.send(&[before.as_bytes(), &more, after.as_bytes(), b"{}"].concat()).await;
        let reply = line.reply().await;
        assert_eq!(reply.status, 401, "{}", String::from_utf8_lossy(&more));
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"kanado\", charset=\"UTF-8\""));
        let said = reply.without_date();
        assert_eq!(seen.get_or_insert_with(|| said.clone()), &said, "all are told the same");
    }
    assert!(scene.kept(scene.tide).await.is_empty());
    // Any user name, any case of the scheme, more spaces.
    for (number, more) in (1..).zip([
        basic("", SECRET_OF_TIDE),
        basic("anybody at all", SECRET_OF_TIDE),
        format!("authorization: basic {good}\r\n"),
        format!("Authorization: BASIC   {good}\r\n"),
    ]) {
        let body = push(TIDE, number);
        assert!(scene.ask(&post(&path_of(TIDE), &more, body.len()), &body).await.is(StatusCode::OK), "{more}");
    }
}

#[tokio::test]
async fn a_secret_of_256_characters_and_one_with_a_colon_open_the_door() {
    let scene = Scene::new().await;
    for (number, secret) in (1..).zip(["x".repeat(256), ":a:b:".to_owned(), "ü".repeat(128)]) {
        scene.store().add_secret(scene.tide, &auth::digest(secret.as_bytes()), None, noon()).await.unwrap();
        until("the new secret", || async { scene.deliver(&path_of(TIDE), &secret, &push(TIDE, number)).await.is(StatusCode::OK) }).await;
    }
    assert_eq!(scene.kept(scene.tide).await.len(), 3);
}

#[tokio::test]
async fn a_project_that_nobody_knows_a_wrong_secret_and_the_secret_of_another_project_look_the_same() {
    let scene = Scene::new().await;
    let body = push(TIDE, 1);
    let asked = [
        (path_of(TIDE), "wrong"),
        (path_of(NOWHERE), "wrong"),
        (path_of(NOWHERE), SECRET_OF_TIDE),
        (path_of(TIDE), SECRET_OF_REEF),
        (path_of(REEF), SECRET_OF_TIDE),
        (format!("{}/push", path_of(TIDE)), SECRET_OF_REEF),
        ("/v1/azure/webhook/merge-request".to_owned(), "wrong"),
    ];
    let mut said = Vec::new();
    for (path, secret) in &asked {
        let reply = scene.deliver(path, secret, &body).await;
        assert_eq!(reply.status, 401, "{path}");
        said.push(reply.without_date());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(scene.kept(scene.tide).await.is_empty() && scene.kept(scene.reef).await.is_empty());
}

#[tokio::test]
async fn without_any_secret_nothing_listens() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::in_directory(directory.path())).await.unwrap();
    projects(&store).await;
    let services = services_of(store, &Clock::fixed(noon()), &directory);
    let refused = Server::bind(HookOptions::on(SocketAddr::from(([127, 0, 0, 1], 0))), &services, Wake::default()).await;
    let Err(error) = refused else { panic!("it listens") };
    assert!(matches!(error, Error::NoSecret));
    assert!(crate::notice::Explain::hint(&error).unwrap().contains("kanado hooks secret generate"));
}

#[tokio::test]
async fn both_secrets_open_the_door_while_one_replaces_the_other_and_then_only_the_new_one() {
    let scene = Scene::new().await;
    let new = "tide-secret-the-next";
    let until_then = noon() + SignedDuration::from_mins(10);
    scene.store().rotate_shown_secret(scene.tide, &auth::digest(new.as_bytes()), until_then, noon()).await.unwrap();
    let status = async |secret, number| scene.deliver(&path_of(TIDE), secret, &push(TIDE, number)).await.status;
    until("the new secret", || async { status(new, 1).await == 200 }).await;
    assert_eq!(status(SECRET_OF_TIDE, 2).await, 200);
    scene.clock.advance(SignedDuration::from_mins(11));
    assert_eq!((status(SECRET_OF_TIDE, 3).await, status(new, 4).await), (401, 200));
    scene.store().revoke_shown_secrets(scene.tide).await.unwrap();
    until("the end of the new secret", || async { status(new, 5).await == 401 }).await;
    assert_eq!(scene.deliver(&path_of(REEF), SECRET_OF_REEF, &push(REEF, 6)).await.status, 200, "the other project's stays");
}

#[tokio::test]
async fn only_a_project_that_was_taken_off_the_board_is_gone_and_only_for_its_own_secret() {
    let scene = Scene::new().await;
    scene.store().remove_project(scene.tide, noon()).await.unwrap();
    let status = async |project, secret, number| scene.deliver(&path_of(project), secret, &push(TIDE, number)).await.status;
    until("the project to be gone", || async { status(TIDE, SECRET_OF_TIDE, 1).await == 410 }).await;
    assert_eq!(status(TIDE, "wrong", 2).await, 401);
    assert_eq!(status(TIDE, SECRET_OF_REEF, 3).await, 401);
    assert_eq!(status(NOWHERE, SECRET_OF_TIDE, 4).await, 401);
    assert_eq!(status(REEF, SECRET_OF_REEF, 5).await, 200);
    assert_eq!(scene.deliver("/v1/azure/webhook/boards", SECRET_OF_TIDE, &push(TIDE, 6)).await.status, 410);
    scene.store().restore_project(scene.tide).await.unwrap();
    until("the project to be back", || async { status(TIDE, SECRET_OF_TIDE, 7).await == 200 }).await;
}

#[tokio::test]
async fn no_figure_and_no_word_of_the_receiver_holds_a_secret() {
    let scene = Scene::new().await;
    assert!(scene.to_tide(&push(TIDE, 1)).await.is(StatusCode::OK));
    scene.to_tide(b"nonsense").await;
    scene.deliver(&path_of(TIDE), "a-wrong-secret", b"{}").await;
    let figures = scene.ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"").await;
    let said = format!("{figures:?}{:?}{:?}", scene.kept(scene.tide).await, scene.store().accepted_secrets(noon()).await.unwrap());
    for secret in [SECRET_OF_TIDE, SECRET_OF_REEF, "a-wrong-secret", &STANDARD.encode(format!("kanado:{SECRET_OF_TIDE}"))] {
        assert!(!said.contains(secret), "{said}");
    }
    scene.store().close().await;
    for file in std::fs::read_dir(scene.directory.path()).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(SECRET_OF_TIDE.len()).any(|part| part == SECRET_OF_TIDE.as_bytes()), "{:?}", file.path());
    }
}
