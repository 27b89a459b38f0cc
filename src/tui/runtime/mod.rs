//! Performs effects: reads the store, runs actions as tasks, and answers with events. The only part of the screen that knows them.
//!
//! Every effect runs on its own; what must not overlap (saving one draft twice at once) the model does not ask for.

mod activity;
mod convert;
mod load;
mod metrics;
mod setup;
mod spec;
mod ticket;
mod webhooks;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Mutex, broadcast, mpsc};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use super::effect::Effect;
use super::event::{Answer, Generation, What};
use super::session::Session;
use crate::action;
use crate::action::connect::Checked;
use crate::domain::change::Change;
use crate::domain::id::TicketKey;
use crate::notice::{Explain, Notice};
use crate::services::Services;
use crate::sync::ingest::web_url;

/// The setting that holds the session.
const SESSION: &str = "tui.session";

/// Cheap to clone: each effect's future owns one.
#[derive(Clone)]
pub struct Runtime {
    services: Services,
    inbox: mpsc::UnboundedSender<What>,
    /// Work that must be done before the program ends: drafts being saved.
    saving: TaskTracker,
    /// What the last passing check found: the projects that can be activated.
    checked: Arc<Mutex<Option<Checked>>>,
    /// Follows how long Azure DevOps asks the current project's client to wait.
    waits: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Runtime {
    pub fn new(services: Services, inbox: mpsc::UnboundedSender<What>) -> Self {
        Self { services, inbox, saving: TaskTracker::new(), checked: Arc::default(), waits: Arc::default() }
    }

    pub fn now(&self) -> Timestamp {
        self.services.ctx.clock.now()
    }

    /// The loop is gone when nobody receives; then nothing needs to be told any more.
    fn tell(&self, what: What) {
        let _ = self.inbox.send(what);
    }

    /// Tells of changes of the store and of tasks from now on.
    pub fn listen(&self) {
        let mut changes = self.services.ctx.store.subscribe();
        let runtime = self.clone();
        tokio::spawn(async move {
            loop {
                match changes.recv().await {
                    Ok(change) => runtime.tell(What::Changed(change)),
                    Err(broadcast::error::RecvError::Lagged(_)) => runtime.tell(What::Changed(Change::Elsewhere)),
                    Err(broadcast::error::RecvError::Closed) => return,
                }
            }
        });
        let mut tasks = self.services.tasks.watch();
        let runtime = self.clone();
        tokio::spawn(async move {
            while tasks.changed().await.is_ok() {
                let rows = tasks.borrow_and_update().iter().map(convert::task).collect();
                runtime.tell(What::Tasks(rows));
            }
        });
    }

    /// Where a person was when the last session ended. One that cannot be read is as good as none.
    pub async fn session(&self) -> Session {
        let text = self.services.ctx.store.setting(SESSION).await.ok().flatten();
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    pub async fn save_session(&self, session: &Session) {
        let Ok(text) = serde_json::to_string(session) else { return };
        if let Err(error) = self.services.ctx.store.set_setting(SESSION, &text).await {
            tracing::warn!(%error, "the session was not saved");
        }
    }

    /// The page of a ticket's pull request.
    pub async fn page(&self, key: &TicketKey) -> Answer<String> {
        let view = self.services.ctx.store.ticket_view(key).await.map_err(|error| error.notice())?;
        let view = view.ok_or_else(|| Notice::new(format!("there is no ticket {key}")))?;
        let known = view.pull_request.ok_or_else(|| Notice::new(format!("{key} has no pull request")))?;
        let url = known.web_url.or_else(|| web_url(view.repository.as_ref()?, known.facts.number));
        url.ok_or_else(|| Notice::new("the page of the repository is not known").hint("discover the repositories again: press 5"))
    }

    /// Waits for drafts being saved, and tells running tasks to stop; each can be resumed.
    pub async fn finish(&self, within: Duration) {
        self.saving.close();
        let _ = tokio::time::timeout(within, self.saving.wait()).await;
        let _ = tokio::time::timeout(within, self.services.tasks.stop_all()).await;
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(work);
    }

    /// Runs something small, and answers `Done`.
    fn small<F>(&self, work: F)
    where
        F: Future<Output = action::Result<Option<String>>> + Send + 'static,
    {
        let runtime = self.clone();
        self.spawn(async move {
            let words = work.await.map_err(|error| error.notice());
            runtime.tell(What::Done { words });
        });
    }

    /// Runs an action as a task: tells its number, then hands on what came of it.
    fn task<T, F, W>(
        &self,
        generation: Generation,
        title: String,
        subject: Option<TicketKey>,
        work: W,
        then: impl FnOnce(Self, T) + Send + 'static,
    ) where
        T: Send + 'static,
        F: Future<Output = action::Result<(T, String)>> + Send + 'static,
        W: FnOnce(action::Reporter) -> F,
    {
        let task = self.services.tasks.start(title, subject, work);
        self.tell(What::TaskStarted { generation, task: Ok(task.id.0) });
        let runtime = self.clone();
        self.spawn(async move {
            // A failure is in the task's row already.
            if let Some(Ok(value)) = task.outcome().await {
                then(runtime, value);
            }
        });
    }

    /// Performs an effect that does not touch the terminal.
    pub fn perform(&self, effect: Effect) {
        let runtime = self.clone();
        match effect {
            Effect::LoadBoard { project, generation } => self.spawn(async move { runtime.load_board(project, generation).await }),
            Effect::LoadTicket { key, generation } => self.spawn(async move { runtime.load_ticket(key, generation).await }),
            Effect::LoadPullRequests { project, generation } => {
                self.spawn(async move { runtime.load_pull_requests(project, generation).await });
            }
            Effect::LoadProjects { generation } => self.spawn(async move { runtime.load_projects(generation).await }),
            Effect::LoadRepositories { project, generation } => {
                self.spawn(async move { runtime.load_repositories(project, generation).await });
            }
            Effect::LoadMembers { project, generation } => self.spawn(async move { runtime.load_members(project, generation).await }),
            Effect::SelectProject { project } => self.spawn(async move { runtime.select_project(project).await }),

            Effect::LoadLive { project, generation } => self.spawn(async move { runtime.load_live(project, generation).await }),
            Effect::LoadDeliveries { project, shown, generation } => {
                self.spawn(async move { runtime.load_deliveries(project, shown, generation).await });
            }
            Effect::LoadBody { delivery, generation } => self.spawn(async move { runtime.load_body(delivery, generation).await }),
            Effect::ReplayDelivery { delivery } => runtime.replay_delivery(delivery),
            Effect::LoadHealth { project, generation } => self.spawn(async move { runtime.load_health(project, generation).await }),
            Effect::LoadRequests { project, generation } => self.spawn(async move { runtime.load_requests(project, generation).await }),
            Effect::LoadMetrics { project, ask, generation } => {
                self.spawn(async move { runtime.load_metrics(project, *ask, generation).await });
            }
            Effect::LoadMetricRows { project, ask, metric, generation } => {
                self.spawn(async move { runtime.load_metric_rows(project, *ask, metric, generation).await });
            }
            Effect::LoadMoved { project, ask, metric, generation } => {
                self.spawn(async move { runtime.load_moved(project, *ask, metric, generation).await });
            }
            Effect::LoadCollections { project, generation } => {
                self.spawn(async move { runtime.load_collections(project, generation).await });
            }
            Effect::Deselect { project, name, collected } => runtime.deselect(project, name, collected),
            Effect::Explain { repository, number, generation } => {
                self.spawn(async move { runtime.explain(repository, number, generation).await });
            }
            Effect::LoadTeams { project, generation } => self.spawn(async move { runtime.load_teams(project, generation).await }),
            Effect::ExportMetrics { project, ask, metric, path, generation } => {
                self.spawn(async move { runtime.export_metrics(project, *ask, metric, path, generation).await });
            }
            Effect::Collect { project, scope } => runtime.collect(project, scope),
            Effect::LoadWebhooks { project, generation } => self.spawn(async move { runtime.load_webhooks(project, generation).await }),
            Effect::PlanHooks { project, verb, generation } => {
                self.spawn(async move { runtime.plan_hooks(project, verb, generation).await });
            }
            Effect::ChangeHooks { project, verb, generation } => runtime.change_hooks(project, verb, generation),
            Effect::LoadSteps { project, generation } => self.spawn(async move { runtime.load_steps(project, generation).await }),

            Effect::SaveSpec { key, expected_revision, text, generation } => {
                self.saving.spawn(async move { runtime.save_spec(key, expected_revision, text, generation).await });
            }
            Effect::PlanPush { key, generation } => self.spawn(async move { runtime.plan_push(key, generation).await }),
            Effect::PushSpec { key, generation } => runtime.push_spec(key, generation),
            Effect::PullSpec { key, generation } => runtime.pull_spec(key, generation),
            Effect::DiffSpec { key, generation } => self.spawn(async move { runtime.diff_spec(key, generation).await }),
            Effect::ResolveSpec { key, text, conflict, generation } => {
                self.saving.spawn(async move { runtime.resolve_spec(key, text, *conflict, generation).await });
            }
            Effect::ToggleCriterion { key, index } => runtime.toggle_criterion(key, index),

            Effect::PlanStart { key, repository, generation } => {
                self.spawn(async move { runtime.plan_start(key, repository, generation).await });
            }
            Effect::Start { key, existing, generation } => runtime.start_work(key, existing, generation),
            Effect::PlanPullRequest { key, target_branch, generation } => {
                self.spawn(async move { runtime.plan_pull_request(key, target_branch, generation).await });
            }
            Effect::OpenPullRequest { request, generation } => runtime.open_pull_request(*request, generation),
            Effect::CreateTicket { request, generation } => self.spawn(async move { runtime.create_ticket(*request, generation).await }),
            Effect::Assign { key, version, member } => runtime.assign(key, version, member),
            Effect::AssignToMe { key, version } => runtime.assign_to_me(key, version),
            Effect::Move { key, to } => runtime.move_to(key, to),
            Effect::Archive { key, version: _ } => runtime.archive(key),
            Effect::Delete { key, version: _ } => runtime.delete(key),

            Effect::Sync { project, why, generation } => self.spawn(async move { runtime.sync(project, why, generation).await }),
            Effect::SyncTicket { key } => runtime.sync_ticket(key),
            Effect::LoadDetails { project, keys, pull_requests, reread } => {
                self.spawn(async move { runtime.load_details(project, keys, pull_requests, reread).await });
            }

            Effect::CheckConnection { url, token, generation } => {
                self.spawn(async move { runtime.check_connection(url, token, generation).await });
            }
            Effect::Activate { url, token, project, generation } => runtime.activate(url, token, project, generation),
            Effect::DiscoverRepositories { project, generation } => {
                self.spawn(async move { runtime.discover_repositories(project, generation).await });
            }
            Effect::LinkRepository { repository, link } => runtime.link_repository(repository, link),
            Effect::DiscoverMembers { project, generation } => {
                self.spawn(async move { runtime.discover_members(project, generation).await });
            }
            Effect::SetMember { member, change } => runtime.set_member(member, change),
            Effect::SetComments { project, posting } => runtime.set_comments(project, posting),
            Effect::SetReviewRules { project, rules } => runtime.set_review_rules(project, rules),
            Effect::CancelTask { task } => self.services.tasks.cancel(crate::tasks::TaskId(task)),

            // Done by the loop, which owns the terminal.
            Effect::StartDemo
            | Effect::CopyText { .. }
            | Effect::CopyHidden { .. }
            | Effect::Notify(_)
            | Effect::OpenUrl { .. }
            | Effect::OpenPage { .. }
            | Effect::ExternalEditor { .. }
            | Effect::SaveSession(_)
            | Effect::SetTitle(_)
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Suspend
            | Effect::Bell
            | Effect::Quit(_) => {}
        }
    }
}

/// An answer from a result of the store or an action.
fn answer<T, E: Explain>(result: Result<T, E>) -> Answer<T> {
    result.map_err(|error| error.notice())
}
