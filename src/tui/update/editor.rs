//! The spec editor: typing, saving by itself, pushing, leaving without losing anything.

use ratatui_textarea::{CursorMove, Input, Key as AreaKey};

use crate::domain::id::{ObjectId, TicketKey};
use crate::domain::merge::{Merge, three_way};
use crate::domain::spec::Spec;
use crate::domain::ticket::SpecState;
use crate::notice::Notice;
use crate::tui::actions::Context;
use crate::tui::answer::{SaveFailure, SpecConflict, TicketDetail};
use crate::tui::effect::Effect;
use crate::tui::event::Generation;
use crate::tui::intent::Intent;
use crate::tui::key::{Code, Key};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::model::editor::{AfterSave, EditorState, Saving};
use crate::tui::model::overlay::{Confirm, Confirmed, ConflictView, Guard, Overlay, Side, SpecDirection};

use super::{Out, keys, load, spec_plan, toast};

/// What no spec may exceed; longer pastes are refused.
pub const SPEC_LIMIT: usize = 1024 * 1024;

/// Opens the editor on the subject's spec, once it is loaded.
pub fn open(model: &mut Model, out: &mut Out) {
    let Some(key) = model.subject() else { return };
    let detail = [model.ticket.as_ref().and_then(|t| t.detail.as_ref()), model.board.detail.as_ref()]
        .into_iter()
        .flatten()
        .find(|detail| detail.ticket.key == key);
    match detail {
        // Only what was just loaded may be edited: an old text would come back over a newer one.
        Some(detail) if model.ticket.as_ref().is_some_and(|t| t.key == key && t.loading.is_none()) => {
            let state = EditorState::new(key, detail.ticket.title.clone(), detail.spec.clone());
            model.editor = Some(state);
            out.push(Effect::SaveSession(Box::new(model.session())));
        }
        _ => {
            let generation = model.next_generation();
            model.opening_editor = Some((generation, key.clone()));
            out.push(Effect::LoadTicket { key, generation });
        }
    }
}

pub fn open_outside(model: &mut Model, out: &mut Out) {
    if model.editor.is_some() {
        return act(model, Intent::EditorOutside, out);
    }
    open(model, out);
    match &mut model.editor {
        Some(_) => act(model, Intent::EditorOutside, out),
        None => model.editor_outside_next = model.opening_editor.as_ref().map(|(generation, _)| *generation),
    }
}

/// The spec asked for by [`open`] is here.
pub fn loaded(model: &mut Model, generation: Generation, title: String, spec: SpecState, out: &mut Out) {
    let Some((wanted, key)) = model.opening_editor.take() else { return };
    if wanted != generation {
        model.opening_editor = Some((wanted, key));
        return;
    }
    let line = model.restoring.take().and_then(|session| session.editor).filter(|(edited, _)| *edited == key).map(|(_, line)| line);
    let mut state = EditorState::new(key, title, spec);
    if let Some(line) = line {
        state.move_to(line, 0);
    }
    model.editor = Some(state);
    if model.editor_outside_next.take() == Some(generation) {
        act(model, Intent::EditorOutside, out);
    }
    out.push(Effect::SaveSession(Box::new(model.session())));
}

/// The spec changed in the store while it is open. A text nobody is changing here is replaced; one that is being typed stays, and a
/// save finds out that there are two.
pub fn refreshed(model: &mut Model, detail: &TicketDetail) {
    let Some(editor) = model.editor.as_mut().filter(|editor| editor.key == detail.ticket.key) else { return };
    if detail.spec.revision == editor.spec.revision {
        // Where the branch stands may be new; the text is not.
        editor.spec = detail.spec.clone();
    } else if editor.is_saved() && detail.spec.revision > editor.spec.revision {
        editor.replace(&detail.spec.text);
        editor.title.clone_from(&detail.ticket.title);
        editor.spec = detail.spec.clone();
    }
}

pub fn key(model: &mut Model, key: Key, out: &mut Out) {
    if let Some(intent) = keys::meaning_in(model, Context::Editor, key) {
        return super::act::act(model, intent, out);
    }
    let page = layout::parts(model.width, model.height).body.height.saturating_sub(3).max(1);
    let now = model.now;
    let Some(editor) = &mut model.editor else { return };
    let area = &mut editor.area;
    let changed = match (key.code, key.ctrl) {
        (Code::Up, false) => moved(area, CursorMove::Up),
        (Code::Down, false) => moved(area, CursorMove::Down),
        (Code::Left, false) => moved(area, CursorMove::Back),
        (Code::Right, false) => moved(area, CursorMove::Forward),
        (Code::Home, false) => moved(area, CursorMove::Head),
        (Code::End, false) => moved(area, CursorMove::End),
        (Code::PageUp, false) => (0..page).fold(false, |_, _| moved(area, CursorMove::Up)),
        (Code::PageDown, false) => (0..page).fold(false, |_, _| moved(area, CursorMove::Down)),
        (Code::Char('w'), true) => area.delete_word(),
        (Code::Char('k'), true) => area.delete_line_by_end(),
        (Code::Char('u'), true) => area.delete_line_by_head(),
        (Code::Char('e'), true) => moved(area, CursorMove::End),
        _ => match input_of(key) {
            Some(input) => area.input_without_shortcuts(input),
            None => false,
        },
    };
    if changed {
        editor.touched(now);
    }
}

