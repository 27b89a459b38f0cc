//! What each fault does, by itself and through a socket.

use super::*;

fn spec(text: &str) -> FaultSpec {
    text.parse().expect("a valid fault")
}

async fn ask(faults: &Faults, method: Method, path: &str) -> (StatusCode, bool) {
    let mut worked = false;
    let answer = faults
        .around(&method, path, async {
            worked = true;
            Response::new(Body::from("{\"count\":1,\"value\":[1]}"))
        })
        .await;
    (answer.status(), worked)
}

#[test]
fn a_spec_reads_as_it_is_written() {
    let fault = spec("429@3:retry-after=2:path=/Refs:method=post");
    assert_eq!(fault.kind, FaultKind::TooManyRequests);
    assert_eq!((fault.from, fault.times), (3, Some(1)));
    assert_eq!((fault.retry_after_s, fault.limits), (Some(2), Limits::Told));
    let bare = spec("429:retry-after=none:bare");
    assert_eq!((bare.retry_after_s, bare.limits), (None, Limits::Untold));
    assert_eq!(fault.path.as_deref(), Some("/refs"));
    assert_eq!(fault.method, Some(Method::POST));
    assert_eq!(fault.work, Work::Undone);
    assert_eq!(fault.to_string(), "429@3:retry-after=2:path=/Refs:method=post");
    assert_eq!(spec("500").times, None);
    assert_eq!(spec("500@2:times=always").times, None);
    assert_eq!(spec("500:times=2:after").work, Work::Done);
    assert_eq!(spec("cut").work, Work::Done);
    assert_eq!(spec("cut:before").work, Work::Undone);
    for (name, kind) in KINDS {
        assert_eq!(spec(name).kind, kind);
    }
}

