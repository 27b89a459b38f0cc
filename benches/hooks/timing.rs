//! Whether the time of a refusal tells a project that is there from one that is not: Welch's t of interleaved samples.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Scene;
use crate::support::kill::Dice;
use crate::support::load::{Target, basic, head};
use crate::support::team::Shares;
use crate::table::{Table, Unit};

const SAMPLES: usize = 20_000;
/// Beyond this the two differ with near certainty.
const BAR: f64 = 4.5;

/// Seconds from the first byte sent to the end of the answer, which is the same for both.
fn refusal(address: SocketAddr, request: &[u8]) -> (f64, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("the receiver listens");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
    let mut answer = Vec::with_capacity(512);
    let begun = Instant::now();
    let _ = stream.write_all(request);
    let mut buffer = [0; 1024];
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => answer.extend_from_slice(&buffer[..count]),
            _ => break,
        }
    }
    (begun.elapsed().as_secs_f64(), answer)
}

/// Without the part that a busy machine adds: the slowest twentieth of each is left out.
fn cut(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values.truncate(values.len() * 19 / 20);
    values
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64)
}

fn welch(a: &[f64], b: &[f64]) -> f64 {
    let ((mean_a, variance_a), (mean_b, variance_b)) = (mean_and_variance(a), mean_and_variance(b));
    (mean_a - mean_b) / (variance_a / a.len() as f64 + variance_b / b.len() as f64).sqrt()
}

pub fn measure(table: &mut Table) {
    let scene = Scene::on(Shares::File);
    let receiver = scene.receiver();
    let wrong: String = scene.secret.chars().rev().collect();
    // Differs in its first character, and in its last: a comparison that stops early would take another time.
    let change = |at: usize| -> String {
        let mut secret: Vec<char> = scene.secret.chars().collect();
        secret[at] = if secret[at] == 'A' { 'B' } else { 'A' };
        secret.into_iter().collect()
    };
    let request = |path: &str, secret: &str| {
        let target = Target { address: receiver.address, path: path.to_owned(), authorization: basic("kanado", secret) };
        head(&target, 0).into_bytes()
    };
    let nobody = "/api/webhooks/ado/00000000-1111-4222-8333-444444444444";
    let pairs = [
        ("unknown project and wrong secret", request(nobody, &wrong), request(&scene.path, &wrong)),
        ("a secret wrong at its begin and at its end", request(&scene.path, &change(0)), request(&scene.path, &change(42))),
    ];
    let mut dice = Dice::new(7);
    for (what, first, second) in pairs {
        let (mut a, mut b) = (Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES));
        let mut answers = std::collections::BTreeSet::new();
        for turn in 0..SAMPLES * 2 {
            let is_first = (dice.below(2) == 0 && a.len() < SAMPLES) || b.len() >= SAMPLES;
            let (time, answer) = refusal(receiver.address, if is_first { &first } else { &second });
            if turn > 200 {
                if is_first { a.push(time) } else { b.push(time) }
            }
            let text = String::from_utf8_lossy(&answer).into_owned();
            answers.insert(text.lines().filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect::<Vec<_>>().join("\n"));
        }
        assert_eq!(answers.len(), 1, "the answers differ: {answers:?}");
        let (a, b) = (cut(a), cut(b));
        table.row(&format!("{what}: |t| of {} and {} times", a.len(), b.len()), Unit::Plain, BAR, &[welch(&a, &b).abs()]);
        table.note(format!("{what}: medians {:.1} and {:.1} us", a[a.len() / 2] * 1e6, b[b.len() / 2] * 1e6));
    }
    assert_eq!(receiver.stop(), 0);
}
