//! What was asked of the figures, from names to a query, and the answer with all that it rests on.
//!
//! The projects are those of `--project` (several with commas), else the one every command means, or all that are measured.

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::action::{Context, figures, members};
use crate::cli::exit::{Exit, Failure};
use crate::cli::frame::{Frame, find_project};
use crate::domain::board::age_step;
use crate::domain::collection::Collection;
use crate::domain::id::RepositoryId;
use crate::domain::lack::Lack;
use crate::domain::project::Project;
use crate::metrics;
use crate::metrics::figures::{Figures, Metric, Row};
use crate::metrics::input::{Input, StageKind};
use crate::metrics::movers::{Moved, movers};
use crate::metrics::query::{Definition, Hours, Query, ServiceId, Team, Zone};
use crate::metrics::{period, production};
use crate::notice::Notice;

/// The window where none was asked for.
const USUAL: &str = "30d";

#[derive(Debug, Clone, Default, clap::Args)]
pub struct Asked {
    /// All projects that are measured, and not only the one meant
    #[arg(long)]
    all_projects: bool,
    /// Only pull requests and deployments of this repository
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// Only what this pipeline or release definition deploys
    #[arg(long, value_name = "DEFINITION")]
    service: Option<String>,
    /// Only pull requests of the people of this team; Azure DevOps is asked who they are
    #[arg(long, value_name = "NAME")]
    team: Option<String>,
    /// 7d, 30d, 90d, 4w, or two dates FROM..TO, both in the window [default: 30d]
    #[arg(long, value_name = "WINDOW")]
    window: Option<String>,
    /// Whose definitions to compute by [default: metrics.definition]
    #[arg(long, value_enum, value_name = "WHOSE")]
    definition: Option<DefinitionFlag>,
    /// Leave out Saturdays, Sundays and the configured holidays
    #[arg(long)]
    working_hours: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DefinitionFlag {
    Ours,
    /// As Apache DevLake computes it
    Devlake,
    /// As dora-team/fourkeys did
    Fourkeys,
}

impl DefinitionFlag {
    fn definition(self) -> Definition {
        match self {
            Self::Ours => Definition::Ours,
            Self::Devlake => Definition::DevLake,
            Self::Fourkeys => Definition::FourKeys,
        }
    }
}

/// Reads a metric by the name that `--json` gives it.
pub fn metric() -> impl TypedValueParser<Value = Metric> {
    let of_name = |name: String| Metric::ALL.into_iter().find(|metric| metric.name() == name).unwrap_or(Metric::LeadTime);
    PossibleValuesParser::new(Metric::ALL.map(Metric::name)).map(of_name)
}

/// Figures with what they rest on.
pub struct Answer {
    pub query: Query,
    /// Whose days the query has.
    pub zone: Zone,
    pub input: Input,
    pub figures: Figures,
    /// What the figures were narrowed to: "repository tide-api".
    pub narrowed: Vec<String>,
    /// What to know before reading them.
    pub notices: Vec<Notice>,
    pub now: Timestamp,
}

impl Answer {
    pub fn rows(&self, metric: Metric) -> Vec<Row> {
        metrics::rows(&self.input, &self.query, metric, self.now)
    }

    /// What moved a figure that is a median since last week.
    pub fn moved(&self, metric: Metric) -> Option<Moved> {
        movers(&self.input, &self.query, metric, self.now)
    }

    /// The window in days, and whose days where that is not as the configuration has it.
    pub fn window(&self) -> String {
        let days = period::words(self.figures.window, &self.zone.zone);
        self.zone.words().map_or_else(|| days.clone(), |words| format!("{days} ({words})"))
    }

    /// The projects with how far each is collected, for scripts.
    pub fn projects(&self) -> Vec<Json> {
        let project = |one: &crate::metrics::input::MeasuredProject| {
            json!({
                "name": one.name, "percent": one.collection.percent(), "complete": one.collection.is_complete(),
                "last_sync": one.collection.last_sync(), "collection": one.collection,
            })
        };
        self.input.projects.iter().map(project).collect()
    }