fn moved(area: &mut ratatui_textarea::TextArea<'static>, to: CursorMove) -> bool {
    area.move_cursor(to);
    false
}

/// A key as the text area takes it: only those that type or delete.
pub fn input_of(key: Key) -> Option<Input> {
    let area_key = match key.code {
        Code::Char(c) if key.typed().is_some() => AreaKey::Char(c),
        Code::Enter => AreaKey::Enter,
        Code::Backspace => AreaKey::Backspace,
        Code::Delete => AreaKey::Delete,
        Code::Tab if !key.shift => AreaKey::Tab,
        _ => return None,
    };
    Some(Input { key: area_key, ctrl: false, alt: false, shift: false })
}

pub fn paste(model: &mut Model, text: &str) {
    let now = model.now;
    let Some(editor) = &mut model.editor else { return };
    let room = SPEC_LIMIT.saturating_sub(editor.plain_text().len());
    if text.len() > room {
        let notice = Notice::new(format!("the paste of {} KiB is too large: a spec holds at most 1 MiB", text.len() / 1024));
        return toast::bad(model, notice.hint("nothing was inserted"));
    }
    editor.area.insert_str(clean(text));
    editor.touched(now);
}

/// Keeps line breaks and tabs, drops the other control characters: a spec is text.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

pub fn act(model: &mut Model, intent: Intent, out: &mut Out) {
    let now = model.now;
    let wide = model.width >= layout::WIDE;
    let Some(editor) = &mut model.editor else { return };
    match intent {
        Intent::SaveDraft => {
            if editor.is_saved() {
                toast::good(model, "the draft is saved");
            } else {
                save_now(model, out);
            }
        }
        Intent::SaveAndPush => then(model, AfterSave::Push, out),
        Intent::EditorOutside => then(model, AfterSave::EditOutside, out),
        Intent::EditorLeave => then(model, AfterSave::Leave, out),
        Intent::EditorPreview => editor.preview = Some(!editor.preview.unwrap_or(wide)),
        Intent::EditorTick => tick(model),
        Intent::EditorUndo | Intent::EditorRedo => {
            let changed = if intent == Intent::EditorUndo { editor.area.undo() } else { editor.area.redo() };
            if changed {
                editor.touched(now);
            }
        }
        Intent::EditorNextSection | Intent::EditorPreviousSection => {
            let row = editor.area.cursor().0;
            let outline = Spec::parse(&editor.plain_text()).outline();
            let mut lines = outline.iter().map(|entry| entry.line);
            let to = match intent {
                Intent::EditorNextSection => lines.find(|line| *line > row),
                _ => lines.rfind(|line| *line < row),
            };
            if let Some(line) = to {
                editor.move_to(line, 0);
            }
        }
        _ => {}
    }
}

/// Ticks the box on the cursor's line, if the line is a criterion.
fn tick(model: &mut Model) {
    let now = model.now;
    let Some(editor) = &mut model.editor else { return };
    let cursor = editor.area.cursor();
    let text = editor.plain_text();
    let spec = Spec::parse(&text);
    let line_of = |changed: &str| changed.lines().zip(text.lines()).position(|(a, b)| a != b);
    for index in 0..spec.criteria().len() {
        if let Some(changed) = spec.toggle_criterion(index)
            && line_of(&changed) == Some(cursor.0)
        {
            let line = changed.lines().nth(cursor.0).unwrap_or_default().to_owned();
            editor.area.move_cursor(CursorMove::Head);
            editor.area.delete_line_by_end();
            editor.area.insert_str(&line);
            editor.move_to(cursor.0, cursor.1);
            editor.touched(now);
            return;
        }
    }
    toast::plain(
        model,
        Notice::new("this line is no acceptance criterion").hint("a criterion is `- [ ] text` under `## Acceptance criteria`"),
    );
}

