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

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(remotes: &[(&str, &str)], branch: &str) -> (tempfile::TempDir, git2::Repository) {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init(folder.path()).unwrap();
        for (name, url) in remotes {
            repository.remote(name, url).unwrap();
        }
        repository.set_head(&format!("refs/heads/{branch}")).unwrap();
        (folder, repository)
    }

    #[test]
    fn a_clone_knows_its_organisation_its_project_and_its_ticket() {
        let url = "https://me:canary@dev.azure.com/lumen/Harbor%20Master/_git/tide-api";
        let (folder, _repository) = repository(&[("origin", url)], "feature/HAR-12-tides");
        std::fs::create_dir_all(folder.path().join("src/deep")).unwrap();
        let clone = Clone::around(&folder.path().join("src/deep")).unwrap();
        assert_eq!(clone.ticket(), Some(TicketKey::parse("HAR-12").unwrap()));
        let (name, address) = clone.remote.clone().unwrap();
        assert_eq!((name.as_str(), address.base.url()), ("origin", "https://dev.azure.com/lumen"));
        assert_eq!((address.project.as_deref(), address.repository.as_deref()), (Some("Harbor Master"), Some("tide-api")));
        assert!(!format!("{clone:?}").contains("canary"));
    }

    #[test]
    fn a_remote_that_is_not_the_usual_one_is_found_unless_there_are_two() {
        let ssh = "git@ssh.dev.azure.com:v3/lumen/Harbor/ops";
        let (folder, _repository) = repository(&[("origin", "https://github.com/me/it"), ("work", ssh)], "main");
        let clone = Clone::around(folder.path()).unwrap();
        assert_eq!(clone.remote.map(|(name, _)| name).as_deref(), Some("work"));
        assert_eq!(clone.branch.as_deref(), Some("main"));
        let (folder, _repository) = repository(&[("a", ssh), ("b", "https://dev.azure.com/other/P/_git/r")], "main");
        assert!(Clone::around(folder.path()).unwrap().remote.is_none());
    }

    #[test]
    fn a_folder_that_is_no_clone_is_none() {
        assert!(Clone::around(tempfile::tempdir().unwrap().path()).is_none());
    }
}