    /// Partly, while figures may change because their facts are still being collected.
    pub fn exit(&self) -> Exit {
        if self.input.projects.iter().all(|project| project.collection.is_complete()) { Exit::Done } else { Exit::Partly }
    }
}

pub async fn ask(asked: Asked, frame: &mut Frame<'_>) -> Result<Answer, Failure> {
    let ctx = frame.ctx().await?;
    let now = frame.clock.now();
    let projects = projects(asked.all_projects, frame).await?;
    let ids: Vec<_> = projects.iter().map(|project| project.id).collect();
    let settings = &frame.config.metrics;
    let zone = figures::zone(&ctx, &ids).await?;
    let window = period::parse(asked.window.as_deref().unwrap_or(USUAL), &zone.zone, now)
        .map_err(|words| Failure::usage(words, "such as --window 30d or --window 2026-11-01..2026-11-30"))?;
    let mut query = Query::new(ids.clone(), window, settings.rules.clone());
    query.zone = zone.zone.clone();
    query.definition = asked.definition.map_or(settings.definition, DefinitionFlag::definition);
    query.hours = if asked.working_hours { Hours::Working } else { Hours::Calendar };
    let mut narrowed = Vec::new();
    if let Some(name) = &asked.repository {
        query.repository = Some(repository(&ctx, &projects, name).await?);
        narrowed.push(format!("repository {name}"));
    }
    let kinds = ctx.store.stage_kinds(&ids).await?;
    if let Some(name) = &asked.service {
        query.service = Some(service(&kinds, name)?);
        narrowed.push(format!("service {name}"));
    }
    if let Some(name) = &asked.team {
        query.team = Some(team(&ctx, &projects, name).await?);
        narrowed.push(format!("team {name}"));
    }
    let wanted = production::wanted(&kinds, &query);
    let input = ctx.store.metric_input(&query, &wanted).await?;
    let figures = metrics::summarise(&input, &query, now);
    let mut notices: Vec<Notice> = input.projects.iter().flat_map(|project| notices(&project.name, &project.collection, now)).collect();
    notices.extend(refusals(input.projects.iter().map(|project| (project.name.as_str(), &project.collection))));
    Ok(Answer { query, zone, input, figures, narrowed, notices, now })
}

/// The projects asked about, each of them measured.
pub async fn projects(all: bool, frame: &mut Frame<'_>) -> Result<Vec<Project>, Failure> {
    let ctx = frame.ctx().await?;
    let measured = ctx.store.measured_projects().await?;
    let is_measured = |project: &Project| measured.iter().any(|(id, _)| *id == project.id);
    let named = frame.globals.project.clone();
    let projects: Vec<Project> = match named {
        Some(_) if all => return Err(Failure::usage("--project and --all-projects at once", "choose one of them")),
        Some(names) => {
            let mut found: Vec<Project> = Vec::new();
            // No project's name has a comma in it.
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let project = find_project(&ctx, name).await?;
                if !found.iter().any(|other| other.id == project.id) {
                    found.push(project);
                }
            }
            found
        }
        None if all => ctx.store.projects().await?.into_iter().filter(is_measured).collect(),
        None => vec![frame.project().await?],
    };
    let without: Vec<&str> = projects.iter().filter(|project| !is_measured(project)).map(|project| project.name.as_str()).collect();
    match (projects.is_empty(), without.as_slice()) {
        (true, _) => Err(Failure::refused("no project is measured yet", "select one: `kanado projects add NAME`, then `kanado backfill`")),
        (false, []) => Ok(projects),
        (false, names) => Err(Failure::refused(
            format!("nothing was collected of {}", names.join(", ")),
            "collect it: `kanado backfill`; `kanado serve` and the board go on with it",
        )),
    }
}

