//! A ticket's spec, `.tickets/KEY.md`: a title line `# KEY: Title` and six sections, as a text that belongs to the people who wrote it.
//!
//! Reading never fails: any text is a spec, of which some parts may be missing. The text is the truth, and every edit gives a new text
//! that differs only where it must: unknown sections, order, spacing and line endings stay byte for byte. Markdown is read by
//! pulldown-cmark, so that a heading or a box in a code block is neither. Whether a text may be a spec at all (size, encoding) is
//! [`validate`]'s to say, not [`Spec::parse`]'s.

mod edit;
mod line_ending;
mod outline;
mod template;
mod validate;

use std::ops::Range;

pub use line_ending::{to_lf, with_line_endings};
pub use template::{Template, template};
pub use validate::{SIZE_LIMIT, SpecError, validate};

pub(super) use edit::{closed_off, criterion_line};

use super::id::TicketKey;
use super::ticket::Criterion;

/// The sections every spec has a place for, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    Overview,
    AcceptanceCriteria,
    ArchitectureNotes,
    ImplementationSteps,
    FilesToModify,
    Context,
}

impl Section {
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::AcceptanceCriteria, Self::ArchitectureNotes, Self::ImplementationSteps, Self::FilesToModify, Self::Context];

    /// The heading, as written into new specs.
    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::AcceptanceCriteria => "Acceptance criteria",
            Self::ArchitectureNotes => "Architecture notes",
            Self::ImplementationSteps => "Implementation steps",
            Self::FilesToModify => "Files to modify",
            Self::Context => "Context",
        }
    }

    /// The section a heading names, in any case, with a number before or a colon behind: `2. ACCEPTANCE CRITERIA:`.
    pub fn of_heading(heading: &str) -> Option<Self> {
        let bare = heading.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | ':' | '#'));
        let unnumbered = bare.trim_start_matches(|c: char| c.is_ascii_digit());
        let name = match unnumbered.strip_prefix(['.', ')']) {
            Some(name) if unnumbered.len() < bare.len() => name,
            _ => bare,
        };
        // Compared word by word: people write two spaces, and a no-break space looks like one.
        Self::ALL.into_iter().find(|section| {
            let mut wanted = section.title().split(' ');
            let same = name.split_whitespace().all(|word| wanted.next().is_some_and(|w| w.eq_ignore_ascii_case(word)));
            same && wanted.next().is_none()
        })
    }
}

/// A heading, for a list of them beside the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineEntry {
    /// The heading's words as written, markup included.
    pub title: String,
    /// From 1, the most general, to 6.
    pub level: u8,
    /// Counted from 0 by line feeds.
    pub line: usize,
    /// The section that begins here, if it is one of the six.
    pub known: Option<Section>,
}

/// A spec's text and where its parts are. Made by [`Spec::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    text: String,
    parts: outline::Parts,
}

impl Spec {
    /// Reads any text.
    pub fn parse(text: &str) -> Self {
        Self { text: text.to_owned(), parts: outline::read(text) }
    }

    /// The text, byte for byte as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ticket the title line names: `# KAN-4: Title`.
    pub fn key(&self) -> Option<TicketKey> {
        outline::split_title(self.title_line()?).0
    }

    /// The title without its key; empty when there is none.
    pub fn title(&self) -> &str {
        self.title_line().map_or("", |line| outline::split_title(line).1)
    }

    /// The words of the title line, key included.
    fn title_line(&self) -> Option<&str> {
        Some(&self.text[self.parts.title.as_ref()?.content.clone()])
    }

    /// What the line `Parent story:` at the head of the overview says; absent for `none`.
    pub fn parent_story(&self) -> Option<&str> {
        let value = &self.text[outline::parent_line(&self.text, self.overview()?)?.value];
        (!outline::is_none(value)).then_some(value)
    }

    /// The overview without the line of the parent story; without an overview, what stands between the title and the first section.
    pub fn description(&self) -> &str {
        &self.text[outline::core(&self.text, self.description_region())]
    }

    /// The acceptance criteria: boxes in lists under that heading, in their order. A box in a code block is none.
    pub fn criteria(&self) -> Vec<Criterion> {
        self.parts.boxes.iter().map(|found| Criterion { text: self.criterion_text(found), ticked: self.is_ticked(found) }).collect()
    }

    /// What stands under a heading, without the blank lines around it.
    pub fn section(&self, section: Section) -> Option<&str> {
        Some(&self.text[outline::core(&self.text, self.body(section)?)])
    }

    /// The headings of the text, those in quotes and lists left out.
    pub fn outline(&self) -> Vec<OutlineEntry> {
        let mut line = 0;
        let mut counted = 0;
        let entry = |heading: &outline::Heading| {
            line += self.text.as_bytes()[counted..heading.start].iter().filter(|b| **b == b'\n').count();
            counted = heading.start;
            OutlineEntry {
                title: self.text[heading.content.clone()].to_owned(),
                level: heading.level,
                line,
                known: Section::ALL.into_iter().find(|s| self.parts.sections[*s as usize].as_ref().is_some_and(|b| b.start == heading.end)),
            }
        };
        self.parts.headings.iter().map(entry).collect()
    }

    fn body(&self, section: Section) -> Option<Range<usize>> {
        self.parts.sections[section as usize].clone()
    }

    fn overview(&self) -> Option<Range<usize>> {
        self.body(Section::Overview)
    }

    /// Where the description may spread, blank lines included.
    fn description_region(&self) -> Range<usize> {
        match self.overview() {
            Some(body) => outline::parent_line(&self.text, body.clone()).map_or(body.clone(), |line| line.end..body.end),
            None => self.parts.preamble.clone(),
        }
    }

    fn is_ticked(&self, found: &outline::TaskBox) -> bool {
        matches!(self.text.as_bytes().get(found.mark), Some(b'x' | b'X'))
    }

    fn criterion_text(&self, found: &outline::TaskBox) -> String {
        let mut text = String::new();
        for line in self.text[found.text.clone()].lines() {
            let line = if found.quoted { line.trim_start_matches([' ', '\t', '>']) } else { line };
            for word in line.split_ascii_whitespace() {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        text
    }
}

/// The ticket that a text says it is the spec of.
pub fn key_of(text: &str) -> Option<TicketKey> {
    Spec::parse(text).key()
}

#[cfg(test)]
mod tests;
