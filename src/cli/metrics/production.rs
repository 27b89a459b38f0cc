//! `kanado metrics production`: which stages, environments and pipelines count as production, why, and setting one by hand.

use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::ask;
use crate::cli::exit::{Exit, Failure};
use crate::cli::frame::{Frame, fit, widest};
use crate::domain::board::age_step;
use crate::domain::project::Project;
use crate::domain::run::DefinitionKind;
use crate::metrics::input::{Decided, StageKind};
use crate::metrics::production::{Verdict, judge, verdicts};
use crate::metrics::telling::grouped;
use crate::notice::inert;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// All projects that are measured, and not only the one meant
    #[arg(long)]
    all_projects: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say whether a stage is production, whatever its name says
    Set {
        /// As the list names it: DEFINITION, DEFINITION/STAGE or DEFINITION/STAGE/ENVIRONMENT; */*/ENVIRONMENT for whatever deploys into it
        #[arg(value_name = "DEFINITION/STAGE")]
        name: String,
        /// auto lets the rule of names decide again
        #[arg(value_enum)]
        answer: Said,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Said {
    Yes,
    No,
    Auto,
}

impl Said {
    fn decided(self) -> Option<Decided> {
        match self {
            Self::Yes => Some(Decided::Production),
            Self::No => Some(Decided::NotProduction),
            Self::Auto => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Yes => "is production",
            Self::No => "is not production",
            Self::Auto => "is judged by its names",
        }
    }
}

/// A kind of stage with the verdict on it. One of definition 0 is an environment of which nothing was read yet.
#[derive(Debug, Clone, Serialize)]
struct Listed {
    project: String,
    /// As `set` takes it.
    path: String,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(flatten)]
    kind: StageKind,
}

pub async fn run(args: Args, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let projects = ask::projects(args.all_projects, frame).await?;
    match args.command {
        None => list(&projects, frame).await,
        Some(Command::Set { name, answer }) => set(&projects, &name, answer, frame).await,
    }
}

async fn listed(projects: &[Project], frame: &mut Frame<'_>) -> Result<Vec<Listed>, Failure> {
    let ctx = frame.ctx().await?;
    let ids: Vec<_> = projects.iter().map(|project| project.id).collect();
    let mut kinds = ctx.store.stage_kinds(&ids).await?;
    let mut environments = Vec::new();
    for project in projects {
        environments.extend(ctx.store.environment_kinds(project.id).await?);
    }
    let rules = &frame.config.metrics.rules;
    let mut verdicts = verdicts(&kinds, rules);
    // Those that something is known to deploy into are told by that.
    environments.retain(|one| {
        one.decided.is_some() || !kinds.iter().any(|kind| (kind.project, &kind.environment) == (one.project, &one.environment))
    });
    verdicts.extend(environments.iter().map(|one| judge(one, rules)));
    kinds.extend(environments);
    let name = |kind: &StageKind| projects.iter().find(|project| project.id == kind.project).map_or(String::new(), |p| p.name.clone());
    let mut all: Vec<Listed> =
        kinds.into_iter().zip(verdicts).map(|(kind, verdict)| Listed { project: name(&kind), path: path(&kind), verdict, kind }).collect();
    // What is production comes first, the rest by name.
    all.sort_by(|a, b| (&a.project, !a.verdict.production, &a.path).cmp(&(&b.project, !b.verdict.production, &b.path)));
    Ok(all)
}

async fn list(projects: &[Project], frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let all = listed(projects, frame).await?;
    frame.output.json(&all)?;
    let now = frame.clock.now();
    let width = widest(all.iter().map(|one| one.path.as_str())).min(44);
    for project in projects {
        let mut own = all.iter().filter(|one| one.kind.project == project.id).peekable();
        frame.output.say(inert(&project.name))?;
        if own.peek().is_none() {
            frame.output.say("  no pipeline, release or environment is known")?;
        }
        for one in own {
            let answer = if one.verdict.production { "yes" } else { "no " };
            let last = one.kind.last_at.map_or(String::new(), |at| format!(", last {} ago", age_step(at, now)));
            let runs = match one.kind.definition {
                0 => "what deploys into it is read where it is production".to_owned(),
                _ => format!("{} runs{last}", grouped(one.kind.runs.unsigned_abs())),
            };
            frame.output.say(format!("  {answer}  {}  {} ({runs})", fit(&one.path, width), inert(&one.verdict.why)))?;
            for sort in &one.kind.left_alone {
                frame.output.say(format!("       {}", inert(&sort.words())))?;
            }
        }
    }
    if !all.iter().any(|one| one.verdict.production) {
        frame.output.note("Nothing is known as production: `kanado metrics production set DEFINITION/STAGE yes` says what is.");
    }
    Ok(Exit::Done)
}

