//! Figures for the screen: read from the store, worked out beside the loop, collected when a person asks, written into files.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::action::{self, Context, Reporter, deselect, explain_pull_request, members};
use crate::domain::collection::Source;
use crate::domain::id::{ProjectId, RepositoryId, TicketKey};
use crate::domain::progress::{Step, StepState};
use crate::domain::project::{Project, Repository};
use crate::domain::rate_limit;
use crate::domain::run::DefinitionKind;
use crate::domain::ticket::PullRequestRef;
use crate::engine;
use crate::metrics::figures::{Metric, Row, Subject};
use crate::metrics::input::{Input, MeasuredProject};
use crate::metrics::query::{Query, Team};
use crate::metrics::{self, csv, movers, names, telling};
use crate::notice::Notice;
use crate::sync::collect::Progress;
use crate::sync::collect::progress::ProjectProgress;
use crate::sync::ingest::web_url;
use crate::tui::answer::{Collections, Link, Links, MetricRow, MetricRows, MetricsPage, Story};
use crate::tui::effect::Collected;
use crate::tui::event::{Answer, Generation, What};
use crate::tui::model::metrics::{Ask, Scope};

use super::{Runtime, answer};

/// Rows that are listed; an export has all of them.
const LISTED: usize = 5_000;
/// Rows whose titles are looked up.
const TITLED: usize = 500;
/// How often a collection tells how far it has come.
const EVERY: Duration = Duration::from_millis(500);

impl Runtime {
    pub(super) async fn load_metrics(&self, project: ProjectId, ask: Ask, generation: Generation) {
        let page = self.metrics_page(project, &ask).await.map(Box::new);
        self.tell(What::MetricsLoaded { generation, page });
    }

    async fn metrics_page(&self, project: ProjectId, ask: &Ask) -> Answer<MetricsPage> {
        let ctx = &self.services.ctx;
        let (input, query) = self.input(project, ask).await?;
        let zone = answer(action::figures::zone(ctx, &query.projects).await)?;
        let (now, worked) = (self.now(), input.clone());
        let figures = beside(move || metrics::summarise(&worked, &query, now)).await?;
        let others = answer(ctx.store.projects().await)?.into_iter().map(|project| (project.id, project.name)).collect();
        Ok(MetricsPage {
            figures,
            zone,
            projects: input.projects.clone(),
            others,
            repositories: input.repositories.iter().map(|(id, _, name, _)| (*id, name.clone())).collect(),
            rate_limit: self.rate_limit(project).await,
        })
    }

    /// The question with the rules of the configuration and the zone of its projects.
    async fn query(&self, project: ProjectId, ask: &Ask) -> Answer<Query> {
        let settings = &self.services.ctx.config.metrics;
        let projects = match &ask.scope {
            Scope::Here => vec![project],
            Scope::All => Vec::new(),
            Scope::Project(id, _) => vec![*id],
        };
        let zone = answer(action::figures::zone(&self.services.ctx, &projects).await)?.zone;
        let window = ask.span.window(&zone, self.now());
        let mut query = Query::new(projects, window, settings.rules.clone());
        query.zone = zone;
        query.definition = ask.definition;
        query.hours = ask.hours;
        query.repository = ask.repository.as_ref().map(|(id, _)| *id);
        query.service = ask.service.as_ref().map(|(id, _)| id.clone());
        if let Some(name) = &ask.team {
            query.team = Some(answer(self.team(project, name).await)?);
        }
        Ok(query)
    }

    /// Figures are read again and again: who the team is, is asked once.
    async fn team(&self, project: ProjectId, name: &str) -> action::Result<Team> {
        let ctx = &self.services.ctx;
        members::known_team(ctx, &ctx.project(project).await?, name).await
    }

    async fn input(&self, project: ProjectId, ask: &Ask) -> Answer<(Arc<Input>, Query)> {
        let query = self.query(project, ask).await?;
        let input = answer(action::figures::input(&self.services.ctx, &query).await)?;
        Ok((input, query))
    }

    /// How much Azure DevOps lets the project's collection ask, as far as it has said, here or to another process.
    async fn rate_limit(&self, project: ProjectId) -> Option<rate_limit::Known> {
        let ctx = &self.services.ctx;
        let project = ctx.project(project).await.ok()?;
        action::rate_limit::known(ctx, &project).await.ok()
    }

