//! Many objects at once: a history is made in memory and lands on disk as one pack.
//!
//! A seeded repository has some hundred objects, and making a file for each is most of what a start would take. Limits:
//! nobody else may look at the objects before the pack is written; refs are written as they are made.

use std::cell::RefCell;
use std::io::Write;

use git2::{Buf, ObjectType, Odb, Oid, Repository};

use super::{Attempt, GitError, Repo, Stamp};

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

    /// Runs `work`, which writes objects that it puts together itself, into one pack; then points its refs.
    pub fn write_objects<T>(&self, work: impl FnOnce(&Objects<'_>) -> Result<T, GitError>) -> Result<T, GitError> {
        self.ensure()?;
        let store = Repository::open_bare(&self.path).attempt("open the repository")?;
        let odb = store.odb().attempt("open the objects")?;
        let pack = odb.add_new_mempack_backend(1000).attempt("keep objects in memory")?;
        let objects = Objects { odb: &odb, refs: RefCell::default() };
        let outcome = work(&objects)?;
        let mut bytes = Buf::new();
        pack.dump(&store, &mut bytes).attempt("make a pack")?;
        let mut writer = odb.packwriter().attempt("write a pack")?;
        writer.write_all(&bytes).map_err(|error| git2::Error::from_str(&error.to_string())).attempt("write a pack")?;
        writer.commit().attempt("write a pack")?;
        for (name, id) in objects.refs.into_inner() {
            store.reference(&name, id, true, "made").attempt("point a ref")?;
        }
        Ok(outcome)
    }

    /// Puts a repository where the next call finds it, or forgets the one there.
    fn keep(&self, repository: Option<Repository>) {
        if let Ok(mut idle) = self.idle.lock() {
            *idle = repository;
        }
    }
}

/// Writes objects byte by byte, without reading any: for histories that are made rather than worked on.
pub struct Objects<'o> {
    odb: &'o Odb<'o>,
    refs: RefCell<Vec<(String, Oid)>>,
}

impl Objects<'_> {
    pub fn blob(&self, content: &[u8]) -> Result<Oid, GitError> {
        self.odb.write(ObjectType::Blob, content).attempt("write a blob")
    }

    /// A tree of names, whether each is a folder, and what it is.
    pub fn tree(&self, mut entries: Vec<(Vec<u8>, bool, Oid)>) -> Result<Oid, GitError> {
        // Git sorts a folder as if its name ended with a slash.
        entries.sort_by(|(left, left_is_folder, _), (right, right_is_folder, _)| {
            let end = |is_folder: &bool| is_folder.then_some(&b'/');
            left.iter().chain(end(left_is_folder)).cmp(right.iter().chain(end(right_is_folder)))
        });
        let mut bytes = Vec::with_capacity(entries.len() * 40);
        for (name, is_folder, id) in &entries {
            bytes.extend_from_slice(if *is_folder { b"40000 " } else { b"100644 " });
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend_from_slice(id.as_bytes());
        }
        self.odb.write(ObjectType::Tree, &bytes).attempt("write a tree")
    }

    pub fn commit(&self, tree: Oid, parents: &[Oid], author: &Stamp, committer: &Stamp, message: &str) -> Result<Oid, GitError> {
        let mut text = format!("tree {tree}\n");
        for parent in parents {
            text.push_str(&format!("parent {parent}\n"));
        }
        text.push_str(&format!("author {}\ncommitter {}\n\n{message}", author.line()?, committer.line()?));
        self.odb.write(ObjectType::Commit, text.as_bytes()).attempt("write a commit")
    }

    /// Points a ref at an object once everything is written.
    pub fn point(&self, name: &str, id: Oid) -> Result<(), GitError> {
        if !git2::Reference::is_valid_name(name) {
            return Err(GitError::InvalidRefName(name.to_owned()));
        }
        self.refs.borrow_mut().push((name.to_owned(), id));
        Ok(())
    }
}
