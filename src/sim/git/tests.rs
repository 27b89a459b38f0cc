//! What the repositories must do, checked with git itself where git can say it (`git fsck --strict`).

use super::*;

struct Fixture {
    _dir: tempfile::TempDir,
    repo: Repo,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).expect("a time in range")
}

fn stamp(name: &str, second: i64) -> Stamp {
    Stamp::new(name, &format!("{name}@lumen.example"), at(second))
}

fn add(path: &str, text: &str) -> TreeEdit {
    TreeEdit::Add { path: path.to_owned(), content: text.as_bytes().to_vec() }
}

fn edit(path: &str, text: &str) -> TreeEdit {
    TreeEdit::Edit { path: path.to_owned(), content: text.as_bytes().to_vec() }
}

impl Fixture {
    fn empty() -> Fixture {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let repo = Repo::at(dir.path().join("r.git"), "main");
        Fixture { _dir: dir, repo }
    }

    /// One commit on main: `/a.txt` with five lines and `/dir/b.txt`.
    fn with_main() -> (Fixture, String) {
        let fixture = Fixture::empty();
        let tip = fixture.push("main", ZERO_ID, &[add("/a.txt", "1\n2\n3\n4\n5\n"), add("/dir/b.txt", "b\n")], 0);
        (fixture, tip)
    }

    fn try_push(&self, branch: &str, old: &str, edits: &[TreeEdit], second: i64) -> Result<Pushed, GitError> {
        self.repo.push(&Push {
            ref_name: &format!("refs/heads/{branch}"),
            old_object_id: old,
            edits,
            message: &format!("Change {second}"),
            author: stamp("alice", second),
            committer: stamp("alice", second),
        })
    }

    fn push(&self, branch: &str, old: &str, edits: &[TreeEdit], second: i64) -> String {
        self.try_push(branch, old, edits, second).expect("the push succeeds").new_object_id
    }

    fn complete(&self, strategy: Strategy, target: &str, source: &str) -> CommitRow {
        let done = self
            .repo
            .complete(&Completion {
                target_ref: "refs/heads/main",
                target_tip: target,
                source_tip: source,
                strategy,
                message: "Merged PR 7: Title",
                author: stamp("alice", 50),
                committer: stamp("bob", 60),
            })
            .expect("the merge succeeds");
        assert_eq!(self.repo.tip("main").expect("refs"), Some(done.commit.clone()));
        self.repo.commit(&done.commit).expect("the commit is there")
    }

    fn fsck(&self) {
        let out = std::process::Command::new("git")
            .args(["fsck", "--strict", "--no-dangling"])
            .current_dir(self.repo.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git runs");
        let words = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "fsck: {words}");
        assert!(!words.contains("warning") && !words.contains("error"), "{words}");
    }

    fn text(&self, branch: &str, path: &str) -> String {
        let bytes = self.repo.file(&Version::Branch(branch.to_owned()), path).expect("the file is there");
        String::from_utf8(bytes).expect("text")
    }
}

#[test]
fn a_repository_nobody_wrote_to_reads_as_empty_and_is_not_on_disk() {
    let fixture = Fixture::empty();
    assert!(fixture.repo.is_empty().expect("reads"));
    assert_eq!(fixture.repo.refs("heads/").expect("reads"), []);
    assert!(matches!(
        fixture.repo.item(&Version::Default, "/a"),
        Err(GitError::NoVersion(name)) if name == "main"
    ));
    assert!(!fixture.repo.path().exists());
}

#[test]
fn the_same_push_at_the_same_time_gives_the_same_commit() {
    let (_, one) = Fixture::with_main();
    let (_, two) = Fixture::with_main();
    assert_eq!(one, two);
}

#[test]
fn a_push_creates_the_branch_and_the_commit_in_one_call() {
    let (fixture, main) = Fixture::with_main();
    let pushed = fixture.try_push("feature/K-1", &main, &[add("/.tickets/K-1.md", "# é\r\n")], 1).expect("pushes");
    assert_eq!(pushed.old_object_id, ZERO_ID);
    assert_eq!(pushed.commit.parents, [main]);
    assert_eq!(fixture.text("feature/K-1", "/.tickets/K-1.md"), "# é\r\n");
    fixture.fsck();
}