    pub(super) async fn load_metric_rows(&self, project: ProjectId, ask: Ask, metric: Metric, generation: Generation) {
        let rows = self.metric_rows(project, &ask, metric).await;
        self.tell(What::MetricRowsLoaded { generation, rows });
    }

    async fn rows(&self, project: ProjectId, ask: &Ask, metric: Metric) -> Answer<(Arc<Input>, Vec<Row>)> {
        let (input, query) = self.input(project, ask).await?;
        let (now, worked) = (self.now(), input.clone());
        let rows = beside(move || metrics::rows(&worked, &query, metric, now)).await?;
        Ok((input, rows))
    }

    async fn metric_rows(&self, project: ProjectId, ask: &Ask, metric: Metric) -> Answer<Box<MetricRows>> {
        let (input, mut rows) = self.rows(project, ask, metric).await?;
        rows.truncate(LISTED);
        let places = answer(Places::of(&self.services.ctx, &input).await)?;
        let mut listed = Vec::with_capacity(rows.len());
        for (at, row) in rows.into_iter().enumerate() {
            let title = match &row.subject {
                Subject::PullRequest { repository, number } if at < TITLED => {
                    answer(self.services.ctx.store.pull_request_history(*repository, *number).await)?.map(|history| history.title)
                }
                _ => None,
            };
            let name = names::subject(&row.subject, &input);
            listed.push(MetricRow { url: places.url(&row.subject), ticket: places.ticket(&row.subject), name, title, row });
        }
        let links = (metric == Metric::LeadTime).then(|| links(&input, &places));
        Ok(Box::new(MetricRows { rows: listed, links }))
    }

    pub(super) async fn load_moved(&self, project: ProjectId, ask: Ask, metric: Metric, generation: Generation) {
        let lines = async {
            let (input, query) = self.input(project, &ask).await?;
            let now = self.now();
            beside(move || {
                let moved = movers::movers(&input, &query, metric, now);
                moved.map(|moved| moved.lines(&|subject| names::subject(subject, &input))).unwrap_or_default()
            })
            .await
        };
        let lines = lines.await;
        self.tell(What::MovedLoaded { generation, lines });
    }

    pub(super) async fn load_collections(&self, project: ProjectId, generation: Generation) {
        let store = &self.services.ctx.store;
        let collections = async {
            let mut projects = Vec::new();
            for row in answer(store.projects().await)? {
                let collection = answer(store.collection(row.id).await)?;
                projects.push(MeasuredProject {
                    id: row.id,
                    name: row.name,
                    collection,
                    incident_source: Default::default(),
                    approvals: Default::default(),
                });
            }
            Ok(Box::new(Collections { projects, rate_limit: self.rate_limit(project).await }))
        };
        let collections = collections.await;
        self.tell(What::CollectionsLoaded { generation, collections });
    }

    pub(super) async fn explain(&self, repository: RepositoryId, number: i64, generation: Generation) {
        let explained = answer(explain_pull_request::run(&self.services.ctx, repository, number).await);
        let story = explained.map(|explained| {
            let explain_pull_request::Explained { waterfall, landing, stops, missing, read_at } = explained;
            Box::new(Story { waterfall, landing, stops, missing, read_at })
        });
        self.tell(What::Explained { generation, story });
    }

    /// Takes a project off the board: its webhooks are deleted, its tickets stay, and what was collected if that is wanted.
    pub(super) fn deselect(&self, id: ProjectId, name: String, collected: Collected) {
        let ctx = self.services.ctx.clone();
        let work = move |reporter: Reporter| async move {
            let project = ctx.project(id).await?;
            let collected = match collected {
                Collected::Kept => deselect::Collected::Keep,
                Collected::Deleted => deselect::Collected::Purge,
            };
            let done = deselect::run(&ctx, &project, collected, &reporter).await?;
            let left = done.unfinished().map(|notice| format!("; {}", notice.text)).unwrap_or_default();
            Ok(((), format!("{}{left}", done.words())))
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
            Ok::<_, action::Error>(names)
        };
        let teams = answer(names.await);
        self.tell(What::TeamsLoaded { generation, teams });
    }

