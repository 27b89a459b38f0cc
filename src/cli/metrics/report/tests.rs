//! The page as a whole: everything told, nothing from outside active, nothing fetched from elsewhere.

use jiff::SignedDuration;

use super::*;
use crate::domain::collection::Source;
use crate::domain::id::{ProjectId, RepositoryId, TicketKey};
use crate::domain::run::DefinitionKind;
use crate::metrics::figures::{
    Band, Coverage, Excluded, Measured, Missing, Phase, PhaseFigure, Reason, Service, Subject, Tile, Trend, Value, Week,
};
use crate::metrics::input::{Linkage, MeasuredProject};
use crate::metrics::overlay::{Overlay, OverlayFigure};
use crate::metrics::query::{Definition, ServiceId, Window};

const EVIL: &str = "</title><script>alert(1)</script><img src=x onerror=\"y\">{{style}}";

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn tile(metric: Metric, value: Value) -> Tile {
    let weeks = ["2026-11-02", "2026-11-09", "2026-11-16"];
    Tile {
        metric,
        previous: Some(Value::Times { median: 200_000.0, low: 1.0, high: 2.0, p85: None, p95: None }),
        trend: Trend::Down,
        n: 41,
        coverage: Some(Coverage { k: 34, n: 41, of: "merged pull requests deployed".to_owned() }),
        excluded: vec![Excluded { reason: Reason::NotDeployed, count: 7 }],
        definition: Definition::Ours,
        band: Some(Band { name: "elite".to_owned(), year: 2024 }),
        weeks: weeks
            .into_iter()
            .enumerate()
            .map(|(at, starts)| Week {
                starts: starts.parse().unwrap(),
                value: (at != 1).then_some(90_000.0),
                n: 3 * at as u64,
                measured: Measured::Whole,
            })
            .collect(),
        notes: vec![format!("production is the environment {EVIL}")],
        formula: vec!["median of 34 times = 1d 1h".to_owned()],
        missing: vec![Missing {
            source: Source::WorkItems,
            project: EVIL.to_owned(),
            words: "the token lacks Work Items (read)".to_owned(),
        }],
        value,
    }
}

fn report_of(tiles: Vec<Tile>, rows: Vec<(Metric, Vec<Row>)>) -> String {
    let service = ServiceId { project: ProjectId(1), kind: DefinitionKind::Pipeline, definition: 9 };
    let phase =
        |phase, value| PhaseFigure { phase, value, n: 12, excluded: vec![Excluded { reason: Reason::NoReview, count: 2 }], overlay: None };
    let times = |median| Value::Times { median, low: 1.0, high: 20_000.0, p85: None, p95: None };
    let figures = Figures {
        window: Window::last(30, now()),
        definition: Definition::Ours,
        hours: Hours::Calendar,
        as_of: Some(now()),
        tiles,
        phases: vec![
            phase(Phase::Pickup, Value::Times { median: 12_000.0, low: 1.0, high: 2.0, p85: None, p95: None }),
            phase(Phase::Review, Value::NotMeasured { why: "reviews were not read".to_owned() }),
            phase(Phase::MergeWait, Value::Few { seconds: vec![60.0, 120.0] }),
            PhaseFigure {
                overlay: Some(OverlayFigure { overlay: Overlay::Approval, value: times(3_000.0), known: 5, of: 12 }),
                ..phase(Phase::DeployWait, times(6_000.0))
            },
        ],
        services: vec![Service { id: service, name: EVIL.to_owned(), production: vec![EVIL.to_owned()], deployments: 3 }],
        linkage: Linkage {
            commits: 10,
            linked_commits: 4,
            pull_requests: 0,
            linked_pull_requests: 0,
            items: vec![(12, EVIL.to_owned(), 3)],
            ticketed_pull_requests: 0,
            traced_pull_requests: 0,
            tickets: vec![(TicketKey::parse("KAN-12").unwrap(), EVIL.to_owned(), 2)],
            bot_commits: 3,
            bot_pull_requests: 0,
        },
    };
    let project = MeasuredProject {
        id: ProjectId(1),
        name: EVIL.to_owned(),
        collection: Default::default(),
        incident_source: Default::default(),
        approvals: Default::default(),
    };
    let repositories = vec![(RepositoryId(2), ProjectId(1), EVIL.to_owned(), None)];
    let input = Input { projects: vec![project], repositories, ..Input::default() };
    html(&Report {
        figures: &figures,
        input: &input,
        rows: &rows,
        narrowed: &[format!("repository {EVIL}")],
        notices: &[format!("{EVIL} is collected to 42 %")],
        window: "2026-10-23 to 2026-11-22".to_owned(),
        zone: &TimeZone::UTC,
        made_at: now(),
    })
}

