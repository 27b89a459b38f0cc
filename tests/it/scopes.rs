//! What a token without a scope loses, and nothing else: by the check beforehand, in what is collected, in the figures; and that a token
//! with the scope makes it good. Of a generated organisation, always against a store that had everything.

use kanado::action::{connect, credential, explain_pull_request, figures, rotate_token};
use kanado::ado::{Address, ScopeCheck, ScopeOutcome};
use kanado::clock::Clock;
use kanado::domain::collection::Source;
use kanado::domain::project::Project;
use kanado::domain::pull_request::PullRequestStatus;
use kanado::metrics::figures::{Figures, Metric, Phase, PhaseFigure, Tile, Value};
use kanado::metrics::input::Segment;
use kanado::metrics::query::{Query, Window};
use kanado::metrics::telling;
use kanado::secret::{self, Place};
use kanado::services::Services;
use kanado::sim;
use kanado::sim::generate::Size;
use kanado::sim::world::Token;

use crate::support::measured::{Measured, collect, token_noted};

const START: &str = "2026-11-18T23:59:59Z";

/// What rests on deployments.
const OF_DEPLOYMENTS: [Metric; 6] = [
    Metric::DeploymentFrequency,
    Metric::LeadTime,
    Metric::ChangeFailRate,
    Metric::RecoveryTime,
    Metric::ReworkRate,
    Metric::PipelineReliability,
];
const OF_FAILURES: [Metric; 3] = [Metric::ChangeFailRate, Metric::RecoveryTime, Metric::ReworkRate];
const OF_DISCUSSIONS: [Phase; 4] = [Phase::Draft, Phase::Pickup, Phase::Review, Phase::MergeWait];

/// A token that lacks a scope, and what that is to mean.
struct Lacking {
    note: &'static str,
    scope: &'static str,
    /// What may not be read.
    refused: &'static [Source],
    /// Tiles without a value for it.
    lost: &'static [Metric],
    /// Tiles that are poorer and say so.
    poorer: &'static [Metric],
}

const BUILD: Lacking = Lacking {
    note: "every scope but build",
    scope: "Build (read)",
    refused: &[Source::Builds, Source::Timelines],
    lost: &OF_DEPLOYMENTS,
    poorer: &[],
};
const WORK_ITEMS: Lacking = Lacking {
    note: "every scope but work items",
    scope: "Work Items (read)",
    refused: &[Source::WorkItems],
    lost: &[],
    poorer: &OF_FAILURES,
};
const RELEASE: Lacking =
    Lacking { note: "every scope but release", scope: "Release (read)", refused: &[Source::Releases], lost: &[], poorer: &OF_DEPLOYMENTS };
const ENVIRONMENT: Lacking = Lacking {
    note: "every scope but environment",
    scope: "Environment (read & manage)",
    refused: &[Source::Environments],
    lost: &[],
    poorer: &OF_DEPLOYMENTS,
};
const GRAPH: Lacking = Lacking { note: "every scope but graph", scope: "Graph (read)", refused: &[], lost: &[], poorer: &[] };

/// A small organisation, and somebody who has collected all of it.
struct Scene {
    full: Measured,
    clock: Clock,
}

impl Scene {
    async fn new() -> Self {
        let start = START.parse().unwrap();
        let options = sim::Options { organisation: sim::Content::Generated(Size::S), start: Some(start), ..sim::Options::default() };
        let clock = Clock::fixed(start);
        let full = Measured::at(options, clock.clone()).await;
        assert!(full.collect().await.is_complete());
        Self { full, clock }
    }

    async fn somebody(&self, note: &str) -> Somebody {
        let (services, projects) = self.full.with_token(&note.replace(' ', "-"), self.clock.clone(), note).await;
        Somebody { services, projects }
    }

    async fn figures(&self) -> Figures {
        figures_of(&self.full.services, &self.full.projects).await
    }

    async fn check(&self, token: &secret::Found) -> Vec<ScopeCheck> {
        let address = Address::parse(self.full.world.sim.organisation_url()).unwrap();
        connect::check(&self.full.services.ctx, &address, &credential(token)).await.unwrap().scopes
    }

    async fn check_noted(&self, note: &str) -> Vec<ScopeCheck> {
        self.check(&token_noted(&self.full.world, note)).await
    }
}

/// Another store on the same organisation.
struct Somebody {
    services: Services,
    projects: Vec<Project>,
}

