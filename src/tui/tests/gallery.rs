//! The rest of the screens at every size: empty and failing states, every tab and every dialog that `scenes` leaves out.

use std::collections::BTreeMap;

use super::scenes::{self, go};
use super::*;
use crate::domain::health::Live;
use crate::domain::progress::StepState;
use crate::domain::status::Status;
use crate::domain::ticket::SpecBadge;
use crate::notice::Notice;
use crate::tui::answer::{PreflightState, TaskState};
use crate::tui::model::setup::Check;
use crate::tui::model::{Base, Settings};
use crate::tui::theme::{Charset, Depth, Theme, ThemeName};

/// Answers a push's plan.
fn plan_push(model: &mut Model, effects: Vec<Effect>) {
    for effect in effects {
        if let Effect::PlanPush { generation, .. } = effect {
            let mut progress = fixture::start_plan(9).progress;
            progress.action = "spec push";
            progress.steps.remove(0);
            progress.steps.truncate(1);
            let warnings = vec![Notice::new("the branch holds another text since 3 hours").hint("both are merged before the push")];
            let plan = crate::tui::answer::Plan { progress, warnings, refused: None };
            happens(model, What::Planned { generation, plan: Ok(Box::new(plan)) });
        }
    }
}

/// The task of a start that failed at its second step.
pub fn failed_start() -> crate::tui::answer::TaskRow {
    let mut task = fixture::start_task(12);
    task.progress.steps[1].state = StepState::Failed("the line was cut".into());
    let notice = Notice::new("could not push .tickets/ATL-12.md: dev.azure.com does not answer");
    task.state = TaskState::Failed(notice.hint("check the network; nothing is lost"));
    task
}

/// A board of many lanes' worth of cards, one lane over its limit.
pub fn crowded(width: u16, height: u16) -> Model {
    let mut model = fixture::large_board(300);
    model.settings.columns[2].wip_limit = Some(40);
    let mut model = sized(model, width, height);
    go(&mut model, "l l j j j");
    model
}

