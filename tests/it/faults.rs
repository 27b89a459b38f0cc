//! What goes wrong on the other side or in between: tokens, networks, branches that moved, policies, outages.
//!
//! Each is told in words with its exit code; draft, store and remote stay as they were, and once it is over the same command works.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::digest::{Detail, Digest, assert_same, refused, remote, store};
use crate::support::world::{Person, World, git};

/// A world and Alice in it, with KAN-1 on her board.
fn scene() -> (World, Person) {
    scene_in(World::start())
}

fn scene_in(world: World) -> (World, Person) {
    let alice = Person::newcomer(&world, "alice");
    alice.ok(&["new", "Ring the bell", "--criterion", "it rings", "--yes"]);
    (world, alice)
}

/// The same with KAN-1 started, and a draft that differs from what is on the branch.
fn started() -> (World, Person) {
    let (world, alice) = scene();
    alice.ok(&["start", "KAN-1", "--yes"]);
    draft(&alice, "it rings", "it rings twice");
    (world, alice)
}

/// Changes words of the draft of KAN-1.
fn draft(person: &Person, old: &str, new: &str) {
    let text = String::from_utf8(person.run(&["spec", "show", "KAN-1"]).stdout).unwrap();
    assert!(text.contains(old), "{text}");
    let file = person.file("draft.md", text.replace(old, new));
    person.ok(&["spec", "edit", "KAN-1", "--from", &file, "--yes"]);
}

/// Somebody else writes a file to a branch.
fn pushed_by_bob(world: &World, branch: &str, path: &str, content: &str) {
    let body = json!({ "repository": "Harbor/tide-api", "branch": branch, "as": "bob", "path": path, "content": content });
    world.control("POST", "push", body);
}

fn spec_on_branch(world: &World, branch: &str) -> String {
    for bare in std::fs::read_dir(world.state().join("git")).unwrap().map(|entry| entry.unwrap().path()) {
        let output =
            std::process::Command::new("git").arg("-C").arg(&bare).args(["show", &format!("{branch}:.tickets/KAN-1.md")]).output().unwrap();
        if output.status.success() {
            return String::from_utf8(output.stdout).unwrap();
        }
    }
    panic!("no repository has the spec on {branch}");
}

// Tokens.

#[test]
fn a_bad_an_expired_and_a_strangers_token_are_told_apart() {
    let (world, mut alice) = scene();
    let cases = [
        ("nonsense", "the token is not valid here", "kanado token set"),
        ("alice-expired-token", "the token has expired", "kanado token rotate"),
        ("frank-token", "is not a member there", "ask an administrator"),
    ];
    for (token, words, hint) in cases {
        alice.set("KANADO_PAT", token);
        for command in [&["sync"][..], &["start", "KAN-1", "--yes"], &["repos", "discover"], &["connect", world.organisation(), "--yes"]] {
            let told = refused(&world, &alice, 1, command, &[words, hint]);
            assert!(!told.contains(token), "{told}");
        }
    }
    alice.set("KANADO_PAT", "two words and\ttabs");
    refused(&world, &alice, 1, &["sync"], &["KANADO_PAT"]);
    alice.unset("KANADO_PAT");
    alice.configure("[token]\nkeyring = false\n");
    refused(&world, &alice, 1, &["sync"], &["no token for", "kanado token set"]);
    alice.set("KANADO_PAT", &world.token("alice"));
    alice.ok(&["start", "KAN-1", "--yes"]);
}

#[test]
fn a_token_that_is_revoked_or_expires_while_it_is_used_is_told_and_nothing_is_lost() {
    let (world, alice) = started();
    world.control("POST", "expire", json!({ "token": world.token("alice") }));
    refused(&world, &alice, 1, &["spec", "push", "KAN-1", "--yes"], &["the token has expired"]);
    assert!(String::from_utf8(alice.run(&["spec", "show", "KAN-1"]).stdout).unwrap().contains("it rings twice"));
}

