//! One pull request, one commit, one median: why slow, when it lands, where it is, what moved.

use jiff::SignedDuration;

use super::world::*;
use crate::domain::fact::PolicyEvaluation;
use crate::domain::id::Guid;
use crate::domain::pull_request::{Checks, MergeState, PullRequestStatus, Vote};
use crate::domain::run::StageResult;
use crate::metrics::blocker::{Blocker, PendingBuild, Situation, Turn, blockers, foremost};
use crate::metrics::departures::{self, StageState, Stop};
use crate::metrics::figures::{Metric, Phase, Subject};
use crate::metrics::input::{Actor, Happening, History, Required, What};
use crate::metrics::landing;
use crate::metrics::movers::movers;
use crate::metrics::query::Rules;
use crate::metrics::waterfall::{Pace, Typical, of};

fn actor(id: &str) -> Actor {
    Actor { id: Guid::new(id), name: id.to_owned(), unique_name: String::new(), is_group: false }
}

/// Active, created on 20 March 09:00, reviewed at 11:00 where asked.
fn active(reviewed: bool) -> History {
    let said = Happening { at: t("2026-03-20 11:00"), by: Some(Guid::new("bob")), what: What::Comment { open: true } };
    History {
        repository: WEB,
        number: 500,
        title: "Add a pier".to_owned(),
        status: PullRequestStatus::Active,
        is_draft: false,
        author: actor("ann"),
        source_branch: "pier".to_owned(),
        target_branch: "main".to_owned(),
        created_at: t("2026-03-20 09:00"),
        closed_at: None,
        merge_commit: None,
        source_commit: None,
        labels: Vec::new(),
        reviewers: vec![(actor("bob"), Vote::None, Required::Required), (actor("cy"), Vote::None, Required::Optional)],
        happenings: Some(if reviewed { vec![said] } else { Vec::new() }),
        actors: vec![actor("bob")],
        commits: Some(Vec::new()),
        items: Vec::new(),
        iterations: None,
        files: None,
        wanted: Vec::new(),
        validations: Vec::new(),
    }
}

/// `n` pull requests with a pickup of 1 hour, a review of 1 to n hours and a merge wait of 1 hour.
fn past(n: i64) -> World {
    let mut world = World::new();
    for number in 1..=n {
        let created = t("2026-03-03 09:00") + SignedDuration::from_hours(number);
        let after = |hours: i64| (created + SignedDuration::from_hours(hours)).to_string()[..16].replace('T', " ");
        world.merge(WEB, number, [&after(0), &after(0), &after(1), &after(1 + number), &after(2 + number)]);
    }
    world
}

fn typical(world: &World) -> Typical {
    Typical::of(&world.input, &world.query(), world.now)
}

#[test]
fn the_phase_it_is_in_is_held_against_the_ones_before() {
    let world = past(20);
    let rules = Rules::default();
    // In review since 11:00; reviews took 1 to 20 hours: median 10.5, p85 = 1 + 0.85 * 19 = 17.15.
    for (hour, pace) in [("2026-03-20 15:00", Pace::Usual), ("2026-03-20 23:00", Pace::Long), ("2026-03-21 05:00", Pace::Slow)] {
        let waterfall = of(&active(true), &Situation::default(), &rules, &typical(&world), None, t(hour));
        assert_eq!(waterfall.current, Some(Phase::Review));
        let now = waterfall.now().unwrap();
        assert_eq!((now.pace, now.n, now.median), (pace, 20, Some(hours(10.5))), "{hour}");
        assert!((now.p85.unwrap() - hours(17.15)).abs() < 1.0);
        let pickup = waterfall.parts.iter().find(|part| part.phase == Some(Phase::Pickup)).unwrap();
        assert_eq!((pickup.seconds, pickup.pace), (hours(2.0), Pace::Slow));
    }
    let few = past(4);
    assert_eq!(
        of(&active(true), &Situation::default(), &rules, &typical(&few), None, t("2026-03-21 05:00")).now().unwrap().pace,
        Pace::Unknown
    );
}

