//! What people type and hand over by mistake: told in words, with the right exit code, and nothing is changed by it.
//!
//! What looks odd and is right (line endings, emoji, right-to-left text) arrives byte for byte.

use std::process::Stdio;

use crate::support::digest::{Digest, refused};
use crate::support::world::{Person, World, git, git_bytes};

/// A world and Alice in it, with KAN-1 on her board.
fn scene() -> (World, Person) {
    let world = World::start();
    let alice = Person::newcomer(&world, "alice");
    alice.ok(&["new", "Ring the bell", "--criterion", "it rings", "--yes"]);
    (world, alice)
}

#[test]
fn what_is_no_address_is_wrong_usage_and_makes_no_store() {
    let world = World::start();
    let alice = Person::new(&world.token("alice"));
    for address in ["", "http://", "ftp://host/org", "https://", "https://github.com/kanado/kanado", "a b c", "../..", "-"] {
        let told = refused(&world, &alice, 2, &["connect", address, "--yes"], &[]);
        assert!(told.lines().count() >= 1 && !told.trim().is_empty(), "{address:?} is refused in words");
        assert!(!alice.data().join("kanado.db").exists(), "{address:?} made a store");
    }
    refused(&world, &alice, 2, &["connect", "--yes"], &["connect to what?", "give an organisation"]);
}

#[test]
fn an_organisation_that_is_not_there_is_told_from_a_bad_token() {
    let world = World::start();
    let alice = Person::new(&world.token("alice"));
    let wrong = format!("{}/nosuch/Harbor", world.url());
    refused(&world, &alice, 1, &["connect", &wrong, "--yes"], &["in nosuch: there is no collection at"]);
    alice.ok(&["connect", &format!("{}/Harbor", world.organisation()), "--yes"]);
}

#[test]
fn a_server_address_without_its_collection_says_what_is_missing() {
    let world = World::with(&["--server-version", "2022"]);
    let alice = Person::new(&world.token("alice"));
    let collection = world.organisation().to_owned();
    let (server, _) = collection.rsplit_once('/').unwrap();
    for (code, address) in
        [(2, world.url().to_owned()), (2, server.to_owned()), (2, format!("{server}/_git/tide-api")), (1, format!("{server}/Nosuch"))]
    {
        let told = refused(&world, &alice, code, &["connect", &address, "--yes"], &["tfs/DefaultCollection"]);
        assert!(told.to_lowercase().contains("no collection"), "{address}: {told}");
    }
    alice.ok(&["connect", &format!("{collection}/Harbor"), "--yes"]);
}

#[test]
fn an_unknown_project_is_refused_with_the_names_that_are_there() {
    let (world, alice) = scene();
    let stranger = Person::new(&world.token("alice"));
    let address = format!("{}/Nowhere", world.organisation());
    refused(
        &world,
        &stranger,
        1,
        &["connect", &address, "--yes"],
        &["there is no project Nowhere in lumen", "this token sees Harbor, Quay"],
    );
    assert!(stranger.run(&["ls"]).status.code() == Some(1), "nothing was connected");
    refused(&world, &alice, 1, &["ls", "--project", "Nowhere"], &["no project Nowhere on the board", "Harbor (KAN)"]);
}

#[test]
fn without_a_linked_repository_no_work_starts() {
    let world = World::start();
    let alice = Person::new(&world.token("alice"));
    alice.ok(&["connect", &format!("{}/Harbor", world.organisation()), "--prefix", "KAN", "--yes"]);
    alice.ok(&["new", "Nowhere to work", "--yes"]);
    let words = ["KAN-1 has no repository, and none is linked to its project", "kanado repos link NAME"];
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &words);
    refused(
        &world,
        &alice,
        1,
        &["edit", "KAN-1", "--repo", "tide-api", "--yes"],
        &["tide-api is not linked", "kanado repos link tide-api"],
    );
    refused(&world, &alice, 1, &["repos", "link", "nosuch", "--yes"], &["nosuch", "tide-api"]);
    refused(&world, &alice, 1, &["import", "--from-branch", "--yes"], &["no repository of Harbor is linked"]);
    alice.ok(&["repos", "link", "tide-api", "--yes"]);
    alice.ok(&["start", "KAN-1", "--yes"]);
}

