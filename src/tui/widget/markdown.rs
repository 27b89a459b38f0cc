//! Markdown as lines of styled words, wrapped to a width. Links and images show their words, HTML shows as it is written.
//!
//! Each line knows the byte of the source it came from, so that a preview can follow a cursor.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::text::{clean, width};
use crate::tui::theme::Theme;
use unicode_segmentation::UnicodeSegmentation;

/// Rendered lines, and for each the byte offset of the block it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rendered {
    pub lines: Vec<Line<'static>>,
    pub sources: Vec<usize>,
}

impl Rendered {
    /// The line that shows what is written at a byte of the source.
    pub fn line_of(&self, source: usize) -> usize {
        self.sources.partition_point(|at| *at <= source).saturating_sub(1)
    }
}

/// Renders a text.
pub fn render(source: &str, width: u16, theme: &Theme) -> Rendered {
    let mut painter = Painter::new(width.max(8), theme);
    let options = Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(source, options).into_offset_iter() {
        painter.event(event, range.start);
    }
    painter.end_block();
    while painter.out.lines.last().is_some_and(|line| line.spans.is_empty()) {
        painter.out.lines.pop();
        painter.out.sources.pop();
    }
    painter.out
}

/// A list that is open: its next number, or none for bullets.
struct List {
    next: Option<u64>,
}

struct Table {
    rows: Vec<Vec<Vec<(String, Style)>>>,
    head: usize,
}

struct Painter<'t> {
    theme: &'t Theme,
    width: u16,
    out: Rendered,
    /// Words of the block being read; a word is never broken unless it is wider than the line.
    words: Vec<(String, Style)>,
    styles: Vec<Style>,
    lists: Vec<List>,
    /// Cells that continuation lines are indented by, one entry an open item.
    indents: Vec<u16>,
    quotes: u16,
    /// What stands before the first line of the block: a bullet.
    lead: Option<(String, Style)>,
    code: bool,
    source: usize,
    table: Option<Table>,
    /// Whether a blank line belongs before the next block.
    gap: bool,
}

