//! The kinds of stages that a project has, and what a person decided about them.
//!
//! An empty stage without an environment stands for the runs of a pipeline as wholes; an environment of definition 0 for itself, whatever
//! deploys into it.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::column::{Columns, Word};
use super::connect::Engine;
use super::error::Result;
use super::hold::Hold;
use super::{Store, environments};
use crate::domain::id::ProjectId;
use crate::domain::run::DefinitionKind;
use crate::metrics::input::{Decided, StageKind};

macro_rules! kinds {
    ($projects:literal) => {
        concat!(
            "SELECT k.id, k.project, k.kind, k.definition, coalesce(d.name, '') AS name, k.stage, k.environment, k.shown, \
             k.runs, k.last_at, '[]' AS left_alone FROM stage_kinds k LEFT JOIN definitions d ON d.project = k.project AND d.kind = k.kind \
             AND d.number = k.definition WHERE k.runs > 0 AND k.project IN (",
            $projects,
            ") UNION ALL SELECT 0, project, kind, number, name, '', '', '', runs, last_at, left_alone FROM definitions \
             WHERE kind = 'pipeline' AND runs > 0 AND project IN (",
            $projects,
            ") ORDER BY 2, 3, 4, 6, 7"
        )
    };
}

macro_rules! tags {
    ($projects:literal) => {
        concat!(
            "SELECT project, definition, tags FROM builds WHERE tags <> '[]' AND project IN (",
            $projects,
            ") GROUP BY project, definition, tags"
        )
    };
}

sqlite_queries! {
    KINDS = kinds!("SELECT value FROM json_each($1)");
    /// The tags of runs of pipelines, each combination once.
    TAGS = tags!("SELECT value FROM json_each($1)");
}

postgres_queries! {
    KINDS_ON_SERVER = kinds!("SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))");
    TAGS_ON_SERVER = tags!("SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(CAST($1 AS TEXT) AS JSON))");
}

queries! {
    RULES = "SELECT project, kind, definition, stage, environment, decided FROM production_rules";
    DECIDE = "INSERT INTO production_rules (project, kind, definition, stage, environment, decided, decided_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (project, kind, definition, stage, environment) DO UPDATE \
        SET decided = excluded.decided, decided_at = excluded.decided_at";
    UNDECIDE = "DELETE FROM production_rules WHERE project = $1 AND kind = $2 AND definition = $3 AND stage = $4 AND environment = $5";
}

