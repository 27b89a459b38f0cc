//! Line endings that survive an editor which knows only line feeds.
//!
//! A line ends at a line feed; a carriage return before it belongs to the ending, any other is a character of the line.

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// What most lines of a text end with; a line feed when none has an ending.
pub(super) fn dominant(text: &str) -> &'static str {
    let all = text.bytes().filter(|b| *b == b'\n').count();
    let crlf = text.matches("\r\n").count();
    if crlf * 2 > all { "\r\n" } else { "\n" }
}

/// The text with every `\r\n` made a `\n`: what to hand to an editor.
pub fn to_lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// The edited text (its lines ended by `\n`) with the line endings of the original: unchanged lines keep their own, others take the
/// one most lines have. `with_line_endings(text, &to_lf(text)) == text` for any text.
pub fn with_line_endings(original: &str, edited: &str) -> String {
    let common = dominant(original);
    let all = original.bytes().filter(|b| *b == b'\n').count();
    let crlf = original.matches("\r\n").count();
    if crlf == 0 {
        return edited.to_owned();
    }
    if crlf == all {
        return edited.replace('\n', "\r\n");
    }

    let mut old_lines: Vec<&str> = original.split('\n').collect();
    // The piece behind the last line feed has no ending; a carriage return there is a character.
    let last_old = old_lines.len() - 1;
    let old_endings: Vec<&str> = old_lines.iter().map(|line| if line.ends_with('\r') { "\r\n" } else { "\n" }).collect();
    for line in &mut old_lines[..last_old] {
        *line = line.strip_suffix('\r').unwrap_or(line);
    }
    let new_lines: Vec<&str> = edited.split('\n').collect();
    let last_new = new_lines.len() - 1;

    let mut endings = vec![common; new_lines.len()];
    for op in capture_diff_slices(Algorithm::Myers, &old_lines, &new_lines) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for i in (0..len).filter(|i| old_index + i < last_old) {
                endings[new_index + i] = old_endings[old_index + i];
            }
        }
    }
    let mut out = String::with_capacity(edited.len() + new_lines.len());
    for (i, line) in new_lines.iter().enumerate() {
        out.push_str(line);
        if i < last_new {
            out.push_str(endings[i]);
        }
    }
    out
}
