//! Builds: lists with the service's filters and paging, and one build.
//!
//! `minTime` and `maxTime` bound the time that `queryOrder` names, and an order by a time leaves out builds that do not have it.
//! The continuation token is such a time: rows of the same instant come together, and may come again on the next page.
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Call;
use super::commits::date;
use crate::sim::reply::{Answer, Failure};
use crate::sim::world::{Build, BuildReason, BuildResult, BuildStatus, Project, World, ado_date, same_name};

const DEFAULT_PAGE: usize = 1000;
const LARGEST_PAGE: usize = 5000;

/// The project of the path, whose builds this caller may see.
pub(super) fn project<'a>(call: &Call, world: &'a World) -> Result<&'a Project, Failure> {
    let project = call.project(world)?;
    match project.shows_builds_to(call.actor()) {
        true => Ok(project),
        false => Err(Failure::builds_hidden(&call.caller.user.display_name, &project.name)),
    }
}

/// The build of the path.
pub(super) fn find<'a>(call: &Call, world: &'a World) -> Result<&'a Build, Failure> {
    let project = project(call, world)?.id;
    let asked = call.capture("build");
    let found = asked.parse().ok().and_then(|id| world.build(id));
    found.filter(|build| build.project == project && !build.is_deleted).ok_or_else(|| Failure::no_build(asked))
}

#[derive(Debug, Clone, Copy)]
enum By {
    Finish,
    Start,
    Queue,
}

/// Which time orders the list, and from which end.
#[derive(Debug, Clone, Copy)]
struct Order {
    by: By,
    ascending: bool,
}

impl Order {
    /// A word that is not one of these is passed over, as by the service.
    fn of(word: Option<&str>) -> Self {
        let (by, ascending) = match word.unwrap_or("").to_lowercase().as_str() {
            "finishtimeascending" => (By::Finish, true),
            "finishtimedescending" => (By::Finish, false),
            "starttimeascending" => (By::Start, true),
            "starttimedescending" => (By::Start, false),
            "queuetimeascending" => (By::Queue, true),
            _ => (By::Queue, false),
        };
        Order { by, ascending }
    }

    fn time(self, build: &Build) -> Option<Timestamp> {
        match self.by {
            By::Finish => build.finished,
            By::Start => build.started,
            By::Queue => Some(build.queued),
        }
        .map(in_wire_steps)
    }
}

/// To 100 ns, which is all that a date on the wire says.
fn in_wire_steps(at: Timestamp) -> Timestamp {
    let past = i128::from(at.subsec_nanosecond().rem_euclid(100));
    Timestamp::from_nanosecond(at.as_nanosecond() - past).unwrap_or(at)
}

