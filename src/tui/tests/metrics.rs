//! Figures as a person meets them: what is asked for and when, where the cursor goes, what a number is made of.

use super::scenes::{go, settle};
use super::*;
use crate::domain::change::Change;
use crate::domain::id::{ProjectId, RepositoryId};
use crate::domain::quality::Posting;
use crate::metrics::figures::{Metric, Value};
use crate::metrics::input::Linkage;
use crate::metrics::period::Span;
use crate::metrics::query::{Definition, Hours};
use crate::notice::Notice;
use crate::tui::answer::{Links, MetricRows};
use crate::tui::effect::Collected;
use crate::tui::model::Base;
use crate::tui::model::metrics::{Ask, Counted, Scope};
use crate::tui::model::overlay::Overlay;
use crate::tui::session::{Session, SessionScreen};

fn metrics(width: u16, height: u16) -> Model {
    let mut model = sized(fixture::board(), width, height);
    go(&mut model, "3");
    model
}

fn asked(effects: &[Effect]) -> Option<&Ask> {
    effects.iter().find_map(|effect| match effect {
        Effect::LoadMetrics { ask, .. } => Some(&**ask),
        _ => None,
    })
}

fn facts() -> What {
    What::Changed(Change::Facts(ProjectId(1)))
}

#[test]
fn the_cursor_goes_where_the_tiles_lie() {
    use Metric::{ChangeFailRate, CycleTime, DeploymentFrequency, LeadTime, MergedWithoutReview, PipelineReliability, ReworkRate};
    for (size, keys, metric) in [
        // Two columns: DORA's five below each other.
        ((80, 24), "j", LeadTime),
        ((80, 24), "l", CycleTime),
        ((80, 24), "l j h", LeadTime),
        ((80, 24), "j j l l", Metric::Throughput),
        ((80, 24), "G", MergedWithoutReview),
        ((80, 24), "j j j j j", CycleTime),
        // Five columns: side by side.
        ((160, 50), "l", LeadTime),
        ((160, 50), "j", CycleTime),
        ((160, 50), "l j", PipelineReliability),
        ((160, 50), "l l l l j k", ReworkRate),
        // A list: both ways are one.
        ((40, 12), "l l", ChangeFailRate),
        ((40, 12), "j j h", LeadTime),
        ((40, 12), "h", DeploymentFrequency),
    ] {
        let mut model = metrics(size.0, size.1);
        press(&mut model, keys);
        assert_eq!(model.metrics.metric, metric, "{size:?} {keys}");
        let words = picture(&model);
        assert!(words.contains('▌'), "{size:?} {keys}: the cursor is seen\n{words}");
    }
}

#[test]
fn every_metric_can_be_reached_and_is_seen_at_every_size() {
    for size in [(40, 12), (60, 20), (80, 24), (120, 40), (160, 50), (200, 30)] {
        let mut model = metrics(size.0, size.1);
        for metric in Metric::ALL {
            assert_eq!(model.metrics.metric, metric, "{size:?}");
            let word = metric.title().split(' ').next().unwrap_or_default();
            let words = picture(&model);
            let short = metric == Metric::RecoveryTime || size.0 < 60;
            assert!(short || words.contains(&format!("▌{word}")), "{size:?}: {word}\n{words}");
            press(&mut model, "tab");
        }
        assert_eq!(model.metrics.metric, Metric::DeploymentFrequency, "round and round");
    }
}

#[test]
fn a_key_asks_another_question_and_what_is_on_its_way_is_dropped() {
    let mut model = metrics(120, 40);
    let first = press(&mut model, "t");
    assert_eq!(asked(&first).map(|ask| ask.span), Some(Span::Days(90)));
    assert!(picture(&model).contains("working it out"), "{}", picture(&model));
    let second = press(&mut model, "d");
    assert_eq!(asked(&second).map(|ask| (ask.span, ask.definition)), Some((Span::Days(90), Definition::DevLake)));
    let before = model.metrics.page.rows.clone();
    settle(&mut model, first);
    assert_eq!(model.metrics.page.rows, before, "the answer to the older question changes nothing");
    settle(&mut model, second);
    let words = picture(&model);
    assert!(words.contains("90 days") && words.contains("as DevLake") && !words.contains("working it out"), "{words}");
    go(&mut model, "w d d");
    let words = picture(&model);
    assert!(words.contains("working hours") && !words.contains("as DevLake"), "{words}");
    assert_eq!((model.metrics.ask.definition, model.metrics.ask.hours), (Definition::Ours, Hours::Working));
}

