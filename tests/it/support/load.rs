//! A lean client that posts deliveries over many kept-alive connections and remembers which were acknowledged.
//!
//! A notification that got no 2xx is sent again until it does, as Azure DevOps does for a while, so a kept one whose answer was lost
//! arrives twice. Latency is from the first byte sent to the last byte of the answer, of answered requests.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use base64::Engine as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::template::{FIRST, Template};

/// The value of an `Authorization` header.
pub fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{secret}")))
}

/// Where deliveries go.
#[derive(Debug, Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub path: String,
    pub authorization: String,
}

#[derive(Debug, Default)]
struct Count {
    acknowledged: AtomicU64,
    sent_again: AtomicU64,
    broken: AtomicU64,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Sample {
    /// Notifications answered with a 2xx.
    pub acknowledged: Vec<i64>,
    pub micros: Vec<u32>,
    /// Requests by status.
    pub answers: BTreeMap<u16, u64>,
    pub sent_again: u64,
    /// Requests without a whole answer.
    pub broken: u64,
    pub took: Duration,
}

impl Sample {
    pub fn per_second(&self) -> f64 {
        self.acknowledged.len() as f64 / self.took.as_secs_f64()
    }

    /// A latency in milliseconds below which this share of the answers came.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1e3)
    }
}

/// Load that runs in a thread of its own until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    count: Arc<Count>,
    started: Instant,
    thread: JoinHandle<Sample>,
}

impl Load {
    /// Begins with this notification. A connection that has nobody to talk to tries again until it has.
    pub fn start(target: Target, template: Template, connections: usize, first: i64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let count = Arc::new(Count::default());
        let (stops, counts) = (stop.clone(), count.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(target, template, connections, first, stops, counts))
        });
        Self { stop, count, started: Instant::now(), thread }
    }

    pub fn acknowledged(&self) -> u64 {
        self.count.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until so many were acknowledged.
    #[track_caller]
    pub fn wait_acknowledged(&self, wanted: u64) {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.acknowledged() < wanted {
            assert!(Instant::now() < deadline, "{} of {wanted} were acknowledged", self.acknowledged());
            assert!(!self.thread.is_finished(), "the load ended by itself");
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Lets every connection get its last notification through, and ends.
    pub fn finish(self) -> Sample {
        self.stop.store(true, Ordering::Relaxed);
        let took = self.started.elapsed();
        let mut sample = self.thread.join().expect("the load does not panic");
        sample.sent_again = self.count.sent_again.load(Ordering::Relaxed);
        sample.broken = self.count.broken.load(Ordering::Relaxed);
        sample.took = took;
        sample
    }
}

async fn run(target: Target, template: Template, connections: usize, first: i64, stop: Arc<AtomicBool>, count: Arc<Count>) -> Sample {
    let next = Arc::new(AtomicI64::new(first.max(FIRST)));
    let sample = Arc::new(Mutex::new(Sample::default()));
    let tasks: Vec<_> = (0..connections)
        .map(|_| {
            let (target, template, stop, count) = (target.clone(), template.clone(), stop.clone(), count.clone());
            let (next, sample) = (next.clone(), sample.clone());
            tokio::spawn(async move {
                let own = connection(&target, &template, &next, &stop, &count).await;
                let mut all = sample.lock().expect("nobody panics with it");
                all.acknowledged.extend(own.acknowledged);
                all.micros.extend(own.micros);
                for (status, times) in own.answers {
                    *all.answers.entry(status).or_default() += times;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a connection does not panic");
    }
    std::mem::take(&mut *sample.lock().expect("nobody panics with it"))
}

async fn connection(target: &Target, template: &Template, next: &AtomicI64, stop: &AtomicBool, count: &Count) -> Sample {
    let mut own = Sample::default();
    let head = head(target, template.len());
    let mut wire = Wire::new(target.address);
    let mut request = Vec::with_capacity(head.len() + template.len());
    while !stop.load(Ordering::Relaxed) {
        let notification = next.fetch_add(1, Ordering::Relaxed);
        request.clear();
        request.extend_from_slice(head.as_bytes());
        template.write(notification, &mut request);
        // After the stop a notification without an answer is given up after a while: its receiver may be gone for good.
        let mut patience = 200;
        loop {
            let sent = Instant::now();
            match wire.exchange(&request).await {
                Some(status) => {
                    *own.answers.entry(status).or_default() += 1;
                    own.micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
                    if (200..300).contains(&status) {
                        own.acknowledged.push(notification);
                        count.acknowledged.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    if status != 503 {
                        break;
                    }
                }
                None => {
                    count.broken.fetch_add(1, Ordering::Relaxed);
                }
            }
            if stop.load(Ordering::Relaxed) {
                patience -= 1;
                if patience == 0 {
                    break;
                }
            }
            count.sent_again.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    own
}

pub fn head(target: &Target, length: usize) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/json; charset=utf-8\r\n\
         User-Agent: VSServices/19.225 (load)\r\nContent-Length: {length}\r\n\r\n",
        target.path, target.address, target.authorization
    )
}

/// One kept-alive connection.
pub struct Wire {
    address: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Wire {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request and reads its whole answer; answers the status, or nothing where there is no whole answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Option<u16> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            self.stream = Some(stream);
        }
        let answer = self.try_exchange(request).await;
        if !matches!(answer, Some((_, Keeps::Open))) {
            self.stream = None;
        }
        answer.map(|(status, _)| status)
    }

    async fn try_exchange(&mut self, request: &[u8]) -> Option<(u16, Keeps)> {
        let stream = self.stream.as_mut()?;
        // A server that refuses from the head alone closes its side: its answer still counts.
        let _ = stream.write_all(request).await;
        self.buffer.clear();
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..end]).ok()?.to_ascii_lowercase();
        let status = head.get(9..12)?.parse().ok()?;
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length:")).map_or(Some(0), |n| n.trim().parse().ok())?;
        let keeps = if head.contains("connection: close") { Keeps::Closed } else { Keeps::Open };
        while self.buffer.len() < end + length {
            if stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
        Some((status, keeps))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Open,
    Closed,
}