    pub(super) async fn export_metrics(&self, project: ProjectId, ask: Ask, metric: Option<Metric>, path: String, generation: Generation) {
        let written = self.export(project, &ask, metric, &path).await;
        self.tell(What::MetricsExported { generation, written });
    }

    async fn export(&self, project: ProjectId, ask: &Ask, metric: Option<Metric>, path: &str) -> Answer<String> {
        let json = path.ends_with(".json");
        let (text, what) = match metric {
            None => {
                let figures = self.metrics_page(project, ask).await?.figures;
                let text = if json { pretty(&figures)? } else { csv::figures(&figures) };
                (text, counted(figures.tiles.len(), "figure"))
            }
            Some(metric) => {
                let (input, rows) = self.rows(project, ask, metric).await?;
                let text = if json { pretty(&rows)? } else { csv::rows(&rows, &input) };
                (text, counted(rows.len(), "row"))
            }
        };
        let path = path.to_owned();
        beside(move || write_new(Path::new(&path), &text).map(|place| format!("{what} written to {place}"))).await?
    }

    /// Collects what is new, of projects that are measured from now on.
    pub(super) fn collect(&self, project: ProjectId, scope: Scope) {
        let ctx = self.services.ctx.clone();
        let work = move |reporter: Reporter| async move {
            let projects = match scope {
                Scope::Here => vec![ctx.project(project).await?],
                Scope::Project(id, _) => vec![ctx.project(id).await?],
                Scope::All => ctx.store.projects().await?,
            };
            measure(&ctx, &projects).await?;
            let settings = engine::collect_settings(&ctx.config);
            let (sender, receiver) = watch::channel(Progress::default());
            let mut collecting = std::pin::pin!(engine::collect_now(&ctx, &projects, &settings, &sender));
            let ended = loop {
                tokio::select! {
                    ended = &mut collecting => break ended?,
                    () = tokio::time::sleep(EVERY) => tell(&reporter, &receiver.borrow()),
                }
            };
            tell(&reporter, &ended.progress);
            let failed = ended.progress.failed();
            let words = match failed {
                0 => "everything is collected".to_owned(),
                _ => format!("collected, but {} failed: 4 says why", counted(failed, "source")),
            };
            Ok(((), words))
        };
        self.services.tasks.start("collect what is new", None, work);
    }
}

/// Work that takes long is done beside the loop and its tasks.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Notice::new("the figures could not be worked out").hint("`kanado log` has the crash"))
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {one}s", telling::grouped(count as u64)) }
}

fn pretty<T: serde::Serialize>(value: &T) -> Answer<String> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Notice::new(format!("the figures could not be written down: {error}")))?;
    Ok(text + "\n")
}

/// Writes a file that was not there before, and says where it is.
fn write_new(path: &Path, text: &str) -> Answer<String> {
    let shown = path.display();
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(std::path::absolute(path).map_or_else(|_| shown.to_string(), |place| place.display().to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(Notice::new(format!("{shown} is there already")).hint("nothing was written; choose another name"))
        }
        Err(error) => Err(Notice::new(format!("{shown} could not be written: {error}")).hint("choose another place")),
    }
}

/// Sees to it that the projects are measured, from as far back as the configuration says.
async fn measure(ctx: &Context, projects: &[Project]) -> action::Result<()> {
    let days = i64::try_from(ctx.config.metrics.days).unwrap_or(36_500).min(36_500);
    let from: Timestamp = ctx.clock.now() - SignedDuration::from_hours(24 * days);
    for project in projects {
        if ctx.store.collection(project.id).await?.sources.is_empty() {
            ctx.store.measure_project(project.id, from).await?;
        }
    }
    Ok(())
}

/// How far a collection is: a step a project.
fn tell(reporter: &Reporter, progress: &Progress) {
    if let Some(waiting) = &progress.waiting {
        let words = format!("collect {}: {} does that already", waiting.project, waiting.by);
        return reporter.begin("collect", None, vec![Step { id: "collect", words, state: StepState::Running }]);
    }
    if progress.projects.is_empty() {
        return;
    }
    let number = |count: i64| telling::grouped(u64::try_from(count).unwrap_or(0));
    let step = |project: &ProjectProgress| {
        let done: i64 = project.sources.iter().map(|source| source.done).sum();
        let total: Option<i64> = project.sources.iter().map(|source| source.total).sum();
        let over = project.sources.iter().all(|source| source.state.is_over());
        let words = match total {
            Some(total) if !over => format!("collect {}: {} of {}", project.name, number(done.min(total)), number(total)),
            _ => format!("collect {}: {}", project.name, number(done)),
        };
        Step { id: "collect", words, state: if over { StepState::Done(String::new()) } else { StepState::Running } }
    };
    reporter.begin("collect", None, progress.projects.iter().map(step).collect());
}

