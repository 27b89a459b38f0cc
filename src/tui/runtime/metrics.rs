//! Figures for the screen: read from the store, worked out beside the loop, written into files.

use crate::action::hooks;
use crate::domain::id::ProjectId;
use crate::metrics::figures::Metric;
use crate::notice::Notice;
use crate::tui::effect::Collected;
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

    pub(super) async fn load_collections(&self, _project: ProjectId, generation: Generation) {
        self.tell(What::CollectionsLoaded { generation, collections: Err(not_yet()) });
    }

    /// Takes a project off the board: its webhooks are deleted, its tickets stay.
    pub(super) fn deselect(&self, id: ProjectId, name: String, collected: Collected) {
        let ctx = self.services.ctx.clone();
        let work = move |_| async move {
            let project = ctx.project(id).await?;
            let done = hooks::deselect(&ctx, &project).await?;
            let hooks = match &done.hooks {
                Ok(removed) if removed.deleted > 0 => format!(", with {} of its webhooks", removed.deleted),
                Ok(_) => String::new(),
                Err(why) => format!("; its webhooks are still there: {why}"),
            };
            let facts = match collected {
                Collected::Kept => "",
                Collected::Deleted => "; what was collected is deleted",
            };
            Ok(((), format!("{} is off the board{hooks}{facts}", project.name)))
        };
        self.services.tasks.start(format!("take {name} off the board"), None, work);
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