impl<'t> Painter<'t> {
    fn new(width: u16, theme: &'t Theme) -> Self {
        Self {
            theme,
            width,
            out: Rendered::default(),
            words: Vec::new(),
            styles: vec![theme.text],
            lists: Vec::new(),
            indents: Vec::new(),
            quotes: 0,
            lead: None,
            code: false,
            source: 0,
            table: None,
            gap: false,
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn push_style(&mut self, style: Style) {
        let style = self.style().patch(style);
        self.styles.push(style);
    }

    fn event(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => {
                self.source = if self.words.is_empty() { at } else { self.source };
                self.start(tag);
            }
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => self.code_lines(&text, at),
            Event::Text(text) => self.text(&text, self.style()),
            Event::Code(text) => self.text(&text, self.style().patch(self.theme.code)),
            Event::Html(text) | Event::InlineHtml(text) => self.text(text.trim_end(), self.theme.dim),
            Event::SoftBreak => self.space(),
            Event::HardBreak => self.words.push(("\n".into(), Style::default())),
            Event::Rule => {
                self.source = at;
                self.begin_block();
                let line = self.theme.marks.rule.repeat(usize::from(self.width.saturating_sub(self.indent())));
                self.push_line(vec![Span::styled(line, self.theme.faint)]);
                self.gap = true;
            }
            Event::TaskListMarker(ticked) => {
                let marks = &self.theme.marks;
                let (mark, style) = if ticked { (marks.boxed_tick, self.theme.good) } else { (marks.boxed, self.theme.dim) };
                self.lead = Some((format!("{mark} "), style));
            }
            Event::FootnoteReference(text) => self.text(&text, self.theme.dim),
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text, self.theme.code),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.begin_block(),
            Tag::Heading { level, .. } => {
                self.begin_block();
                let style = if level == HeadingLevel::H1 { self.theme.strong.patch(self.theme.heading) } else { self.theme.heading };
                self.push_style(style);
            }
            Tag::BlockQuote(_) => {
                self.begin_block();
                self.quotes += 1;
                self.push_style(self.theme.quote);
                self.gap = false;
            }
            Tag::CodeBlock(kind) => {
                self.begin_block();
                if let CodeBlockKind::Fenced(language) = &kind
                    && !language.is_empty()
                {
                    let language = clean(language).into_owned();
                    self.push_line(vec![Span::styled(format!("  {language}"), self.theme.faint)]);
                }
                self.code = true;
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.begin_block();
                } else {
                    self.end_block();
                }
                self.lists.push(List { next: first });
                self.gap = false;
            }
            Tag::Item => {
                self.end_block();
                let mark = match self.lists.last_mut() {
                    Some(List { next: Some(number) }) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => format!("{} ", self.theme.marks.bullet),
                };
                self.indents.push(width(&mark));
                self.lead = Some((mark, self.theme.dim));
                self.gap = false;
            }
            Tag::Emphasis => self.push_style(Style::default().add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.push_style(Style::default().add_modifier(Modifier::BOLD)),
            Tag::Strikethrough => self.push_style(Style::default().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { .. } | Tag::Image { .. } => self.push_style(self.theme.link),
            Tag::Table(_) => {
                self.begin_block();
                self.table = Some(Table { rows: Vec::new(), head: 0 });
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.end_block();
                self.gap = true;
            }
            TagEnd::Heading(_) => {
                self.end_block();
                self.styles.pop();
                self.gap = false;
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
                self.styles.pop();
                self.gap = true;
            }
            TagEnd::CodeBlock => {
                self.code = false;
                self.gap = true;
            }
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
                self.gap = self.lists.is_empty();
            }
            TagEnd::Item => {
                self.end_block();
                self.indents.pop();
                self.lead = None;
                self.gap = false;
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
            }
            TagEnd::TableCell => {
                let words = std::mem::take(&mut self.words);
                if let Some(row) = self.table.as_mut().and_then(|table| table.rows.last_mut()) {
                    row.push(words);
                }
            }
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = table.rows.len();
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.paint_table(&table);
                }
                self.gap = true;
            }
            TagEnd::HtmlBlock => {
                self.end_block();
                self.gap = true;
            }
            _ => {}
        }
    }

    /// Text is kept as words and spaces, so that a word made of several styles stays whole.
    fn text(&mut self, text: &str, style: Style) {
        let text = clean(text);
        let mut rest: &str = &text;
        while !rest.is_empty() {
            let end = rest.find(' ').unwrap_or(rest.len());
            if end > 0 {
                self.words.push((rest[..end].to_owned(), style));
                rest = &rest[end..];
            } else {
                self.words.push((" ".into(), style));
                rest = rest.trim_start_matches(' ');
            }
        }
    }

    fn space(&mut self) {
        self.words.push((" ".into(), self.style()));
    }

    fn indent(&self) -> u16 {
        self.quote_indent() + self.item_indent()
    }

    fn quote_indent(&self) -> u16 {
        (self.quotes * 2).min(self.width.saturating_sub(4) / 2 * 2)
    }

    /// Deep lists in a narrow place stop moving to the right: four cells are left for words.
    fn item_indent(&self) -> u16 {
        self.indents.iter().sum::<u16>().min(self.width.saturating_sub(4 + self.quote_indent()))
    }

    fn begin_block(&mut self) {
        self.end_block();
        // A paragraph right behind a bullet stands on the bullet's line.
        if self.gap && self.lead.is_none() {
            self.out.lines.push(Line::default());
            self.out.sources.push(self.source);
        }
        self.gap = false;
    }

    /// Adds the indent, the marks of quotes and a waiting bullet, and writes the line.
    fn push_line(&mut self, spans: Vec<Span<'static>>) {
        let mut line = Vec::with_capacity(spans.len() + 2);
        for _ in 0..self.quote_indent() / 2 {
            line.push(Span::styled(format!("{} ", self.theme.marks.upright), self.theme.faint));
        }
        let own = self.item_indent();
        match self.lead.take() {
            Some((mark, style)) if width(&mark) <= own => {
                let before = own.saturating_sub(width(&mark));
                line.push(Span::raw(" ".repeat(usize::from(before))));
                line.push(Span::styled(mark, style));
            }
            _ if own > 0 => line.push(Span::raw(" ".repeat(usize::from(own)))),
            _ => {}
        }
        line.extend(spans);
        self.out.lines.push(Line::from(line));
        self.out.sources.push(self.source);
    }

    /// Wraps the words read so far into lines.
    fn end_block(&mut self) {
        let words = std::mem::take(&mut self.words);
        if words.is_empty() && self.lead.is_none() {
            return;
        }
        if words.is_empty() {
            // An item without text still shows its bullet, unless a block follows in it.
            return;
        }
        let max = self.width.saturating_sub(self.indent()).max(4);
        let mut line: Vec<Span<'static>> = Vec::new();
        let mut used = 0;
        let mut waiting_space: Option<Style> = None;
        let mut at = 0;
        while at < words.len() {
            let (word, style) = &words[at];
            if word == "\n" {
                self.push_line(std::mem::take(&mut line));
                (used, waiting_space) = (0, None);
                at += 1;
                continue;
            }
            if word == " " {
                waiting_space = (used > 0).then_some(*style);
                at += 1;
                continue;
            }
            // What follows without a space belongs to the same word.
            let end = (at..words.len()).find(|i| matches!(words[*i].0.as_str(), " " | "\n")).unwrap_or(words.len());
            let cells: u16 = words[at..end].iter().map(|(word, _)| width(word)).sum();
            let space = u16::from(waiting_space.is_some());
            if used > 0 && used + space + cells > max {
                self.push_line(std::mem::take(&mut line));
                used = 0;
                waiting_space = None;
            }
            if let Some(style) = waiting_space.take() {
                push_span(&mut line, " ", style);
                used += 1;
            }
            for (word, style) in &words[at..end] {
                for grapheme in word.graphemes(true) {
                    let cells = width(grapheme);
                    if used + cells > max {
                        self.push_line(std::mem::take(&mut line));
                        used = 0;
                    }
                    push_span(&mut line, grapheme, *style);
                    used += cells;
                }
            }
            at = end;
        }
        if !line.is_empty() {
            self.push_line(line);
        }
    }

    /// Code is not wrapped at words: what is too wide is cut and goes on below.
    fn code_lines(&mut self, text: &str, at: usize) {
        let max = self.width.saturating_sub(self.indent() + 2).max(2);
        let mut offset = at;
        for source_line in text.split_inclusive('\n') {
            self.source = offset;
            offset += source_line.len();
            let mut line = crate::notice::inert_lines(source_line.trim_end_matches(['\n', '\r']));
            line.retain(|c| c != '\u{fe0f}');
            let mut part = String::new();
            let mut used = 0;
            let bar = format!("{} ", self.theme.marks.upright);
            for grapheme in line.graphemes(true) {
                let cells = width(grapheme);
                if used + cells > max {
                    let full = std::mem::take(&mut part);
                    self.push_line(vec![Span::styled(bar.clone(), self.theme.faint), Span::styled(full, self.theme.code)]);
                    used = 0;
                }
                part.push_str(grapheme);
                used += cells;
            }
            self.push_line(vec![Span::styled(bar, self.theme.faint), Span::styled(part, self.theme.code)]);
        }
    }

    fn paint_table(&mut self, table: &Table) {
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return;
        }
        let cell_width = |cell: &Vec<(String, Style)>| cell.iter().map(|(word, _)| width(word)).sum::<u16>();
        let mut widths: Vec<u16> =
            (0..columns).map(|at| table.rows.iter().filter_map(|row| row.get(at)).map(cell_width).max().unwrap_or(0)).collect();
        let gaps = u16::try_from(columns.saturating_sub(1) * 2).unwrap_or(u16::MAX);
        let room = self.width.saturating_sub(self.indent() + gaps).max(u16::try_from(columns).unwrap_or(u16::MAX) * 3);
        while widths.iter().sum::<u16>() > room {
            let Some(widest) = (0..columns).max_by_key(|at| widths[*at]) else { break };
            widths[widest] -= 1;
        }
        for (at, row) in table.rows.iter().enumerate() {
            let mut spans = Vec::new();
            for (column, room) in widths.iter().enumerate() {
                let mut used = 0;
                for (word, style) in row.get(column).into_iter().flatten() {
                    for grapheme in word.graphemes(true) {
                        let cells = width(grapheme);
                        if used + cells <= *room {
                            let style = if at < table.head { style.patch(self.theme.strong) } else { *style };
                            push_span(&mut spans, grapheme, style);
                            used += cells;
                        }
                    }
                }
                let gap = if column + 1 < columns { 2 } else { 0 };
                spans.push(Span::raw(" ".repeat(usize::from(room - used + gap))));
            }
            self.push_line(spans);
            if at + 1 == table.head {
                let all = widths.iter().sum::<u16>() + gaps;
                self.push_line(vec![Span::styled(self.theme.marks.rule.repeat(usize::from(all)), self.theme.faint)]);
            }
        }
    }
}