#[test]
fn a_token_without_the_scope_says_which_one_and_for_what() {
    let (world, mut alice) = scene();
    alice.set("KANADO_PAT", "alice-read-token");
    let words = ["feature/KAN-1", "the token is valid, but the scope Code (", "is missing", "tick Code ("];
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &words);
    alice.set("KANADO_PAT", "alice-build-token");
    refused(&world, &alice, 1, &["sync"], &["the token is valid, but the scope Code (read) is missing"]);
    refused(&world, &alice, 1, &["connect", world.organisation(), "--yes"], &["is missing"]);
    // A check says of each scope what it allows, and keeps nothing.
    alice.set("KANADO_PAT", "alice-code-token");
    let before = Digest::of(&world, &alice);
    let address = format!("{}/Harbor", world.organisation());
    let checked = alice.json(&["connect", &address, "--check"]);
    let outcomes: Vec<_> = checked["scopes"].as_array().unwrap().iter().map(|row| row["outcome"].to_string()).collect();
    assert!(
        outcomes.iter().any(|outcome| outcome.contains("allowed")) && outcomes.iter().any(|outcome| outcome.contains("missing")),
        "{checked}"
    );
    before.assert_unchanged(&world, &alice, "a check");
}

#[test]
fn somebody_without_the_permission_is_told_its_name() {
    let world = World::start();
    let erin = Person::newcomer(&world, "erin");
    erin.ok(&["new", "Not mine", "--yes"]);
    refused(&world, &erin, 1, &["start", "KAN-1", "--yes"], &["you do not have the permission", "CreateBranch"]);
    world.control("POST", "permit", json!({ "repository": "Harbor/tide-api", "as": "erin", "permission": "CreateBranch" }));
    // Now the branch can be made and the push cannot: partly done, and finished once it is allowed.
    let told = erin.fails(3, &["start", "KAN-1", "--yes"]);
    assert!(told.contains("GenericContribute") && told.contains("run it again to finish"), "{told}");
    assert_eq!(erin.json(&["show", "KAN-1"])["status"], "todo", "not shown as started before the push");
    world.control("POST", "permit", json!({ "repository": "Harbor/tide-api", "as": "erin", "permission": "GenericContribute" }));
    erin.ok(&["start", "KAN-1", "--yes"]);
    assert_eq!(erin.json(&["show", "KAN-1"])["status"], "in_progress");
}

// The network.

#[test]
fn without_a_network_drafts_are_saved_and_everything_else_says_so() {
    let (world, alice) = started();
    let before = store(&alice, Detail::Everything);
    let _folder = world.stop();
    for command in
        [&["sync"][..], &["spec", "push", "KAN-1", "--yes"], &["pr", "KAN-1", "--yes"], &["new", "x", "--repo", "nosuch", "--yes"]]
    {
        let told = alice.fails(1, command);
        assert!(command[0] == "new" || told.contains("no connection") && told.contains("check the network"), "{told}");
        assert_same(&before, &store(&alice, Detail::Everything), &format!("the store was changed by {command:?}"));
    }
    draft(&alice, "it rings twice", "it rings thrice");
    assert!(alice.ok(&["ls"]).contains("KAN-1"));
    assert!(alice.ok(&["show", "KAN-1"]).contains("it rings thrice"));
}

#[test]
fn a_proxy_that_refuses_or_is_not_there_is_named_without_its_password() {
    let mut person = Person::new("some-token");
    // A proxy that wants another password, for one connection after another.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for proxy in [refusing, closed] {
        person.set("HTTPS_PROXY", &format!("http://me:proxypassword@{proxy}"));
        let told = person.fails(1, &["connect", "https://dev.azure.com/lumen/Harbor", "--yes"]);
        assert!(told.contains("the proxy refuses or does not answer") && told.contains(&proxy.to_string()), "{told}");
        assert!(told.contains("check HTTPS_PROXY") && !told.contains("proxypassword"), "{told}");
        assert_eq!(store(&person, Detail::Everything), "");
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_until_it_is_trusted() {
    let folder = tempfile::TempDir::new().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.to_string_lossy().into_owned(), key.to_string_lossy().into_owned());
    let world = World::with(&["--tls-cert", &cert, "--tls-key", &key]);
    assert!(world.url().starts_with("https://"), "{}", world.url());
    let alice = Person::new(&world.token("alice"));
    let address = format!("{}/Harbor", world.organisation());
    refused(&world, &alice, 1, &["connect", &address, "--yes"], &["no trusted TLS connection", "ca_file"]);
    alice.configure(&format!("[network]\nca_file = {cert:?}\n"));
    alice.ok(&["connect", &address, "--prefix", "KAN", "--repo", "tide-api", "--yes"]);
    alice.ok(&["new", "Behind TLS", "--yes"]);
    alice.ok(&["start", "KAN-1", "--yes"]);
    // A file that is not there or holds no certificate is named.
    alice.configure("[network]\nca_file = \"/nonexistent/ca.pem\"\n");
    refused(&world, &alice, 1, &["sync"], &["/nonexistent/ca.pem"]);
    let empty = alice.file("empty.pem", "nothing\n");
    alice.configure(&format!("[network]\nca_file = {empty:?}\n"));
    refused(&world, &alice, 1, &["sync"], &["empty.pem"]);
}

