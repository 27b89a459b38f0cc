//! Projects: what prefixes the keys of their tickets have, and how their reviewers are chosen.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word};
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, next};
use crate::domain::change::Change;
use crate::domain::fact;
use crate::domain::id::{Guid, OrganisationId, ProjectId, is_prefix};
use crate::domain::person::ReviewRules;
use crate::domain::project::Project;

macro_rules! columns {
    () => {
        "id, organisation, guid, name, prefix, strategy, overload_threshold, synced_at"
    };
}

queries! {
    SHOWN = concat!("SELECT ", columns!(), " FROM projects WHERE removed_at IS NULL ORDER BY name, id");
    REMOVED = concat!("SELECT ", columns!(), " FROM projects WHERE removed_at IS NOT NULL ORDER BY name, id");
    PREFIXES = "SELECT prefix FROM projects";
    BY_ID = concat!("SELECT ", columns!(), " FROM projects WHERE id = $1");
    BY_GUID = concat!("SELECT ", columns!(), " FROM projects WHERE organisation = $1 AND guid = $2");
    PREFIX_OWNER = "SELECT id FROM projects WHERE prefix = $1";
    HAS_TICKETS = "SELECT count(*) FROM (SELECT id FROM tickets WHERE project = $1 LIMIT 1) AS first";
    PUT = "INSERT INTO projects (id, organisation, guid, name, prefix, strategy, overload_threshold) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (organisation, guid) DO UPDATE SET name = excluded.name, prefix = excluded.prefix";
    SET_REVIEW_RULES = "UPDATE projects SET strategy = $2, overload_threshold = $3 WHERE id = $1";
    SET_SYNCED_AT = "UPDATE projects SET synced_at = $2 WHERE id = $1 AND (synced_at IS NULL OR synced_at < $2)";
}

pub(super) fn missing(id: ProjectId) -> Error {
    Error::Missing(format!("project number {id}"))
}

fn read(row: &AnyRow) -> Result<Project> {
    Ok(Project {
        id: ProjectId(row.int("id")?),
        organisation: OrganisationId(row.int("organisation")?),
        guid: Guid::new(row.borrowed("guid")?),
        name: row.text("name")?,
        prefix: row.text("prefix")?,
        review_rules: ReviewRules { strategy: row.word("strategy")?, overload_threshold: row.count("overload_threshold")? },
        synced_at: row.maybe_instant("synced_at")?,
    })
}

