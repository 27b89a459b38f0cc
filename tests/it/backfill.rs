//! The first pass over whole organisations: what is asked, in which order, how much of it, and that a process that dies goes on where
//! it was.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use jiff::Timestamp;
use kanado::clock::Clock;
use kanado::metrics::left_alone::Sort;
use kanado::sim;
use kanado::sim::generate::Size;
use kanado::sim::generate::plan::{Nature, Way};
use kanado::sim::world::{BuildReason, BuildStatus};
use kanado::store::Location;
use kanado::store::Looked;
use kanado::sync::collect::Progress;
use kanado::sync::collect::plan::Counts;
use kanado::sync::collect::{OF_A_FOLDER_FIRST, SCHEDULED_FIRST};
use serde_json::Value;
use tokio::sync::watch;

use crate::support::inside::Inside;
use crate::support::measured::{self, Measured, assert_same};
use crate::support::world::{Person, World};

fn start() -> Timestamp {
    "2026-11-20T15:30:00Z".parse().unwrap()
}

/// How large the organisation is, as it was planned and not as it was collected.
async fn counts(measured: &Measured) -> Counts {
    let plan = measured.world.sim.plan().unwrap().clone();
    let world = measured.control().world().await;
    let of_machines = |pr: &&sim::generate::plan::PlannedPullRequest| {
        matches!(pr.nature, Nature::ServiceBot | Nature::ListedBot) && pr.closed.is_none_or(|closed| closed >= plan.window_from)
    };
    let is_production = |name: &str| {
        let by_environments = plan.services.iter().filter(|service| service.kind == Way::Environments);
        by_environments.flat_map(|service| &service.production).any(|known| known == name)
    };
    let production: Vec<_> = world.environments.values().filter(|environment| is_production(&environment.name)).map(|one| one.id).collect();
    let records = world.environment_deployments.values().filter(|record| production.contains(&record.environment)).count();
    // A run of each pipeline; and of those whose stages are production every run on the default branch that no schedule began, some
    // that one began, and one of each folder of branches. Of what is gone nobody knows the default branch.
    let by_stages = |definition: i32| {
        let of = |service: &sim::generate::plan::Service| service.kind == Way::Stages && service.definition == definition;
        plan.services.iter().any(of) || world.definitions[&definition].repository == plan.deleted
    };
    let mut timelines = world.definitions.len();
    for definition in world.definitions.keys().copied().filter(|definition| by_stages(*definition)) {
        let runs = || world.builds.values().filter(|build| build.definition == definition && !build.ref_name.starts_with("refs/pull/"));
        let is_scheduled = |build: &&sim::world::Build| build.reason == BuildReason::Schedule;
        let on_main = || runs().filter(|build| build.ref_name == "refs/heads/main");
        let folders: BTreeSet<_> = runs().filter_map(|build| build.ref_name.strip_prefix("refs/heads/")?.split('/').next()).collect();
        timelines += on_main().filter(|build| !is_scheduled(build)).count();
        timelines += on_main().filter(is_scheduled).count().min(SCHEDULED_FIRST) + folders.len() * OF_A_FOLDER_FIRST;
    }
    Counts {
        projects: plan.counts.projects,
        repositories: plan.counts.repositories,
        pull_requests: plan.counts.pull_requests,
        of_machines: plan.pull_requests.iter().filter(of_machines).count(),
        // Those that wait in a queue are on no list that is asked for.
        builds: plan.counts.builds - world.builds.values().filter(|build| build.status == BuildStatus::NotStarted).count(),
        environments: production.len(),
        records,
        deployments: plan.counts.release_deployments,
        commits: plan.counts.commits,
        work_items: plan.counts.work_items,
        timelines,
        // All that is deployed there is of the default branch.
        between: 0,
    }
}