/// The scenes at a size.
pub fn all(width: u16, height: u16) -> Vec<(&'static str, Model)> {
    let board = || {
        let mut model = sized(fixture::board(), width, height);
        go(&mut model, "j k");
        model
    };
    let after = |keys: &str| {
        let mut model = board();
        go(&mut model, keys);
        model
    };
    let fresh = || sized(Model::new(fixture::now(), Settings::default()), width, height);
    let mut scenes = vec![
        ("board_crowded", crowded(width, height)),
        ("board_mine", after("M")),
        ("board_preview", after("l l p")),
        ("ticket_without_branch", after("enter ] ]")),
        ("filter_by", after("f")),
        ("copy_picker", after("l l Y")),
        ("project_picker", after("g o")),
        ("archive_question", after("l Z")),
        ("pull_requests_mine", after("2")),
        ("pull_requests_to_review", after("2 ]")),
        ("pull_request_facts", after("2 j enter")),
        ("ticket_merged", after("2 ] ] G enter")),
        ("metrics_second", after("3 j l t d w")),
        ("metric_rows_left_out", after("3 j enter ]")),
        ("metric_linked", after("3 j enter [ j")),
        ("metric_formula", after("3 j i")),
        ("metrics_filter", after("3 f")),
        ("metrics_window", after("3 T")),
        ("metrics_export", after("3 X")),
        ("help_metrics", after("3 ?")),
        ("setup_connection", after("5")),
        ("setup_projects", after("5 ]")),
        ("setup_review", after("5 [")),
        ("default_reviewer_picker", after("5 ] ] ] a")),
        ("help_setup", after("5 ?")),
        ("help_editor", after("l enter e f1")),
        ("help_form", after("n f1")),
        ("editor_preview", after("l enter e f8 f8 f3")),
        ("activity_nothing", after("4")),
        ("activity_deliveries", after("4 ] j j")),
        ("activity_problems", after("4 ] p")),
        ("activity_hooks", after("4 ] ]")),
        ("activity_collection", after("4 ] ] ]")),
        ("comments_picker", after("5 ] c")),
        ("deselect_picker", after("5 ] D")),
        ("deselect_question", after("5 ] D j enter")),
        ("activity_requests", after("4 [ j")),
        ("delivery_body", after("4 ] j j j enter")),
        ("request_facts", after("4 [ enter")),
        ("replay_question", after("4 ] j j j r")),
        ("setup_webhooks", after("5 ] ] ] ] j")),
        ("hooks_plan", after("5 ] ] ] ] enter")),
        ("hook_steps", after("5 ] ] ] ] j j j j j enter")),
        ("help_activity", after("4 ?")),
    ];

    let mut model = after("4");
    happens(&mut model, What::Tasks(fixture::tasks()));
    go(&mut model, "j");
    model.toast = None;
    scenes.push(("activity_tasks", model.clone()));
    go(&mut model, "j j enter");
    scenes.push(("task_facts", model));

    for (name, page) in [
        ("metrics_backfilling", fixture::metrics::page_backfilling()),
        ("metrics_without_builds", fixture::metrics::page_without_builds()),
        ("metrics_without_production", fixture::metrics::page_without_production()),
        ("metrics_not_measured", fixture::metrics::page_not_measured()),
        ("metrics_zone", fixture::metrics::page_with_zone()),
        ("metrics_unknown_zone", fixture::metrics::page_with_unknown_zone()),
    ] {
        let mut model = after("3");
        model.metrics.page.rows = Some(Box::new(page));
        scenes.push((name, model));
    }
    let mut model = after("3");
    model.metrics.page.rows = None;
    model.metrics.page.problem = Some(Notice::new("could not read the figures: the store is locked").hint("try again: r"));
    scenes.push(("metrics_failed", model));

    let mut model = after("4 ]");
    model.activity.deliveries.rows = Some(Vec::new());
    scenes.push(("activity_no_deliveries", model));

    let mut model = after("4 ] ]");
    model.activity.health.rows = Some(Box::default());
    scenes.push(("activity_no_hooks", model));

    let mut model = after("5 ] ] ] ]");
    let why = Notice::new("there is no address yet that Azure DevOps could deliver to").hint("set webhooks.public_url");
    model.setup.webhooks.rows =
        Some(Box::new(crate::tui::answer::WebhookCard { url: Err(why), secrets: Vec::new(), health: Default::default() }));
    scenes.push(("setup_webhooks_none", model));

    let mut model = after("l l w");
    model.toast = None;
    model.live.live = Live::Now;
    scenes.push(("board_live", model));

    let mut model = board();
    model.live.live = Live::Broken("no receiver since 3m".into());
    scenes.push(("board_not_live", model));

    let mut model = board();
    if let Some(board) = &mut model.board.board {
        board.cards.clear();
        board.synced_at = None;
    }
    model.board.arrange(&model.settings.columns);
    scenes.push(("board_empty", model));

    let mut model = board();
    model.board.board = None;
    model.board.arrange(&model.settings.columns);
    scenes.push(("board_loading", model));

    let mut model = after("/");
    typed(&mut model, "label:nowhere");
    go(&mut model, "enter");
    scenes.push(("board_nothing_matches", model));

    let mut model = board();
    model.token_days_left = Some(3);
    model.rate_limited_until = Some(model.now + SignedDuration::from_secs(40));
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    model.sync.failed = Some(Notice::new("dev.azure.com does not answer"));
    model.now = fixture::now();
    scenes.push(("bar_in_trouble", model));

    let mut model = board();
    press(&mut model, "g");
    let at = model.now + SignedDuration::from_millis(300);
    update(&mut model, Event::new(at, What::Tick));
    scenes.push(("which_key", model));

    let mut model = after("s y");
    happens(&mut model, What::Tasks(vec![failed_start()]));
    model.now = fixture::now();
    scenes.push(("start_failed", model));

    let mut model = board();
    for effect in press(&mut model, "s") {
        if let Effect::PlanStart { generation, .. } = effect {
            let mut plan = fixture::start_plan(12);
            plan.existing_branch = Some("feature/ATL-12 is there already: 2 commits by Bob Okafor, yesterday".into());
            happens(&mut model, What::StartPlanned { generation, plan: Ok(Box::new(plan)) });
        }
    }
    model.now = fixture::now();
    scenes.push(("start_existing_branch", model));

    let mut model = board();
    for effect in press(&mut model, "s") {
        if let Effect::PlanStart { generation, .. } = effect {
            let notice = Notice::new("the token may not create branches").hint("give it the scope Code (read and write)");
            happens(&mut model, What::StartPlanned { generation, plan: Err(notice) });
        }
    }
    model.now = fixture::now();
    scenes.push(("start_could_not_plan", model));

    let mut model = board();
    let effects = press(&mut model, "l U");
    plan_push(&mut model, effects);
    model.now = fixture::now();
    scenes.push(("push_plan", model));

    let mut model = board();
    happens(&mut model, What::Tasks(vec![fixture::start_task(12)]));
    go(&mut model, "q");
    scenes.push(("quit_question", model));

    let mut model = board();
    model.drafts.extend([fixture::key(9), fixture::key(4)]);
    go(&mut model, "q");
    scenes.push(("quit_question_drafts", model));

    let mut model = after("n");
    go(&mut model, "ctrl+s");
    scenes.push(("new_ticket_without_title", model));

    let mut model = board();
    for effect in press(&mut model, "l P") {
        if let Effect::PlanPullRequest { generation, .. } = effect {
            let mut draft = fixture::pull_request_draft();
            draft.preflight[0].words = "the branch has no commit that main lacks".into();
            draft.preflight[0].state = PreflightState::Stops;
            draft.chosen = None;
            draft.reviewer_reason = "nobody: everybody who may review is at the limit of 4".into();
            happens(&mut model, What::PullRequestPlanned { generation, draft: Ok(Box::new(draft)) });
        }
    }
    go(&mut model, "ctrl+s");
    scenes.push(("pull_request_form_stopped", model));

    let mut model = board();
    model.pull_requests.rows = Some(Vec::new());
    model.base = Base::PullRequests;
    scenes.push(("pull_requests_none", model));

    let mut model = fresh();
    go(&mut model, "c");
    typed(&mut model, "lumen");
    model.now = fixture::now();
    scenes.push(("connect_typing", model));

    let mut model = fresh();
    go(&mut model, "c");
    typed(&mut model, "https://ado.example/tfs");
    let notice =
        Notice::new("https://ado.example/tfs answers, but names no collection").hint("add it: https://ado.example/tfs/DefaultCollection");
    model.setup.check = Check::Failed(notice);
    model.now = fixture::now();
    scenes.push(("connect_failed", model));
    for (_, model) in &mut scenes {
        model.now = fixture::now();
    }
    scenes
}

