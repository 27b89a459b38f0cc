//! Where a generated organisation works: projects, repositories, teams, and which pipelines each repository has.
//!
//! A repository's `Flavour` decides what counts as production there. Limits: at most one way to production a repository.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::people::{self, People};
use super::{Ids, Scale, Size, words};
use crate::sim::world::{
    ArtifactSource, Definition, DefinitionKind, Environment, Policy, PolicyKind, PolicyScope, Project, RefMatch, ReleaseDefinition,
    Repository, StagePlan, Team, TeamMember, World,
};

/// How a repository is built and brought to production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// One YAML pipeline whose stages deploy to environments named `staging` and `production`.
    Environments,
    /// The same with two regions, `ProdEU` and `ProdUS`.
    Regions,
    /// Stages alone say where: `DeployStaging`, `DeployProd`.
    StageNames,
    /// A second, stageless pipeline has `production` in its name.
    PipelineName,
    /// A classic release definition.
    Classic,
    /// Built and tested only, and by a pipeline called `product-catalog`.
    Library,
    /// Goes as far as `preprod` and a stage called `NonProd`.
    Preprod,
    /// No pipeline at all.
    Bare,
}

impl Flavour {
    pub fn reaches_production(self) -> bool {
        !matches!(self, Flavour::Library | Flavour::Preprod | Flavour::Bare)
    }
}

use Flavour::{Bare, Classic, Environments, Library, PipelineName, Preprod, Regions, StageNames};

const FLAVOURS_S: [[Flavour; 5]; 1] = [[Regions, StageNames, Classic, Preprod, Bare]];
const FLAVOURS_M: [[Flavour; 5]; 10] = [
    [Environments, Regions, Environments, Library, Bare],
    [StageNames, StageNames, Environments, Library, Bare],
    [Environments, Environments, Environments, PipelineName, Library],
    // Classic releases and no other way.
    [Classic, Classic, Classic, Library, Bare],
    // Nothing that reaches production.
    [Library, Preprod, Library, Preprod, Bare],
    // No pipelines.
    [Bare, Bare, Bare, Bare, Bare],
    [Regions, StageNames, StageNames, Classic, Bare],
    [Environments, Environments, Environments, Environments, Library],
    [Environments, Environments, StageNames, StageNames, PipelineName],
    [Environments, StageNames, Library, Library, Bare],
];

const PARTS: [[&str; 5]; 4] = [
    ["api", "web", "worker", "kit", "handbook"],
    ["service", "portal", "jobs", "commons", "notes"],
    ["gateway", "console", "sync", "schemas", "guides"],
    ["core", "frontend", "batch", "tools", "docs"],
];

/// A repository and everything about it that later steps ask for.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub project: usize,
    pub project_id: Uuid,
    pub project_name: &'static str,
    pub ticket_prefix: &'static str,
    pub id: Uuid,
    pub name: String,
    pub flavour: Flavour,
    /// Who works here.
    pub team: Vec<Uuid>,
    /// The team as a reviewer.
    pub group: Uuid,
    /// Approvals that a pull request needs.
    pub required: usize,
    pub pipelines: Pipelines,
}

/// Indexes are of `Layout::definitions`.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipelines {
    /// Runs on every push to main, and deploys where the flavour is a YAML one.
    pub main: Option<usize>,
    /// Checks pull requests; the main one where there is no other.
    pub check: Option<usize>,
    /// The stageless one with `production` in its name.
    pub deploy: Option<usize>,
    pub staging: i32,
    /// One, or one a region.
    pub production: Vec<i32>,
    /// Id of the classic release definition.
    pub release: Option<i32>,
    pub approvers: Vec<Uuid>,
}

#[derive(Debug)]
pub(super) struct Layout {
    pub places: Vec<Place>,
    pub definitions: Vec<Definition>,
    pub people: People,
    /// A repository that was called otherwise before, by place, and its old name.
    pub renamed: (usize, String),
    /// A repository that is gone, with the definition that built it.
    pub deleted: (Uuid, String, usize),
}

