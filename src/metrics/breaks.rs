//! Where a line of words may break: never between a number and its unit, `n` and its count, or the two halves of a duration.
//!
//! Limits: what stands together has one space between its parts; more than one breaks as usual.

use std::borrow::Cow;

/// The words of a text, those that stand together as one.
pub fn pieces(text: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = Vec::new();
    let (mut begin, mut end, mut last) = (0, 0, "");
    for word in text.split_whitespace() {
        // Words are slices of the text: where one begins is where it points to.
        let from = word.as_ptr() as usize - text.as_ptr() as usize;
        match pieces.last_mut() {
            Some(piece) if from == end + 1 && text.as_bytes()[end] == b' ' && stand_together(piece, last, word) => {
                *piece = &text[begin..from + word.len()];
            }
            _ => {
                begin = from;
                pieces.push(word);
            }
        }
        (end, last) = (from + word.len(), word);
    }
    pieces
}

/// The text with spaces that do not break where it may not.
pub fn unbroken(text: &str) -> Cow<'_, str> {
    let mut out = Cow::Borrowed(text);
    for piece in pieces(text).into_iter().filter(|piece| piece.contains(' ')) {
        let from = piece.as_ptr() as usize - text.as_ptr() as usize;
        // A space that does not break takes two bytes: what was put in before moved the rest.
        let moved = out.len() - text.len();
        out.to_mut().replace_range(from + moved..from + moved + piece.len(), &piece.replace(' ', "\u{a0}"));
    }
    out
}

fn stand_together(piece: &str, last: &str, word: &str) -> bool {
    let is_number = |word: &str| word.ends_with(|c: char| c.is_ascii_digit()) && word.starts_with(|c: char| !c.is_alphabetic());
    let begins_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
    if word.starts_with('%') {
        is_number(last)
    } else if matches!(last, "n" | "(n" | "p75" | "p85" | "p95") {
        word == "=" || begins_with_digit
    } else if last == "=" {
        begins_with_digit && piece.ends_with("n =")
    } else if let Some(unit_of_word) = unit(bare) {
        unit(last) > Some(unit_of_word)
    } else {
        is_number(last) && matches!(bare, "days" | "day" | "hours" | "hour" | "weeks" | "week" | "minutes")
    }
}

/// The unit of a part of a duration, `4h`, as a number that is greater the longer it is.
fn unit(word: &str) -> Option<u8> {
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let is_part = !number.is_empty() && number.trim_start_matches('(').bytes().all(|b| b.is_ascii_digit() || b == b',');
    match unit {
        "d" if is_part => Some(4),
        "h" if is_part => Some(3),
        "m" if is_part => Some(2),
        "s" if is_part => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit_and_a_duration_whole() {
        for (text, expected) in [
            ("2.7 to 20 % of them", &["2.7", "to", "20 %", "of", "them"][..]),
            ("4 of 46 (8.7 %), that is", &["4", "of", "46", "(8.7 %),", "that", "is"]),
            ("of bots: 1d 4h (n = 12)", &["of", "bots:", "1d 4h", "(n = 12)"]),
            ("n 12, p85 3h 20m.", &["n 12,", "p85 3h 20m."]),
            ("43 in 30 days, 4 deploy days", &["43", "in", "30 days,", "4", "deploy", "days"]),
            ("4h 1d", &["4h", "1d"]),
            ("n  12 and 20  %", &["n", "12", "and", "20", "%"]),
            ("an = sign, % alone, run 4 d", &["an", "=", "sign,", "%", "alone,", "run", "4", "d"]),
            ("größer als 20 %", &["größer", "als", "20 %"]),
            ("", &[]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
        }
    }

    #[test]
    fn a_space_that_may_not_break_is_one_that_does_not() {
        assert_eq!(unbroken("über 20 % in 1d 4h, n = 3"), "über 20\u{a0}% in 1d\u{a0}4h, n\u{a0}=\u{a0}3");
        assert!(matches!(unbroken("nothing to join"), Cow::Borrowed(_)));
    }
}
