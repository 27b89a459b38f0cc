//! What becomes of branches in git: the four ways to merge, conflicts computed from the trees, and commits made with git itself.

use std::path::Path;

use serde_json::{Value, json};

use crate::journey_cli::{TYPED, alice, assert_sound, clone_of, file, parents, push_spec, started};
use crate::support::world::{Person, World, git, git_bytes};

/// A pull request of two commits whose target has moved on since; the target's tip and the branch's.
struct Ready {
    world: World,
    alice: Person,
    clone: std::path::PathBuf,
    number: i64,
    target: String,
    source: String,
}

fn ready() -> Ready {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Answer faster");
    push_spec(&alice, &key, TYPED);
    let pushed = json!({ "repository": "Harbor/tide-api", "branch": "main", "as": "carol", "path": "/docs/elsewhere.md", "content": "Elsewhere.\n" });
    world.control("POST", "push", pushed);
    let number = alice.json(&["pr", &key])["number"].as_i64().unwrap();
    let clone = clone_of(&world, &alice, "clone");
    let target = git(&clone, &["rev-parse", "origin/main"]);
    let source = git(&clone, &["rev-parse", "origin/feature/KAN-1"]);
    Ready { world, alice, clone, number, target, source }
}

impl Ready {
    /// Merges in one of the ways; answers the tip of the target as git sees it.
    fn merge(&self, strategy: &str) -> String {
        let merged = self.world.control("POST", "merge", json!({ "pullRequest": self.number, "as": "bob", "strategy": strategy }));
        git(&self.clone, &["fetch", "--quiet"]);
        let landed = git(&self.clone, &["rev-parse", "origin/main"]);
        assert_eq!(merged["commit"], landed);
        assert_eq!(git_bytes(&self.clone, &["show", "origin/main:.tickets/KAN-1.md"]), TYPED.as_bytes());
        assert_eq!(git(&self.clone, &["show", "origin/main:docs/elsewhere.md"]), "Elsewhere.");
        assert_sound(&self.clone);
        assert_eq!(self.alice.json(&["sync"])["moved"][0]["to"], "merged");
        landed
    }

    fn subject(&self, commit: &str) -> String {
        git(&self.clone, &["log", "-1", "--format=%s", commit])
    }

    fn first_parent(&self, commit: &str) -> String {
        parents(&self.clone, commit).swap_remove(0)
    }

    fn contains(&self, commit: &str) -> bool {
        let listed = git(&self.clone, &["rev-list", "origin/main"]);
        listed.lines().any(|line| line == commit)
    }

    /// Two commits with the words of the branch's own, on top of the target.
    fn assert_replayed(&self, last: &str) {
        let first = self.first_parent(last);
        assert_eq!((parents(&self.clone, last), parents(&self.clone, &first)), (vec![first.clone()], vec![self.target.clone()]));
        let originals = [self.source.clone(), self.first_parent(&self.source)];
        assert_eq!([self.subject(last), self.subject(&first)], originals.clone().map(|commit| self.subject(&commit)));
        assert!(originals.iter().all(|commit| !self.contains(commit)), "replayed, not taken over");
    }
}

#[test]
fn a_merge_without_fast_forward_has_both_tips_as_parents() {
    let ready = ready();
    let landed = ready.merge("noFastForward");
    assert_eq!(parents(&ready.clone, &landed), [ready.target.clone(), ready.source.clone()]);
    assert_eq!(ready.subject(&landed), format!("Merged PR {}: KAN-1: Answer faster 🚀", ready.number));
}

#[test]
fn a_squash_is_one_commit_on_the_target() {
    let ready = ready();
    let landed = ready.merge("squash");
    assert_eq!(parents(&ready.clone, &landed), std::slice::from_ref(&ready.target));
    assert!(!ready.contains(&ready.source));
}

#[test]
fn a_rebase_replays_each_commit_and_makes_no_other() {
    let ready = ready();
    let landed = ready.merge("rebase");
    ready.assert_replayed(&landed);
}

#[test]
fn a_rebase_with_merge_replays_each_commit_and_merges_them() {
    let ready = ready();
    let landed = ready.merge("rebaseMerge");
    let both = parents(&ready.clone, &landed);
    assert_eq!((both.len(), &both[0]), (2, &ready.target));
    ready.assert_replayed(&both[1]);
}

fn commit(clone: &Path, path: &str, content: &str, message: &str) {
    std::fs::write(clone.join(path), content).unwrap();
    git(clone, &["add", path]);
    git(clone, &["commit", "--quiet", "-m", message]);
}

