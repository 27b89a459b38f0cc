//! The secrets of webhooks and the service's token are nowhere in clear: not in what is printed, logged, measured, answered or stored.
//!
//! There are three kinds. The one a person is shown is printed once, by the command that makes it. One is made up for each subscription;
//! the test takes these from the other side, which must know them. The token of the account that a team
//! shares is a canary that works.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::secrets::{CANARY, files, is_traced, traces_of, world_with};
use crate::support::receiver::project_path;
use crate::support::team::{Shares, Team};
use crate::support::template::{FIRST, Template, USUAL};
use crate::support::world::World;

/// Every value of a key, however deep.
fn values_of(value: &Value, key: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                if name == key
                    && let Some(text) = inner.as_str()
                {
                    found.insert(text.to_owned());
                }
                values_of(inner, key, found);
            }
        }
        Value::Array(rows) => rows.iter().for_each(|row| values_of(row, key, found)),
        _ => {}
    }
}

/// What the simulator keeps of passwords at this moment.
fn secrets_of(world: &World, found: &mut BTreeSet<String>) {
    for file in files(world.state()) {
        if let Ok(value) = serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap_or_default()) {
            values_of(&value, "basicAuthPassword", found);
        }
    }
    found.retain(|secret| secret.len() == 43);
}

#[test]
fn no_secret_of_a_webhook_and_no_service_token_is_printed_logged_measured_or_stored() {
    let mut team = Team::around(world_with(&["--allow-loopback-hooks"]), Shares::File);
    // The canary is the token of the account that the team shares: it alone may make webhooks.
    team.alice.set("KANADO_PAT", &team.world.token("bob"));
    team.alice.set("KANADO_SERVICE_TOKEN", CANARY);
    let (key, number) = team.reviewed("Warn of high tides");
    let about = team.about(&key, number);
    let template = Template::updated(&about, USUAL);
    team.alice.set("RUST_LOG", "trace");
    team.alice.set("RUST_BACKTRACE", "full");

    // What is made up for subscriptions is known to the other side alone.
    let made_up = RefCell::new(BTreeSet::new());
    let mut printed: Vec<(String, Vec<u8>)> = Vec::new();
    // The only place where one is shown.
    let generate = |printed: &mut Vec<(String, Vec<u8>)>, words: &[&str]| {
        let output = team.alice.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        printed.push((format!("stderr of {words:?}"), output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let first = generate(&mut printed, &["hooks", "secret", "generate", "--yes"]);
    let mut receiver = team.serve.start(&team.alice);
    let mut run = |words: &[&str], codes: &[i32]| {
        let output = team.alice.run(words);
        let code = output.status.code().unwrap_or(-1);
        assert!(codes.contains(&code), "{words:?} ended with {code}: {}", String::from_utf8_lossy(&output.stderr));
        printed.push((format!("stdout of {words:?}"), output.stdout));
        printed.push((format!("stderr of {words:?}"), output.stderr));
    };
    run(&["hooks", "register", "--dry-run"], &[0]);
    run(&["hooks", "register", "--yes", "--json"], &[0]);
    team.world.wait_until("the secrets of the subscriptions in the other side's hands", |world| {
        secrets_of(world, &mut made_up.borrow_mut());
        made_up.borrow().len() > 8
    });
    run(&["hooks", "status"], &[0, 1]);
    run(&["hooks", "status", "--json"], &[0, 1]);
    run(&["hooks", "verify", "--yes"], &[0, 1, 3]);
    run(&["hooks", "print"], &[0]);
    run(&["health", "--json"], &[0, 1]);
    run(&["doctor", "--json"], &[0, 1]);
    run(&["config", "show"], &[0]);
    run(&["sync", "--reconcile"], &[0]);

    // Real deliveries, good ones, wrong ones, and ones that nobody can read.
    team.vote(number, 10);
    let path = project_path(&about.project);
    let mut answers = Vec::new();
    for (secret, body) in [
        (first.as_str(), template.body(FIRST)),
        (first.as_str(), b"{ not json".to_vec()),
        (&first[..42], template.body(FIRST + 1)),
        ("", Vec::new()),
    ] {
        let answer = receiver.deliver(&path, secret, &body);
        answers.push((answer.status, format!("{answer:?}")));
    }
    assert_eq!(answers.iter().map(|(status, _)| status / 100).collect::<Vec<_>>(), [2, 2, 4, 4], "{answers:?}");
    for place in ["/metrics", "/healthz", "/readyz", "/nowhere"] {
        answers.push((0, format!("{:?}", receiver.get(place))));
    }
    team.wait_settled();
    let second = generate(&mut printed, &["hooks", "secret", "rotate", "--yes"]);
    team.world.wait_until("the new secrets in the other side's hands", |world| {
        secrets_of(world, &mut made_up.borrow_mut());
        made_up.borrow().len() > 16
    });
    assert_ne!(first, second);
    assert_eq!(receiver.deliver(&path, &first, &template.body(FIRST + 2)).status / 100, 2, "both are good for a while");
    assert_eq!(receiver.deliver(&path, &second, &template.body(FIRST + 3)).status / 100, 2);
    for words in [&["hooks", "secret", "revoke", "--yes"][..], &["hooks", "remove", "--yes"]] {
        let output = team.alice.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        printed.push((format!("{words:?}"), [output.stdout, output.stderr].concat()));
    }
    // The receiver is another process: it hears of it in a moment.
    team.world
        .wait_until("the revoked secret to be refused", |_| receiver.deliver(&path, &second, &template.body(FIRST + 4)).status == 401);
    answers.push((0, receiver.log()));
    assert_eq!(receiver.stop(), 0);

    let mut secrets = made_up.into_inner();
    secrets.extend([first, second]);
    secrets.insert(CANARY.to_owned());

    let everything = files(team.alice.home());
    assert!(everything.iter().any(|file| file.ends_with("kanado.db")), "{everything:?}");
    for secret in &secrets {
        let traces = traces_of(secret);
        for (what, bytes) in &printed {
            assert!(!is_traced(bytes, &traces), "{what}: {}", String::from_utf8_lossy(bytes));
        }
        for (_, answer) in &answers {
            assert!(!is_traced(answer.as_bytes(), &traces), "{answer}");
        }
        for file in &everything {
            assert!(!is_traced(&std::fs::read(file).unwrap(), &traces), "a secret is in {}", file.display());
        }
    }
}
