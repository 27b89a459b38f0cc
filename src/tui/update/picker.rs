//! Pickers: projects, people, columns, filter words, what to copy; and the palette and help, which are pickers of actions.

use std::collections::BTreeMap;

use crate::domain::quality::Posting;
use crate::tui::answer::{MemberRow, ProjectRow};
use crate::tui::effect::{Collected, Effect, MemberChange};
use crate::tui::event::{Answer, Generation};
use crate::tui::key::{Code, Key};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::overlay::Overlay;
use crate::tui::model::picker::{Item, Pick, Picker, PickerKind, Search};
use crate::tui::model::ticket::Tab;
use crate::tui::refusal;

use super::{Out, act, filter, metrics, toast};

fn show(model: &mut Model, picker: Picker) {
    model.overlay = Some(Overlay::Picker(Box::new(picker)));
}

fn picker(model: &mut Model) -> Option<&mut Picker> {
    match &mut model.overlay {
        Some(Overlay::Picker(picker)) => Some(picker),
        _ => None,
    }
}

/// Whether a list was asked for under this number and is still open.
pub fn waits_for(model: &Model, generation: Generation) -> bool {
    matches!(&model.overlay, Some(Overlay::Picker(picker)) if picker.loading == Some(generation))
}

pub fn projects(model: &mut Model, out: &mut Out) {
    let generation = model.next_generation();
    let mut picker = Picker::new(PickerKind::Plain, "Go to project", Search::On, project_items(model));
    picker.loading = Some(generation);
    picker.empty = "no project is connected; 5 opens the setup".into();
    out.push(Effect::LoadProjects { generation });
    show(model, picker);
}

fn project_items(model: &Model) -> Vec<Item> {
    let here = model.project.as_ref().map(|project| project.id);
    let rows = model.setup.projects.iter().flatten();
    rows.map(|row| {
        let detail = if here == Some(row.id) { format!("{}, here", row.organisation) } else { row.organisation.clone() };
        Item::new(format!("{}  {}", row.prefix, row.name), detail, Pick::Project(row.id))
    })
    .collect()
}

pub fn projects_loaded(model: &mut Model, generation: Generation, rows: &Answer<Vec<ProjectRow>>) {
    if rows.is_ok() {
        let items = project_items(model);
        if let Some(picker) = picker(model).filter(|picker| picker.loading == Some(generation)) {
            picker.set_items(items);
        }
    }
}

pub fn assign(model: &mut Model, out: &mut Out) {
    let Some((subject, project)) = refusal::subject(model).zip(model.project.as_ref().map(|project| project.id)) else { return };
    let generation = model.next_generation();
    let mut picker = Picker::new(PickerKind::Plain, format!("Assign {} to", subject.key), Search::On, Vec::new());
    picker.loading = Some(generation);
    picker.empty = "no members are known; discover them in the setup: 5".into();
    out.push(Effect::LoadMembers { project, generation });
    show(model, picker);
}

/// Members for the assign picker.
pub fn members_loaded(model: &mut Model, generation: Generation, rows: &Answer<Vec<MemberRow>>) {
    let me = model.project.as_ref().and_then(|project| project.me.clone());
    let Some(picker) = picker(model).filter(|picker| picker.loading == Some(generation)) else { return };
    match rows {
        Ok(rows) => {
            let mut items: Vec<Item> = rows
                .iter()
                .map(|row| {
                    let detail = if me.as_ref() == Some(&row.identity) { format!("{}, me", row.account) } else { row.account.clone() };
                    Item::new(row.name.clone(), detail, Pick::Assign(Some(row.id)))
                })
                .collect();
            items.push(Item::new("nobody", "", Pick::Assign(None)));
            picker.set_items(items);
        }
        Err(notice) => {
            let notice = notice.clone();
            model.overlay = None;
            toast::bad(model, notice);
        }
    }
}

pub fn default_reviewer(model: &mut Model, of: &MemberRow) {
    let mut items = vec![Item::new("nobody", "load balance", Pick::DefaultReviewer { of: of.id, reviewer: None })];
    for row in model.setup.members.iter().flatten().filter(|row| row.id != of.id) {
        let refused = (!row.can_review).then(|| "may not review".to_owned());
        let pick = Pick::DefaultReviewer { of: of.id, reviewer: Some(row.id) };
        items.push(Item::new(row.name.clone(), row.account.clone(), pick).refused(refused));
    }
    let picker = Picker::new(PickerKind::Plain, format!("Who reviews {}", of.name), Search::On, items);
    show(model, picker);
}

