//! Says what was planned, with the numbers and commits that it got: the [`Plan`].
//!
//! Which deployment carried a pull request follows from positions on main alone. Limits: see [`Plan`].

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::assemble::Made;
use super::history::{History, What};
use super::items::{Item, Why};
use super::layout::{Flavour, Layout};
use super::plan::{
    Bot, Cause, Class, Counts, DeployedBy, Intervention, Nature, Plan, PlannedDeployment, PlannedIncident, PlannedPullRequest, PlannedPush,
    Renamed, Service, Way,
};
use super::request::{Link, Request, Style};
use super::runs::{Shipment, is_production, names_production};
use super::{Size, Window};
use crate::sim::world::{PrState, World};

pub(super) fn tell(
    world: &World,
    layout: &Layout,
    history: &History,
    items: &[Item],
    made: &Made,
    (size, seed, window): (Size, u64, Window),
) -> Plan {
    let deployments = deployments(world, layout, items, made, window);
    let pull_requests = pull_requests(world, layout, history, made, &deployments);
    let mut plan = Plan {
        size,
        seed,
        start: window.start,
        window_from: window.from,
        counts: counts(world, history, made, window),
        bots: bots(world, layout),
        services: services(world, layout),
        pull_requests,
        pushes: pushes(layout, history, made, &deployments),
        incidents: incidents(world, items, made),
        renamed: renamed(layout),
        deleted: layout.deleted.0,
        deployments: deployments.into_iter().map(|(_, row)| row).collect(),
    };
    classify(&mut plan);
    plan
}

/// The number of the run that a shipment came with: a build, or a release.
fn run_of(shipment: &Shipment, made: &Made) -> i32 {
    match shipment.way {
        Way::Classic => made.releases[shipment.run],
        _ => made.builds[shipment.run],
    }
}

/// By time, with the place of each.
fn deployments(world: &World, layout: &Layout, items: &[Item], made: &Made, window: Window) -> Vec<(Option<usize>, PlannedDeployment)> {
    let mut order: Vec<(usize, &Shipment)> = made.shipments.iter().enumerate().collect();
    order.sort_by_key(|(index, row)| (row.at.unwrap_or(row.queued), *index));
    let mut seen: Vec<Option<usize>> = Vec::new();
    let mut rows = Vec::new();
    for (index, row) in order {
        let place = row.place.map(|place| &layout.places[place]);
        let build = match row.way {
            Way::Classic => made.release_runs[row.run],
            _ => row.run,
        };
        let in_window = row.at.unwrap_or(row.queued) >= window.from;
        let is_first = row.outcome.is_success() && in_window && !seen.contains(&row.place);
        if is_first {
            seen.push(row.place);
        }
        let incident = items.iter().find(|item| item.why == Why::Incident(index));
        rows.push((
            row.place,
            PlannedDeployment {
                project: place.map_or_else(
                    || world.projects.first().map_or_else(String::new, |row| row.name.clone()),
                    |place| place.project_name.to_owned(),
                ),
                repository: place.map_or_else(|| layout.deleted.1.clone(), |place| place.name.clone()),
                repository_id: place.map_or(layout.deleted.0, |place| place.id),
                definition: row.definition,
                way: row.way,
                run: run_of(row, made),
                environment: row.environment.clone(),
                fan_out: row.fan_out,
                first_region: row.first_region,
                at: row.at,
                queued: row.queued,
                outcome: row.outcome,
                attempt: row.attempt,
                class: Class::Regular,
                sha: made.commits[build].clone(),
                position: row.position,
                in_window,
                is_first_in_window: is_first,
                run_failed_after: row.run_failed_after && row.outcome.is_success(),
                intervention: incident.map(|item| Intervention { why: Cause::Incident, by: item.id, at: item.created }),
                approvals: if row.way == Way::Classic { Vec::new() } else { approvals(world, run_of(row, made)) },
            },
        ));
    }
    rows
}