#[test]
fn facts_are_read_again_at_most_every_two_seconds_and_only_where_they_are_seen() {
    let mut model = metrics(120, 40);
    let asks = |effects: Vec<Effect>| effects.iter().filter(|effect| matches!(effect, Effect::LoadMetrics { .. })).count();
    let start = model.now;
    let mut loads = 0;
    // Four seconds of collecting: a change every 100 ms.
    for tenth in 1..=40 {
        let at = start + SignedDuration::from_millis(tenth * 100);
        let effects = update(&mut model, Event::new(at, facts()));
        loads += asks(effects.clone());
        for effect in effects {
            if let Effect::LoadMetrics { generation, .. } = effect {
                let page = Ok(Box::new(fixture::metrics::page()));
                update(&mut model, Event::new(at, What::MetricsLoaded { generation, page }));
            }
        }
    }
    assert!((2..=3).contains(&loads), "{loads}");
    // The last change is never lost: it is looked at by itself.
    if let Some(wake) = model.metrics.next_look() {
        assert!(model.wake_at().is_some_and(|at| at <= wake));
        assert_eq!(asks(update(&mut model, Event::new(wake, What::Tick))), 1);
    }
    let mut model = sized(fixture::board(), 120, 40);
    assert_eq!(asks(happens(&mut model, facts())), 0, "nobody looks");
    let mut model = metrics(120, 40);
    model.metrics.asked_at = None;
    assert_eq!(asks(happens(&mut model, What::Changed(Change::Facts(ProjectId(9))))), 0, "another project");
    model.metrics.ask.scope = Scope::All;
    assert_eq!(asks(happens(&mut model, What::Changed(Change::Facts(ProjectId(9))))), 1);
}

#[test]
fn the_last_good_figures_stay_when_they_can_not_be_read_again() {
    let mut model = metrics(120, 40);
    for effect in press(&mut model, "t") {
        if let Effect::LoadMetrics { generation, .. } = effect {
            happens(&mut model, What::MetricsLoaded { generation, page: Err(Notice::new("the store is locked")) });
        }
    }
    let words = picture(&model);
    assert!(words.contains("1.4 a day") && words.contains("the store is locked"), "{words}");
}

#[test]
fn a_number_shows_its_rows_and_those_left_out_with_why() {
    for size in [(80, 24), (160, 50)] {
        let mut model = metrics(size.0, size.1);
        go(&mut model, "tab enter");
        let words = picture(&model);
        assert!(words.contains("▌Counted 24") && words.contains("Left out 3") && words.contains("gateway !40"), "{words}");
        go(&mut model, "]");
        let words = picture(&model);
        assert!(words.contains("▌Left out 3") && words.contains("not in production yet") && words.contains("first deployment"), "{words}");
        assert_eq!(model.metrics.drill.as_ref().map(|drill| drill.counted), Some(Counted::Out));
        // Back, and back again.
        press(&mut model, "esc");
        assert!(model.metrics.drill.is_none() && model.base == Base::Metrics);
        press(&mut model, "esc");
        assert_eq!(model.base, Base::Board);
    }
}

