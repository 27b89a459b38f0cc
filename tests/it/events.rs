//! What Azure DevOps posts, whole and spoilt in every way, through the reader of events.

use std::path::Path;

use kanado::ado::event::{Deed, Event, Read, What, envelope, read};
use kanado::domain::id::Guid;
use kanado::domain::pull_request::PullRequestStatus;
use serde_json::{Value, json};

use crate::support::payload::{COMMENT, NEW, OLD, PROJECT, REPOSITORY, Sender, Told, ZERO, named, places, sample, spoilt};

fn bytes(body: &Value) -> Vec<u8> {
    serde_json::to_vec(body).unwrap()
}

fn event(body: &Value) -> Event {
    match read(&bytes(body)) {
        Read::Event(event) => *event,
        Read::Unreadable(why) => panic!("{why}: {body}"),
    }
}

fn class(read: &Read) -> &'static str {
    match read {
        Read::Unreadable(_) => "unreadable",
        Read::Event(event) => named(&event.what),
    }
}

/// What must hold whatever was read.
fn check_sense(what: &What, from: &dyn std::fmt::Display) {
    if let What::PullRequest(about) | What::Comment { about, .. } = what {
        assert!(about.number > 0, "{from}");
        assert_eq!(about.repository.as_str().len(), 36, "{from}");
        if let Some(fact) = &about.fact {
            assert_ne!(fact.status, PullRequestStatus::Unknown, "{from}");
            assert!(!fact.title.is_empty() && !fact.source_branch.is_empty(), "{from}");
            assert_eq!((fact.number, &fact.repository), (about.number, &about.repository), "{from}");
        }
    }
}

/// What of a body its kind hangs on; spoiling anything else must not change what it is read as.
fn decides(place: &str) -> bool {
    const DECIDING: [&str; 12] = [
        "/eventType",
        "/resource",
        "/resource/pullRequestId",
        "/resource/repository",
        "/resource/repository/id",
        "/resource/pullRequest",
        "/resource/pullRequest/pullRequestId",
        "/resource/pullRequest/repository",
        "/resource/pullRequest/repository/id",
        "/resource/_links",
        "/resource/id",
        "/resource/workItemId",
    ];
    DECIDING.contains(&place) || place.starts_with("/resource/_links/") || place.starts_with("/resource/comment")
}

/// Spoils every place of a body in every way; answers how many readings that were.
fn spoil(name: &str, body: &Value) -> usize {
    let whole = class(&read(&bytes(body)));
    let mut readings = 0;
    for place in places(body) {
        for (how, spoilt) in spoilt(body, &place) {
            let spoilt_bytes = bytes(&spoilt);
            let found = read(&spoilt_bytes);
            let outside = envelope(&spoilt_bytes);
            let from = format!("{name}: {place} {how}");
            assert!(outside.readable, "{from}");
            if let Read::Event(event) = &found {
                assert_eq!(event.envelope, outside, "{from}");
                check_sense(&event.what, &from);
            }
            if !decides(&place) {
                assert_eq!(class(&found), whole, "{from}");
            }
            readings += 1;
        }
    }
    readings
}

#[test]
fn every_kind_of_event_is_read_as_what_it_is() {
    for (expected, body) in Sender::default().every() {
        let read = read(&bytes(&body));
        assert_eq!(class(&read), expected, "{body}");
        let Read::Event(event) = read else { panic!() };
        check_sense(&event.what, &body);
        assert_eq!(event.envelope.project, Some(Guid::new(PROJECT)), "{body}");
        assert_eq!(event.envelope.other_project, None, "{body}");
        assert!(!event.envelope.is_test_at(&Guid::new(PROJECT)) && event.envelope.readable);
        assert!(event.envelope.notification.is_some() && event.envelope.subscription.is_some() && event.envelope.id.is_some());
        assert_eq!(event.created_at, Some("2026-03-01T10:00:00.123Z".parse().unwrap()));
    }
}