/// Appends to the last span when the style is the same.
fn push_span(line: &mut Vec<Span<'static>>, text: &str, style: Style) {
    match line.last_mut() {
        Some(last) if last.style == style => last.content.to_mut().push_str(text),
        _ => line.push(Span::styled(text.to_owned(), style)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    fn plain(source: &str, width: u16) -> Vec<String> {
        render(source, width, &fixture::theme()).lines.iter().map(|line| line.spans.iter().map(|span| &*span.content).collect()).collect()
    }

    #[test]
    fn blocks_are_apart_and_words_are_wrapped() {
        let text = "# Title\n\nSome **bold** words that go on.\n\n## Next\n\n- one\n- two that is long\n  1. deep\n\nend";
        assert_eq!(
            plain(text, 16),
            ["Title", "Some bold words", "that go on.", "", "Next", "• one", "• two that is", "  long", "  1. deep", "", "end"]
        );
    }

    #[test]
    fn boxes_code_quotes_and_tables_are_drawn() {
        let text = "- [ ] open\n- [x] done\n\n```rust\nfn a() {}\n```\n\n> said\n\n| a | bb |\n|---|---|\n| 1 | 2 |\n";
        assert_eq!(plain(text, 20), ["☐ open", "☑ done", "", "  rust", "│ fn a() {}", "", "│ said", "", "a  bb", "─────", "1  2 "]);
    }

    #[test]
    fn a_line_knows_where_it_came_from() {
        let text = "# One\n\npara\n\n# Two\n";
        let rendered = render(text, 20, &fixture::theme());
        assert_eq!(rendered.line_of(text.find("para").unwrap_or(0)), 1);
        assert_eq!(rendered.line_of(text.find("# Two").unwrap_or(0)), 3);
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        let text = "日本語日本語日本語 averyveryverylongwordthatdoesnotfit\n\n- - - nested `code span here` x\n\n    code code code code code code\n";
        for max in 8..40 {
            for line in render(text, max, &fixture::theme()).lines {
                let cells: u16 = line.spans.iter().map(|span| width(&span.content)).sum();
                assert!(cells <= max, "{max}: {line:?}");
            }
        }
    }
}