/// The paths that git itself cannot merge.
fn conflicts(clone: &Path, ours: &str, theirs: &str) -> Vec<String> {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(clone)
        .args(["merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn conflicts_of_a_pull_request_come_from_its_trees_and_go_when_git_resolves_them() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Rewrite the README");
    let clone = clone_of(&world, &alice, "clone");
    git(&clone, &["switch", "--quiet", "feature/KAN-1"]);
    commit(&clone, "README.md", "# Ours\n", "Rewrite the README");
    git(&clone, &["push", "--quiet", "origin", "feature/KAN-1"]);
    let number = alice.json(&["pr", &key])["number"].as_i64().unwrap();
    let merge_state = || {
        // The merge of the two tips is worked out in the background.
        world.control("POST", "settle", json!({}));
        alice.json(&["sync", &key]);
        let shown = alice.json(&["show", &key]);
        assert_eq!(shown["status"], "pr_open");
        shown["pull_request"]["facts"]["merge"].clone()
    };
    assert_eq!(merge_state(), "succeeded");
    assert!(conflicts(&clone, "origin/main", "feature/KAN-1").is_empty());

    // The target changes the same lines.
    let theirs = json!({ "repository": "Harbor/tide-api", "branch": "main", "as": "carol", "path": "/README.md", "content": "# Theirs\n" });
    world.control("POST", "push", theirs);
    assert_eq!(merge_state(), "conflicts");
    git(&clone, &["fetch", "--quiet"]);
    assert_eq!(conflicts(&clone, "origin/main", "feature/KAN-1"), ["README.md"]);
    let words = alice.ok(&["show", &key]);
    assert!(words.contains("conflicts"), "{words}");
    assert_eq!(alice.json(&["ls"])[0]["pull_request"]["merge"], "conflicts");
    assert_eq!(world.pull_request(number)["merge"], "conflicts");

    // Resolved with git, pushed over HTTP.
    git(&clone, &["merge", "--quiet", "--strategy-option=ours", "--no-edit", "origin/main"]);
    git(&clone, &["push", "--quiet", "origin", "feature/KAN-1"]);
    assert_eq!(merge_state(), "succeeded");
    let landed = world.control("POST", "merge", json!({ "pullRequest": number, "as": "bob" }));
    git(&clone, &["fetch", "--quiet"]);
    assert_eq!(parents(&clone, landed["commit"].as_str().unwrap())[1], git(&clone, &["rev-parse", "feature/KAN-1"]));
    assert_eq!(git(&clone, &["show", "origin/main:README.md"]), "# Ours");
    assert_sound(&clone);
}

#[test]
fn a_conflict_made_elsewhere_is_the_one_git_finds() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Same place");
    let number = alice.json(&["pr", &key])["number"].as_i64().unwrap();
    let made = world.control("POST", "conflict", json!({ "pullRequest": number, "as": "dave" }));
    world.control("POST", "settle", json!({}));
    alice.json(&["sync"]);
    assert_eq!(alice.json(&["show", &key])["pull_request"]["facts"]["merge"], "conflicts");
    let clone = clone_of(&world, &alice, "clone");
    let found = conflicts(&clone, "origin/main", "origin/feature/KAN-1");
    assert_eq!(found, [made["path"].as_str().unwrap().trim_start_matches('/')]);
}

#[test]
fn a_spec_pushed_with_git_is_what_the_board_reads() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "By hand");
    let clone = clone_of(&world, &alice, "clone");
    git(&clone, &["switch", "--quiet", "feature/KAN-1"]);
    git(&clone, &["config", "core.autocrlf", "false"]);
    commit(&clone, ".tickets/KAN-1.md", TYPED, "Write the spec in an editor");
    git(&clone, &["push", "--quiet", "origin", "feature/KAN-1"]);
    let pulled = alice.json(&["spec", "pull", &key]);
    assert_eq!((&pulled["outcome"], &pulled["merged"]), (&json!("pulled"), &json!(false)), "{pulled}");
    assert_eq!(alice.run(&["spec", "show", &key]).stdout, TYPED.as_bytes());
    let shown = alice.json(&["show", &key]);
    assert_eq!((&shown["title"], &shown["spec"]), (&json!("Answer faster 🚀"), &json!("pushed")));
    assert_eq!(shown["criteria"][0], json!({ "text": "it works", "ticked": true }));
}

#[test]
fn every_byte_of_a_spec_comes_through_the_api() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Bytes");
    let specs: [(&str, String); 5] = [
        ("a byte order mark", format!("\u{feff}{TYPED}")),
        ("mixed line endings", "# KAN-1: Mixed\n\r\n## Overview\r\n\ntext\r\n".to_owned()),
        ("joined emoji and marks", "# KAN-1: 👩🏽‍💻 e\u{301} 🇩🇪\n\n\u{202e}abc\u{202c}\n".to_owned()),
        ("trailing blanks and tabs", "# KAN-1: Blanks   \n\n\t \n   \n\n\n".to_owned()),
        ("no title line", "only a line".to_owned()),
    ];
    let clone = clone_of(&world, &alice, "clone");
    for (what, text) in specs {
        push_spec(&alice, &key, &text);
        git(&clone, &["fetch", "--quiet"]);
        assert_eq!(git_bytes(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]), text.as_bytes(), "{what}");
    }
    assert_sound(&clone);
    let not_text = file(&alice, "latin1.md", b"# KAN-1: Gr\xfc\xdfe\n");
    let before = (world.branches("tide-api"), alice.run(&["spec", "show", &key]).stdout);
    let refused = alice.fails(1, &["spec", "edit", &key, "--from", &not_text.to_string_lossy(), "--yes"]);
    assert!(refused.contains("UTF-8") && refused.contains("line 1"), "{refused}");
    assert_eq!((world.branches("tide-api"), alice.run(&["spec", "show", &key]).stdout), before);
    assert_ne!(before.1, Value::Null.to_string().into_bytes());
}