/// Makes the organisation's places in the world.
pub(super) fn lay_out(world: &mut World, ids: Ids, size: Size, scale: &Scale, start: Timestamp) -> Layout {
    let people = people::populate(world, ids, scale.people);
    let long_ago = start - SignedDuration::from_hours(24 * 400);
    let flavours: &[[Flavour; 5]] = match size {
        Size::S => &FLAVOURS_S,
        Size::M => &FLAVOURS_M,
    };
    let mut layout = Layout {
        places: Vec::new(),
        definitions: Vec::new(),
        people,
        renamed: (0, String::new()),
        deleted: (ids.of("deleted repository"), String::new(), 0),
    };
    for (index, (flavours, (name, prefix, description))) in flavours.iter().zip(words::PROJECTS).enumerate() {
        let team = team_of(&layout.people.humans, index, scale.team);
        let group = people::group(world, ids, name, &format!("{name} Team"));
        let mut project = Project::new(ids.of(&format!("project {name}")), name, long_ago);
        project.description = Some(description.to_owned());
        project.teams = vec![Team {
            id: ids.of(&format!("team {name}")),
            name: format!("{name} Team"),
            description: "The default project team.".to_owned(),
            members: team.iter().map(|user| TeamMember { user: *user, is_admin: team.first() == Some(user) }).collect(),
            extra: Default::default(),
        }];
        project.default_team = project.teams.first().map(|team| team.id);
        for (flavour, part) in flavours.iter().zip(PARTS[index % PARTS.len()]) {
            let repository = format!("{}-{part}", name.to_lowercase());
            let mut place = Place {
                project: index,
                project_id: project.id,
                project_name: name,
                ticket_prefix: prefix,
                id: ids.of(&format!("repository {repository}")),
                name: repository,
                flavour: *flavour,
                team: team.clone(),
                group,
                // Every sixth repository wants two.
                required: if layout.places.len() % 6 == 1 { 2 } else { 1 },
                pipelines: Pipelines::default(),
            };
            world.repositories.push(Repository::new(place.id, project.id, &place.name));
            add_policy(world, &place, long_ago);
            add_pipelines(world, &mut layout.definitions, &mut place, long_ago);
            layout.places.push(place);
        }
        world.projects.push(project);
    }
    rename_one(&mut layout);
    delete_one(&mut layout, long_ago);
    for definition in &layout.definitions {
        world.definitions.insert(definition.id, definition.clone());
    }
    layout
}

/// Neighbouring projects share a few people; the protagonist is everywhere.
fn team_of(humans: &[Uuid], project: usize, size: usize) -> Vec<Uuid> {
    let others = &humans[1.min(humans.len())..];
    let mut team: Vec<Uuid> = humans.first().copied().into_iter().collect();
    team.extend((0..size.min(others.len())).filter_map(|turn| others.get((project * (size - 2) + turn) % others.len()).copied()));
    team
}

fn add_policy(world: &mut World, place: &Place, at: Timestamp) {
    let policy = Policy {
        id: world.next_policy_id(),
        project: place.project_id,
        kind: PolicyKind::MinimumReviewers {
            count: place.required,
            creator_vote_counts: false,
            allow_downvotes: false,
            reset_on_source_push: false,
        },
        is_blocking: true,
        is_enabled: true,
        scopes: vec![PolicyScope { repository: Some(place.id), ref_name: Some("refs/heads/main".to_owned()), matching: RefMatch::Exact }],
        created_by: place.team.first().copied().unwrap_or_default(),
        created: at,
        revision: 1,
    };
    world.policies.push(policy);
}

