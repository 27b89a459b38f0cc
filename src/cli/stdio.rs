//! The streams a command is handed, and writing to them: data to stdout, everything else to stderr, nothing ever panics on a closed pipe.

use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Write};
use std::path::PathBuf;

use serde::Serialize;
use serde_json::json;

use super::exit::{Exit, Failure};
use crate::config::Environment;
use crate::notice::{Notice, inert, inert_lines};

/// What a process has, as a value, so that tests can have their own.
pub struct Stdio {
    pub out: Box<dyn Write + Send>,
    pub err: Box<dyn Write + Send>,
    pub input: Box<dyn BufRead + Send>,
    pub stdin_is_terminal: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    pub environment: Environment,
    /// Where the command was started.
    pub directory: PathBuf,
    pub host: Host,
}

/// Whether what belongs to the whole process (the log, the panic hook) may be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    Process,
    /// One of several commands in one process.
    Test,
}

impl Stdio {
    pub fn of_process() -> Self {
        Self {
            out: Box::new(BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            input: Box::new(BufReader::new(io::stdin())),
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            environment: Environment::of_process(),
            directory: std::env::current_dir().unwrap_or_default(),
            host: Host::Process,
        }
    }
}

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Words,
    Json,
}

/// Writing, in the format asked for.
pub struct Output<'io> {
    pub stdio: &'io mut Stdio,
    pub format: Format,
}

impl Output<'_> {
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A line of data for people; nothing with `--json`. Made inert: it may name things from outside.
    pub fn say(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        if self.is_json() {
            return Ok(());
        }
        Ok(writeln!(self.stdio.out, "{}", inert_lines(line.as_ref()))?)
    }

    /// One JSON value on a line; nothing without `--json`.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        if !self.is_json() {
            return Ok(());
        }
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        Ok(writeln!(self.stdio.out, "{text}")?)
    }

    /// Bytes as they are, such as a spec: inert on a terminal, untouched into a file or pipe.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.stdio.stdout_is_terminal {
            return Ok(self.stdio.out.write_all(inert_lines(&String::from_utf8_lossy(bytes)).as_bytes())?);
        }
        Ok(self.stdio.out.write_all(bytes)?)
    }

    /// A line about what happens, on stderr; nothing with `--json`.
    pub fn note(&mut self, line: impl AsRef<str>) {
        if !self.is_json() {
            self.stderr_line(&inert_lines(line.as_ref()));
        }
    }

    fn stderr_line(&mut self, line: &str) {
        // Where both streams are one terminal or file, lines stand in the order they were written.
        let _ = self.stdio.out.flush();
        // Nobody can be told that stderr is gone.
        let _ = writeln!(self.stdio.err, "{line}");
    }

    /// Something to know besides; `{"warning": {...}}` with `--json`.
    pub fn warn(&mut self, notice: &Notice) {
        if self.is_json() {
            let warning = json!({ "warning": { "message": inert(&notice.text), "hint": notice.hint.as_deref().map(inert) } });
            self.stderr_line(&warning.to_string());
        } else {
            self.note(format!("warning: {notice}"));
        }
    }

    /// Everything written so far reaches its reader.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.stdio.out.flush()?;
        let _ = self.stdio.err.flush();
        Ok(())
    }

    /// The final words of a command that failed; answers its exit code.
    pub fn fail(&mut self, failure: &Failure) -> Exit {
        let Failure::Stopped { exit, code, notice } = failure else { return Exit::Done };
        if self.is_json() {
            self.stderr_line(&Failure::json(code, notice, *exit).to_string());
        } else {
            self.note(format!("error: {notice}"));
        }
        *exit
    }
}