/// A list of words or numbers, separated by commas; nothing said is nothing filtered.
fn listed<T>(call: &Call, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<Vec<T>>, Failure> {
    let Some(text) = call.query.get(name) else { return Ok(None) };
    let each = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    each.map(|part| read(part).ok_or_else(|| Failure::enum_value(name, part))).collect::<Result<Vec<_>, _>>().map(Some)
}

struct Filters {
    definitions: Option<Vec<i32>>,
    ids: Option<Vec<i32>>,
    statuses: Option<Vec<BuildStatus>>,
    results: Option<Vec<BuildResult>>,
    reasons: Option<Vec<BuildReason>>,
    branch: Option<String>,
    repository: Option<String>,
    number: Option<String>,
    requested_for: Option<String>,
    tags: Option<Vec<String>>,
    deleted: Option<String>,
}

impl Filters {
    fn read(call: &Call) -> Result<Self, Failure> {
        let text = |name: &str| call.query.get(name).map(str::to_owned);
        // "all" is every status or reason, like none said.
        let words = |name: &str| text(name).filter(|word| !word.eq_ignore_ascii_case("all") && !word.eq_ignore_ascii_case("none"));
        let repository = text("repositoryId");
        if let (Some(_), kind) = (&repository, call.query.get("repositoryType")) {
            let kind = kind.ok_or_else(|| Failure::argument("repositoryType", "The repository type is needed with a repository id."))?;
            if !kind.eq_ignore_ascii_case("TfsGit") {
                return Err(Failure::argument("repositoryType", &format!("There is no repository of the type '{kind}'.")));
            }
        }
        Ok(Filters {
            definitions: listed(call, "definitions", |part| part.parse().ok())?,
            ids: listed(call, "buildIds", |part| part.parse().ok())?,
            statuses: words("statusFilter").and_then(|_| listed(call, "statusFilter", BuildStatus::named).transpose()).transpose()?,
            results: listed(call, "resultFilter", BuildResult::named)?,
            reasons: words("reasonFilter").and_then(|_| listed(call, "reasonFilter", BuildReason::named).transpose()).transpose()?,
            branch: text("branchName"),
            repository,
            number: text("buildNumber"),
            requested_for: text("requestedFor"),
            tags: listed(call, "tagFilters", |part| Some(part.to_owned()))?,
            deleted: text("deletedFilter"),
        })
    }

    fn admits(&self, world: &World, build: &Build) -> bool {
        let one_of = |wanted: &Option<Vec<i32>>, id: i32| wanted.as_ref().is_none_or(|wanted| wanted.contains(&id));
        let kept = match self.deleted.as_deref().map(str::to_lowercase).as_deref() {
            Some("includedeleted") => true,
            Some("onlydeleted") => build.is_deleted,
            _ => !build.is_deleted,
        };
        kept && one_of(&self.definitions, build.definition)
            && one_of(&self.ids, build.id)
            && self.statuses.as_ref().is_none_or(|wanted| wanted.contains(&build.status))
            && self.results.as_ref().is_none_or(|wanted| build.result.is_some_and(|result| wanted.contains(&result)))
            && self.reasons.as_ref().is_none_or(|wanted| wanted.contains(&build.reason))
            && self.branch.as_ref().is_none_or(|wanted| *wanted == build.ref_name)
            && self.repository.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&build.repository.to_string()))
            && self.number.as_ref().is_none_or(|wanted| match wanted.strip_suffix('*') {
                Some(prefix) => build.number.to_lowercase().starts_with(&prefix.to_lowercase()),
                None => same_name(&build.number, wanted),
            })
            && self.requested_for.as_ref().is_none_or(|wanted| {
                build.requested_for.to_string().eq_ignore_ascii_case(wanted)
                    || world.user(build.requested_for).is_some_and(|user| same_name(&user.display_name, wanted))
            })
            && self.tags.as_ref().is_none_or(|wanted| wanted.iter().all(|tag| build.tags.iter().any(|known| same_name(known, tag))))
    }
}

pub async fn list(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let project = project(call, &world)?.id;
    let filters = Filters::read(call)?;
    let order = Order::of(call.query.get("queryOrder"));
    let time = |name: &str| call.query.get(name).map(|text| date(name, text)).transpose();
    let (from, to, token) = (time("minTime")?, time("maxTime")?, time("continuationToken")?);
    let top = call.query.number("$top")?.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE);
    let each = call.query.number("maxBuildsPerDefinition")?;
    let mut found: Vec<(Timestamp, &Build)> = world
        .builds
        .values()
        .filter(|build| build.project == project && filters.admits(&world, build))
        .filter_map(|build| order.time(build).map(|at| (at, build)))
        .filter(|(at, _)| from.is_none_or(|from| *at >= from) && to.is_none_or(|to| *at <= to))
        .filter(|(at, _)| token.is_none_or(|token| if order.ascending { *at >= token } else { *at <= token }))
        .collect();
    found.sort_by_key(|(at, build)| (*at, build.id));
    if !order.ascending {
        found.reverse();
    }
    if let Some(each) = each {
        let mut seen: BTreeMap<i32, usize> = BTreeMap::new();
        found.retain(|(_, build)| {
            let count = seen.entry(build.definition).or_default();
            *count += 1;
            *count <= each
        });
    }
    let mut taken = top.min(found.len());
    // A page full of one instant could not be left behind with a token that is that instant.
    while taken < found.len() && found[0].0 == found[taken].0 {
        taken += 1;
    }
    let next = found.get(taken).map(|(at, _)| ado_date(*at));
    let render = call.renderer(&world);
    let rows: Vec<Value> = found[..taken].iter().map(|(_, build)| render.build(build)).collect();
    Ok(Answer::list(rows).continued(next))
}

pub async fn get(call: &Call) -> Result<Answer, Failure> {
    let world = call.sim.read().await;
    let build = find(call, &world)?;
    Ok(Answer::ok(call.renderer(&world).build(build)))
}
