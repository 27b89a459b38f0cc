//! The terminal without echo, from before a person is asked until the answer is there: who types or pastes the moment the question
//! appears is not shown either.
//!
//! Limits: does nothing where there is no terminal, and outside Unix.

/// Echo is off for as long as this lives.
pub(super) struct Silence {
    #[cfg(unix)]
    was: Option<(std::fs::File, libc::termios)>,
}

impl Silence {
    #[cfg(unix)]
    pub fn begin() -> Self {
        use std::os::fd::AsRawFd as _;

        let silenced = || {
            let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty").ok()?;
            // SAFETY: a termios is plain integers, for which zeros are values; it is filled in for a descriptor that is open.
            let mut settings: libc::termios = unsafe { std::mem::zeroed() };
            // SAFETY: as above.
            if unsafe { libc::tcgetattr(terminal.as_raw_fd(), &raw mut settings) } != 0 {
                return None;
            }
            let was = settings;
            settings.c_lflag &= !libc::ECHO;
            // SAFETY: the descriptor is open, the settings are those that were read.
            unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, &raw const settings) };
            Some((terminal, was))
        };
        Self { was: silenced() }
    }

    #[cfg(not(unix))]
    pub fn begin() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for Silence {
    fn drop(&mut self) {
        use std::os::fd::AsRawFd as _;

        if let Some((terminal, was)) = &self.was {
            // SAFETY: the descriptor is open as long as this lives, the settings are those that it had.
            unsafe { libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, was) };
        }
    }
}
