//! How long figures take from a store: read and computed, for an organisation of the middle size, a large one, and one with a million
//! runs and two hundred thousand pull requests in the time that is read. Fails where a budget is not kept.
//!
//! Each store is read by a process of its own, so that its peak of memory is that of reading. A store is made anew each time, which
//! takes minutes for the big one; `KANADO_BENCH_SIZES=m,l` leaves it out, `KANADO_BENCH_ENGINE=postgres://...` measures on a server
//! (an empty database).

mod data;
#[path = "../figures/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../figures/table.rs"]
#[allow(dead_code)]
mod table;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use data::{BIG, L, M, Size, now};
use kanado::metrics;
use kanado::metrics::production::wanted;
use kanado::metrics::query::{Query, Rules, Window};
use kanado::store::{Location, Store};
use table::{Table, Unit};

/// Names the store to a process that reads it.
const READ: &str = "KANADO_BENCH_READ";
const SIZES: &str = "KANADO_BENCH_SIZES";
const ENGINE: &str = "KANADO_BENCH_ENGINE";

struct Case {
    name: &'static str,
    size: Size,
    budget: Duration,
    times: usize,
}

const CASES: [Case; 3] = [
    Case { name: "m", size: M, budget: Duration::from_millis(10), times: 40 },
    Case { name: "l", size: L, budget: Duration::from_millis(200), times: 15 },
    Case { name: "big", size: BIG, budget: Duration::from_secs(1), times: 7 },
];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// What a board does for its figures: which kinds there are, what is wanted of them, the rows, the figures. Milliseconds of reading and
/// of computing.
async fn once(store: &Store) -> (f64, f64, usize) {
    let began = Instant::now();
    let query = Query::new(Vec::new(), Window::last(30, now()), Rules::default());
    let projects: Vec<_> = store.measured_projects().await.expect("projects").into_iter().map(|(id, _)| id).collect();
    let kinds = store.stage_kinds(&projects).await.expect("kinds");
    let input = store.metric_input(&query, &wanted(&kinds, &query)).await.expect("rows");
    let read = began.elapsed();
    let figures = metrics::summarise(&input, &query, now());
    let all = began.elapsed();
    assert!(!figures.tiles.is_empty() && !input.stages.is_empty() && !input.flows.is_empty(), "there is something to measure");
    (read.as_secs_f64() * 1e3, (all - read).as_secs_f64() * 1e3, input.stages.len() + input.flows.len() + input.tips.len())
}

/// The process that reads: a line for each time, then the peak of memory.
fn read(url: &str, times: usize) {
    runtime().block_on(async {
        let store = Store::open(&Location::Url(url.to_owned())).await.expect("the store");
        for _ in 0..times {
            let (read, computed, rows) = once(&store).await;
            println!("time {read} {computed} {rows}");
        }
        store.close().await;
    });
    println!("peak {}", process::memory(std::process::id()).peak_mb);
}

fn measure(case: &Case, table: &mut Table) {
    let directory = tempfile::tempdir().expect("a directory");
    let url = std::env::var(ENGINE).unwrap_or_else(|_| format!("sqlite://{}", directory.path().join("kanado.db").display()));
    let began = Instant::now();
    runtime().block_on(async {
        let store = Store::open(&Location::Url(url.clone())).await.expect("a store");
        data::fill(&store, case.size).await;
        store.close().await;
    });
    table.note(format!("{}: {:?}, filled in {:.0} s", case.name, case.size, began.elapsed().as_secs_f64()));
    let output = Command::new(std::env::current_exe().expect("this program"))
        .env(READ, &url)
        .env("KANADO_BENCH_TIMES", case.times.to_string())
        .output()
        .expect("a process that reads");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = |word: &str| -> Vec<Vec<f64>> {
        let of_line = |line: &str| line.split(' ').skip(1).filter_map(|number| number.parse().ok()).collect();
        told.lines().filter(|line| line.starts_with(word)).map(of_line).collect()
    };
    let times = lines("time");
    let column = |index: usize| -> Vec<f64> { times.iter().filter_map(|line| line.get(index).copied()).collect() };
    let both: Vec<f64> = times.iter().map(|line| line.iter().take(2).sum()).collect();
    let budget = case.budget.as_secs_f64() * 1e3;
    table.row(&format!("{}: read and computed", case.name), Unit::Milliseconds, budget, &both);
    table.row(&format!("{}:   of which reading", case.name), Unit::Milliseconds, budget, &column(0));
    table.row(&format!("{}:   of which computing", case.name), Unit::Milliseconds, budget, &column(1));
    let peak = lines("peak").into_iter().flatten().next().unwrap_or_default();
    let rows = column(2).first().copied().unwrap_or_default();
    table.note(format!("{}: {rows:.0} rows read; peak memory of the process that reads {peak:.0} MB", case.name));
}

fn main() -> ExitCode {
    if let Ok(url) = std::env::var(READ) {
        let times = std::env::var("KANADO_BENCH_TIMES").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
        read(&url, times);
        return ExitCode::SUCCESS;
    }
    let sizes = std::env::var(SIZES).unwrap_or_else(|_| "m,l,big".to_owned());
    let mut table = Table::default();
    for case in CASES.iter().filter(|case| sizes.split(',').any(|name| name.trim() == case.name)) {
        measure(case, &mut table);
    }
    table.print();
    if table.missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