/// Saves, then does something; at once when there is nothing to save.
fn then(model: &mut Model, after: AfterSave, out: &mut Out) {
    let Some(editor) = &mut model.editor else { return };
    match &editor.saving {
        Saving::Saved => finish(model, after, out),
        Saving::Failed(notice) if after == AfterSave::Leave => {
            let lines = vec![notice.text.clone()];
            model.overlay = Some(Overlay::Confirm(Confirm {
                question: "The draft could not be saved. Leave, and lose what was typed since?".into(),
                lines,
                what: Confirmed::LeaveUnsaved,
                guard: Guard::new(model.now),
            }));
        }
        _ => {
            editor.after_save = after;
            save_now(model, out);
        }
    }
}

fn finish(model: &mut Model, after: AfterSave, out: &mut Out) {
    match after {
        AfterSave::Stay => {}
        AfterSave::Leave => leave(model, out),
        AfterSave::Push => {
            if let Some(why) = crate::tui::refusal::refusal(model, Intent::PushSpec) {
                return toast::plain(model, why);
            }
            spec_plan::open(model, SpecDirection::Push, out);
        }
        AfterSave::EditOutside => {
            if let Some(editor) = &model.editor {
                out.push(Effect::ExternalEditor { key: editor.key.clone(), text: editor.text() });
            }
        }
    }
}

/// Closes the editor. What was typed is saved by now.
pub fn leave(model: &mut Model, out: &mut Out) {
    model.editor = None;
    load::ticket(model, out);
    out.push(Effect::SaveSession(Box::new(model.session())));
}

/// Asks for the draft to be saved, if something was typed since the last time.
pub fn save_now(model: &mut Model, out: &mut Out) {
    let generation = model.next_generation();
    let Some(editor) = &mut model.editor else { return };
    editor.save_at = None;
    match editor.saving {
        // What was typed since the one under way began is saved when its answer is here.
        Saving::Saved | Saving::Running(_) => return,
        Saving::Dirty | Saving::Failed(_) => {}
    }
    editor.saving = Saving::Running(generation);
    out.push(Effect::SaveSpec { key: editor.key.clone(), expected_revision: editor.spec.revision, text: editor.text(), generation });
}

/// The answer to a save.
pub fn saved(model: &mut Model, generation: Generation, saved: Result<Box<SpecState>, SaveFailure>, out: &mut Out) {
    let Some(editor) = &mut model.editor else { return };
    if editor.saving != Saving::Running(generation) {
        return;
    }
    let after = std::mem::replace(&mut editor.after_save, AfterSave::Stay);
    match saved {
        Ok(spec) => {
            editor.saved(*spec);
            model.drafts.insert(editor.key.clone());
            if editor.is_saved() {
                finish(model, after, out);
            } else {
                editor.after_save = after;
                save_now(model, out);
            }
        }
        Err(SaveFailure::Refused(notice)) => {
            editor.saving = Saving::Failed(notice.clone());
            toast::bad(model, notice);
        }
        Err(SaveFailure::Conflict(theirs)) => {
            let mine = editor.text();
            editor.saving = Saving::Dirty;
            let conflict = conflict(editor.spec.text.clone(), mine, theirs.text.clone(), None);
            let key = editor.key.clone();
            // From here on a save is made on top of what the other session wrote.
            editor.spec = *theirs;
            show_conflict(model, key, Box::new(conflict));
            toast::plain(model, Notice::new("another session changed this draft; neither text is overwritten"));
        }
    }
}

fn conflict(base: String, mine: String, theirs: String, object: Option<ObjectId>) -> SpecConflict {
    let (merged, conflicts) = match three_way(&base, &mine, &theirs) {
        Merge::Clean(text) => (text, 0),
        Merge::Conflicts { text_with_markers, hunks } => (text_with_markers, hunks.len()),
    };
    SpecConflict { base, mine, theirs, merged, conflicts, object }
}

pub fn show_conflict(model: &mut Model, key: TicketKey, mut found: Box<SpecConflict>) {
    // What was typed since the push was asked for is mine as well.
    if let Some(editor) = model.editor.as_ref().filter(|editor| editor.key == key && editor.text() != found.mine) {
        *found = conflict(found.base, editor.text(), found.theirs, found.object);
    }
    model.put_form_aside();
    let conflict = found;
    let guard = Guard::new(model.now);
    model.overlay = Some(Overlay::Conflict(Box::new(ConflictView { key, conflict, side: Side::Mine, scroll: 0, guard })));
}

/// What `$EDITOR` left.
pub fn edited_outside(model: &mut Model, key: &crate::domain::id::TicketKey, text: Result<String, Notice>, out: &mut Out) {
    match text {
        Err(notice) => toast::bad(model, notice),
        Ok(text) => {
            let now = model.now;
            let Some(editor) = model.editor.as_mut().filter(|editor| editor.key == *key) else { return };
            if editor.text() != text {
                editor.replace(&text);
                editor.touched(now);
                save_now(model, out);
            }
        }
    }
}