/// Every scene of the screen, those of `scenes` included.
pub fn every(width: u16, height: u16) -> Vec<(&'static str, Model)> {
    let mut all_of_them = scenes::all(width, height);
    all_of_them.extend(all(width, height));
    all_of_them
}

#[test]
fn the_rest_of_the_screens_is_drawn_at_every_size() {
    let mut pictures: BTreeMap<&str, String> = BTreeMap::new();
    for (width, height) in SIZES {
        for (name, model) in all(width, height) {
            let text = pictures.entry(name).or_default();
            text.push_str(&format!("{width}x{height}\n{}\n\n", picture(&model)));
        }
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        for (name, text) in pictures {
            insta::assert_snapshot!(name, text);
        }
    });
}

#[test]
fn no_theme_changes_the_words_and_none_without_colour_has_a_colour() {
    use ratatui::style::Color;
    const DEPTHS: [Depth; 4] = [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True];
    let of = |name, depth| (name, depth, Theme::new(name, depth, Charset::Unicode));
    let themes: Vec<_> = ThemeName::ALL.into_iter().flat_map(|name| DEPTHS.map(|depth| of(name, depth))).collect();
    for (width, height) in SIZES {
        for (name, mut model) in every(width, height) {
            let words = picture(&model);
            for (theme, depth, style) in &themes {
                model.theme = style.clone();
                let buffer = painted(&model);
                let what = format!("{name} at {width}x{height}, {} {depth:?}", theme.word());
                if *depth == Depth::Sixteen {
                    assert_eq!(picture(&model), words, "{what}");
                }
                let coloured = |cell: &ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
                if *depth == Depth::None || *theme == ThemeName::Plain {
                    assert!(!buffer.content().iter().any(coloured), "{what}");
                }
                let true_colour = |cell: &ratatui::buffer::Cell| matches!((cell.fg, cell.bg), (Color::Rgb(..), _) | (_, Color::Rgb(..)));
                if *depth != Depth::True {
                    assert!(!buffer.content().iter().any(true_colour), "{what}");
                }
            }
        }
    }
}