#[test]
fn a_stale_push_changes_nothing() {
    let (fixture, main) = Fixture::with_main();
    let tip = fixture.push("main", &main, &[edit("/a.txt", "x")], 1);
    let refused = fixture.try_push("main", &main, &[edit("/a.txt", "y")], 2);
    assert!(matches!(refused, Err(GitError::Stale { .. })));
    let unrelated = fixture.try_push("other", ZERO_ID, &[add("/z", "z")], 2);
    assert!(matches!(unrelated, Err(GitError::Stale { .. })));
    assert_eq!(fixture.repo.tip("main").expect("reads"), Some(tip));
    assert_eq!(fixture.repo.refs("heads/").expect("reads").len(), 1);
}

#[test]
fn a_new_branch_needs_a_base_that_exists() {
    let (fixture, _) = Fixture::with_main();
    let unknown = "1".repeat(40);
    let refused = fixture.try_push("feature/K-1", &unknown, &[add("/k", "k")], 1);
    assert!(matches!(refused, Err(GitError::NoObject(id)) if id == unknown));
}

#[test]
fn every_edit_is_checked_against_the_tree() {
    let (fixture, main) = Fixture::with_main();
    let refused = |edit: TreeEdit| fixture.try_push("main", &main, &[edit], 1).expect_err("refused");
    for taken in ["/a.txt", "/dir", "/a.txt/below"] {
        assert!(matches!(refused(add(taken, "")), GitError::PathExists(path) if path == taken), "{taken}");
    }
    assert!(matches!(refused(edit("/no", "")), GitError::PathMissing(_)));
    assert!(matches!(refused(TreeEdit::Delete { path: "/dir".to_owned() }), GitError::PathMissing(_)));
    for invalid in ["a.txt", "/", "//a", "/a/", "/../a", "/x/./y", "/.git/config", "/.GIT/x", "/a\0b", "/a\\b"] {
        assert!(matches!(refused(add(invalid, "")), GitError::InvalidPath(_)), "{invalid:?}");
    }
    assert_eq!(fixture.repo.tip("main").expect("reads"), Some(main.clone()));
}

#[test]
fn a_rename_is_seen_as_a_rename() {
    let (fixture, main) = Fixture::with_main();
    let tip = fixture.push(
        "main",
        &main,
        &[
            TreeEdit::Rename { from: "/a.txt".to_owned(), to: "/dir/c.txt".to_owned(), content: NewContent::Same },
            TreeEdit::Delete { path: "/dir/b.txt".to_owned() },
            add("/new.txt", "something else entirely\n"),
        ],
        1,
    );
    let changes = fixture.repo.changes(&tip).expect("reads");
    let words: Vec<_> = changes.iter().map(|change| (change.kind.word(), change.path.as_str())).collect();
    assert_eq!(words, [("delete, sourceRename", "/a.txt"), ("delete", "/dir/b.txt"), ("rename", "/dir/c.txt"), ("add", "/new.txt"),]);
    let counts = &fixture.repo.change_counts(&[tip]).expect("counts")[0];
    assert_eq!(counts, &ChangeCounts::from([("Add", 1), ("Delete", 1), ("Rename", 1)]));
    fixture.fsck();
}

#[test]
fn every_ref_update_has_its_word() {
    let (fixture, main) = Fixture::with_main();
    let next = fixture.push("main", &main, &[edit("/a.txt", "x")], 1);
    let side = fixture.push("side", &main, &[add("/s", "s")], 2);
    let unknown = "1".repeat(40);
    let strict = RewriteRule::FastForwardOnly;
    let cases = [
        ("refs/heads/x", ZERO_ID, main.as_str(), strict, "succeeded"),
        ("refs/heads/x", ZERO_ID, &next, strict, "staleOldObjectId"),
        ("refs/heads/x", &next, &next, strict, "staleOldObjectId"),
        ("refs/heads/x", &main, &next, strict, "succeeded"),
        ("refs/heads/x", &next, &side, strict, "forcePushRequired"),
        ("refs/heads/x", &next, &side, RewriteRule::Anything, "succeeded"),
        ("refs/heads/x/y", ZERO_ID, &main, strict, "refNameConflict"),
        ("refs/heads/a..b", ZERO_ID, &main, strict, "invalidRefName"),
        ("refs/heads/ ", ZERO_ID, &main, strict, "invalidRefName"),
        ("main", ZERO_ID, &main, strict, "invalidRefName"),
        ("refs/heads/y", ZERO_ID, &unknown, strict, "unresolvableToCommit"),
        ("refs/heads/y", ZERO_ID, "abc", strict, "unresolvableToCommit"),
        ("refs/heads/x", &side, ZERO_ID, strict, "succeeded"),
        ("refs/heads/x", &side, ZERO_ID, strict, "staleOldObjectId"),
        ("refs/heads/x", ZERO_ID, ZERO_ID, strict, "succeededNonExistentRef"),
    ];
    for (step, (name, old, new, rule, word)) in cases.into_iter().enumerate() {
        let status = fixture.repo.update_ref(name, old, new, rule).expect("answers");
        assert_eq!(status.word(), word, "step {step}: {name}");
    }
    fixture.fsck();
}