#[test]
fn a_token_does_not_travel_over_plain_http_to_another_machine() {
    let person = Person::new("some-token");
    let told = person.fails(1, &["connect", "http://tfs.corp.example/tfs/Main/Harbor", "--yes"]);
    assert!(told.contains("may not be sent over plain http") && told.contains("allow_http"), "{told}");
}

// Branches and repositories.

#[test]
fn a_branch_that_exists_is_offered_and_left_alone() {
    let (world, alice) = scene();
    pushed_by_bob(&world, "feature/KAN-1", "/work.txt", "mine");
    let words = ["branch feature/KAN-1 already exists in tide-api", "Bob Tanaka made it", "--reuse-branch", "--branch NAME"];
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &words);
    let planned = alice.ok(&["start", "KAN-1", "--dry-run"]);
    assert!(planned.contains("feature/KAN-1"), "{planned}");
    let tip = world.tip("Harbor/tide-api", "feature/KAN-1").unwrap();
    alice.ok(&["start", "KAN-1", "--reuse-branch", "--yes"]);
    let new = world.tip("Harbor/tide-api", "feature/KAN-1").unwrap();
    assert_ne!(new, tip);
    let clone = alice.home().join("clone");
    world.clone("alice", "Harbor", "tide-api", &clone);
    assert_eq!(git(&clone, &["rev-parse", &format!("{new}^")]), tip, "one commit on top of theirs");
}

#[test]
fn a_spec_that_somebody_wrote_on_a_reused_branch_is_never_overwritten() {
    let (world, alice) = scene();
    let theirs = "# KAN-1: Ring the bell\n\n## Acceptance criteria\n\n- [ ] written by Bob\n";
    pushed_by_bob(&world, "feature/KAN-1", "/.tickets/KAN-1.md", theirs);
    let before = (store(&alice, Detail::Everything), remote(&world));
    let told = alice.fails(3, &["start", "KAN-1", "--reuse-branch", "--yes"]);
    assert!(
        told.contains(".tickets/KAN-1.md on feature/KAN-1 was changed by somebody else") && told.contains("kanado spec pull KAN-1"),
        "{told}"
    );
    assert_same(&before.1, &remote(&world), "the remote was changed");
    let after = store(&alice, Detail::Everything).replace("unfinished: start KAN-1\n", "");
    assert_same(&before.0, &after, "the draft was changed");
    // The way out that the message names.
    assert!(alice.ok(&["spec", "diff", "KAN-1"]).contains("written by Bob"));
    alice.ok(&["spec", "pull", "KAN-1", "--theirs", "--yes"]);
    alice.ok(&["start", "KAN-1", "--yes"]);
    assert_eq!(spec_on_branch(&world, "feature/KAN-1"), theirs);
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "in_progress");
}

#[test]
fn a_branch_deleted_meanwhile_is_told_and_made_again_on_request() {
    let (world, alice) = started();
    world.control("POST", "deleteBranch", json!({ "repository": "Harbor/tide-api", "branch": "feature/KAN-1", "as": "bob" }));
    let words = ["branch feature/KAN-1 is not in tide-api any more", "`kanado start KAN-1` makes it again"];
    for command in [&["spec", "push", "KAN-1", "--yes"][..], &["spec", "pull", "KAN-1", "--yes"], &["pr", "KAN-1", "--yes"]] {
        refused(&world, &alice, 1, command, &words);
    }
    alice.ok(&["start", "KAN-1", "--yes"]);
    assert!(spec_on_branch(&world, "feature/KAN-1").contains("it rings twice"));
    alice.ok(&["pr", "KAN-1", "--yes"]);
}

