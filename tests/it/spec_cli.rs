//! Specs by subcommands: what is here and what is on the branch, compared, taken, merged; specs that exist already, adopted; work
//! begun from inside a clone.

use serde_json::{Value, json};

use crate::journey_cli::{alice, clone_of, file, made, push_spec, started, status};
use crate::support::world::{Person, World, git};

/// Somebody else writes to the branch of a ticket.
fn theirs(world: &World, text: &str) {
    let body = json!({
        "repository": "Harbor/tide-api", "branch": "feature/KAN-1", "as": "bob", "path": "/.tickets/KAN-1.md", "content": text,
        "message": "Change the spec",
    });
    world.control("POST", "push", body);
}

fn spec(person: &Person, key: &str) -> String {
    String::from_utf8(person.run(&["spec", "show", key]).stdout).unwrap()
}

fn save(person: &Person, key: &str, text: &str) {
    let path = file(person, "typed.md", text.as_bytes());
    person.json(&["spec", "edit", key, "--from", &path.to_string_lossy()]);
}

fn lines(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect()
}

#[test]
fn a_change_on_the_branch_is_shown_and_taken() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Both sides");
    assert_eq!(alice.json(&["spec", "diff", &key])["diff"], json!([]));
    let base = spec(&alice, &key);
    let changed = base.replace("it is fast", "it is very fast");
    theirs(&world, &changed);
    let compared = alice.json(&["spec", "diff", &key]);
    assert_eq!((&compared["branch"], &compared["on_branch"]), (&json!("feature/KAN-1"), &json!(true)));
    let diff = lines(&compared["diff"]);
    assert!(diff.contains(&"-- [ ] it is very fast") && diff.contains(&"+- [ ] it is fast"), "{diff:?}");
    assert_eq!(spec(&alice, &key), base, "looking takes nothing");
    assert_eq!(alice.json(&["spec", "pull", &key]), json!({ "outcome": "pulled", "merged": false }));
    assert_eq!(spec(&alice, &key), changed);
    assert_eq!(alice.json(&["spec", "pull", &key])["outcome"], "unchanged");
    assert_eq!(alice.json(&["spec", "push", &key])["outcome"], "unchanged");
}

#[test]
fn changes_in_different_lines_are_merged_by_a_push() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Both sides");
    let base = spec(&alice, &key);
    theirs(&world, &base.replace("it is fast", "it is very fast"));
    save(&alice, &key, &base.replace("As a skipper", "As a pilot"));
    let pushed = alice.json(&["spec", "push", &key]);
    assert_eq!((&pushed["outcome"], &pushed["merged"]), (&json!("pushed"), &json!(true)));
    let both = base.replace("it is fast", "it is very fast").replace("As a skipper", "As a pilot");
    assert_eq!(spec(&alice, &key), both);
    let clone = clone_of(&world, &alice, "clone");
    assert_eq!(git(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]), both.trim());
}

#[test]
fn changes_in_the_same_line_are_never_overwritten_and_can_be_settled() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Both sides");
    let base = spec(&alice, &key);
    let (mine, other) = (base.replace("it works", "it works by day"), base.replace("it works", "it works at night"));
    theirs(&world, &other);
    save(&alice, &key, &mine);
    let tips = world.branches("tide-api");
    for command in [["spec", "push", "KAN-1", "--yes"], ["spec", "pull", "KAN-1", "--yes"]] {
        let refused = alice.fails(1, &command);
        assert!(refused.contains("changed here and on the branch in the same lines"), "{refused}");
        assert!(refused.contains("kanado spec pull KAN-1 --edit"), "{refused}");
        assert_eq!((spec(&alice, &key), world.branches("tide-api")), (mine.clone(), tips.clone()));
    }
    assert_eq!(alice.json(&["show", &key])["spec"], "changed_on_branch");
    let output = alice.run(&["spec", "push", &key, "--json", "--yes"]);
    let error: Value = serde_json::from_slice(output.stderr.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap()).unwrap();
    assert_eq!((&error["error"]["code"], &error["error"]["exit"]), (&json!("conflict"), &json!(1)));
    assert!(output.stdout.is_empty());

    // An editor that leaves the markers is refused, one that takes theirs and says so in a line of its own is taken.
    let mut alice = alice;
    alice.set("EDITOR", "true");
    let refused = alice.fails(1, &["spec", "pull", &key, "--edit", "--yes"]);
    assert!(refused.contains("conflict markers left"), "{refused}");
    assert_eq!(spec(&alice, &key), mine);
    alice.set("EDITOR", "sed -i -e '/^<<<<<<</,/^=======/d' -e '/^>>>>>>>/d'");
    assert_eq!(alice.json(&["spec", "pull", &key, "--edit"])["outcome"], "settled");
    assert_eq!(spec(&alice, &key), other);
    assert_eq!(alice.json(&["spec", "push", &key])["outcome"], "unchanged");
}