async fn repository(ctx: &Context, projects: &[Project], name: &str) -> Result<RepositoryId, Failure> {
    let mut all = Vec::new();
    for project in projects {
        let of_project = ctx.store.repositories(project.id).await?;
        all.extend(of_project.into_iter().map(|repository| (repository.id, repository.name, project.name.as_str())));
    }
    only_repository(&all, name)
}

/// The repository of that name, of `(id, name, project)`; it must be the only one.
fn only_repository(all: &[(RepositoryId, String, &str)], name: &str) -> Result<RepositoryId, Failure> {
    let found: Vec<_> = all.iter().filter(|(_, other, _)| other.eq_ignore_ascii_case(name)).collect();
    match found.as_slice() {
        [(id, ..)] => Ok(*id),
        [] => {
            let names: Vec<String> = all.iter().map(|(_, name, _)| name.clone()).collect();
            Err(Failure::refused(format!("there is no repository {name}"), it_has(&names)))
        }
        several => {
            let projects: Vec<&str> = several.iter().map(|(.., project)| *project).collect();
            Err(Failure::usage(
                format!("{} projects have a repository {name}", several.len()),
                format!("choose one with --project: {}", projects.join(", ")),
            ))
        }
    }
}

/// The service of that name or number; it must be the only one.
fn service(kinds: &[StageKind], name: &str) -> Result<ServiceId, Failure> {
    let mut found: Vec<ServiceId> = Vec::new();
    for kind in kinds {
        let id = ServiceId { project: kind.project, kind: kind.kind, definition: kind.definition };
        let is_meant = kind.definition_name.eq_ignore_ascii_case(name) || kind.definition.to_string() == name;
        if is_meant && !found.contains(&id) {
            found.push(id);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let mut names: Vec<String> = kinds.iter().map(|kind| kind.definition_name.clone()).collect();
            names.sort();
            names.dedup();
            Err(Failure::refused(format!("there is no pipeline or release definition {name}"), it_has(&names)))
        }
        several => {
            let numbers: Vec<String> = several.iter().map(|id| id.definition.to_string()).collect();
            Err(Failure::usage(
                format!("{} definitions are called {name}", several.len()),
                format!("give a number: {}", numbers.join(", ")),
            ))
        }
    }
}

fn it_has(names: &[String]) -> String {
    match names {
        [] => "none is known yet: `kanado backfill` collects them".to_owned(),
        names => format!("there are {}", names.join(", ")),
    }
}

async fn team(ctx: &Context, projects: &[Project], name: &str) -> Result<Team, Failure> {
    let mut members = Vec::new();
    let mut problem = None;
    for project in projects {
        match members::team(ctx, project, name).await {
            Ok(team) => members.extend(team.members),
            Err(error) => problem = Some(error),
        }
    }
    match problem {
        Some(error) if members.is_empty() => Err(error.into()),
        _ => Ok(Team { name: name.to_owned(), members }),
    }
}

/// What to know of a project's facts before reading its figures.
fn notices(name: &str, collection: &Collection, now: Timestamp) -> Vec<Notice> {
    let mut all = Vec::new();
    if !collection.is_complete() {
        let words = format!("{name} is collected to {} %: figures may change", collection.percent());
        all.push(Notice::new(words).hint("`kanado backfill` collects the rest now"));
    }
    let stale: Vec<_> = collection.sources.iter().filter(|state| state.backfilled_at.is_some() && state.is_stale(now)).collect();
    if let Some(oldest) = stale.iter().filter_map(|state| state.synced_at).min() {
        let names: Vec<&str> = stale.iter().map(|state| state.source.words()).collect();
        let words = format!("{name}: {} not looked at for {}", names.join(", "), age_step(oldest, now));
        all.push(Notice::new(words).hint("`kanado serve` or a board keeps them fresh; `kanado backfill` does it once"));
    }
    all
}