/// The runs that checked the merges of pull requests.
fn checks(world: &World) -> BTreeMap<i32, Vec<(Timestamp, Option<Timestamp>)>> {
    let mut checks: BTreeMap<i32, Vec<_>> = BTreeMap::new();
    for build in world.builds.values() {
        if let Some(number) = build.pull_request {
            checks.entry(number).or_default().push((build.queued, build.finished));
        }
    }
    checks
}

/// The answered approvals of the production stages of a run.
fn approvals(world: &World, run: i32) -> Vec<(Timestamp, Timestamp)> {
    let stages = world.builds.get(&run).into_iter().flat_map(|build| &build.stages);
    let attempts = stages.filter(|stage| names_production(&stage.identifier)).flat_map(|stage| &stage.attempts);
    attempts.flat_map(|attempt| &attempt.approvals).filter_map(|approval| Some((approval.since, approval.decided?))).collect()
}

fn pull_requests(
    world: &World,
    layout: &Layout,
    history: &History,
    made: &Made,
    deployments: &[(Option<usize>, PlannedDeployment)],
) -> Vec<PlannedPullRequest> {
    let mut checks = checks(world);
    let one = |request: &Request| {
        let checks = checks.remove(&request.id).unwrap_or_default();
        PlannedPullRequest { checks, ..pull_request(layout, history, made, deployments, request) }
    };
    let mut rows: Vec<PlannedPullRequest> = history.requests.iter().map(one).collect();
    rows.sort_by_key(|row| row.number);
    rows
}

/// The first success of a place that contains a position of its main branch and ended after the change was there.
fn carrier(deployments: &[(Option<usize>, PlannedDeployment)], of: usize, position: usize, since: Timestamp) -> Option<DeployedBy> {
    let contains = |row: &PlannedDeployment| row.position.is_some_and(|deployed| deployed >= position);
    deployments
        .iter()
        .filter(|(place, row)| *place == Some(of) && row.outcome.is_success() && contains(row))
        .find_map(|(_, row)| row.at.filter(|at| *at >= since).map(|at| (at, row)))
        .map(|(at, row)| DeployedBy {
            run: row.run,
            environment: row.environment.clone(),
            at,
            is_first_in_window: row.is_first_in_window,
            is_exact: row.position == Some(position),
        })
}

fn pushes(layout: &Layout, history: &History, made: &Made, deployments: &[(Option<usize>, PlannedDeployment)]) -> Vec<PlannedPush> {
    let mut rows = Vec::new();
    for (index, (place, line)) in layout.places.iter().zip(&history.lines).enumerate() {
        for (position, event) in line.iter().enumerate().skip(1) {
            let What::Direct { commits } = &event.what else { continue };
            let (Some(tip), Some(sha)) = (commits.last(), made.mains[index].get(position)) else { continue };
            rows.push(PlannedPush {
                project: place.project_name.to_owned(),
                repository: place.name.clone(),
                repository_id: place.id,
                sha: sha.clone(),
                authored: tip.authored,
                at: event.at,
                position,
                deployed: carrier(deployments, index, position, event.at),
            });
        }
    }
    rows.sort_by_key(|row| (row.at, row.repository_id));
    rows
}

fn pull_request(
    layout: &Layout,
    history: &History,
    made: &Made,
    deployments: &[(Option<usize>, PlannedDeployment)],
    request: &Request,
) -> PlannedPullRequest {
    let place = &layout.places[request.place];
    let carried = request.merged.zip(request.closed).and_then(|(position, closed)| carrier(deployments, request.place, position, closed));
    PlannedPullRequest {
        number: request.id,
        project: place.project_name.to_owned(),
        repository: place.name.clone(),
        repository_id: place.id,
        title: request.title.clone(),
        nature: request.wish.nature,
        state: request.state,
        strategy: request.wish.strategy.word().to_owned(),
        first_author_date: request.first_author_date(),
        created: request.created,
        ready: request.ready,
        first_human_review: request.first_review,
        completing_approval: (request.state == PrState::Completed)
            .then(|| request.completing_approval(place.required, layout.people.bot))
            .flatten(),
        approvals_in_force: request.approvals.clone(),
        required_approvals: place.required,
        closed: request.closed,
        merge_commit: request.merged.and_then(|position| made.mains[request.place].get(position).cloned()),
        position: request.merged,
        iterations: request.steps.len(),
        work_items: request.work_item.into_iter().collect(),
        ticket: (request.wish.link == Link::Branch && request.branch.starts_with("feature/"))
            .then(|| request.title.split(' ').next().unwrap_or_default().to_owned()),
        has_undated_vote: request.wish.style == Style::Undated && request.state == PrState::Completed,
        is_stale: request.wish.stale,
        reverts: request.reverts.map(|index| history.requests[index].id),
        deployed: carried,
        checks: Vec::new(),
    }
}

