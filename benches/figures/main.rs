//! The figures that kanado promises, measured on whole processes: `cargo bench --bench figures`. Fails when one is missed.
//!
//! 10,000 tickets, 500 open pull requests in 50 repositories of one project, a terminal of 120x40, the simulator in another process
//! with its teammates paused. Times of several runs are given by their median. A busy machine makes them worse: measure on an idle one.
//! Linux only: memory and processor time come from `/proc`.

#[path = "../../tests/it/support/crowd.rs"]
#[allow(dead_code)]
mod crowd;
mod data;
mod process;
#[allow(dead_code)]
mod table;
mod terminal;

use std::time::{Duration, Instant};

use data::Data;
use table::{Table, Unit};
use terminal::Terminal;

const ROWS: u16 = 40;
const COLUMNS: u16 = 120;
/// What moving the selection may write.
const MOST_BYTES: usize = 200;
/// Starts and lists measured.
const RUNS: usize = 9;
/// A pull request seen just now shows another age after 10 s and after 60 s; between these nothing changes by itself.
const AFTER_FIRST_STEP: Duration = Duration::from_secs(14);
const IDLE: Duration = Duration::from_secs(10);

fn main() {
    if !cfg!(target_os = "linux") {
        println!("not measured: memory and processor time are read from /proc, which only Linux has");
        return;
    }
    let started = Instant::now();
    let data = Data::make();
    println!("data made in {:.1} s: {}\n", started.elapsed().as_secs_f64(), data.words());
    let mut table = Table::default();
    view_load(&data, &mut table);
    listing(&data, &mut table);
    starting(&data, &mut table);
    living(&data, &mut table);
    drawing(&mut table);
    specs(&mut table);
    table.print();
    // An exit drops nothing, and would leave its simulator running.
    drop(data);
    if table.missed() {
        std::process::exit(1);
    }
}

fn view_load(data: &Data, table: &mut Table) {
    let requests = data.requests_of(|| {
        data.kanado(&["sync", "--json"]);
    });
    let listed = data.kanado(&["prs", "--json"]);
    let open = listed.matches("\"status\":\"active\"").count();
    assert_eq!(open, data::CROWD.pull_requests, "the look found all of them");
    table.row("view load: status and votes of 500 pull requests", Unit::Requests, 6.0, &[f64::from(requests)]);
}

fn listing(data: &Data, table: &mut Table) {
    data.kanado(&["prs"]);
    let times: Vec<f64> = (0..RUNS).map(|_| milliseconds(|| drop(data.kanado(&["prs"])))).collect();
    table.row("`kanado prs` from the store", Unit::Milliseconds, 30.0, &times);
}

fn starting(data: &Data, table: &mut Table) {
    let times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let mut board = Terminal::open(&data.environment(), ROWS, COLUMNS);
            let full = board.until("the full board", data::is_full_board);
            board.quit();
            full.as_secs_f64() * 1e3
        })
        .collect();
    table.row("start to full board", Unit::Milliseconds, 60.0, &times);
}

/// One board that lives for a while: loads, moves its selection, idles.
fn living(data: &Data, table: &mut Table) {
    let mut board = Terminal::open(&data.environment(), ROWS, COLUMNS);
    board.until("the full board", data::is_full_board);
    board.until("the end of the first look", data::is_looked);
    board.quiet_for(Duration::from_millis(400));

    let screen = board.screen();
    let (mut times, mut bytes, mut worst) = (Vec::new(), Vec::new(), Vec::new());
    // Within what is on the screen: down and up again, several times.
    for key in ["j"; 6].into_iter().chain(["k"; 6]).cycle().take(60) {
        let before = board.written();
        let moved = board.key(key);
        if moved.bytes > worst.len() {
            worst = board.bytes()[before..].to_vec();
        }
        times.push(moved.settled.as_secs_f64() * 1e3);
        bytes.push(moved.bytes as f64);
    }
    table.row_of_worst("moving the selection: bytes, the most of 60 moves", Unit::Bytes, MOST_BYTES as f64, &bytes);
    table.row("moving the selection: until the last byte", Unit::Milliseconds, 2.0, &times);
    if worst.len() > MOST_BYTES {
        println!("the board:\n{screen}\n\nthe move of most bytes: {:?}\n", String::from_utf8_lossy(&worst));
    }
    let scrolled = (0..20).map(|_| board.key("j")).max_by_key(|moved| moved.bytes).map_or(0, |moved| moved.bytes);
    table.note(format!("a move that scrolls its column writes up to {scrolled} bytes"));

    board.quiet_for(AFTER_FIRST_STEP);
    let (before, cpu) = (board.written(), process::cpu(board.pid()));
    std::thread::sleep(IDLE);
    let (after, used) = (board.written(), process::cpu(board.pid()) - cpu);
    if after > before {
        println!("written while idle: {:?}", String::from_utf8_lossy(&board.bytes()[before..after]));
    }
    table.row("idle for 10 s: bytes", Unit::Bytes, 0.0, &[(after - before) as f64]);
    table.row("idle for 10 s: processor time", Unit::Milliseconds, 20.0, &[used.as_secs_f64() * 1e3]);
    let memory = process::memory(board.pid());
    table.row("memory in use", Unit::Megabytes, 30.0, &[memory.resident_mb]);
    table.note(format!(
        "of the memory in use {:.1} MB are its own, the rest is the program's file; at its most it was {:.1} MB; threads: {}",
        memory.own_mb, memory.peak_mb, memory.threads
    ));
    board.quit();
}

/// The large board of the fixtures, painted into a buffer of 200x50.
fn drawing(table: &mut Table) {
    use kanado::tui::{fixture, screen};
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    let mut model = fixture::large_board(10_000);
    (model.width, model.height) = (200, 50);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 50));
    let times: Vec<f64> = (0..200)
        .map(|_| {
            buffer.reset();
            milliseconds(|| screen::draw(&model, &mut buffer))
        })
        .collect();
    table.row("a frame of a 200x50 board", Unit::Milliseconds, 1.0, &times);
}

fn specs(table: &mut Table) {
    use kanado::domain::spec::Spec;
    let text = data::spec_of(64 * 1024);
    let times: Vec<f64> = (0..200)
        .map(|_| {
            milliseconds(|| {
                let spec = Spec::parse(std::hint::black_box(&text));
                std::hint::black_box((spec.title().len(), spec.criteria().len(), spec.outline().len(), spec.toggle_criterion(3)));
            })
        })
        .collect();
    table.row("a spec of 64 KB parsed and rendered", Unit::Milliseconds, 1.0, &times);
}

fn milliseconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