#[test]
fn a_target_branch_that_is_missing_is_named_with_the_way_to_choose_another() {
    let (world, alice) = scene();
    pushed_by_bob(&world, "release", "/x", "x");
    refused(&world, &alice, 1, &["repos", "target", "tide-api", "nosuch", "--yes"], &["there is no branch nosuch in tide-api"]);
    alice.ok(&["repos", "target", "tide-api", "release", "--yes"]);
    alice.ok(&["new", "Later", "--yes"]);
    alice.ok(&["start", "KAN-2", "--yes"]);
    world.control("POST", "deleteBranch", json!({ "repository": "Harbor/tide-api", "branch": "release", "as": "bob" }));
    let words = ["the target branch release does not exist in tide-api", "kanado repos target tide-api BRANCH"];
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &words);
    refused(&world, &alice, 1, &["pr", "KAN-2", "--yes"], &words);
    refused(&world, &alice, 1, &["pr", "KAN-2", "--yes", "--target", "feature/KAN-2"], &["is both the ticket's branch and the target"]);
    alice.ok(&["repos", "target", "tide-api", "main", "--yes"]);
    alice.ok(&["start", "KAN-1", "--yes"]);
}

#[test]
fn in_an_empty_repository_there_is_nothing_to_start_from() {
    let world = World::start();
    let alice = Person::new(&world.token("alice"));
    alice.ok(&["connect", &format!("{}/Quay", world.organisation()), "--prefix", "KAN", "--repo", "manifest", "--yes"]);
    alice.ok(&["new", "First", "--yes"]);
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &["repository manifest is empty", "push a first commit"]);
    refused(&world, &alice, 1, &["import", "--from-branch", "--yes"], &["repository manifest is empty"]);
    // A disabled one is not linked in the first place.
    refused(&world, &alice, 1, &["repos", "link", "crane-control", "--yes"], &["crane-control is disabled in Azure DevOps"]);
}

#[test]
fn a_repository_disabled_meanwhile_is_told_and_works_again_once_enabled() {
    let (world, alice) = started();
    world.control("POST", "disable", json!({ "repository": "Harbor/tide-api" }));
    for command in [&["spec", "push", "KAN-1", "--yes"][..], &["start", "KAN-1", "--yes"], &["pr", "KAN-1", "--yes"]] {
        refused(&world, &alice, 1, command, &["disabled"]);
    }
    alice.ok(&["repos", "discover"]);
    refused(
        &world,
        &alice,
        1,
        &["spec", "push", "KAN-1", "--yes"],
        &["repository tide-api is disabled in Azure DevOps", "enable it there"],
    );
    world.control("POST", "enable", json!({ "repository": "Harbor/tide-api" }));
    alice.ok(&["repos", "discover"]);
    alice.ok(&["spec", "push", "KAN-1", "--yes"]);
}

// Pushes.

#[test]
fn a_spec_changed_in_the_same_lines_is_refused_and_in_others_merged() {
    let (world, alice) = started();
    let base = spec_on_branch(&world, "feature/KAN-1");
    pushed_by_bob(&world, "feature/KAN-1", "/.tickets/KAN-1.md", &base.replace("it rings", "it rings at noon"));
    let words = ["was changed here and on the branch in the same lines; nothing was pushed", "--mine or --theirs"];
    refused(&world, &alice, 1, &["spec", "push", "KAN-1", "--yes"], &words);
    refused(&world, &alice, 1, &["spec", "pull", "KAN-1", "--yes"], &["the spec here is as it was"]);
    alice.ok(&["spec", "pull", "KAN-1", "--mine", "--yes"]);
    alice.ok(&["spec", "push", "KAN-1", "--yes"]);
    assert!(spec_on_branch(&world, "feature/KAN-1").contains("it rings twice"));
}

