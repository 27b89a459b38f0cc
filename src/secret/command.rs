//! Running the command a person configured to print a token.
//!
//! Its output is never shown, not even on failure: it may hold the token. It gets no standard input, so it cannot wait for one.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::Error;

const LONGEST: u64 = 64 * 1024;

/// What `line` prints, at most 64 KiB.
pub(super) async fn run(setting: &'static str, line: &str, organisation_url: &str, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, Error> {
    let failed = |why: String| Error::Command { setting, why };
    let mut command = if cfg!(windows) { Command::new("cmd") } else { Command::new("/bin/sh") };
    command.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(line);
    command.env("KANADO_ORGANISATION_URL", organisation_url);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| failed(format!("could not be started: {error}")))?;
    let output = async {
        let mut output = Zeroizing::new(Vec::new());
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LONGEST).read_to_end(&mut output).await?;
        }
        Ok::<_, std::io::Error>((child.wait().await?, output))
    };
    match tokio::time::timeout(timeout, output).await {
        Err(_) => Err(failed(format!("did not finish within {} s", timeout.as_secs_f32()))),
        Ok(Err(error)) => Err(failed(format!("could not be read: {error}"))),
        Ok(Ok((status, _))) if !status.success() => Err(failed(match status.code() {
            Some(code) => format!("failed with exit code {code}"),
            None => "was ended by a signal".to_owned(),
        })),
        Ok(Ok((_, output))) => Ok(output),
    }
}
