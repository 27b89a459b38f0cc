//! The simulator in another process, and people in front of it: each with a home, a token and the compiled binary.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::pty::Pty;

/// How long something may take to happen. A test never waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running `kanado sim`, reached over TCP.
pub struct World {
    child: Child,
    pub facts: Value,
    /// Where it listens itself, whatever it calls itself.
    direct: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    state: TempDir,
}

impl World {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts the simulator with more options.
    pub fn with(options: &[&str]) -> Self {
        Self::on(TempDir::new().unwrap(), options)
    }

    /// Starts the simulator behind a proxy: it calls itself `public_url`, and the control API is asked directly.
    pub fn behind(public_url: &str, listen: &str, options: &[&str]) -> Self {
        Self::listening(TempDir::new().unwrap(), listen, Some(public_url), options)
    }

    /// Ends the simulator and gives its folder away, to be changed and started on again.
    pub fn stop(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.state, TempDir::new().unwrap())
    }

    /// Starts the simulator on a folder that may hold a world already.
    pub fn on(state: TempDir, options: &[&str]) -> Self {
        Self::listening(state, "127.0.0.1:0", None, options)
    }

    fn listening(state: TempDir, listen: &str, public_url: Option<&str>, options: &[&str]) -> Self {
        // Not a pipe: nobody reads it, unless the start fails.
        let mut told = tempfile::tempfile().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_kanado"))
            .args(["sim", "--listen", listen, "--control", "--json", "--state"])
            .arg(state.path())
            .args(public_url.map(|url| format!("--public-url={url}")))
            .args(options)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", state.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(told.try_clone().unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let facts: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let mut words = String::new();
            let _ = told.seek(SeekFrom::Start(0)).and_then(|_| told.read_to_string(&mut words));
            panic!("the simulator said {line:?}, {words:?} ({:?}): {error}", child.wait())
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Whether a certificate is trusted is tested on the binary, not here.
        let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
        let direct = match public_url {
            Some(_) => format!("http://{listen}"),
            None => facts["url"].as_str().unwrap().to_owned(),
        };
        Self { child, facts, direct, http, runtime, state }
    }

    pub fn url(&self) -> &str {
        self.facts["url"].as_str().unwrap()
    }

    /// The address people connect to: an organisation, or a Server's collection.
    pub fn organisation(&self) -> &str {
        self.facts["organisation_url"].as_str().unwrap()
    }

    /// Where the simulator listens, past any proxy.
    pub fn direct(&self) -> &str {
        &self.direct
    }

    /// The organisation's address past any proxy.
    fn direct_organisation(&self) -> String {
        self.organisation().replacen(self.url(), &self.direct, 1)
    }

    /// The full token of a person, by account name before the `@`.
    pub fn token(&self, person: &str) -> String {
        self.token_noted(person, "everything")
    }

    /// A token by whose it is and what the simulator says of it.
    pub fn token_noted(&self, person: &str, note: &str) -> String {
        let tokens = self.facts["tokens"].as_array().unwrap();
        let is = |t: &&Value| {
            t["user"].as_str().unwrap().split('@').next() == Some(person)
                && t["note"].as_str().unwrap_or_default().to_lowercase().contains(note)
        };
        let found = tokens.iter().find(is).unwrap_or_else(|| panic!("no token of {person} noted {note} in {tokens:?}"));
        found["token"].as_str().unwrap().to_owned()
    }

    /// One request to the control API; answers its JSON.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let url = format!("{}/_sim/{}", self.direct, path.trim_start_matches('/'));
        let method: reqwest::Method = method.parse().unwrap();
        self.runtime.block_on(async {
            let mut request = self.http.request(method, &url);
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let text = answer.text().await.unwrap();
            assert!(status.is_success(), "{url}: {status}: {text}");
            serde_json::from_str(&text).unwrap_or(Value::Null)
        })
    }

    /// One request as a person sends it, with their token; answers status and JSON.
    pub fn api(&self, person: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}/{}{separator}api-version={}", self.direct_organisation(), path.trim_start_matches('/'), self.version());
        let method: reqwest::Method = method.parse().unwrap();
        let token = self.token(person);
        self.runtime.block_on(async {
            let mut request = self.http.request(method, &url).basic_auth("", Some(token));
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, answer.json().await.unwrap_or(Value::Null))
        })
    }

    fn version(&self) -> &str {
        self.facts["api_version"].as_str().unwrap_or("7.1")
    }

    /// What the branches of a repository point to, by name.
    pub fn branches(&self, repository: &str) -> BTreeMap<String, String> {
        let answer = self.control("GET", &format!("branches/{repository}"), Value::Null);
        serde_json::from_value(answer["branches"].clone()).unwrap()
    }

    /// A pull request as the simulator has it.
    pub fn pull_request(&self, number: i64) -> Value {
        let all = self.control("GET", "pullRequests", Value::Null);
        let found = all["pullRequests"].as_array().unwrap().iter().find(|row| row["pullRequest"] == number);
        found.unwrap_or_else(|| panic!("no pull request {number} in {all}")).clone()
    }

    /// Clones a repository with git itself.
    pub fn clone(&self, person: &str, project: &str, repository: &str, into: &Path) {
        let bare = self.direct_organisation().replacen("://", &format!("://{person}:{}@", self.token(person)), 1);
        git(into.parent().unwrap(), &["clone", "--quiet", &format!("{bare}/{project}/_git/{repository}"), &into.to_string_lossy()]);
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where the simulator keeps its world.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// Switches a fault on; answers its id.
    pub fn fault(&self, spec: &str) -> u64 {
        self.control("POST", "fault", serde_json::json!({ "spec": spec }))["id"].as_u64().unwrap()
    }

    /// Switches all faults off.
    pub fn no_faults(&self) {
        self.control("POST", "unfault", serde_json::json!({}));
    }

    /// Waits until a fault has hit so many requests.
    #[track_caller]
    pub fn wait_hit(&self, fault: u64, times: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let rows = self.control("GET", "faults", Value::Null);
            let row = rows["faults"].as_array().unwrap().iter().find(|row| row["id"] == fault).cloned().unwrap();
            if row["hit"].as_u64().unwrap() >= times {
                return;
            }
            assert!(Instant::now() < deadline, "the fault was not met: {row}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the world is as wanted.
    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self) {
            assert!(Instant::now() < deadline, "waited for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The tip of a branch, if it is there.
    pub fn tip(&self, repository: &str, branch: &str) -> Option<String> {
        let answer = self.control("GET", &format!("branches/{repository}"), Value::Null);
        answer["branches"][branch].as_str().map(str::to_owned)
    }

    /// The pull requests from a branch, as the control API lists them.
    pub fn pull_requests_of(&self, branch: &str) -> Vec<Value> {
        let answer = self.control("GET", "pullRequests", Value::Null);
        answer["pullRequests"].as_array().unwrap().iter().filter(|row| row["source"] == branch).cloned().collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs git and answers what it printed, byte for byte.
#[track_caller]
pub fn git_bytes(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_AUTHOR_NAME", "T")
        .env("GIT_AUTHOR_EMAIL", "t@example.com")
        .env("GIT_COMMITTER_NAME", "T")
        .env("GIT_COMMITTER_EMAIL", "t@example.com")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[track_caller]
pub fn git(directory: &Path, arguments: &[&str]) -> String {
    String::from_utf8(git_bytes(directory, arguments)).unwrap().trim().to_owned()
}

/// Somebody with a home directory, a token, and the binary.
pub struct Person {
    home: TempDir,
    environment: Vec<(String, String)>,
}

impl Person {
    pub fn new(token: &str) -> Self {
        let home = TempDir::new().unwrap();
        let mut environment: Vec<(String, String)> = vec![("HOME".into(), home.path().to_string_lossy().into_owned())];
        for (name, folder) in
            [("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")]
        {
            environment.push((name.into(), home.path().join(folder).to_string_lossy().into_owned()));
        }
        environment.push(("KANADO_PAT".into(), token.to_owned()));
        Self { home, environment }
    }

    /// Somebody connected to Harbor whose keys are not those of the tickets that are in the world already: KAN-1, KAN-2 ...
    pub fn newcomer(world: &World, name: &str) -> Self {
        let person = Self::new(&world.token(name));
        person.ok(&["connect", &format!("{}/Harbor", world.organisation()), "--prefix", "KAN", "--repo", "tide-api", "--yes"]);
        person
    }

    /// Somebody who has connected to a project of the world and linked a repository.
    pub fn connected(world: &World, name: &str, project: &str, repository: &str) -> Self {
        let person = Self::new(&world.token(name));
        person.ok(&["connect", &format!("{}/{project}", world.organisation()), "--yes"]);
        person.ok(&["repos", "link", repository, "--yes"]);
        person
    }

    /// Writes the configuration file.
    pub fn configure(&self, toml: &str) {
        let file = self.home.path().join("config/kanado/config.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, toml).unwrap();
    }

    /// Writes a file into the home directory; answers its path as an argument.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data/kanado")
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.unset(name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(other, _)| other != name);
    }

    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The binary with this person's environment, no terminal.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kanado"));
        command.args(arguments).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        command.envs(self.environment.iter().cloned()).current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a subcommand that must succeed; answers stdout.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "kanado {arguments:?} ended with {:?}\nstdout: {}\nstderr: {}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a subcommand with `--json --yes` that must succeed; answers its JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["--json", "--yes"]);
        let text = self.ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("kanado {all:?} printed {text:?}: {error}"))
    }

    /// Runs a subcommand that must fail with this code; answers stderr.
    #[track_caller]
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "kanado {arguments:?}\nstdout: {}\nstderr: {stderr}",
            String::from_utf8_lossy(&output.stdout)
        );
        stderr
    }

    /// The board in a terminal.
    pub fn board(&self, rows: u16, columns: u16) -> Pty {
        Pty::spawn(rows, columns, &[], &self.environment)
    }
}