/// That everything that was planned for the window is there.
async fn assert_collected(measured: &Measured, counts: &Counts) {
    let flows = measured.number("SELECT count(*) FROM flows").await;
    assert_eq!(flows, counts.pull_requests, "pull requests");
    assert_eq!(measured.number("SELECT count(*) FROM builds").await, counts.builds, "runs");
    // What was pushed in the window and made before it is there as well.
    let in_time = "SELECT count(*) FROM commits WHERE committed_at >= (SELECT min(covers_from) FROM sync_sources)";
    assert_eq!(measured.number(in_time).await, counts.commits, "commits");
    assert_eq!(measured.number("SELECT count(*) FROM flows WHERE due > 0").await, 0, "nothing is left to read");
    let read = measured
        .number("SELECT count(*) FROM flows WHERE threads_at IS NOT NULL AND (detail_at IS NOT NULL OR status = 'abandoned')")
        .await;
    assert_eq!(read, counts.pull_requests - counts.of_machines, "all but those of machines were read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_pass_asks_for_the_lists_first_and_for_no_more_than_the_formula_says() {
    let measured = Measured::generated(Size::S, start()).await;
    let counts = counts(&measured).await;
    measured.control().reset_requests();
    let ended = measured.collect().await;
    assert!(ended.is_complete(), "{:#?}", ended.progress);
    assert_collected(&measured, &counts).await;
    let (calls, asked) = (counts.calls(), measured.control().requests());
    assert!(asked.total as usize <= calls.whole, "{} of {calls:?}: {asked:?}", asked.total);
    // Where the services live is asked once, by the client itself.
    assert_eq!(
        ended.progress.here as u64,
        asked.total - measured.asked("resourceareas"),
        "every call is counted, and none twice: {asked:?}"
    );
    let people = (counts.pull_requests - counts.of_machines) as u64;
    assert_eq!(measured.asked("/threads"), people, "{asked:?}");

    // Which runs nobody was asked about is known, of each pipeline.
    let projects: Vec<_> = measured.projects.iter().map(|project| project.id).collect();
    let kinds = measured.services.ctx.store.stage_kinds(&projects).await.unwrap();
    let left_alone: Vec<_> = kinds.iter().filter(|kind| !kind.left_alone.is_empty()).collect();
    assert!(left_alone.iter().flat_map(|kind| &kind.left_alone).any(|one| one.sort == Sort::Scheduled), "{left_alone:#?}");
    for kind in left_alone {
        let told: u64 = kind.left_alone.iter().map(|one| one.runs - one.looked_at).sum();
        let store = &measured.services.ctx.store;
        let unasked = store.ended_runs(kind.project, kind.definition, Timestamp::UNIX_EPOCH, Looked::NotYet, 10_000).await.unwrap();
        assert_eq!(unasked.len() as u64, told, "{kind:#?}");
    }

    let organisation = measured.services.ctx.organisation(measured.projects[0].organisation).await.unwrap();
    let client = measured.services.ctx.clients.acting(&organisation).await.unwrap().client;
    let log = client.request_log().entries();
    let first = log.iter().position(|entry| entry.path.contains("/threads")).unwrap();
    let is_list = |path: &str| {
        ["git/pullrequests", "build/builds?", "distributedtask/environments", "release/deployments"].iter().any(|part| path.contains(part))
    };
    let lists: Vec<_> = log.iter().enumerate().filter(|(_, entry)| is_list(&entry.path)).map(|(at, _)| at).collect();
    assert!(!lists.is_empty() && lists.iter().all(|at| *at < first), "lists at {lists:?}, the first threads at {first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_day_it_is_ten_projects_are_collected_within_the_budget() {
    // Another day, another hour, other dice; and nobody said who is a machine.
    for (seed, start) in [(1, "2026-11-22T13:05:00Z"), (2, "2026-03-01T06:10:00Z"), (8, "2027-07-14T22:45:00Z")] {
        let start: Timestamp = start.parse().unwrap();
        let organisation = sim::Content::Generated(Size::M);
        let options = sim::Options { organisation, start: Some(start), seed, ..sim::Options::default() };
        let measured = Measured::unlisted(Inside::start(options).await, Clock::fixed(start)).await;
        measured.control().reset_requests();
        let ended = measured.collect().await;
        assert!(ended.is_complete(), "{:#?}", ended.progress.troubles().collect::<Vec<_>>());
        let asked = measured.control().requests();
        eprintln!("seed {seed} at {start}: {} requests, {} of them for stages", asked.total, measured.asked("/timeline"));
        // Fifty less than the budget: a busier month has to fit in.
        assert!(asked.total <= 1_550, "seed {seed} at {start}: {asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_projects_are_collected_within_the_budget_and_refreshed_within_a_tenth_of_it() {
    let measured = Measured::generated(Size::M, start()).await;
    let counts = counts(&measured).await;
    measured.control().reset_requests();
    let ended = measured.collect().await;
    assert!(ended.is_complete(), "{:#?}", ended.progress.troubles().collect::<Vec<_>>());
    assert_collected(&measured, &counts).await;
    let (calls, asked) = (counts.calls(), measured.control().requests());
    eprintln!("{counts:?}: {calls:?}, asked {} in {asked:#?}", asked.total);
    assert!(asked.total as usize <= calls.whole, "{} of {calls:?}: {asked:?}", asked.total);
    assert!(asked.total <= 1_550, "fifty less than the budget: {asked:?}");

    // Nothing changed: lists, and a quarter of the active pull requests.
    measured.control().reset_requests();
    let facts = measured.facts().await;
    assert!(measured.collect().await.is_complete());
    let refreshed = measured.control().requests();
    let active = measured.number("SELECT count(*) FROM flows WHERE status = 'active' AND threads_at IS NOT NULL").await;
    // Each project rounds its quarter up.
    let rotation = active.div_ceil(4) + counts.projects;
    let lists = 2 * counts.projects + 2 * counts.projects + counts.projects + counts.projects + counts.environments + 2 * counts.projects;
    // Pushes; commits only where there are new ones.
    let most = lists + rotation + counts.repositories;
    assert!(refreshed.total as usize <= most, "{} of {most}: {refreshed:?}", refreshed.total);
    assert_same(&facts, &measured.facts().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_is_dropped_again_and_again_ends_as_one_that_was_not() {
    let measured = Measured::generated(Size::S, start()).await;
    let (other, projects) = measured.somebody_else("other", Clock::fixed(start())).await;
    measured.collect().await;
    let threads = measured.asked("/threads");
    measured.control().reset_requests();
    let settings = kanado::engine::collect_settings(&other.ctx.config);
    for after in [3, 20, 70] {
        let (sender, mut progress) = watch::channel(Progress::default());
        tokio::select! {
            ended = kanado::engine::collect_now(&other.ctx, &projects, &settings, &sender) => panic!("ended too soon: {ended:?}"),
            _ = progress.wait_for(|progress| progress.here >= after) => {}
        }
        let lease = format!("collect:{}", projects[0].id);
        let held = other.ctx.store.lease(&lease).await.unwrap().unwrap();
        other.ctx.store.release_lease(&lease, &held.holder, other.ctx.clock.now()).await.unwrap();
    }
    assert!(measured::collect(&other, &projects).await.is_complete());
    let again = measured.asked("/threads");
    assert!(again <= threads + 3 * (16 + 32), "{again} instead of {threads}: what was under way is asked for again, and nothing else");
    assert_same(&measured.facts().await, &measured::facts(&measured.world.file_of("other")).await);
}

/// The lines of `--json` until so many calls are done; then the process is killed between two instructions.
fn killed_after(person: &Person, calls: u64) -> u64 {
    let mut child = person.command(&["backfill", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut done = 0;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        done = line["calls"].as_u64().unwrap_or_else(|| panic!("ended before it was killed: {line}"));
        if done >= calls {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    done
}

/// Somebody connected to these projects of a world, with nothing collected yet.
fn connected(world: &World, projects: &[String]) -> Person {
    let person = Person::new(world.facts["tokens"][0]["token"].as_str().unwrap());
    for project in projects {
        person.ok(&["connect", &format!("{}/{project}", world.organisation()), "--yes"]);
    }
    person
}

/// A generated organisation in another process, with the names of its projects.
fn organisation(size: &str) -> (World, Vec<String>) {
    let folder = tempfile::TempDir::new().unwrap();
    let plan = folder.path().join("plan.json");
    let world = World::with(&["--organisation", size, "--latency-ms", "20", "--plan", plan.to_str().unwrap()]);
    let plan: Value = serde_json::from_slice(&std::fs::read(plan).unwrap()).unwrap();
    // Not every project deploys, but people work in each.
    let worked_on = plan["pullRequests"].as_array().unwrap();
    let projects: BTreeSet<_> = worked_on.iter().map(|one| one["project"].as_str().unwrap().to_owned()).collect();
    (world, projects.into_iter().collect())
}

/// The last line of a pass that ends.
fn collected(person: &Person) -> Value {
    let told = person.ok(&["backfill", "--json"]);
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!(last["complete"], true, "{last}");
    last
}

#[test]
fn ten_projects_whose_collector_is_killed_three_times_end_with_the_same_rows_as_if_it_were_not() {
    let (world, projects) = organisation("m");
    assert_eq!(projects.len(), 10);
    let unbroken = connected(&world, &projects);
    // The same beginning for both: rows have the same numbers.
    let killed = Person::new(world.facts["tokens"][0]["token"].as_str().unwrap());
    std::fs::create_dir_all(killed.data()).unwrap();
    for entry in std::fs::read_dir(unbroken.data()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), killed.data().join(entry.file_name())).unwrap();
    }
    let asked = || world.control("GET", "requests", Value::Null)["total"].as_u64().unwrap();
    let before = asked();
    collected(&unbroken);
    let whole = asked() - before;
    // Among the lists, among the threads, among the details. Each next one takes over at once from the one that was killed.
    for calls in [60, 350, 400] {
        assert!(killed_after(&killed, calls) >= calls);
    }
    collected(&killed);
    let again = asked() - before - whole;
    assert!(again < whole * 3 / 2, "{again} requests instead of {whole}: it does not begin anew");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let facts = |person: &Person| runtime.block_on(measured::facts(&Location::Sqlite(person.data().join("kanado.db"))));
    assert_same(&facts(&unbroken), &facts(&killed));
}

#[test]
fn whoever_waits_for_another_collector_says_so_and_takes_over_as_soon_as_that_is_dead() {
    let (world, projects) = organisation("s");
    let person = connected(&world, &projects);
    // The first is made to wait for as long as this takes: it does nothing, but it is there, and nobody may collect beside it.
    world.fault("429:retry-after=900");
    let mut first = person.command(&["backfill", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&line["complete"], &line["calls"]), (&Value::Null, &Value::from(0)), "{line}");
    let mut second = person.command(&["backfill", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines =
        BufReader::new(second.stdout.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let waiting = lines.next().unwrap()["waiting"].clone();
    assert_eq!(waiting["by"], format!("process {}", first.id()), "{waiting}");
    assert!(projects.iter().any(|project| waiting["project"] == project.as_str()), "{waiting}");
    let until: jiff::Timestamp = waiting["until"].as_str().unwrap().parse().unwrap();

    world.no_faults();
    first.kill().unwrap();
    first.wait().unwrap();
    let rest: Vec<Value> = lines.collect();
    assert!(second.wait().unwrap().success());
    assert_eq!(rest.last().unwrap()["complete"], true);
    assert!(jiff::Timestamp::now() < until, "it did not wait until the claim of the dead ran out");
}