pub(super) async fn by_id(conn: &mut AnyConnection, id: ProjectId) -> Result<Option<Project>> {
    sqlx::query(BY_ID).bind(id.0).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

/// The project whose tickets carry a prefix.
pub(super) async fn prefix_owner(conn: &mut AnyConnection, prefix: &str) -> Result<Option<ProjectId>> {
    Ok(sqlx::query_scalar::<_, i64>(PREFIX_OWNER).bind(prefix).fetch_optional(conn).await?.map(ProjectId))
}

pub(super) async fn set_synced_at(conn: &mut AnyConnection, id: ProjectId, at: Timestamp) -> Result<()> {
    sqlx::query(SET_SYNCED_AT).bind(id.0).bind(at.as_millisecond()).execute(conn).await?;
    Ok(())
}

impl Store {
    /// The projects on the board.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        self.attempt("read the projects", async {
            sqlx::query(SHOWN).fetch_all(&mut *self.reader().await?).await?.iter().map(read).collect()
        })
        .await
    }

    /// The projects that were taken off the board, and can be put back.
    pub async fn removed_projects(&self) -> Result<Vec<Project>> {
        self.attempt("read the projects off the board", async {
            sqlx::query(REMOVED).fetch_all(&mut *self.reader().await?).await?.iter().map(read).collect()
        })
        .await
    }

    pub async fn project(&self, id: ProjectId) -> Result<Option<Project>> {
        self.attempt("read a project", async { by_id(&mut *self.reader().await?, id).await }).await
    }

    /// By prefix or by name, in any case. A name that several organisations use is refused, with the prefixes that tell them apart.
    pub async fn find_project(&self, name_or_prefix: &str) -> Result<Option<Project>> {
        let wanted = name_or_prefix.trim().to_lowercase();
        let projects = self.projects().await?;
        if let Some(project) = projects.iter().find(|project| project.prefix.to_lowercase() == wanted) {
            return Ok(Some(project.clone()));
        }
        let mut named = projects.into_iter().filter(|project| project.name.to_lowercase() == wanted);
        let first = named.next();
        let others: Vec<String> = named.map(|project| project.prefix).collect();
        match first {
            Some(first) if !others.is_empty() => Err(Error::refused(
                format!("several projects are called {}", first.name),
                format!("name one by its prefix: {}, {}", first.prefix, others.join(", ")),
            )),
            found => Ok(found),
        }
    }

    /// Keeps a project, found again by its id in Azure DevOps. The prefix can change until the project has tickets.
    pub async fn put_project(&self, organisation: OrganisationId, project: &fact::Project, prefix: &str) -> Result<Project> {
        self.attempt(format!("keep the project {}", project.name), async {
            if !is_prefix(prefix) {
                return Err(Error::refused(
                    format!("`{prefix}` cannot begin ticket keys"),
                    "a prefix is 2 to 10 upper-case letters and digits and begins with a letter, such as KAN",
                ));
            }
            let mut writing = self.writing_on(Hold::Shared).await?;
            let known = sqlx::query(BY_GUID)
                .bind(organisation.0)
                .bind(project.guid.as_str())
                .fetch_optional(writing.conn())
                .await?
                .as_ref()
                .map(read)
                .transpose()?;
            if let Some(owner) = prefix_owner(writing.conn(), prefix).await?
                && known.as_ref().is_none_or(|known| known.id != owner)
            {
                return Err(Error::refused(
                    format!("another project has the prefix {prefix} already"),
                    "choose another prefix: ticket keys are unique in a store",
                ));
            }
            if let Some(known) = &known {
                // A ticket under way in another process would carry the old prefix.
                self.hold_too(&mut writing, Hold::Project(known.id)).await?;
            }
            if let Some(known) = &known
                && known.prefix != prefix
                && sqlx::query_scalar::<_, i64>(HAS_TICKETS).bind(known.id.0).fetch_one(writing.conn()).await? > 0
            {
                return Err(Error::refused(
                    format!("{} has tickets, which begin with {}", known.name, known.prefix),
                    format!("keep the prefix {}", known.prefix),
                ));
            }
            let id = match &known {
                Some(known) => known.id.0,
                None => next(writing.conn(), "projects").await?,
            };
            let rules = ReviewRules::default();
            sqlx::query(PUT)
                .bind(id)
                .bind(organisation.0)
                .bind(project.guid.as_str())
                .bind(&*project.name)
                .bind(prefix)
                .bind(rules.strategy.to_word())
                .bind(i64::from(rules.overload_threshold))
                .execute(writing.conn())
                .await?;
            let kept = by_id(writing.conn(), ProjectId(id)).await?.ok_or_else(|| missing(ProjectId(id)))?;
            writing.announce(Change::Project(kept.id));
            self.commit(writing).await?;
            Ok(kept)
        })
        .await
    }

    pub async fn set_review_rules(&self, id: ProjectId, rules: &ReviewRules) -> Result<()> {
        self.attempt("keep the review rules", async {
            let mut writing = self.writing().await?;
            let done = sqlx::query(SET_REVIEW_RULES)
                .bind(id.0)
                .bind(rules.strategy.to_word())
                .bind(i64::from(rules.overload_threshold))
                .execute(writing.conn())
                .await?;
            if done.rows_affected() == 0 {
                return Err(missing(id));
            }
            writing.announce(Change::Project(id));
            self.commit(writing).await
        })
        .await
    }

    /// When pull requests were last listed completely. [`Store::ingest`] of a complete listing does this by itself; an older time
    /// than the known one changes nothing.
    pub async fn set_synced_at(&self, id: ProjectId, at: Timestamp) -> Result<()> {
        self.attempt("keep the time of a sync", async {
            let mut writing = self.writing().await?;
            set_synced_at(writing.conn(), id, at).await?;
            writing.announce(Change::Project(id));
            self.commit(writing).await
        })
        .await
    }

    /// A prefix for a new project that no other project has: initials of several words, else the first three letters.
    pub async fn free_prefix(&self, name: &str) -> Result<String> {
        // Those off the board too: they come back with their keys.
        let taken: Vec<String> = self
            .attempt("read the prefixes of the projects", async {
                Ok(sqlx::query_scalar(PREFIXES).fetch_all(&mut *self.reader().await?).await?)
            })
            .await?;
        let wish = wished_prefix(name);
        if !taken.contains(&wish) {
            return Ok(wish);
        }
        let mut number = 2_u32;
        loop {
            let candidate = format!("{wish}{number}");
            if !taken.contains(&candidate) {
                return Ok(candidate);
            }
            number += 1;
        }
    }
}

fn wished_prefix(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| word.trim_start_matches(|c: char| c.is_ascii_digit()).to_ascii_uppercase())
        .filter(|word| !word.is_empty())
        .collect();
    let wish: String = match words.as_slice() {
        [] => String::new(),
        [one] => one.chars().take(3).collect(),
        several => several.iter().filter_map(|word| word.chars().next()).take(4).collect(),
    };
    if is_prefix(&wish) { wish } else { "TKT".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_short_and_valid() {
        for (name, expected) in
            [("Lumen", "LUM"), ("Payment service", "PS"), ("3D viewer", "DV"), ("x", "TKT"), ("日本", "TKT"), ("a-b-c-d-e", "ABCD")]
        {
            assert_eq!(wished_prefix(name), expected, "{name}");
            assert!(is_prefix(&wished_prefix(name)));
        }
    }
}
