//! Sizes, slowness, methods and the ways to write a request.

use super::*;

fn chunked(path: &str, secret: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: kanado.test\r\n{}Transfer-Encoding: chunked\r\n\r\n", basic("x", secret))
}

/// A push of exactly this size.
fn sized(number: i64, size: usize) -> Vec<u8> {
    let mut body = push(TIDE, number);
    body.resize(size, b' ');
    body
}

fn small() -> Limits {
    Limits { body: 20_000, discarded: 100_000, kept_of_large: 1_000, ..Limits::default() }
}

#[tokio::test]
async fn a_body_up_to_the_largest_size_is_kept_whole_and_a_larger_one_in_part() {
    let scene = Scene::within(small()).await;
    for (number, size, kept, state) in [
        (1, 19_999, 19_999, DeliveryState::Waiting),
        (2, 20_000, 20_000, DeliveryState::Waiting),
        (3, 20_001, 1_000, DeliveryState::Dead),
        (4, 100_000, 1_000, DeliveryState::Dead),
    ] {
        let body = sized(number, size);
        let reply = scene.to_tide(&body).await;
        assert!(reply.is(StatusCode::OK), "{size}: {reply:?}");
        let newest = scene.newest().await;
        assert_eq!((newest.bytes, newest.state), (kept, state), "{size}");
        assert_eq!(scene.store().delivery_body(newest.id).await.unwrap().unwrap(), body[..kept as usize]);
    }
    assert_eq!(scene.kept(scene.tide).await.len(), 4);
    assert!(scene.newest().await.words.unwrap().contains("larger than what is taken (100000 bytes, at most 20000)"));
}

#[tokio::test]
async fn a_body_in_chunks_is_measured_as_it_comes() {
    let scene = Scene::within(small()).await;
    for (number, size, kept, state) in [
        (1, 19_999, 19_999, DeliveryState::Waiting),
        (2, 20_000, 20_000, DeliveryState::Waiting),
        (3, 20_001, 1_000, DeliveryState::Dead),
        (4, 99_000, 1_000, DeliveryState::Dead),
    ] {
        let mut line = scene.connect().await;
        line.send(chunked(&path_of(TIDE), SECRET_OF_TIDE).as_bytes()).await;
        for part in sized(number, size).chunks(7_001) {
            line.send(format!("{:x}\r\n", part.len()).as_bytes()).await;
            line.send(part).await;
            line.send(b"\r\n").await;
        }
        line.send(b"0\r\n\r\n").await;
        assert!(line.reply().await.is(StatusCode::OK), "{size}");
        let newest = scene.newest().await;
        assert_eq!((newest.bytes, newest.state), (kept, state), "{size}");
    }
    // Without an end: it is answered all the same, and the connection is over.
    let mut line = scene.connect().await;
    line.send(chunked(&path_of(TIDE), SECRET_OF_TIDE).as_bytes()).await;
    for _ in 0..40 {
        line.send(b"1000\r\n").await;
        line.send(&[b'x'; 0x1000]).await;
        line.send(b"\r\n").await;
    }
    let reply = line.reply().await;
    assert!(reply.is(StatusCode::OK) && reply.header("connection") == Some("close"), "{reply:?}");
    assert_eq!(scene.newest().await.state, DeliveryState::Dead);
}

#[tokio::test]
async fn a_stranger_who_announces_ten_gigabytes_is_refused_before_a_byte_is_read() {
    let scene = Scene::new().await;
    for more in ["", &basic("me", "wrong"), "Expect: 100-continue\r\n"] {
        let mut line = scene.connect().await;
        line.send(post(&path_of(TIDE), more, 10_000_000_000).as_bytes()).await;
        let reply = line.reply().await;
        assert!(reply.is(StatusCode::UNAUTHORIZED) && reply.header("connection") == Some("close"), "{reply:?}");
        assert!(line.is_closed().await);
    }
    // With the secret it is a delivery that can never be kept: acknowledged and shown, for it would come again and again.
    let mut line = scene.connect().await;
    line.send(post(&path_of(TIDE), &basic("me", SECRET_OF_TIDE), 10_000_000_000).as_bytes()).await;
    let reply = line.reply().await;
    assert!(reply.is(StatusCode::OK) && reply.header("connection") == Some("close"), "{reply:?}");
    let newest = scene.newest().await;
    assert_eq!((newest.state, newest.bytes), (DeliveryState::Dead, 0));
    assert!(newest.words.unwrap().contains("10000000000 bytes"));
}

