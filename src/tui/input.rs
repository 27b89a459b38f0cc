//! Keys from the terminal, as events.
//!
//! On Unix the bytes are read and parsed here, because a library that turns a lone escape byte into Esc at once tears arrow keys apart
//! on a slow line. Elsewhere, and where the terminal cannot be waited for that way, crossterm's events are used.

use std::io;

use crossterm::event::{Event as Outside, KeyCode, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use futures_util::StreamExt;

use super::event::{Direction, What};
use super::input_parser::Parser;
use super::key::{Code, Key};

/// Where events come from. Nothing is read while nobody asks, so that an editor or a shell can have the terminal.
pub enum Input {
    #[cfg(unix)]
    Bytes(bytes::Bytes),
    Stream(Box<crossterm::event::EventStream>),
}

impl Input {
    /// The terminal must be entered before.
    pub fn open() -> io::Result<Self> {
        #[cfg(unix)]
        if let Ok(bytes) = bytes::Bytes::open() {
            return Ok(Self::Bytes(bytes));
        }
        Ok(Self::Stream(Box::default()))
    }

    /// Waits for what a person does next. Safe to drop half way: nothing read is lost. An error means that the terminal is gone.
    pub async fn next(&mut self) -> io::Result<Vec<What>> {
        match self {
            #[cfg(unix)]
            Self::Bytes(bytes) => bytes.next().await,
            Self::Stream(stream) => match stream.next().await {
                Some(Ok(event)) => Ok(translated(event).into_iter().collect()),
                Some(Err(error)) => Err(error),
                None => Err(io::ErrorKind::UnexpectedEof.into()),
            },
        }
    }
}

#[cfg(unix)]
mod bytes {
    //! The terminal as a file of bytes that can be waited for.

    use std::fs::File;
    use std::future::pending;
    use std::io::{self, Read};
    use std::os::unix::fs::OpenOptionsExt;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::time::{Instant, sleep_until};

    use super::{Parser, What};

    pub struct Bytes {
        file: AsyncFd<File>,
        parser: Parser,
        /// When what is there is taken as it is.
        deadline: Option<Instant>,
    }

    impl Bytes {
        /// Opens the terminal anew: switching the shared standard input to non-blocking would do it to every program that shares it.
        pub fn open() -> io::Result<Self> {
            let named = std::fs::read_link("/proc/self/fd/0").ok().filter(|path| path.starts_with("/dev/"));
            let mut options = File::options();
            options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
            let file = match named.map(|path| options.open(path)) {
                Some(Ok(file)) => file,
                _ => options.open("/dev/tty")?,
            };
            Self::of(file)
        }

        /// Of a terminal that is open, and does not block.
        fn of(file: File) -> io::Result<Self> {
            // SAFETY: a `File` has one descriptor, its own, for as long as it lives, and the registration owns the file.
            let file = unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) }?;
            Ok(Self { file, parser: Parser::default(), deadline: None })
        }

        pub async fn next(&mut self) -> io::Result<Vec<What>> {
            loop {
                let deadline = self.deadline;
                let time_is_over = async {
                    match deadline {
                        Some(at) => sleep_until(at).await,
                        None => pending().await,
                    }
                };
                let ready = tokio::select! {
                    biased;
                    ready = self.file.readable_mut() => Some(ready?),
                    () = time_is_over => None,
                };
                let mut buffer = [0; 4_096];
                let read = match ready {
                    Some(mut ready) => match ready.try_io(|file| file.get_mut().read(&mut buffer)) {
                        Ok(read) => read,
                        // Not readable after all.
                        Err(_) => continue,
                    },
                    // On a busy machine it is the one who looks that is late: what lies there by now came in time.
                    None => self.file.get_mut().read(&mut buffer),
                };
                match read {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => {
                        let events = self.parser.feed(&buffer[..count]);
                        self.deadline = self.parser.patience().map(|patience| Instant::now() + patience);
                        if !events.is_empty() {
                            return Ok(events);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.deadline = None;
                        return Ok(self.parser.flush());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::io::Write;
        use std::os::fd::OwnedFd;
        use std::os::unix::net::UnixStream;
        use std::time::Duration;

        use super::super::super::key::{Code, Key};
        use super::*;

        /// Somebody who types, and where that arrives.
        fn typist() -> (UnixStream, Bytes) {
            let (typist, terminal) = UnixStream::pair().unwrap();
            terminal.set_nonblocking(true).unwrap();
            (typist, Bytes::of(File::from(OwnedFd::from(terminal))).unwrap())
        }

        fn key(code: Code) -> Vec<What> {
            vec![What::Key(Key::new(code))]
        }

        #[tokio::test]
        async fn what_lies_there_when_somebody_looks_at_last_came_in_time() {
            let (mut typist, mut bytes) = typist();
            assert!(bytes.parser.feed(b"\x1b").is_empty());
            // Nobody had the time to look until long after the wait was over.
            bytes.deadline = Instant::now().checked_sub(Duration::from_secs(1));
            typist.write_all(b"[B").unwrap();
            assert_eq!(bytes.next().await.unwrap(), key(Code::Down));
        }

        #[tokio::test]
        async fn a_lone_escape_is_esc_and_what_ends_the_terminal_is_an_error() {
            let (mut typist, mut bytes) = typist();
            typist.write_all(b"\x1b").unwrap();
            assert_eq!(bytes.next().await.unwrap(), key(Code::Esc));
            drop(typist);
            assert!(bytes.next().await.is_err());
        }
    }
}

/// An event of crossterm in our words.
fn translated(event: Outside) -> Option<What> {
    Some(match event {
        Outside::Key(key) if key.kind != KeyEventKind::Release => {
            let code = match key.code {
                KeyCode::Char(c) => Code::Char(c),
                KeyCode::Enter => Code::Enter,
                KeyCode::Esc => Code::Esc,
                KeyCode::Tab | KeyCode::BackTab => Code::Tab,
                KeyCode::Backspace => Code::Backspace,
                KeyCode::Delete => Code::Delete,
                KeyCode::Insert => Code::Insert,
                KeyCode::Up => Code::Up,
                KeyCode::Down => Code::Down,
                KeyCode::Left => Code::Left,
                KeyCode::Right => Code::Right,
                KeyCode::Home => Code::Home,
                KeyCode::End => Code::End,
                KeyCode::PageUp => Code::PageUp,
                KeyCode::PageDown => Code::PageDown,
                KeyCode::F(n) => Code::F(n),
                _ => return None,
            };
            let typed = matches!(code, Code::Char(_));
            What::Key(Key {
                code,
                ctrl: key.modifiers.contains(KeyModifiers::CONTROL),
                alt: key.modifiers.contains(KeyModifiers::ALT),
                shift: !typed && (key.modifiers.contains(KeyModifiers::SHIFT) || key.code == KeyCode::BackTab),
            })
        }
        Outside::Paste(text) => What::Paste(text),
        Outside::Resize(width, height) => What::Resize { width, height },
        Outside::FocusGained => What::FocusGained,
        Outside::FocusLost => What::FocusLost,
        Outside::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => What::Wheel(Direction::Up),
            MouseEventKind::ScrollDown => What::Wheel(Direction::Down),
            MouseEventKind::Down(MouseButton::Left) => What::Click { x: mouse.column, y: mouse.row },
            _ => return None,
        },
        Outside::Key(_) => return None,
    })
}
