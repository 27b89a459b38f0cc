//! Holds the product against the month that was worked out by hand: `by_hand.md`, cell by cell.
//!
//! The subtractions of the page are done again, so that a slip of the pen is not taken for an answer; nothing else is computed here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kanado::domain::run::DefinitionKind;
use kanado::metrics::figures::{Metric, Phase, Row, Subject, Value};

use super::held::{Differences, Held, all};

const PAGE: &str = include_str!("by_hand.md");

/// The organisation of the page.
fn month() -> &'static Held {
    all().iter().find(|held| held.label == "S from 2026-11-16T09:20:31Z").unwrap()
}

/// Rows of the table whose first column is headed so: cells by their headings.
fn table(first: &str) -> Vec<BTreeMap<&'static str, &'static str>> {
    let cells = |line: &'static str| line.trim().trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let mut lines = PAGE.lines().skip_while(|line| !(line.starts_with("| ") && cells(line)[0] == first));
    let head = cells(lines.next().unwrap_or_else(|| panic!("no table of {first}")));
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let row = cells(line);
        assert_eq!(row.len(), head.len(), "{line}");
        head.iter().copied().zip(row).collect()
    })
    .collect()
}

/// `11-13 06:43:07`, or nothing where it says `-`.
fn time(cell: &str) -> Option<Timestamp> {
    (cell != "-").then(|| format!("2026-{}Z", cell.replace(' ', "T")).parse().unwrap())
}

/// `76:03:19` in seconds.
fn span(cell: &str) -> Option<f64> {
    let of = |text: &str| text.split(':').map(|part| part.parse::<f64>().unwrap()).fold(0.0, |sum, part| sum * 60.0 + part);
    (cell != "-").then(|| of(cell))
}

/// Cut off as the page does.
fn shown(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.strftime("%m-%d %H:%M:%S").to_string())
}

/// Two times that were cut off to seconds are less than one second further apart, or closer, than they were.
fn about(one: f64, other: Option<f64>) -> bool {
    other.is_some_and(|other| (one - other).abs() < 1.0)
}

/// What lies between two such spans was cut off once more.
fn about_between(one: f64, other: Option<f64>) -> bool {
    other.is_some_and(|other| (one - other).abs() < 2.0)
}

#[test]
fn the_page_covers_what_can_happen_to_a_pull_request_and_to_a_deployment() {
    let (pulls, runs) = (table("pull"), table("run"));
    assert!(pulls.len() >= 30 && runs.len() >= 20, "{} and {}", pulls.len(), runs.len());
    let kinds: String = pulls.iter().chain(&runs).map(|row| format!("{}; ", row["what it is"])).collect();
    for what in [
        "squash",
        "rebase",
        "merge commit",
        "a revert",
        "a hotfix",
        "a bot",
        "draft",
        "2 approvals",
        "stale start",
        "undated vote",
        "abandoned",
        "two regions",
        "skipped",
        "refused",
        "a retry",
        "a rollback",
        "classic",
        "cancelled",
        "failed in",
    ] {
        assert!(kinds.contains(what), "nothing is {what}");
    }
}

#[test]
fn the_subtractions_of_the_page_are_right() {
    let mut differences = Differences::default();
    let mut check = |row: &BTreeMap<&str, &str>, what: &str, from: Option<Timestamp>, to: Option<Timestamp>| {
        let Some(written) = span(row[what]) else { return };
        let spanned = from.zip(to).map(|(from, to)| to.duration_since(from).as_secs_f64());
        differences.check(spanned == Some(written), || format!("{what} {} is {spanned:?} seconds: {row:?}", row[what]));
    };
    for row in &table("pull") {
        let at = |name: &str| time(row[name]);
        // What gives way to the creation.
        let is_odd = row["what it is"].contains("stale start") || row["what it is"].contains("first commit after creation");
        let start = if is_odd { at("created") } else { at("first commit") };
        check(row, "coding", start, at("created"));
        check(row, "pickup", at("ready"), at("first review"));
        check(row, "review", at("first review"), at("approved"));
        check(row, "merge wait", at("approved"), at("closed"));
        check(row, "cycle", at("ready"), at("closed"));
        check(row, "lead time", start, at("in production"));
    }
    for row in &table("run") {
        // The first time that the cell names.
        let words: Vec<&str> = row["repaired"].split(' ').collect();
        let times = words.windows(2).filter(|pair| pair[0].len() == 5 && pair[0].as_bytes()[2] == b'-');
        let repaired = times.map(|pair| format!("{} {}", pair[0], &pair[1][..8])).next();
        check(row, "recovery", time(row["deployed"]), repaired.and_then(|at| time(&at)));
    }
    differences.none_in_at_least(200);
}

