//! What a ticket's pull request says: its title, and a body of description, acceptance criteria and where the spec is.
//!
//! Azure DevOps counts a body in UTF-16 units and takes 4,000. What does not fit is left out in this order: the end of the description,
//! the repository's template, the rest of the description, and only then whole criteria, with their number said.

use unicode_segmentation::UnicodeSegmentation;

use super::id::TicketKey;
use super::spec;
use super::ticket::Criterion;

/// The longest title of a pull request, in UTF-16 units.
pub const TITLE_LIMIT: usize = 400;

/// The longest body of a pull request, in UTF-16 units.
pub const BODY_LIMIT: usize = 4_000;

/// Less of a description than this is not worth the place of a template.
const WORTHWHILE: usize = 240;

const SHORTENED: &str = "_The description goes on in the spec._";

/// What a body is made from.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Markdown, from the overview.
    pub description: &'a str,
    pub criteria: &'a [Criterion],
    /// `.tickets/KEY.md`.
    pub spec_path: &'a str,
    /// The repository's own template, which people fill in behind the rest.
    pub template: Option<&'a str>,
}

/// A body that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    pub text: String,
    /// Whether the description is not there in full.
    pub dropped_description: bool,
    /// Whether the repository's template is not there.
    pub dropped_template: bool,
    /// How many criteria found no place; the text says so too.
    pub criteria_left_out: usize,
}

/// Makes the body, at most `limit_utf16` units long.
pub fn compose(parts: &Parts<'_>, limit_utf16: usize) -> Body {
    let description = spec::closed_off(parts.description);
    let template = parts.template.map(str::trim).filter(|t| !t.is_empty()).unwrap_or_default();
    let lines: Vec<String> = parts.criteria.iter().filter_map(spec::criterion_line).collect();
    let criteria = if lines.is_empty() { String::new() } else { format!("{}{}", heading(), lines.concat().trim_end()) };
    let path = format!("Spec: `{}`", parts.spec_path);
    let whole = Body { text: String::new(), dropped_description: false, dropped_template: false, criteria_left_out: 0 };
    let fits = |text: &str| utf16_len(text) <= limit_utf16;

    let text = join(&[&description, &criteria, &path, template]);
    if fits(&text) {
        return Body { text, ..whole };
    }
    let dropped_template = !template.is_empty();
    let attempts: &[(&str, usize, bool)] =
        if dropped_template { &[(template, WORTHWHILE.min(utf16_len(&description)), false), ("", 0, true)] } else { &[("", 0, false)] };
    for (template, least, dropped_template) in attempts {
        let dropped_template = *dropped_template;
        let text = join(&[&description, &criteria, &path, template]);
        if fits(&text) {
            return Body { text, dropped_template, ..whole };
        }
        let rest = utf16_len(&join(&["x", &criteria, &path, template])) - 1;
        let room = limit_utf16.saturating_sub(rest);
        if let Some(shortened) = shorten(&description, room).filter(|s| utf16_len(s) >= *least) {
            let text = join(&[&shortened, &criteria, &path, template]);
            return Body { text, dropped_description: true, dropped_template, ..whole };
        }
    }
    let dropped = Body { dropped_description: !description.is_empty(), dropped_template, ..whole };
    let text = join(&[&criteria, &path]);
    if fits(&text) {
        return Body { text, ..dropped };
    }
    let (text, criteria_left_out) = some_criteria(&lines, &path, limit_utf16);
    Body { text, criteria_left_out, ..dropped }
}

fn heading() -> String {
    format!("## {}\n\n", spec::Section::AcceptanceCriteria.title())
}

fn join(blocks: &[&str]) -> String {
    blocks.iter().filter(|block| !block.is_empty()).copied().collect::<Vec<_>>().join("\n\n")
}