#[tokio::test]
async fn a_compressed_body_is_kept_as_it_is_and_never_undone() {
    use std::io::Write as _;
    let scene = Scene::new().await;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    bomb.write_all(&vec![b' '; 20_000_000]).unwrap();
    let bomb = bomb.finish().unwrap();
    let more = format!("{}Content-Encoding: gzip\r\n", basic("x", SECRET_OF_TIDE));
    assert!(scene.ask(&post(&path_of(TIDE), &more, bomb.len()), &bomb).await.is(StatusCode::OK));
    let newest = scene.newest().await;
    assert_eq!((newest.state, newest.bytes), (DeliveryState::Dead, bomb.len() as i64));
    assert!(newest.words.unwrap().contains("compressed (gzip)"));
    assert_eq!(scene.store().delivery_body(newest.id).await.unwrap().unwrap(), bomb);
}

#[tokio::test]
async fn whoever_is_slow_is_ended_and_everybody_else_is_served_meanwhile() {
    let quick = Duration::from_millis(300);
    let scene = Scene::within(Limits { head_time: quick, request_time: quick, ..Limits::default() }).await;
    let mut silent = scene.connect().await;
    let mut one_letter = scene.connect().await;
    one_letter.send(b"P").await;
    let mut half_a_head = scene.connect().await;
    half_a_head.send(b"POST /api/webhooks/ado HTTP/1.1\r\nHost: kanado.test\r\nX-Slow: ").await;
    let mut half_a_body = scene.connect().await;
    half_a_body.send(post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), 1_000).as_bytes()).await;
    half_a_body.send(b"{\"id\":").await;
    assert!(scene.to_tide(&push(TIDE, 1)).await.is(StatusCode::OK), "others are served");
    assert!(silent.is_closed().await);
    assert!(one_letter.is_closed().await);
    while half_a_head.fill().await {}
    let said = String::from_utf8_lossy(&half_a_head.read).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    let reply = half_a_body.reply().await;
    assert!(reply.is(StatusCode::REQUEST_TIMEOUT), "a transient answer: it will be sent again ({reply:?})");
    assert!(half_a_body.is_closed().await);
    assert_eq!(scene.kept(scene.tide).await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_drips_its_head_is_ended_although_it_never_rests() {
    let quick = Duration::from_millis(300);
    let scene = Scene::within(Limits { head_time: quick, ..Limits::default() }).await;
    let Line { stream, .. } = scene.connect().await;
    let (mut reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        let head = b"POST /api/webhooks/ado/0a1b2c3d-1111-4000-8000-00000000000a HTTP/1.1\r\nX-Drip: ";
        for byte in head.iter().chain(std::iter::repeat(&b'a')) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let mut said = Vec::new();
    // Closed or reset: an end in any case.
    let _ = tokio::time::timeout(PATIENCE, reading.read_to_end(&mut said)).await.expect("it was never ended");
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&said));
    dripping.abort();
}

#[tokio::test]
async fn silent_connections_beyond_every_seat_keep_nobody_out() {
    let scene = Scene::within(Limits { connections: 8, ..Limits::default() }).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(scene.connect().await);
    }
    for number in 1..=20 {
        assert!(scene.to_tide(&push(TIDE, number)).await.is(StatusCode::OK), "{number}");
    }
    let mut ended = 0;
    for line in &mut silent[..90] {
        ended += usize::from(line.is_closed().await);
    }
    assert_eq!(ended, 90, "those that were idle longest gave their seats away");
}