/// Numbers as one parameter: JSON, which both engines take apart.
pub(super) fn list(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

type Key = (i64, DefinitionKind, i64, String, String);

/// What is decided about an environment, whatever deploys into it.
fn environment_key(project: i64, kind: DefinitionKind, environment: &str) -> Option<Key> {
    let is_one = kind == DefinitionKind::Pipeline && !environment.is_empty();
    is_one.then(|| (project, kind, 0, String::new(), environment.to_owned()))
}

async fn decisions(conn: &mut AnyConnection) -> Result<HashMap<Key, Decided>> {
    let mut decided: HashMap<Key, Decided> = HashMap::new();
    for row in sqlx::query(RULES).fetch_all(conn).await? {
        let key = (row.int("project")?, row.word("kind")?, row.int("definition")?, row.text("stage")?, row.text("environment")?);
        decided.insert(key, row.word("decided")?);
    }
    Ok(decided)
}

/// The kinds of stages of projects with their row ids, 0 for a pipeline's runs as wholes.
pub(super) async fn kinds(conn: &mut AnyConnection, engine: Engine, projects: &[ProjectId]) -> Result<Vec<(i64, StageKind)>> {
    let decided = decisions(&mut *conn).await?;
    let (of_kinds, of_tags) = match engine {
        Engine::Sqlite => (KINDS, TAGS),
        Engine::Postgres => (KINDS_ON_SERVER, TAGS_ON_SERVER),
    };
    let projects = list(projects.iter().map(|project| project.0));
    let mut tags: HashMap<(i64, i64), BTreeSet<String>> = HashMap::new();
    for row in sqlx::query(of_tags).bind(projects.clone()).fetch_all(&mut *conn).await? {
        let of_run: Vec<String> = row.json("tags")?;
        tags.entry((row.int("project")?, row.int("definition")?)).or_default().extend(of_run);
    }
    let rows = sqlx::query(of_kinds).bind(projects).fetch_all(conn).await?;
    let read = |row: &AnyRow| {
        let environment = row.text("environment")?;
        let key = (row.int("project")?, row.word("kind")?, row.int("definition")?, row.text("stage")?, environment.clone());
        let tags = tags.get(&(key.0, key.2)).filter(|_| key.1 == DefinitionKind::Pipeline);
        let kind = StageKind {
            project: ProjectId(key.0),
            kind: key.1,
            definition: key.2,
            definition_name: row.text("name")?,
            tags: tags.into_iter().flatten().cloned().collect(),
            stage: key.3.clone(),
            shown: Some(row.text("shown")?).filter(|name| !name.is_empty()),
            environment: Some(environment).filter(|name| !name.is_empty()),
            runs: row.int("runs")?,
            last_at: row.maybe_instant("last_at")?,
            decided: decided.get(&key).or_else(|| decided.get(&environment_key(key.0, key.1, &key.4)?)).copied(),
            left_alone: row.json("left_alone")?,
        };
        Ok((row.int("id")?, kind))
    };
    rows.iter().map(read).collect()
}

impl Store {
    /// The kinds of stages of projects, and of each pipeline its runs as wholes.
    pub async fn stage_kinds(&self, projects: &[ProjectId]) -> Result<Vec<StageKind>> {
        self.attempt("read the kinds of stages", async {
            let mut conn = self.snapshot().await?;
            Ok(kinds(&mut conn, self.engine(), projects).await?.into_iter().map(|(_, kind)| kind).collect())
        })
        .await
    }

    /// The environments of a project, each as a kind of stage of no definition: what its name says, and what was decided about it. Who
    /// deploys into it is known once it was read.
    pub async fn environment_kinds(&self, project: ProjectId) -> Result<Vec<StageKind>> {
        self.attempt("read the environments", async {
            let mut conn = self.snapshot().await?;
            let decided = decisions(&mut conn).await?;
            let environments = environments::of_project(&mut conn, project).await?;
            let kind = |name: String| StageKind {
                project,
                kind: DefinitionKind::Pipeline,
                definition: 0,
                definition_name: String::new(),
                tags: Vec::new(),
                stage: String::new(),
                shown: None,
                decided: environment_key(project.0, DefinitionKind::Pipeline, &name).and_then(|key| decided.get(&key)).copied(),
                environment: Some(name),
                runs: 0,
                last_at: None,
                left_alone: Vec::new(),
            };
            Ok(environments.into_iter().map(|environment| kind(environment.name)).collect())
        })
        .await
    }

    /// Environments of which a person said that a stage that deploys into them is production.
    pub async fn decided_environments(&self, project: ProjectId) -> Result<BTreeSet<String>> {
        self.attempt("read which environments are production", async {
            let decided = decisions(&mut *self.reader().await?).await?;
            let is_meant = |key: &Key, said: Decided| (key.0, key.1, said) == (project.0, DefinitionKind::Pipeline, Decided::Production);
            Ok(decided
                .into_iter()
                .filter(|(key, said)| is_meant(key, *said))
                .map(|(key, _)| key.4)
                .filter(|name| !name.is_empty())
                .collect())
        })
        .await
    }

    /// Keeps what a person decided about a kind of stage; nothing takes the decision back.
    #[allow(clippy::too_many_arguments)]
    pub async fn decide_production(
        &self,
        project: ProjectId,
        kind: DefinitionKind,
        definition: i64,
        stage: &str,
        environment: Option<&str>,
        decided: Option<Decided>,
        now: Timestamp,
    ) -> Result<()> {
        self.attempt("keep what is production", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let sql = if decided.is_some() { DECIDE } else { UNDECIDE };
            let mut query = sqlx::query(sql)
                .bind(project.0)
                .bind(kind.to_word())
                .bind(definition)
                .bind(stage.to_owned())
                .bind(environment.unwrap_or_default().to_owned());
            if let Some(decided) = decided {
                query = query.bind(decided.to_word()).bind(now.as_millisecond());
            }
            query.execute(writing.conn()).await?;
            self.inner.pace.hurry(project);
            self.finish_page(writing, project, None).await
        })
        .await
    }
}