#[test]
fn every_pull_request_of_the_page_is_measured_as_it_was_worked_out() {
    let held = month();
    let mut differences = Differences::default();
    let rows = table("pull");
    let ended = held.known().filter(|planned| planned.closed.is_some()).count();
    assert_eq!(rows.len(), ended, "the page has all that ended");
    for row in rows {
        let number: i64 = row["pull"].trim_start_matches('!').parse().unwrap();
        let planned = held.plan.pull_request(i32::try_from(number).unwrap()).unwrap();
        let flow = held.flow(planned).unwrap();
        let is_bots = row["what it is"].contains("a bot");
        let instants = [
            ("first commit", flow.first_commit_at),
            ("created", Some(flow.created_at)),
            ("ready", flow.ready_at),
            ("first review", flow.first_review_at),
            ("approved", flow.approved_at),
            ("closed", flow.closed_at),
        ];
        for (name, measured) in instants {
            // What is said about a machine's is not read.
            if is_bots && matches!(name, "first commit" | "first review" | "approved") {
                continue;
            }
            differences.check(shown(measured) == row[name], || {
                format!("!{number} {name}: worked out {}, measured {}", row[name], shown(measured))
            });
        }
        let lead = held.row_of(Metric::LeadTime, planned);
        if let Some(by) = row["carried by"].strip_suffix(" (first)") {
            let is_seed = lead.is_some_and(|lead| lead.excluded == Some(kanado::metrics::figures::Reason::Seed));
            differences.check(is_seed, || format!("!{number}: under {by}, the first, measured {lead:?}"));
        } else if row["carried by"] != "-" {
            let is_there = lead.is_some_and(|lead| {
                lead.words.contains(&format!("deployed by {} of ", row["carried by"])) && shown(Some(lead.at)) == row["in production"]
            });
            differences
                .check(is_there, || format!("!{number}: worked out {} at {}, measured {lead:?}", row["carried by"], row["in production"]));
        }
        for (name, measured) in [("lead time", lead), ("cycle", held.row_of(Metric::CycleTime, planned))] {
            let measured = measured.filter(|measured| measured.excluded.is_none()).and_then(|measured| measured.seconds);
            let agrees = span(row[name]).map_or(measured.is_none(), |written| about(written, measured));
            differences.check(agrees, || format!("!{number} {name}: worked out {}, measured {measured:?} seconds", row[name]));
        }
    }
    differences.none_in_at_least(400);
}

#[test]
fn every_deployment_of_the_page_is_measured_as_it_was_worked_out() {
    let held = month();
    let mut differences = Differences::default();
    for row in table("run") {
        let (run, _) = row["run"].split_once(" of ").unwrap();
        let (kind, number) = run.split_once(' ').unwrap();
        let kind = if kind == "release" { DefinitionKind::Release } else { DefinitionKind::Pipeline };
        let is_it = |said: &&Row| {
            matches!(said.subject, Subject::Deployment { kind: of, run, .. } if of == kind && run.to_string() == number)
                && (row["deployed"] == "-" || shown(Some(said.at)) == row["deployed"])
        };
        let of = |metric: Metric| held.rows[&metric].iter().find(is_it);
        let said = of(Metric::DeploymentFrequency);
        if row["deployed"] == "-" {
            differences.check(said.is_none_or(|said| said.excluded.is_some()), || format!("{run} counts: {said:?}"));
            continue;
        }
        let says = row["says"];
        let agrees = said.is_some_and(|said| match said.excluded {
            Some(reason) => reason.words() == says,
            None => says == "-" || said.words.contains(says),
        });
        differences.check(agrees, || format!("{run}: worked out {says:?} at {}, measured {said:?}", row["deployed"]));
        if said.is_some_and(|said| said.excluded.is_some()) {
            continue;
        }
        let by = format!("deployed by {run} of ");
        let brought: BTreeSet<String> = held.rows[&Metric::LeadTime]
            .iter()
            .filter(|lead| lead.excluded.is_none() && lead.words.contains(&by))
            .filter_map(|lead| match &lead.subject {
                Subject::PullRequest { number, .. } => Some(format!("!{number}")),
                _ => None,
            })
            .collect();
        let written: BTreeSet<String> = row["brings"].split(' ').filter(|one| *one != "-").map(str::to_owned).collect();
        differences.check(brought == written, || format!("{run} brings: worked out {written:?}, measured {brought:?}"));
        let failed = of(Metric::ChangeFailRate);
        let agrees = failed.is_some_and(|failed| match row["failed"] {
            "-" => !failed.words.contains("failed: "),
            why => failed.words.split_once("failed: ").is_some_and(|(_, words)| words.contains(why)),
        });
        differences.check(agrees, || format!("{run} failed: worked out {}, measured {failed:?}", row["failed"]));
        let recovery = of(Metric::RecoveryTime).and_then(|recovery| recovery.seconds);
        let agrees = span(row["recovery"]).map_or(recovery.is_none(), |written| about(written, recovery));
        differences.check(agrees, || format!("{run} recovery: worked out {}, measured {recovery:?} seconds", row["recovery"]));
    }
    differences.none_in_at_least(100);
}

#[test]
fn the_figures_of_the_page_are_those_worked_out() {
    let held = month();
    let mut differences = Differences::default();
    for row in table("phase") {
        let value = match Phase::ALL.into_iter().find(|phase| phase.words() == row["phase"]) {
            Some(phase) => &held.figures.phases.iter().find(|figure| figure.phase == phase).unwrap().value,
            None => &held.figures.tile(Metric::CycleTime).unwrap().value,
        };
        let Value::Times { median, p85, .. } = value else { panic!("{value:?}") };
        let is_p85 = p85.is_some_and(|p85| about_between(p85, span(row["85th percentile"])));
        let agrees = about_between(*median, span(row["median"])) && is_p85;
        differences.check(agrees, || format!("{row:?}, measured {value:?}"));
    }
    let tile = |metric: Metric| &held.figures.tile(metric).unwrap().value;
    let failed = tile(Metric::ChangeFailRate);
    differences.check(matches!(failed, Value::Rate { k: 10, n: 40, .. }), || format!("10 of 40 failed: {failed:?}"));
    let deployed = tile(Metric::DeploymentFrequency);
    differences.check(matches!(deployed, Value::Frequency { count: 44, .. }), || format!("44 deployments: {deployed:?}"));
    let recovery = tile(Metric::RecoveryTime);
    let is_worked_out = matches!(recovery, Value::Times { median, .. } if about(*median, span("16:06:21")));
    differences.check(is_worked_out, || format!("repaired after 16:06:21: {recovery:?}"));
    differences.none_in_at_least(8);
}
