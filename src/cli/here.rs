//! Where a command was started: the clone, its remote, its branch. Reads the repository's files only; asks nobody.

use std::path::{Path, PathBuf};

use crate::ado::Address;
use crate::domain::branch;
use crate::domain::id::TicketKey;

/// The clone somebody stands in.
#[derive(Debug, Clone)]
pub struct Clone {
    pub root: PathBuf,
    /// The remote that leads to Azure DevOps: the branch's own, else `origin`, else the only one that does.
    pub remote: Option<(String, Address)>,
    /// Without `refs/heads/`; absent while no branch is checked out.
    pub branch: Option<String>,
}

impl Clone {
    /// The clone that `directory` is in, if it is in one that can be read.
    pub fn around(directory: &Path) -> Option<Self> {
        let repository = git2::Repository::discover(directory).ok()?;
        let root = repository.workdir().unwrap_or(repository.path()).to_owned();
        // A branch without a commit yet has a name too.
        let head = repository.find_reference("HEAD").ok()?;
        let branch = head.symbolic_target().ok().flatten().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned);
        Some(Self { root, remote: remote(&repository, branch.as_deref()), branch })
    }

    /// The ticket that the branch names.
    pub fn ticket(&self) -> Option<TicketKey> {
        branch::find_key(self.branch.as_deref()?)
    }
}

fn remote(repository: &git2::Repository, branch: Option<&str>) -> Option<(String, Address)> {
    let address = |name: &str| {
        let remote = repository.find_remote(name).ok()?;
        let url = remote.url().ok()?;
        Some((name.to_owned(), Address::parse(url).ok()?))
    };
    let of_branch = branch.and_then(|branch| {
        let name = repository.branch_upstream_remote(&format!("refs/heads/{branch}")).ok()?;
        name.as_str().ok().map(str::to_owned)
    });
    if let Some(found) = of_branch.as_deref().and_then(address).or_else(|| address("origin")) {
        return Some(found);
    }
    let names = repository.remotes().ok()?;
    let mut found = names.iter().filter_map(|name| address(name.ok().flatten()?));
    let first = found.next()?;
    // Two remotes that lead to Azure DevOps are a question for a person.
    if found.next().is_some() { None } else { Some(first) }
}
