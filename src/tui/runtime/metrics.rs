//! Figures for the screen: read from the store, worked out beside the loop, written into files.

use crate::domain::id::ProjectId;
use crate::metrics::figures::Metric;
use crate::notice::Notice;
use crate::tui::event::{Generation, What};
use crate::tui::model::metrics::{Ask, Scope};

use super::{Runtime, answer};

fn not_yet() -> Notice {
    Notice::new("this version collects no figures yet")
}

impl Runtime {
    pub(super) async fn load_metrics(&self, _project: ProjectId, _ask: Ask, generation: Generation) {
        self.tell(What::MetricsLoaded { generation, page: Err(not_yet()) });
    }

    pub(super) async fn load_metric_rows(&self, _project: ProjectId, _ask: Ask, _metric: Metric, generation: Generation) {
        self.tell(What::MetricRowsLoaded { generation, rows: Err(not_yet()) });
    }

    pub(super) async fn load_teams(&self, project: ProjectId, generation: Generation) {
        let ctx = &self.services.ctx;
        let names = async {
            let project = ctx.project(project).await?;
            let client = ctx.client(&project).await?;
            let mut names: Vec<String> = client.teams(&project.guid).await?.into_iter().map(|team| team.name).collect();
            names.sort_unstable();
            Ok::<_, crate::action::Error>(names)
        };
        let teams = answer(names.await);
        self.tell(What::TeamsLoaded { generation, teams });
    }

    pub(super) async fn export_metrics(
        &self,
        _project: ProjectId,
        _ask: Ask,
        _metric: Option<Metric>,
        _path: String,
        generation: Generation,
    ) {
        self.tell(What::MetricsExported { generation, written: Err(not_yet()) });
    }

    pub(super) fn collect(&self, _project: ProjectId, _scope: Scope) {
        self.tell(What::Done { words: Err(not_yet()) });
    }
}
