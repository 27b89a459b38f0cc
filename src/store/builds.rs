//! Definitions and runs of pipelines.
//!
//! What is finished stays finished: an answer that was on its way while a run ended, or that tells of an earlier end, changes nothing.
//! What is kept of a run at its stages follows it, and so do the times of the pull request whose merge it checks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::batch;
use super::column::{Columns, Word, json};
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::{Store, histories, repositories, stage_rows};
use crate::domain::id::{Guid, ObjectId, ProjectId, RepositoryId};
use crate::domain::run::{Build, Definition, DefinitionKind, RunResult, RunStatus};

/// What a page of runs did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PutBuilds {
    /// Runs that are new, or of which something changed.
    pub new_or_changed: Vec<i64>,
}

/// A run as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBuild {
    pub number: i64,
    pub definition: i64,
    pub label: String,
    pub repository: Option<RepositoryId>,
    /// The full ref.
    pub branch: Option<String>,
    pub sha: Option<ObjectId>,
    pub status: RunStatus,
    pub result: Option<RunResult>,
    pub queued_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub tags: Vec<String>,
    pub web_url: Option<String>,
    /// When its timeline was last read.
    pub timeline_at: Option<Timestamp>,
}

/// Which runs to read; what is absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildFilter {
    pub definition: Option<i64>,
    /// The full ref.
    pub branch: Option<String>,
    /// Finished, and the timeline not read since.
    pub without_timeline: bool,
}

macro_rules! columns {
    () => {
        "number, definition, label, repository, branch, sha, status, result, queued_at, started_at, finished_at, tags, web_url, timeline_at"
    };
}

queries! {
    PUT_DEFINITION = "INSERT INTO definitions (project, kind, number, name, path, repository, runs) \
        VALUES ($1, $2, $3, $4, $5, $6, 0) \
        ON CONFLICT (project, kind, number) DO UPDATE SET name = excluded.name, path = excluded.path, \
        repository = coalesce(excluded.repository, definitions.repository)";
    /// Of one that only its runs tell of. They name it as it is called when they are listed.
    NAME_DEFINITION = "INSERT INTO definitions (project, kind, number, name, path, runs) VALUES ($1, $2, $3, $4, '\\', 0) \
        ON CONFLICT (project, kind, number) DO UPDATE SET name = excluded.name WHERE definitions.name <> excluded.name \
        AND excluded.name <> CAST(excluded.number AS TEXT)";
    COUNT_RUNS = "UPDATE definitions SET runs = (SELECT count(*) FROM builds WHERE project = $1 AND definition = $2), \
        last_at = (SELECT max(finished_at) FROM builds WHERE project = $1 AND definition = $2) \
        WHERE project = $1 AND number = $2 AND kind = 'pipeline'";
    DEFINITIONS = "SELECT d.kind, d.number, d.name, d.path, r.guid FROM definitions d LEFT JOIN repositories r ON r.id = d.repository \
        WHERE d.project = $1 ORDER BY d.kind, d.number";
    PUT = "INSERT INTO builds (project, number, definition, label, repository, branch, sha, reason, status, result, queued_at, started_at, \
        finished_at, requested_for, tags, web_url, pull_request) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
        $16, $17) \
        ON CONFLICT (project, number) DO UPDATE SET definition = excluded.definition, label = excluded.label, \
        repository = excluded.repository, branch = excluded.branch, sha = excluded.sha, reason = excluded.reason, \
        status = excluded.status, result = excluded.result, queued_at = excluded.queued_at, started_at = excluded.started_at, \
        finished_at = excluded.finished_at, requested_for = excluded.requested_for, tags = excluded.tags, web_url = excluded.web_url, \
        pull_request = excluded.pull_request \
        WHERE (builds.status <> 'completed' OR (excluded.status = 'completed' AND (builds.finished_at IS NULL \
        OR excluded.finished_at >= builds.finished_at))) \
        AND NOT (excluded.status <> 'completed' AND builds.started_at IS NOT NULL AND excluded.started_at IS NULL) \
        AND (builds.status <> excluded.status OR builds.result IS DISTINCT FROM excluded.result \
        OR builds.finished_at IS DISTINCT FROM excluded.finished_at OR builds.started_at IS DISTINCT FROM excluded.started_at \
        OR builds.queued_at IS DISTINCT FROM excluded.queued_at OR builds.tags <> excluded.tags OR builds.label <> excluded.label \
        OR builds.branch IS DISTINCT FROM excluded.branch OR builds.sha IS DISTINCT FROM excluded.sha \
        OR builds.repository IS DISTINCT FROM excluded.repository OR builds.definition <> excluded.definition \
        OR builds.reason <> excluded.reason OR builds.web_url IS DISTINCT FROM excluded.web_url \
        OR builds.requested_for IS DISTINCT FROM excluded.requested_for) RETURNING number";
    ONE = concat!("SELECT ", columns!(), " FROM builds WHERE project = $1 AND number = $2");
    FILTERED = concat!("SELECT ", columns!(), " FROM builds WHERE project = $1 AND ($2 = '' OR branch = $2) \
        AND ($3 = 0 OR (status = 'completed' AND (timeline_at IS NULL OR timeline_at < finished_at))) ORDER BY number DESC LIMIT $4");
    OF_DEFINITION = concat!("SELECT ", columns!(), " FROM builds WHERE project = $1 AND definition = $5 AND ($2 = '' OR branch = $2) \
        AND ($3 = 0 OR (status = 'completed' AND (timeline_at IS NULL OR timeline_at < finished_at))) ORDER BY number DESC LIMIT $4");
    OF_COMMIT = concat!("SELECT ", columns!(), " FROM builds WHERE project = $1 AND sha = $2 ORDER BY number DESC");
    UNDER_WAY = concat!("SELECT ", columns!(), " FROM builds WHERE project = $1 AND status <> 'completed' ORDER BY number DESC LIMIT $2");
    UNFINISHED = "SELECT number FROM builds WHERE project = $1 AND status <> 'completed' ORDER BY number";
}

