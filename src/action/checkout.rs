//! Fetching a ticket's branch into the clone one stands in, and switching to it.
//!
//! Git does the work, with the person's own credentials and hooks; a dirty work tree is left as it is, in git's own words.

use std::path::Path;

use tokio::process::Command;

use super::error::{Error, Result};

/// Fetches `branch` from the remote and switches to it.
///
/// # Errors
/// Refused in git's own words when it can't fetch or switch; nothing is forced.
pub async fn switch(directory: &Path, remote: &str, branch: &str) -> Result<()> {
    let refspec = format!("+refs/heads/{branch}:refs/remotes/{remote}/{branch}");
    git(directory, &["fetch", "--quiet", remote, &refspec]).await?;
    let exists = git(directory, &["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")]).await.is_ok();
    if exists {
        git(directory, &["switch", "--quiet", branch]).await?;
        return git(directory, &["merge", "--quiet", "--ff-only", &format!("{remote}/{branch}")]).await.map(|_| ());
    }
    git(directory, &["switch", "--quiet", "--track", "-c", branch, &format!("{remote}/{branch}")]).await.map(|_| ())
}

async fn git(directory: &Path, arguments: &[&str]) -> Result<String> {
    let attempted = format!("git {}", arguments.first().copied().unwrap_or_default());
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        // Nothing may ask for a password under the screen.
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| Error::Local { attempted: format!("{attempted} in {}", directory.display()), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words: Vec<_> = words.lines().filter(|line| !line.trim().is_empty()).take(3).collect();
    Err(Error::refused(
        format!("{attempted} in {} failed: {}", directory.display(), words.join(" / ")),
        "the branch is on the remote; fetch and switch by hand",
    ))
}