async fn set(projects: &[Project], name: &str, answer: Said, frame: &mut Frame<'_>) -> Result<Exit, Failure> {
    let all = listed(projects, frame).await?;
    let chosen = meant(&all, name)?;
    let paths: Vec<String> = chosen.iter().map(|one| one.path.clone()).collect();
    let plan = json!({ "kinds": paths, "answer": answer.decided() });
    if let Some(exit) = frame.stop(format!("{} {}", paths.join(", "), answer.words()), &plan)? {
        return Ok(exit);
    }
    let ctx = frame.ctx().await?;
    let now = frame.clock.now();
    for Listed { kind, .. } in &chosen {
        ctx.store
            .decide_production(kind.project, kind.kind, kind.definition, &kind.stage, kind.environment.as_deref(), answer.decided(), now)
            .await?;
    }
    frame.output.json(&plan)?;
    for path in &paths {
        frame.output.say(format!("{} {}.", inert(path), answer.words()))?;
    }
    Ok(Exit::Done)
}

/// A stage in an environment that nothing is known to deploy into, where both are known by themselves.
fn put_together(all: &[Listed], wanted: &str) -> Option<Listed> {
    let (stage, environment) = wanted.rsplit_once('/')?;
    let is_stage = |one: &&Listed| one.kind.environment.is_none() && !one.kind.stage.is_empty() && one.path.to_lowercase() == stage;
    let is_environment = |one: &&Listed| one.kind.environment.as_ref().is_some_and(|name| name.to_lowercase() == environment);
    let mut stages = all.iter().filter(is_stage);
    let (Some(stage), None) = (stages.next(), stages.next()) else { return None };
    let environment = all.iter().filter(is_environment).find(|one| one.kind.project == stage.kind.project)?;
    let kind = StageKind { environment: environment.kind.environment.clone(), decided: None, ..stage.kind.clone() };
    Some(Listed { path: path(&kind), kind, ..stage.clone() })
}

/// The kinds that a name means: the exact one, else all of the stage, else a definition by its number.
fn meant(all: &[Listed], name: &str) -> Result<Vec<Listed>, Failure> {
    let wanted = name.trim().trim_end_matches('/').to_lowercase();
    let by_number = |one: &Listed| {
        let rest = one.path.get(one.kind.definition_name.len()..).unwrap_or_default();
        format!("{}{rest}", one.kind.definition).to_lowercase()
    };
    let is_exact = |one: &&Listed| one.path.to_lowercase() == wanted || by_number(one) == wanted;
    let begins = |one: &&Listed| {
        let beginning = format!("{wanted}/");
        !wanted.is_empty()
            && wanted.contains('/')
            && (one.path.to_lowercase().starts_with(&beginning) || by_number(one).starts_with(&beginning))
    };
    let mut found: Vec<&Listed> = all.iter().filter(is_exact).collect();
    if found.is_empty() {
        found = all.iter().filter(begins).collect();
    }
    let mut found: Vec<Listed> = found.into_iter().cloned().collect();
    if found.is_empty() {
        found.extend(put_together(all, &wanted));
    }
    let definitions: std::collections::BTreeSet<(i64, DefinitionKind, i64)> =
        found.iter().map(|one| (one.kind.project.0, one.kind.kind, one.kind.definition)).collect();
    match definitions.len() {
        1 => Ok(found),
        0 => {
            let known: Vec<&str> = all.iter().map(|one| one.path.as_str()).take(12).collect();
            let hint = if known.is_empty() {
                "none is known yet: `kanado backfill`".to_owned()
            } else {
                format!("there are {}", known.join(", "))
            };
            Err(Failure::refused(format!("there is no stage {name}"), hint))
        }
        several => {
            let numbers: Vec<String> = definitions.iter().map(|(_, _, number)| number.to_string()).collect();
            Err(Failure::usage(
                format!("{several} definitions have a stage {name}"),
                format!("name one by its number, such as {}/STAGE, or its project with --project", numbers.join(" or ")),
            ))
        }
    }
}