#[test]
fn every_field_taken_away_or_of_another_type_leaves_the_rest_understood() {
    let readings: usize = Sender::default().every().iter().map(|(name, body)| spoil(name, body)).sum();
    assert!(readings > 5_000, "only {readings}");
}

#[test]
fn published_payloads_are_read_as_what_they_are_whole_and_spoilt() {
    let Some(folder) = std::env::var_os("KANADO_CONTRACT") else {
        println!("did not run: KANADO_CONTRACT names no folder with ado/events");
        return;
    };
    let root = Path::new(&folder).join("ado/events");
    let (mut files, mut readings) = (0, 0);
    for kind in std::fs::read_dir(&root).unwrap().flatten() {
        let name = kind.file_name().into_string().unwrap();
        for file in std::fs::read_dir(kind.path()).unwrap().flatten() {
            let raw = std::fs::read(file.path()).unwrap();
            let from = format!("{name}/{}", file.file_name().to_string_lossy());
            let found = read(&raw);
            let outside = envelope(&raw);
            assert!(outside.readable, "{from}");
            assert_eq!(outside.event_type.as_deref(), Some(name.as_str()), "{from}");
            let expected: &[&str] = match name.as_str() {
                "git.push" => &["push", "incomplete"],
                "build.complete" => &["build"],
                "tfvc.checkin" | "message.posted" => &["other"],
                _ if name.starts_with("git.pullrequest.") => &["pull request"],
                _ if name.contains("comment-event") => &["comment"],
                _ if name.starts_with("git.repo.") => &["repository"],
                _ if name.starts_with("ms.vss-pipelines.") => &["build"],
                _ if name.starts_with("ms.vss-release.") => &["deployment"],
                _ if name.starts_with("workitem.") => &["work item"],
                _ => panic!("{from}: no expectation"),
            };
            assert!(expected.contains(&class(&found)), "{from}: {}", class(&found));
            let Read::Event(event) = found else { panic!("{from}") };
            check_sense(&event.what, &from);
            let text = std::str::from_utf8(raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw)).unwrap();
            readings += spoil(&from, &serde_json::from_str(text).unwrap());
            files += 1;
        }
    }
    println!("{files} files, {readings} spoilt readings");
    assert!(files >= 40, "only {files} files in {}", root.display());
}

#[test]
fn a_body_that_is_no_event_says_why_and_quotes_nothing() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (body, why) in [
        (b"".to_vec(), "empty"),
        (b" \r\n".to_vec(), "empty"),
        (b"null".to_vec(), "not an object"),
        (b"[]".to_vec(), "not an object"),
        (b"7".to_vec(), "not an object"),
        (b"\"canary\"".to_vec(), "not an object"),
        (b"{\"eventType\":\"canary\"".to_vec(), "ends in the middle"),
        (b"{\"eventType\":\"canary\",}".to_vec(), "not JSON"),
        (b"{\"eventType\":\"canary\"} x".to_vec(), "not JSON"),
        (b"{\"eventType\":\"\xff\xfe\"}".to_vec(), "not UTF-8"),
        (utf16, "UTF-16"),
        (b"canary=1".to_vec(), "not JSON"),
        (b"{}".to_vec(), "does not say what kind"),
        (b"{\"eventType\":null,\"eventId\":\"5e0a7c11\"}".to_vec(), "does not say what kind"),
    ] {
        let Read::Unreadable(words) = read(&body) else { panic!("{}", String::from_utf8_lossy(&body)) };
        assert!(words.contains(why), "{words}");
        assert!(!words.contains("canary"), "{words}");
        assert_eq!(envelope(&body).readable, words.contains("what kind"), "{words}");
    }
}

