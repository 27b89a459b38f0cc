//! The log: one file a day in the state folder, a few of them kept; on stderr for a process that somebody else looks after.
//!
//! `RUST_LOG` is honoured for kanado's own lines. The libraries that speak HTTP and TLS never get below `info`: below it they would
//! write headers and bodies. Whatever is written passes [`redact`] as well.

use std::io::{self, Write};
use std::path::Path;

use tracing::Level as TracingLevel;
use tracing_appender::rolling::{RollingFileAppender, RollingWriter, Rotation};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, filter};

use super::stdio::Format;
use crate::config::{Config, Environment, Level};
use crate::notice::{Notice, inert_lines};
use crate::secret::redact;

/// Where the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    File,
    /// As lines of JSON where everything is: `{"log": "..."}`.
    Stderr,
}

/// Begins logging. What stands in the way is a notice: no command fails for want of a log.
pub fn start(config: &Config, environment: &Environment, place: Place, format: Format) -> Option<Notice> {
    let wanted = environment.get("RUST_LOG");
    if wanted.is_none() && config.log.level == Level::Off {
        return None;
    }
    if place == Place::Stderr {
        begin(config, wanted, OnStderr(format));
        return None;
    }
    let folder = config.paths.log_dir();
    let failed = |why: String| Some(Notice::new(format!("no log is written: {why}")));
    if let Err(error) = private_folder(&folder) {
        return failed(format!("{}: {error}", folder.display()));
    }
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("kanado")
        .filename_suffix("log")
        .max_log_files(config.log.max_files)
        .build(&folder);
    let appender = match appender {
        Ok(appender) => appender,
        Err(error) => return failed(error.to_string()),
    };
    begin(config, wanted, Redacting(appender));
    None
}

fn begin<W: for<'a> MakeWriter<'a> + Send + Sync + 'static>(config: &Config, wanted: Option<&str>, writer: W) {
    let own = format!("warn,kanado={}", config.log.level.word());
    let filter = EnvFilter::try_new(wanted.unwrap_or(&own)).unwrap_or_else(|_| EnvFilter::new(&own));
    let quiet = filter::filter_fn(|line| is_ours(line.target()) || *line.level() <= TracingLevel::INFO);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry().with(filter).with(quiet).with(lines).try_init();
}

/// Request paths name projects and repositories: nobody else's business.
fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn is_ours(target: &str) -> bool {
    target == "kanado" || target.starts_with("kanado::")
}

struct Redacting(RollingFileAppender);

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.0.make_writer())
    }
}

struct Line<'a>(RollingWriter<'a>);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The formatter hands over whole lines, so no token is cut in two.
        self.0.write_all(redact(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

struct OnStderr(Format);

impl<'a> MakeWriter<'a> for OnStderr {
    type Writer = StderrLine;

    fn make_writer(&'a self) -> Self::Writer {
        StderrLine(self.0)
    }
}

struct StderrLine(Format);

impl Write for StderrLine {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = inert_lines(&redact(&String::from_utf8_lossy(bytes)));
        let line = match self.0 {
            Format::Words => text,
            Format::Json => format!("{}\n", serde_json::json!({ "log": text.trim_end() })),
        };
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
