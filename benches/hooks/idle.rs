//! Ten thousand sockets that say nothing: what they cost, and that others are served meanwhile.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::Scene;
use crate::process;
use crate::support::load::Load;
use crate::support::team::Shares;
use crate::support::template::FIRST;
use crate::table::{Table, Unit};

const SOCKETS: usize = 10_000;

/// Lets this process, and those it starts, have so many files open. Answers how many it may.
fn allow_files(wanted: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls read or write one valid structure.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let raised = libc::rlimit { rlim_cur: wanted, rlim_max: limit.rlim_max.max(wanted) };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) != 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
    }
    limit.rlim_cur
}

/// Whether the other side has not closed it.
fn is_open(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

pub fn measure(table: &mut Table) {
    let allowed = allow_files(SOCKETS as u64 * 2 + 2_000);
    let sockets = SOCKETS.min(usize::try_from(allowed).unwrap_or(SOCKETS).saturating_sub(500));
    let scene = Scene::on(Shares::File);
    let receiver = scene.receiver();
    let load = |first: i64| {
        let load = Load::start(receiver.target(&scene.path, &scene.secret), scene.template.clone(), 4, first);
        load.wait_acknowledged(400);
        load.finish()
    };
    let alone = load(FIRST);
    let before = process::memory(receiver.pid());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let address = receiver.address;
    let begun = Instant::now();
    let held = runtime.block_on(async move {
        let mut held = Vec::with_capacity(sockets);
        for _ in 0..sockets {
            // One that is refused counts as well: it is the receiver's right to limit them.
            if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(address)).await {
                held.push(stream);
            }
        }
        held
    });
    let opened = begun.elapsed();
    let among = load(FIRST + 10_000_000);
    let during = process::memory(receiver.pid());
    let held_count = held.len();
    let still_open = held.iter().filter(|stream| is_open(stream)).count();
    runtime.block_on(async move { drop(held) });
    table.row(&format!("{held_count} silent sockets: memory of the receiver"), Unit::Megabytes, 64.0, &[during.resident_mb]);
    table.row(
        &format!("{held_count} silent sockets: others are acknowledged, the 99th of 100"),
        Unit::Milliseconds,
        50.0,
        &[among.percentile(0.99)],
    );
    table.note(format!(
        "{held_count} of {sockets} sockets opened in {:.1} s, {still_open} of them open in the end; memory {:.1} MB before, {:.1} MB with them; the 99th of 100 without them {:.1} ms",
        opened.as_secs_f64(),
        before.resident_mb,
        during.resident_mb,
        alone.percentile(0.99)
    ));
    assert_eq!(receiver.stop(), 0);
}