#[test]
fn of_two_writers_at_once_one_wins() {
    let (fixture, main) = Fixture::with_main();
    let one = fixture.push("one", &main, &[add("/one", "1")], 1);
    let two = fixture.push("two", &main, &[add("/two", "2")], 2);
    let race = |new: String| {
        let repo = fixture.repo.clone();
        std::thread::spawn(move || repo.update_ref("refs/heads/race", ZERO_ID, &new, RewriteRule::Anything).expect("answers"))
    };
    let outcomes = [race(one), race(two)].map(|thread| thread.join().expect("no panic"));
    let mut words = outcomes.map(RefStatus::word);
    words.sort_unstable();
    assert_eq!(words, ["staleOldObjectId", "succeeded"]);
}

#[test]
fn a_prefix_finds_refs_by_the_start_of_their_name() {
    let (fixture, main) = Fixture::with_main();
    for name in ["main-2", "feature/a"] {
        let full = format!("refs/heads/{name}");
        fixture.repo.update_ref(&full, ZERO_ID, &main, RewriteRule::Anything).expect("creates");
    }
    let names: Vec<_> = fixture.repo.refs("heads/main").expect("lists").into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["refs/heads/main", "refs/heads/main-2"]);
}

#[test]
fn items_tell_a_missing_branch_from_a_missing_file() {
    let (fixture, main) = Fixture::with_main();
    let branch = |name: &str| Version::Branch(name.to_owned());
    let item = fixture.repo.item(&branch("main"), "/dir/b.txt").expect("found");
    assert_eq!((item.kind, item.commit_id.as_str()), (ItemKind::Blob, main.as_str()));
    assert!(matches!(fixture.repo.item(&branch("no"), "/a.txt"), Err(GitError::NoVersion(_))));
    assert!(matches!(
        fixture.repo.item(&branch("main"), "/no"),
        Err(GitError::NoItem { path, commit }) if path == "/no" && commit == main
    ));
    let paths = |scope: &str, recursion| {
        fixture.repo.items(&Version::Default, scope, recursion).expect("lists").into_iter().map(|item| item.path).collect::<Vec<_>>()
    };
    assert_eq!(paths("/", Recursion::OneLevel), ["/", "/a.txt", "/dir"]);
    assert_eq!(paths("/", Recursion::Full), ["/", "/a.txt", "/dir", "/dir/b.txt"]);
    assert_eq!(paths("/dir", Recursion::Full), ["/dir", "/dir/b.txt"]);
    assert_eq!(paths("/a.txt", Recursion::Full), ["/a.txt"]);
}

#[test]
fn the_log_is_newest_first_and_filtered() {
    let (fixture, main) = Fixture::with_main();
    let one = fixture.push("main", &main, &[edit("/a.txt", "x")], 10);
    let two = fixture.push("main", &one, &[edit("/dir/b.txt", "y")], 20);
    let ids = |query: LogQuery| fixture.repo.log(&query).expect("lists").into_iter().map(|row| row.id).collect::<Vec<_>>();
    let all = LogQuery::default;
    assert_eq!(ids(all()), [&two, &one, &main].map(String::clone));
    assert_eq!(ids(LogQuery { skip: 1, top: 1, ..all() }), [one.as_str()]);
    assert_eq!(ids(LogQuery { from: Some(at(10)), to: Some(at(19)), ..all() }), [one.as_str()]);
    assert_eq!(ids(LogQuery { path: Some("/dir".to_owned()), ..all() }), [two.clone(), main.clone()]);
    assert!(ids(LogQuery { author: Some("BOB".to_owned()), ..all() }).is_empty());
    assert_eq!(fixture.repo.commits_between(&main, &two).expect("lists").len(), 2);
}