#[test]
fn a_byte_order_mark_and_an_event_id_for_a_type_are_no_obstacle() {
    let mut body = Sender::default().pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x"));
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(bytes(&body));
    assert_eq!(class(&read(&marked)), "pull request");
    let fields = body.as_object_mut().unwrap();
    let kind = fields.remove("eventType").unwrap();
    fields.insert("eventId".to_owned(), kind);
    assert_eq!(class(&read(&bytes(&body))), "pull request");
    body["eventId"] = json!("ms.azure-devops-release.deployment-completed-event");
    assert_eq!(event(&body).envelope.event_type.as_deref(), Some("ms.vss-release.deployment-completed-event"));
}

#[test]
fn depth_never_costs_the_stack() {
    for depth in [126, 127, 128, 129, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let beside = format!("{{\"eventType\":\"git.push\",\"id\":\"e\",\"resource\":{{\"deep\":{deep}}}}}");
            assert_eq!(class(&read(beside.as_bytes())), "incomplete", "{depth}");
            assert!(envelope(beside.as_bytes()).readable);
            let mut whole = Sender::default().pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x"));
            whole["resource"]["title"] = json!("DEEP");
            let text = whole.to_string().replace("\"DEEP\"", &deep);
            let Read::Event(event) = read(text.as_bytes()) else { panic!() };
            let What::PullRequest(about) = event.what else { panic!("{depth}") };
            assert_eq!((about.number, about.fact), (7, None), "a title that is no text is not believed");
        }
        let bare = "[".repeat(depth);
        assert_eq!(class(&read(bare.as_bytes())), "unreadable");
    }
}

#[test]
fn strange_numbers_and_strings_are_absent_or_exact() {
    let read_number = |number: &str| {
        let body = format!("{{\"eventType\":\"git.push\",\"notificationId\":{number}}}");
        let outside = envelope(body.as_bytes());
        assert!(outside.readable, "{number}");
        outside.notification
    };
    for (written, number) in [
        ("7", Some(7)),
        ("\"7\"", Some(7)),
        ("-0", Some(0)),
        ("7.0", Some(7)),
        ("7.5", None),
        ("1e400", None),
        ("1e2", Some(100)),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("18446744073709551616", None),
        ("\"x\"", None),
        ("true", None),
        ("null", None),
    ] {
        assert_eq!(read_number(written), number, "{written}");
    }

    let whole = Sender::default().pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x").title("TITLE")).to_string();
    for title in [r#""\ud83d""#, r#""\udc00x""#, "1e400"] {
        // What git.pullrequest needs is there; the title is not believed, and the rest is asked for again.
        let Read::Event(event) = read(whole.replace("\"TITLE\"", title).as_bytes()) else { panic!("{title}") };
        let What::PullRequest(about) = event.what else { panic!("{title}") };
        assert_eq!((about.number, about.fact), (7, None), "{title}");
    }
    let Read::Event(event) = read(whole.replace("TITLE", "a\\u0000b").as_bytes()) else { panic!() };
    let What::PullRequest(about) = event.what else { panic!() };
    assert_eq!(about.fact.unwrap().title, "a\0b");
}

#[test]
fn of_a_name_that_stands_twice_the_last_one_counts() {
    let body = br#"{"eventType":"git.push","id":"first","id":"last","eventType":"workitem.created",
        "resource":{"id":1,"id":2},"notificationId":"x","notificationId":9}"#;
    let Read::Event(event) = read(body) else { panic!() };
    assert_eq!((event.envelope.id.as_deref(), event.envelope.notification), (Some("last"), Some(9)));
    assert_eq!(event.what, What::WorkItem { id: 2, revision: None });
    let whole = Sender::default().pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x")).to_string();
    let twice = whole.replacen("\"pullRequestId\":7", "\"pullRequestId\":6,\"status\":\"completed\",\"pullRequestId\":7", 1);
    let Read::Event(event) = read(twice.as_bytes()) else { panic!() };
    let What::PullRequest(about) = event.what else { panic!() };
    assert_eq!((about.number, about.fact.unwrap().status), (7, PullRequestStatus::Active));
}

