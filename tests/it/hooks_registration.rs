//! Registering webhooks on the simulator with the binary itself: once a purpose, found again after a crash, replaced in order, removed
//! without a trace of ours and with all of the others'.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use kanado::domain::hook::{Purpose, SubscriptionState};
use kanado::store::{Location, Store};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::catcher::{Catcher, Caught};
use crate::support::receiver::Serve;
use crate::support::world::{Person, World};

/// A world, a receiver, and Alice, who may look after webhooks.
struct Desk {
    world: World,
    catcher: Catcher,
    alice: Person,
}

impl Desk {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let world = World::with(&[&["--allow-loopback-hooks"], options].concat());
        let (catcher, alice) = (Catcher::start(), Person::newcomer(&world, "alice"));
        let desk = Self { world, catcher, alice };
        desk.configure(&desk.alice);
        desk
    }

    fn configure(&self, person: &Person) {
        configure(person, &self.catcher.url, "");
    }

    /// Every web hook at the simulator, without secrets.
    fn all(&self) -> Vec<Value> {
        self.world.control("GET", "hooks/subscriptions", Value::Null)["subscriptions"].as_array().unwrap().clone()
    }

    /// Those that deliver to our receiver.
    fn ours(&self) -> Vec<Value> {
        self.all().into_iter().filter(|row| row["url"].as_str().is_some_and(|url| url.starts_with(&self.catcher.url))).collect()
    }

    fn purposes(&self) -> Vec<String> {
        let last = |row: &Value| row["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        self.ours().iter().map(last).collect()
    }

    fn of_purpose(&self, purpose: Purpose) -> Value {
        let end = format!("/{}", purpose.word());
        let found = self.ours().into_iter().filter(|row| row["url"].as_str().unwrap().ends_with(&end)).collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{purpose:?}: {found:?}");
        found[0].clone()
    }

    fn register(&self) -> Value {
        self.alice.json(&["hooks", "register"])
    }

    /// Lets an event happen of every kind that moves cards, and takes what arrived.
    fn deliver(&self) -> Vec<Caught> {
        self.catcher.take();
        for purpose in Purpose::ALL.into_iter().filter(|purpose| purpose.moves_cards()) {
            let event = purpose.event();
            let mut body = json!({ "eventType": event.event_type, "project": "Harbor", "repository": "tide-api" });
            if let Some(kind) = event.notification_type {
                body["notificationType"] = json!(kind);
            }
            let number = self.world.control("GET", "pullRequests", Value::Null)["pullRequests"][0]["pullRequest"].clone();
            body["pullRequest"] = number;
            self.world.control("POST", "hooks/emit", body);
        }
        self.world.control("POST", "hooks/idle", json!({}));
        self.catcher.take()
    }

    /// Whether the store takes each password that arrived, for the project.
    #[track_caller]
    fn assert_all_accepted(&self, arrived: &[Caught]) {
        let accepted = accepted(&self.alice);
        for caught in arrived {
            assert!(accepted.contains(&digest(&caught.password)), "{} came with a secret that is not accepted", caught.path);
        }
    }
}

fn configure(person: &Person, public_url: &str, more: &str) {
    let toml = format!("[webhooks]\npublic_url = \"{public_url}\"\n\n[hooks]\nallow_insecure_url = true\n{more}");
    person.configure(&toml);
}

fn digest(password: &str) -> [u8; 32] {
    Sha256::digest(password.as_bytes()).into()
}

fn in_store<T>(person: &Person, work: impl AsyncFnOnce(&Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(&Location::in_directory(&person.data())).await.unwrap();
        let answer = work(&store).await;
        store.close().await;
        answer
    })
}

fn accepted(person: &Person) -> BTreeSet<[u8; 32]> {
    in_store(person, async |store| {
        let now = jiff::Timestamp::now();
        store.accepted_secrets(now).await.unwrap().into_iter().filter(|secret| !secret.removed).map(|secret| secret.digest).collect()
    })
}

/// Purpose and state of each row.
fn rows(person: &Person) -> Vec<(Purpose, SubscriptionState)> {
    in_store(person, async |store| {
        let mut rows = Vec::new();
        for project in [store.projects().await.unwrap(), store.removed_projects().await.unwrap()].concat() {
            rows.extend(store.subscriptions(project.id).await.unwrap().into_iter().map(|row| (row.purpose, row.state)));
        }
        rows
    })
}