#[test]
fn parts_are_contiguous_and_the_last_goes_on() {
    let mut history = active(true);
    let vote = Happening { at: t("2026-03-20 13:00"), by: Some(Guid::new("bob")), what: What::Vote { vote: Vote::Approved } };
    history.happenings.as_mut().unwrap().push(vote);
    history.reviewers[0].1 = Vote::Approved;
    let waterfall = of(&history, &Situation::default(), &Rules::default(), &Typical::default(), None, t("2026-03-20 18:00"));
    let phases: Vec<_> = waterfall.parts.iter().map(|part| part.phase).collect();
    assert_eq!(phases, [Some(Phase::Pickup), Some(Phase::Review), Some(Phase::MergeWait)]);
    assert!(waterfall.parts.windows(2).all(|pair| pair[0].to == Some(pair[1].from)));
    assert_eq!((waterfall.parts[2].to, waterfall.parts[2].seconds), (None, hours(5.0)));
}

#[test]
fn without_threads_the_phases_are_not_guessed() {
    let mut history = active(false);
    history.happenings = None;
    let waterfall = of(&history, &Situation::default(), &Rules::default(), &Typical::default(), None, t("2026-03-20 18:00"));
    assert_eq!((waterfall.current, waterfall.parts.len(), waterfall.parts[0].phase), (None, 1, None));
    history.is_draft = true;
    let draft = of(&history, &Situation::default(), &Rules::default(), &Typical::default(), None, t("2026-03-20 18:00"));
    assert_eq!(draft.current, Some(Phase::Draft));
}

#[test]
fn after_the_merge_it_waits_for_its_deployment() {
    let mut history = active(true);
    (history.status, history.closed_at) = (PullRequestStatus::Completed, Some(t("2026-03-20 17:00")));
    let waiting = of(&history, &Situation::default(), &Rules::default(), &Typical::default(), None, t("2026-03-20 18:00"));
    assert_eq!((waiting.current, waiting.blockers.len()), (Some(Phase::DeployWait), 0));
    let there =
        of(&history, &Situation::default(), &Rules::default(), &Typical::default(), Some(t("2026-03-20 17:30")), t("2026-03-20 18:00"));
    assert_eq!((there.current, there.parts.last().unwrap().seconds), (None, 1_800.0));
}

#[test]
fn blockers_come_in_the_order_of_certainty() {
    let mut history = active(true);
    history.reviewers.push((actor("dora"), Vote::Rejected, Required::Required));
    let vote = Happening { at: t("2026-03-20 12:00"), by: Some(Guid::new("dora")), what: What::Vote { vote: Vote::Rejected } };
    history.happenings.as_mut().unwrap().push(vote);
    let policy =
        |name: &str, status: &str, blocking| PolicyEvaluation { id: name.into(), name: name.into(), status: status.into(), blocking };
    let situation = Situation {
        merge: MergeState::Conflicts,
        policies: vec![policy("Build", "rejected", true), policy("Size", "rejected", false), policy("Comments", "approved", true)],
        builds: vec![PendingBuild {
            number: 4711,
            label: "1".into(),
            definition: "ci".into(),
            queued_at: Some(t("2026-03-20 13:00")),
            started_at: None,
            ahead: Some(3),
        }],
        open_threads: 2,
        me: Some(Guid::new("cy")),
        ..Situation::default()
    };
    let blockers = of(&history, &situation, &Rules::default(), &Typical::default(), None, t("2026-03-20 18:00")).blockers;
    assert_eq!(
        blockers,
        [
            Blocker::Conflict,
            Blocker::VotedAgainst { by: "dora".into(), is_me: false, since: Some(t("2026-03-20 12:00")), rejected: true },
            Blocker::Policy { name: "Build".into(), status: "rejected".into() },
            Blocker::Reviewer { name: "bob".into(), is_me: false, idle_since: Some(t("2026-03-20 11:00")) },
            Blocker::Build { definition: "ci".into(), number: 4711, since: Some(t("2026-03-20 13:00")), running: false, ahead: Some(3) },
            Blocker::OpenComments { count: 2 },
            Blocker::You { to: Turn::Review },
        ]
    );
}

