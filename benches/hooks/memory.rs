//! What a receiver needs at most: under bodies that are too large, endless, compressed or slow, and under ten times what it can take.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Scene;
use crate::process;
use crate::support::load::{Load, basic};
use crate::support::receiver::Receiver;
use crate::support::team::Shares;
use crate::support::template::FIRST;
use crate::table::{Table, Unit};

const MOST: f64 = 64.0;
const FLOOD: usize = 640;
const FLOOD_TIME: Duration = Duration::from_secs(60);

pub fn measure(table: &mut Table) {
    let scene = Scene::on(Shares::File);
    let receiver = scene.receiver();
    let load = |connections: usize, first: i64, time: Duration| {
        let load = Load::start(receiver.target(&scene.path, &scene.secret), scene.template.clone(), connections, first);
        std::thread::sleep(time);
        load.finish()
    };
    let usual = load(64, FIRST, Duration::from_secs(5));
    let begin = process::memory(receiver.pid());

    hostile(&receiver, &scene);
    let after_hostile = process::memory(receiver.pid());
    table.row("bodies too large, endless, compressed, slow: memory at its most", Unit::Megabytes, MOST, &[after_hostile.peak_mb]);

    let flood = load(FLOOD, FIRST + 10_000_000, FLOOD_TIME);
    let after_flood = process::memory(receiver.pid());
    table.row("a flood of ten times the usual load, 60 s: memory at its most", Unit::Megabytes, MOST, &[after_flood.peak_mb]);
    let others = flood.answers.keys().filter(|status| !matches!(status, 200..=299 | 503)).count();
    assert_eq!(others, 0, "{:?}", flood.answers);
    let after = load(64, FIRST + 20_000_000, Duration::from_secs(5));
    table.row("after the flood: until acknowledged, the 99th of 100", Unit::Milliseconds, 50.0, &[after.percentile(0.99)]);
    let end = process::memory(receiver.pid());
    table.note(format!(
        "memory: {:.1} MB after usual load, {:.1} MB after hostile bodies, {:.1} MB in the end ({:.1} MB its own)",
        begin.resident_mb, after_hostile.resident_mb, end.resident_mb, end.own_mb
    ));
    table.note(format!(
        "the flood: {:.0} acknowledged a second (usual: {:.0}), answers {:?}, the 99th of 100 {:.0} ms",
        flood.per_second(),
        usual.per_second(),
        flood.answers,
        flood.percentile(0.99)
    ));
    assert_eq!(receiver.stop(), 0);
}

/// What must not make it grow, all at once.
fn hostile(receiver: &Receiver, scene: &Scene) {
    let good = format!("Authorization: {}\r\n", basic("kanado", &scene.secret));
    let mut clients = Vec::new();
    for n in 0..16 {
        let (address, path, good) = (receiver.address, scene.path.clone(), good.clone());
        clients.push(std::thread::spawn(move || {
            let begin = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
            let head = match n % 8 {
                // Ten gigabytes announced, with no secret.
                0 => format!("{begin}Content-Length: 10000000000\r\n\r\n"),
                // Announced with a secret, and then sent for as long as it is taken.
                1 => format!("{begin}{good}Content-Length: 10000000000\r\n\r\n"),
                // In chunks without an end.
                2 => format!("{begin}{good}Transfer-Encoding: chunked\r\n\r\n"),
                // In chunks, with no secret.
                3 => format!("{begin}Transfer-Encoding: chunked\r\n\r\n"),
                // Said to be compressed.
                4 => format!("{begin}{good}Content-Encoding: gzip\r\nContent-Length: 4194304\r\n\r\n"),
                // A head that never ends.
                5 => format!("{begin}X-Filler: "),
                // One byte more than is taken, several times.
                6 => format!("{begin}{good}Content-Length: 4194305\r\n\r\n"),
                // Nothing at all after the head.
                _ => format!("{begin}{good}Content-Length: 4700\r\n\r\n"),
            };
            let piece: Vec<u8> = match n % 8 {
                2 | 3 => [b"10000\r\n".as_slice(), &[b'a'; 0x10000], b"\r\n"].concat(),
                7 => Vec::new(),
                _ => vec![b'a'; 0x10000],
            };
            for _ in 0..4 {
                let Ok(mut stream) = TcpStream::connect(address) else { continue };
                let _ = stream.set_write_timeout(Some(Duration::from_secs(2)));
                let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
                let until = Instant::now() + Duration::from_secs(4);
                let _ = stream.write_all(head.as_bytes());
                let mut sent = 0;
                while Instant::now() < until && sent < 64 << 20 && !piece.is_empty() && stream.write_all(&piece).is_ok() {
                    sent += piece.len();
                }
                let _ = stream.read(&mut [0; 256]);
            }
        }));
    }
    for client in clients {
        client.join().expect("a client does not panic");
    }
}