/// As many whole criteria as fit, in their order, and how many are left out.
fn some_criteria(lines: &[String], path: &str, limit: usize) -> (String, usize) {
    let said = |left_out: usize| match left_out {
        1 => "_1 more criterion is in the spec._".to_owned(),
        _ => format!("_{left_out} more criteria are in the spec._"),
    };
    let frame = utf16_len(&join(&[&heading(), &said(lines.len()), path]));
    let mut room = limit.saturating_sub(frame);
    let mut kept = String::new();
    let mut left_out = 0;
    for line in lines {
        match room.checked_sub(utf16_len(line)) {
            Some(rest) => {
                room = rest;
                kept.push_str(line);
            }
            None => left_out += 1,
        }
    }
    let list = if kept.is_empty() { String::new() } else { format!("{}{}", heading(), kept.trim_end()) };
    // A limit too small for the frame itself gets what of it fits.
    let texts = [join(&[&list, &said(left_out), path]), path.to_owned(), String::new()];
    let text = texts.into_iter().find(|text| utf16_len(text) <= limit).unwrap_or_default();
    let left_out = if text.contains(&heading()) { left_out } else { lines.len() };
    (text, left_out)
}

/// The beginning of a description with a note behind it, at most `room` units together; nothing when hardly any of it fits.
fn shorten(description: &str, room: usize) -> Option<String> {
    let mut budget = room.checked_sub(utf16_len(SHORTENED) + 2)?;
    // A code block that was cut needs a line more to be closed; each attempt gives up what the last was too long by.
    for _ in 0..8 {
        let cut = cut_at_a_pause(description, budget);
        if cut.is_empty() {
            return None;
        }
        let text = join(&[&spec::closed_off(cut), SHORTENED]);
        let over = utf16_len(&text).saturating_sub(room);
        if over == 0 {
            return Some(text);
        }
        budget = budget.checked_sub(over)?;
    }
    None
}

/// The longest beginning of at most `budget` units that ends between paragraphs, else lines, else words, else characters.
fn cut_at_a_pause(text: &str, budget: usize) -> &str {
    let mut units = 0;
    let mut end = 0;
    for (at, cluster) in text.grapheme_indices(true) {
        units += utf16_len(cluster);
        if units > budget {
            break;
        }
        end = at + cluster.len();
    }
    let whole = &text[..end];
    let pause = |mark: &str| whole.rfind(mark).filter(|at| *at >= end / 2);
    let end = if end == text.len() { Some(end) } else { ["\n\n", "\n", " "].into_iter().find_map(pause) };
    whole[..end.unwrap_or(whole.len())].trim_end()
}

/// The title of a ticket's pull request: `KEY: Title`, cut between characters at [`TITLE_LIMIT`].
pub fn title_for(key: &TicketKey, title: &str) -> String {
    let title = format!("{key}: {}", title.split_whitespace().collect::<Vec<_>>().join(" "));
    if utf16_len(&title) <= TITLE_LIMIT {
        return title;
    }
    let mut out = String::new();
    let mut units = 1;
    for cluster in title.graphemes(true) {
        units += utf16_len(cluster);
        if units > TITLE_LIMIT {
            break;
        }
        out.push_str(cluster);
    }
    format!("{}…", out.trim_end())
}

