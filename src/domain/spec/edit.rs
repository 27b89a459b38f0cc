//! Edits of a spec, each giving a new text that differs from the old one only where it must.
//!
//! Text put in from outside a section can never break the sections: what would (a heading of their level, a code block left open) is
//! demoted, closed or at last quoted, and the result is read again to make sure.

use std::ops::Range;

use super::line_ending::dominant;
use super::outline;
use super::{Section, Spec};
use crate::domain::id::TicketKey;
use crate::domain::ticket::Criterion;

impl Spec {
    /// Changes the title and keeps the key. A title is one line: line breaks become spaces.
    pub fn set_title(&self, title: &str) -> String {
        if on_one_line(title) == self.title() {
            return self.text.clone();
        }
        self.with_title_line(self.key().as_ref(), title)
    }

    /// Makes the title line name a ticket, in the place of the one it names.
    pub fn set_key(&self, key: &TicketKey) -> String {
        if self.key().as_ref() == Some(key) {
            return self.text.clone();
        }
        self.with_title_line(Some(key), self.title())
    }

    fn with_title_line(&self, key: Option<&TicketKey>, title: &str) -> String {
        let line = title_line(key, title);
        let eol = dominant(&self.text);
        match &self.parts.title {
            Some(heading) => {
                let written = &self.text[heading.start..heading.end];
                let is_one_line = outline::next_line(&self.text, heading.start) == heading.end;
                let ending = &written[written.trim_end_matches(['\n', '\r']).len()..];
                if is_one_line && !heading.content.is_empty() {
                    // Keeps the indentation and the spaces after the hash.
                    self.with(heading.content.clone(), line.strip_prefix("# ").unwrap_or_default())
                } else {
                    self.with(heading.start..heading.end, &format!("{line}{ending}"))
                }
            }
            None => {
                let start = if self.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
                let gap = if self.text[start..].is_empty() { eol.to_owned() } else { eol.repeat(2) };
                self.with(start..start, &format!("{line}{gap}"))
            }
        }
    }

    /// Changes the line of the parent story, or adds one at the head of the overview. `None` and the empty text say `none`.
    pub fn set_parent_story(&self, parent: Option<&str>) -> String {
        let parent = parent.map(on_one_line).filter(|parent| !outline::is_none(parent));
        if parent.as_deref() == self.parent_story() {
            return self.text.clone();
        }
        let words = parent.as_deref().unwrap_or("none");
        let eol = dominant(&self.text);
        let Some(body) = self.overview() else {
            // What stood before the first section becomes the description below the line.
            let at = self.parts.preamble.start;
            let heading = format!("## {}{eol}{eol}Parent story: {words}{eol}", Section::Overview.title());
            return self.insert_block(at, &heading);
        };
        match outline::parent_line(&self.text, body.clone()) {
            Some(line) => {
                let space = if self.text[..line.value.start].ends_with([' ', '\t']) { "" } else { " " };
                self.with(line.value, &format!("{space}{words}"))
            }
            None => self.insert_block(body.start, &format!("Parent story: {words}{eol}")),
        }
    }

    /// Replaces the description. Without an overview and a text before the first section, an overview is added.
    pub fn set_description(&self, description: &str) -> String {
        let description = as_block(description);
        if description == as_block(self.description()) {
            return self.text.clone();
        }
        let has_place = self.overview().is_some() || !self.description().is_empty();
        if !has_place {
            return Self::parse(&self.with_section(Section::Overview)).set_description(&description);
        }
        // A description that begins like the line of the parent story would be taken for it: give that line its place first.
        if let Some(body) = self.overview()
            && outline::parent_line(&self.text, body.clone()).is_none()
            && outline::parent_line(&description, 0..description.len()).is_some()
        {
            let with_line = self.insert_block(body.start, &format!("Parent story: none{}", dominant(&self.text)));
            return Self::parse(&with_line).set_description(&description);
        }
        self.place(self.description_region(), &description)
    }

