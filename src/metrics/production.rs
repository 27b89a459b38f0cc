//! Which stages are production, and which rows a query needs because of it.
//!
//! The first hit decides, for each kind of stage:
//!
//! 1. what a person decided, then the names of the configuration (`not_production` wins over `production`);
//! 2. the name of its environment; 3. the name of the stage; 4. the name or a tag of the pipeline; 5. none: not production.
//!
//! Rules 2 to 4 go by tokens: split at everything but letters and at the borders of CamelCase, in lower case; a token `prod`,
//! `production`, `prd` or `live` counts unless the token before it is `non`, `pre`, `not`, `no` or `pseudo`. A stage is judged by what it is
//! called in the pipeline, then by what people see in its stead. A tag counts for the runs that have it: the others of the pipeline are
//! not production.
//!
//! Seen together ([`verdicts`]): where a stage of a definition that deploys into an environment is production, stages of it without an
//! environment are not production by their names (`Prod smoke tests`); and a pipeline's own name counts only where none of its stages is production: then its
//! runs count as wholes. Where a person or the configuration makes the runs production, names of stages add nothing. An environment of a
//! classic release is production by the release's name in the same case. What a person decided about an environment holds for whatever
//! deploys into it, unless something else was decided about that.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::devlake;
use super::input::{Decided, StageKind};
use super::pattern::fits_any;
use super::query::{Definition, Query, Rules, ServiceId};
use crate::domain::id::ProjectId;
use crate::domain::run::DefinitionKind;

/// What a verdict rests on, in order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    Decided,
    Configured,
    Environment,
    Stage,
    Pipeline,
    Nothing,
}

/// Whether a kind of stage is production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub production: bool,
    pub ground: Ground,
    /// For a person: "environment `prod-eu`, by its name".
    pub why: String,
}

/// Names a kind of stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KindKey {
    pub project: ProjectId,
    pub kind: DefinitionKind,
    pub definition: i64,
    pub stage: String,
    pub environment: Option<String>,
}

impl KindKey {
    pub fn of(kind: &StageKind) -> Self {
        Self {
            project: kind.project,
            kind: kind.kind,
            definition: kind.definition,
            stage: kind.stage.clone(),
            environment: kind.environment.clone(),
        }
    }
}

/// What to read for a query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Stage runs of these kinds.
    pub kinds: Vec<KindKey>,
    /// Whole runs of these pipelines.
    pub runs: Vec<(ProjectId, i64)>,
}