#[test]
fn without_colour_the_cursor_and_the_focused_field_are_still_seen() {
    use ratatui::style::Modifier;
    let plain = Theme::new(ThemeName::Dark, Depth::None, Charset::Unicode);
    for (keys, what) in [("n", "a form"), ("/", "the filter"), (":", "the palette"), ("l enter e", "the editor")] {
        let mut model = sized(fixture::board(), 120, 40);
        go(&mut model, keys);
        model.theme = plain.clone();
        let cursors = painted(&model).content().iter().filter(|cell| cell.modifier.contains(Modifier::REVERSED)).count();
        assert_eq!(cursors, 1, "{what} shows one cursor");
    }
}

#[test]
fn in_ascii_only_a_persons_own_text_is_not_ascii() {
    for (width, height) in SIZES {
        for (name, mut model) in every(width, height) {
            if let Some(board) = &mut model.board.board {
                // The one title of the fixture that is not ASCII.
                board.cards.iter_mut().for_each(|card| card.title.retain(|c| c.is_ascii()));
            }
            model.theme = Theme::new(ThemeName::Dark, Depth::Sixteen, Charset::Ascii);
            // Pickers made from the board hold their labels already.
            let lines = picture(&model);
            let other = lines.lines().filter(|line| !line.contains("日本語")).find(|line| !line.is_ascii());
            assert_eq!(other, None, "{name} at {width}x{height}");
        }
    }
}

#[test]
fn a_lane_says_how_many_cards_it_has_and_how_many_are_below() {
    for (width, height) in SIZES {
        let model = crowded(width, height);
        let words = picture(&model);
        assert!(words.contains("PR Open 60/40"), "{width}: {words}");
        let selected = model.board.selected.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(words.contains(&format!("▌{selected}")), "{width}: {selected} is selected");
        if width >= 80 {
            assert!(words.contains('↓'), "{width}: more below");
        }
    }
    // A filter says how many of how many; where there is no room for both, how many it found.
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "M");
    let words = picture(&model);
    assert!(words.contains("To Do 1 of 4") && words.contains("PR Open 1 of 3"), "{words}");
    let words = picture(&sized(model, 80, 24));
    assert!(words.contains("In Progress 1"), "{words}");
}

#[test]
fn the_bar_tells_of_trouble_before_anything_else() {
    for (width, height) in SIZES {
        let scenes = all(width, height);
        let (_, model) = scenes.iter().find(|(name, _)| *name == "bar_in_trouble").expect("the scene");
        let words = picture(model);
        let bar = words.lines().next().unwrap_or_default();
        assert!(bar.contains("sync failed") && bar.contains("throttled"), "{width}: {bar}");
        assert!(bar.contains('◐'), "{width}: the running task: {bar}");
        if width >= 80 {
            assert!(bar.contains("token 3d left"), "{width}: {bar}");
        }
    }
}

#[test]
fn a_dialog_keeps_its_edges_at_every_size() {
    for (width, height) in [(40, 12), (60, 20), (80, 24), (120, 40), (200, 50)] {
        for (name, model) in every(width, height) {
            let buffer = painted(&model);
            for y in 0..height {
                for x in 0..width {
                    if buffer[(x, y)].symbol() != "╭" {
                        continue;
                    }
                    let right = (x + 1..width).find(|x| buffer[(*x, y)].symbol() == "╮").unwrap_or_else(|| panic!("{name}: no corner"));
                    let bottom = (y + 1..height).find(|y| buffer[(x, *y)].symbol() == "╰").unwrap_or_else(|| panic!("{name}: no foot"));
                    for row in y + 1..bottom {
                        assert_eq!(
                            (buffer[(x, row)].symbol(), buffer[(right, row)].symbol()),
                            ("│", "│"),
                            "{name} {width}x{height} row {row}"
                        );
                    }
                    assert_eq!(buffer[(right, bottom)].symbol(), "╯", "{name} {width}x{height}");
                }
            }
        }
    }
}