pub fn move_to(model: &mut Model) {
    let Some(subject) = refusal::subject(model) else { return };
    let mut items = Vec::new();
    for column in &model.settings.columns {
        for status in &column.statuses {
            let label = if column.statuses.len() > 1 { format!("{}: {}", column.name, status.title()) } else { column.name.clone() };
            let here = if *status == subject.status { "here" } else { "" };
            let refused = refusal::moved(model, &subject, *status).err();
            items.push(Item::new(label, here, Pick::Move(*status)).refused(refused));
        }
    }
    let mut picker = Picker::new(PickerKind::Plain, format!("Move {} to", subject.key), Search::Off, items);
    picker.cursor = picker.items.iter().position(|item| item.refused.is_none()).unwrap_or(0);
    show(model, picker);
}

pub fn filter_by(model: &mut Model) {
    let Some(board) = &model.board.board else { return };
    let mut words: BTreeMap<(u8, &'static str, String), usize> = BTreeMap::new();
    for card in &board.cards {
        let mut count = |order: u8, group: &'static str, word: String| *words.entry((order, group, word)).or_default() += 1;
        if let Some(name) = &card.assignee {
            count(0, "Person", format!("@{}", name.split_whitespace().next().unwrap_or(name)));
        }
        for label in &card.labels {
            count(1, "Label", format!("label:{label}"));
        }
        if let Some(repository) = &card.repository {
            count(2, "Repository", format!("repo:{repository}"));
        }
        count(3, "Status", format!("status:{}", card.status.word()));
    }
    let active: Vec<&str> = model.board.filter.text().split_whitespace().collect();
    let items = words
        .into_iter()
        .filter(|((_, _, word), _)| !word.contains(' '))
        .map(|((_, group, word), count)| {
            let detail = if active.contains(&word.as_str()) { format!("{count}, on") } else { count.to_string() };
            Item::new(word.clone(), detail, Pick::FilterWord(word)).group(group)
        })
        .collect();
    show(model, Picker::new(PickerKind::Plain, "Filter by", Search::On, items));
}

pub fn copy(model: &mut Model) {
    let Some(subject) = refusal::subject(model) else { return };
    // What is pasted may be run: nothing active from outside goes along.
    let copy = |what: &'static str, text: String| {
        let text = crate::notice::inert(&text);
        Item::new(what, text.clone(), Pick::Copy { what, text })
    };
    let mut items = vec![
        copy("key", subject.key.to_string()),
        copy("title", subject.title.clone()),
        copy("key and title", format!("{} {}", subject.key, subject.title)),
        copy("spec path", subject.key.spec_path()),
    ];
    if let Some(branch) = &subject.branch {
        items.push(copy("branch", branch.clone()));
    }
    let detail = model.ticket.as_ref().and_then(|ticket| ticket.detail.as_ref()).or(model.board.detail.as_ref());
    let url = detail
        .filter(|detail| detail.ticket.key == subject.key)
        .and_then(|detail| detail.pull_request.as_ref())
        .and_then(|pr| pr.web_url.clone());
    if let Some(url) = url {
        items.push(copy("pull request address", url));
    }
    show(model, Picker::new(PickerKind::Plain, format!("Copy of {}", subject.key), Search::Off, items));
}

/// What becomes of what was collected is asked before anything else.
pub fn deselect(model: &mut Model) {
    let Some(row) = model.setup.selected_project().cloned() else { return };
    let pick = |collected| Pick::Deselect { project: row.id, name: row.name.clone(), collected };
    let items = vec![
        Item::new("keep what was collected", "it counts again when the project comes back", pick(Collected::Kept)),
        Item::new("delete what was collected", "figures begin anew", pick(Collected::Deleted)),
    ];
    show(model, Picker::new(PickerKind::Plain, format!("Take {} off the board", row.name), Search::Off, items));
}

