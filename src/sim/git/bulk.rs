//! Many objects at once: a history is made in memory and lands on disk as one pack.
//!
//! A seeded repository has some hundred objects, and making a file for each is most of what a start would take. Limits:
//! nobody else may look at the objects before the pack is written; refs are written as they are made.

use std::io::Write;

use git2::{Buf, Repository};

use super::{Attempt, GitError, Repo};

impl Repo {
    /// Runs `work`, whose writes through this handle and its clones go into one pack. If it fails, its objects are lost.
    pub fn in_one_pack<T>(&self, work: impl FnOnce() -> Result<T, GitError>) -> Result<T, GitError> {
        self.ensure()?;
        let open = || Repository::open_bare(&self.path).attempt("open the repository");
        // Two of them: the pack in memory belongs to one, and the handle's calls use the other on the same objects.
        let (store, front) = (open()?, open()?);
        let odb = store.odb().attempt("open the objects")?;
        let pack = odb.add_new_mempack_backend(1000).attempt("keep objects in memory")?;
        front.set_odb(&odb).attempt("keep objects in memory")?;
        self.keep(Some(front));
        let outcome = work();
        self.keep(None);
        let outcome = outcome?;
        let mut bytes = Buf::new();
        pack.dump(&store, &mut bytes).attempt("make a pack")?;
        let mut writer = odb.packwriter().attempt("write a pack")?;
        writer.write_all(&bytes).map_err(|error| git2::Error::from_str(&error.to_string())).attempt("write a pack")?;
        writer.commit().attempt("write a pack")?;
        Ok(outcome)
    }

    /// Puts a repository where the next call finds it, or forgets the one there.
    fn keep(&self, repository: Option<Repository>) {
        if let Ok(mut idle) = self.idle.lock() {
            *idle = repository;
        }
    }
}
