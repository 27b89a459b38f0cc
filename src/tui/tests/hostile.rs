//! Text from outside at its worst: it is shown inert, measured right, and moves nothing else.

use proptest::prelude::*;
use ratatui::buffer::Buffer;

use super::scenes::go;
use super::*;
use crate::domain::board::Card;
use crate::domain::status::Status;
use crate::notice::{Notice, inert};
use crate::tui::answer::{DiffKind, DiffLine, PreflightState, SpecConflict, TaskState, TicketDetail};
use crate::tui::layout;
use crate::tui::widget::text::width;

/// Titles as somebody may write them.
pub const HOSTILE: [&str; 15] = [
    "\u{1b}[2J\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}5A and words",
    "abc\u{202e}txt.exe\u{202c} \u{2066}isolated\u{2069} \u{200f}mark",
    "日本語のとても長いタイトルは二つのセルを使う文字だけで書かれています",
    "family 👨\u{200d}👩\u{200d}👧\u{200d}👦 coder 👩\u{200d}💻 flag 🏳\u{fe0f}\u{200d}🌈 skin 👍🏽",
    "Z\u{335}\u{321}\u{322}a\u{30a}l\u{328}g\u{310}o\u{336} combining e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "tabs\tand\nlines\r\nand\u{b}more\u{c}\u{85}\u{2028}\u{2029}",
    "\u{200b}\u{200c}\u{feff}zero\u{200b}width\u{2060}",
    "שלום עולם وكلمات عربية",
    "\u{301}\u{302} begins with marks",
    "",
    "                    spaces                    ",
    "averyveryverylongwordwithoutanyspaceinitthatmustbecutsomewherebecauseitdoesnotfitanywhere",
    "e\u{fe0f} 1\u{fe0f}\u{20e3} \u{2764}\u{fe0f} ☑\u{fe0f} ✓",
    "\u{e0001}\u{e0041}tags\u{e007f} \u{fff9}a\u{fffa}b\u{fffb}",
    "\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\ \u{1b}]52;c;aGk=\u{7} \u{9d}52;c;aGk=\u{9c}\u{90}q\u{9c} \rover",
];

fn long() -> String {
    "four hundred characters ".repeat(17)
}

/// One of the hostile texts, the longest among them.
fn evil(index: usize) -> String {
    HOSTILE.get(index % (HOSTILE.len() + 1)).map_or_else(long, |text| (*text).to_owned())
}

fn poison(card: &mut Card, index: usize) {
    card.title = evil(index);
    card.assignee = Some(evil(index + 1));
    card.labels = vec![evil(index + 2), evil(index + 3)];
    card.repository = Some(evil(index + 4));
    if card.branch.is_some() {
        card.branch = Some(evil(index + 5));
    }
    if card.notice.is_some() {
        card.notice = Some(evil(index + 6));
    }
}

/// A board on which every text is hostile, three cards a text.
fn board(width: u16, height: u16, turn: usize) -> Model {
    let mut model = sized(fixture::board(), width, height);
    if let Some(board) = &mut model.board.board {
        for (at, card) in board.cards.iter_mut().enumerate() {
            poison(card, at + turn);
        }
        board.project_name = evil(turn);
        board.organisation_name = evil(turn + 1);
    }
    if let Some(project) = &mut model.project {
        (project.name, project.organisation) = (evil(turn), evil(turn + 1));
        project.me_name = Some(evil(turn + 2));
    }
    model.settings.columns[1].name = evil(turn + 2);
    model.board.arrange(&model.settings.columns);
    model
}