impl Somebody {
    async fn collect(&self) {
        let ended = collect(&self.services, &self.projects).await;
        assert!(ended.is_complete(), "a refusal is no failure: {:#?}", ended.progress);
    }

    async fn figures(&self) -> Figures {
        figures_of(&self.services, &self.projects).await
    }

    /// What each source says that may not be read; the others are complete and fresh.
    async fn refused(&self) -> Vec<(Source, String)> {
        let mut refused = Vec::new();
        for project in &self.projects {
            for state in self.services.ctx.store.collection(project.id).await.unwrap().sources {
                assert_eq!(state.failed, None, "{:?}", state.source);
                match state.refused {
                    Some(words) => refused.push((state.source, words)),
                    None => assert!(state.backfilled_at.is_some() && state.synced_at.is_some(), "{:?} is complete", state.source),
                }
            }
        }
        refused
    }

    async fn rotate(&self, token: &secret::Found) {
        let ctx = &self.services.ctx;
        let organisation = ctx.organisation(self.projects[0].organisation).await.unwrap();
        rotate_token::run(ctx, &organisation, token, Place::File).await.unwrap();
    }
}

async fn figures_of(services: &Services, projects: &[Project]) -> Figures {
    let ctx = &services.ctx;
    let now = ctx.clock.now();
    let projects = projects.iter().map(|project| project.id).collect();
    let query = Query::new(projects, Window::last(30, now), ctx.config.metrics.rules.clone());
    figures::read(ctx, &query, now).await.unwrap().1
}

fn tile(figures: &Figures, metric: Metric) -> &Tile {
    figures.tile(metric).unwrap()
}

fn phase(figures: &Figures, phase: Phase) -> &Value {
    &figures.phases.iter().find(|one| one.phase == phase).unwrap().value
}

/// The lines of the check that are not in order.
fn amiss(scopes: &[ScopeCheck]) -> Vec<(&'static str, &ScopeOutcome)> {
    scopes.iter().filter(|one| one.outcome != ScopeOutcome::Allowed).map(|one| (one.scope, &one.outcome)).collect()
}

/// That words name the scope, and the place where it is given.
#[track_caller]
fn assert_says(words: &str, scope: &str) {
    assert!(words.contains(&format!("the token lacks {scope}")) && words.contains("/lumen/_usersSettings/tokens"), "{words}");
}

/// What went on inside of phases may be known of more, where timelines were read in place of environments.
#[track_caller]
fn assert_all_equal(figures: &Figures, full: &Figures) {
    for metric in Metric::ALL {
        assert_eq!(besides_overlays(tile(figures, metric)), besides_overlays(tile(full, metric)));
    }
    let phases = |figures: &Figures| {
        let bare = |figure: &PhaseFigure| PhaseFigure { overlay: None, ..figure.clone() };
        figures.phases.iter().map(bare).collect::<Vec<_>>()
    };
    assert_eq!(phases(figures), phases(full));
}

/// What went on inside of phases.
fn overlays(tile: &Tile) -> Vec<&str> {
    let is_one =
        |line: &&str| ["of review, CI", "of merge wait, CI", "of deploy wait, approval"].iter().any(|begin| line.starts_with(begin));
    tile.formula.iter().map(String::as_str).filter(is_one).collect()
}

fn besides_overlays(tile: &Tile) -> Tile {
    let overlays = overlays(tile);
    Tile { formula: tile.formula.iter().filter(|line| !overlays.contains(&line.as_str())).cloned().collect(), ..tile.clone() }
}