fn words(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn killed_at(person: &Person, point: &str, arguments: &[&str]) {
    let output = person.command(arguments).env("KANADO_TEST_KILL_AT", point).output().unwrap();
    assert_eq!(output.status.signal(), Some(libc::SIGKILL), "{point} was not reached by {arguments:?}: {}", words(&output));
}

/// Every purpose exactly once.
#[track_caller]
fn assert_full(desk: &Desk) {
    let mut found = desk.purposes();
    found.sort_unstable();
    let mut wanted: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.word()).collect();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    let rows = rows(&desk.alice);
    assert_eq!(rows.len(), Purpose::ALL.len());
    assert!(rows.iter().all(|(_, state)| *state == SubscriptionState::Enabled), "{rows:?}");
}

#[test]
fn registering_twice_makes_nothing_twice() {
    let desk = Desk::new();
    let before = desk.all().len();
    let first = desk.register();
    assert_eq!(first["made"].as_array().unwrap().len(), Purpose::ALL.len(), "{first}");
    assert_eq!(first["verified"], Purpose::ALL.len());
    assert_full(&desk);
    assert_eq!(desk.all().len(), before + Purpose::ALL.len(), "the others' are still there");

    let ids = |desk: &Desk| desk.all().iter().map(|row| row["id"].to_string()).collect::<BTreeSet<_>>();
    let made = ids(&desk);
    let second = desk.register();
    assert_eq!((second["applied"].as_bool(), second["kept"].as_u64()), (Some(false), Some(Purpose::ALL.len() as u64)), "{second}");
    assert_eq!(ids(&desk), made);
    let words = desk.alice.ok(&["hooks", "register", "--yes"]);
    assert!(words.contains("Nothing to do"), "{words}");
}

#[test]
fn each_webhook_has_a_secret_and_an_address_of_its_own_and_says_what_it_sends() {
    let desk = Desk::new();
    desk.register();
    let tests = desk.catcher.take();
    assert_eq!(tests.len(), Purpose::ALL.len());
    desk.assert_all_accepted(&tests);
    for distinct in
        [|caught: &Caught| caught.password.clone(), |caught: &Caught| caught.path.clone(), |caught: &Caught| caught.user.clone()]
    {
        assert_eq!(tests.iter().map(distinct).collect::<BTreeSet<_>>().len(), Purpose::ALL.len());
    }
    for purpose in Purpose::ALL {
        let (row, event) = (desk.of_purpose(purpose), purpose.event());
        assert_eq!((row["publisher"].as_str(), row["eventType"].as_str()), (Some(event.publisher.word()), Some(event.event_type)));
        assert_eq!(row["publisherInputs"]["notificationType"].as_str().filter(|kind| !kind.is_empty()), event.notification_type);
        let inputs = &row["consumerInputs"];
        let settings = ["resourceDetailsToSend", "messagesToSend", "detailedMessagesToSend"].map(|name| inputs[name].as_str());
        assert_eq!(settings, [Some(""), Some("none"), Some("none")]);
    }
    // Nobody keeps a secret: not the store, not its log, not the configuration.
    let mut files = vec![desk.alice.home().to_path_buf()];
    let mut looked = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        looked += 1;
        let bytes = std::fs::read(&path).unwrap();
        for caught in &tests {
            assert!(!bytes.windows(caught.password.len()).any(|window| window == caught.password.as_bytes()), "{}", path.display());
        }
    }
    assert!(looked > 2);
}

#[test]
fn a_registration_that_was_killed_is_taken_up_where_it_stopped() {
    for point in [
        "hooks.begin.recorded",
        "hooks.pull-request-created.begun",
        "hooks.pull-request-vote.sent",
        "hooks.deployment-completed.sent",
        "hooks.push.done",
        "hooks.finish.recorded",
    ] {
        let desk = Desk::new();
        killed_at(&desk.alice, point, &["hooks", "register", "--yes"]);
        let before = desk.ours().len();
        desk.register();
        assert_full(&desk);
        assert!(before <= Purpose::ALL.len(), "{point}");
        let arrived = desk.deliver();
        assert_eq!(arrived.len(), 6, "{point}");
        desk.assert_all_accepted(&arrived);
        let again = desk.register();
        assert_eq!(again["kept"], Purpose::ALL.len(), "{point}: {again}");
    }
}