/// What the changes of a window hang on. Numbers of work items are an organisation's: of several projects no page is told.
fn links(input: &Input, places: &Places) -> Links {
    let page = |number: i64| match input.projects.as_slice() {
        [one] => places.url(&Subject::WorkItem { project: one.id, number }),
        _ => None,
    };
    let item = |(number, title, hanging): &(i64, String, u64)| Link {
        name: format!("#{number}"),
        title: title.clone(),
        hanging: *hanging,
        url: page(*number),
        ticket: None,
    };
    let ticket = |(key, title, hanging): &(TicketKey, String, u64)| Link {
        name: key.to_string(),
        title: title.clone(),
        hanging: *hanging,
        url: None,
        ticket: Some(key.clone()),
    };
    let sources = input.projects.iter().flat_map(|project| &project.collection.sources);
    let refused = sources.filter(|state| state.source == Source::WorkItems).find_map(|state| state.refused.clone());
    let linkage = input.linkage.clone();
    let rows = linkage.items.iter().map(item).chain(linkage.tickets.iter().map(ticket)).collect();
    Links { linkage, rows, refused }
}

/// Where what rows are about is found: its page, and the ticket that follows it.
struct Places {
    projects: HashMap<ProjectId, (Project, String)>,
    repositories: HashMap<RepositoryId, Repository>,
    followers: HashMap<PullRequestRef, TicketKey>,
}

impl Places {
    async fn of(ctx: &Context, input: &Input) -> action::Result<Self> {
        let mut places = Self { projects: HashMap::new(), repositories: HashMap::new(), followers: HashMap::new() };
        for measured in &input.projects {
            let project = ctx.project(measured.id).await?;
            let organisation = ctx.organisation(project.organisation).await?;
            for repository in ctx.store.repositories(project.id).await? {
                places.repositories.insert(repository.id, repository);
            }
            places.followers.extend(ctx.store.followers(project.id).await?);
            places.projects.insert(project.id, (project, organisation.url));
        }
        Ok(places)
    }

    fn url(&self, subject: &Subject) -> Option<String> {
        // A project's id stands for its name in addresses, and needs no escaping.
        let base = |project| {
            let (project, url) = self.projects.get(project)?;
            Some(format!("{}/{}", url.trim_end_matches('/'), project.guid))
        };
        match subject {
            Subject::PullRequest { repository, number } => web_url(self.repositories.get(repository)?, *number),
            Subject::Commit { repository, sha } => {
                let page = self.repositories.get(repository)?.web_url.as_ref()?;
                Some(format!("{}/commit/{sha}", page.trim_end_matches('/')))
            }
            Subject::Deployment { project, kind: DefinitionKind::Pipeline, run, .. } => {
                Some(format!("{}/_build/results?buildId={run}", base(project)?))
            }
            Subject::Deployment { project, kind: DefinitionKind::Release, run, .. } => {
                Some(format!("{}/_releaseProgress?_a=release-pipeline-progress&releaseId={run}", base(project)?))
            }
            Subject::WorkItem { project, number } => Some(format!("{}/_workitems/edit/{number}", base(project)?)),
        }
    }

    fn ticket(&self, subject: &Subject) -> Option<TicketKey> {
        let Subject::PullRequest { repository, number } = subject else { return None };
        self.followers.get(&PullRequestRef { repository: *repository, number: *number }).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("figures.csv");
        let place = write_new(&path, "one\n").unwrap();
        assert!(place.ends_with("figures.csv") && Path::new(&place).is_absolute(), "{place}");
        let why = write_new(&path, "two\n").unwrap_err();
        assert!(why.text.contains("is there already"), "{why}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n");
        assert!(write_new(&directory.path().join("no/such/place.csv"), "x").is_err());
    }
}
