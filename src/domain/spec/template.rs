//! A new spec with all six sections.

use super::{Section, Spec, edit};
use crate::domain::id::TicketKey;
use crate::domain::ticket::Criterion;

/// What is known of a ticket when its spec is first written.
#[derive(Debug, Clone, Copy)]
pub struct Template<'a> {
    pub key: &'a TicketKey,
    /// One line.
    pub title: &'a str,
    /// Markdown.
    pub description: &'a str,
    /// One line.
    pub parent_story: Option<&'a str>,
    pub criteria: &'a [Criterion],
    /// Tickets that must be finished first.
    pub dependencies: &'a [TicketKey],
}

/// The text of a new spec, its lines ended by line feeds. What was put in is read out of it again; a description that would break the
/// sections (a heading of their level, a code block left open) is written so that it does not.
pub fn template(given: &Template<'_>) -> String {
    let mut text = edit::title_line(Some(given.key), given.title);
    for section in Section::ALL {
        text.push_str(&format!("\n\n## {}\n", section.title()));
        let body = match section {
            Section::Overview => {
                format!(
                    "Parent story: {}\n",
                    given.parent_story.map(edit::on_one_line).filter(|p| !p.is_empty()).as_deref().unwrap_or("none")
                )
            }
            Section::AcceptanceCriteria => given.criteria.iter().filter_map(edit::criterion_line).collect(),
            Section::Context if !given.dependencies.is_empty() => {
                let lines: String = given.dependencies.iter().map(|key| format!("- {key}\n")).collect();
                format!("Depends on:\n\n{lines}")
            }
            _ => String::new(),
        };
        if !body.is_empty() {
            text.push('\n');
            text.push_str(body.trim_end_matches('\n'));
        }
        text = text.trim_end_matches('\n').to_owned();
    }
    text.push('\n');
    Spec::parse(&text).set_description(given.description)
}