#[test]
fn a_webhook_is_taken_over_when_the_answer_to_its_making_was_lost() {
    let desk = Desk::new();
    killed_at(&desk.alice, "hooks.pull-request-vote.sent", &["hooks", "register", "--yes"]);
    let made = desk.of_purpose(Purpose::PullRequestVote)["id"].clone();
    let done = desk.register();
    assert_eq!(done["adopted"], json!(["pull-request-vote"]), "{done}");
    assert_eq!(desk.of_purpose(Purpose::PullRequestVote)["id"], made, "the same one, and no second");
}

#[test]
fn what_is_on_probation_disabled_or_gone_is_made_anew() {
    let desk = Desk::new();
    desk.register();
    let ill = [
        (Purpose::PullRequestVote, "onProbation", "on_probation"),
        (Purpose::PullRequestPush, "disabledBySystem", "disabled_by_system"),
        (Purpose::PullRequestCreated, "disabledByUser", "disabled_by_user"),
        (Purpose::Push, "disabledByInactiveIdentity", "disabled_by_inactive_identity"),
    ];
    let mut before = Vec::new();
    for (purpose, status, _) in ill {
        let id = desk.of_purpose(purpose)["id"].clone();
        desk.world.control("POST", "hooks/status", json!({ "subscription": id, "status": status }));
        before.push(id);
    }
    let gone = desk.of_purpose(Purpose::PullRequestMerged)["id"].clone();
    desk.world.control("POST", "hooks/delete", json!({ "subscription": gone }));

    let output = desk.alice.run(&["hooks", "status", "--json"]);
    assert_eq!(output.status.code(), Some(1), "events are lost: {}", words(&output));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let state = |purpose: Purpose| {
        let rows = status["look"]["subscriptions"].as_array().unwrap();
        let row = rows.iter().find(|row| row["purpose"] == purpose.word()).unwrap();
        assert!(row["problem"].as_str().unwrap().contains("kanado hooks register"), "{row}");
        row["state"].as_str().unwrap().to_owned()
    };
    for (purpose, _, word) in ill {
        assert_eq!(state(purpose), word);
    }
    assert_eq!(state(Purpose::PullRequestMerged), "missing");

    let done = desk.register();
    assert_eq!(done["replaced"].as_array().unwrap().len(), ill.len(), "{done}");
    assert_eq!(done["made"], json!(["pull-request-merged"]));
    assert_full(&desk);
    for ((purpose, _, _), id) in ill.into_iter().zip(before) {
        let now = desk.of_purpose(purpose);
        assert!(now["id"] != id && now["status"] == "enabled", "{now}");
    }
    assert_eq!(desk.alice.run(&["hooks", "status"]).status.code(), Some(0));
}

#[test]
fn no_webhook_is_ever_updated_so_that_no_mask_is_sent_back() {
    let desk = Desk::new();
    desk.register();
    let id = desk.of_purpose(Purpose::Push)["id"].clone();
    desk.world.control("POST", "hooks/status", json!({ "subscription": id, "status": "disabledBySystem" }));
    desk.register();
    desk.alice.json(&["hooks", "secret", "generate"]);
    desk.alice.json(&["hooks", "register", "--renew"]);
    desk.alice.json(&["hooks", "verify"]);
    desk.alice.json(&["hooks", "remove"]);
    let requests = desk.world.control("GET", "requests", Value::Null);
    let routes: Vec<&String> = requests["byRoute"].as_object().unwrap().keys().filter(|route| route.contains("hooks")).collect();
    assert!(routes.iter().any(|route| route.starts_with("POST")) && routes.iter().any(|route| route.starts_with("DELETE")), "{routes:?}");
    assert!(!routes.iter().any(|route| route.starts_with("PUT") || route.starts_with("PATCH")), "{routes:?}");
}