/// What each success was, and which ones before it failed: those that a rollback goes back over, the one before a hotfix, the one that
/// brought what a revert takes back.
fn classify(plan: &mut Plan) {
    let day = SignedDuration::from_hours(24);
    let brought = |run: i32, at: Option<Timestamp>, nature: Nature| {
        at.is_some_and(|at| plan.pull_requests.iter().any(|row| row.nature == nature && brought_by(row, run, at)))
    };
    let mut classes = Vec::new();
    for (index, row) in plan.deployments.iter().enumerate() {
        let before = plan.deployments[..index]
            .iter()
            .rposition(|other| other.outcome.is_success() && other.repository_id == row.repository_id)
            .filter(|_| row.outcome.is_success());
        let class = match before.map(|before| plan.deployments[before].position) {
            Some(Some(old)) if row.position == Some(old) => Class::Redeploy,
            Some(Some(old)) if row.position.is_some_and(|new| new < old) => Class::Rollback,
            // Taken back, and there again.
            Some(Some(_)) if plan.deployments[..index].iter().any(|other| was_there(other, row)) => Class::Redeploy,
            _ if row.outcome.is_success() && brought(row.run, row.at, Nature::Hotfix) => Class::Hotfix,
            _ if row.outcome.is_success() && brought(row.run, row.at, Nature::Revert) => Class::Revert,
            _ => Class::Regular,
        };
        classes.push((class, before));
    }
    for (index, (class, before)) in classes.into_iter().enumerate() {
        plan.deployments[index].class = class;
        let (run, repository, position) = {
            let row = &plan.deployments[index];
            (row.run, row.repository_id, row.position)
        };
        let (Some(before), Some(at)) = (before, plan.deployments[index].at) else { continue };
        let failed: Vec<(usize, Cause)> = match class {
            // Everything newer than what it goes back to, unless it had stood for three days without a word.
            Class::Rollback => (0..index)
                .rev()
                .filter(|other| plan.deployments[*other].outcome.is_success() && plan.deployments[*other].repository_id == repository)
                .take_while(|other| plan.deployments[*other].position > position)
                .filter(|other| *other == before || plan.deployments[*other].at.is_some_and(|then| at.duration_since(then) <= day * 3))
                .map(|other| (other, Cause::Rollback))
                .collect(),
            Class::Hotfix | Class::Revert => {
                let carriers =
                    plan.pull_requests.iter().filter(|row| brought_by(row, run, at)).filter_map(|row| row.reverts).filter_map(|of| {
                        let by = plan.pull_request(of)?.deployed.as_ref()?;
                        (0..index).find(|other| plan.deployments[*other].run == by.run && plan.deployments[*other].at == Some(by.at))
                    });
                let before = (class == Class::Hotfix).then_some(before);
                carriers.chain(before).map(|other| (other, Cause::Fix)).collect()
            }
            Class::Regular | Class::Redeploy => Vec::new(),
        };
        for (other, why) in failed {
            let earlier = &mut plan.deployments[other];
            let is_late = why == Cause::Fix && earlier.at.is_none_or(|then| at.duration_since(then) > day);
            if !is_late && earlier.intervention.is_none_or(|known| known.at > at) {
                earlier.intervention = Some(Intervention { why, by: run, at });
            }
        }
    }
}