#[test]
fn the_widths_make_one_lane_or_as_many_as_fit_or_all_and_a_preview() {
    for (width, lanes, preview) in
        [(59, 1, false), (60, 3, false), (80, 4, false), (119, 5, false), (120, 5, false), (160, 5, true), (200, 5, true)]
    {
        let model = sized(fixture::board(), width, 40);
        let layout = crate::tui::layout::board(&model);
        assert_eq!((layout.lanes.len(), layout.preview.is_some()), (lanes, preview), "{width}");
    }
}

#[test]
fn the_states_of_a_merged_ticket_and_an_edited_spec_read_differently() {
    let mut model = sized(fixture::board(), 120, 40);
    if let Some(board) = &mut model.board.board {
        for card in &mut board.cards {
            match card.status {
                Status::InProgress => card.spec = SpecBadge::ChangedOnBranch,
                Status::PrOpen => card.spec = SpecBadge::Draft,
                _ => {}
            }
        }
    }
    let words = picture(&model);
    assert!(words.contains("spec changed"), "{words}");
    // `draft` alone is a pull request's word.
    assert!(words.contains("draft  hook now"), "{words}");
}

#[test]
fn moving_the_selection_costs_few_bytes_and_an_idle_frame_none() {
    for (width, height) in SIZES {
        for mut model in [sized(fixture::board(), width, height), crowded(width, height)] {
            let mut last = painted(&model);
            assert_eq!(crate::tui::encode::difference(&last, &painted(&model)), "");
            for keys in ["j", "j", "k", "l", "h"] {
                go(&mut model, keys);
                let next = painted(&model);
                // The preview beside a wide board shows another ticket: that has its own price.
                if crate::tui::layout::shows_preview(&model) {
                    break;
                }
                let bytes = crate::tui::encode::difference(&last, &next).len();
                // In a strip of one lane, going sideways repaints the lane.
                let sideways = matches!(keys, "l" | "h") && crate::tui::layout::board(&model).lanes.len() < 5;
                assert!(bytes <= 200 || sideways, "{keys} at {width}x{height}: {bytes} bytes");
                last = next;
            }
        }
    }
}

#[test]
fn the_smallest_terminal_still_says_what_must_be_read() {
    let scenes = every(40, 12);
    for (name, words) in [
        ("start_failed", &["dev.azure.com does not answer", "nothing is lost", "1 of 3 done, s to continue", "s continue"][..]),
        ("start_plan", &["create branch feature/ATL-12", "assign to", "y start work", "Enter not now"]),
        ("start_existing_branch", &["feature/ATL-12 is there already", "u use that branch", "Enter not now"]),
        ("quit_question", &["A task is running", "y stop", "f finish", "Enter stay"]),
        ("archive_question", &["Archive ATL-9?", "y yes", "Enter no"]),
        ("pull_request_form", &["Title", "Description", "Reviewer", "Branches", "State", "Work items", "Ctrl+S open it"]),
        ("pull_request_form_stopped", &["Work items", "✗ the branch has no commit", "it is not opened while this stops"]),
        ("new_ticket", &["Title", "Description", "Criteria", "Labels", "Repository", "Priority", "Assign to", "Ctrl+S make it"]),
        ("new_ticket_without_title", &["a ticket needs a title"]),
        ("setup_review", &["▌Review", "Overload at  4"]),
        ("ticket_activity", &["▌Activity", "pull request 41 was opened"]),
        ("pull_requests_all", &["▌All 5", "ATL-4 Rotate", "poll 4m", "stale 12m", "hook now"]),
        ("connect_failed", &["names no collection", "add it:"]),
        ("conflict", &["Mine: the draft here", "m keep mine", "t take theirs"]),
        ("failure", &["was not pushed", "try again: U"]),
        ("bar_in_trouble", &["◐", "throttled", "sync failed"]),
        ("editor", &["draft", "New words.", "F2 push"]),
    ] {
        let (_, model) = scenes.iter().find(|(other, _)| *other == name).unwrap_or_else(|| panic!("no scene {name}"));
        // Words that were wrapped are put together again.
        let picture = picture(model);
        let joined: String =
            picture.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        for words in words {
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(joined.contains(&words), "{name}: {words}\n{picture}");
        }
    }
}