#[test]
fn the_lead_time_says_how_much_hangs_on_work_items_and_on_which() {
    for size in [(40, 12), (80, 24), (160, 50)] {
        let mut model = metrics(size.0, size.1);
        go(&mut model, "tab enter ] ]");
        let words = picture(&model);
        let share = if size.0 < 60 { "33 of 41 pull requests" } else { "33 of 41 pull requests, 131 of 212 commits are linked" };
        assert!(words.contains(share) && words.contains("#4711"), "{size:?}\n{words}");
        assert!(words.contains("Log in with a") && words.lines().any(|line| line.starts_with('▌') && line.contains("#4711")), "{words}");
    }
    let mut model = metrics(120, 40);
    go(&mut model, "j enter [ j");
    assert!(matches!(press(&mut model, "o").as_slice(), [Effect::OpenUrl { url }] if url.ends_with("/_workitems/edit/4698")));
    assert!(matches!(press(&mut model, "y").as_slice(), [Effect::CopyText { what: "address", text }] if text.ends_with("/4698")));
    let mut ticket = model.clone();
    go(&mut ticket, "G k enter");
    assert_eq!(ticket.ticket.as_ref().map(|ticket| ticket.key.clone()), Some(fixture::key(2)));
    assert!(picture(&model).contains("17 to tickets"), "{}", picture(&model));
    // Round and round, both ways.
    go(&mut model, "]");
    assert_eq!(model.metrics.drill.as_ref().map(|drill| (drill.counted, drill.cursor)), Some((Counted::In, 0)));
    go(&mut model, "[");
    let links = |model: &mut Model, change: fn(&mut Links)| {
        let rows = model.metrics.drill.as_mut().and_then(|drill| drill.rows.rows.as_mut()).expect("rows");
        change(rows.links.as_mut().expect("links"));
        picture(model)
    };
    let words = links(&mut model, |links| links.rows.clear());
    assert!(words.contains("AB#1234"), "{words}");
    let words = links(&mut model, |links| links.refused = Some("the token lacks Work Items (read)".into()));
    assert!(words.contains("may not be read: the token lacks Work Items (read)") && !words.contains("0 of"), "{words}");
    let words = links(&mut model, |links| links.linkage = Linkage::default());
    assert!(words.contains("No commit and no pull request in this window"), "{words}");
    // Another figure has nothing to say of work items.
    go(&mut model, "esc k enter");
    assert!(!picture(&model).contains("Linked to"), "{}", picture(&model));
}

#[test]
fn the_explanation_says_what_moved_a_median_since_last_week() {
    let mut model = metrics(120, 40);
    let effects = press(&mut model, "j i");
    assert!(matches!(effects.as_slice(), [Effect::LoadMoved { metric: Metric::LeadTime, .. }]), "{effects:?}");
    let words = picture(&model);
    assert!(words.contains("What moved it since last week") && words.contains("working it out"), "{words}");
    assert!(words.contains("33 of 41 pull requests, 131 of 212 commits") && words.contains("and 2 more: Enter lists them"), "{words}");
    let before = model.clone();
    settle(&mut model, effects.clone());
    let words = picture(&model);
    assert!(words.contains("came in above 1d 16h: gateway !40 9d") && !words.contains("working it out"), "{words}");
    // An answer that comes late changes nothing that is read meanwhile.
    let mut model = before.clone();
    go(&mut model, "esc k i");
    let shown = picture(&model);
    settle(&mut model, effects.clone());
    assert_eq!(picture(&model), shown);
    assert!(!shown.contains("What moved it"), "no row moves a frequency\n{shown}");
    let mut model = before;
    for effect in effects {
        if let Effect::LoadMoved { generation, .. } = effect {
            happens(&mut model, What::MovedLoaded { generation, lines: Err(Notice::new("the store is locked")) });
        }
    }
    assert!(picture(&model).contains("the store is locked"), "{}", picture(&model));
}

#[test]
fn an_empty_screen_says_how_far_back_facts_will_be_collected() {
    for (days, words) in [(30, "of the last 30 days"), (1, "of the last day"), (365, "of the last 365 days")] {
        let mut model = metrics(120, 40);
        model.settings.collected_days = days;
        model.metrics.page.rows = Some(Box::new(fixture::metrics::page_not_measured()));
        assert!(picture(&model).contains(words), "{}", picture(&model));
    }
}