#[test]
fn a_conflict_can_be_settled_for_either_side() {
    for (flag, taken) in [("--mine", "it works by day"), ("--theirs", "it works at night")] {
        let world = World::start();
        let alice = alice(&world);
        let key = started(&alice, "Both sides");
        let base = spec(&alice, &key);
        theirs(&world, &base.replace("it works", "it works at night"));
        save(&alice, &key, &base.replace("it works", "it works by day"));
        assert_eq!(alice.json(&["spec", "pull", &key, flag])["outcome"], "settled");
        alice.json(&["spec", "push", &key]);
        let clone = clone_of(&world, &alice, "clone");
        let on_branch = git(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]);
        assert!(on_branch.contains(taken), "{flag}: {on_branch}");
        assert_eq!(git(&clone, &["rev-list", "--count", "origin/main..origin/feature/KAN-1"]), if flag == "--mine" { "3" } else { "2" });
    }
}

#[test]
fn an_editor_edits_the_spec_and_a_failing_one_changes_nothing() {
    let world = World::start();
    let mut alice = alice(&world);
    let key = made(&alice, "In an editor");
    alice.set("EDITOR", "sed -i 's/it is fast/it is faster/'");
    alice.json(&["edit", &key]);
    let edited = spec(&alice, &key);
    assert!(edited.contains("- [ ] it is faster"), "{edited}");
    alice.set("EDITOR", "false");
    let refused = alice.fails(1, &["spec", "edit", &key, "--yes"]);
    assert!(refused.contains("ended with an error") && refused.contains("what you wrote is in"), "{refused}");
    assert_eq!(spec(&alice, &key), edited);
}

#[test]
fn ticking_a_criterion_changes_its_box_and_nothing_else() {
    let world = World::start();
    let alice = alice(&world);
    let key = started(&alice, "Boxes");
    let text = "# KAN-1: Boxes\r\n\r\n## Acceptance criteria\r\n\r\n*  [ ] first\r\n- [ ]   second 🌊\r\n\r\n## Ours\r\n- [ ] no criterion";
    push_spec(&alice, &key, text);
    let edited = alice.json(&["edit", &key, "--tick", "2"]);
    assert_eq!(edited["criteria"], json!([{ "text": "first", "ticked": false }, { "text": "second 🌊", "ticked": true }]));
    assert_eq!(spec(&alice, &key), text.replace("- [ ]   second", "- [x]   second"));
}