#[tokio::test]
async fn other_methods_are_told_which_one_is_meant() {
    let scene = Scene::new().await;
    for method in ["GET", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let reply = scene.ask(&format!("{method} {} HTTP/1.1\r\nHost: x\r\n\r\n", path_of(TIDE)), b"").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        let reply = scene.ask(&format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), b"").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{path}");
    }
    for path in ["/", "/api", "/api/webhooks/ado/42", "/api/webhooks/ado/..%2f..", "/favicon.ico"] {
        for method in ["GET", "POST"] {
            let reply = scene.ask(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), b"").await;
            assert_eq!(reply.status, 404, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn whoever_waits_to_be_asked_for_the_body_is_asked_only_with_the_secret() {
    let scene = Scene::new().await;
    let body = push(TIDE, 1);
    let mut line = scene.connect().await;
    let more = format!("{}Expect: 100-continue\r\n", basic("x", SECRET_OF_TIDE));
    line.send(post(&path_of(TIDE), &more, body.len()).as_bytes()).await;
    assert_eq!(line.reply().await.status, 100);
    line.send(&body).await;
    assert!(line.reply().await.is(StatusCode::OK));
    let mut line = scene.connect().await;
    line.send(post(&path_of(TIDE), "Expect: 100-continue\r\n", body.len()).as_bytes()).await;
    assert_eq!(line.reply().await.status, 401);
}

#[tokio::test]
async fn every_version_of_http_delivers_and_requests_may_follow_each_other() {
    let scene = Scene::new().await;
    // HTTP/1.0, which ends after one answer.
    let body = push(TIDE, 1);
    let head = post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len()).replace("HTTP/1.1", "HTTP/1.0");
    let mut line = scene.connect().await;
    line.send(head.as_bytes()).await;
    line.send(&body).await;
    assert!(line.reply().await.is(StatusCode::OK));
    assert!(line.is_closed().await);
    // Three at once on one connection: three answers, in order.
    let mut line = scene.connect().await;
    let mut all = Vec::new();
    for number in 2..=4 {
        let body = push(TIDE, number);
        all.extend(post(&path_of(TIDE), &basic("x", SECRET_OF_TIDE), body.len()).into_bytes());
        all.extend(body);
    }
    line.send(&all).await;
    for _ in 2..=4 {
        assert!(line.reply().await.is(StatusCode::OK));
    }
    // HTTP/2 without TLS, fifty at once on one connection.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}{}", scene.address, path_of(TIDE));
    let mut asked = tokio::task::JoinSet::new();
    for number in 5..=54 {
        asked.spawn(client.post(&url).basic_auth("x", Some(SECRET_OF_TIDE)).body(push(TIDE, number)).send());
    }
    for answer in asked.join_all().await {
        let answer = answer.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, axum::http::Version::HTTP_2));
    }
    let stranger = client.post(&url).body(vec![b'x'; 1_000_000]).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(scene.kept(scene.tide).await.len(), 54);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_the_next_connection_is_served() {
    let scene = Scene::new().await;
    let mut line = scene.connect().await;
    let more = format!("X-Large: {}\r\n", "a".repeat(200_000));
    line.send(post(&path_of(TIDE), &more, 0).as_bytes()).await;
    while line.fill().await {}
    let said = String::from_utf8_lossy(&line.read).into_owned();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said:.60}");
    assert!(scene.to_tide(&push(TIDE, 1)).await.is(StatusCode::OK));
}

#[tokio::test]
async fn tls_is_spoken_with_the_certificate_of_the_files_and_with_a_new_one_after_reading_them_again() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    let renew = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
    };
    let first = renew();
    let scene = Scene::new().await;
    let options = HookOptions { tls: Some(files.clone()), ..HookOptions::on(SocketAddr::from(([127, 0, 0, 1], 0))) };
    let server = Server::bind(options, &scene.services, scene.wake.clone()).await.unwrap();
    let url = format!("https://localhost:{}{}", server.address().port(), path_of(TIDE));
    let (reload, end) = (server.tls().unwrap(), CancellationToken::new());
    let serving = tokio::spawn(server.serve_until(end.clone()));
    let deliver = async |trusted: &reqwest::Certificate, number| {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted.clone()]).build().unwrap();
        client.post(&url).basic_auth("x", Some(SECRET_OF_TIDE)).body(push(TIDE, number)).send().await
    };
    assert_eq!(deliver(&first, 1).await.unwrap().status(), StatusCode::OK);
    let second = renew();
    assert!(deliver(&second, 2).await.is_err(), "the new one is not in use yet");
    reload.reload().await.unwrap();
    assert_eq!(deliver(&second, 2).await.unwrap().status(), StatusCode::OK);
    std::fs::write(&files.key, "broken").unwrap();
    let error = reload.reload().await.unwrap_err().to_string();
    assert!(error.contains("key.pem"), "{error}");
    assert_eq!(deliver(&second, 3).await.unwrap().status(), StatusCode::OK, "the one before stays");
    // A connection that never begins to speak TLS holds nobody up at the end.
    let _silent =
        TcpStream::connect(("127.0.0.1", url.split(':').nth(2).unwrap().split('/').next().unwrap().parse::<u16>().unwrap())).await;
    end.cancel();
    serving.await.unwrap().unwrap();
}