#[test]
fn what_comes_first_is_told_in_words_with_everybody_it_waits_for() {
    let told = |history: &History, situation: &Situation| {
        let flow = crate::metrics::flow::of(history, &Rules::default());
        foremost(&blockers(history, &flow, situation, &Rules::default()))
    };
    let mut history = active(true);
    let mut situation = Situation { open_threads: 1, checks: Checks { passed: 3, failed: 2, pending: 1 }, ..Situation::default() };
    assert_eq!(told(&history, &situation).as_deref(), Some("2 checks that failed"));
    situation.checks.failed = 0;
    history.reviewers.push((actor("dora"), Vote::None, Required::Required));
    history.reviewers.push((actor("buildbot [bot]"), Vote::None, Required::Optional));
    assert_eq!(told(&history, &situation).as_deref(), Some("bob, dora have not voted"));
    for (name, vote) in [("eve", Vote::WaitingForAuthor), ("fay", Vote::Rejected), ("gus", Vote::Rejected)] {
        history.reviewers.push((actor(name), vote, Required::Optional));
    }
    assert_eq!(told(&history, &situation).as_deref(), Some("fay, gus rejected it"));
    situation.merge = MergeState::Conflicts;
    assert_eq!(told(&history, &situation).as_deref(), Some("conflicts with its target branch"));
    situation.merge = MergeState::Succeeded;

    history.reviewers.clear();
    assert_eq!(told(&history, &situation).as_deref(), Some("1 check that is not finished"));
    situation.checks.pending = 0;
    assert_eq!(told(&history, &situation).as_deref(), Some("1 unresolved comment"));
    situation.open_threads = 0;
    assert_eq!(told(&history, &situation).as_deref(), Some("nobody is asked to review it"));
    (history.is_draft, history.happenings) = (true, None);
    assert_eq!(told(&history, &situation).as_deref(), Some("it is a draft"));
    // To its author it is something to do, which is nobody else's business.
    situation.me = Some(history.author.id.clone());
    assert_eq!(told(&history, &situation), None);
}

#[test]
fn whose_turn_it_is_depends_on_who_looks() {
    let turn = |history: &History, me: &str, open_threads| {
        let situation = Situation { open_threads, me: Some(Guid::new(me)), ..Situation::default() };
        let blockers = of(history, &situation, &Rules::default(), &Typical::default(), None, t("2026-03-20 18:00")).blockers;
        blockers.into_iter().find_map(|blocker| if let Blocker::You { to } = blocker { Some(to) } else { None })
    };
    let mut history = active(true);
    assert_eq!((turn(&history, "ann", 1), turn(&history, "ann", 0), turn(&history, "zoe", 1)), (Some(Turn::Answer), None, None));
    let vote = Happening { at: t("2026-03-20 13:00"), by: Some(Guid::new("bob")), what: What::Vote { vote: Vote::Approved } };
    history.happenings.as_mut().unwrap().push(vote);
    history.reviewers[0].1 = Vote::Approved;
    assert_eq!((turn(&history, "ann", 0), turn(&history, "bob", 0)), (Some(Turn::Complete), None));
    history.is_draft = true;
    history.happenings = Some(Vec::new());
    assert_eq!(turn(&history, "ann", 0), Some(Turn::Publish));
}

#[test]
fn a_landing_is_told_from_those_that_were_there_as_long_and_from_19_on() {
    // Reviews of 1 to 40 hours, completed an hour later. After 20 hours of review 21 were still in it (20 to 40).
    let world = past(40);
    let at = |hours_in: i64| {
        of(
            &active(true),
            &Situation::default(),
            &Rules::default(),
            &typical(&world),
            None,
            t("2026-03-20 11:00") + SignedDuration::from_hours(hours_in),
        )
    };
    let landing_of = |hours_in| landing::of(&at(hours_in), &typical(&world));
    let found = landing_of(20).unwrap();
    // Remaining: review - 20 + 1: within 4 hours 20 to 23; within a day all.
    assert_eq!((found.phase, found.n, found.within_4h, found.within_day), (Phase::Review, 21, 4, 21));
    assert_eq!(landing_of(22).map(|found| found.n), Some(19));
    assert_eq!(landing_of(23), None);
    // Abandoned ones were there too, and never landed.
    let mut given_up = past(40);
    given_up.input.flows[39].status = PullRequestStatus::Abandoned;
    let found = landing::of(&at(20), &typical(&given_up)).unwrap();
    assert_eq!((found.n, found.within_day), (21, 20));
}

