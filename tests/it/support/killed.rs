//! What a process that was killed leaves behind in leases: its name.

use std::process::{Command, Stdio};

use kanado::action::holder;

/// The name of a process that ran until now, and was killed.
pub fn name() -> String {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let name = holder::name_of(child.id());
    assert!(!holder::is_gone(&name), "it runs: {name}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(holder::is_gone(&name), "{name}");
    name
}
