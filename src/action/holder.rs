//! Who holds a lease: a name that nobody else has, and that says which process it is of, so that what was left behind by one that
//! was killed can be taken over at once.
//!
//! Limits: a process is looked for only on its own machine since that was started, among the processes that this one can see (a container
//! sees its own), and only on Linux. Of all others nothing is known: their leases run out by themselves.

use std::fmt;
use std::time::Duration;

/// How often a process is looked for while somebody waits for it.
const LOOK: Duration = Duration::from_millis(500);

/// The process behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    id: u32,
    /// When it was started, in ticks since the machine was: process ids come again.
    start: u64,
    /// The machine since it was started, and the processes that see each other.
    place: String,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}@{}", self.id, self.start, self.place)
    }
}

impl Process {
    fn of(id: u32) -> Option<Self> {
        Some(Self { id, start: stat(id)?.start, place: place()? })
    }

    fn read(name: &str) -> Option<Self> {
        let (process, place) = name.split_once('/')?.1.split_once('@')?;
        let (id, start) = process.split_once('.')?;
        Some(Self { id: id.parse().ok()?, start: start.parse().ok()?, place: place.to_owned() })
    }

    /// Whether it certainly runs no more.
    fn is_gone(&self) -> bool {
        if place().as_ref() != Some(&self.place) {
            return false;
        }
        match is_there(self.id) {
            Some(false) => true,
            // One that may not be looked at may be the one.
            Some(true) => stat(self.id).is_some_and(|stat| stat.start != self.start || stat.is_over),
            None => false,
        }
    }
}

/// A name that nobody else has, of this process.
pub fn name() -> String {
    name_of(std::process::id())
}

/// As [`name`], of a process that runs on this machine.
pub fn name_of(id: u32) -> String {
    let random = getrandom::u64().unwrap_or_default();
    match Process::of(id) {
        Some(process) => format!("{random:016x}/{process}"),
        None => format!("{random:016x}-{id}"),
    }
}

/// Whether the holder of that name was a process of this machine that is gone.
pub fn is_gone(name: &str) -> bool {
    Process::read(name).is_some_and(|process| process.is_gone())
}

/// Waits until the holder is found to be gone; for ever where that can't be found out.
pub async fn gone(name: &str) {
    if Process::read(name).is_none() {
        return std::future::pending().await;
    }
    // Processes end by the time of the machine, whatever clock the work goes by.
    while !is_gone(name) {
        tokio::time::sleep(LOOK).await;
    }
}

/// The holder, for a person: which process, where it is one of this machine.
pub fn words(name: &str) -> String {
    match Process::read(name).filter(|process| place().as_ref() == Some(&process.place)) {
        Some(process) if process.id == std::process::id() => "this process".to_owned(),
        Some(process) => format!("process {}", process.id),
        None => "another process".to_owned(),
    }
}

/// What the system tells of a process.
struct Stat {
    start: u64,
    /// It has ended, and nobody has asked yet how.
    is_over: bool,
}

#[cfg(target_os = "linux")]
fn stat(id: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program stands in brackets, and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    let is_over = matches!(fields.next()?, "Z" | "X" | "x");
    Some(Stat { start: fields.nth(18)?.parse().ok()?, is_over })
}

#[cfg(not(target_os = "linux"))]
fn stat(_id: u32) -> Option<Stat> {
    None
}

/// Whether there is a process of that number, also one that may not be looked at; nothing where that cannot be asked.
#[cfg(target_os = "linux")]
fn is_there(id: u32) -> Option<bool> {
    let id = i32::try_from(id).ok().filter(|id| *id > 0)?;
    // SAFETY: plain integers; signal 0 is sent to nobody.
    let answer = unsafe { libc::kill(id, 0) };
    Some(answer == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH))
}

#[cfg(not(target_os = "linux"))]
fn is_there(_id: u32) -> Option<bool> {
    None
}

#[cfg(target_os = "linux")]
fn place() -> Option<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    let number: String = namespace.to_str()?.chars().filter(char::is_ascii_digit).collect();
    Some(format!("{}.{number}", boot.trim()))
}

#[cfg(not(target_os = "linux"))]
fn place() -> Option<String> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn named(process: &Process) -> String {
        format!("00/{process}")
    }

    #[test]
    fn this_process_is_there_and_its_names_differ() {
        let (one, other) = (name(), name());
        assert_ne!(one, other);
        assert!(!is_gone(&one), "{one}");
        assert_eq!(words(&one), "this process");
    }

    #[test]
    fn a_process_that_was_killed_is_gone_also_before_its_parent_knows() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let process = Process::of(child.id()).unwrap();
        let name = named(&process);
        assert_eq!(Process::read(&name).as_ref(), Some(&process));
        assert!(!is_gone(&name));
        assert_eq!(words(&name), format!("process {}", child.id()));
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !is_gone(&name) {
            assert!(std::time::Instant::now() < deadline, "{name}");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(is_gone(&name));
    }

    #[test]
    fn another_process_of_the_same_number_is_not_the_one_that_was_meant() {
        let me = Process::of(std::process::id()).unwrap();
        assert!(is_gone(&named(&Process { start: me.start + 1, ..me.clone() })));
        assert!(!is_gone(&named(&me)));
    }

    #[test]
    fn of_another_machine_and_of_an_unknown_name_nothing_is_known() {
        let me = Process::of(std::process::id()).unwrap();
        let elsewhere = named(&Process { id: 4_000_000, place: "elsewhere.1".to_owned(), ..me });
        for name in [elsewhere.as_str(), "4000000-00ff", "", "00/1.x@y", "4000000"] {
            assert!(!is_gone(name), "{name}");
            assert_eq!(words(name), "another process");
        }
    }
}