/// main and feature each one commit past the base, in different places; feature has two.
fn diverged() -> (Fixture, String, String, String) {
    let (fixture, base) = Fixture::with_main();
    let one = fixture.push("feature", &base, &[edit("/a.txt", "1\n2\n3\n4\nfive\n")], 10);
    let source = fixture.push("feature", &one, &[add("/f.txt", "f\n")], 20);
    let target = fixture.push("main", &base, &[edit("/a.txt", "one\n2\n3\n4\n5\n")], 30);
    (fixture, base, source, target)
}

#[test]
fn a_comparison_counts_both_sides_from_the_common_commit() {
    let (fixture, base, source, target) = diverged();
    let diff = fixture.repo.diff_commits(&Version::Branch("main".to_owned()), &Version::Branch("feature".to_owned())).expect("compares");
    assert_eq!((diff.ahead, diff.behind), (2, 1));
    assert_eq!(diff.common_commit, Some(base));
    assert_eq!((diff.base_commit, diff.target_commit), (target, source));
    let paths: Vec<_> = diff.changes.iter().map(|change| &change.path[..]).collect();
    assert_eq!(paths, ["/a.txt", "/f.txt"]);
    let stats = fixture.repo.branch_stats("feature", None).expect("stats");
    assert_eq!((stats.ahead, stats.behind, stats.is_base), (2, 1, false));
}

#[test]
fn a_preview_is_a_real_merge_commit_and_moves_no_branch() {
    let (fixture, _, source, target) = diverged();
    let preview = fixture.repo.merge_preview(&source, &target, "refs/pull/7/merge", "preview", &stamp("sim", 40)).expect("merges");
    let MergePreview::Clean { commit, tree } = preview else {
        panic!("conflicts: {preview:?}");
    };
    let row = fixture.repo.commit(&commit).expect("written");
    assert_eq!(row.parents, [target.clone(), source]);
    assert_eq!(row.tree, tree);
    assert_eq!(fixture.repo.tip("main").expect("reads"), Some(target));
    fixture.fsck();
}

#[test]
fn conflicts_come_from_the_trees_and_are_named() {
    let (fixture, base) = Fixture::with_main();
    let source = fixture.push("feature", &base, &[edit("/a.txt", "1\n2\nmine\n4\n5\n")], 10);
    let target = fixture.push("main", &base, &[edit("/a.txt", "1\n2\ntheirs\n4\n5\n")], 20);
    let preview = fixture.repo.merge_preview(&source, &target, "refs/pull/7/merge", "preview", &stamp("sim", 40)).expect("answers");
    assert_eq!(preview, MergePreview::Conflicts(vec!["/a.txt".to_owned()]));
    for strategy in [Strategy::NoFastForward, Strategy::Squash, Strategy::Rebase, Strategy::RebaseMerge] {
        let refused = fixture.repo.complete(&Completion {
            target_ref: "refs/heads/main",
            target_tip: &target,
            source_tip: &source,
            strategy,
            message: "m",
            author: stamp("alice", 50),
            committer: stamp("bob", 60),
        });
        assert!(matches!(refused, Err(GitError::Conflicts(paths)) if paths == ["/a.txt"]), "{strategy:?}");
    }
    assert_eq!(fixture.repo.tip("main").expect("reads"), Some(target));
}

#[test]
fn no_fast_forward_has_target_and_source_as_parents() {
    let (fixture, _, source, target) = diverged();
    let commit = fixture.complete(Strategy::NoFastForward, &target, &source);
    assert_eq!(commit.parents, [target, source]);
    assert_eq!(commit.message, "Merged PR 7: Title");
    assert_eq!(fixture.text("main", "/a.txt"), "one\n2\n3\n4\nfive\n");
    fixture.fsck();
}

#[test]
fn squash_is_one_commit_by_the_author_on_the_target() {
    let (fixture, _, source, target) = diverged();
    let commit = fixture.complete(Strategy::Squash, &target, &source);
    assert_eq!(commit.parents, [target]);
    assert_eq!((&commit.author.name[..], &commit.committer.name[..]), ("alice", "bob"));
    assert_eq!(fixture.text("main", "/f.txt"), "f\n");
    fixture.fsck();
}