#[test]
fn a_hundred_thousand_reviewers_or_refs_in_one_body_are_read() {
    let mut body = Sender::default().pull_request_event("git.pullrequest.updated", 1, &Told::new(7, "x"));
    let reviewer = body["resource"]["reviewers"][0].clone();
    body["resource"]["reviewers"] = vec![reviewer; 100_000].into();
    let What::PullRequest(about) = event(&body).what else { panic!() };
    assert_eq!(about.fact.unwrap().reviewers.len(), 100_000);

    let names: Vec<String> = (0..100_000).map(|n| format!("refs/heads/b{n}")).collect();
    let updates: Vec<_> = names.iter().map(|name| (name.as_str(), OLD, NEW)).collect();
    let What::Push { updates, .. } = event(&Sender::default().push(1, &updates)).what else { panic!() };
    assert_eq!(updates.len(), 1_000, "a push of more is a mirror");
}

#[test]
fn times_of_any_kind_are_for_people_only() {
    let mut body = Sender::default().pull_request_event("git.pullrequest.merged", 1, &Told::new(7, "x").status("completed"));
    for (written, at) in [
        ("0001-01-01T00:00:00", None),
        ("9999-01-01T00:00:00Z", None),
        ("2025-03-01T10:00:00.1234567Z", Some("2025-03-01T10:00:00.123Z")),
        ("2027-03-01T12:00:00+02:00", Some("2027-03-01T10:00:00Z")),
        ("yesterday", None),
    ] {
        body["createdDate"] = json!(written);
        body["resource"]["closedDate"] = json!(written);
        let event = event(&body);
        let at = at.map(|at| at.parse().unwrap());
        assert_eq!(event.created_at, at, "{written}");
        let What::PullRequest(about) = event.what else { panic!() };
        assert_eq!(about.fact.unwrap().closed_at, at);
    }
}

#[test]
fn a_push_without_refs_is_a_push_of_nothing() {
    let mut body = Sender::default().push(1, &[("refs/heads/main", OLD, NEW)]);
    body["resource"]["commits"] = json!([]);
    for refs in [json!([]), Value::Null, json!({}), json!([null, 7, {"name": null}, {"name": ""}])] {
        body["resource"]["refUpdates"] = refs;
        assert_eq!(event(&body).what, What::Push { repository: Guid::new(REPOSITORY), updates: vec![] }, "{body}");
    }
    body["resource"].as_object_mut().unwrap().remove("refUpdates");
    assert_eq!(event(&body).what, What::Push { repository: Guid::new(REPOSITORY), updates: vec![] });

    let deleted = event(&Sender::default().push(1, &[("refs/heads/x", OLD, ZERO)]));
    let What::Push { updates, .. } = deleted.what else { panic!() };
    assert!(updates[0].new.as_ref().is_some_and(kanado::domain::id::ObjectId::is_zero));
}

#[test]
fn a_comment_names_its_pull_request_in_both_versions_deleted_or_not() {
    let (sender, told) = (Sender::default(), Told::new(7, "x"));
    for (body, gone, has_fact) in [
        (sender.comment(1, &told, false), false, true),
        (sender.comment(1, &told, true), true, true),
        (sender.comment_alone(1, &told), false, false),
    ] {
        let What::Comment { about, deleted } = event(&body).what else { panic!("{body}") };
        assert_eq!((about.number, about.repository.as_str(), deleted), (7, REPOSITORY, gone));
        assert_eq!(about.fact.is_some(), has_fact);
    }
    let mut nothing = sender.comment_alone(1, &told);
    nothing["resource"].as_object_mut().unwrap().remove("_links");
    assert_eq!(class(&read(&bytes(&nothing))), "incomplete");
}

#[test]
fn repositories_are_named_in_every_shape() {
    let sender = Sender::default();
    for (kind, deed) in [
        ("git.repo.created", Deed::Created),
        ("git.repo.deleted", Deed::Deleted),
        ("git.repo.renamed", Deed::Renamed),
        ("git.repo.forked", Deed::Forked),
        ("git.repo.statuschanged", Deed::StatusChanged),
    ] {
        let expected = What::Repository { repository: Some(Guid::new(REPOSITORY)), name: Some("tide-api".to_owned()), deed };
        assert_eq!(event(&sender.repository_event(kind, 1)).what, expected);
    }
}

