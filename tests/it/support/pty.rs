//! The compiled binary in a pseudo-terminal: type at it, read its screen, keep every byte it wrote.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a screen may take to show what is waited for. Long, because the machine may be busy; a test never waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(30);

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    closed: bool,
}

/// A running program and its terminal.
pub struct Pty {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a screen has cells")
}

impl Pty {
    pub fn spawn(rows: u16, columns: u16, arguments: &[&str], environment: &[(String, String)]) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_kanado"));
        command.args(arguments);
        command.env_clear();
        command.env("TERM", "xterm-256color");
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("LANG", "C.UTF-8");
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new((
            Mutex::new(Seen { parser: vt100::Parser::new(cells(rows), cells(columns), 0), bytes: Vec::new(), closed: false }),
            Condvar::new(),
        ));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let sink = seen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut seen = sink.0.lock().unwrap();
                if count == 0 {
                    seen.closed = true;
                } else {
                    seen.bytes.extend_from_slice(&buffer[..count]);
                    seen.parser.process(&buffer[..count]);
                }
                let closed = seen.closed;
                drop(seen);
                sink.1.notify_all();
                if closed {
                    break;
                }
            }
        });
        Self { writer: pair.master.take_writer().unwrap(), master: pair.master, child, seen }
    }

    /// Types text or key sequences.
    pub fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Types a sequence byte by byte with a pause between, as a slow link delivers it.
    pub fn send_slowly(&mut self, keys: &[u8], pause: Duration) {
        for byte in keys {
            self.writer.write_all(&[*byte]).unwrap();
            self.writer.flush().unwrap();
            std::thread::sleep(pause);
        }
    }

    /// Pastes with brackets, as terminals do.
    pub fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.seen.0.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    pub fn screen(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// Every byte the program wrote.
    pub fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().bytes.clone()
    }

    pub fn alternate_screen(&self) -> bool {
        self.seen.0.lock().unwrap().parser.screen().alternate_screen()
    }

    /// Waits until the screen is as wanted, and answers it.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let (lock, changed) = &*self.seen;
        let mut seen = lock.lock().unwrap();
        loop {
            let screen = seen.parser.screen().contents();
            if wanted(&screen) {
                return screen;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.closed, "waited for {what}; closed: {}; the screen shows\n{screen}", seen.closed);
            seen = changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(&format!("{text:?}"), |screen| screen.contains(text))
    }

    #[track_caller]
    pub fn wait_gone(&self, text: &str) -> String {
        self.wait(&format!("{text:?} to go"), |screen| !screen.contains(text))
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a running child has an id")
    }

    /// Sends a signal by its number.
    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.pid()).unwrap();
        // SAFETY: `kill` takes plain integers.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0);
    }

    /// Waits until the program has ended and everything it wrote was read; answers its exit code.
    pub fn wait_exit(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the program did not end; the screen shows\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        };
        let (lock, changed) = &*self.seen;
        let mut seen = lock.lock().unwrap();
        while !seen.closed && Instant::now() < deadline {
            seen = changed.wait_timeout(seen, Duration::from_millis(100)).unwrap().0;
        }
        status.exit_code()
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