/// What is commented is seen by everybody who looks at the pull request: the choices are named, and the one in force is marked.
pub fn comments(model: &mut Model) {
    let Some(row) = model.setup.selected_project() else { return };
    let policy = row.comments;
    let item = |label: &str, words: String, posting| {
        let words = if policy.own == posting { format!("{words}, as now") } else { words };
        Item::new(label, words, Pick::Comments { project: row.id, posting })
    };
    let items = vec![
        item("as configured", format!("{} by the configuration here", policy.configured.word()), None),
        item("on", "one comment on each pull request of a ticket, kept up to date".to_owned(), Some(Posting::On)),
        item("off", "none by itself, whatever configurations say".to_owned(), Some(Posting::Off)),
    ];
    let title = format!("Comments on pull requests of {}", row.name);
    show(model, Picker::new(PickerKind::Plain, title, Search::Off, items));
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    let page = layout::picker_rows(model);
    let Some(picker) = picker(model) else { return };
    let last = picker.shown.len().saturating_sub(1);
    let searching = picker.search == Search::On;
    let to = match (key.code, key.ctrl) {
        (Code::Esc, _) => return close(model),
        (Code::Enter, _) => return choose(model, out),
        (Code::Down | Code::Tab, _) => picker.cursor + 1,
        (Code::Char('n' | 'd'), true) => picker.cursor + if key == Key::ctrl('d') { page / 2 } else { 1 },
        (Code::Up, _) | (Code::Char('p'), true) => picker.cursor.saturating_sub(1),
        (Code::PageDown, _) => picker.cursor + page,
        (Code::PageUp, _) => picker.cursor.saturating_sub(page),
        (Code::Char('j'), false) if !searching => picker.cursor + 1,
        (Code::Char('k'), false) if !searching => picker.cursor.saturating_sub(1),
        (Code::Char('g') | Code::Home, false) if !searching => 0,
        (Code::Char('G') | Code::End, false) if !searching => last,
        (Code::Char('q'), false) if !searching => return close(model),
        (Code::Char(digit @ '1'..='9'), false) if !searching => {
            let at = digit as usize - '1' as usize;
            if at <= last {
                picker.cursor = at;
                return choose(model, out);
            }
            return;
        }
        _ => {
            if searching && picker.query.handle(key) {
                picker.cursor = 0;
                picker.narrow();
            }
            return;
        }
    };
    picker.cursor = to.min(last);
}

pub fn paste(model: &mut Model, text: &str) {
    if let Some(picker) = picker(model)
        && picker.search == Search::On
    {
        picker.query.paste(text);
        picker.cursor = 0;
        picker.narrow();
    }
}

/// Back to the form that the help was opened from, if it was.
fn close(model: &mut Model) {
    model.overlay = model.under.take().map(|form| *form);
}

fn choose(model: &mut Model, out: &mut Out) {
    let Some(item) = picker(model).and_then(|picker| picker.selected().cloned()) else { return };
    if let Some(why) = item.refused {
        return toast::plain(model, crate::notice::Notice::new(why));
    }
    let subject = refusal::subject(model);
    close(model);
    match item.pick {
        Pick::Project(project) => {
            model.ticket = None;
            out.push(Effect::SelectProject { project });
        }
        Pick::Assign(member) => {
            if let Some(subject) = subject {
                out.push(Effect::Assign { key: subject.key, version: subject.version, member });
            }
        }
        Pick::DefaultReviewer { of, reviewer } => {
            out.push(Effect::SetMember { member: of, change: MemberChange::DefaultReviewer(reviewer) });
        }
        Pick::Move(to) => {
            if let Some(subject) = subject {
                out.push(Effect::Move { key: subject.key, to });
            }
        }
        Pick::FilterWord(word) => filter::toggle_word(model, &word, out),
        Pick::Copy { what, text } => out.push(Effect::CopyText { what, text }),
        Pick::Deselect { project, name, collected } => super::confirm::deselect(model, project, name, collected),
        Pick::Comments { project, posting } => out.push(Effect::SetComments { project, posting }),
        Pick::Metrics(choice) => metrics::choose(model, choice, out),
        Pick::Act(intent) => act::act(model, intent, out),
        Pick::Ticket(key) => act::open_ticket(model, key, Tab::Spec, out),
    }
}
