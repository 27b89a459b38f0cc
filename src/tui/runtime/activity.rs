//! What the activity screen and the live chips are read from: the inbox, the hooks' health, the requests of this process.

use crate::domain::id::ProjectId;
use crate::notice::Notice;
use crate::store::DeliveryFilter;
use crate::tui::event::{Generation, What};
use crate::tui::model::activity::Shown;
use crate::tui::readable;

use super::{Runtime, answer, convert};

/// Deliveries that are listed.
const LISTED: i64 = 500;

impl Runtime {
    pub(super) async fn load_live(&self, project: ProjectId, generation: Generation) {
        let live = answer(self.services.ctx.store.live(project, self.now()).await);
        self.tell(What::LiveLoaded { generation, live });
    }

    pub(super) async fn load_deliveries(&self, project: ProjectId, shown: Shown, generation: Generation) {
        let filter = match shown {
            Shown::All => DeliveryFilter::All,
            Shown::Problems => DeliveryFilter::Problems,
        };
        let rows = answer(self.services.ctx.store.deliveries(Some(project), filter, LISTED).await);
        self.tell(What::DeliveriesLoaded { generation, rows });
    }

    pub(super) async fn load_body(&self, delivery: i64, generation: Generation) {
        let lines = match self.services.ctx.store.delivery_body(delivery).await {
            // A body may have megabytes: it is laid out beside the loop.
            Ok(Some(body)) => {
                tokio::task::spawn_blocking(move || readable::lines(&body)).await.map_err(|_| Notice::new("the body could not be laid out"))
            }
            Ok(None) => Err(Notice::new(format!("delivery {delivery} is not kept any more"))),
            Err(error) => answer(Err(error)),
        };
        self.tell(What::BodyLoaded { generation, lines });
    }

    pub(super) fn replay_delivery(&self, delivery: i64) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let found = ctx.store.replay_delivery(delivery, ctx.clock.now()).await?;
            Ok(Some(match found {
                true => format!("delivery {delivery} waits to be applied again"),
                false => format!("delivery {delivery} is not kept any more"),
            }))
        });
    }

    pub(super) async fn load_health(&self, project: ProjectId, generation: Generation) {
        let health = answer(self.services.ctx.store.hook_health(project, self.now()).await).map(Box::new);
        self.tell(What::HealthLoaded { generation, health });
    }

    pub(super) async fn load_requests(&self, project: ProjectId, generation: Generation) {
        let rows = async {
            let ctx = &self.services.ctx;
            let project = answer(ctx.project(project).await)?;
            let client = answer(ctx.client(&project).await)?;
            Ok(client.request_log().entries().iter().rev().map(convert::request).collect())
        };
        let rows = rows.await;
        self.tell(What::RequestsLoaded { generation, rows });
    }

    /// Tells when Azure DevOps asks this project's client to wait, from now on.
    pub(super) async fn follow_waits(&self, project: ProjectId) {
        let ctx = &self.services.ctx;
        let client = async {
            let project = ctx.project(project).await.ok()?;
            ctx.client(&project).await.ok()
        };
        let Some(client) = client.await else { return };
        let mut waits = client.told_to_wait();
        let mut current = self.waits.lock().await;
        if let Some(before) = current.take() {
            before.abort();
        }
        let runtime = self.clone();
        *current = Some(tokio::spawn(async move {
            loop {
                let until = *waits.borrow_and_update();
                runtime.tell(What::RateLimited { until: until.filter(|until| *until > runtime.now()) });
                if waits.changed().await.is_err() {
                    return;
                }
            }
        }));
    }
}