/// What may not be read, told once for all projects of which that is so.
fn refusals<'a>(projects: impl Iterator<Item = (&'a str, &'a Collection)>) -> Vec<Notice> {
    let sources = projects.flat_map(|(name, collection)| collection.sources.iter().map(move |state| (name, state)));
    let refused = sources.filter_map(|(name, state)| Some((name, state.source, state.refused.as_deref()?)));
    Lack::of(refused).iter().map(|lack| Notice::new(format!("without {}: {}", lack.what_of(), lack.words))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::collection::{Source, SourceState};
    use crate::domain::id::ProjectId;
    use crate::domain::run::DefinitionKind;

    #[test]
    fn a_repository_that_several_projects_have_is_asked_about_by_project() {
        let all = [
            (RepositoryId(1), "api".to_owned(), "Alpha"),
            (RepositoryId(2), "API".to_owned(), "Beta"),
            (RepositoryId(3), "web".to_owned(), "Beta"),
        ];
        assert_eq!(only_repository(&all, "Web").ok(), Some(RepositoryId(3)));
        let several = only_repository(&all, "api").unwrap_err();
        let words = format!("{several:?}");
        assert!(words.contains("2 projects have a repository api") && words.contains("--project: Alpha, Beta"), "{words}");
        assert!(format!("{:?}", only_repository(&all, "shop").unwrap_err()).contains("there is no repository shop"));
    }

    fn kind(definition: i64, name: &str, stage: &str) -> StageKind {
        StageKind {
            project: ProjectId(1),
            kind: DefinitionKind::Pipeline,
            definition,
            definition_name: name.to_owned(),
            tags: Vec::new(),
            stage: stage.to_owned(),
            shown: None,
            environment: None,
            runs: 1,
            last_at: None,
            decided: None,
            left_alone: Vec::new(),
        }
    }

    fn told(result: Result<ServiceId, Failure>) -> String {
        match result {
            Ok(id) => id.definition.to_string(),
            Err(Failure::Stopped { notice, .. }) => notice.to_string(),
            Err(Failure::ClosedPipe) => String::new(),
        }
    }

    #[test]
    fn a_service_is_found_by_name_or_number_and_never_guessed() {
        let kinds = [kind(1, "deploy", "a"), kind(1, "deploy", "b"), kind(2, "Deploy", "a"), kind(3, "nightly", "a")];
        assert_eq!(told(service(&kinds, "NIGHTLY")), "3");
        assert_eq!(told(service(&kinds, "2")), "2");
        let both = told(service(&kinds, "deploy"));
        assert!(both.contains("2 definitions are called deploy") && both.contains("1, 2"), "{both}");
        assert!(told(service(&kinds, "other")).contains("nightly"));
    }

    #[test]
    fn what_is_refused_stale_or_on_its_way_is_told_with_the_project() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let state = |source, synced: Option<&str>, refused: Option<&str>| SourceState {
            backfilled_at: synced.map(|at| at.parse().unwrap()),
            synced_at: synced.map(|at| at.parse().unwrap()),
            refused: refused.map(str::to_owned),
            ..SourceState::new(source)
        };
        let collection = Collection {
            sources: vec![
                state(Source::PullRequests, Some("2026-11-22T09:00:00Z"), None),
                state(Source::Builds, None, Some("the token lacks Build (read)")),
                state(Source::Timelines, None, Some("the token lacks Build (read)")),
                state(Source::Threads, None, None),
            ],
            from: None,
        };
        let mut all = notices("Harbor", &collection, now);
        all.extend(refusals([("Harbor", &collection), ("Quay", &collection)].into_iter()));
        let words: Vec<String> = all.iter().map(|notice| notice.text.clone()).collect();
        assert_eq!(
            words,
            [
                "Harbor is collected to 75 %: figures may change",
                "Harbor: pull requests not looked at for 1h",
                "without pipeline runs and stages of Harbor and Quay: the token lacks Build (read)"
            ]
        );
    }
}