#[test]
fn who_may_not_register_is_given_the_steps_to_do_it_by_hand_and_nothing_is_left_behind() {
    let desk = Desk::new();
    let bob = Person::newcomer(&desk.world, "bob");
    desk.configure(&bob);
    let before = desk.all().len();
    let output = bob.run(&["hooks", "register", "--yes"]);
    let text = words(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for wanted in [
        "Edit Subscription",
        "Harbor/_settings/serviceHooks",
        "Web Hooks",
        "Pull request updated, Change: Votes score changed",
        "/pull-request-vote",
        "Basic authentication username: kanado",
        "kanado hooks secret generate",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    assert_eq!(desk.all().len(), before);
    assert!(rows(&bob).is_empty() && accepted(&bob).is_empty(), "no row and no secret of what was refused");
    let doctor = words(&bob.run(&["doctor"]));
    assert!(!doctor.contains("interrupted: hooks"), "{doctor}");
}

#[test]
fn who_may_not_see_the_webhooks_does_not_take_them_for_gone() {
    let desk = Desk::new();
    desk.register();
    desk.world.control("POST", "administrator", json!({ "as": "alice", "is": false }));
    let accepted_before = accepted(&desk.alice);
    for command in [&["hooks", "register", "--yes"][..], &["hooks", "status"], &["hooks", "remove", "--yes"]] {
        let text = words(&desk.alice.run(command));
        assert!(text.contains("do not have the permission"), "{command:?}: {text}");
    }
    assert_eq!(accepted(&desk.alice), accepted_before, "what arrives is taken as before");
    let states: BTreeSet<&str> =
        rows(&desk.alice).iter().map(|(_, state)| if *state == SubscriptionState::Missing { "missing" } else { "" }).collect();
    assert!(!states.contains("missing"));
}

#[test]
fn the_steps_by_hand_make_hooks_that_are_taken() {
    let desk = Desk::new();
    let secret = desk.alice.json(&["hooks", "secret", "generate"])["secret"].as_str().unwrap().to_owned();
    let manual = desk.alice.json(&["hooks", "print"]);
    let row = manual["hooks"].as_array().unwrap().iter().find(|row| row["purpose"] == "pull-request-vote").unwrap();
    assert_eq!((row["event"].as_str(), &row["filter"]), (Some("Pull request updated"), &json!(["Change", "Votes score changed"])));
    let made = make_by_hand(&desk, row["url"].as_str().unwrap(), &secret);
    let arrived = desk.deliver();
    assert_eq!(arrived.len(), 1);
    assert_eq!((arrived[0].user.as_str(), arrived[0].password.as_str()), ("kanado", secret.as_str()));
    desk.assert_all_accepted(&arrived);

    // It is told, and neither taken over nor touched: not by registering, not by removing.
    let done = desk.register();
    assert_eq!(done["overlaps"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["made"].as_array().unwrap().len(), Purpose::ALL.len());
    let status = desk.alice.json(&["hooks", "status"]);
    assert_eq!(status["look"]["overlaps"][0]["remote"], made, "{status}");
    let said = words(&desk.alice.run(&["hooks", "register", "--yes"]));
    assert!(said.contains("delivers here too"), "{said}");
    desk.alice.json(&["hooks", "remove"]);
    assert_eq!(desk.ours().iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), [made]);
}

/// As a person fills in the page.
fn make_by_hand(desk: &Desk, url: &str, secret: &str) -> Value {
    let projects = desk.alice.json(&["projects", "ls"]);
    let body = json!({
        "publisherId": "tfs", "eventType": "git.pullrequest.updated", "resourceVersion": "1.0", "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": { "projectId": projects[0]["id"], "notificationType": "ReviewerVoteNotification" },
        "consumerInputs": { "url": url, "basicAuthUsername": "kanado", "basicAuthPassword": secret, "messagesToSend": "none" },
    });
    let (status, made) = desk.world.api("alice", "POST", "_apis/hooks/subscriptions", body);
    assert_eq!(status, 200, "{made}");
    made["id"].clone()
}

#[test]
fn deselecting_a_project_leaves_none_of_ours_and_all_of_the_others() {
    let desk = Desk::new();
    let others: Vec<Value> = desk.all().iter().map(|row| row["id"].clone()).collect();
    assert!(!others.is_empty(), "the world has hooks of others");
    let by_hand = make_by_hand(&desk, "https://elsewhere.example.com/hook", "s3cret");
    let key = desk.alice.json(&["new", "Stays"])["key"].as_str().unwrap().to_owned();
    desk.register();
    let plan = desk.alice.ok(&["projects", "remove", "Harbor", "--dry-run"]);
    assert!(plan.contains("delete the webhook git.push") && desk.ours().len() == Purpose::ALL.len(), "{plan}");
    let done = desk.alice.json(&["projects", "remove", "Harbor"]);
    assert_eq!(done["hooks"]["Ok"]["deleted"], Purpose::ALL.len(), "{done}");
    let left: Vec<Value> = desk.all().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(left, [others, vec![by_hand]].concat());
    assert!(rows(&desk.alice).is_empty() && accepted(&desk.alice).is_empty());
    assert_eq!(desk.alice.json(&["projects", "ls"]), json!([]));

    // Put back, it has its tickets and its prefix, and can be registered again.
    desk.alice.json(&["projects", "add", "Harbor"]);
    assert!(desk.alice.ok(&["show", &key]).contains("Stays"));
    desk.register();
    assert_full(&desk);
}

#[test]
fn a_project_that_leaves_while_azure_devops_is_out_of_reach_is_finished_by_asking_again() {
    let desk = Desk::new();
    desk.register();
    let fault = desk.world.fault("503:path=/hooks/");
    let output = desk.alice.run(&["projects", "remove", "Harbor", "--purge", "--json", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let done: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(done["hooks"]["Err"].is_string() && done["purged"].as_u64().is_some(), "{done}");
    assert_eq!(done["hooks_left"], Purpose::ALL.len());
    assert!(said.contains("still there") && said.contains("kanado projects remove Harbor"), "{said}");
    assert_eq!((desk.alice.json(&["projects", "ls"]), desk.ours().len()), (json!([]), Purpose::ALL.len()));
    assert!(accepted(&desk.alice).is_empty(), "nothing that they deliver is believed any more");

    desk.world.wait_hit(fault, 1);
    desk.world.no_faults();
    let done = desk.alice.json(&["projects", "remove", "Harbor"]);
    assert_eq!((&done["hooks"]["Ok"]["deleted"], &done["hooks_left"]), (&json!(Purpose::ALL.len()), &json!(0)));
    assert!(desk.ours().is_empty() && rows(&desk.alice).is_empty());
    let words = desk.alice.fails(1, &["projects", "remove", "Nowhere", "--yes"]);
    assert!(words.contains("no project"), "{words}");
}

#[test]
fn what_cannot_be_removed_now_is_removed_at_the_next_occasion() {
    let desk = Desk::new();
    desk.register();
    killed_at(&desk.alice, "hooks remove.delete.sent", &["projects", "remove", "Harbor", "--yes"]);
    assert_eq!(desk.ours().len(), Purpose::ALL.len() - 1, "killed after the first was deleted");
    assert!(rows(&desk.alice).iter().all(|(_, state)| *state == SubscriptionState::Removing));
    assert_eq!(desk.alice.json(&["projects", "ls"]), json!([]), "it is off the board all the same");
    // Put back and registered: the leftovers go, and a full set is there.
    desk.alice.json(&["projects", "add", "Harbor"]);
    desk.register();
    assert_full(&desk);
}

#[test]
fn a_rotation_makes_the_new_one_before_the_old_one_goes_wherever_it_stops() {
    for point in ["hooks.pull-request-reviewers.begun", "hooks.pull-request-reviewers.sent", "hooks.pull-request-reviewers.done"] {
        let desk = Desk::new();
        desk.register();
        let before: BTreeSet<String> = desk.deliver().into_iter().map(|caught| caught.password).collect();
        killed_at(&desk.alice, point, &["hooks", "register", "--renew", "--yes"]);
        // Whatever delivers at this moment is taken, and nothing that was told before is told no more.
        let between = desk.deliver();
        desk.assert_all_accepted(&between);
        let told: BTreeSet<&str> = between.iter().map(|caught| caught.path.rsplit('/').next().unwrap()).collect();
        assert_eq!(told.len(), 6, "{point}");
        // The next run finishes the rotation without being told to.
        desk.register();
        assert_full(&desk);
        let after = desk.deliver();
        desk.assert_all_accepted(&after);
        assert!(after.iter().all(|caught| !before.contains(&caught.password)), "{point}: every secret is a new one");
        assert_eq!(accepted(&desk.alice).len(), Purpose::ALL.len(), "and the old ones are forgotten");
    }
}

#[test]
fn a_webhook_that_works_is_not_given_up_for_one_that_does_not() {
    let desk = Desk::new();
    desk.register();
    let before: BTreeSet<String> = desk.ours().iter().map(|row| row["id"].to_string()).collect();
    desk.catcher.answer(401);
    let output = desk.alice.run(&["hooks", "register", "--renew", "--yes"]);
    assert!(words(&output).contains("the old one stays"), "{}", words(&output));
    assert_eq!(desk.ours().iter().map(|row| row["id"].to_string()).collect::<BTreeSet<_>>(), before);
    desk.catcher.answer(200);
    desk.assert_all_accepted(&desk.deliver());
}

#[test]
fn a_receiver_that_is_not_there_yet_is_told_and_the_webhooks_are_made_all_the_same() {
    let desk = Desk::new();
    desk.catcher.answer(404);
    let output = desk.alice.run(&["hooks", "register", "--yes"]);
    let text = words(&output);
    assert!(output.status.success() && text.contains("could not be tested") && text.contains("kanado serve"), "{text}");
    assert_full(&desk);
    assert_eq!(desk.catcher.take().len(), 1, "after the first that failed the others are not tried");
    desk.catcher.answer(200);
    let verified = desk.alice.json(&["hooks", "verify"]);
    assert!(verified.as_array().unwrap().iter().all(|one| one["trial"]["outcome"] == "arrived"), "{verified}");
    desk.catcher.answer(500);
    let failed = desk.alice.fails(1, &["hooks", "verify"]);
    assert!(failed.contains("did not arrive"), "{failed}");
}

#[test]
fn a_secret_is_shown_once_alone_on_stdout_and_the_old_one_is_taken_for_the_overlap() {
    let desk = Desk::new();
    let shown = desk.alice.run(&["hooks", "secret", "generate", "--yes"]);
    let first = String::from_utf8(shown.stdout.clone()).unwrap().trim_end().to_owned();
    assert!(first.len() == 43 && !first.contains(char::is_whitespace), "{}", words(&shown));
    assert!(!String::from_utf8_lossy(&shown.stderr).contains(&first));
    let refused = desk.alice.fails(1, &["hooks", "secret", "generate", "--yes"]);
    assert!(refused.contains("cannot be shown again") && !refused.contains(&first), "{refused}");

    let second = desk.alice.ok(&["hooks", "secret", "rotate", "--overlap", "1h", "--yes"]).trim_end().to_owned();
    let takes = |secret: &str| accepted(&desk.alice).contains(&digest(secret));
    assert!(second != first && takes(&first) && takes(&second), "both, during the overlap");
    let third = desk.alice.ok(&["hooks", "secret", "rotate", "--overlap", "0s", "--yes"]).trim_end().to_owned();
    assert!(!takes(&first) || !takes(&second), "an overlap of nothing refuses the one before");
    assert!(takes(&third));
    desk.alice.ok(&["hooks", "secret", "revoke", "--yes"]);
    assert!(!takes(&third));
    for path in ["data/kanado/kanado.db", "data/kanado/kanado.db-wal"] {
        let bytes = std::fs::read(desk.alice.home().join(path)).unwrap_or_default();
        for secret in [&first, &second, &third] {
            assert!(!bytes.windows(43).any(|window| window == secret.as_bytes()), "{path}");
        }
    }
}

#[test]
fn events_of_release_management_are_registered_at_their_own_host() {
    let desk = Desk::new();
    desk.register();
    let requests = desk.world.control("GET", "requests", Value::Null);
    let release = desk.of_purpose(Purpose::DeploymentCompleted);
    assert_eq!(release["publisher"], "rm");
    let (_, base) = desk.world.api("alice", "GET", "_apis/hooks/subscriptions", Value::Null);
    let at_base: Vec<&Value> = base["value"].as_array().unwrap().iter().filter(|row| row["publisherId"] == "rm").collect();
    assert!(at_base.is_empty(), "the main host does not know it: {requests}");
    desk.alice.json(&["hooks", "remove"]);
    assert!(desk.ours().is_empty());
}

#[test]
fn a_server_of_ones_own_is_registered_on_as_well() {
    for version in ["2022", "2020"] {
        let desk = Desk::with(&["--server-version", version]);
        let done = desk.register();
        assert!(done["made"].as_array().unwrap().len() >= 12, "{done}");
        let moving = Purpose::ALL.into_iter().filter(|purpose| purpose.moves_cards());
        for purpose in moving {
            assert_eq!(desk.of_purpose(purpose)["status"], "enabled");
        }
        assert_eq!(desk.register()["applied"], false);
        desk.alice.json(&["hooks", "remove"]);
        assert!(desk.ours().is_empty(), "{version}");
    }
}

#[test]
fn an_address_that_would_be_refused_is_explained_before_azure_devops_is_asked() {
    let desk = Desk::new();
    let asked = |desk: &Desk| {
        let requests = desk.world.control("GET", "requests", Value::Null);
        requests["byRoute"].as_object().unwrap().keys().filter(|route| route.contains("hooks")).count()
    };
    for (url, says) in
        [("http://kanado.example.com", "plain http"), ("https://192.168.1.7", "private network"), ("https://169.254.10.1", "link-local")]
    {
        configure(&desk.alice, url, "");
        let words = desk.alice.fails(1, &["hooks", "register", "--yes"]);
        assert!(words.contains(says) && words.contains("webhooks.public_url"), "{words}");
    }
    desk.alice.configure("[webhooks]\npublic_url = \"http://127.0.0.1:8090\"\n");
    let words = desk.alice.fails(1, &["hooks", "register", "--yes"]);
    assert!(words.contains("this machine itself") && words.contains("allow_insecure_url"), "{words}");
    desk.alice.configure("");
    let words = desk.alice.fails(1, &["hooks", "register", "--yes"]);
    assert!(words.contains("no address yet"), "{words}");
    assert_eq!(asked(&desk), 0);
}

#[test]
fn what_azure_devops_itself_refuses_about_the_address_is_told_in_its_words() {
    let world = World::start();
    let alice = Person::newcomer(&world, "alice");
    configure(&alice, "http://127.0.0.1:8090", "");
    let words = alice.fails(1, &["hooks", "register", "--yes"]);
    assert!(words.contains("not allowed") || words.contains("HTTPS"), "{words}");
    assert!(rows(&alice).is_empty() && accepted(&alice).is_empty());
}

#[test]
fn the_service_account_registers_where_there_is_one_and_is_named() {
    let desk = Desk::new();
    let mut bob = Person::newcomer(&desk.world, "bob");
    let token = bob.file("service-token", desk.world.token("alice"));
    configure(&bob, &desk.catcher.url, &format!("\n[service]\ncommand = \"cat '{token}'\"\n"));
    let done = bob.json(&["hooks", "register"]);
    assert!(done["identity"].as_str().unwrap().contains("the service account"), "{done}");
    assert_eq!(done["made"].as_array().unwrap().len(), Purpose::ALL.len());
    let status = bob.json(&["hooks", "status"]);
    assert_eq!(status["look"]["account"], "service");
    assert!(bob.ok(&["hooks", "status"]).contains("the service account"));
    let source = bob.ok(&["token", "source", "--service"]);
    assert!(source.contains("> the command in service.command"), "{source}");

    // Kept like a person's own token, beside it.
    configure(&bob, &desk.catcher.url, "");
    assert!(bob.fails(1, &["hooks", "status"]).contains("permission"));
    bob.set("KANADO_SERVICE_TOKEN", &desk.world.token("alice"));
    assert_eq!(bob.json(&["hooks", "status"])["look"]["account"], "service");
    bob.unset("KANADO_SERVICE_TOKEN");
    let mut command = bob.command(&["token", "set", "--service", "--in", "file"]);
    let mut child = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), desk.world.token("alice").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(bob.json(&["hooks", "status"])["look"]["account"], "service");
    bob.ok(&["token", "forget", "--service", "--yes"]);
    assert!(bob.fails(1, &["hooks", "status"]).contains("permission"));
    assert!(bob.ok(&["prs"]).len() < 100_000, "his own token is still his own");
}

#[test]
fn two_who_register_at_the_same_moment_make_one_set() {
    let desk = Desk::new();
    let spawn = || {
        let mut command = desk.alice.command(&["hooks", "register", "--yes"]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let outputs = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
    for output in &outputs {
        let text = words(output);
        assert!(output.status.success() || text.contains("another process"), "{text}");
    }
    assert!(outputs.iter().any(|output| output.status.success()));
    assert_full(&desk);
}

#[test]
fn nothing_is_changed_with_readonly_dry_run_or_nobody_to_confirm() {
    let desk = Desk::new();
    for arguments in [&["hooks", "register", "--readonly", "--yes"][..], &["hooks", "register"], &["hooks", "secret", "generate"]] {
        desk.alice.fails(1, arguments);
    }
    let plan = desk.alice.ok(&["hooks", "register", "--dry-run"]);
    assert!(plan.contains("make       pull-request-vote") && plan.contains("belong to Alice"), "{plan}");
    assert!(desk.ours().is_empty() && rows(&desk.alice).is_empty() && accepted(&desk.alice).is_empty());
}

/// Alice with a receiver of her own, which has a secret to start with.
fn serving(desk: &Desk) -> (crate::support::receiver::Receiver, String) {
    let serve = Serve::anywhere();
    configure(&desk.alice, &serve.public_url(), "");
    let secret = desk.alice.ok(&["hooks", "secret", "generate", "--yes"]).trim_end().to_owned();
    (serve.start(&desk.alice), secret)
}

fn status_of(desk: &Desk, id: &Value) -> String {
    let found = desk.all().into_iter().find(|row| row["id"] == *id).unwrap_or_else(|| panic!("{id} is gone"));
    found["status"].as_str().unwrap().to_owned()
}

#[test]
fn what_is_registered_beside_a_running_receiver_is_tested_and_what_happens_arrives() {
    let desk = Desk::new();
    let (mut receiver, _) = serving(&desk);
    let done = desk.register();
    assert_eq!(done["verified"], Purpose::ALL.len(), "{done}\n{}", receiver.log());
    desk.deliver();
    let deliveries = desk.world.control("GET", "hooks/deliveries", Value::Null);
    let rows = deliveries["deliveries"].as_array().unwrap();
    let ours: Vec<&Value> = rows.iter().filter(|row| row.to_string().contains(&receiver.address.to_string())).collect();
    assert_eq!(ours.len(), 6, "{deliveries}");
    assert!(ours.iter().all(|row| row["fate"]["answered"].as_u64().is_some_and(|status| status / 100 == 2)), "{deliveries}");
    let status = desk.alice.json(&["hooks", "status"]);
    let states = status["look"]["subscriptions"].as_array().unwrap();
    assert!(states.iter().all(|row| row["state"] == "enabled" && !row["verified_at"].is_null()), "{status}");
    assert_eq!(status["sources"].as_array().unwrap().len(), 6, "what a test sent is no event: {status}");
    let verified = desk.alice.json(&["hooks", "verify"]);
    assert!(verified.as_array().unwrap().iter().all(|one| one["trial"]["outcome"] == "arrived"), "{verified}");
    // A rotation beside it loses nothing either.
    let renewed = desk.alice.json(&["hooks", "register", "--renew"]);
    assert_eq!(renewed["replaced"].as_array().unwrap().len(), Purpose::ALL.len(), "{renewed}");
    assert_eq!(renewed["verified"], Purpose::ALL.len(), "{renewed}");
    assert_eq!(receiver.stop(), 0);
}

#[test]
fn a_hook_that_a_person_made_is_told_that_the_project_is_gone_and_azure_devops_disables_it() {
    let desk = Desk::new();
    let (receiver, secret) = serving(&desk);
    let url = format!("http://{}/api/webhooks/ado/{}", receiver.address, desk.alice.json(&["projects", "ls"])[0]["id"].as_str().unwrap());
    let id = make_by_hand(&desk, &url, &secret);
    desk.deliver();
    assert_eq!(status_of(&desk, &id), "enabled", "it is taken while the project is there");
    desk.alice.json(&["projects", "remove", "Harbor"]);
    // The receiver hears of it from another process, a moment later.
    desk.world.wait_until("the hook to be disabled", |_| {
        desk.deliver();
        status_of(&desk, &id) == "disabledBySystem"
    });
    assert_eq!(receiver.stop(), 0);
}

#[test]
fn a_revoked_secret_is_refused_by_a_running_receiver() {
    let desk = Desk::new();
    let (receiver, secret) = serving(&desk);
    let path = format!("/api/webhooks/ado/{}", desk.alice.json(&["projects", "ls"])[0]["id"].as_str().unwrap());
    assert_eq!(receiver.deliver(&path, &secret, b"{}").status / 100, 2);
    let next = desk.alice.ok(&["hooks", "secret", "rotate", "--overlap", "1h", "--yes"]).trim_end().to_owned();
    assert_eq!(receiver.deliver(&path, &next, b"{\"a\":1}").status / 100, 2, "the new one");
    assert_eq!(receiver.deliver(&path, &secret, b"{\"a\":2}").status / 100, 2, "and the old one, during the overlap");
    desk.alice.ok(&["hooks", "secret", "revoke", "--yes"]);
    desk.world.wait_until("both are refused", |_| {
        [&secret, &next].into_iter().all(|secret| receiver.deliver(&path, secret, b"{}").status == 401)
    });
    assert_eq!(receiver.stop(), 0);
}