#[test]
fn a_spec_that_makes_no_sense_says_why() {
    for (text, part) in [
        ("418", "unknown kind"),
        ("401@x", "whole number"),
        ("401@0", "counted from 1"),
        ("429:soon", "unknown option \"soon\""),
        ("slow:ms=-1", "whole number"),
    ] {
        let error = text.parse::<FaultSpec>().expect_err(text).to_string();
        assert!(error.contains(part) && error.contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_fault_hits_the_nth_matching_request_only() {
    let faults = Faults::new(vec![spec("401@2:path=/refs:method=GET")]);
    assert_eq!(ask(&faults, Method::GET, "/x/refs").await, (StatusCode::OK, true));
    assert_eq!(ask(&faults, Method::POST, "/x/refs").await, (StatusCode::OK, true));
    assert_eq!(ask(&faults, Method::GET, "/x/items").await, (StatusCode::OK, true));
    assert_eq!(ask(&faults, Method::GET, "/x/REFS?a=b").await, (StatusCode::UNAUTHORIZED, false));
    assert_eq!(ask(&faults, Method::GET, "/x/refs").await, (StatusCode::OK, true));
    assert_eq!((faults.list()[0].seen, faults.list()[0].hit), (3, 1));
}

#[tokio::test]
async fn a_fault_can_be_switched_on_and_off() {
    let faults = Faults::default();
    let id = faults.add(spec("500"));
    assert_eq!(ask(&faults, Method::GET, "/").await, (StatusCode::INTERNAL_SERVER_ERROR, false));
    assert!(faults.remove(id) && !faults.remove(id));
    assert_eq!(ask(&faults, Method::GET, "/").await, (StatusCode::OK, true));
}

#[tokio::test]
async fn work_can_be_done_although_the_answer_fails() {
    let faults = Faults::new(vec![spec("503:after")]);
    assert_eq!(ask(&faults, Method::POST, "/").await, (StatusCode::SERVICE_UNAVAILABLE, true));
}

#[tokio::test]
async fn the_shapes_are_those_of_the_service() {
    async fn answer(text: &str) -> Response<Body> {
        let work = async { Response::new(Body::from("{\"real\":true}")) };
        Faults::new(vec![spec(text)]).around(&Method::GET, "/", work).await
    }
    let limited = answer("429:retry-after=7").await;
    assert_eq!(limited.headers()["retry-after"], "7");
    let body = whole(limited.into_body()).await;
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(body["typeKey"], "RequestBlockedException");

    let delayed = answer("200-retry-after:retry-after=2").await;
    assert_eq!(delayed.status(), StatusCode::OK);
    assert!(delayed.headers().contains_key("x-ratelimit-remaining"));
    assert_eq!(&whole(delayed.into_body()).await[..], b"{\"real\":true}");

    let asleep = whole(answer("503-bom").await.into_body()).await;
    assert!(asleep.starts_with(b"\xef\xbb\xbf{"));

    let page = answer("203").await;
    assert_eq!(page.status().as_u16(), 203);
    assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");

    let slow = answer("slow:ms=20").await;
    assert_eq!(&whole(slow.into_body()).await[..], b"{\"real\":true}");

    let cut = axum::body::to_bytes(answer("cut").await.into_body(), 100).await;
    assert!(cut.is_err());
}

/// A simulator with faults, and a client that follows no redirect.
async fn listening(faults: &[&str]) -> (crate::sim::Running, reqwest::Client, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running =
        crate::sim::start(crate::sim::Options { faults: faults.iter().map(|text| spec(text)).collect(), ..crate::sim::Options::default() })
            .await
            .expect("starts");
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([]).build().expect("a client");
    let url = format!("{}/_apis/projects?api-version=7.1", running.organisation_url());
    (running, client, url)
}

#[tokio::test]
async fn a_cut_and_a_slow_body_look_so_through_the_socket() {
    for encoding in ["identity", "gzip"] {
        let (running, client, url) = listening(&["cut@1", "slow@2:ms=400"]).await;
        let get = || client.get(&url).header("accept-encoding", encoding).basic_auth("", Some("alice-token")).send();
        let cut = get().await.expect("a head");
        assert_eq!(cut.status().as_u16(), 200);
        assert!(cut.bytes().await.is_err(), "{encoding}");
        let begun = std::time::Instant::now();
        let slow = get().await.expect("a head").bytes().await.expect("all of it");
        assert!(begun.elapsed() >= Duration::from_millis(300));
        assert!(!slow.is_empty());
        assert!(get().await.expect("a head").bytes().await.is_ok());
        running.stop().await;
    }
}

#[tokio::test]
async fn fault_answers_carry_the_standing_headers() {
    let (running, client, url) = listening(&["429@1:retry-after=3", "401@2", "302@3"]).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = client.get(&url).basic_auth("", Some("alice-token")).send().await.expect("answers");
        assert!(answer.headers().contains_key("activityid"), "{answer:?}");
        seen.push(answer.status().as_u16());
    }
    // Each counts the requests it lets pass: the second fault sees the first request too.
    assert_eq!(seen, [429, 401, 302, 200]);
    running.stop().await;
}

#[tokio::test]
async fn pages_marks_and_hints_arrive_as_the_service_sends_them() {
    let faults = ["503-bom@1", "200-retry-after@2:retry-after=7", "203@3", "html@4", "503@5", "500@6"];
    let (running, client, url) = listening(&faults).await;
    let mut bodies = Vec::new();
    for _ in 0..6 {
        let answer = client.get(&url).basic_auth("", Some("alice-token")).send().await.expect("answers");
        let head = |name: &str| {
            let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let row = (answer.status().as_u16(), head("content-type"), head("retry-after"));
        bodies.push((row, answer.bytes().await.expect("a body")));
    }
    let json = "application/json; charset=utf-8";
    let html = "text/html; charset=utf-8";
    let rows: Vec<_> = bodies.iter().map(|((status, kind, wait), _)| (*status, kind.as_str(), wait.as_str())).collect();
    assert_eq!((rows[0].0, rows[0].1), (503, json));
    assert!(bodies[0].1.starts_with(b"\xef\xbb\xbf{"));
    assert_eq!((rows[1].0, rows[1].2), (200, "7"));
    assert!(rows[1].1.starts_with(json));
    let real: serde_json::Value = serde_json::from_slice(&bodies[1].1).expect("the real answer");
    assert_eq!(real["count"], 2);
    assert_eq!((rows[2].0, rows[2].1), (203, html));
    assert_eq!((rows[3].0, rows[3].1), (200, html));
    assert_eq!((rows[4].0, rows[4].1), (503, html));
    assert_eq!((rows[5].0, rows[5].1), (500, json));
    running.stop().await;
}

#[tokio::test]
async fn a_rhythm_hits_each_kth_request_of_those_it_lets_through() {
    async fn statuses(text: &str, paths: &[&str]) -> Vec<u16> {
        let faults = Faults::new(vec![spec(text)]);
        let mut seen = Vec::new();
        for path in paths {
            let real = async { Response::new(Body::empty()) };
            seen.push(faults.around(&Method::GET, path, real).await.status().as_u16());
        }
        seen
    }
    assert_eq!(statuses("429:every=3", &["/a"; 7]).await, [429, 200, 200, 429, 200, 200, 429]);
    assert_eq!(statuses("429@2:every=2:times=2", &["/a"; 8]).await, [200, 429, 200, 429, 200, 200, 200, 200]);
    // What the filter holds back is not counted.
    let mixed = ["/builds?x", "/other", "/builds?y", "/other", "/builds?z"];
    assert_eq!(statuses("502:path=/builds:every=2", &mixed).await, [502, 200, 200, 200, 502]);
    assert!("429:every=0".parse::<FaultSpec>().is_err());
}