fn detail(number: u32, turn: usize) -> TicketDetail {
    let mut detail = fixture::detail(number);
    let ticket = &mut detail.ticket;
    ticket.title = evil(turn);
    ticket.description = evil(turn + 1);
    ticket.labels = vec![evil(turn + 2)];
    ticket.criteria.iter_mut().enumerate().for_each(|(at, criterion)| criterion.text = evil(turn + at));
    ticket.notice = Some(evil(turn + 3));
    ticket.branch = ticket.branch.as_ref().map(|_| evil(turn + 4));
    detail.repository_name = Some(evil(turn + 5));
    detail.target_branch = Some(evil(turn + 6));
    detail.assignee_name = Some(evil(turn + 7));
    detail.history.iter_mut().enumerate().for_each(|(at, line)| line.words = evil(turn + at));
    let all: Vec<String> = (0..=HOSTILE.len()).map(evil).collect();
    detail.spec.text = format!(
        "# {}\n\n## Overview\n\n{}\n\n`{}`\n\n```{}\n{}\n```\n\n> {}\n\n1. {}\n\n- [ ] {}\n\n| {} | b |\n|---|---|\n| {} | x |\n\n[{}](http://x)\n\n<b>{}</b>\n",
        all[0],
        all[2],
        all[3],
        all[4],
        all.join("\n"),
        all[1],
        all[5],
        all[8],
        all[2],
        all[3],
        all[12],
        all[13],
    );
    if let Some(known) = &mut detail.pull_request {
        poison_pull_request(known, turn);
    }
    detail
}

fn poison_pull_request(known: &mut crate::domain::pull_request::KnownPullRequest, turn: usize) {
    known.facts.title = evil(turn);
    known.facts.description = format!("{}\n\n```\n{}\n```\n", evil(turn + 1), evil(turn));
    known.facts.source_branch = evil(turn + 2);
    known.facts.target_branch = evil(turn + 3);
    known.facts.author.display_name = evil(turn + 4);
    known.facts.labels = vec![evil(turn + 5)];
    known.facts.reviewers.iter_mut().enumerate().for_each(|(at, reviewer)| reviewer.identity.display_name = evil(turn + at));
    known.repository_name = evil(turn + 6);
    known.web_url = Some(evil(turn));
}

/// A megabyte in one line.
fn very_long() -> String {
    "x\u{1b}]52;c;aGk=\u{7}".repeat(80_000)
}

fn health(turn: usize) -> crate::domain::health::HookHealth {
    let mut health = fixture::hook_health();
    health.live = crate::domain::health::Live::Broken(evil(turn));
    health.receivers.iter_mut().for_each(|receiver| receiver.name = evil(turn + 1));
    for (at, row) in health.subscriptions.iter_mut().enumerate() {
        (row.problem, row.identity, row.url) = (Some(evil(turn + at)), Some(evil(turn + at + 1)), evil(turn + at + 2));
    }
    health
        .sources
        .iter_mut()
        .enumerate()
        .for_each(|(at, source)| source.subscription = Some(crate::domain::id::Guid::new(evil(turn + at))));
    health.reconciled.failed = Some(evil(turn + 2));
    health
}

