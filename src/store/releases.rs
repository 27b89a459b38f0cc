//! Deployments of classic releases into their environments: one row a release and environment, of the final attempt.

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
    /// Keeps a page of classic deployments, with its cursor. Of several attempts the last one stays; of several answers about one
    /// attempt the one that ended later.
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
            let mut last: BTreeMap<(i64, &str), &ReleaseDeployment> = BTreeMap::new();
            let mut definitions: BTreeMap<i64, &str> = BTreeMap::new();
            for deployment in deployments {
                definitions.insert(deployment.definition, &deployment.definition_name);
                let known = last.entry((deployment.release, &deployment.environment)).or_insert(deployment);
                if (deployment.attempt, deployment.finished_at) >= (known.attempt, known.finished_at) {
                    *known = deployment;
                }
            }
            for (number, name) in definitions {
                name_definition(writing.conn(), project, DefinitionKind::Release, number, name).await?;
            }
            let mut writer = Writer::new(project);
            for deployment in last.into_values() {
                let conn = writing.conn();
                let known = stage_rows::of_run(&mut *conn, project, DefinitionKind::Release, deployment.release).await?;
                let before = known.iter().find(|row| row.environment == deployment.environment);
                if before.is_some_and(|known| (known.attempt, known.finished_at) > (deployment.attempt, deployment.finished_at)) {
                    continue;
                }
                let branch = deployment.branch.as_ref();
                let row = StageRow {
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
                    approval_ms: None,
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
                writer.put(conn, &row, before).await?;
            }
            writer.finish(writing.conn()).await?;
            self.finish_page(writing, project, page).await
        })
        .await
    }
}
