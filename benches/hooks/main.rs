//! The figures of the webhook receiver, measured on whole processes: `cargo bench --bench hooks`. Fails when one is missed.
//!
//! One part alone: `cargo bench --bench hooks -- PART`, of `accepts`, `memory`, `idle`, `timing`, `repaint`, `kill [ROUNDS]`. The client
//! and the receiver share the machine's processors; the simulator is another process. PostgreSQL is measured where one is at hand. A busy
//! machine makes every figure worse: measure on an idle one. Linux only: memory comes from `/proc`.

#[path = "../figures/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../../tests/it/support/mod.rs"]
mod support;
#[path = "../figures/table.rs"]
#[allow(dead_code)]
mod table;
#[path = "../figures/terminal.rs"]
#[allow(dead_code)]
mod terminal;

mod accepts;
mod idle;
mod kill;
mod memory;
mod repaint;
mod timing;

use table::Table;

fn main() {
    if !cfg!(target_os = "linux") {
        println!("not measured: memory is read from /proc, which only Linux has");
        return;
    }
    // Cargo itself says `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let mut table = Table::default();
    match words.first().map(String::as_str) {
        None => {
            accepts::measure(&mut table);
            memory::measure(&mut table);
            idle::measure(&mut table);
            timing::measure(&mut table);
            repaint::measure(&mut table);
            kill::measure(&mut table, 200);
        }
        Some("accepts") => accepts::measure(&mut table),
        Some("memory") => memory::measure(&mut table),
        Some("idle") => idle::measure(&mut table),
        Some("timing") => timing::measure(&mut table),
        Some("repaint") => repaint::measure(&mut table),
        Some("kill") => kill::measure(&mut table, words.get(1).and_then(|count| count.parse().ok()).unwrap_or(200)),
        Some(other) => {
            eprintln!("there is no part {other}: accepts, memory, idle, timing, repaint, kill [ROUNDS]");
            std::process::exit(2);
        }
    }
    table.print();
    if table.missed() {
        std::process::exit(1);
    }
}

/// A team of this kind with one ticket under review, a body about it, and the secret that opens its door.
pub struct Scene {
    pub team: support::team::Team,
    pub key: String,
    pub number: i64,
    pub path: String,
    pub secret: String,
    pub template: support::template::Template,
}

impl Scene {
    pub fn on(shares: support::team::Shares) -> Self {
        let team = support::team::Team::gather(shares);
        let (key, number) = team.reviewed("Warn of high tides");
        let about = team.about(&key, number);
        let secret = support::receiver::secret(&team.alice);
        let path = support::receiver::project_path(&about.project);
        let template = support::template::Template::updated(&about, support::template::USUAL);
        Self { team, key, number, path, secret, template }
    }

    pub fn receiver(&self) -> support::receiver::Receiver {
        self.team.serve.start(&self.team.alice)
    }
}