/// Answers what is asked for with the worst there is.
fn settle(model: &mut Model, effects: Vec<Effect>, turn: usize) {
    for effect in effects {
        let what = match effect {
            Effect::LoadTicket { generation, key } => {
                let detail = detail(key.number(), turn);
                What::TicketLoaded { generation, key, detail: Ok(Box::new(detail)) }
            }
            Effect::LoadPullRequests { generation, .. } => {
                let mut rows = fixture::pull_request_rows();
                rows.iter_mut().enumerate().for_each(|(at, row)| poison_pull_request(&mut row.pull_request, turn + at));
                What::PullRequestsLoaded { generation, rows: Ok(rows) }
            }
            Effect::LoadProjects { generation } => {
                let mut row = fixture::project();
                (row.name, row.organisation, row.prefix) = (evil(turn), evil(turn + 1), evil(turn + 2));
                What::ProjectsLoaded { generation, rows: Ok(vec![row, fixture::project()]) }
            }
            Effect::LoadRepositories { generation, .. } => {
                let mut rows = fixture::repositories();
                rows.iter_mut()
                    .enumerate()
                    .for_each(|(at, row)| (row.name, row.target_branch) = (evil(turn + at), Some(evil(turn + at + 1))));
                What::RepositoriesLoaded { generation, rows: Ok(rows) }
            }
            Effect::LoadMembers { generation, .. } => {
                let mut rows = fixture::members();
                rows.iter_mut().enumerate().for_each(|(at, row)| (row.name, row.account) = (evil(turn + at), evil(turn + at + 1)));
                What::MembersLoaded { generation, rows: Ok(rows) }
            }
            Effect::PlanStart { generation, key, .. } => {
                let mut plan = fixture::start_plan(key.number());
                plan.progress.steps.iter_mut().enumerate().for_each(|(at, step)| step.words = evil(turn + at));
                plan.warnings = vec![Notice::new(evil(turn)).hint(evil(turn + 1))];
                plan.repositories.iter_mut().for_each(|row| row.name = evil(turn + 2));
                What::StartPlanned { generation, plan: Ok(Box::new(plan)) }
            }
            Effect::PlanPullRequest { generation, .. } => {
                let mut draft = fixture::pull_request_draft();
                (draft.title, draft.body) = (evil(turn), format!("{}\n{}", evil(turn + 1), evil(turn + 2)));
                (draft.source_branch, draft.target_branch) = (evil(turn + 3), evil(turn + 4));
                draft.reviewers.iter_mut().enumerate().for_each(|(at, reviewer)| reviewer.name = evil(turn + at));
                draft.reviewer_reason = evil(turn + 5);
                draft.work_items = vec![evil(turn + 6)];
                draft
                    .preflight
                    .iter_mut()
                    .enumerate()
                    .for_each(|(at, check)| (check.words, check.state) = (evil(turn + at), PreflightState::Stops));
                What::PullRequestPlanned { generation, draft: Ok(Box::new(draft)) }
            }
            Effect::LoadDeliveries { generation, .. } => {
                let mut rows = fixture::deliveries();
                for (at, row) in rows.iter_mut().enumerate() {
                    (row.purpose, row.event_type, row.words) =
                        (Some(evil(turn + at)), Some(evil(turn + at + 1)), Some(evil(turn + at + 2)));
                    row.event_id = Some(evil(turn + at + 3));
                    row.subscription = Some(crate::domain::id::Guid::new(evil(turn + at + 4)));
                }
                What::DeliveriesLoaded { generation, rows: Ok(rows) }
            }
            Effect::LoadBody { generation, .. } => {
                let texts: Vec<String> = (0..=HOSTILE.len()).map(evil).chain([very_long()]).collect();
                let body = match turn {
                    0 => format!("{{\"texts\": {texts:?}}}"),
                    _ => texts.join("\n"),
                };
                What::BodyLoaded { generation, lines: Ok(crate::tui::readable::lines(body.as_bytes())) }
            }
            Effect::LoadHealth { generation, .. } => What::HealthLoaded { generation, health: Ok(Box::new(health(turn))) },
            Effect::LoadWebhooks { generation, .. } => {
                let mut card = fixture::webhook_card();
                (card.url, card.health) = (Err(Notice::new(evil(turn)).hint(evil(turn + 1))), health(turn));
                What::WebhooksLoaded { generation, card: Ok(Box::new(card)) }
            }
            Effect::LoadRequests { generation, .. } => {
                let mut rows = fixture::requests();
                for (at, row) in rows.iter_mut().enumerate() {
                    (row.path, row.method, row.activity_id) = (evil(turn + at), evil(turn + at + 1), Some(evil(turn + at + 2)));
                }
                What::RequestsLoaded { generation, rows: Ok(rows) }
            }
            Effect::PlanHooks { generation, .. } => {
                let mut plan = fixture::hook_plan();
                plan.progress.steps.iter_mut().enumerate().for_each(|(at, step)| step.words = evil(turn + at));
                plan.warnings = vec![Notice::new(evil(turn)).hint(evil(turn + 1))];
                What::HooksPlanned { generation, plan: Ok(Box::new(plan)) }
            }
            Effect::LoadSteps { generation, .. } => What::StepsLoaded { generation, lines: Ok((0..=HOSTILE.len()).map(evil).collect()) },
            Effect::DiffSpec { generation, key } => {
                let rows = (0..HOSTILE.len()).map(|at| DiffLine { kind: DiffKind::Added, text: evil(turn + at) }).collect();
                What::SpecCompared { generation, key, rows: Ok(rows) }
            }
            _ => continue,
        };
        let more = happens(model, what);
        settle(model, more, turn);
    }
    model.now = fixture::now();
}