#[test]
fn a_commit_is_followed_through_its_runs_to_production() {
    let mut world = World::with_web();
    world.kind(1, "deploy web", "Staging", None);
    world.merge(WEB, 1, ["2026-03-09 08:00", "2026-03-09 09:00", "", "", "2026-03-09 10:00"]);
    world.stage(1, 2, "Staging", "2026-03-09 11:00", WEB, 1).run_result = None;
    let waiting = world.stage(1, 2, "Production", "2026-03-09 12:00", WEB, 1);
    (waiting.result, waiting.run_result, waiting.started_at, waiting.finished_at) = (StageResult::Pending, None, None, None);
    let stops = departures::of(WEB, &commit(1), Some(t("2026-03-09 10:00")), &world.input, &world.rules, &[]);
    assert_eq!(stops[0], Stop::Merged { at: t("2026-03-09 10:00") });
    assert!(matches!(&stops[1], Stop::Run { run: 2, pipeline, result: None, .. } if pipeline == "deploy web"));
    assert!(matches!(&stops[2], Stop::Stage { stage, production: false, state: StageState::Done { .. }, .. } if stage == "Staging"));
    let since = Some(t("2026-03-09 11:00"));
    assert!(matches!(&stops[3], Stop::Stage { production: true, state: StageState::Waiting { since: s, .. }, .. } if *s == since));
    // A later run brings it.
    world.push(WEB, 60, "2026-03-09 14:00");
    world.deploy(1, 3, "2026-03-09 15:00", WEB, 60);
    let stops = departures::of(WEB, &commit(1), None, &world.input, &world.rules, &[]);
    assert_eq!(stops.len(), 6);
    assert!(matches!(&stops[5], Stop::Stage { production: true, state: StageState::Done { .. }, .. }));
    // Runs before it do not have it.
    assert!(stops.iter().all(|stop| !matches!(stop, Stop::Run { run: 1, .. })));
    // Nor is another pipeline on its way that ran only later; one that ran before is, and stands where it began.
    world.kind(0, "nightly", "Checks", None);
    world.stage(0, 9, "Checks", "2026-03-12 03:00", WEB, 60);
    assert_eq!(departures::of(WEB, &commit(1), None, &world.input, &world.rules, &[]), stops);
    world.stage(0, 8, "Checks", "2026-03-09 13:00", WEB, 1);
    let stops = departures::of(WEB, &commit(1), None, &world.input, &world.rules, &[]);
    let runs: Vec<i64> = stops.iter().filter_map(|stop| if let Stop::Run { run, .. } = stop { Some(*run) } else { None }).collect();
    assert_eq!(runs, [2, 8, 3]);
}

#[test]
fn what_moved_a_median_is_what_came_in_and_what_fell_out() {
    let mut world = World::new();
    let lasting = |world: &mut World, number: i64, created: &str, closed: &str| {
        world.merge(WEB, number, [created, created, "", "", closed]);
    };
    for number in 1..=5 {
        lasting(&mut world, number, "2026-03-10 09:00", "2026-03-10 11:00");
    }
    // Fell out of the window, and came into it.
    lasting(&mut world, 6, "2026-02-24 09:00", "2026-02-25 09:00");
    lasting(&mut world, 7, "2026-03-24 09:00", "2026-03-27 09:00");
    lasting(&mut world, 8, "2026-03-24 09:00", "2026-03-24 12:00");
    let moved = movers(&world.input, &world.query(), Metric::CycleTime, world.now).unwrap();
    assert_eq!((moved.before, moved.now), (Some(hours(2.0)), Some(hours(2.0))));
    assert_eq!((numbers(&moved.entered, None), numbers(&moved.left, None)), (vec![7, 8], vec![6]));
    assert_eq!(moved.entered[0].seconds, Some(hours(72.0)));
    let name = |subject: &Subject| match subject {
        Subject::PullRequest { number, .. } => format!("!{number}"),
        other => format!("{other:?}"),
    };
    let words = ["the median a week ago 2h, now 2h", "came in above 2h: !7 3d, !8 3h", "fell out above 2h: !6 1d"];
    assert_eq!((moved.lines(&name), moved.known_from), (words.map(str::to_owned).to_vec(), None));
    // Where the week before was not collected, what fell out of it is not made up.
    let from = t("2026-02-27 00:00");
    world.input.projects.iter_mut().for_each(|project| project.collection.from = Some(from));
    let moved = movers(&world.input, &world.query(), Metric::CycleTime, world.now).unwrap();
    assert_eq!(moved.known_from, Some(from));
    assert!(moved.lines(&name)[1].contains("was not collected"), "{:?}", moved.lines(&name));
    assert!(movers(&world.input, &world.query(), Metric::DeploymentFrequency, world.now).is_none());
}