fn deployment(run: i64, days_ago: i64, excluded: Option<Reason>) -> Row {
    Row {
        subject: Subject::Deployment { project: ProjectId(1), kind: DefinitionKind::Pipeline, definition: 9, run },
        at: now() - SignedDuration::from_hours(24 * days_ago),
        seconds: None,
        words: EVIL.to_owned(),
        excluded,
        hit: false,
    }
}

fn everything() -> String {
    let rows = vec![
        deployment(1, 20, None),
        deployment(2, 10, Some(Reason::FailedAttempt)),
        deployment(3, 5, Some(Reason::Redeploy)),
        deployment(4, 4, Some(Reason::Skipped)),
        deployment(5, 400, None),
    ];
    let tiles = Metric::ALL
        .map(|metric| tile(metric, Value::Times { median: 90_000.0, low: 60.0, high: 900_000.0, p85: Some(200_000.0), p95: None }));
    report_of(tiles.to_vec(), vec![(Metric::DeploymentFrequency, rows)])
}

#[test]
fn every_place_of_the_template_is_filled() {
    let page = everything();
    for name in PAGE.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()) {
        assert!(PAGE.contains(&format!("{{{{{name}}}}}")), "{name}");
    }
    for (heading, proof) in [
        ("Delivery</h2>", "Change lead time"),
        ("Flow</h2>", "Throughput"),
        ("Where the time goes", "pickup"),
        ("Deployments to production", "failed attempt"),
        ("Work items", "#12"),
        ("Work items", "3 commits by bots left out"),
        ("The rows behind the numbers", "2 counted, 3 left out"),
    ] {
        assert!(page.contains(heading) && page.contains(proof), "{heading}: {proof}");
    }
    assert!(page.contains("Made by kanado"));
    // The only braces of this kind are those of a name from outside.
    assert_eq!(page.matches("{{").count(), page.matches("{{style}}").count());
}

#[test]
fn nothing_from_outside_is_active_and_nothing_is_fetched() {
    let page = everything();
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("onerror=\""), "escaped everywhere");
    assert!(page.contains("&lt;script&gt;"));
    for word in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.replace("src=x", "").contains(word), "{word}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn every_chart_has_a_title_a_description_and_an_id_of_its_own() {
    let page = everything();
    let charts =
        page.matches("<svg viewBox").count() - page.matches("aria-hidden=\"true\">").count() + page.matches("<span aria-hidden").count();
    assert_eq!(page.matches("role=\"img\"").count(), charts);
    assert_eq!(charts, 10 + 2, "a chart a tile, the phases, the strip");
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
    for reference in page.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(reference.split(' ').all(|id| ids.binary_search(&id).is_ok()), "{reference}");
    }
}

#[test]
fn tags_are_closed_in_the_order_they_were_opened() {
    let page = everything();
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        if tag.starts_with('!') || tag.ends_with('/') || ["meta", "br"].contains(&name) {
            continue;
        }
        match tag.starts_with('/') {
            false => open.push(name),
            true => assert_eq!(open.pop(), Some(name), "{tag}"),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn what_is_not_measured_says_why_and_has_no_number_and_no_arrow() {
    let mut none = tile(Metric::ChangeFailRate, Value::NotMeasured { why: "no source tells of failures".to_owned() });
    none.weeks.clear();
    none.formula.clear();
    let page = report_of(vec![none], Vec::new());
    assert!(page.contains("<p class=\"value none\">not measured</p>"));
    assert!(page.contains("no source tells of failures"));
    assert!(!page.contains('\u{2193}') && !page.contains("down from"));
    assert!(page.contains("There are none in this window."));
}

#[test]
fn a_change_is_judged_in_words_too() {
    let page = everything();
    assert!(page.contains("down from 2d\u{a0}8h (better)"), "of a time: 200,000 seconds");
    assert!(page.contains("(worse)"), "of a frequency");
}

#[test]
fn what_went_on_in_a_phase_is_a_strip_in_its_bar_and_said_with_of_how_many_it_is_known() {
    let page = report_of(Vec::new(), Vec::new());
    assert!(page.contains("of which approval 50m, known of 5 of 12"), "in the table");
    assert!(page.contains("deploy wait: 1h 40m, n 12, of which approval 50m"), "in words beside the drawing");
    let width = |class: &str| -> f64 {
        let bar = page.split(&format!("<rect class=\"{class}\"")).nth(1).unwrap();
        bar.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
    };
    assert!((width("of-which") * 2.0 - width("deploy_wait")).abs() < 0.2, "half of it");
    assert_eq!(page.matches("class=\"of-which\"").count(), 1, "the others say nothing of it");
}