#[test]
fn the_last_row_is_seen_and_the_cursor_follows_its_row_through_a_reload() {
    for size in [(40, 12), (80, 24), (160, 50)] {
        let mut model = metrics(size.0, size.1);
        go(&mut model, "tab enter G");
        let words = picture(&model);
        let row = words.lines().find(|line| line.starts_with('▌')).unwrap_or_else(|| panic!("no cursor at {size:?}\n{words}"));
        assert!(row.contains("gateway !17"), "{row}");
    }
    let mut model = metrics(80, 24);
    go(&mut model, "tab enter j j j");
    let chosen = model.metrics.drill.as_ref().and_then(|drill| drill.selected()).map(|row| row.name.clone());
    model.metrics.asked_at = None;
    for effect in happens(&mut model, facts()) {
        if let Effect::LoadMetricRows { generation, .. } = effect {
            let mut rows = fixture::metrics::rows();
            rows.rotate_right(5);
            happens(&mut model, What::MetricRowsLoaded { generation, rows: Ok(Box::new(MetricRows { rows, links: None })) });
        }
    }
    assert_eq!(model.metrics.drill.as_ref().and_then(|drill| drill.selected()).map(|row| row.name.clone()), chosen);
}

#[test]
fn a_row_opens_its_ticket_or_its_page_and_is_copied_by_its_address() {
    let mut model = metrics(120, 40);
    go(&mut model, "j enter j");
    assert!(matches!(press(&mut model, "o").as_slice(), [Effect::OpenUrl { url }] if url.ends_with("/39")));
    assert!(matches!(press(&mut model, "y").as_slice(), [Effect::CopyText { what: "address", text }] if text.ends_with("/39")));
    go(&mut model, "enter");
    assert_eq!(model.ticket.as_ref().map(|ticket| ticket.key.clone()), Some(fixture::key(2)));
    // Back from the ticket the rows are there again.
    go(&mut model, "esc");
    assert!(model.metrics.drill.is_some() && model.base == Base::Metrics);
    assert!(matches!(press(&mut model, "j enter").as_slice(), [Effect::OpenUrl { url }] if url.ends_with("/38")));
}

