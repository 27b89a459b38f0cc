//! A board that is told of every change says so, asks for nothing by itself, and writes nothing while nothing happens.

use super::scenes::{go, settle};
use super::*;
use crate::domain::change::Change;
use crate::domain::health::Live;
use crate::domain::id::ProjectId;
use crate::notice::Notice;
use crate::tui::encode;
use crate::tui::model::Settings;

fn loads_live(effects: &[Effect]) -> bool {
    effects.iter().any(|effect| matches!(effect, Effect::LoadLive { .. }))
}

/// Answers the question whether the project is live.
fn is_now(model: &mut Model, effects: &[Effect], live: Live) -> Vec<Effect> {
    let generation = effects.iter().find_map(|effect| match effect {
        Effect::LoadLive { generation, .. } => Some(*generation),
        _ => None,
    });
    happens(model, What::LiveLoaded { generation: generation.expect("it was asked"), live: Ok(live) })
}

fn live(width: u16, height: u16) -> Model {
    let mut model = sized(fixture::board(), width, height);
    let effects = happens(&mut model, What::Changed(Change::Hooks(ProjectId(1))));
    is_now(&mut model, &effects, Live::Now);
    model.now = fixture::now();
    model.live.asked_at = Some(model.now);
    model
}

fn bar(model: &Model) -> String {
    picture(model).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn chips_and_bar_say_live_or_how_it_is_known_and_how_old_it_is() {
    for (width, height) in SIZES {
        let model = live(width, height);
        let words = picture(&model);
        assert!(words.contains("live now") && bar(&model).ends_with("live"), "{width}: {words}");
        for other in ["poll 4m", "stale 12m", "hook now"] {
            assert!(!words.contains(other), "{width}: {other}");
        }
        let mut model = live(width, height);
        model.live.live = Live::Broken("2 hooks on probation".into());
        let words = picture(&model);
        assert!(!words.contains("live now") && bar(&model).ends_with("poll 4m"), "{width}: {words}");
        assert!(bar(&model).contains("2 hooks on probation"), "{width}: {}", bar(&model));
        assert_eq!(words.contains("stale 12m"), picture(&sized(fixture::board(), width, height)).contains("stale 12m"), "{width}");
    }
}

#[test]
fn an_idle_live_board_writes_nothing_for_a_day() {
    for (width, height) in SIZES {
        let mut model = live(width, height);
        let before = painted(&model);
        let (mut written, mut woken) = (0, 0);
        let end = model.now + SignedDuration::from_hours(24);
        while let Some(at) = model.wake_at().filter(|at| *at < end) {
            woken += 1;
            let effects = update(&mut model, Event::new(at, What::Tick));
            assert!(!effects.iter().any(|effect| matches!(effect, Effect::Sync { .. } | Effect::LoadBoard { .. })), "{effects:?}");
            if loads_live(&effects) {
                // A moment later it is known to be live still.
                let at = model.now + SignedDuration::from_millis(5);
                let Some(Effect::LoadLive { generation, .. }) = effects.first() else { panic!("{effects:?}") };
                update(&mut model, Event::new(at, What::LiveLoaded { generation: *generation, live: Ok(Live::Now) }));
            }
            written += encode::difference(&before, &painted(&model)).len();
        }
        assert_eq!(written, 0, "{width}x{height}");
        // It looks twice a minute whether it still is, and for nothing else.
        assert!((2_800..=2_900).contains(&woken), "{woken}");
    }
}

#[test]
fn while_live_the_sync_by_the_clock_rests_and_a_view_load_is_still_made() {
    let mut model = live(120, 40);
    model.settings = Settings { every_seconds: 60, columns: model.settings.columns.clone(), ..Settings::default() };
    model.sync.asked_at = Some(model.now);
    assert_eq!(model.next_sync(), None);
    model.live.live = Live::Off;
    assert_eq!(model.next_sync(), Some(model.now + SignedDuration::from_secs(60)));
    model.live.live = Live::Now;
    model.sync.asked_at = None;
    let effects = happens(&mut model, What::FocusGained);
    assert!(matches!(effects.as_slice(), [Effect::Sync { .. }]), "{effects:?}");
}

#[test]
fn a_flood_of_deliveries_is_read_once_in_a_second_and_the_last_of_it_is_not_missed() {
    let mut model = live(120, 40);
    go(&mut model, "4 ]");
    model.live.asked_at = None;
    let start = model.now;
    let mut asked = 0;
    for at in 0..2_000 {
        let now = start + SignedDuration::from_millis(at * 2);
        let effects = update(&mut model, Event::new(now, What::Changed(Change::Deliveries(ProjectId(1)))));
        asked += effects.iter().filter(|effect| matches!(effect, Effect::LoadLive { .. })).count();
        for effect in effects {
            let what = match effect {
                Effect::LoadLive { generation, .. } => What::LiveLoaded { generation, live: Ok(Live::Now) },
                Effect::LoadDeliveries { generation, .. } => What::DeliveriesLoaded { generation, rows: Ok(fixture::deliveries()) },
                _ => continue,
            };
            update(&mut model, Event::new(now, what));
        }
    }
    assert!((3..=5).contains(&asked), "{asked}");
    let due = model.live.next_look().expect("the last of them is due");
    let effects = update(&mut model, Event::new(due, What::Tick));
    assert!(loads_live(&effects) && effects.iter().any(|effect| matches!(effect, Effect::LoadDeliveries { .. })), "{effects:?}");
}

#[test]
fn what_cannot_be_read_is_not_live_and_says_why() {
    let mut model = live(120, 40);
    let effects = happens(&mut model, What::Changed(Change::Elsewhere));
    let generation = effects.iter().find_map(|effect| match effect {
        Effect::LoadLive { generation, .. } => Some(*generation),
        _ => None,
    });
    let live = Err(Notice::new("the database is locked"));
    happens(&mut model, What::LiveLoaded { generation: generation.expect("asked"), live });
    assert!(bar(&model).contains("the database is locked"), "{}", bar(&model));
    assert!(!picture(&model).contains("live now"));
}

#[test]
fn another_project_is_not_live_before_it_is_known_to_be() {
    let mut model = live(120, 40);
    let mut other = fixture::project();
    (other.id, other.name) = (ProjectId(2), "Billing".into());
    let effects = happens(&mut model, What::ProjectSelected { project: Box::new(other), token_days_left: None });
    assert!(loads_live(&effects));
    assert_eq!(model.live.live, Live::Off);
    let old = crate::tui::event::Generation(1);
    happens(&mut model, What::LiveLoaded { generation: old, live: Ok(Live::Now) });
    assert_eq!(model.live.live, Live::Off, "an older answer changes nothing");
    // What is announced of the project before is not this one's.
    let effects = happens(&mut model, What::Changed(Change::Hooks(ProjectId(1))));
    assert!(!loads_live(&effects));
}

#[test]
fn a_wait_that_azure_devops_asks_for_shows_until_it_is_over() {
    let mut model = live(120, 40);
    let until = model.now + SignedDuration::from_secs(40);
    happens(&mut model, What::RateLimited { until: Some(until) });
    assert!(bar(&model).contains("throttled, waits <1m"), "{}", bar(&model));
    assert!(model.wake_at().is_some_and(|at| at <= until));
    update(&mut model, Event::new(until, What::Tick));
    assert!(!bar(&model).contains("throttled"), "{}", bar(&model));
}

#[test]
fn the_activity_screen_goes_on_showing_what_it_has_while_newer_data_loads() {
    let mut model = live(80, 24);
    go(&mut model, "4 ] j j j");
    let chosen = model.activity.delivery().map(|row| row.id);
    assert_eq!(chosen, Some(809));
    // Newer ones come on top: the cursor stays on its delivery.
    model.live.asked_at = None;
    let effects = happens(&mut model, What::Changed(Change::Deliveries(ProjectId(1))));
    assert!(picture(&model).contains("parked"), "the last good data stays");
    for effect in &effects {
        if let Effect::LoadDeliveries { generation, .. } = effect {
            let mut rows = fixture::deliveries();
            rows.insert(0, crate::domain::hook::Delivery { id: 900, ..rows[0].clone() });
            happens(&mut model, What::DeliveriesLoaded { generation: *generation, rows: Ok(rows) });
        }
    }
    assert_eq!(model.activity.delivery().map(|row| row.id), chosen);
    assert_eq!(model.activity.cursor, 4);
    // A load that fails leaves them, and an older answer changes nothing.
    model.live.asked_at = None;
    let effects = happens(&mut model, What::Changed(Change::Deliveries(ProjectId(1))));
    for effect in &effects {
        if let Effect::LoadDeliveries { generation, .. } = effect {
            happens(&mut model, What::DeliveriesLoaded { generation: *generation, rows: Err(Notice::new("the database is locked")) });
            happens(&mut model, What::DeliveriesLoaded { generation: *generation, rows: Ok(Vec::new()) });
        }
    }
    assert_eq!(model.activity.delivery().map(|row| row.id), chosen);
    settle(&mut model, effects);
}

#[test]
fn a_dead_delivery_is_tried_again_only_by_yes() {
    for (keys, replays) in [("y", true), ("enter", false), ("n", false), ("esc", false)] {
        let mut model = sized(fixture::board(), 80, 24);
        go(&mut model, "4 ] j j j j r");
        let words = picture(&model);
        assert!(words.contains("Try this delivery again?") && words.contains("workitem.exploded"), "{words}");
        let effects = press(&mut model, keys);
        assert_eq!(effects.iter().any(|effect| matches!(effect, Effect::ReplayDelivery { delivery: 808 })), replays, "{keys}");
    }
}

#[test]
fn a_tasks_steps_are_read_and_it_is_cancelled_from_the_list() {
    let mut model = sized(fixture::board(), 80, 24);
    go(&mut model, "4");
    happens(&mut model, What::Tasks(fixture::tasks()));
    let words = picture(&model);
    assert!(words.contains("start work on ATL-12") && words.contains("could not push .tickets/ATL-9.md"), "{words}");
    go(&mut model, "enter");
    assert!(picture(&model).contains("◐ push .tickets/ATL-12.md"), "{}", picture(&model));
    go(&mut model, "ctrl+x");
    let effects = press(&mut model, "y");
    assert!(matches!(effects.as_slice(), [Effect::CancelTask { task: 7 }]), "{effects:?}");
}