fn read(row: &AnyRow) -> Result<KnownBuild> {
    Ok(KnownBuild {
        number: row.int("number")?,
        definition: row.int("definition")?,
        label: row.text("label")?,
        repository: row.maybe_int("repository")?.map(RepositoryId),
        branch: row.maybe_text("branch")?,
        sha: row.maybe_text("sha")?.map(ObjectId::new),
        status: row.word("status")?,
        result: row.maybe_word("result")?,
        queued_at: row.maybe_instant("queued_at")?,
        started_at: row.maybe_instant("started_at")?,
        finished_at: row.maybe_instant("finished_at")?,
        tags: row.json("tags")?,
        web_url: row.maybe_text("web_url")?,
        timeline_at: row.maybe_instant("timeline_at")?,
    })
}

pub(super) async fn find(conn: &mut AnyConnection, project: ProjectId, number: i64) -> Result<Option<KnownBuild>> {
    sqlx::query(ONE).bind(project.0).bind(number).fetch_optional(conn).await?.as_ref().map(read).transpose()
}

/// A definition that a run or a deployment named; known already, it follows a new name. Without one its number stands for it.
pub(super) async fn name_definition(
    conn: &mut AnyConnection,
    project: ProjectId,
    kind: DefinitionKind,
    number: i64,
    name: &str,
) -> Result<()> {
    sqlx::query(NAME_DEFINITION).bind(project.0).bind(kind.to_word()).bind(number).bind(name).execute(conn).await?;
    Ok(())
}

fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

/// Of several answers about one run the last that says most, by number.
fn each_once(builds: &[Build]) -> Vec<&Build> {
    let mut kept: BTreeMap<i64, &Build> = BTreeMap::new();
    for build in builds {
        let known = kept.entry(build.number).or_insert(build);
        let rank = |b: &Build| (b.status == RunStatus::Completed, b.finished_at, b.started_at.is_some());
        if rank(build) >= rank(known) {
            *known = build;
        }
    }
    kept.into_values().collect()
}

/// The newest run of each definition: its word counts for the definition's name.
fn newest<'a>(builds: &[&'a Build]) -> HashMap<i64, &'a Build> {
    let mut newest: HashMap<i64, &Build> = HashMap::new();
    for build in builds {
        let known = newest.entry(build.definition).or_insert(build);
        if (build.queued_at, build.number) > (known.queued_at, known.number) {
            *known = build;
        }
    }
    newest
}