fn add_pipelines(world: &mut World, definitions: &mut Vec<Definition>, place: &mut Place, at: Timestamp) {
    let by = place.team.first().copied().unwrap_or_default();
    let mut define = |name: &str, stages: Vec<StagePlan>| {
        let id = i32::try_from(definitions.len()).unwrap_or(0) + 1;
        let mut definition = Definition::new(id, place.project_id, name, place.id, by, at).with_stages(stages);
        definition.path = format!("\\{}", place.project_name.to_lowercase());
        definitions.push(definition);
        definitions.len() - 1
    };
    let approvers: Vec<Uuid> = place.team.iter().skip(1).take(2).copied().collect();
    let stages = |names: &[&str]| names.iter().map(|name| StagePlan::new(name)).collect::<Vec<_>>();
    let environment = |world: &mut World, name: &str| {
        let id = world.next_environment_id();
        world.environments.insert(id, Environment::new(id, place.project_id, &format!("{}-{name}", place.name), by, at));
        id
    };
    let mut pipelines = Pipelines { approvers: approvers.clone(), ..Pipelines::default() };
    let deploying = |mut plan: StagePlan, to: i32, approvers: &[Uuid]| {
        plan.environment = Some(to);
        plan.approvers = approvers.to_vec();
        plan
    };
    match place.flavour {
        Bare => {}
        Environments => {
            pipelines.staging = environment(world, "staging");
            pipelines.production = vec![environment(world, "production")];
            let mut plan = stages(&["Build", "Test"]);
            plan.push(deploying(StagePlan::new("Staging"), pipelines.staging, &[]));
            plan.push(deploying(StagePlan::new("Production"), pipelines.production[0], &approvers));
            plan.extend(stages(&["Smoke"]));
            pipelines.main = Some(define(&place.name, plan));
        }
        Regions => {
            pipelines.staging = environment(world, "staging");
            pipelines.production = vec![environment(world, "prod-eu"), environment(world, "prod-us")];
            let mut plan = stages(&["Build", "Test"]);
            plan.push(deploying(StagePlan::new("Staging"), pipelines.staging, &[]));
            plan.push(deploying(StagePlan::new("ProdEU"), pipelines.production[0], &approvers));
            plan.push(deploying(StagePlan::new("ProdUS"), pipelines.production[1], &[]));
            plan.extend(stages(&["Smoke"]));
            pipelines.main = Some(define(&place.name, plan));
            pipelines.check = Some(define(&format!("{}-pr", place.name), stages(&["Build", "Test"])));
        }
        StageNames => {
            let mut plan = stages(&["Build", "Test", "DeployStaging"]);
            let mut production = StagePlan::new("DeployProd");
            production.name = "Deploy to customers".to_owned();
            production.approvers.clone_from(&approvers);
            plan.push(production);
            plan.extend(stages(&["Smoke"]));
            pipelines.main = Some(define(&format!("{}-pipeline", place.name), plan));
        }
        PipelineName => {
            pipelines.main = Some(define(&format!("{}-ci", place.name), stages(&["Build", "Test"])));
            pipelines.deploy = Some(define(&format!("{}-deploy-production", place.name), Vec::new()));
        }
        Classic => {
            pipelines.main = Some(define(&format!("{}-ci", place.name), stages(&["Build", "Test"])));
            let id = world.next_release_definition_id();
            pipelines.release = Some(id);
        }
        Library => {
            pipelines.main = Some(define("product-catalog", stages(&["Build", "Test", "Pack"])));
        }
        Preprod => {
            let mut plan = stages(&["Build", "Test"]);
            pipelines.staging = environment(world, "preprod");
            plan.push(deploying(StagePlan::new("NonProd"), pipelines.staging, &[]));
            pipelines.main = Some(define("preprod", plan));
            pipelines.check = Some(define(&format!("{}-pr", place.name), stages(&["Build", "Test"])));
        }
    }
    if let (Some(id), Some(main)) = (pipelines.release, pipelines.main) {
        let artifact = ArtifactSource { alias: format!("_{}", place.name), definition: definitions[main].id };
        let mut release = ReleaseDefinition::new(
            id,
            place.project_id,
            &format!("{} release", place.name),
            artifact,
            &["Dev", "Staging", "Production"],
            by,
            at,
        );
        if let Some(last) = release.environments.last_mut() {
            last.approvers = approvers;
        }
        world.release_definitions.insert(id, release);
    }
    if let Some(deploy) = pipelines.deploy {
        definitions[deploy].kind = DefinitionKind::Designer;
    }
    pipelines.check = pipelines.check.or(pipelines.main);
    place.pipelines = pipelines;
}

/// The second repository was called otherwise until a while ago; its pipelines keep the old name.
fn rename_one(layout: &mut Layout) {
    let at = 1.min(layout.places.len().saturating_sub(1));
    let Some(place) = layout.places.get(at) else { return };
    let old = format!("{}-shopfront", place.project_name.to_lowercase());
    for definition in layout.definitions.iter_mut().filter(|definition| definition.repository == place.id) {
        definition.name = definition.name.replace(&place.name, &old);
    }
    layout.renamed = (at, old);
}

/// A repository that is no more: its definition and the runs are all that is left.
fn delete_one(layout: &mut Layout, at: Timestamp) {
    let Some(place) = layout.places.first() else { return };
    let name = format!("{}-prototype", place.project_name.to_lowercase());
    let id = i32::try_from(layout.definitions.len()).unwrap_or(0) + 1;
    let by = place.team.first().copied().unwrap_or_default();
    let stages = vec![StagePlan::new("Build"), StagePlan::new("Production")];
    layout.definitions.push(Definition::new(id, place.project_id, &format!("{name}-ci"), layout.deleted.0, by, at).with_stages(stages));
    layout.deleted.1 = name;
    layout.deleted.2 = layout.definitions.len() - 1;
}
