//! A delivery's body for reading: its JSON laid out in lines, everything else line by line, nothing of it active.
//!
//! Laid out by its letters and not parsed: what is written twice, cut off or no JSON at all is shown as it came. A line is broken after
//! [`WIDTH`] characters and a body after [`BYTES`] bytes.

use crate::notice::inert;

/// Characters to a line.
const WIDTH: usize = 160;
/// Bytes of a body that are shown.
const BYTES: usize = 256 * 1024;
/// Deeper levels are not moved further to the right.
const DEPTH: usize = 20;

/// The lines of a body.
pub fn lines(body: &[u8]) -> Vec<String> {
    if body.is_empty() {
        return vec!["(empty)".to_owned()];
    }
    let shown = &body[..body.len().min(BYTES)];
    let text = String::from_utf8_lossy(shown);
    let text = text.trim_start_matches('\u{feff}');
    let mut page = Page::default();
    if text.trim_start().starts_with(['{', '[', '}', ']']) {
        page.json(text)
    } else {
        text.lines().for_each(|line| page.line(line))
    }
    page.end();
    if body.len() > BYTES {
        page.lines.push(format!("... and {} bytes more that are not shown", body.len() - BYTES));
    }
    page.lines
}

#[derive(Default)]
struct Page {
    lines: Vec<String>,
    line: String,
    used: usize,
    depth: usize,
}

impl Page {
    fn json(&mut self, text: &str) {
        let mut letters = text.chars().peekable();
        while let Some(c) = letters.next() {
            match c {
                '"' => {
                    self.put(c);
                    let mut escaped = false;
                    for c in letters.by_ref() {
                        self.put(c);
                        if c == '"' && !escaped {
                            break;
                        }
                        escaped = c == '\\' && !escaped;
                    }
                }
                '{' | '[' => {
                    self.put(c);
                    while letters.next_if(|c| c.is_whitespace()).is_some() {}
                    if let Some(end) = letters.next_if(|c| matches!(c, '}' | ']')) {
                        self.put(end);
                    } else {
                        self.depth += 1;
                        self.end();
                    }
                }
                '}' | ']' => {
                    self.end();
                    self.depth = self.depth.saturating_sub(1);
                    self.put(c);
                }
                ',' => {
                    self.put(c);
                    self.end();
                }
                ':' => {
                    self.put(c);
                    self.put(' ');
                }
                c if c.is_whitespace() => {}
                c => self.put(c),
            }
        }
    }

    fn line(&mut self, line: &str) {
        line.chars().for_each(|c| self.put(c));
        self.end();
    }

    fn put(&mut self, c: char) {
        if self.used == WIDTH {
            self.end();
        }
        if self.used == 0 {
            self.line.extend(std::iter::repeat_n(' ', self.depth.min(DEPTH) * 2));
        }
        self.line.push(c);
        self.used += 1;
    }

    fn end(&mut self) {
        if self.used > 0 {
            self.lines.push(inert(&self.line));
        }
        self.line.clear();
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_laid_out_without_being_believed() {
        let body = br#"{"id":"a,b","n":1e400,"n":[ ],"list":[1,{"deep":"x\"}"}],"e":{}}"#;
        let expected = "{\n  \"id\": \"a,b\",\n  \"n\": 1e400,\n  \"n\": [],\n  \"list\": [\n    1,\n    {\n      \"deep\": \"x\\\"}\"\n    }\n  ],\n  \"e\": {}\n}";
        assert_eq!(lines(body).join("\n"), expected);
    }

    #[test]
    fn any_body_is_shown_as_far_as_it_goes() {
        assert_eq!(lines(b""), ["(empty)"]);
        assert_eq!(lines(b"\xef\xbb\xbfnull"), ["null"]);
        assert_eq!(lines(b"two\nlines"), ["two", "lines"]);
        assert_eq!(lines(b"{\"cut"), ["{", "  \"cut"]);
        assert_eq!(lines(b"]]]}"), ["]", "]", "]", "}"]);
        assert_eq!(lines(b"[\xff\xfe]"), ["[", "  \u{fffd}\u{fffd}", "]"]);
    }

    #[test]
    fn nothing_in_a_body_is_active_and_no_line_is_endless() {
        let body = format!("{{\"title\":\"\u{1b}]52;c;aGk=\u{7}\u{202e}{}\"}}", "x".repeat(1_000_000));
        let lines = lines(body.as_bytes());
        assert!(lines.iter().all(|line| inert(line) == *line && line.chars().count() <= WIDTH + 2 * DEPTH));
        assert!(lines.last().is_some_and(|line| line.contains("bytes more")), "{:?}", lines.last());
        let deep = "[".repeat(100_000);
        assert!(super::lines(deep.as_bytes()).iter().all(|line| line.len() <= WIDTH + 2 * DEPTH));
    }
}
