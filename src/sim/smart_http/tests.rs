//! An ordinary `git` against a simulator that listens: clone, fetch, push, and what is refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::sim::world::{MergeStatus, Permission};
use crate::sim::{Options, Running, ServerVersion, TlsFiles};

struct Desk {
    dir: tempfile::TempDir,
    running: Running,
    /// The certificate to trust, when the simulator speaks TLS.
    ca: Option<PathBuf>,
}

async fn desk(options: Options) -> Desk {
    Desk {
        dir: tempfile::tempdir().expect("a temporary folder"),
        ca: options.tls.as_ref().map(|files| files.cert.clone()),
        running: crate::sim::start(options).await.expect("starts"),
    }
}

impl Desk {
    fn url(&self, token: &str, path: &str) -> String {
        let base = self.running.organisation_url();
        let (scheme, rest) = base.split_once("://").expect("a URL");
        format!("{scheme}://anything:{token}@{rest}/{path}")
    }

    /// Runs git outside of the runtime's threads, so that the simulator can answer it.
    async fn git(&self, dir: &Path, args: &[&str]) -> Output {
        let (dir, home) = (dir.to_owned(), self.dir.path().to_owned());
        let ca = self.ca.clone();
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        tokio::task::spawn_blocking(move || {
            let mut git = Command::new("git");
            if let Some(ca) = ca {
                git.env("GIT_SSL_CAINFO", ca);
            }
            git.args(["-c", "protocol.version=2"])
                .args(args)
                .current_dir(dir)
                .env("HOME", home)
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .env("GIT_TERMINAL_PROMPT", "0")
                .env("GIT_AUTHOR_NAME", "Alice Moreau")
                .env("GIT_AUTHOR_EMAIL", "alice@lumen.example")
                .env("GIT_COMMITTER_NAME", "Alice Moreau")
                .env("GIT_COMMITTER_EMAIL", "alice@lumen.example")
                .output()
                .expect("git runs")
        })
        .await
        .expect("no panic")
    }

    async fn must(&self, dir: &Path, args: &[&str]) -> String {
        let output = self.git(dir, args).await;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {words}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    async fn refused(&self, dir: &Path, args: &[&str], part: &str) {
        let output = self.git(dir, args).await;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "git {args:?} went through");
        assert!(words.contains(part), "{words}");
    }

    async fn clone(&self, token: &str, path: &str) -> PathBuf {
        let into = self.dir.path().join(format!("{token}-{}", path.replace('/', "-")));
        let url = self.url(token, path);
        let target = into.to_string_lossy().into_owned();
        self.must(self.dir.path(), &["clone", "-q", &url, &target]).await;
        into
    }

    async fn commit(&self, clone: &Path, file: &str, content: &[u8]) {
        std::fs::write(clone.join(file), content).expect("writes");
        self.must(clone, &["add", "."]).await;
        self.must(clone, &["commit", "-q", "-m", "Work"]).await;
    }
}

#[tokio::test]
async fn a_clone_works_and_a_push_is_noticed() {
    let desk = desk(Options::default()).await;
    let control = desk.running.control();
    let clone = desk.clone("alice-token", "Harbor/_git/tide-api").await;
    desk.must(&clone, &["fsck", "--strict"]).await;
    assert!(clone.join("src/tide.rs").exists());

    desk.must(&clone, &["switch", "-q", "feature/HAR-14"]).await;
    desk.commit(&clone, "more.md", b"more\r\n").await;
    desk.must(&clone, &["push", "-q"]).await;
    let tip = desk.must(&clone, &["rev-parse", "HEAD"]).await;
    control.settle().await.expect("settles");
    let world = control.world().await;
    let row = world.pull_requests.values().find(|row| row.title.starts_with("HAR-14")).expect("seeded");
    assert_eq!(row.merge.source, tip);
    assert_eq!(row.merge.status, MergeStatus::Succeeded);
    assert_eq!(row.iterations.len(), 2);
    let push = world.pushes.last().expect("recorded");
    assert_eq!(push.moves[0].new, tip);
    assert_eq!(world.user(push.by).expect("known").alias(), "alice");

    // Somebody else's commit, made through the service, comes with a fetch.
    let file = ("/theirs.md", b"theirs\n".as_slice());
    let theirs = control.push_file("tide-api", ("feature/HAR-14", None), "bob", file, "Theirs").await.expect("pushes");
    desk.must(&clone, &["pull", "-q", "--ff-only"]).await;
    assert_eq!(desk.must(&clone, &["rev-parse", "HEAD"]).await, theirs);
    desk.running.stop().await;
}

#[tokio::test]
async fn branches_are_created_and_deleted_and_big_files_arrive() {
    let desk = desk(Options::default()).await;
    let clone = desk.clone("alice-token", "harbor/_GIT/OPS").await;
    desk.must(&clone, &["switch", "-q", "-c", "big"]).await;
    // More than git's post buffer: the push is chunked. Hard to compress, so that it stays big.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    })
    .take(500_000)
    .flatten()
    .collect();
    desk.commit(&clone, "noise.bin", &noise).await;
    desk.must(&clone, &["push", "-q", "-u", "origin", "big"]).await;
    let git = desk.running.control().git("ops").await.expect("there");
    let tip = desk.must(&clone, &["rev-parse", "HEAD"]).await;
    assert_eq!(git.tip("big").expect("reads"), Some(tip));
    desk.must(&clone, &["push", "-q", "origin", "--delete", "big"]).await;
    assert_eq!(git.tip("big").expect("reads"), None);
    desk.running.stop().await;
}