#[test]
fn a_push_that_comes_too_late_is_made_again_on_top() {
    let (world, alice) = started();
    // The branch moves between the look at it and the push: the answer to the look drips while somebody else pushes.
    let fault = world.fault("slow@2:method=GET:path=/items?:ms=2500");
    let mut command = alice.command(&["spec", "push", "KAN-1", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.wait_hit(fault, 1);
    pushed_by_bob(&world, "feature/KAN-1", "/other.txt", "meanwhile");
    let theirs = world.tip("Harbor/tide-api", "feature/KAN-1").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let clone = alice.home().join("clone");
    world.clone("alice", "Harbor", "tide-api", &clone);
    assert_eq!(git(&clone, &["rev-parse", "origin/feature/KAN-1^"]), theirs, "one commit on top of theirs");
    assert!(spec_on_branch(&world, "feature/KAN-1").contains("it rings twice"));
    let requests = world.control("GET", "requests", Value::Null);
    let pushes = requests["byRoute"].as_object().unwrap().iter().find(|(route, _)| route.starts_with("POST") && route.ends_with("/pushes"));
    assert_eq!(pushes.unwrap().1.as_u64(), Some(3), "the start's, the refused one, the second: {requests}");
}

#[test]
fn a_policy_that_rejects_a_push_is_named_and_the_draft_kept() {
    let (world, alice) = started();
    world.control("POST", "protect", json!({ "repository": "Harbor/tide-api", "branch": "feature/KAN-1" }));
    let told = refused(&world, &alice, 1, &["spec", "push", "KAN-1", "--yes"], &["a branch policy refuses it"]);
    assert!(told.contains("TF402455"), "{told}");
    world.control("POST", "unprotect", json!({ "repository": "Harbor/tide-api", "branch": "feature/KAN-1" }));
    alice.ok(&["spec", "push", "KAN-1", "--yes"]);
}

// Pull requests.

#[test]
fn a_pull_request_that_is_open_already_is_shown_and_linked_instead_of_another() {
    let (world, alice) = started();
    let open = json!({ "repository": "Harbor/tide-api", "source": "feature/KAN-1", "target": "main", "title": "By hand", "as": "bob" });
    let number = world.control("POST", "open", open)["pullRequest"].clone();
    let before = remote(&world);
    let opened = alice.json(&["pr", "KAN-1"]);
    assert_eq!((&opened["number"], &opened["existing"], &opened["status"]), (&number, &true.into(), &"pr_open".into()));
    assert_same(&before, &remote(&world), "the remote was changed");
    assert_eq!(alice.json(&["pr", "KAN-1"])["existing"], true);
}

#[test]
fn a_pull_request_opened_by_somebody_at_the_same_moment_is_linked() {
    let (world, alice) = started();
    // The list that says there is none is answered before the other one is opened, and read after.
    let fault = world.fault("slow@2:method=GET:path=/pullrequests?:ms=2500");
    let mut command = alice.command(&["pr", "KAN-1", "--yes", "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.wait_hit(fault, 1);
    let open = json!({ "repository": "Harbor/tide-api", "source": "feature/KAN-1", "target": "main", "title": "Faster", "as": "bob" });
    let number = world.control("POST", "open", open)["pullRequest"].clone();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let opened: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&opened["number"], &opened["existing"]), (&number, &true.into()));
    assert_eq!(world.pull_requests_of("feature/KAN-1").len(), 1);
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "pr_open");
}

#[test]
fn a_pull_request_completed_elsewhere_is_not_opened_again() {
    let (world, alice) = started();
    alice.ok(&["spec", "push", "KAN-1", "--yes"]);
    let opened = alice.json(&["pr", "KAN-1"]);
    world.control("POST", "merge", json!({ "pullRequest": opened["number"], "as": "bob", "deleteSource": true }));
    let words = [format!("!{}", opened["number"]), "kanado sync KAN-1".to_owned()];
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    refused(&world, &alice, 1, &["pr", "KAN-1", "--yes"], &words);
    let synced = alice.json(&["sync", "KAN-1"]);
    assert_eq!(synced["moved"][0]["to"], "merged", "{synced}");
    refused(&world, &alice, 1, &["pr", "KAN-1", "--yes"], &["KAN-1"]);
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &["can't be started"]);
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "merged");
}