/// `deploy/Prod/prod-eu`; only the definition's name for its runs as wholes; `*/*/prod-eu` for whatever deploys into an environment.
fn path(kind: &StageKind) -> String {
    if let (0, Some(environment)) = (kind.definition, &kind.environment) {
        return format!("*/*/{environment}");
    }
    let mut path = kind.definition_name.clone();
    for part in [kind.stage.as_str(), kind.environment.as_deref().unwrap_or_default()] {
        if !part.is_empty() {
            path.push('/');
            path.push_str(part);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ProjectId;
    use crate::metrics::production::Ground;

    fn one(definition: i64, name: &str, stage: &str, environment: Option<&str>) -> Listed {
        let kind = StageKind {
            project: ProjectId(1),
            kind: DefinitionKind::Pipeline,
            definition,
            definition_name: name.to_owned(),
            tags: Vec::new(),
            stage: stage.to_owned(),
            shown: None,
            environment: environment.map(str::to_owned),
            runs: 3,
            last_at: None,
            decided: None,
            left_alone: Vec::new(),
        };
        let verdict = Verdict { production: false, ground: Ground::Nothing, why: String::new() };
        Listed { project: "Harbor".to_owned(), path: path(&kind), verdict, kind }
    }

    fn found(all: &[Listed], name: &str) -> Result<Vec<String>, String> {
        match meant(all, name) {
            Ok(found) => Ok(found.iter().map(|one| format!("{} {}", one.kind.definition, one.path)).collect()),
            Err(Failure::Stopped { notice, .. }) => Err(notice.to_string()),
            Err(Failure::ClosedPipe) => Err(String::new()),
        }
    }

    #[test]
    fn a_stage_is_meant_exactly_or_with_all_its_environments() {
        let all = [
            one(1, "deploy", "", None),
            one(1, "deploy", "Prod", Some("eu")),
            one(1, "deploy", "Prod", Some("us")),
            one(1, "deploy", "Prod2", None),
            one(2, "nightly", "Prod", None),
        ];
        assert_eq!(found(&all, "deploy"), Ok(vec!["1 deploy".to_owned()]));
        assert_eq!(found(&all, "Deploy/PROD"), Ok(vec!["1 deploy/Prod/eu".to_owned(), "1 deploy/Prod/us".to_owned()]));
        assert_eq!(found(&all, "1/prod/us"), Ok(vec!["1 deploy/Prod/us".to_owned()]));
        assert_eq!(found(&all, "2/Prod/"), Ok(vec!["2 nightly/Prod".to_owned()]));
        assert!(found(&all, "deploy/Staging").unwrap_err().contains("there are deploy,"));
        assert!(found(&all, "").is_err());
    }

    #[test]
    fn an_environment_is_meant_by_itself_or_with_a_stage_of_which_no_run_into_it_is_known() {
        let all =
            [one(1, "deploy", "", None), one(1, "deploy", "Live", None), one(0, "", "", Some("eu-1")), one(2, "nightly", "Live", None)];
        assert_eq!(found(&all, "*/*/EU-1"), Ok(vec!["0 */*/eu-1".to_owned()]));
        let chosen = meant(&all, "deploy/live/eu-1").unwrap_or_default();
        let told: Vec<_> = chosen.iter().map(|one| (one.kind.definition, &*one.kind.stage, one.kind.environment.as_deref())).collect();
        assert_eq!(told, [(1, "Live", Some("eu-1"))]);
        assert!(found(&all, "deploy/live/us-1").is_err() && found(&all, "deploy/eu-1").is_err(), "both have to be known");
    }

    #[test]
    fn two_definitions_of_one_name_are_told_apart_by_number() {
        let all = [one(1, "deploy", "Prod", None), one(7, "deploy", "Prod", None)];
        let told = found(&all, "deploy/Prod").unwrap_err();
        assert!(told.contains("1 or 7"), "{told}");
        assert_eq!(found(&all, "7/Prod"), Ok(vec!["7 deploy/Prod".to_owned()]));
    }
}
