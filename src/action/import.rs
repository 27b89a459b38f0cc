//! Adopting specs that exist: markdown files of this machine, or `.tickets/*.md` of a repository's target branch.
//!
//! The text is taken byte for byte. A file that names a key keeps it; one without gets the next key, and its title line is left as it is.
//! What is on the board already is skipped, so an interrupted import is finished by running it again.

use serde::Serialize;

use crate::ado::{At, RepoRef};
use crate::domain::id::{ObjectId, TicketKey};
use crate::domain::project::{Project, Repository};
use crate::domain::spec;
use crate::store::{NewTicket, SpecText};

use super::context::Context;
use super::error::{Error, Result};
use super::journal::{Journal, at_step};
use super::reporter::{Reporter, step};

const ACTION: &str = "import";

/// A spec to adopt.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where it comes from, as shown.
    pub name: String,
    pub bytes: Vec<u8>,
    pub repository: Option<Repository>,
    /// The blob on the branch, where it comes from one.
    pub object: Option<ObjectId>,
}

impl Candidate {
    /// Its name in the journal: two repositories can have a file of the same name.
    fn id(&self) -> String {
        match (&self.repository, &self.object) {
            (Some(repository), Some(_)) => format!("{}:{}", repository.name, self.name),
            _ => self.name.clone(),
        }
    }
}

/// What became of one file.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    Imported { name: String, key: TicketKey, title: String },
    AlreadyThere { name: String, key: TicketKey },
    Refused { name: String, why: String },
}

/// The specs on the target branch of a linked repository.
pub async fn from_branch(ctx: &Context, project: &Project, repository: &Repository) -> Result<Vec<Candidate>> {
    let target = repository.target().ok_or_else(|| {
        Error::refused(format!("repository {} is empty: it has no branch to import from", repository.name), "push a first commit to it")
    })?;
    let client = ctx.client(project).await?;
    let repo = RepoRef { project: &project.guid, repository: &repository.guid };
    let at = At::Branch(target);
    let mut found = Vec::new();
    for (path, object) in client.files_under(repo, &at, ".tickets").await? {
        if !path.ends_with(".md") {
            continue;
        }
        if let Some(file) = client.file(repo, &at, &path).await? {
            found.push(Candidate { name: path, bytes: file.bytes, repository: Some(repository.clone()), object: Some(object) });
        }
    }
    Ok(found)
}

/// Adopts the candidates, one transaction each, which holds the journal's line too.
pub async fn run(ctx: &Context, project: &Project, candidates: Vec<Candidate>, reporter: &Reporter) -> Result<Vec<Outcome>> {
    let mut journal = Journal::begin(&ctx.store, &ctx.clock, ACTION, &project.prefix, candidates.len()).await?;
    reporter.begin(ACTION, None, vec![step("import", format!("import {} specs into {}", candidates.len(), project.name))]);
    reporter.running("import");
    let mut outcomes = Vec::new();
    for candidate in candidates {
        let (name, id) = (candidate.name.clone(), candidate.id());
        let outcome = match journal.recorded(&id).map(TicketKey::parse) {
            // A file without a key of its own was taken in by the interrupted run: its words are in the journal.
            Some(Ok(key)) => Outcome::AlreadyThere { name, key },
            _ => at_step(reporter, ACTION, "import", one(ctx, project, candidate, &mut journal).await)?,
        };
        outcomes.push(outcome);
    }
    journal.finish().await?;
    let imported = outcomes.iter().filter(|o| matches!(o, Outcome::Imported { .. })).count();
    reporter.done("import", format!("{imported} of {} imported", outcomes.len()));
    Ok(outcomes)
}

async fn one(ctx: &Context, project: &Project, candidate: Candidate, journal: &mut Journal<usize>) -> Result<Outcome> {
    let id = candidate.id();
    let name = candidate.name;
    let refused = |name: &str, why: String| Ok(Outcome::Refused { name: name.to_owned(), why });
    let text = match spec::validate(&candidate.bytes) {
        Ok(text) => text.to_owned(),
        Err(error) => return refused(&name, error.to_string()),
    };
    let parsed = spec::Spec::parse(&text);
    let title = parsed.title().trim().to_owned();
    if title.is_empty() {
        return refused(&name, "it has no title line; begin it with `# Title`".to_owned());
    }
    let key = spec::key_of(&text).or_else(|| key_of_name(&name));
    if let Some(key) = &key {
        if key.prefix() != project.prefix {
            return refused(&name, format!("its key {key} does not begin with {}, the project's prefix", project.prefix));
        }
        if ctx.store.ticket(key).await?.is_some() {
            return Ok(Outcome::AlreadyThere { name, key: key.clone() });
        }
    }
    let new = NewTicket {
        project: project.id,
        key,
        spec_text: SpecText::Given(text.clone()),
        repository: candidate.repository.map(|r| r.id),
        assignee: None,
        labels: Vec::new(),
        priority: None,
        estimate_hours: None,
        dependencies: Vec::new(),
    };
    // A text from a branch is what a later push is based on.
    let ticket = ctx.store.adopt_ticket(new, candidate.object.as_ref(), (journal.id(), &id), ctx.clock.now()).await?;
    journal.was_recorded(&id, &ticket.key.to_string());
    Ok(Outcome::Imported { name, key: ticket.key, title })
}

/// `.tickets/KAN-4.md` names KAN-4.
fn key_of_name(name: &str) -> Option<TicketKey> {
    let stem = name.rsplit(['/', '\\']).next()?.strip_suffix(".md")?;
    TicketKey::parse(stem).ok()
}