    /// Replaces what stands under a heading; adds the heading in its place when it is missing.
    pub fn set_section(&self, section: Section, body: &str) -> String {
        let new = as_block(body);
        match self.body(section) {
            Some(_) if as_block(self.section(section).unwrap_or_default()) == new => self.text.clone(),
            Some(region) => self.place(region, &new),
            None => Self::parse(&self.with_section(section)).set_section(section, body),
        }
    }

    /// Ticks an open criterion, opens a ticked one: exactly one byte changes. `None` when there is no criterion of that index.
    pub fn toggle_criterion(&self, index: usize) -> Option<String> {
        let found = self.parts.boxes.get(index)?;
        let mark = if self.is_ticked(found) { " " } else { "x" };
        Some(self.with(found.mark..found.mark + 1, mark))
    }

    /// Adds an open criterion behind the last one, in the way that one is written. Line breaks become spaces; an empty text adds
    /// nothing.
    pub fn add_criterion(&self, text: &str) -> String {
        let Some(words) = criterion_words(text) else { return self.text.clone() };
        let Some(region) = self.body(Section::AcceptanceCriteria) else {
            return Self::parse(&self.with_section(Section::AcceptanceCriteria)).add_criterion(text);
        };
        let eol = dominant(&self.text);
        let added = Criterion { text: words.clone(), ticked: false };
        let held = |candidate: &str| {
            let spec = Self::parse(candidate);
            let mut criteria = spec.criteria();
            let others = criteria.iter().rposition(|criterion| *criterion == added).map(|at| {
                criteria.remove(at);
                criteria
            });
            others.is_some_and(|others| others == self.criteria()) && self.keeps_sections(&region, &spec)
        };
        if let Some(sibling) = self.last_criterion() {
            let line_start = self.text[..sibling.mark].rfind(['\n', '\r']).map_or(0, |at| at + 1);
            let prefix = next_bullet(&self.text[line_start..sibling.mark - 1]);
            let end = outline::core(&self.text, sibling.item.clone()).end;
            let after_line = outline::line_content_end(&self.text, end);
            let candidate = self.with(after_line..after_line, &format!("{eol}{prefix}[ ] {words}{}", self.eol_at_end(after_line)));
            if held(&candidate) {
                return candidate;
            }
        }
        let core = outline::core(&self.text, region.clone());
        let line = format!("- [ ] {words}");
        // A comment ends a list that what follows, being indented, would else belong to.
        let apart = format!("{line}{eol}{eol}<!-- -->");
        if core.is_empty() {
            let alone = self.spread(region.clone(), &line);
            return if held(&alone) { alone } else { self.spread(region, &apart) };
        }
        // Behind the other words of the section, where a code block may have been left open, or an underlined heading follow at once.
        let end = core.end;
        let closings = closings(&self.text[core.clone()]).map(|closing| (format!("{eol}{closing}"), eol));
        let ways = [(String::new(), self.eol_at_end(end)), (String::new(), eol)].into_iter().chain(closings);
        let mut appended = ways.map(|(closing, gap)| self.with(end..end, &format!("{closing}{eol}{eol}{line}{gap}")));
        let at_the_head = || self.with(core.start..core.start, &format!("{apart}{eol}{eol}"));
        appended.find(|candidate| held(candidate)).unwrap_or_else(at_the_head)
    }

    /// The last criterion, or the one it is nested in.
    fn last_criterion(&self) -> Option<&outline::TaskBox> {
        let last = self.parts.boxes.last()?;
        self.parts.boxes.iter().find(|outer| outer.item.start <= last.item.start && last.item.end <= outer.item.end)
    }

    /// The text with an empty section in its place among the six.
    fn with_section(&self, section: Section) -> String {
        let eol = dominant(&self.text);
        let later = Section::ALL[section as usize + 1..].iter().filter_map(|s| self.body(*s)).map(|body| body.start).min();
        let before = later.and_then(|start| self.parts.headings.iter().find(|h| h.end == start)).map(|h| h.start);
        let heading = format!("## {}{eol}", section.title());
        match before {
            Some(at) => self.insert_block(at, &heading),
            // Behind everything, where a code block may have been left open.
            None => {
                let candidates = std::iter::once(self.text.clone()).chain(closings(&self.text).map(|closing| {
                    let gap = if self.text.ends_with('\n') { "" } else { eol };
                    format!("{}{gap}{closing}{eol}", self.text)
                }));
                let appended = candidates.map(|text| Self::parse(&text).insert_block(text.len(), &heading));
                let mut appended = appended.filter(|text| Self::parse(text).body(section).is_some_and(|body| body.is_empty()));
                appended.next().unwrap_or_else(|| self.insert_block(self.parts.preamble.start, &heading))
            }
        }
    }

