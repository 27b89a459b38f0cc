//! How far the collection of a project's facts is, source by source. A project with rows here is measured.
//!
//! A page of facts and the cursor that stands for it are committed in one transaction, by whoever puts the page: see [`PageDone`].

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word};
use super::error::{Error, Result};
use super::hold::Hold;
use super::{Store, Writing};
use crate::domain::change::Change;
use crate::domain::collection::{Collection, Source, SourceState};
use crate::domain::id::ProjectId;

/// How far a pass over a source is once a page of it is in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageDone {
    pub source: Source,
    /// Where to go on, in the collector's own words (JSON); absent begins anew.
    pub cursor: Option<String>,
    /// Operations of the pass done so far, this one included.
    pub done: i64,
    /// Operations of the pass; absent until it is known.
    pub total: Option<i64>,
}

/// How a pass over a source ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassEnd {
    /// Everything up to `synced_at` was read.
    Complete { synced_at: Timestamp },
    /// To be tried again; the words say what was attempted and what went wrong.
    Failed { words: String, at: Timestamp },
    /// A scope or a permission is missing; the words say what to do.
    Refused { words: String, at: Timestamp },
}

queries! {
    MEASURE = "INSERT INTO sync_sources (project, source, covers_from, done) VALUES ($1, $2, $3, 0) ON CONFLICT (project, source) DO NOTHING";
    WIDEN = "UPDATE sync_sources SET covers_from = $2, cursor = NULL, done = 0, total = NULL, backfilled_at = NULL \
        WHERE project = $1 AND (covers_from IS NULL OR covers_from > $2)";
    OF_PROJECT = "SELECT source, covers_from, done, total, backfilled_at, synced_at, attempted_at, failed, refused FROM sync_sources \
        WHERE project = $1";
    CURSOR = "SELECT cursor FROM sync_sources WHERE project = $1 AND source = $2";
    PAGE = "UPDATE sync_sources SET cursor = $3, done = $4, total = $5 WHERE project = $1 AND source = $2";
    COMPLETE = "UPDATE sync_sources SET backfilled_at = coalesce(backfilled_at, $3), synced_at = $3, attempted_at = $3, failed = NULL, \
        refused = NULL WHERE project = $1 AND source = $2";
    FAILED = "UPDATE sync_sources SET failed = $4, attempted_at = $3 WHERE project = $1 AND source = $2";
    REFUSED = "UPDATE sync_sources SET refused = $4, failed = NULL, attempted_at = $3 WHERE project = $1 AND source = $2";
    MEASURED = "SELECT DISTINCT p.id, p.name FROM sync_sources s JOIN projects p ON p.id = s.project WHERE p.removed_at IS NULL \
        ORDER BY p.name, p.id";
}

pub(super) fn read(row: &AnyRow) -> Result<SourceState> {
    Ok(SourceState {
        source: row.word("source")?,
        from: row.maybe_instant("covers_from")?,
        done: row.int("done")?,
        total: row.maybe_int("total")?,
        backfilled_at: row.maybe_instant("backfilled_at")?,
        synced_at: row.maybe_instant("synced_at")?,
        attempted_at: row.maybe_instant("attempted_at")?,
        failed: row.maybe_text("failed")?,
        refused: row.maybe_text("refused")?,
    })
}

/// The states of a project's sources as one, in the order in which they are collected.
pub(super) fn collection_of(mut sources: Vec<SourceState>) -> Collection {
    sources.sort_by_key(|state| Source::ALL.iter().position(|source| *source == state.source));
    let from = sources.iter().filter_map(|state| state.from).max();
    Collection { sources, from }
}

fn not_measured(project: ProjectId, source: Source) -> Error {
    Error::refused(
        format!("project number {project} is not measured: its {} are not kept", source.words()),
        "select the project again with `kanado projects add`",
    )
}

/// Keeps how far the collection is, in the transaction of the page.
pub(super) async fn page_done(conn: &mut AnyConnection, project: ProjectId, page: &PageDone) -> Result<()> {
    let done = sqlx::query(PAGE)
        .bind(project.0)
        .bind(page.source.to_word())
        .bind(page.cursor.clone())
        .bind(page.done)
        .bind(page.total)
        .execute(conn)
        .await?;
    if done.rows_affected() == 0 {
        return Err(not_measured(project, page.source));
    }
    Ok(())
}