const PLACES: [&str; 31] = [
    "j",
    "l l j",
    "M",
    "/",
    "f",
    "m",
    "Y",
    "a",
    "s",
    "n",
    "l P",
    "l d",
    "enter",
    "l l enter ]",
    "l l enter ] ]",
    "l l enter [",
    "l enter e",
    "2 ] ]",
    "5 ]",
    "5 ] ]",
    "5 ] ] ]",
    "5 ] ] ] ]",
    "5 ] ] ] ] enter",
    "5 ] ] ] ] j j j j j enter",
    "4 ]",
    "4 ] enter",
    "4 ] j j j r",
    "4 ] ]",
    "4 [",
    "4 [ enter",
    ":",
];

/// Every place that shows something from outside.
fn scenes(width: u16, height: u16, turn: usize) -> Vec<(String, Model)> {
    let mut scenes: Vec<(String, Model)> = PLACES
        .iter()
        .map(|keys| {
            let mut model = board(width, height, turn);
            if keys.starts_with(['4', '5']) {
                // What these show is loaded on the way.
                for key in keys.split(' ') {
                    let effects = press(&mut model, key);
                    settle(&mut model, effects, turn);
                }
            } else {
                let effects = press(&mut model, keys);
                settle(&mut model, effects, turn);
            }
            ((*keys).to_owned(), model)
        })
        .collect();
    let mut model = board(width, height, turn);
    model.live.live = crate::domain::health::Live::Broken(evil(turn));
    scenes.push(("why it is not live".into(), model));
    let mut model = board(width, height, turn);
    press(&mut model, "4");
    let mut tasks = fixture::tasks();
    for (at, task) in tasks.iter_mut().enumerate() {
        task.title = evil(turn + at);
        task.state = match at {
            0 => TaskState::Done(evil(turn)),
            1 => TaskState::Failed(Notice::new(evil(turn + 1)).hint(evil(turn + 2))),
            _ => task.state.clone(),
        };
    }
    happens(&mut model, What::Tasks(tasks));
    scenes.push(("tasks".into(), model.clone()));
    press(&mut model, "G enter");
    scenes.push(("a task's steps".into(), model));
    let mut model = board(width, height, turn);
    let effects = press(&mut model, "2 ] ] j enter");
    settle(&mut model, effects, turn);
    let effects = press(&mut model, "j enter");
    settle(&mut model, effects, turn);
    scenes.push(("facts of a pull request".into(), model));

    let mut model = board(width, height, turn);
    let mut task = fixture::start_task(12);
    task.title = evil(turn);
    task.progress.steps.iter_mut().enumerate().for_each(|(at, step)| step.words = evil(turn + at));
    happens(&mut model, What::Tasks(vec![task.clone()]));
    scenes.push(("a task".into(), model.clone()));
    press(&mut model, "q");
    scenes.push(("the question when quitting".into(), model.clone()));
    press(&mut model, "esc");
    task.state = TaskState::Failed(Notice::new(evil(turn)).hint(evil(turn + 1)));
    happens(&mut model, What::Tasks(vec![task]));
    scenes.push(("a failed task".into(), model));

    let mut model = board(width, height, turn);
    let text = |at: usize| format!("{}\n{}\n", evil(turn + at), evil(turn + at + 1));
    let conflict = SpecConflict { base: text(0), mine: text(1), theirs: text(2), merged: text(3), conflicts: 1, object: None };
    happens(&mut model, What::SpecConflicted { key: fixture::key(9), conflict: Box::new(conflict) });
    scenes.push(("a conflict".into(), model));
    scenes
}

