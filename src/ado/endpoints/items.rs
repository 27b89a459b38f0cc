//! Files at a version: exact bytes, and which files a folder holds.

use super::in_repository;
use crate::ado::call::{Accept, Call};
use crate::ado::error::ErrorKind;
use crate::ado::scope::Scope;
use crate::ado::wire::commit::Item;
use crate::ado::{Client, RepoRef, Result};
use crate::domain::fact;
use crate::domain::id::ObjectId;

/// A version of a repository's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At<'a> {
    /// The tip of a branch, without `refs/heads/`.
    Branch(&'a str),
    Commit(&'a ObjectId),
}

impl At<'_> {
    fn apply(&self, call: Call) -> Call {
        let (kind, version) = match self {
            Self::Branch(name) => ("branch", name.strip_prefix("refs/heads/").unwrap_or(name)),
            Self::Commit(id) => ("commit", id.as_str()),
        };
        call.query("versionDescriptor.version", version).query("versionDescriptor.versionType", kind)
    }
}

impl Client {
    /// A file with its exact bytes; `None` if there is none at that path. A missing branch is `BranchMissing`.
    ///
    /// One request where the content comes through JSON unharmed, which its object id proves; another one for the raw bytes
    /// where it does not (a byte order mark, something that is no text).
    pub async fn file(&self, repository: RepoRef<'_>, at: &At<'_>, path: &str) -> Result<Option<fact::File>> {
        let path = path.trim_start_matches('/');
        let attempt = format!("read the file `{path}`");
        let call = || {
            let call = Call::get(in_repository(repository, "/items"), Scope::Code, attempt.clone());
            at.apply(call.query("path", format!("/{path}")))
        };
        let item: Item = match self.object(&call().query("includeContent", true).query("$format", "json")).await {
            Ok(item) => item,
            Err(e) if *e.kind() == ErrorKind::FileMissing => return Ok(None),
            Err(e) => return Err(e),
        };
        if !item.is_file() {
            return Ok(None);
        }
        let object = ObjectId::new(&item.object_id);
        let commit = match (&item.commit_id, at) {
            (Some(id), _) => ObjectId::new(id),
            (None, At::Commit(id)) => (*id).clone(),
            (None, At::Branch(_)) => return Err(self.error(ErrorKind::Unreadable { path: "commitId".to_owned() }, &attempt)),
        };
        let inline = item.content.map(String::into_bytes).filter(|bytes| object_of(bytes).as_ref() == Some(&object));
        let (bytes, object) = match inline {
            Some(bytes) => (bytes, object),
            None => {
                let answer = self.send(&call().accept(Accept::Bytes)).await?;
                // The branch may have moved in between: the id is that of these bytes.
                let object = object_of(&answer.body).unwrap_or(object);
                (answer.body, object)
            }
        };
        Ok(Some(fact::File { path: path.to_owned(), object, commit, bytes }))
    }

    /// The files under a folder at any depth, without leading slashes, by path. A folder that is not there holds none.
    pub async fn files_under(&self, repository: RepoRef<'_>, at: &At<'_>, folder: &str) -> Result<Vec<(String, ObjectId)>> {
        let folder = folder.trim_matches('/');
        let call = Call::get(in_repository(repository, "/items"), Scope::Code, format!("list the files of `/{folder}`"))
            .query("scopePath", format!("/{folder}"))
            .query("recursionLevel", "full");
        let rows: Vec<Item> = match self.rows(&at.apply(call)).await {
            Ok(rows) => rows,
            Err(e) if *e.kind() == ErrorKind::FileMissing => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let files = rows.into_iter().filter(Item::is_file);
        let mut files: Vec<(String, ObjectId)> =
            files.filter_map(|i| Some((i.path.as_deref()?.trim_start_matches('/').to_owned(), ObjectId::new(&i.object_id)))).collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(files)
    }
}

/// The id git gives to these bytes.
fn object_of(bytes: &[u8]) -> Option<ObjectId> {
    git2::Oid::hash_object(git2::ObjectType::Blob, bytes).ok().map(|id| ObjectId::new(id.to_string()))
}