/// The length Azure DevOps counts.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::spec::Spec;
    use super::*;

    const PATH: &str = ".tickets/KAN-4.md";

    fn criteria(words: &[&str]) -> Vec<Criterion> {
        words.iter().enumerate().map(|(n, text)| Criterion { text: (*text).to_owned(), ticked: n % 2 == 1 }).collect()
    }

    #[test]
    fn a_body_has_description_criteria_spec_and_template() {
        let criteria = criteria(&["one", "two"]);
        let parts =
            Parts { description: "Words.\n", criteria: &criteria, spec_path: PATH, template: Some("\n## Checklist\n\n- [ ] tested\n") };
        let expected =
            "Words.\n\n## Acceptance criteria\n\n- [ ] one\n- [x] two\n\nSpec: `.tickets/KAN-4.md`\n\n## Checklist\n\n- [ ] tested";
        let body = compose(&parts, BODY_LIMIT);
        assert_eq!(body, Body { text: expected.into(), dropped_description: false, dropped_template: false, criteria_left_out: 0 });
        assert_eq!(
            compose(&Parts { description: "", criteria: &[], spec_path: PATH, template: None }, BODY_LIMIT).text,
            "Spec: `.tickets/KAN-4.md`"
        );
    }

    #[test]
    fn a_long_description_is_cut_before_any_criterion() {
        let description = "A paragraph of some words.\n\n".repeat(300);
        let criteria = criteria(&["one"; 50]);
        let body = compose(&Parts { description: &description, criteria: &criteria, spec_path: PATH, template: None }, BODY_LIMIT);
        assert!(utf16_len(&body.text) <= BODY_LIMIT && utf16_len(&body.text) > BODY_LIMIT - 200);
        assert!(
            body.dropped_description && body.text.contains("words.\n\n_The description goes on in the spec._\n\n## Acceptance"),
            "{}",
            body.text
        );
        assert_eq!(Spec::parse(&body.text).criteria(), criteria);
    }

    #[test]
    fn a_template_goes_before_the_whole_description_does() {
        let description = "word ".repeat(400);
        let template = "t".repeat(3_800);
        let parts = Parts { description: &description, criteria: &criteria(&["one"]), spec_path: PATH, template: Some(&template) };
        let body = compose(&parts, BODY_LIMIT);
        assert_eq!((body.dropped_description, body.dropped_template), (false, true));
        let short = "t".repeat(2_500);
        let body = compose(&Parts { template: Some(&short), ..parts }, BODY_LIMIT);
        assert_eq!((body.dropped_description, body.dropped_template), (true, false));
    }

    #[test]
    fn criteria_beyond_the_limit_are_left_out_whole_and_counted() {
        let long = "é".repeat(1_500);
        let criteria = criteria(&[&long, "two", &long, &long, "five"]);
        let body = compose(&Parts { description: "Words.", criteria: &criteria, spec_path: PATH, template: None }, BODY_LIMIT);
        assert_eq!(body.criteria_left_out, 1);
        assert!(body.text.contains("_1 more criterion is in the spec._\n\nSpec: `") && body.text.contains("- [ ] five"), "{}", body.text);
        assert_eq!(Spec::parse(&body.text).criteria().len(), 4);
    }

    #[test]
    fn a_code_block_that_is_cut_is_closed_before_the_criteria() {
        let description = format!("Words.\n\n```\n{}```\n", "code\n".repeat(2_000));
        let criteria = criteria(&["one"]);
        let body = compose(&Parts { description: &description, criteria: &criteria, spec_path: PATH, template: None }, BODY_LIMIT);
        assert_eq!(Spec::parse(&body.text).criteria(), criteria);
        assert!(utf16_len(&body.text) <= BODY_LIMIT && body.dropped_description);
    }

    #[test]
    fn titles_are_cut_between_characters() {
        let key = TicketKey::new("KAN", 4).unwrap();
        assert_eq!(title_for(&key, " A\n title "), "KAN-4: A title");
        let cut = title_for(&key, &"👩\u{200d}💻".repeat(100));
        assert!(utf16_len(&cut) <= TITLE_LIMIT && cut.ends_with("💻…"), "{cut}");
        assert_eq!(utf16_len(&title_for(&key, &"x".repeat(393))), TITLE_LIMIT);
    }

    proptest! {
        #[test]
        fn a_body_fits_and_keeps_every_criterion_it_can(
            description in "(\\PC{0,30}\n{0,2}|```\n|# x\n|<!--\n){0,40}", limit in 0usize..1_200,
            words in prop::collection::vec(("[^\\s\\p{C}]\\PC{0,60}", any::<bool>()), 0..8), template in prop::option::of("[a-z ]{0,300}"),
        ) {
            let criteria: Vec<_> = words.into_iter().map(|(text, ticked)| Criterion { text, ticked }).collect();
            let parts = Parts { description: &description, criteria: &criteria, spec_path: PATH, template: template.as_deref() };
            let body = compose(&parts, limit);
            prop_assert!(utf16_len(&body.text) <= limit);
            let shown = Spec::parse(&body.text).criteria();
            prop_assert_eq!(shown.len() + body.criteria_left_out, criteria.len());
            prop_assert!(body.criteria_left_out == 0 || body.dropped_description || description.trim().is_empty());
        }
    }
}