#[tokio::test]
async fn a_long_list_of_wants_arrives_gzipped() {
    let desk = desk(Options::default()).await;
    let control = desk.running.control();
    for n in 0..60 {
        let branch = format!("many/{n}");
        let name = format!("/{n}.md");
        let file = (name.as_str(), b"x\n".as_slice());
        control.push_file("ops", (&branch, None), "bob", file, "One of many").await.expect("pushes");
    }
    let clone = desk.clone("alice-token", "Harbor/_git/ops").await;
    let branches = desk.must(&clone, &["branch", "-r"]).await;
    assert!(branches.lines().count() > 60);
    desk.running.stop().await;
}

#[tokio::test]
async fn tokens_open_what_they_are_for() {
    let desk = desk(Options::default()).await;
    let home = desk.dir.path().to_owned();
    for token in ["wrong", "alice-expired-token", "frank-token"] {
        let url = desk.url(token, "Harbor/_git/ops");
        desk.refused(&home, &["ls-remote", &url], "Authentication failed").await;
    }
    let anonymous = format!("{}/Harbor/_git/ops", desk.running.organisation_url());
    desk.refused(&home, &["ls-remote", &anonymous], "could not read Username").await;
    let answer = tokio::task::spawn_blocking(move || {
        Command::new("curl").args(["-si", &format!("{anonymous}/info/refs?service=git-upload-pack")]).output()
    });
    if let Ok(output) = answer.await.expect("no panic") {
        let words = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(words.contains("401") && words.contains("www-authenticate: basic"), "{words}");
    }
    let clone = desk.clone("alice-read-token", "Harbor/_git/ops").await;
    desk.commit(&clone, "x.md", b"x").await;
    desk.refused(&clone, &["push"], "Authentication failed").await;
    let hidden = desk.url("erin-token", "Quay/_git/manifest");
    desk.refused(&home, &["ls-remote", &hidden], "not found").await;
    let disabled = desk.url("alice-token", "Quay/_git/crane-control");
    desk.refused(&home, &["ls-remote", &disabled], "not found").await;
    desk.running.stop().await;
}

#[tokio::test]
async fn a_protected_branch_takes_no_push() {
    let desk = desk(Options::default()).await;
    let clone = desk.clone("alice-token", "Harbor/_git/tide-api").await;
    let before = desk.must(&clone, &["rev-parse", "HEAD"]).await;
    desk.commit(&clone, "x.md", b"x").await;
    desk.refused(&clone, &["push", "origin", "main"], "TF402455").await;
    let git = desk.running.control().git("tide-api").await.expect("there");
    assert_eq!(git.tip("main").expect("reads"), Some(before));
    desk.running.stop().await;
}

#[tokio::test]
async fn permissions_are_asked_ref_by_ref() {
    let desk = desk(Options::default()).await;
    let clone = desk.clone("erin-token", "Harbor/_git/tide-api").await;
    desk.commit(&clone, "x.md", b"x").await;
    desk.refused(&clone, &["push", "origin", "HEAD:new"], "TF401027").await;
    desk.running.stop().await;
}

#[tokio::test]
async fn history_is_rewritten_only_by_those_who_may() {
    let desk = desk(Options::default()).await;
    let clone = desk.clone("bob-token", "Harbor/_git/ops").await;
    desk.must(&clone, &["switch", "-q", "-c", "mine"]).await;
    desk.commit(&clone, "x.md", b"x").await;
    desk.must(&clone, &["push", "-q", "-u", "origin", "mine"]).await;
    desk.must(&clone, &["commit", "-q", "--amend", "-m", "Again"]).await;
    let control = desk.running.control();
    control.deny("ops", "bob", Permission::ForcePush).await.expect("denies");
    desk.refused(&clone, &["push", "--force"], "non-fast-forward").await;
    control.permit("ops", "bob", Permission::ForcePush).await.expect("permits");
    desk.must(&clone, &["push", "-q", "--force"]).await;
    desk.running.stop().await;
}

#[tokio::test]
async fn an_empty_repository_takes_its_first_push() {
    let desk = desk(Options::default()).await;
    let clone = desk.clone("carol-token", "Quay/_git/manifest").await;
    desk.must(&clone, &["switch", "-q", "-c", "main"]).await;
    desk.commit(&clone, "README.md", b"# manifest\n").await;
    desk.must(&clone, &["push", "-q", "-u", "origin", "main"]).await;
    let again = desk.clone("alice-token", "Quay/_git/manifest").await;
    assert!(again.join("README.md").exists());
    desk.running.stop().await;
}

#[tokio::test]
async fn over_tls_git_clones_and_rest_speaks_http_2() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().expect("a temporary folder");
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a key pair");
    let (cert, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("writes");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("writes");
    let desk = desk(Options { server_version: ServerVersion::Server2022, tls: Some(TlsFiles { cert, key }), ..Options::default() }).await;
    let clone = desk.clone("alice-token", "Harbor/_git/ops").await;
    desk.must(&clone, &["switch", "-q", "-c", "one"]).await;
    desk.commit(&clone, "x.md", b"x").await;
    desk.must(&clone, &["push", "-q", "-u", "origin", "one"]).await;

    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate");
    let get = async |trusted: Vec<reqwest::Certificate>| {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only(trusted).build().expect("a client");
        let url = format!("{}/_apis/projects", desk.running.organisation_url());
        client.get(url).basic_auth("", Some("alice-token")).send().await
    };
    let answer = get(vec![trusted]).await.expect("answers");
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert_eq!(answer.status().as_u16(), 200);
    assert!(get(Vec::new()).await.is_err(), "nobody vouches for it");
    desk.running.stop().await;
}