/// The whole of it: foretold, refused, told by the figures that it touches and by no other, and made good by a token that has it.
async fn degrades(lacking: &Lacking) -> Figures {
    let scene = Scene::new().await;
    let full = scene.figures().await;
    assert!(full.tiles.iter().all(|tile| telling::is_measured(&tile.value)), "the organisation has something for every tile");
    let checked = scene.check_noted(lacking.note).await;
    assert_eq!(amiss(&checked), [(lacking.scope, &ScopeOutcome::Missing)], "the check tells it beforehand");

    let poor = scene.somebody(lacking.note).await;
    poor.collect().await;
    let refused = poor.refused().await;
    assert_eq!(refused.iter().map(|(source, _)| *source).collect::<Vec<_>>(), lacking.refused);
    refused.iter().for_each(|(_, words)| assert_says(words, lacking.scope));

    let figures = poor.figures().await;
    for metric in Metric::ALL {
        let (has, had) = (tile(&figures, metric), tile(&full, metric));
        if lacking.lost.contains(&metric) {
            let Value::NotMeasured { why } = &has.value else { panic!("{metric:?} is {:?}", has.value) };
            assert_says(why, lacking.scope);
            assert_eq!((has.n, &has.formula), (0, &Vec::new()));
        } else if lacking.poorer.contains(&metric) {
            let lacks = telling::lacks(has);
            assert_eq!(lacks.iter().flat_map(|lack| lack.sources.clone()).collect::<Vec<_>>(), lacking.refused, "{metric:?}");
            assert_says(&lacks[0].words, lacking.scope);
        } else {
            assert_eq!(besides_overlays(has), besides_overlays(had), "it does not rest on {}", lacking.scope);
        }
    }
    for part in Phase::ALL {
        if part != Phase::DeployWait || lacking.lost.is_empty() && lacking.poorer != OF_DEPLOYMENTS {
            assert_eq!(phase(&figures, part), phase(&full, part), "{part:?}");
        }
    }

    poor.rotate(&token_noted(&scene.full.world, "everything")).await;
    poor.collect().await;
    assert_eq!(poor.refused().await, []);
    assert_all_equal(&poor.figures().await, &full);
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn without_build_no_deployment_is_measured_and_all_else_is() {
    let figures = degrades(&BUILD).await;
    let Value::NotMeasured { why } = phase(&figures, Phase::DeployWait) else { panic!("{:?}", figures.phases) };
    assert_says(why, BUILD.scope);
    let overlays = overlays(tile(&figures, Metric::CycleTime));
    assert!(overlays.len() == 2 && overlays.iter().all(|line| line.contains("CI is not known: ")), "{overlays:?}");
    overlays.iter().for_each(|line| assert_says(line, BUILD.scope));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_build_nobody_claims_that_a_merged_pull_request_waits_for_production() {
    let scene = Scene::new().await;
    let poor = scene.somebody(BUILD.note).await;
    poor.collect().await;
    let mut told = Vec::new();
    for (services, projects) in [(&scene.full.services, &scene.full.projects), (&poor.services, &poor.projects)] {
        let (ctx, now) = (&services.ctx, scene.clock.now());
        let query = Query::new(vec![projects[0].id], Window::last(30, now), ctx.config.metrics.rules.clone());
        let (input, _) = figures::read(ctx, &query, now).await.unwrap();
        let merged = input.flows.iter().find(|flow| flow.status == PullRequestStatus::Completed && flow.segment == Segment::Human).unwrap();
        let explained = explain_pull_request::run(ctx, merged.repository, merged.number).await.unwrap();
        let waits = explained.waterfall.parts.iter().any(|part| part.phase == Some(Phase::DeployWait));
        told.push((waits, explained.missing));
    }
    assert_eq!(told, [(true, Vec::new()), (false, vec!["the token may not read pipeline runs".to_owned()])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_work_items_fewer_failures_are_seen_and_that_is_said() {
    let figures = degrades(&WORK_ITEMS).await;
    // Rollbacks, hotfixes and reverts tell without them.
    assert!(matches!(tile(&figures, Metric::ChangeFailRate).value, Value::Rate { k: 1.., .. }));
    for metric in OF_FAILURES {
        assert!(tile(&figures, metric).notes[0].starts_with("work items are not seen"), "{metric:?}");
        assert_eq!(tile(&figures, metric).band, None, "what is poorer belongs to no cluster");
    }
    assert!(figures.linkage.items.iter().all(|(_, title, _)| title.is_empty()), "numbers are named in texts, titles are not known");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_release_classic_releases_are_not_counted_and_that_is_said() {
    let figures = degrades(&RELEASE).await;
    assert!(matches!(tile(&figures, Metric::DeploymentFrequency).value, Value::Frequency { count: 1.., .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_environment_stages_tell_the_same_figures() {
    let figures = degrades(&ENVIRONMENT).await;
    let full = Scene::new().await.figures().await;
    for metric in Metric::ALL {
        let (has, had) = (tile(&figures, metric), tile(&full, metric));
        assert_eq!((&has.value, has.n, &has.coverage), (&had.value, had.n, &had.coverage), "{metric:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_graph_every_figure_is_the_same() {
    degrades(&GRAPH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_pull_request_threads_code_that_may_be_written_does_as_well() {
    let scene = Scene::new().await;
    assert_eq!(amiss(&scene.check_noted("every scope but pull request threads").await), []);
    let somebody = scene.somebody("every scope but pull request threads").await;
    somebody.collect().await;
    assert_eq!(somebody.refused().await, []);
    assert_all_equal(&somebody.figures().await, &scene.figures().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_reads_has_every_figure_and_is_told_that_it_cannot_comment() {
    let scene = Scene::new().await;
    let checked = scene.check_noted("reads all there is").await;
    let (writing, threads) = ("Code (read & write)", "Pull Request Threads (read & write)");
    assert_eq!(amiss(&checked), [(writing, &ScopeOutcome::Missing), (threads, &ScopeOutcome::Missing)]);
    let line = checked.iter().find(|one| one.scope == threads).unwrap();
    assert!(line.degrades.contains("no comment can be written") && line.degrades.contains("figures are not affected"), "{line:?}");
    let somebody = scene.somebody("reads all there is").await;
    somebody.collect().await;
    assert_eq!(somebody.refused().await, []);
    assert_all_equal(&somebody.figures().await, &scene.figures().await);

    // The other way round: threads may be written although code may not.
    let alice = scene.full.control().world().await.user_named("alice").unwrap().id;
    let scopes = ["vso.code", "vso.project", "vso.graph", "vso.threads_full", "vso.build", "vso.work", "vso.release"];
    let token = Token::scoped(alice, "alice-commenting-token", &scopes, "comments, and writes no code");
    scene.full.control().change_world(|world| world.tokens.push(token)).await;
    let checked = scene.check(&secret::given(b"alice-commenting-token".to_vec()).unwrap()).await;
    let amiss = amiss(&checked);
    assert_eq!(amiss, [(writing, &ScopeOutcome::Missing), (ENVIRONMENT.scope, &ScopeOutcome::Missing)]);
}

/// A server, or its security, that gives discussions to nobody: with the kind of refusal that the fault makes.
async fn without_discussions(fault: &str, named: &str) {
    let scene = Scene::new().await;
    let full = scene.figures().await;
    let refusing = scene.full.control().add_fault(format!("{fault}:path=/threads:method=GET:times=always").parse().unwrap());
    let checked = scene.check_noted("everything").await;
    let line = checked.iter().find(|one| one.scope == "Pull Request Threads (read & write)").unwrap();
    assert_ne!(line.outcome, ScopeOutcome::Allowed);
    assert!(line.degrades.contains("pickup") && line.degrades.contains("without review"), "{line:?}");

    let poor = scene.somebody("everything").await;
    poor.collect().await;
    let refused = poor.refused().await;
    assert_eq!(refused.iter().map(|(source, _)| *source).collect::<Vec<_>>(), [Source::Threads]);
    assert!(refused[0].1.contains(named), "{refused:?}");
    let figures = poor.figures().await;
    for metric in Metric::ALL {
        let (has, had) = (tile(&figures, metric), tile(&full, metric));
        match metric {
            Metric::MergedWithoutReview => assert_eq!(has.value, Value::NotMeasured { why: refused[0].1.clone() }),
            // When a draft was published is not known: from the creation on, and that is said.
            Metric::CycleTime => {
                assert!(telling::is_measured(&has.value) && has.n >= had.n, "{has:?}");
                assert_eq!(telling::lacks(has)[0].sources, [Source::Threads]);
            }
            _ => assert_eq!(has, had, "it does not rest on discussions"),
        }
    }
    for part in OF_DISCUSSIONS {
        assert_eq!(*phase(&figures, part), Value::NotMeasured { why: refused[0].1.clone() }, "{part:?}");
    }
    for part in [Phase::Coding, Phase::DeployWait] {
        assert_eq!(phase(&figures, part), phase(&full, part), "{part:?}");
    }

    scene.full.control().remove_fault(refusing);
    poor.collect().await;
    assert_eq!(poor.refused().await, []);
    assert_all_equal(&poor.figures().await, &full);
}

#[tokio::test(flavor = "multi_thread")]
async fn discussions_that_no_scope_opens_take_reviews_with_them_and_nothing_else() {
    without_discussions("401", "the token lacks Pull Request Threads (read & write)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discussions_that_a_permission_closes_take_reviews_with_them_and_nothing_else() {
    without_discussions("403", "GenericRead").await;
}