#[test]
fn a_reviewer_who_may_not_review_leaves_the_pull_request_and_the_rest_is_finished_later() {
    let (world, alice) = started();
    world.control("POST", "deny", json!({ "repository": "Harbor/tide-api", "as": "dave", "permission": "GenericRead" }));
    let told = alice.fails(3, &["pr", "KAN-1", "--reviewer", "dave", "--yes"]);
    assert!(told.contains("stopped at reviewer (done: create, link)") && told.contains("run it again to finish"), "{told}");
    let rows = world.pull_requests_of("feature/KAN-1");
    assert_eq!((rows.len(), &rows[0]["votes"]), (1, &json!({})), "{rows:?}");
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "pr_open");
    // Still refused; nothing more is made.
    alice.fails(3, &["pr", "KAN-1", "--yes"]);
    assert_eq!(world.pull_requests_of("feature/KAN-1").len(), 1);
    world.control("POST", "permit", json!({ "repository": "Harbor/tide-api", "as": "dave", "permission": "GenericRead" }));
    let opened = alice.json(&["pr", "KAN-1"]);
    assert_eq!((&opened["existing"], &opened["reviewer"]), (&false.into(), &"Dave Lindqvist".into()));
    let rows = world.pull_requests_of("feature/KAN-1");
    assert_eq!((rows.len(), &rows[0]["votes"]), (1, &json!({ "dave": 0 })), "{rows:?}");
    assert!(!store(&alice, Detail::Everything).contains("unfinished"));
}

#[test]
fn a_reviewer_who_may_not_review_can_be_replaced_or_left_out() {
    for (wish, votes) in [(&["--reviewer", "bob"][..], json!({ "bob": 0 })), (&["--no-reviewer"], json!({}))] {
        let (world, alice) = started();
        world.control("POST", "deny", json!({ "repository": "Harbor/tide-api", "as": "dave", "permission": "GenericRead" }));
        alice.fails(3, &["pr", "KAN-1", "--reviewer", "dave", "--yes"]);
        let mut command = vec!["pr", "KAN-1"];
        command.extend(wish);
        alice.json(&command);
        let rows = world.pull_requests_of("feature/KAN-1");
        assert_eq!((rows.len(), &rows[0]["votes"]), (1, &votes), "{rows:?}");
        assert!(!store(&alice, Detail::Everything).contains("unfinished"));
    }
}

// Outages.

/// Faults that last: what each is told as, and how.
const LASTING: [(&str, &str); 11] = [
    ("429:retry-after=3600", "asks to wait 3600 s"),
    ("401", "the token is not valid here"),
    ("203", "sign-in page"),
    ("302", "the token is not valid here"),
    ("html", "sign-in page"),
    ("500", "failed with status 500"),
    ("502", "failed with status 502"),
    ("503", "failed with status 503"),
    ("503-bom", "TF24668"),
    ("cut", "the connection was cut"),
    ("slow:ms=20000", "no answer in time"),
];

#[test]
fn an_outage_is_told_by_reading_commands_and_is_over_when_it_is_over() {
    let (told_at_once, told_after_retries) = LASTING.split_at(5);
    std::thread::scope(|scope| {
        // The client waits between its attempts: three groups wait at the same time.
        for group in [told_at_once, &told_after_retries[..3], &told_after_retries[3..]] {
            scope.spawn(|| outages(group));
        }
    });
}

fn outages(faults: &[(&str, &str)]) {
    let (world, alice) = started();
    alice.configure("[network]\ntimeout_ms = 1500\n");
    for (fault, words) in faults {
        world.fault(&format!("{fault}:method=GET"));
        let told = refused(&world, &alice, 1, &["sync", "--json"], &[words]);
        let error: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{told}: {error}"));
        assert_eq!((&error["error"]["exit"], error["error"]["hint"].is_string()), (&1.into(), true), "{error}");
        world.no_faults();
        alice.ok(&["sync"]);
    }
}