/// Walks each line cell by cell: what is wide takes two, nothing reaches over the edge, and nothing is active.
fn check(buffer: &Buffer, what: &str) {
    for y in 0..buffer.area.height {
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            assert_eq!(inert(symbol), symbol, "{what}: {symbol:?} at {x},{y}");
            assert!(!symbol.contains('\u{fe0f}'), "{what}: a variation selector at {x},{y}");
            let cells = width(symbol).max(1);
            for next in 1..cells {
                assert!(x + next < buffer.area.width, "{what}: {symbol:?} at {x},{y} reaches over the edge");
                assert_eq!(buffer[(x + next, y)].symbol().trim(), "", "{what}: something lies under {symbol:?} at {x},{y}");
            }
            x += cells;
        }
        assert_eq!(x, buffer.area.width, "{what}: line {y}");
    }
}

#[test]
fn nothing_from_outside_is_active_or_moves_a_column() {
    for (width, height) in [(40, 12), (60, 20), (80, 24), (120, 40), (200, 50)] {
        for turn in [0, 5, 10] {
            for (name, model) in scenes(width, height, turn) {
                check(&painted(&model), &format!("{name} at {width}x{height}, turn {turn}"));
            }
        }
    }
}

#[test]
fn a_hostile_board_stands_in_the_same_columns_as_a_tame_one() {
    for (width, height) in [(60, 20), (80, 24), (120, 40)] {
        let mut tame = sized(fixture::board(), width, height);
        let mut wild = board(width, height, 0);
        wild.settings.columns = tame.settings.columns.clone();
        wild.project = tame.project.clone();
        let (tame_picture, wild_picture) = (painted(&tame), painted(&wild));
        // The bar, the heads and the rules.
        let head = layout::board(&tame).head;
        for y in 0..=head {
            for x in 0..width {
                assert_eq!(tame_picture[(x, y)].symbol(), wild_picture[(x, y)].symbol(), "{x},{y} at {width}x{height}");
            }
        }
        // One cell between lanes stays empty, whatever the titles are.
        for (_, area) in layout::board(&tame).lanes.iter().skip(1) {
            for y in head + 1..height - 1 {
                assert_eq!(wild_picture[(area.x - 1, y)].symbol(), " ", "{},{y} at {width}x{height}", area.x - 1);
            }
        }
        // The cursor is on the same card.
        for model in [&mut tame, &mut wild] {
            go(model, "l l j");
        }
        assert_eq!(tame.board.selected, wild.board.selected);
    }
}

#[test]
fn what_can_be_read_is_read_and_what_is_cut_says_so() {
    let shown = |title: &str, columns: u16| {
        let mut model = sized(fixture::board(), columns, 40);
        if let Some(board) = &mut model.board.board {
            board.cards[0].title = title.into();
        }
        model.board.arrange(&model.settings.columns);
        let lane = layout::board(&model).lanes[0].1;
        let buffer = painted(&model);
        // The card's lines, in its lane only.
        let rows = lane.y + 2..lane.y + 4;
        let mut words = String::new();
        for y in rows {
            let mut x = lane.x;
            while x < lane.right() {
                words.push_str(buffer[(x, y)].symbol());
                x += width(buffer[(x, y)].symbol()).max(1);
            }
            words.push('|');
        }
        words.trim_end_matches('|').to_owned()
    };
    let escape = shown(HOSTILE[0], 120);
    assert!(escape.contains("[2J[31mred") && !escape.contains('\u{1b}'), "{escape}");
    let bidi = shown(HOSTILE[1], 120);
    assert!(bidi.contains("abctxt.exe"), "{bidi}");
    let wide = shown(HOSTILE[2], 120);
    assert!(wide.contains("日本語の") && wide.contains('…'), "{wide}");
    let joined = shown("👨\u{200d}👩\u{200d}👧\u{200d}👦 family", 120);
    assert!(joined.contains("👨\u{200d}👩\u{200d}👧\u{200d}👦"), "a joined emoji stays whole: {joined}");
    let marks = shown("cafe\u{301} re\u{301}sume\u{301}", 120);
    assert!(marks.contains("cafe\u{301} re\u{301}sume\u{301}"), "marks stay on their letters: {marks}");
    let endless = shown(&long(), 120);
    assert!(endless.trim_end().ends_with('…'), "{endless}");
    assert!(shown("", 120).contains("ATL-12"), "a title may be missing");
}

