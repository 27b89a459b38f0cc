//! The board in a pseudo-terminal, with the time at which each byte came.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

const PATIENCE: Duration = Duration::from_secs(30);
/// A burst is over when nothing came for this long.
const PAUSE: Duration = Duration::from_millis(40);

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    /// When the last bytes came.
    last: Instant,
    closed: bool,
}

pub struct Terminal {
    started: Instant,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
}

/// What a key did.
pub struct Moved {
    /// From the key to the last byte of what it changed.
    pub settled: Duration,
    pub bytes: usize,
}

impl Terminal {
    pub fn open(environment: &[(String, String)], rows: u16, columns: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kanado"));
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
            if name == "HOME" {
                command.cwd(value);
            }
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let cells = |count| NonZeroU16::new(count).expect("a screen has cells");
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        let started = Instant::now();
        let seen = Arc::new((Mutex::new(Seen { parser, bytes: Vec::new(), last: started, closed: false }), Condvar::new()));
        let child = pair.slave.spawn_command(command).expect("the board starts");
        drop(pair.slave);
        let (sink, answers) = (seen.clone(), writer.clone());
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let now = Instant::now();
                let mut seen = sink.0.lock().expect("no reader panics");
                seen.closed = count == 0;
                if count > 0 {
                    seen.last = now;
                    seen.bytes.extend_from_slice(&buffer[..count]);
                    seen.parser.process(&buffer[..count]);
                    answer(&buffer[..count], &answers);
                }
                let closed = seen.closed;
                drop(seen);
                sink.1.notify_all();
                if closed {
                    return;
                }
            }
        });
        Self { started, seen, writer, child, _master: pair.master }
    }

    /// Waits until the screen is as wanted; answers when, from the start, the bytes came that made it so.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Duration {
        self.when(what, wanted) - self.started
    }

    /// Waits until the screen is as wanted; answers when the bytes came that made it so.
    pub fn when(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Instant {
        let deadline = Instant::now() + PATIENCE;
        let (lock, changed) = &*self.seen;
        let mut seen = lock.lock().expect("no reader panics");
        loop {
            let screen = seen.parser.screen().contents();
            if wanted(&screen) {
                return seen.last;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.closed, "waited for {what}; the screen shows\n{screen}");
            seen = changed.wait_timeout(seen, left).expect("no reader panics").0;
        }
    }

    /// Waits until nothing came for this long.
    pub fn quiet_for(&self, quiet: Duration) {
        let deadline = Instant::now() + PATIENCE + quiet;
        loop {
            let since = self.seen.0.lock().expect("no reader panics").last.elapsed();
            if since >= quiet {
                return;
            }
            assert!(Instant::now() < deadline, "it never was quiet for {quiet:?}");
            std::thread::sleep(quiet - since);
        }
    }

    /// Presses a key and waits for the end of what it does.
    pub fn key(&self, key: &str) -> Moved {
        let before = self.written();
        let pressed = Instant::now();
        self.send(key);
        let (lock, changed) = &*self.seen;
        let mut seen = lock.lock().expect("no reader panics");
        while seen.bytes.len() == before {
            let left = PATIENCE.saturating_sub(pressed.elapsed());
            assert!(!left.is_zero() && !seen.closed, "{key} did nothing; the screen shows\n{}", seen.parser.screen().contents());
            seen = changed.wait_timeout(seen, left).expect("no reader panics").0;
        }
        drop(seen);
        self.quiet_for(PAUSE);
        let seen = lock.lock().expect("no reader panics");
        Moved { settled: seen.last - pressed, bytes: seen.bytes.len() - before }
    }

    pub fn screen(&self) -> String {
        self.seen.0.lock().expect("no reader panics").parser.screen().contents()
    }

    pub fn written(&self) -> usize {
        self.seen.0.lock().expect("no reader panics").bytes.len()
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().expect("no reader panics").bytes.clone()
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    pub fn quit(&mut self) {
        self.send("q");
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("a child can be waited for").is_none() {
            assert!(Instant::now() < deadline, "it did not quit");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn send(&self, keys: &str) {
        let mut writer = self.writer.lock().expect("no writer panics");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("the terminal is open");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What xterm says when it is asked something.
fn answer(bytes: &[u8], writer: &Mutex<Box<dyn Write + Send>>) {
    const QUESTIONS: [(&[u8], &[u8]); 5] = [
        (b"\x1b[6n", b"\x1b[1;1R"),
        (b"\x1b[c", b"\x1b[?62;22c"),
        (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\"),
        (b"\x1b[?u", b"\x1b[?0u"),
        (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    ];
    for (question, reply) in QUESTIONS {
        if bytes.windows(question.len()).any(|window| window == question) {
            let mut writer = writer.lock().expect("no writer panics");
            let _ = writer.write_all(reply).and_then(|()| writer.flush());
        }
    }
}
