//! Deployments of classic releases into their environments: one row an attempt.
//!
//! A deployment often names the build that it took, and not the commit of that build: then the commit, its branch and its repository are
//! the build's, whichever of the two is collected first. Limits: builds of the same project only, and as far back as they are collected.

use std::collections::BTreeMap;

use super::builds::name_definition;
use super::error::Result;
use super::hold::Hold;
use super::sources::PageDone;
use super::stage_rows::{self, OfRun, StageRow, Told, Writer};
use super::{Store, repositories};
use crate::domain::id::ProjectId;
use crate::domain::run::{DefinitionKind, ReleaseDeployment};

impl Store {
    /// Keeps a page of classic deployments, with its cursor. Of several answers about one attempt the one that ended later stays.
    pub async fn put_release_deployments(
        &self,
        project: ProjectId,
        deployments: &[ReleaseDeployment],
        page: impl Into<Option<PageDone>>,
    ) -> Result<()> {
        let page = page.into();
        self.attempt("keep deployments of releases", async {
            let mut writing = self.writing_on(Hold::Project(project)).await?;
            let repositories = repositories::by_guid(writing.conn(), project).await?;
            let mut last: BTreeMap<(i64, &str, i64), &ReleaseDeployment> = BTreeMap::new();
            let mut definitions: BTreeMap<i64, &str> = BTreeMap::new();
            for deployment in deployments {
                definitions.insert(deployment.definition, &deployment.definition_name);
                let known = last.entry((deployment.release, &deployment.environment, deployment.attempt)).or_insert(deployment);
                if deployment.finished_at >= known.finished_at {
                    *known = deployment;
                }
            }
            for (number, name) in definitions {
                name_definition(writing.conn(), project, DefinitionKind::Release, number, name).await?;
            }
            let mut writer = Writer::new(project);
            for deployment in last.into_values() {
                let conn = writing.conn();
                let mut known = stage_rows::of_run(&mut *conn, project, DefinitionKind::Release, deployment.release).await?;
                let is_it = |row: &&StageRow| row.environment == deployment.environment && row.attempt == deployment.attempt;
                if known.iter().find(is_it).is_some_and(|known| known.finished_at > deployment.finished_at) {
                    continue;
                }
                let branch = deployment.branch.as_ref();
                let mut row = StageRow {
                    kind: DefinitionKind::Release,
                    definition: deployment.definition,
                    run: deployment.release,
                    stage: deployment.environment.clone(),
                    environment: deployment.environment.clone(),
                    told: Told::Release,
                    attempt: deployment.attempt,
                    result: deployment.result,
                    queued_at: deployment.queued_at,
                    started_at: deployment.started_at,
                    finished_at: deployment.finished_at,
                    approval: None,
                    of_run: OfRun {
                        label: deployment.release_name.clone(),
                        sha: deployment.sha.clone(),
                        branch: branch.map(|branch| branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned()),
                        repository: deployment.repository.as_ref().and_then(|guid| repositories.get(guid)).copied(),
                        build: deployment.build,
                        web_url: deployment.web_url.clone(),
                        result: None,
                        finished_at: None,
                    },
                    jobs: Vec::new(),
                };
                stage_rows::learn_from_build(&mut *conn, project, &mut row.of_run).await?;
                writer.put(conn, row, &mut known).await?;
            }
            writer.finish(writing.conn()).await?;
            self.finish_page(writing, project, page).await
        })
        .await
    }
}
