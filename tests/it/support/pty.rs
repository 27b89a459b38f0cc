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
            // Whoever runs the tests may stand in a clone; the person does not.
            if name == "HOME" {
                command.cwd(value);
            }
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

    /// Types a sequence byte by byte with a pause between, as a slow link delivers it. Answers the longest pause there really was: a
    /// busy machine oversleeps.
    pub fn send_slowly(&mut self, keys: &[u8], pause: Duration) -> Duration {
        let mut longest = Duration::ZERO;
        let mut last: Option<Instant> = None;
        for byte in keys {
            if last.is_some() {
                std::thread::sleep(pause);
            }
            self.writer.write_all(&[*byte]).unwrap();
            self.writer.flush().unwrap();
            let now = Instant::now();
            longest = longest.max(last.map_or(Duration::ZERO, |last| now - last));
            last = Some(now);
        }
        longest
    }

    /// Presses a key until the screen is as wanted, as a person does who sees that nothing happened: a question ignores keys that come
    /// too early.
    #[track_caller]
    pub fn press_until(&mut self, key: &str, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.send(key);
            if let Some(screen) = self.seen_within(Duration::from_millis(700), &wanted) {
                return screen;
            }
            assert!(Instant::now() < deadline, "pressed {key:?} in vain for {what}; the screen shows\n{}", self.screen());
        }
    }

    /// Says yes to the question that is on the screen.
    #[track_caller]
    pub fn yes_until(&mut self, text: &str) -> String {
        self.press_until("y", &format!("{text:?}"), |screen| screen.contains(text))
    }

    fn seen_within(&self, time: Duration, wanted: &impl Fn(&str) -> bool) -> Option<String> {
        let deadline = Instant::now() + time;
        let (lock, changed) = &*self.seen;
        let mut seen = lock.lock().unwrap();
        loop {
            let screen = seen.parser.screen().contents();
            if wanted(&screen) {
                return Some(screen);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || seen.closed {
                return None;
            }
            seen = changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until nothing was written for so long.
    #[track_caller]
    pub fn wait_quiet(&self, time: Duration) {
        let deadline = Instant::now() + PATIENCE;
        let (lock, changed) = &*self.seen;
        let mut seen = lock.lock().unwrap();
        loop {
            let before = seen.bytes.len();
            let until = Instant::now() + time;
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() || seen.bytes.len() != before {
                    break;
                }
                seen = changed.wait_timeout(seen, left).unwrap().0;
            }
            if seen.bytes.len() == before {
                return;
            }
            assert!(Instant::now() < deadline, "the screen never rested; it shows\n{}", seen.parser.screen().contents());
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

    /// The terminal is as a shell wants it: its own screen, a cursor that shows, lines that are edited and echoed.
    #[track_caller]
    pub fn assert_restored(&self) {
        let seen = self.seen.0.lock().unwrap();
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was left");
        assert!(!screen.hide_cursor(), "the cursor shows");
        assert!(!screen.bracketed_paste(), "pastes come plain");
        let bytes = String::from_utf8_lossy(&seen.bytes);
        let last = |on: &str, off: &str| bytes.rfind(off) > bytes.rfind(on);
        assert!(last("\x1b[?1004h", "\x1b[?1004l"), "focus is not reported any more");
        drop(seen);
        #[cfg(unix)]
        {
            let fd = self.master.as_raw_fd().expect("the terminal's other end is open");
            // SAFETY: an all-zero termios is a valid value, and `tcgetattr` fills it.
            let mut mode: libc::termios = unsafe { std::mem::zeroed() };
            // SAFETY: the descriptor is open as long as `self`.
            assert_eq!(unsafe { libc::tcgetattr(fd, &raw mut mode) }, 0);
            assert_eq!(mode.c_lflag & (libc::ICANON | libc::ECHO), libc::ICANON | libc::ECHO, "raw mode is off");
        }
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

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Types, unless the program has just gone.
    pub fn send_if_open(&mut self, keys: &str) {
        let _ = self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush());
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

/// The binary on a line that can drop: nobody but this holds the terminal's other end.
#[cfg(unix)]
pub struct Line {
    master: Option<std::fs::File>,
    child: std::process::Child,
    parser: vt100::Parser,
}

#[cfg(unix)]
impl Line {
    pub fn start(rows: u16, columns: u16, environment: &[(String, String)]) -> Self {
        use std::os::fd::FromRawFd;
        use std::os::unix::process::CommandExt;
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let (mut master, mut slave) = (0, 0);
        // SAFETY: both descriptors are written by `openpty`; name and termios may be null.
        let made = unsafe {
            libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), std::ptr::null_mut(), &raw const size as *mut _)
        };
        assert_eq!(made, 0);
        // SAFETY: the descriptors are new, and owned by these files from here on. The child must not inherit the master, or the line would
        // never drop.
        let (master, slave) = unsafe {
            libc::fcntl(master, libc::F_SETFD, libc::FD_CLOEXEC);
            (std::fs::File::from_raw_fd(master), std::fs::File::from_raw_fd(slave))
        };
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kanado"));
        command.env_clear().env("TERM", "xterm-256color").env("LANG", "C.UTF-8").env("PATH", std::env::var("PATH").unwrap_or_default());
        command.envs(environment.iter().cloned());
        let clone = || std::process::Stdio::from(slave.try_clone().unwrap());
        command.stdin(clone()).stdout(clone()).stderr(clone());
        // SAFETY: only calls that may be made between fork and exec.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        Self { master: Some(master), child, parser: vt100::Parser::new(cells(rows), cells(columns), 0) }
    }

    pub fn send(&mut self, keys: &str) {
        self.master.as_mut().expect("the line is there").write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until the screen shows the text.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.parser.screen().contents().contains(text) {
            assert!(Instant::now() < deadline, "waited for {text:?}; the screen shows\n{}", self.parser.screen().contents());
            let master = self.master.as_mut().expect("the line is there");
            let mut poll = libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(master), events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid pollfd.
            if unsafe { libc::poll(&raw mut poll, 1, 100) } > 0 {
                let mut buffer = [0; 8192];
                let count = master.read(&mut buffer).unwrap();
                self.parser.process(&buffer[..count]);
            }
        }
    }

    /// The line drops; waits until the program has ended by itself.
    #[track_caller]
    pub fn drop_line(&mut self) {
        self.master = None;
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the program did not notice that its line is gone");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(unix)]
impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