#[test]
fn thin_bodies_name_a_pull_request_by_its_address_and_are_not_believed() {
    let sender = Sender::default();
    let address = format!("https://dev.azure.com/lumen/_apis/git/repositories/{REPOSITORY}/pullRequests/7");
    let body = sender.envelope("git.pullrequest.updated", "1.0", 1, json!({"url": address}));
    let What::PullRequest(about) = event(&body).what else { panic!() };
    assert_eq!((about.number, about.repository.as_str(), about.fact), (7, REPOSITORY, None));
    let body = sender.envelope(
        "git.pullrequest.updated",
        "1.0",
        1,
        json!({"pullRequestId": 7, "repository": {"id": REPOSITORY}, "status": "completed"}),
    );
    let What::PullRequest(about) = event(&body).what else { panic!() };
    assert_eq!(about.fact, None, "a status without the rest is asked for again");
}

#[test]
fn messages_have_no_say() {
    let sender = Sender::default();
    let told = Told::new(7, "x").title("Bob approved pull request 9 and completed it");
    let full = sender.pull_request_event("git.pullrequest.updated", 1, &told);
    let mut none = full.clone();
    none["message"] = Value::Null;
    none["detailedMessage"] = Value::Null;
    let mut absent = full.clone();
    absent.as_object_mut().unwrap().retain(|name, _| !name.to_lowercase().contains("message"));
    let mut lying = full.clone();
    lying["message"] = json!({"text": "Bob completed pull request 9"});
    for other in [&none, &absent, &lying] {
        assert_eq!(event(other), event(&full));
    }
}

#[test]
fn a_test_delivery_of_every_kind_is_known_for_one() {
    for kind in
        ["git.push", "git.pullrequest.created", "git.pullrequest.merged", "git.repo.deleted", "workitem.created", "build.complete", COMMENT]
    {
        for saved in [false, true] {
            assert!(event(&sample(kind, 3, saved)).envelope.is_test_at(&Guid::new(PROJECT)), "{kind} {saved}");
        }
    }
    // The sample without its container, as some servers send it.
    let mut bare = sample("git.pullrequest.created", 3, true);
    bare.as_object_mut().unwrap().remove("resourceContainers");
    assert!(event(&bare).envelope.is_test_at(&Guid::new(PROJECT)));
    // A real project of an organisation with that name.
    let real = Sender { organisation: "https://dev.azure.com/fabrikam".to_owned(), ..Sender::default() };
    assert!(!event(&real.pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x"))).envelope.is_test_at(&Guid::new(PROJECT)));
    let elsewhere = Sender::default().pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x"));
    assert!(!event(&elsewhere).envelope.is_test_at(&Guid::new(PROJECT)));
}

#[test]
fn a_body_that_names_two_projects_is_of_another_one() {
    let here = Guid::new(PROJECT);
    let mut body = Sender::default().pull_request_event("git.pullrequest.created", 1, &Told::new(7, "x"));
    assert!(!event(&body).envelope.is_of_another_than(&here));
    body["resourceContainers"]["project"]["id"] = json!(PROJECT.to_uppercase());
    assert!(!event(&body).envelope.is_of_another_than(&here), "in any case of letters");
    for place in ["/resourceContainers/project/id", "/resource/repository/project/id"] {
        let mut foreign = body.clone();
        *foreign.pointer_mut(place).unwrap() = json!("5e0a7c11-0000-4000-8000-0000000000a2");
        assert!(event(&foreign).envelope.is_of_another_than(&here), "{place}");
    }
    body.as_object_mut().unwrap().remove("resourceContainers");
    body["resource"]["repository"].as_object_mut().unwrap().remove("project");
    assert!(!event(&body).envelope.is_of_another_than(&here), "one that names none is taken at its address");
}