#[test]
fn the_formula_says_what_a_number_rests_on_what_was_left_out_and_what_is_missing() {
    let mut model = metrics(120, 40);
    model.metrics.page.rows = Some(Box::new(fixture::metrics::page_backfilling()));
    go(&mut model, "i");
    let words = picture(&model);
    for part in [
        "43 successful production deployments / 30 days = 1.4 a day",
        "43 of 45 production stages succeeded",
        "3 production stage skipped",
        "environment `prod-eu`",
        "environments of Atlas: the token lacks Environment (read & manage)",
        "by kanado's definition",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    go(&mut model, "esc j j i");
    assert!(picture(&model).contains("survey answers, no target"), "a band is told with its year\n{}", picture(&model));
}

#[test]
fn a_tile_without_its_scope_names_it_and_the_formula_says_where_it_is_given() {
    let mut model = metrics(80, 24);
    model.metrics.page.rows = Some(Box::new(fixture::metrics::page_without_builds()));
    let words = picture(&model);
    assert_eq!(words.matches("the token lacks Build (read)").count(), 6, "{words}");
    assert!(words.contains("may not read pipeline runs and 1 more"), "{words}");
    go(&mut model, "i");
    let words = picture(&model);
    assert!(words.contains("_usersSettings/tokens"), "{words}");
}

#[test]
fn what_is_not_known_is_said_and_never_shown_as_zero() {
    for size in [(40, 12), (60, 20), (80, 24), (120, 40), (160, 50)] {
        let mut model = metrics(size.0, size.1);
        model.metrics.page.rows = Some(Box::new(fixture::metrics::page_without_production()));
        let words = picture(&model);
        assert!(words.contains("no production found"), "{size:?}\n{words}");
        model.metrics.page.rows = Some(Box::new(fixture::metrics::page_backfilling()));
        let words = picture(&model);
        assert!(words.contains("backfilling 42 %") && words.contains("not measured"), "{size:?}\n{words}");
        assert!(words.contains("told to wait until") || size.0 < 80, "{size:?}\n{words}");
        model.metrics.page.rows = Some(Box::new(fixture::metrics::page_not_measured()));
        let words = picture(&model);
        assert!(words.contains("Nothing is measured here yet") && words.contains("r collects"), "{size:?}\n{words}");
    }
    let mut model = metrics(160, 50);
    let mut page = fixture::metrics::page_backfilling();
    page.figures.tiles[0].value = Value::NoProduction;
    model.metrics.page.rows = Some(Box::new(page));
    let words = picture(&model);
    assert!(words.contains("not complete yet") && words.contains("collecting"), "{words}");
    assert!(words.contains("collecting 69 %, 1,954 of 3,160"), "{words}");
    assert!(words.contains("may not read environments") && words.contains("1 source failed"), "{words}");
}

#[test]
fn figures_that_grow_old_are_called_stale_by_themselves() {
    let mut model = metrics(120, 40);
    assert!(picture(&model).contains(" as of 08:56:00") && !picture(&model).contains("stale"));
    let mut at = model.now;
    while !picture(&model).contains("stale, as of 08:56:00") {
        let wake = model.wake_at().expect("a deadline");
        assert!(wake > at && wake.duration_since(fixture::now()).as_secs() < 1_900, "it comes by itself");
        at = wake;
        update(&mut model, Event::new(at, What::Tick));
    }
}

#[test]
fn the_filter_narrows_to_a_repository_a_service_a_team_and_back() {
    let mut model = metrics(120, 40);
    go(&mut model, "f");
    typed(&mut model, "repository bill");
    let effects = press(&mut model, "enter");
    assert_eq!(asked(&effects).and_then(|ask| ask.repository.clone()), Some((RepositoryId(2), "billing".into())));
    settle(&mut model, effects);
    assert!(picture(&model).contains("repository billing"));
    go(&mut model, "f");
    typed(&mut model, "team pay");
    go(&mut model, "enter");
    go(&mut model, "f");
    typed(&mut model, "service deploy");
    go(&mut model, "enter");
    let words = picture(&model);
    assert!(words.contains("team Payments") && words.contains("service deploy-gateway"), "{words}");
    // Another project has other repositories.
    go(&mut model, "f");
    typed(&mut model, "project bor");
    let effects = press(&mut model, "enter");
    let ask = asked(&effects).cloned().expect("a question");
    assert_eq!((ask.scope, ask.repository, ask.service, ask.team), (Scope::Project(ProjectId(2), "Borealis".into()), None, None, None));
    settle(&mut model, effects);
    go(&mut model, "f");
    typed(&mut model, "no filter");
    go(&mut model, "enter");
    assert!(!model.metrics.ask.is_narrowed());
}

#[test]
fn a_window_is_typed_and_what_is_wrong_with_it_is_said() {
    let mut model = metrics(120, 40);
    go(&mut model, "T ctrl+u");
    typed(&mut model, "2026-10-31..2026-10-01");
    assert!(press(&mut model, "enter").is_empty());
    assert!(picture(&model).contains("ends before it begins"), "{}", picture(&model));
    // Left and opened again: what was typed is there.
    go(&mut model, "esc T");
    assert!(picture(&model).contains("2026-10-31..2026-10-01"));
    go(&mut model, "ctrl+u");
    happens(&mut model, What::Paste("2026-10-01..2026-10-31".into()));
    let effects = press(&mut model, "enter");
    assert!(matches!(asked(&effects).map(|ask| ask.span), Some(Span::Between(..))), "{effects:?}");
    settle(&mut model, effects);
    let words = picture(&model);
    assert!(model.overlay.is_none() && words.contains("01 Oct to 31 Oct"), "{words}");
    go(&mut model, "t");
    assert_eq!(model.metrics.ask.span, Span::Days(30));
}

#[test]
fn an_export_asks_for_a_new_file_and_keeps_the_name_when_it_fails() {
    let mut model = metrics(120, 40);
    go(&mut model, "X");
    assert!(picture(&model).contains("kanado-metrics-2026-11-22.csv"));
    go(&mut model, "backspace backspace backspace");
    typed(&mut model, "txt");
    assert!(press(&mut model, "enter").is_empty());
    assert!(picture(&model).contains("ends in .csv or in .json"));
    go(&mut model, "backspace backspace backspace");
    typed(&mut model, "json");
    let effects = press(&mut model, "enter");
    let [Effect::ExportMetrics { path, metric: None, generation, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(path, "kanado-metrics-2026-11-22.json");
    let generation = *generation;
    assert!(press(&mut model, "enter").is_empty(), "once");
    let why = Notice::new("kanado-metrics-2026-11-22.json is there already").hint("choose another name");
    happens(&mut model, What::MetricsExported { generation, written: Err(why) });
    assert!(picture(&model).contains("is there already") && matches!(model.overlay, Some(Overlay::Prompt(_))));
    typed(&mut model, "x");
    go(&mut model, "backspace");
    let effects = press(&mut model, "enter");
    let [Effect::ExportMetrics { generation, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    happens(&mut model, What::MetricsExported { generation: *generation, written: Ok("10 figures are in x.json".into()) });
    assert!(model.overlay.is_none() && picture(&model).contains("10 figures are in x.json"));
    // Of the rows that are open, the rows.
    go(&mut model, "j enter X");
    assert!(picture(&model).contains("kanado-lead-time-2026-11-22.csv"), "{}", picture(&model));
}

#[test]
fn how_figures_are_looked_at_is_found_again_at_the_next_start() {
    let mut model = metrics(120, 40);
    go(&mut model, "t d");
    let session = model.session();
    assert_eq!(session.screen, SessionScreen::Metrics);
    let text = serde_json::to_string(&session).expect("a session");
    let session: Session = serde_json::from_str(&text).expect("the same");
    let mut next = Model::new(fixture::now(), crate::tui::model::Settings::default());
    next.restore(session);
    assert_eq!((next.base, next.metrics.ask.span, next.metrics.ask.definition), (Base::Metrics, Span::Days(90), Definition::DevLake));
    let old: Session = serde_json::from_str("{\"project\":1}").expect("a session of an older version");
    assert_eq!(old.metrics, None);
}

#[test]
fn names_from_outside_are_inert_on_the_metrics_screen() {
    let evil = "a\u{1b}[2J\u{202e}b\u{7}\u{9b}31m";
    let mut model = metrics(120, 40);
    let mut page = fixture::metrics::page();
    for tile in &mut page.figures.tiles {
        tile.notes = vec![evil.into()];
        tile.formula = vec![evil.into()];
        tile.value = Value::NotMeasured { why: evil.into() };
    }
    page.others.push((ProjectId(3), evil.into()));
    page.repositories.push((RepositoryId(9), evil.into()));
    page.figures.services[0].name = evil.into();
    model.metrics.ask.repository = Some((RepositoryId(9), evil.into()));
    model.metrics.page.rows = Some(Box::new(page));
    let clean = |model: &Model, what: &str| {
        for cell in painted(model).content() {
            assert!(!cell.symbol().chars().any(|c| c.is_control() || c == '\u{202e}'), "{what}: {:?}", cell.symbol());
        }
    };
    for keys in ["k", "i", "esc", "f", "esc", "T", "esc"] {
        press(&mut model, keys);
        clean(&model, keys);
    }
    press(&mut model, "enter");
    let mut rows = fixture::metrics::rows();
    for row in &mut rows {
        (row.name, row.title, row.row.words) = (evil.into(), Some(evil.into()), evil.into());
    }
    if let Some(drill) = &mut model.metrics.drill {
        drill.rows.rows = Some(Box::new(MetricRows { rows, links: None }));
    }
    clean(&model, "rows");
}

#[test]
fn nothing_is_written_while_the_metrics_screen_is_idle() {
    for size in [(80, 24), (160, 50)] {
        let model = metrics(size.0, size.1);
        let before = painted(&model);
        let mut later = model.clone();
        update(&mut later, Event::new(model.now + SignedDuration::from_secs(50), What::Tick));
        assert_eq!(crate::tui::encode::difference(&before, &painted(&later)), "", "{size:?}");
    }
}

#[test]
fn taking_a_project_off_the_board_asks_what_becomes_of_its_facts_and_then_for_a_yes() {
    for (keys, collected) in [("enter", Collected::Kept), ("j enter", Collected::Deleted)] {
        let mut model = sized(fixture::board(), 120, 40);
        go(&mut model, "5 ] D");
        assert!(press(&mut model, keys).is_empty());
        let words = picture(&model);
        assert!(words.contains("Take Atlas off the board?") && words.contains("webhooks that kanado made"), "{words}");
        assert!(press(&mut model.clone(), "enter").is_empty(), "Enter is the safe choice");
        let effects = press(&mut model, "y");
        assert!(
            matches!(effects.as_slice(), [Effect::Deselect { project: ProjectId(1), collected: c, .. }] if *c == collected),
            "{effects:?}"
        );
    }
    let mut model = sized(fixture::board(), 120, 40);
    model.settings.readonly = Some("kanado runs with --readonly".into());
    go(&mut model, "5 ] D");
    assert!(model.overlay.is_none() && picture(&model).contains("--readonly"));
}

#[test]
fn comments_of_a_project_are_switched_by_a_choice_that_names_the_one_in_force() {
    for (keys, wanted) in [("enter", None), ("j enter", Some(Posting::On)), ("3", Some(Posting::Off))] {
        let mut model = sized(fixture::board(), 120, 40);
        go(&mut model, "5 ] c");
        let words = picture(&model);
        assert!(words.contains("off by the configuration here") && words.contains("on (now)"), "{words}");
        let effects = press(&mut model, keys);
        assert!(
            matches!(effects.as_slice(), [Effect::SetComments { project: ProjectId(1), posting }] if *posting == wanted),
            "{effects:?}"
        );
    }
    let mut model = sized(fixture::board(), 120, 40);
    model.settings.readonly = Some("kanado runs with --readonly".into());
    go(&mut model, "5 ] c");
    assert!(model.overlay.is_none() && picture(&model).contains("--readonly"));
}

#[test]
fn a_project_that_was_taken_off_the_board_is_left() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "5 ]");
    let mut other = fixture::project();
    (other.id, other.name) = (ProjectId(2), "Borealis".into());
    let answer = |model: &mut Model, rows: Vec<crate::tui::answer::ProjectRow>| {
        let effects = happens(model, What::Changed(Change::Project(ProjectId(1))));
        let generation = effects.iter().find_map(|effect| match effect {
            Effect::LoadProjects { generation } => Some(*generation),
            _ => None,
        });
        happens(model, What::ProjectsLoaded { generation: generation.expect("a load"), rows: Ok(rows) })
    };
    let effects = answer(&mut model.clone(), vec![other]);
    assert!(matches!(effects.as_slice(), [Effect::SelectProject { project: ProjectId(2) }]), "{effects:?}");
    assert!(answer(&mut model, Vec::new()).is_empty() && model.project.is_none());
    assert!(picture(&model).contains("No project is connected"), "{}", picture(&model));
}

#[test]
fn the_collection_says_of_each_source_how_it_stands_and_what_to_do() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "4 ] ] ]");
    let words = picture(&model);
    for part in [
        "▌Collection",
        "rate limit: 82 of 200 TSTU left, said at 08:59:00, all back at 09:03:40",
        "✓ pull requests",
        "◐ reviews and comments  collecting 617 of 1,240",
        "✗ environments          may not be read",
        "the token lacks Environment (read & manage)",
        "✗ classic releases      failed, last read 08:56:00",
        "vsrm.dev.azure.com does not answer",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    go(&mut model, "5 ]");
    let words = picture(&model);
    assert!(words.contains("open  comments  collecting"), "{words}");
}

#[test]
fn a_pull_request_says_why_it_is_slow_when_somebody_looks_and_asks_once() {
    let mut model = sized(fixture::board(), 120, 40);
    let asks = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Explain { number: 41, .. })).count();
    go(&mut model, "l l enter");
    assert_eq!(asks(&press(&mut model, "]")), 0, "nobody looks at it yet");
    let effects = press(&mut model, "]");
    assert_eq!(asks(&effects), 1);
    assert!(picture(&model).contains("looking at reviews, policies and runs"));
    settle(&mut model, effects);
    let words = picture(&model);
    for part in [
        "Why it is not merged yet",
        "✗ Dana Silva asked for changes, for 2h 30m now",
        "✗ policy Build gateway: rejected",
        "· Chen Wei, who must review it, has not voted, for 5h 50m now",
        "◐ gateway-ci 4711 waits for an agent, for 4m now, 3 runs before it",
        "2 comments are not resolved",
        "slower than 85 % of 41: 5h",
        "Of 24 that were in review for 5h 50m, 21 % landed within 4 hours and 63 % within a day.",
        "the token may not read policies",
        "Reviewers",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    // Another look asks nothing; a wish does.
    assert_eq!(asks(&press(&mut model, "[ ]")), 0);
    assert_eq!(asks(&press(&mut model, "r")), 1);
}

#[test]
fn few_before_it_say_nothing_of_when_it_lands_and_a_failure_says_why() {
    let mut model = sized(fixture::board(), 120, 40);
    let effects = press(&mut model, "l l enter");
    settle(&mut model, effects);
    for effect in press(&mut model, "] ]") {
        if let Effect::Explain { generation, .. } = effect {
            let mut story = fixture::metrics::story();
            story.landing = None;
            happens(&mut model, What::Explained { generation, story: Ok(Box::new(story)) });
        }
    }
    assert!(!picture(&model).contains("landed within"), "{}", picture(&model));
    for effect in press(&mut model, "r") {
        if let Effect::Explain { generation, .. } = effect {
            let why = Notice::new("nothing is collected of pull request 41 of gateway yet").hint("r on the metrics screen collects it");
            happens(&mut model, What::Explained { generation, story: Err(why) });
        }
    }
    let words = picture(&model);
    assert!(words.contains("nothing is collected of pull request 41") && words.contains("Bob Okafor"), "{words}");
}

#[test]
fn a_merged_pull_request_says_where_its_commit_is() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "2 ] ] G enter");
    let mut story = fixture::metrics::story_merged();
    if let Some(known) = model.ticket.as_mut().and_then(|ticket| ticket.detail.as_mut()).and_then(|detail| detail.pull_request.as_mut()) {
        known.facts.status = crate::domain::pull_request::PullRequestStatus::Completed;
    }
    story.waterfall.current = None;
    model.story.listed.rows = Some(Box::new(story));
    let words = picture(&model);
    for part in [
        "The way it took",
        "✓ merged 05:06:40",
        "→ in run 4711 of deploy-gateway, began 05:15:00",
        "✓ Staging to staging 06:00:00",
        "· Production to prod-eu (production) waits for an approval by one of: Chen Wei, anyone of Release",
        "· Smoke comes later",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
}

#[test]
fn the_dialog_of_a_pull_request_without_a_ticket_tells_its_story_and_scrolls() {
    let mut model = sized(fixture::board(), 80, 24);
    go(&mut model, "2 j enter");
    let words = picture(&model);
    assert!(words.contains("Why it is not merged yet") && words.contains("asked for changes"), "{words}");
    go(&mut model, "G");
    assert!(picture(&model).contains("Description") || picture(&model).contains("Reviewers"), "{}", picture(&model));
    go(&mut model, "esc");
    assert!(model.overlay.is_none());
}
