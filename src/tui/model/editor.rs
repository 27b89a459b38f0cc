//! The spec editor's state: the text area, what of it is saved, and where it stands to the branch.
//!
//! The area works on lines; the line endings a person wrote come back when the text is taken out.

use jiff::{SignedDuration, Timestamp};
use ratatui_textarea::{TextArea, WrapMode};

use crate::domain::id::TicketKey;
use crate::domain::spec::with_line_endings;
use crate::domain::ticket::{SpecBadge, SpecState};
use crate::notice::Notice;
use crate::tui::event::Generation;

/// A draft is saved when the keyboard has rested this long.
pub const SAVE_AFTER: SignedDuration = SignedDuration::from_millis(800);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saving {
    Saved,
    /// Typed and not saved yet.
    Dirty,
    Running(Generation),
    Failed(Notice),
}

/// What is to happen once the draft is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterSave {
    Stay,
    Leave,
    Push,
    EditOutside,
}

#[derive(Debug, Clone)]
pub struct EditorState {
    pub key: TicketKey,
    pub title: String,
    pub area: TextArea<'static>,
    /// The text the area was filled from: its line endings are the ones to keep.
    original: String,
    pub spec: SpecState,
    pub saving: Saving,
    pub save_at: Option<Timestamp>,
    pub after_save: AfterSave,
    /// Asked for or put away by hand; absent: shown where there is room.
    pub preview: Option<bool>,
    /// Changed while a save was under way: the answer does not make it clean.
    pub changed_since: bool,
}

impl EditorState {
    pub fn new(key: TicketKey, title: String, spec: SpecState) -> Self {
        let original = spec.text.clone();
        Self {
            key,
            title,
            area: area(&original),
            original,
            spec,
            saving: Saving::Saved,
            save_at: None,
            after_save: AfterSave::Stay,
            preview: None,
            changed_since: false,
        }
    }

    /// The text as it will be kept: the lines of the area with the endings a person wrote.
    pub fn text(&self) -> String {
        with_line_endings(&self.original, &self.area.lines().join("\n"))
    }

    /// The lines joined by line feeds, for reading.
    pub fn plain_text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Fills the area with another text, as one step that can be undone.
    pub fn replace(&mut self, text: &str) {
        if self.text() == text {
            return;
        }
        let cursor = self.area.cursor();
        self.original = text.to_owned();
        self.area.select_all();
        self.area.insert_str(text.replace("\r\n", "\n"));
        self.area.cancel_selection();
        self.move_to(cursor.0, cursor.1);
    }

    pub fn move_to(&mut self, row: usize, column: usize) {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        self.area.move_cursor(ratatui_textarea::CursorMove::Jump(row, column));
    }

    pub fn touched(&mut self, now: Timestamp) {
        self.save_at = Some(now + SAVE_AFTER);
        if matches!(self.saving, Saving::Running(_)) {
            self.changed_since = true;
        } else {
            self.saving = Saving::Dirty;
        }
    }

    pub fn is_saved(&self) -> bool {
        self.saving == Saving::Saved
    }

    pub fn badge(&self) -> SpecBadge {
        match (self.spec.badge(), self.is_saved()) {
            (SpecBadge::Pushed, false) => SpecBadge::Draft,
            (badge, _) => badge,
        }
    }

    /// Takes over what was saved, without touching what is being typed.
    pub fn saved(&mut self, spec: SpecState) {
        self.original.clone_from(&spec.text);
        self.spec = spec;
        self.saving = if self.changed_since { Saving::Dirty } else { Saving::Saved };
        self.changed_since = false;
    }
}

fn area(text: &str) -> TextArea<'static> {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect();
    let mut area = TextArea::new(lines);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_cursor_line_style(ratatui::style::Style::default());
    area.set_max_histories(1_000);
    area.set_tab_length(2);
    area
}