#[test]
fn an_outage_while_a_branch_is_made_changes_nothing_or_is_found_out_by_looking() {
    let (world, alice) = scene();
    alice.configure("[network]\ntimeout_ms = 1500\n");
    for (fault, words) in LASTING {
        if ["cut", "slow"].iter().any(|kind| fault.starts_with(kind)) {
            // These do the work and lose the answer: another test's matter.
            continue;
        }
        world.fault(&format!("{fault}:method=POST:path=/refs"));
        let words = match fault {
            // Whoever may sign in and may not do this lacks a scope.
            "401" => "the scope Code (read & write) is missing",
            // A gateway may have passed the request on, and by looking it is found that it did not.
            "502" => "the answer was lost",
            _ => words,
        };
        let before = Digest::of(&world, &alice);
        let told = alice.fails(1, &["start", "KAN-1", "--yes"]);
        assert!(told.contains(words), "{fault}: {told}");
        let mut after = store(&alice, Detail::Everything);
        if fault == "502" {
            // What may have happened is looked for by the next run.
            after = after.replace("unfinished: start KAN-1\n", "");
        }
        let before_store = before.store.replace("unfinished: start KAN-1\n", "");
        assert_same(&before_store, &after, &format!("the store was changed under {fault}"));
        assert_same(&before.remote, &remote(&world), &format!("the remote was changed under {fault}"));
        world.no_faults();
    }
    alice.ok(&["start", "KAN-1", "--yes"]);
    assert!(!store(&alice, Detail::Everything).contains("unfinished"));
}

#[test]
fn an_outage_while_the_spec_is_pushed_is_partly_done_and_finished_by_the_next_run() {
    let (world, alice) = scene();
    world.fault("500:method=POST:path=/pushes");
    let told = alice.fails(3, &["start", "KAN-1", "--yes"]);
    assert!(told.contains("stopped at spec (done: branch)") && told.contains("run it again to finish"), "{told}");
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "todo", "not started before the push is acknowledged");
    assert!(world.tip("Harbor/tide-api", "feature/KAN-1").is_some());
    world.no_faults();
    let started = alice.json(&["start", "KAN-1"]);
    assert_eq!(started["branch"], "feature/KAN-1");
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "in_progress");
    assert!(!store(&alice, Detail::Everything).contains("unfinished"));
}

#[test]
fn a_request_to_wait_is_obeyed_and_short_troubles_are_not_noticed() {
    let (world, alice) = started();
    for fault in [
        "429@1:retry-after=1:method=GET",
        "200-retry-after@1:retry-after=1:method=GET",
        "500@1:method=GET",
        "503-bom@1:method=GET",
        "cut@1:method=GET",
        "slow@1:ms=300:method=GET",
    ] {
        let id = world.fault(fault);
        alice.ok(&["sync"]);
        world.wait_hit(id, 1);
        world.no_faults();
    }
    // A push that is refused for now is not repeated behind the person's back, but told.
    world.fault("429@1:retry-after=1:method=POST:path=/pushes");
    let told = refused(&world, &alice, 1, &["spec", "push", "KAN-1", "--yes"], &["asks to wait 1 s"]);
    assert!(told.contains("wait, then try again"), "{told}");
    alice.ok(&["spec", "push", "KAN-1", "--yes"]);
}

// Signals.

#[test]
fn told_to_end_a_command_says_what_is_done_and_the_next_one_finishes() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let (world, alice) = scene();
        let fault = world.fault("slow:method=POST:path=/pushes:ms=60000");
        let child = alice.command(&["start", "KAN-1", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        world.wait_hit(fault, 1);
        // SAFETY: `kill` takes plain integers.
        assert_eq!(unsafe { libc::kill(i32::try_from(child.id()).unwrap(), signal) }, 0);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(told.contains("stopped; done: branch") && told.contains("the same command finishes the rest"), "{told}");
        world.no_faults();
        let tip = world.tip("Harbor/tide-api", "feature/KAN-1");
        alice.ok(&["start", "KAN-1", "--yes"]);
        assert_eq!(world.tip("Harbor/tide-api", "feature/KAN-1"), tip, "the push had arrived; there is no second commit");
        assert_eq!(alice.json(&["show", "KAN-1"])["status"], "in_progress");
    }
}
