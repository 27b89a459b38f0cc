//! Where the parts of a spec are: one pass over the markdown that remembers positions, no words.
//!
//! Sections begin at headings of level 1 or 2 that stand in no quote or list; deeper headings belong to the section they are in. Of
//! two sections with one name the first counts.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::Section;
use crate::domain::id::TicketKey;

/// Positions of everything a spec is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub title: Option<Heading>,
    /// Every heading outside quotes and lists, the title included.
    pub headings: Vec<Heading>,
    /// What stands below each known heading, indexed by `Section`.
    pub sections: [Option<Range<usize>>; 6],
    /// Between the title (or the beginning) and the first section.
    pub preamble: Range<usize>,
    /// The boxes under the acceptance criteria.
    pub boxes: Vec<TaskBox>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    pub level: u8,
    /// Where its line begins.
    pub start: usize,
    /// After its line ending, that of the underline included.
    pub end: usize,
    /// Its words, on one line.
    pub content: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TaskBox {
    /// The byte between the brackets.
    pub mark: usize,
    /// The criterion's words, over one or more lines.
    pub text: Range<usize>,
    /// The whole list item, with what is nested in it.
    pub item: Range<usize>,
    /// Whether it stands in a block quote.
    pub quoted: bool,
}

/// Options that make boxes out of `[ ]` and change nothing else about the blocks.
pub(super) const MARKDOWN: Options = Options::ENABLE_TASKLISTS;

pub(super) fn read(text: &str) -> Parts {
    // A byte order mark would hide a heading on the first line.
    let offset = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reading = Reading { text, parts: Parts::default(), is_first: true, section: None, items: Vec::new(), quotes: 0, open: None };
    let mut depth = 0usize;
    for (event, range) in Parser::new_ext(&text[offset..], MARKDOWN).into_offset_iter() {
        let range = range.start + offset..range.end + offset;
        match event {
            Event::Start(tag) => {
                if depth == 0
                    && let Tag::Heading { level, .. } = tag
                {
                    reading.heading(level as u8, &range);
                }
                reading.block_begins(&tag, &range);
                depth += 1;
            }
            Event::End(tag) => {
                depth = depth.saturating_sub(1);
                reading.block_ends(tag, &range);
            }
            Event::TaskListMarker(_) => reading.task_box(&range),
            Event::Rule => reading.criterion_ends(range.start),
            _ => {}
        }
    }
    reading.finish()
}

struct Reading<'a> {
    text: &'a str,
    parts: Parts,
    /// No heading of level 1 or 2 was met yet.
    is_first: bool,
    /// The known section being read.
    section: Option<Section>,
    /// The list items open at this point.
    items: Vec<Range<usize>>,
    quotes: usize,
    /// The criterion whose words have not ended yet: its box, and where they begin.
    open: Option<(usize, usize)>,
}

impl Reading<'_> {
    fn heading(&mut self, level: u8, range: &Range<usize>) {
        let heading = self.locate(level, range);
        if level <= 2 {
            self.boundary(&heading);
        }
        self.parts.headings.push(heading);
    }

    /// A heading of level 1 or 2: the end of the section before it.
    fn boundary(&mut self, heading: &Heading) {
        self.close_section(heading.start);
        let known = Section::of_heading(&self.text[heading.content.clone()]);
        let is_first = std::mem::replace(&mut self.is_first, false);
        if is_first && heading.level == 1 && known.is_none() {
            self.parts.title = Some(heading.clone());
            self.parts.preamble = heading.end..self.text.len();
            return;
        }
        if is_first || self.parts.preamble.end == self.text.len() {
            self.parts.preamble.end = heading.start.max(self.parts.preamble.start);
        }
        if let Some(section) = known
            && self.parts.sections[section as usize].is_none()
        {
            self.parts.sections[section as usize] = Some(heading.end..self.text.len());
            self.section = Some(section);
        }
    }

    fn close_section(&mut self, at: usize) {
        if let Some(section) = self.section.take()
            && let Some(body) = &mut self.parts.sections[section as usize]
        {
            body.end = at.max(body.start);
        }
    }

    /// The words of a heading without its hashes or underline.
    fn locate(&self, level: u8, range: &Range<usize>) -> Heading {
        let text = self.text;
        let start = text[..range.start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let start = if start == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { start };
        let first_line = &text[start..line_content_end(text, start)];
        let unindented = first_line.trim_start_matches([' ', '\t']);
        let hashes = unindented.bytes().take_while(|b| *b == b'#').count();
        let behind = &unindented[hashes..];
        if hashes == usize::from(level) && (behind.is_empty() || behind.starts_with([' ', '\t'])) {
            let content_start = start + first_line.len() - behind.trim_start_matches([' ', '\t']).len();
            let end = next_line(text, start);
            return Heading { level, start, end, content: trimmed(text, content_start..start + first_line.len()) };
        }
        // Underlined. Its words may spread over lines; those of the first stand for all.
        let written = &text[start..range.end.max(start)];
        let underline = start + written.trim_end_matches(['\n', '\r', ' ', '\t']).len();
        Heading { level, start, end: next_line(text, underline), content: trimmed(text, start..start + first_line.len()) }
    }

    fn block_begins(&mut self, tag: &Tag<'_>, range: &Range<usize>) {
        match tag {
            Tag::Item => self.items.push(range.clone()),
            Tag::BlockQuote(_) => self.quotes += 1,
            Tag::Paragraph if self.open.is_some_and(|(_, from)| self.text[from..range.start.max(from)].trim().is_empty()) => return,
            Tag::Paragraph | Tag::List(_) | Tag::CodeBlock(_) | Tag::HtmlBlock | Tag::Heading { .. } => {}
            _ => return,
        }
        self.criterion_ends(range.start);
    }

    fn block_ends(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Item => {
                self.criterion_ends(range.end);
                self.items.pop();
            }
            TagEnd::Paragraph => self.criterion_ends(range.end),
            TagEnd::BlockQuote(_) => self.quotes = self.quotes.saturating_sub(1),
            _ => {}
        }
    }

    fn task_box(&mut self, range: &Range<usize>) {
        let bytes = self.text.as_bytes();
        let in_brackets = range.len() >= 3 && bytes.get(range.end - 3) == Some(&b'[') && bytes.get(range.end - 1) == Some(&b']');
        if self.section == Some(Section::AcceptanceCriteria)
            && in_brackets
            && let Some(item) = self.items.last()
        {
            self.open = Some((self.parts.boxes.len(), range.end));
            let text = range.end..range.end;
            self.parts.boxes.push(TaskBox { mark: range.end - 2, text, item: item.clone(), quoted: self.quotes > 0 });
        }
    }

    fn criterion_ends(&mut self, at: usize) {
        if let Some((index, from)) = self.open.take()
            && let Some(found) = self.parts.boxes.get_mut(index)
        {
            found.text = from..at.max(from);
        }
    }

    fn finish(mut self) -> Parts {
        self.criterion_ends(self.text.len());
        if self.is_first {
            self.parts.preamble = 0..self.text.len();
        }
        self.parts
    }
}