/// The tokens of a name, in lower case.
pub fn tokens(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut found = Vec::new();
    let mut token = String::new();
    for (at, &c) in letters.iter().enumerate() {
        if !c.is_alphabetic() {
            found.extend(Some(std::mem::take(&mut token)).filter(|token| !token.is_empty()));
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let starts_word = c.is_uppercase() && before.is_some_and(char::is_lowercase);
        let ends_capitals =
            c.is_uppercase() && before.is_some_and(char::is_uppercase) && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if starts_word || ends_capitals {
            found.extend(Some(std::mem::take(&mut token)).filter(|token| !token.is_empty()));
        }
        token.extend(c.to_lowercase());
    }
    found.extend(Some(token).filter(|token| !token.is_empty()));
    found
}

/// Whether a name says production.
pub fn says_production(name: &str) -> bool {
    let tokens = tokens(name);
    tokens.iter().enumerate().any(|(at, token)| {
        let denied = at > 0 && matches!(tokens[at - 1].as_str(), "non" | "pre" | "not" | "no" | "pseudo");
        matches!(token.as_str(), "prod" | "production" | "prd" | "live") && !denied
    })
}

/// The verdict on a kind of stage by itself. A pipeline's own name is asked only for its runs as wholes (see [`StageKind`]).
pub fn judge(kind: &StageKind, rules: &Rules) -> Verdict {
    let (ground, production, why) = verdict(kind, rules);
    Verdict { production, ground, why }
}

fn verdict(kind: &StageKind, rules: &Rules) -> (Ground, bool, String) {
    let environment = kind.environment.as_deref();
    let is_whole = kind.stage.is_empty() && environment.is_none();
    match kind.decided {
        Some(Decided::Production) => return (Ground::Decided, true, "set as production".to_owned()),
        Some(Decided::NotProduction) => return (Ground::Decided, false, "set as not production".to_owned()),
        None => {}
    }
    let shown = kind.shown.as_deref().unwrap_or_default();
    let own = [("environment", environment.unwrap_or_default()), ("stage", kind.stage.as_str()), ("stage", shown)];
    let pipeline = [("pipeline", kind.definition_name.as_str())];
    // Naming a pipeline as production means its runs; naming it as not production means everything in it.
    let denied = own.iter().chain(&pipeline).find(|(_, name)| !name.is_empty() && fits_any(&rules.not_production, name));
    if let Some((what, name)) = denied {
        return (Ground::Configured, false, format!("{what} `{name}` is configured as not production"));
    }
    let named = own.iter().chain(pipeline.iter().filter(|_| is_whole));
    if let Some((what, name)) = named.into_iter().find(|(_, name)| !name.is_empty() && fits_any(&rules.production, name)) {
        return (Ground::Configured, true, format!("{what} `{name}` is configured as production"));
    }
    if let Some(name) = environment.filter(|name| says_production(name)) {
        return (Ground::Environment, true, format!("environment `{name}`, by its name"));
    }
    if says_production(&kind.stage) {
        return (Ground::Stage, true, format!("stage `{}`, by its name", kind.stage));
    }
    if says_production(shown) {
        return (Ground::Stage, true, format!("stage `{}`, shown as `{shown}`, by that name", kind.stage));
    }
    if is_whole {
        if let Some(why) = pipeline_says(kind) {
            return (Ground::Pipeline, true, why);
        }
        return (Ground::Nothing, false, format!("neither the name `{}` nor a tag says production", kind.definition_name));
    }
    (Ground::Nothing, false, "no name says production".to_owned())
}

fn pipeline_says(kind: &StageKind) -> Option<String> {
    if says_production(&kind.definition_name) {
        return Some(format!("pipeline `{}`, by its name", kind.definition_name));
    }
    let tag = kind.tags.iter().find(|tag| says_production(tag))?;
    Some(format!("pipeline `{}`, its runs with the tag `{tag}`", kind.definition_name))
}

/// Whether only a tag makes runs of a pipeline production: those that have one then, each by itself.
pub fn is_by_tag(kind: &StageKind, verdict: &Verdict) -> bool {
    verdict.production && verdict.ground == Ground::Pipeline && !says_production(&kind.definition_name)
}

/// The verdicts on kinds seen together, in their order. This is what figures go by.
pub fn verdicts(kinds: &[StageKind], rules: &Rules) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = kinds.iter().map(|kind| judge(kind, rules)).collect();
    for (_, members) in by_definition(kinds) {
        // Whatever says so of it: a stage without an environment is not what goes there.
        if members.iter().any(|&at| verdicts[at].production && kinds[at].environment.is_some()) {
            for &at in &members {
                if verdicts[at].ground == Ground::Stage && kinds[at].environment.is_none() {
                    let why = "an environment of this pipeline is production, and this stage deploys into none".to_owned();
                    verdicts[at] = Verdict { production: false, ground: Ground::Nothing, why };
                }
            }
        }
        let is_whole = |at: usize| kinds[at].stage.is_empty() && kinds[at].environment.is_none();
        if members.iter().any(|&at| is_whole(at) && verdicts[at].production && verdicts[at].ground <= Ground::Configured) {
            for &at in members.iter().filter(|&&at| !is_whole(at)) {
                if verdicts[at].production && verdicts[at].ground > Ground::Configured {
                    let why = "the runs of this pipeline are production as wholes".to_owned();
                    verdicts[at] = Verdict { production: false, ground: Ground::Nothing, why };
                }
            }
        }
        let stages_hit = members.iter().any(|&at| !is_whole(at) && verdicts[at].production);
        for &at in &members {
            if is_whole(at) && stages_hit && verdicts[at].ground == Ground::Pipeline {
                let why = "a stage of it is production: its runs as wholes are not counted".to_owned();
                verdicts[at] = Verdict { production: false, ground: Ground::Nothing, why };
            } else if kinds[at].kind == DefinitionKind::Release
                && !is_whole(at)
                && !stages_hit
                && verdicts[at].ground == Ground::Nothing
                && let Some(why) = pipeline_says(&kinds[at])
            {
                verdicts[at] =
                    Verdict { production: true, ground: Ground::Pipeline, why: why.replacen("pipeline", "release definition", 1) };
            }
        }
    }
    verdicts
}

fn by_definition(kinds: &[StageKind]) -> BTreeMap<ServiceId, Vec<usize>> {
    let mut found: BTreeMap<ServiceId, Vec<usize>> = BTreeMap::new();
    for (at, kind) in kinds.iter().enumerate() {
        found.entry(service_of(kind)).or_default().push(at);
    }
    found
}

/// The service that a kind of stage deploys.
pub fn service_of(kind: &StageKind) -> ServiceId {
    ServiceId { project: kind.project, kind: kind.kind, definition: kind.definition }
}

/// What the store has to read for a query, by its definition of production.
pub fn wanted(kinds: &[StageKind], query: &Query) -> Wanted {
    let asked: Vec<StageKind> =
        kinds.iter().filter(|kind| query.projects.is_empty() || query.projects.contains(&kind.project)).cloned().collect();
    if query.definition == Definition::DevLake {
        return devlake::wanted(&asked);
    }
    let mut wanted = Wanted::default();
    let mut runs = BTreeSet::new();
    for (kind, verdict) in asked.iter().zip(verdicts(&asked, &query.rules)) {
        if !verdict.production {
        } else if kind.stage.is_empty() && kind.environment.is_none() {
            runs.insert((kind.project, kind.definition));
        } else {
            wanted.kinds.push(KindKey::of(kind));
        }
    }
    wanted.runs = runs.into_iter().collect();
    wanted
}