impl Store {
    /// Ends the write of a page of facts: its cursor, its announcement, its commit.
    pub(super) async fn finish_page(&self, mut writing: Writing, project: ProjectId, page: Option<PageDone>) -> Result<()> {
        if let Some(page) = page {
            page_done(writing.conn(), project, &page).await?;
        }
        writing.announce(Change::Facts(project));
        self.commit(writing).await
    }

    /// Begins to measure a project, with facts since `from`. What is measured already stays as it is.
    pub async fn measure_project(&self, project: ProjectId, from: Timestamp) -> Result<()> {
        self.attempt("begin to measure a project", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            for source in Source::ALL {
                sqlx::query(MEASURE).bind(project.0).bind(source.to_word()).bind(from.as_millisecond()).execute(writing.conn()).await?;
            }
            writing.announce(Change::Project(project));
            self.inner.pace.hurry(project);
            self.finish_page(writing, project, None).await
        })
        .await
    }

    /// Goes further back in time: sources that begin later than `from` begin anew from there. What was collected stays.
    pub async fn measure_from(&self, project: ProjectId, from: Timestamp) -> Result<()> {
        self.attempt("measure a project from further back", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            sqlx::query(WIDEN).bind(project.0).bind(from.as_millisecond()).execute(writing.conn()).await?;
            self.inner.pace.hurry(project);
            self.finish_page(writing, project, None).await
        })
        .await
    }

    /// The projects on the board that are measured, with their names.
    pub async fn measured_projects(&self) -> Result<Vec<(ProjectId, String)>> {
        self.attempt("read which projects are measured", async {
            let rows = sqlx::query(MEASURED).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(|row| Ok((ProjectId(row.int("id")?), row.text("name")?))).collect()
        })
        .await
    }

    /// How the collection of a project stands; without sources where it is not measured.
    pub async fn collection(&self, project: ProjectId) -> Result<Collection> {
        self.attempt("read how far the collection is", async {
            let rows = sqlx::query(OF_PROJECT).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            Ok(collection_of(rows.iter().map(read).collect::<Result<_>>()?))
        })
        .await
    }

    /// Where to go on with a source.
    pub async fn source_cursor(&self, project: ProjectId, source: Source) -> Result<Option<String>> {
        self.attempt(format!("read how far the {} are", source.words()), async {
            let row = sqlx::query(CURSOR).bind(project.0).bind(source.to_word()).fetch_optional(&mut *self.reader().await?).await?;
            row.map_or(Ok(None), |row| row.maybe_text("cursor"))
        })
        .await
    }

    /// Keeps a cursor where a page brought no rows, or where a pass begins.
    pub async fn put_page(&self, project: ProjectId, page: PageDone) -> Result<()> {
        self.attempt("keep how far the collection is", async {
            let writing = self.writing().await?;
            self.finish_page(writing, project, Some(page)).await
        })
        .await
    }

    /// Keeps how a pass ended, and announces it at once. Its cursor and its counts stay.
    pub async fn end_pass(&self, project: ProjectId, source: Source, end: PassEnd) -> Result<()> {
        self.attempt(format!("keep how the pass over {} ended", source.words()), async {
            let mut writing = self.writing().await?;
            let (sql, at, words) = match end {
                PassEnd::Complete { synced_at } => (COMPLETE, synced_at, None),
                PassEnd::Failed { words, at } => (FAILED, at, Some(words)),
                PassEnd::Refused { words, at } => (REFUSED, at, Some(words)),
            };
            let mut query = sqlx::query(sql).bind(project.0).bind(source.to_word()).bind(at.as_millisecond());
            if let Some(words) = words {
                query = query.bind(words);
            }
            if query.execute(writing.conn()).await?.rows_affected() == 0 {
                return Err(not_measured(project, source));
            }
            self.inner.pace.hurry(project);
            self.finish_page(writing, project, None).await
        })
        .await
    }
}
