//! How long it takes until an organisation is measured: ten projects connected and selected, then `kanado backfill`, as whole processes
//! against a simulator in another one that answers 100 ms late: `cargo bench --bench collect`. And once more with one request at a time,
//! into a store of its own, for what asking for many at once is worth. Fails where a budget is not kept.

#[path = "../figures/table.rs"]
#[allow(dead_code)]
mod table;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use serde_json::Value;
use table::{Table, Unit};

const LATENCY_MS: &str = "100";

/// Ends with the measurement.
struct Simulator {
    child: Child,
    organisation: String,
    token: String,
    projects: BTreeSet<String>,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kanado(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanado"));
    command.env_clear().env("PATH", std::env::var("PATH").unwrap_or_default()).env("HOME", folder).stdin(Stdio::null());
    command
}

impl Simulator {
    fn start(folder: &Path) -> Self {
        let plan = folder.join("plan.json");
        let mut command = kanado(folder);
        command.args(["sim", "--listen", "127.0.0.1:0", "--json", "--organisation", "m", "--latency-ms", LATENCY_MS, "--plan"]);
        let mut child = command.arg(&plan).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the simulator starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        let facts: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the simulator said {line:?}: {error}"));
        let plan: Value = serde_json::from_slice(&std::fs::read(plan).expect("the plan")).expect("the plan is JSON");
        let pull_requests = plan["pullRequests"].as_array().expect("pull requests");
        Self {
            child,
            organisation: word(&facts["organisation_url"]),
            token: word(&facts["tokens"][0]["token"]),
            projects: pull_requests.iter().map(|one| word(&one["project"])).collect(),
        }
    }
}

fn word(value: &Value) -> String {
    value.as_str().expect("a word").to_owned()
}

/// What a command of somebody's says on its last line.
fn said(simulator: &Simulator, home: &Path, arguments: &[&str]) -> String {
    let output = kanado(home).args(arguments).env("KANADO_PAT", &simulator.token).output().expect("kanado runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

/// A whole collection.
struct Collected {
    connected_ms: f64,
    first_tiles_ms: f64,
    elapsed_ms: f64,
    requests: f64,
}

fn collect(simulator: &Simulator, folder: &Path, name: &str, options: &[&str]) -> Collected {
    let home = folder.join(name);
    std::fs::create_dir(&home).expect("a folder");
    let began = Instant::now();
    for project in &simulator.projects {
        said(simulator, &home, &["connect", &format!("{}/{project}", simulator.organisation), "--yes"]);
    }
    let connected_ms = began.elapsed().as_secs_f64() * 1e3;
    let line = said(simulator, &home, &[&["backfill", "--json"], options].concat());
    let end: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("backfill said {line:?}: {error}"));
    assert_eq!((&end["complete"], end["projects"].as_u64()), (&Value::Bool(true), Some(10)), "{line}");
    let number = |name: &str| end[name].as_f64().unwrap_or_else(|| panic!("no {name} in {line}"));
    Collected { connected_ms, first_tiles_ms: number("first_tiles_ms"), elapsed_ms: number("elapsed_ms"), requests: number("requests") }
}

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a folder");
    let simulator = Simulator::start(folder.path());
    let many = collect(&simulator, folder.path(), "many", &[]);
    let one = collect(&simulator, folder.path(), "one", &["--at-once", "1"]);
    let mut table = Table::default();
    table.row("until the first figures can be shown", Unit::Milliseconds, 5e3, &[many.first_tiles_ms]);
    table.row("until everything of 30 days is there", Unit::Milliseconds, 60e3, &[many.elapsed_ms]);
    table.row("requests", Unit::Requests, 1600.0, &[many.requests]);
    let seconds = |milliseconds: f64| milliseconds / 1e3;
    table.note(format!(
        "One request at a time: the first figures after {:.1} s ({:.1} times as long), everything after {:.1} s ({:.1} times), {:.0} requests.",
        seconds(one.first_tiles_ms),
        one.first_tiles_ms / many.first_tiles_ms,
        seconds(one.elapsed_ms),
        one.elapsed_ms / many.elapsed_ms,
        one.requests
    ));
    table.note(format!("Ten projects were connected before, one after the other, in {:.1} s.", seconds(many.connected_ms)));
    table.print();
    if table.missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