#[test]
fn a_ticket_needs_a_title_of_one_line() {
    let (world, alice) = scene();
    for title in ["", "   ", "\u{a0}\t"] {
        refused(&world, &alice, 1, &["new", title, "--yes"], &["a ticket needs a title"]);
        refused(&world, &alice, 1, &["edit", "KAN-1", "--title", title, "--yes"], &["a ticket needs a title"]);
    }
    refused(&world, &alice, 1, &["new", "two\nlines", "--yes"], &["is one line"]);
    refused(&world, &alice, 1, &["edit", "KAN-1", "--criterion", "two\r\nlines", "--yes"], &["is one line"]);
    refused(&world, &alice, 2, &["new", "--yes"], &["TITLE"]);
    // A spec may be saved without a title while it is being written; work does not start on it.
    let file = alice.file("untitled.md", "Just words.\n");
    alice.ok(&["spec", "edit", "KAN-1", "--from", &file, "--yes"]);
    refused(&world, &alice, 1, &["start", "KAN-1", "--yes"], &["KAN-1 has no title", "kanado edit KAN-1 --title TEXT"]);
}

#[test]
fn a_spec_of_ten_megabytes_is_refused_everywhere_and_the_draft_stays() {
    let (world, alice) = scene();
    let big = alice.file("KAN-7.md", format!("# Big\n\n{}", "x".repeat(10 * 1024 * 1024)));
    refused(
        &world,
        &alice,
        1,
        &["spec", "edit", "KAN-1", "--from", &big, "--yes"],
        &["10485767 bytes long", "more than the 1048576", "as it was"],
    );
    refused(&world, &alice, 1, &["new", "Big", "--description-file", &big, "--yes"], &["longer than 1024 KiB"]);
    let before = Digest::of(&world, &alice);
    let output = alice.run(&["import", &big, "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("10485767 bytes long"), "{output:?}");
    before.assert_unchanged(&world, &alice, "an import of a file that is too long");
    // From an editor, what was written is kept where the message says.
    let editor = alice.file("editor.sh", format!("#!/bin/sh\ncp '{big}' \"$1\"\n"));
    let output = alice.command(&["spec", "edit", "KAN-1", "--yes"]).env("EDITOR", format!("sh {editor}")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    before.assert_unchanged(&world, &alice, "an editor that wrote too much");
    let path = told.split_whitespace().find(|word| word.ends_with("KAN-1.md")).unwrap_or_else(|| panic!("no path in {told}"));
    assert_eq!(std::fs::metadata(path).unwrap().len(), 10 * 1024 * 1024 + 7, "what was typed is there");
}

#[test]
fn a_spec_that_is_not_text_is_refused_with_the_line_it_goes_wrong_on() {
    let (world, alice) = scene();
    let latin = alice.file("latin.md", b"# Title\n\nfa\xe7ade\n");
    let binary = alice.file("binary.md", b"# Title\n\0\n");
    let not_utf8 = ["not UTF-8", "line 3", "save it as UTF-8"];
    refused(&world, &alice, 1, &["spec", "edit", "KAN-1", "--from", &latin, "--yes"], &not_utf8);
    refused(&world, &alice, 1, &["spec", "edit", "KAN-1", "--from", &binary, "--yes"], &["NUL", "line 2"]);
    refused(&world, &alice, 1, &["new", "Words", "--description-file", &latin, "--yes"], &["is not UTF-8 text"]);
    refused(
        &world,
        &alice,
        1,
        &["spec", "edit", "KAN-1", "--from", "/nonexistent/spec.md", "--yes"],
        &["cannot read /nonexistent/spec.md"],
    );
    let before = Digest::of(&world, &alice);
    let output = alice.run(&["import", &latin, "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("not UTF-8"), "{output:?}");
    before.assert_unchanged(&world, &alice, "an import of something that is no text");
}

#[test]
fn a_spec_on_the_branch_that_is_not_text_leaves_the_draft_alone() {
    let (world, alice) = scene();
    alice.ok(&["start", "KAN-1", "--yes"]);
    let clone = alice.home().join("clone");
    world.clone("alice", "Harbor", "tide-api", &clone);
    git(&clone, &["switch", "--quiet", "feature/KAN-1"]);
    let name = clone.join(".tickets/KAN-1.md");
    for (bytes, words) in [(b"# T\n\xff\xfe\n".to_vec(), "not UTF-8"), (vec![b'x'; 2 * 1024 * 1024], "bytes long")] {
        std::fs::write(&name, bytes).unwrap();
        git(&clone, &["commit", "--quiet", "-am", "Spoil the spec"]);
        git(&clone, &["push", "--quiet"]);
        for command in ["push", "pull", "diff"] {
            let told = refused(&world, &alice, 1, &["spec", command, "KAN-1", "--yes"], &[words, ".tickets/KAN-1.md on feature/KAN-1"]);
            assert!(told.contains("your text here is kept"), "{told}");
        }
    }
}

#[test]
fn line_endings_emoji_and_right_to_left_text_arrive_byte_for_byte() {
    let (world, alice) = scene();
    let text = "# 🚢 Ring \u{202e}backwards\u{202c} שלום مرحبا\r\n\r\n## Acceptance criteria\r\n\r\n- [ ] rings 👩‍👩‍👧‍👦\r\n- [x] e\u{301}\r\n\r\n## Mine\n\ttabs  \n\n";
    let file = alice.file("odd.md", text);
    alice.ok(&["spec", "edit", "KAN-1", "--from", &file, "--yes"]);
    assert_eq!(alice.run(&["spec", "show", "KAN-1"]).stdout, text.as_bytes());
    alice.ok(&["start", "KAN-1", "--yes"]);
    let clone = alice.home().join("clone");
    world.clone("alice", "Harbor", "tide-api", &clone);
    assert_eq!(git_bytes(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]), text.as_bytes());
    // Ticking a box changes its box.
    alice.ok(&["edit", "KAN-1", "--tick", "1", "--yes"]);
    let ticked = text.replace("- [ ] rings", "- [x] rings");
    assert_eq!(alice.run(&["spec", "show", "KAN-1"]).stdout, ticked.as_bytes());
    alice.ok(&["spec", "push", "KAN-1", "--yes"]);
    git(&clone, &["fetch", "--quiet"]);
    assert_eq!(git_bytes(&clone, &["show", "origin/feature/KAN-1:.tickets/KAN-1.md"]), ticked.as_bytes());
    // The title is data in JSON, and cannot turn a terminal's line around.
    let title = "🚢 Ring \u{202e}backwards\u{202c} שלום مرحبا";
    assert_eq!(alice.json(&["show", "KAN-1"])["title"], title);
    let listed = alice.ok(&["ls"]);
    assert!(listed.contains("שלום") && !listed.contains('\u{202e}'), "{listed:?}");
    let opened = alice.json(&["pr", "KAN-1"]);
    assert_eq!(opened["title"], format!("KAN-1: {title}"));
    assert_eq!(world.pull_requests_of("feature/KAN-1")[0]["title"], format!("KAN-1: {title}"));
}

#[test]
fn an_unknown_key_is_refused_by_every_command() {
    let (world, alice) = scene();
    let commands: [&[&str]; 15] = [
        &["show", "KAN-999"],
        &["edit", "KAN-999", "--title", "x", "--yes"],
        &["assign", "KAN-999", "me", "--yes"],
        &["move", "KAN-999", "done", "--yes"],
        &["start", "KAN-999", "--yes"],
        &["spec", "edit", "KAN-999", "--from", "/dev/null", "--yes"],
        &["spec", "show", "KAN-999"],
        &["spec", "push", "KAN-999", "--yes"],
        &["spec", "pull", "KAN-999", "--yes"],
        &["spec", "diff", "KAN-999"],
        &["pr", "KAN-999", "--yes"],
        &["sync", "KAN-999"],
        &["archive", "KAN-999", "--yes"],
        &["delete", "KAN-999", "--yes"],
        &["start", "KAN-999", "--dry-run"],
    ];
    for command in commands {
        refused(&world, &alice, 1, command, &["there is no ticket KAN-999", "kanado ls"]);
    }
    for key in ["12", "kan", "KAN-", "KAN-0", "../../etc/passwd", "KAN-99999999999"] {
        refused(&world, &alice, 2, &["show", key], &[key]);
    }
}

#[test]
fn a_reader_who_has_gone_is_no_failure() {
    let (world, alice) = scene();
    alice.ok(&["sync"]);
    let before = Digest::of(&world, &alice);
    let commands: [&[&str]; 8] = [
        &["ls"],
        &["ls", "--json"],
        &["show", "KAN-1"],
        &["spec", "show", "KAN-1"],
        &["prs"],
        &["repos"],
        &["--help"],
        &["completions", "bash"],
    ];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output =
            alice.command(arguments).stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
        assert!(!told.contains("error") && !told.contains("panicked") && !told.contains("crashed"), "{arguments:?}: {told}");
    }
    // A command that changes something does it all the same.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    before.assert_unchanged(&world, &alice, "commands that only read");
    let status = alice.command(&["start", "KAN-1", "--yes"]).stdout(Stdio::from(writer)).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(alice.json(&["show", "KAN-1"])["status"], "in_progress");
    // Nor is a reader of stderr missed.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = alice.command(&["show", "KAN-999"]).stderr(Stdio::from(writer)).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