#[test]
fn a_hostile_spec_is_edited_as_it_is_and_painted_inert() {
    let mut model = sized(fixture::board(), 120, 40);
    let effects = press(&mut model, "l enter e");
    settle(&mut model, effects, 0);
    let text = model.editor.as_ref().map(|editor| editor.text()).expect("an editor");
    assert!(text.contains('\u{1b}') && text.contains('\u{202e}'), "the text itself is left alone");
    for keys in ["f3", "f3", "down down down end", "f8 f8", "pgdn", "home", "pgup"] {
        press(&mut model, keys);
        check(&painted(&model), keys);
    }
    assert_eq!(model.editor.as_ref().map(|editor| editor.text()), Some(text));
}

#[test]
fn the_window_title_and_the_clipboard_get_no_escape_sequences() {
    let mut model = board(120, 40, 0);
    let mut project = fixture::project();
    project.name = evil(0);
    for effect in happens(&mut model, What::ProjectSelected { project: Box::new(project), token_days_left: None }) {
        if let Effect::SetTitle(title) = effect {
            assert_eq!(inert(&title), title);
        }
    }
    let mut model = board(120, 40, 0);
    let effects = press(&mut model, "Y 2");
    let [Effect::CopyText { text, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(inert(text), *text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Any text at all, anywhere on a card, at any size.
    #[test]
    fn any_text_on_a_card_leaves_the_board_in_shape(
        texts in prop::collection::vec(".{0,60}|[\\u{300}-\\u{36f}a-z]{0,20}|[\\u{1f000}-\\u{1faff}\\u{200d}\\u{fe0f}]{0,12}", 4),
        size in (40_u16..180, 12_u16..50),
        status in 0..5_usize,
    ) {
        let mut model = sized(fixture::board(), size.0, size.1);
        if let Some(board) = &mut model.board.board {
            let card = &mut board.cards[0];
            card.title = texts[0].clone();
            card.assignee = Some(texts[1].clone());
            card.labels = vec![texts[2].clone()];
            card.notice = (status % 2 == 0).then(|| texts[3].clone());
            card.status = Status::ALL[status];
        }
        model.board.arrange(&model.settings.columns);
        check(&painted(&model), "the board");
        go(&mut model, "m");
        check(&painted(&model), "the picker");
    }

    /// Any text as a spec, rendered and edited.
    #[test]
    fn any_text_as_a_spec_leaves_the_screen_in_shape(text in "(.|\\n|\\t|\\r|[\\u{1f300}-\\u{1f6ff}\\u{200d}\\u{fe0f}]|`|\\*|- \\[ \\] |# |> |\\|){0,120}", size in (40_u16..180, 12_u16..40)) {
        let mut model = sized(fixture::board(), size.0, size.1);
        let mut effects = press(&mut model, "enter");
        let mut detail = fixture::detail(12);
        detail.spec.text = text;
        while let Some(effect) = effects.pop() {
            if let Effect::LoadTicket { generation, key } = effect {
                happens(&mut model, What::TicketLoaded { generation, key, detail: Ok(Box::new(detail.clone())) });
            }
        }
        check(&painted(&model), "the ticket");
        press(&mut model, "e");
        prop_assert!(model.editor.is_some());
        for keys in ["end", "f3", "pgdn"] {
            check(&painted(&model), "the editor");
            press(&mut model, keys);
        }
    }
}