/// Where the line that `at` is in ends, without its ending.
pub(super) fn line_content_end(text: &str, at: usize) -> usize {
    text[at..].find(['\n', '\r']).map_or(text.len(), |found| at + found)
}

/// Where the line after the one that `at` is in begins.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    let end = line_content_end(text, at);
    let ending = &text[end..];
    end + if ending.starts_with("\r\n") { 2 } else { usize::from(!ending.is_empty()) }
}

/// A range without the blanks at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let start = range.start + inside.len() - inside.trim_start().len();
    start..start.max(range.start + inside.trim_end().len())
}

/// A region without the blank lines around what it holds; empty, at its end, when it holds nothing.
pub(super) fn core(text: &str, region: Range<usize>) -> Range<usize> {
    const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
    let inside = &text[region.clone()];
    let unblanked = inside.trim_start_matches(BLANK);
    if unblanked.is_empty() {
        return region.end..region.end;
    }
    // The first line keeps its indentation: it may be what makes it code.
    let first = region.start + inside.len() - unblanked.len();
    let line_start = text[region.start..first].rfind(['\n', '\r']).map_or(region.start, |at| region.start + at + 1);
    line_start..region.start + inside.trim_end_matches(BLANK).len()
}

/// The key and the title in the words of a title line. A key needs a colon or a dash behind it, or nothing: `UTF-8 support` is a title.
pub(super) fn split_title(line: &str) -> (Option<TicketKey>, &str) {
    let key_end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(line.len());
    let (word, rest) = line.split_at(key_end);
    let Ok(key) = TicketKey::parse(word) else { return (None, line) };
    if !word.starts_with(key.prefix()) {
        return (None, line);
    }
    let behind = rest.trim_start();
    if behind.is_empty() {
        return (Some(key), "");
    }
    match behind.strip_prefix([':', '\u{2013}', '\u{2014}']).or_else(|| behind.strip_prefix("- ")) {
        Some(title) => (Some(key), title.trim()),
        None => (None, line),
    }
}

/// The line that names the parent story.
pub(super) struct ParentLine {
    pub value: Range<usize>,
    /// After its line ending.
    pub end: usize,
}

/// The parent story is named by the first line of the overview that is not blank: `Parent story: X`, also bold or as a list item.
pub(super) fn parent_line(text: &str, body: Range<usize>) -> Option<ParentLine> {
    let start = core(text, body.clone()).start;
    let line_end = line_content_end(text, start).min(body.end);
    let line = &text[start..line_end];
    let value = parent_value(line)?;
    let value_start = line_end - value.len();
    Some(ParentLine { value: trimmed(text, value_start..line_end), end: next_line(text, start).min(body.end) })
}

/// What stands behind `Parent story:` in a line that begins with it.
fn parent_value(line: &str) -> Option<&str> {
    let unindented = line.trim_start_matches(' ');
    if line.len() - unindented.len() > 3 {
        return None;
    }
    let mut rest = unindented;
    for bullet in ["- ", "* ", "+ "] {
        rest = rest.strip_prefix(bullet).unwrap_or(rest);
    }
    let emphasis = ["**", "__", "*", "_"].into_iter().find(|mark| rest.starts_with(mark)).unwrap_or_default();
    rest = &rest[emphasis.len()..];
    let name = rest.get(.."parent story".len()).filter(|name| name.eq_ignore_ascii_case("parent story"))?;
    rest = &rest[name.len()..];
    let closed_before = rest.strip_prefix(emphasis).filter(|_| !emphasis.is_empty());
    rest = closed_before.unwrap_or(rest).trim_start_matches(' ').strip_prefix(':')?;
    if !emphasis.is_empty() && closed_before.is_none() {
        rest = rest.strip_prefix(emphasis)?;
    }
    Some(rest)
}

/// Whether the value of a parent story says that there is none.
pub(super) fn is_none(value: &str) -> bool {
    ["", "-", "\u{2013}", "\u{2014}", "none", "n/a"].iter().any(|word| value.eq_ignore_ascii_case(word))
}