#[test]
fn specs_of_the_target_branch_are_adopted_once() {
    let world = World::start();
    let alice = alice(&world);
    let put = |name: &str, content: &str| {
        let path = format!("/.tickets/{name}");
        world.control(
            "POST",
            "push",
            json!({ "repository": "Harbor/tide-api", "branch": "main", "as": "bob", "path": path, "content": content }),
        );
    };
    let adopted = "# KAN-40: Adopted ⚓\r\n\r\n## Acceptance criteria\r\n\r\n- [x] one\r\n- [ ] two\r\n";
    put("KAN-40.md", adopted);
    put("KAN-41.md", "no title here\n");
    put("notes.txt", "# Not a spec\n");
    let existing = alice.run(&["import", "--from-branch", "--json", "--yes"]);
    assert_eq!(existing.status.code(), Some(3), "some were refused: {}", String::from_utf8_lossy(&existing.stdout));
    let outcomes: Vec<Value> = serde_json::from_slice(&existing.stdout).unwrap();
    let outcome = |name: &str| outcomes.iter().find(|row| row["name"].as_str().unwrap().ends_with(name)).unwrap_or(&Value::Null);
    assert_eq!((&outcome("KAN-40.md")["outcome"], &outcome("KAN-40.md")["key"]), (&json!("imported"), &json!("KAN-40")));
    assert!(outcome("KAN-41.md")["why"].as_str().unwrap().contains("no title line"), "{outcomes:?}");
    assert!(outcome("HAR-3.md")["why"].as_str().unwrap().contains("does not begin with KAN"), "{outcomes:?}");
    assert_eq!(outcome("notes.txt"), &Value::Null);

    let ticket = alice.json(&["show", "KAN-40"]);
    assert_eq!((&ticket["title"], &ticket["status"], &ticket["repository"]), (&json!("Adopted ⚓"), &json!("todo"), &json!("tide-api")));
    assert_eq!(ticket["criteria"], json!([{ "text": "one", "ticked": true }, { "text": "two", "ticked": false }]));
    assert_eq!(spec(&alice, "KAN-40"), adopted);
    assert_eq!(alice.json(&["ls"]).as_array().unwrap().len(), 1);
    let again = alice.run(&["import", "--from-branch", "--json", "--yes"]);
    let outcomes: Vec<Value> = serde_json::from_slice(&again.stdout).unwrap();
    assert!(outcomes.iter().all(|row| row["outcome"] != "imported"), "{outcomes:?}");
    assert_eq!(made(&alice, "The next one"), "KAN-41", "the counter goes on after an adopted key");

    // Its own text is on the target already: work on it starts without a second commit of the same bytes.
    let begun = alice.json(&["start", "KAN-40"]);
    assert_eq!((&begun["branch"], &begun["commit"]), (&json!("feature/KAN-40"), &Value::Null));
    assert_eq!(status(&alice, "KAN-40"), "in_progress");
}

#[test]
fn specs_in_files_are_imported() {
    let world = World::start();
    let alice = alice(&world);
    std::fs::create_dir(alice.home().join("specs")).unwrap();
    file(&alice, "specs/KAN-7.md", "# Seventh\n\n- [ ] not in a section\n".as_bytes());
    file(&alice, "specs/plan.md", "# A plan without a key 🗺\n".as_bytes());
    let imported = alice.json(&["import", "specs", "--repo", "tide-api"]);
    let keys: Vec<_> =
        imported.as_array().unwrap().iter().map(|row| (row["outcome"].as_str().unwrap(), row["key"].as_str().unwrap())).collect();
    assert_eq!(keys, [("imported", "KAN-7"), ("imported", "KAN-8")]);
    assert_eq!(alice.json(&["show", "KAN-8"])["title"], "A plan without a key 🗺");
    assert_eq!(spec(&alice, "KAN-7"), "# Seventh\n\n- [ ] not in a section\n");
}

#[test]
fn another_ticket_under_the_same_path_on_the_target_refuses_the_start() {
    let world = World::start();
    let alice = alice(&world);
    let taken = json!({
        "repository": "Harbor/tide-api", "branch": "main", "as": "bob", "path": "/.tickets/KAN-1.md", "content": "# KAN-1: Somebody else's\n",
    });
    world.control("POST", "push", taken);
    let key = made(&alice, "Mine");
    let tips = world.branches("tide-api");
    let refused = alice.fails(1, &["start", &key, "--yes"]);
    assert!(refused.contains(".tickets/KAN-1.md"), "{refused}");
    assert_eq!((status(&alice, &key).as_str(), world.branches("tide-api")), ("todo", tips));
}