#[test]
fn rebase_replays_each_commit_onto_the_target() {
    let (fixture, _, source, target) = diverged();
    let tip = fixture.complete(Strategy::Rebase, &target, &source);
    assert_eq!((&tip.message[..], &tip.author), ("Change 20", &stamp("alice", 20)));
    assert_eq!(tip.committer, stamp("bob", 60));
    let first = fixture.repo.commit(&tip.parents[0]).expect("there");
    assert_eq!(first.message, "Change 10");
    assert_eq!(first.parents, [target]);
    assert_eq!(fixture.text("main", "/a.txt"), "one\n2\n3\n4\nfive\n");
    fixture.fsck();
}

#[test]
fn rebase_of_a_branch_that_stands_on_the_target_moves_the_target_to_it() {
    let (fixture, base) = Fixture::with_main();
    let source = fixture.push("feature", &base, &[add("/f", "f")], 10);
    assert_eq!(fixture.complete(Strategy::Rebase, &base, &source).id, source);
}

#[test]
fn rebase_merge_is_a_merge_commit_over_the_replayed_commits() {
    let (fixture, _, source, target) = diverged();
    let commit = fixture.complete(Strategy::RebaseMerge, &target, &source);
    assert_eq!(commit.parents[0], target);
    assert_ne!(commit.parents[1], source);
    let replayed = fixture.repo.commit(&commit.parents[1]).expect("there");
    assert_eq!(replayed.message, "Change 20");
    assert_eq!(replayed.tree, commit.tree);
    fixture.fsck();
}

#[test]
fn a_completion_loses_to_a_target_that_moved() {
    let (fixture, _, source, target) = diverged();
    let moved = fixture.push("main", &target, &[add("/m", "m")], 40);
    let refused = fixture.repo.complete(&Completion {
        target_ref: "refs/heads/main",
        target_tip: &target,
        source_tip: &source,
        strategy: Strategy::Squash,
        message: "m",
        author: stamp("alice", 50),
        committer: stamp("bob", 60),
    });
    assert!(matches!(refused, Err(GitError::Stale { .. })));
    assert_eq!(fixture.repo.tip("main").expect("reads"), Some(moved));
}

#[test]
fn merge_commits_of_the_source_drop_out_of_a_rebase() {
    let (fixture, _, source, target) = diverged();
    // The feature takes main in, then goes on.
    let MergePreview::Clean { commit, .. } =
        fixture.repo.merge_preview(&target, &source, "refs/pull/1/merge", "take main in", &stamp("alice", 35)).expect("merges")
    else {
        panic!("no conflict expected");
    };
    let status = fixture.repo.update_ref("refs/heads/feature", &source, &commit, RewriteRule::FastForwardOnly).expect("moves");
    assert_eq!(status, RefStatus::Succeeded);
    let source = fixture.push("feature", &commit, &[add("/g", "g")], 36);
    let tip = fixture.complete(Strategy::Rebase, &target, &source);
    let own = fixture.repo.commits_between(&target, &tip.id).expect("lists");
    assert!(own.iter().all(|row| row.parents.len() == 1));
    assert_eq!(own.len(), 3);
    assert_eq!(fixture.text("main", "/a.txt"), "one\n2\n3\n4\nfive\n");
    fixture.fsck();
}

#[test]
fn a_history_told_in_one_go_is_one_pack_that_later_calls_see() {
    let fixture = Fixture::empty();
    let tip = fixture
        .repo
        .in_one_pack(|| {
            let one = fixture.try_push("main", ZERO_ID, &[add("/a", "1")], 1)?;
            let two = fixture.try_push("main", &one.new_object_id, &[edit("/a", "2")], 2)?;
            Ok(two.new_object_id)
        })
        .expect("writes");
    fixture.fsck();
    let again = Repo::at(fixture.repo.path(), "main");
    assert_eq!(again.tip("main").expect("reads"), Some(tip.clone()));
    assert_eq!(fixture.text("main", "/a"), "2");
    let next = fixture.push("main", &tip, &[edit("/a", "3")], 3);
    assert_eq!(again.commit(&next).expect("there").parents, [tip]);
    let packs = std::fs::read_dir(fixture.repo.path().join("objects/pack")).expect("there");
    assert_eq!(packs.count(), 2, "a pack and its index");
    fixture.fsck();
}