    /// Inserts whole lines at the beginning of a line, with a blank line on either side.
    fn insert_block(&self, at: usize, block: &str) -> String {
        let eol = dominant(&self.text);
        let (before, after) = self.text.split_at(at);
        let bare = before.trim_start_matches('\u{feff}');
        let gap_before = if bare.is_empty() || ends_with_blank_line(bare) {
            String::new()
        } else if bare.ends_with(['\n', '\r']) {
            eol.to_owned()
        } else {
            eol.repeat(2)
        };
        let gap_after = if after.is_empty() || after.starts_with(['\n', '\r']) { "" } else { eol };
        format!("{before}{gap_before}{block}{gap_after}{after}")
    }

    /// Puts a text into a region so that no other section changes.
    fn place(&self, region: Range<usize>, new: &str) -> String {
        let mut last = String::new();
        for attempt in attempts(new) {
            last = self.spread(region.clone(), &attempt);
            if self.keeps_sections(&region, &Self::parse(&last)) {
                break;
            }
        }
        last
    }

    /// Puts a text into a region between blank lines. Only the text itself is replaced when there was one.
    fn spread(&self, region: Range<usize>, new: &str) -> String {
        let eol = dominant(&self.text);
        let new = if eol == "\n" { new.to_owned() } else { new.replace("\r\n", "\n").replace('\n', eol) };
        let core = outline::core(&self.text, region.clone());
        let is_last = region.end == self.text.len();
        if new.is_empty() {
            return self.with(region, if is_last { "" } else { eol });
        }
        if !core.is_empty() {
            return self.with(core, &new);
        }
        let before = self.text[..region.start].trim_start_matches('\u{feff}');
        let gap_before = match before {
            "" => "",
            _ if before.ends_with(['\n', '\r']) => eol,
            _ => &eol.repeat(2),
        };
        let gap_after = if is_last { eol } else { &eol.repeat(2) };
        self.with(region, &format!("{gap_before}{new}{gap_after}"))
    }

    /// Whether every section is where it was once something in `region` has changed: those before it at the same place, those behind
    /// it moved by as much as the text has grown.
    fn keeps_sections(&self, region: &Range<usize>, changed: &Self) -> bool {
        let starts = |spec: &Self| spec.parts.headings.iter().filter(|h| h.level <= 2).map(|h| h.start).collect::<Vec<_>>();
        let expected = starts(self).into_iter().map(|start| {
            let grown = if start < region.end { self.text.len() } else { changed.text.len() };
            (start + grown).checked_sub(self.text.len())
        });
        expected.eq(starts(changed).into_iter().map(Some))
    }

    fn with(&self, range: Range<usize>, new: &str) -> String {
        let mut text = String::with_capacity(self.text.len() + new.len());
        text.push_str(&self.text[..range.start]);
        text.push_str(new);
        text.push_str(&self.text[range.end..]);
        text
    }

    /// The line ending a line put in at `at` needs behind it: none, unless the text ends there without one.
    fn eol_at_end(&self, at: usize) -> &'static str {
        if at == self.text.len() { dominant(&self.text) } else { "" }
    }
}

/// `# KEY: Title`, without a line ending.
pub(super) fn title_line(key: Option<&TicketKey>, title: &str) -> String {
    let title = on_one_line(title);
    match key {
        Some(key) if title.is_empty() => format!("# {key}"),
        Some(key) => format!("# {key}: {title}"),
        None => format!("# {title}"),
    }
}