impl Store {
    /// Keeps definitions. Those that a listing left out stay: their runs are still there.
    pub async fn put_definitions(&self, project: ProjectId, definitions: &[Definition], page: impl Into<Option<PageDone>>) -> Result<()> {
        let page = page.into();
        self.attempt("keep the definitions", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let repositories = repositories::by_guid(writing.conn(), project).await?;
            for definition in definitions {
                let repository = definition.repository.as_ref().and_then(|guid| repositories.get(guid));
                sqlx::query(PUT_DEFINITION)
                    .bind(project.0)
                    .bind(definition.kind.to_word())
                    .bind(definition.number)
                    .bind(&*definition.name)
                    .bind(&*definition.path)
                    .bind(repository.map(|id| id.0))
                    .execute(writing.conn())
                    .await?;
            }
            self.finish_page(writing, project, page).await
        })
        .await
    }

    /// The definitions of a project, pipelines first.
    pub async fn definitions(&self, project: ProjectId) -> Result<Vec<Definition>> {
        self.attempt("read the definitions", async {
            let rows = sqlx::query(DEFINITIONS).bind(project.0).fetch_all(&mut *self.reader().await?).await?;
            let read = |row: &AnyRow| {
                Ok(Definition {
                    kind: row.word("kind")?,
                    number: row.int("number")?,
                    name: row.text("name")?,
                    path: row.text("path")?,
                    repository: row.maybe_text("guid")?.map(Guid::new),
                })
            };
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Keeps a page of runs, with its cursor.
    pub async fn put_builds(&self, project: ProjectId, builds: &[Build], page: impl Into<Option<PageDone>>) -> Result<PutBuilds> {
        let page = page.into();
        let rules = self.flow_rules();
        self.attempt("keep pipeline runs", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let repositories = repositories::by_guid(writing.conn(), project).await?;
            let builds = each_once(builds);
            let newest = newest(&builds);
            for build in newest.values() {
                name_definition(writing.conn(), project, DefinitionKind::Pipeline, build.definition, &build.definition_name).await?;
            }
            let returned = batch::put(writing.conn(), PUT, &builds, |query, build: &&Build| {
                Ok(query
                    .bind(project.0)
                    .bind(build.number)
                    .bind(build.definition)
                    .bind(build.label.clone())
                    .bind(build.repository.as_ref().and_then(|guid| repositories.get(guid)).map(|id| id.0))
                    .bind(build.branch.clone())
                    .bind(build.sha.as_ref().map(|sha| sha.as_str().to_owned()))
                    .bind(build.reason.clone())
                    .bind(build.status.to_word())
                    .bind(build.result.map(|result| result.to_word().to_owned()))
                    .bind(millis(build.queued_at))
                    .bind(millis(build.started_at))
                    .bind(millis(build.finished_at))
                    .bind(build.requested_for.as_ref().map(|who| who.id.as_str().to_owned()))
                    .bind(json(&build.tags)?)
                    .bind(build.web_url.clone())
                    .bind(build.pull_request()))
            })
            .await?;
            let mut new_or_changed = returned.iter().map(|row| row.int("number")).collect::<Result<Vec<_>>>()?;
            new_or_changed.sort_unstable();
            if let (Some(first), Some(last)) = (new_or_changed.first(), new_or_changed.last()) {
                stage_rows::follow_builds(writing.conn(), project, *first, *last).await?;
                for definition in newest.keys() {
                    sqlx::query(COUNT_RUNS).bind(project.0).bind(*definition).execute(writing.conn()).await?;
                }
            }
            let changed = builds.iter().filter(|build| new_or_changed.binary_search(&build.number).is_ok());
            let of = |build: &&Build| Some((*repositories.get(build.repository.as_ref()?)?, build.pull_request()?));
            let checked: BTreeSet<(RepositoryId, i64)> = changed.filter_map(of).collect();
            histories::follow_validations(writing.conn(), project, &checked, &rules).await?;
            self.finish_page(writing, project, page).await?;
            Ok(PutBuilds { new_or_changed })
        })
        .await
    }

    /// A run of a pipeline.
    pub async fn build(&self, project: ProjectId, number: i64) -> Result<Option<KnownBuild>> {
        self.attempt(format!("read run {number}"), async { find(&mut *self.reader().await?, project, number).await }).await
    }

    /// Runs of pipelines, newest first.
    pub async fn builds(&self, project: ProjectId, filter: &BuildFilter, limit: u32) -> Result<Vec<KnownBuild>> {
        self.attempt("read the pipeline runs", async {
            let sql = if filter.definition.is_some() { OF_DEFINITION } else { FILTERED };
            let mut query = sqlx::query(sql)
                .bind(project.0)
                .bind(filter.branch.clone().unwrap_or_default())
                .bind(i64::from(filter.without_timeline))
                .bind(i64::from(limit));
            if let Some(definition) = filter.definition {
                query = query.bind(definition);
            }
            let rows = query.fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The runs of a commit, newest first.
    pub async fn builds_of_commit(&self, project: ProjectId, sha: &ObjectId) -> Result<Vec<KnownBuild>> {
        self.attempt("read the runs of a commit", async {
            let rows = sqlx::query(OF_COMMIT).bind(project.0).bind(sha.as_str()).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The runs that had not finished when they were last seen, newest first, at most `limit`.
    pub async fn builds_under_way(&self, project: ProjectId, limit: u32) -> Result<Vec<KnownBuild>> {
        self.attempt("read the runs under way", async {
            let rows = sqlx::query(UNDER_WAY).bind(project.0).bind(i64::from(limit)).fetch_all(&mut *self.reader().await?).await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The runs that had not finished when they were last seen, by number.
    pub async fn unfinished_builds(&self, project: ProjectId) -> Result<Vec<i64>> {
        self.attempt("read the unfinished runs", async {
            Ok(sqlx::query_scalar(UNFINISHED).bind(project.0).fetch_all(&mut *self.reader().await?).await?)
        })
        .await
    }
}
