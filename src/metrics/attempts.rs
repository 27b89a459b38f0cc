//! Which attempts of a run's stages stand, and how often the run was deployed.
//!
//! - An attempt **stands** if it succeeded, or if no later attempt of the same stage is known. One that did not succeed is **taken up** by
//!   the next attempt: together they are one.
//! - The standing attempts of a run, in order of their start, make up **times** that the run was deployed: an attempt of a stage that the
//!   time has already begins the next one. So regions that follow each other are one time, and a stage run again after its success is
//!   another.
//!
//! Limits: of a run whose regions were all tried again after one had failed, the region that had succeeded is a time of its own.

use std::collections::BTreeMap;

use super::deployments::{Origin, Outcome, Part, stage_end};
use super::input::{Input, StageRun};

/// What became of the attempts of a run.
#[derive(Debug, Default)]
pub struct Standing {
    /// What each time is made of, in their order.
    pub times: Vec<Vec<Part>>,
    /// Indexes of stages in the input that a later attempt took up.
    pub taken_up: Vec<u32>,
}

/// Whether some attempt of a run is not the first: only then there is anything to sort out.
pub fn has_several(input: &Input, parts: &[Part]) -> bool {
    parts.iter().any(|part| row(input, part).is_some_and(|(_, stage)| stage.attempt > 1))
}

fn row<'a>(input: &'a Input, part: &Part) -> Option<(u32, &'a StageRun)> {
    match part.origin {
        Origin::Stage(at) => Some((at, &input.stages[at as usize])),
        Origin::Run(_) => None,
    }
}

type Place<'a> = (&'a str, Option<&'a str>);

fn place<'a>(input: &'a Input, part: &Part) -> Place<'a> {
    row(input, part).map_or(("", None), |(_, stage)| (&stage.stage, stage.environment.as_deref()))
}

/// Sorts the attempts of one run of a service out.
pub fn standing(input: &Input, parts: &[Part]) -> Standing {
    let mut by_place: BTreeMap<Place<'_>, Vec<Part>> = BTreeMap::new();
    for part in parts {
        by_place.entry(place(input, part)).or_default().push(*part);
    }
    let mut found = Standing::default();
    let mut stand: Vec<Part> = Vec::new();
    for (_, mut attempts) in by_place {
        attempts.sort_unstable_by_key(|part| row(input, part).map_or(0, |(_, stage)| stage.attempt));
        let last = attempts.len() - 1;
        // Where the store never heard of an attempt, it was none that succeeded: those are asked for.
        let mut done = 0;
        for (nth, part) in attempts.into_iter().enumerate() {
            let Some((at, stage)) = row(input, &part) else {
                stand.push(part);
                continue;
            };
            let has_succeeded = stage_end(stage).outcome == Outcome::Succeeded;
            if has_succeeded || nth == last {
                stand.push(Part { retried: stage.attempt > done + 1, ..part });
                done = stage.attempt;
            } else {
                found.taken_up.push(at);
            }
        }
    }
    // What has not begun comes last.
    stand.sort_by_key(|part| {
        let stage = row(input, part).map(|(_, stage)| stage);
        let began = stage.and_then(|stage| stage.started_at.or(stage.finished_at));
        (began.is_none(), began, stage.map_or(0, |stage| stage.attempt), place(input, part))
    });
    for part in stand {
        match found.times.last_mut().filter(|time| !time.iter().any(|other| place(input, other) == place(input, &part))) {
            Some(time) => time.push(part),
            None => found.times.push(vec![part]),
        }
    }
    found
}