fn was_there(other: &PlannedDeployment, row: &PlannedDeployment) -> bool {
    other.outcome.is_success() && other.in_window && other.repository_id == row.repository_id && other.position == row.position
}

fn brought_by(row: &PlannedPullRequest, run: i32, at: Timestamp) -> bool {
    row.deployed.as_ref().is_some_and(|by| by.run == run && by.at == at)
}

fn counts(world: &World, history: &History, made: &Made, window: Window) -> Counts {
    let commits = |request: &Request| request.closed.is_none_or(|closed| closed >= window.from);
    let builds = world.builds.values().filter(|build| window.has_build(build)).count();
    let requests = history.requests.iter().filter(|request| commits(request)).count();
    Counts {
        projects: world.projects.len(),
        repositories: world.repositories.len(),
        commits: history.commits_since(window.from),
        pull_requests: requests,
        builds,
        release_deployments: world.release_deployments.values().filter(|row| row.started.is_some_and(|at| at >= window.from)).count(),
        work_items: world.work_items.len(),
        old_pull_requests: history.requests.len() - requests,
        old_builds: made.builds.len() - builds,
    }
}

fn bots(world: &World, layout: &Layout) -> Vec<Bot> {
    [(layout.people.build_service, true), (layout.people.bot, false)]
        .into_iter()
        .filter_map(|(id, is_service_identity)| {
            let user = world.user(id)?;
            Some(Bot { id, name: user.display_name.clone(), unique_name: user.unique_name.clone(), is_service_identity })
        })
        .collect()
}

fn services(world: &World, layout: &Layout) -> Vec<Service> {
    let mut rows: Vec<Service> = Vec::new();
    for place in &layout.places {
        let pipelines = &place.pipelines;
        let (kind, definition, production) = match place.flavour {
            Flavour::Environments | Flavour::Regions => {
                let names = pipelines.production.iter().filter_map(|id| world.environment(*id)).map(|row| row.name.clone()).collect();
                (Way::Environments, pipelines.main.map(|main| layout.definitions[main].id), names)
            }
            Flavour::StageNames => {
                let main = pipelines.main.map(|main| &layout.definitions[main]);
                let names = main
                    .map(|main| main.stages.iter().filter(|stage| is_production(stage)).map(|stage| stage.identifier.clone()).collect());
                (Way::Stages, main.map(|main| main.id), names.unwrap_or_default())
            }
            Flavour::PipelineName => {
                let deploy = pipelines.deploy.map(|deploy| &layout.definitions[deploy]);
                (Way::PipelineName, deploy.map(|row| row.id), deploy.map(|row| row.name.clone()).into_iter().collect())
            }
            Flavour::Classic => (Way::Classic, pipelines.release, vec!["Production".to_owned()]),
            Flavour::Library | Flavour::Preprod | Flavour::Bare => continue,
        };
        rows.push(Service {
            project: place.project_name.to_owned(),
            repository: place.name.clone(),
            repository_id: place.id,
            definition: definition.unwrap_or_default(),
            kind,
            production,
        });
    }
    rows
}

fn incidents(world: &World, items: &[Item], made: &Made) -> Vec<PlannedIncident> {
    let rows = items.iter().filter_map(|item| {
        let Why::Incident(shipment) = item.why else { return None };
        Some(PlannedIncident {
            work_item: item.id,
            project: world.projects.get(item.project).map(|row| row.name.clone()).unwrap_or_default(),
            area: item.area.clone(),
            created: item.created,
            resolved: item.states.iter().find(|(state, _)| *state == "Resolved").map(|(_, at)| *at),
            run: run_of(&made.shipments[shipment], made),
        })
    });
    rows.collect()
}

fn renamed(layout: &Layout) -> Renamed {
    let (place, old) = &layout.renamed;
    let place = &layout.places[*place];
    Renamed { repository: place.id, old: old.clone(), new: place.name.clone() }
}