/// A text on one line, without blanks at its ends.
pub(super) fn on_one_line(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A line for a list of criteria; nothing for one without words.
pub(in crate::domain) fn criterion_line(criterion: &Criterion) -> Option<String> {
    let mark = if criterion.ticked { 'x' } else { ' ' };
    Some(format!("- [{mark}] {}\n", criterion_words(&criterion.text)?))
}

fn criterion_words(text: &str) -> Option<String> {
    let words = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    (!words.trim().is_empty()).then_some(words)
}

/// The beginning of the next item of a list: the same bullet, or the next number.
fn next_bullet(prefix: &str) -> String {
    let Some(from) = prefix.find(|c: char| c.is_ascii_digit()) else { return prefix.to_owned() };
    let digits = prefix[from..].bytes().take_while(u8::is_ascii_digit).count();
    match prefix[from..from + digits].parse::<u32>() {
        Ok(number) => format!("{}{}{}", &prefix[..from], number.saturating_add(1), &prefix[from + digits..]),
        Err(_) => prefix.to_owned(),
    }
}

fn ends_with_blank_line(text: &str) -> bool {
    let without_last = text.strip_suffix("\r\n").or_else(|| text.strip_suffix(['\n', '\r']));
    without_last.is_some_and(|rest| rest.is_empty() || rest.ends_with(['\n', '\r']))
}

/// A text as a block: lines ended by line feeds, no blank lines around it.
fn as_block(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text[outline::core(&text, 0..text.len())].to_owned()
}

/// Ways to write a block so that it ends where it ends, the most faithful first.
fn attempts(block: &str) -> impl Iterator<Item = String> + '_ {
    // A line feed more makes a blank line, which parts a paragraph from an underline behind it.
    let faithful = [block.to_owned(), format!("{block}\n")];
    let with_closing = std::iter::once_with(|| demoted(block)).flat_map(|demoted| {
        let closed: Vec<_> = closings(&demoted).map(|closing| format!("{demoted}\n{closing}\n")).collect();
        std::iter::once(demoted).chain(closed)
    });
    let quoted = std::iter::once_with(|| block.split('\n').map(|line| format!("> {line}\n")).collect());
    faithful.into_iter().chain(with_closing).chain(quoted)
}

/// Lines that end what a block may have left open: code, a comment, raw HTML.
fn closings(block: &str) -> impl Iterator<Item = String> + '_ {
    let fence = |mark: char| {
        let runs = block.lines().map(|line| line.trim_start_matches([' ', '\t', '\r']).chars().take_while(|c| *c == mark).count());
        mark.to_string().repeat(runs.max().unwrap_or_default().max(3))
    };
    let html = ["-->", "</script>", "</style>", "</pre>", "</textarea>", "?>", "]]>", ">"];
    ['`', '~'].into_iter().map(fence).chain(html.map(str::to_owned))
}

/// A block with its headings of level 1 and 2 made level 3.
fn demoted(block: &str) -> String {
    let mut out = String::with_capacity(block.len());
    let mut from = 0;
    for heading in outline::read(block).headings.iter().filter(|h| h.level <= 2) {
        out.push_str(&block[from..heading.start]);
        let words = on_one_line(&block[heading.content.clone()]);
        let written = &block[heading.start..heading.end];
        out.push_str(&format!("### {words}{}", &written[written.trim_end_matches('\n').len()..]));
        from = heading.end;
    }
    out.push_str(&block[from..]);
    out
}

/// A block of markdown that stands for itself: a heading of level 1 or 2, or a line, put behind it with a blank line between begins
/// anew. What it is written into need not be a spec.
pub(in crate::domain) fn closed_off(block: &str) -> String {
    const NEXT: &str = "## next";
    let block = as_block(block);
    let ends = |attempt: &String| {
        let text = format!("{attempt}\n\n{NEXT}\n");
        let headings = outline::read(&text).headings;
        let mut sections = headings.iter().filter(|h| h.level <= 2);
        sections.next().is_some_and(|h| h.start == attempt.len() + 2)
    };
    let mut last = String::new();
    for attempt in attempts(&block) {
        let is_closed = ends(&attempt);
        last = attempt;
        if is_closed {
            break;
        }
    }
    last
}