#[test]
fn an_older_text_of_the_same_ticket_on_the_target_is_replaced() {
    let world = World::start();
    let alice = alice(&world);
    let older = json!({
        "repository": "Harbor/tide-api", "branch": "main", "as": "bob", "path": "/.tickets/KAN-1.md", "content": "# KAN-1: Mine\n\nOlder.\n",
    });
    world.control("POST", "push", older);
    let key = made(&alice, "Mine");
    let plan = alice.ok(&["start", &key, "--dry-run"]);
    assert!(plan.contains("replace .tickets/KAN-1.md"), "{plan}");
    alice.json(&["start", &key]);
    let clone = clone_of(&world, &alice, "clone");
    assert_eq!(git(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]), spec(&alice, &key).trim());
    assert_eq!(git(&clone, &["show", "origin/main:.tickets/KAN-1.md"]), "# KAN-1: Mine\n\nOlder.");
}

/// Runs a subcommand in a folder, with `--json --yes`.
#[track_caller]
fn json_in(person: &Person, folder: &std::path::Path, arguments: &[&str]) -> Value {
    let output = person.command(arguments).args(["--json", "--yes"]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn inside_a_clone_the_project_and_the_ticket_need_no_name() {
    let world = World::start();
    let alice = Person::new(&world.token("alice"));
    let clone = clone_of(&world, &alice, "clone");

    // The remote says what to connect to, and which repository to link.
    let connected = json_in(&alice, &clone, &["connect", "--prefix", "KAN"]);
    assert_eq!((&connected["projects"][0]["name"], &connected["linked"]), (&json!("Harbor"), &json!(["tide-api"])));
    json_in(&alice, &clone, &["new", "From the clone", "-c", "it works"]);
    let outside = alice.fails(1, &["start", "KAN-1", "--checkout", "--yes"]);
    assert!(outside.contains("not a clone"), "{outside}");
    assert_eq!(status(&alice, "KAN-1"), "todo");

    json_in(&alice, &clone, &["start", "KAN-1", "--checkout"]);
    assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD"]), "feature/KAN-1");
    assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD@{upstream}"]), "origin/feature/KAN-1");
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]), world.branches("tide-api")["feature/KAN-1"]);
    let on_disk = std::fs::read_to_string(clone.join(".tickets/KAN-1.md")).unwrap();
    assert_eq!(on_disk, spec(&alice, "KAN-1"));

    // From here on the branch names the ticket.
    let deeper = clone.join("src");
    assert_eq!(json_in(&alice, &deeper, &["show"])["key"], "KAN-1");
    let changed = file(&alice, "typed.md", on_disk.replace("it works", "it works well").as_bytes());
    json_in(&alice, &deeper, &["spec", "edit", "--from", &changed.to_string_lossy()]);
    assert_eq!(json_in(&alice, &deeper, &["spec", "push"])["outcome"], "pushed");
    assert_eq!(json_in(&alice, &deeper, &["start", "--checkout"])["already_started"], true);
    assert_eq!(git(&clone, &["rev-parse", "HEAD"]), world.branches("tide-api")["feature/KAN-1"], "fetched and forwarded");
    let opened = json_in(&alice, &deeper, &["pr"]);
    assert_eq!(opened["key"], "KAN-1");

    // On a branch that names no ticket it has to be said.
    git(&clone, &["switch", "--quiet", "main"]);
    let output = alice.command(&["pr", "--yes"]).current_dir(&clone).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("which ticket?") && said.contains("main"), "{said}");
}

#[test]
fn a_dirty_work_tree_is_left_as_it_is() {
    let world = World::start();
    let alice = alice(&world);
    let clone = clone_of(&world, &alice, "clone");
    let key = made(&alice, "Dirty");
    // Untracked, and in the way of what the branch brings.
    std::fs::create_dir_all(clone.join(".tickets")).unwrap();
    std::fs::write(clone.join(".tickets/KAN-1.md"), "mine\n").unwrap();
    let output = alice.command(&["start", &key, "--checkout", "--yes"]).current_dir(&clone).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "the work is started, the clone is not where it was to be: {said}");
    assert!(said.contains("git switch") && said.contains(".tickets/KAN-1.md"), "{said}");
    assert_eq!(std::fs::read_to_string(clone.join(".tickets/KAN-1.md")).unwrap(), "mine\n");
    assert_eq!(git(&clone, &["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    assert_eq!(status(&alice, &key), "in_progress");
}
