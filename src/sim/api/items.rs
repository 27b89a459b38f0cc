//! Files and folders at a version: as JSON, as raw bytes, as listings.
//!
//! What is answered depends on `Accept`, `$format`, `includeContent` and `recursionLevel`, as on the service. Zip is not
//! offered.
use axum::http::header::ACCEPT;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Call, Query};
use crate::sim::git::{GitError, Item, ItemKind, Recursion, Version};
use crate::sim::host::blocking;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Repository, World};

/// A version and how errors call it.
pub struct Asked {
    pub version: Version,
    kind: &'static str,
    name: String,
}

impl Asked {
    /// Reads `{prefix}version` and `{prefix}versionType`; nothing means the default branch.
    pub fn read(query: &Query, prefixes: &[&str], repository: &Repository) -> Result<Self, Failure> {
        let get = |name: &str| prefixes.iter().find_map(|prefix| query.get(&format!("{prefix}{name}")));
        Self::of(get("version"), get("versionType"), repository)
    }

    pub fn of(version: Option<&str>, kind: Option<&str>, repository: &Repository) -> Result<Self, Failure> {
        let Some(name) = version.map(str::to_owned) else {
            let name = repository.default_branch.trim_start_matches("refs/heads/").to_owned();
            return Ok(Asked { version: Version::Default, kind: "Branch", name });
        };
        let (version, kind) = match kind.map(str::to_lowercase).as_deref() {
            None | Some("branch" | "0") => (Version::Branch(name.clone()), "Branch"),
            Some("tag" | "1") => (Version::Tag(name.clone()), "Tag"),
            Some("commit" | "2") => (Version::Commit(name.clone()), "Commit"),
            Some(other) => return Err(Failure::enum_value("versionType", other)),
        };
        Ok(Asked { version, kind, name })
    }

    /// The failure with what was asked for named in it.
    pub fn refuse(&self, error: GitError, repository: &Repository) -> Failure {
        match error {
            GitError::NoVersion(_) => Failure::no_version(self.kind, &self.name, &repository.name),
            GitError::NoObject(_) if self.kind == "Commit" => Failure::no_version(self.kind, &self.name, &repository.name),
            GitError::NoItem { path, commit } => Failure::no_item(&path, &repository.name, self.kind, &self.name, &commit),
            other => other.into(),
        }
    }
}

/// How the answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Bytes,
}

fn form(call: &Call) -> Form {
    match call.query.get("$format").map(str::to_lowercase).as_deref() {
        Some("json") => return Form::Json,
        Some("octetstream" | "text") => return Form::Bytes,
        _ => {}
    }
    if call.query.is_true("download") {
        return Form::Bytes;
    }
    let accept = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = accept.split([';', ',']).next().unwrap_or("").trim().to_lowercase();
    if kind.starts_with("text/") || kind == "application/octet-stream" { Form::Bytes } else { Form::Json }
}

fn row(call: &Call, world: &World, repository: &Repository, item: &Item) -> Value {
    let kind = match item.kind {
        ItemKind::Blob => "blob",
        ItemKind::Tree => "tree",
        ItemKind::Commit => "commit",
    };
    let mut row = json!({
        "objectId": item.object_id,
        "gitObjectType": kind,
        "commitId": item.commit_id,
        "path": item.path,
        "url": call.renderer(world).item_url(repository, &item.path, &item.commit_id),
    });
    if item.kind == ItemKind::Tree {
        row["isFolder"] = json!(true);
    }
    row
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let repository = call.repository(&world)?;
    let asked = Asked::read(&call.query, &["versionDescriptor.", ""], repository)?;
    let recursion = match call.query.get("recursionLevel").map(str::to_lowercase).as_deref() {
        None | Some("none" | "0") => Recursion::None,
        Some("onelevel" | "1" | "onelevelplusnestedemptyfolders" | "4") => Recursion::OneLevel,
        Some("full" | "120") => Recursion::Full,
        Some(other) => return Err(Failure::enum_value("recursionLevel", other)),
    };
    match call.query.get("path") {
        Some(_) if recursion != Recursion::None => {
            Err(Failure::argument("recursionLevel", "Use scopePath, not path, together with recursionLevel."))
        }
        Some(path) => one(call, &world, repository, &asked, path).await,
        None => {
            let scope = call.query.get("scopePath").unwrap_or("/").to_owned();
            let (git, version) = (call.git(repository), asked.version.clone());
            let found = tokio::task::spawn_blocking(move || git.items(&version, &scope, recursion))
                .await
                .map_err(Failure::internal)?
                .map_err(|error| asked.refuse(error, repository))?;
            let rows = found.iter().map(|item| row(call, &world, repository, item)).collect();
            Ok(Answer::list(rows))
        }
    }
}

async fn one(call: &Call, world: &World, repository: &Repository, asked: &Asked, path: &str) -> Result<Answer, Failure> {
    let (git, version, path) = (call.git(repository), asked.version.clone(), path.to_owned());
    let handle = git.clone();
    let item = tokio::task::spawn_blocking(move || handle.item(&version, &path))
        .await
        .map_err(Failure::internal)?
        .map_err(|error| asked.refuse(error, repository))?;
    let form = form(call);
    let wants_content = form == Form::Bytes || call.query.is_true("includeContent");
    let content = if wants_content && item.kind == ItemKind::Blob {
        let id = item.object_id.clone();
        Some(blocking(move || git.blob(&id)).await?)
    } else {
        None
    };
    if let (Form::Bytes, Some(bytes)) = (form, content.as_ref()) {
        return Ok(Answer::raw("application/octet-stream", bytes.clone()));
    }
    let mut value = row(call, world, repository, &item);
    if let Some(bytes) = content {
        match String::from_utf8(bytes) {
            Ok(text) => value["content"] = json!(text),
            Err(binary) => {
                value["content"] = json!(STANDARD.encode(binary.as_bytes()));
                value["contentMetadata"] = json!({ "encoding": 0, "isBinary": true });
            }
        }
    }
    let address = call.renderer(world).item_url(repository, &item.path, &item.commit_id);
    value["_links"] = json!({
        "self": {"href": address},
        "repository": {"href": call.sim.site.repository_api(repository.project, repository.id, "")},
        "blob": {"href": call.sim.site.repository_api(repository.project, repository.id, &format!("blobs/{}", item.object_id))},
    });
    Ok(Answer::ok(value))
}
