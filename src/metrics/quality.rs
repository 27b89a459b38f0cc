//! What kanado says on a pull request: how far its criteria, spec, size, links and times are, and what blocks it. Pure.
//!
//! The text is Markdown. [`Quality::digest`] changes when something worth another look did, and not merely because time went by or the
//! team's medians moved: a comment is rewritten for that alone. Whatever comes from outside is escaped, so that it mentions nobody and
//! links nothing; it must be inert already.

use std::fmt::Write;

use jiff::Timestamp;

use super::figures::Phase;
use super::telling::{duration, grouped};
use crate::domain::id::TicketKey;
use crate::domain::quality::MARK;
use crate::domain::ticket::SpecBadge;

/// Everything the comment tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Quality {
    pub key: TicketKey,
    pub title: String,
    /// Acceptance criteria: ticked, all.
    pub criteria: (usize, usize),
    pub spec: SpecBadge,
    pub size: Size,
    /// What the team's pull requests have in the middle, and how many that is of.
    pub usual: Option<Usual>,
    /// Other tickets that it waits for or belongs to.
    pub tickets: Vec<TicketKey>,
    pub work_items: Vec<i64>,
    pub phase: Option<Standing>,
    /// What keeps it from going on: "Bob has not voted".
    pub blocker: Option<String>,
}

/// How much it changes; absent while that was not read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    pub files: Option<u32>,
    pub commits: Option<u32>,
}

/// The team's medians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    pub files: Option<f64>,
    pub commits: Option<f64>,
    /// Of so many pull requests.
    pub n: u64,
}

/// Where it is on its way, against the team.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    pub phase: Phase,
    pub since: Timestamp,
    /// Seconds that the team's half and 85 % stay below; absent where too few are known.
    pub half: Option<f64>,
    pub most: Option<f64>,
}

/// How a time in a phase compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Usual,
    LongerThanHalf,
    LongerThanMost,
    Unknown,
}

impl Standing {
    pub fn pace(&self, now: Timestamp) -> Pace {
        let seconds = now.duration_since(self.since).as_secs_f64();
        match (self.half, self.most) {
            (_, Some(most)) if seconds > most => Pace::LongerThanMost,
            (Some(half), _) if seconds > half => Pace::LongerThanHalf,
            (Some(_), _) => Pace::Usual,
            (None, _) => Pace::Unknown,
        }
    }
}

impl Quality {
    /// What must differ for the comment to be written anew.
    pub fn digest(&self, now: Timestamp) -> String {
        let pace = self.phase.map(|standing| (standing.phase, standing.since, standing.pace(now)));
        let Self { key, title, criteria, spec, size, tickets, work_items, blocker, .. } = self;
        format!("{:?}", (MARK, key, title, criteria, spec, size, tickets, work_items, pace, blocker))
    }

    /// The comment.
    pub fn text(&self, now: Timestamp) -> String {
        let mut text = format!("{MARK}\n**{}** {}\n\n| | |\n|---|---|\n", self.key, escaped(&self.title));
        let mut row = |name: &str, words: &str| {
            let _ = writeln!(text, "| {name} | {words} |");
        };
        row("Criteria", &self.criteria_words());
        row("Spec", &format!("`{}`: {}", self.key.spec_path(), spec_words(self.spec)));
        row("Size", &self.size_words());
        row("Linked", &self.link_words());
        if let Some(standing) = &self.phase {
            row("Phase", &phase_words(standing, now));
        }
        row("Blocked by", &self.blocker.as_deref().map_or_else(|| "nothing that is known".to_owned(), escaped));
        text.push_str(
            "\nkanado keeps this comment up to date. Give its thread another status than closed, or delete it, and it is left alone.\n",
        );
        text
    }

    fn criteria_words(&self) -> String {
        match self.criteria {
            (_, 0) => "none are written down".to_owned(),
            (ticked, all) if ticked >= all => format!("all {all} ticked"),
            (ticked, all) => format!("{ticked} of {all} ticked"),
        }
    }

    fn size_words(&self) -> String {
        let count = |number: u32, one: &str, many: &str| format!("{} {}", grouped(number.into()), if number == 1 { one } else { many });
        let own: Vec<String> = [
            self.size.files.map(|files| count(files, "file", "files")),
            self.size.commits.map(|commits| count(commits, "commit", "commits")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if own.is_empty() {
            return "not read yet".to_owned();
        }
        let own = own.join(", ");
        let Some(usual) = self.usual else { return own };
        let medians: Vec<String> =
            [usual.files.map(|files| format!("{} files", plain(files))), usual.commits.map(|n| format!("{} commits", plain(n)))]
                .into_iter()
                .flatten()
                .collect();
        if medians.is_empty() { own } else { format!("{own}; the team's median is {} (of {})", medians.join(", "), grouped(usual.n)) }
    }

    fn link_words(&self) -> String {
        let mut words: Vec<String> = self.tickets.iter().map(ToString::to_string).collect();
        words.extend(self.work_items.iter().map(|number| format!("#{number}")));
        if words.is_empty() { "no ticket besides this one, no work item".to_owned() } else { words.join(", ") }
    }
}

fn spec_words(badge: SpecBadge) -> &'static str {
    match badge {
        SpecBadge::Local => "not on the branch",
        SpecBadge::Draft => "on the branch; what is written here was not pushed yet",
        SpecBadge::Pushed => "on the branch, in step",
        SpecBadge::ChangedOnBranch => "changed on the branch since it was last read",
    }
}

fn phase_words(standing: &Standing, now: Timestamp) -> String {
    let since = standing.since.strftime("%Y-%m-%d %H:%M UTC");
    let mut words = format!("{} since {since}", standing.phase.words());
    let pace = match standing.pace(now) {
        Pace::Usual | Pace::Unknown => "",
        Pace::LongerThanHalf => ", longer than half of the team's",
        Pace::LongerThanMost => ", longer than 85 % of the team's",
    };
    words.push_str(pace);
    let bounds: Vec<String> = [
        standing.half.map(|half| format!("half within {}", duration(half))),
        standing.most.map(|most| format!("85 % within {}", duration(most))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !bounds.is_empty() {
        let _ = write!(words, " ({})", bounds.join(", "));
    }
    words
}

fn plain(number: f64) -> String {
    super::telling::number(number)
}

/// Text from outside that Markdown takes for nothing but text: no mention, no link, no table, no markup.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '#' | '+' | '!' | '|' | '@' | '~') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn quality() -> Quality {
        Quality {
            key: TicketKey::parse("KAN-12").unwrap(),
            title: "Answer faster".to_owned(),
            criteria: (3, 5),
            spec: SpecBadge::Pushed,
            size: Size { files: Some(12), commits: Some(1) },
            usual: Some(Usual { files: Some(6.5), commits: Some(3.0), n: 41 }),
            tickets: vec![TicketKey::parse("KAN-7").unwrap()],
            work_items: vec![1234],
            phase: Some(Standing { phase: Phase::Review, since: at("2026-11-22T08:00:00Z"), half: Some(19_200.0), most: Some(172_800.0) }),
            blocker: Some("Bob has not voted".to_owned()),
        }
    }

    #[test]
    fn everything_is_told_in_one_table() {
        let text = quality().text(at("2026-11-22T10:00:00Z"));
        assert_eq!(
            text,
            "<!-- kanado:quality v1 -->\n\
             **KAN-12** Answer faster\n\
             \n\
             | | |\n\
             |---|---|\n\
             | Criteria | 3 of 5 ticked |\n\
             | Spec | `.tickets/KAN-12.md`: on the branch, in step |\n\
             | Size | 12 files, 1 commit; the team's median is 6.5 files, 3 commits (of 41) |\n\
             | Linked | KAN-7, #1234 |\n\
             | Phase | review since 2026-11-22 08:00 UTC (half within 5h 20m, 85 % within 2d) |\n\
             | Blocked by | Bob has not voted |\n\
             \n\
             kanado keeps this comment up to date. Give its thread another status than closed, or delete it, and it is left alone.\n"
        );
    }

    #[test]
    fn what_is_not_known_is_said_and_never_made_up() {
        let bare = Quality {
            criteria: (0, 0),
            spec: SpecBadge::Local,
            size: Size::default(),
            usual: None,
            tickets: Vec::new(),
            work_items: Vec::new(),
            phase: None,
            blocker: None,
            ..quality()
        };
        let text = bare.text(at("2026-11-22T10:00:00Z"));
        for words in ["none are written down", "not on the branch", "not read yet", "no work item", "nothing that is known"] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("Phase"));
    }

    #[test]
    fn time_alone_changes_nothing_until_it_is_longer_than_half_or_most_of_the_teams() {
        let quality = quality();
        let digest = |at_text: &str| quality.digest(at(at_text));
        let usual = digest("2026-11-22T09:00:00Z");
        assert_eq!(usual, digest("2026-11-22T13:20:00Z"), "5h 20m is not longer than 5h 20m");
        let half = digest("2026-11-22T13:21:00Z");
        assert_ne!(usual, half);
        assert_eq!(half, digest("2026-11-24T08:00:00Z"));
        assert_ne!(half, digest("2026-11-24T08:01:00Z"));
        let medians_moved = Quality { usual: Some(Usual { files: Some(7.0), commits: None, n: 42 }), ..quality.clone() };
        assert_eq!(medians_moved.digest(at("2026-11-22T09:00:00Z")), usual);
        let ticked = Quality { criteria: (4, 5), ..quality.clone() };
        assert_ne!(ticked.digest(at("2026-11-22T09:00:00Z")), usual);
    }

    #[test]
    fn text_from_outside_mentions_nobody_and_breaks_no_table() {
        let evil = Quality { title: "@<6f1> | [x](http://y) #12 <!-- --> `a`\n| new | row |".to_owned(), ..quality() };
        let text = evil.text(at("2026-11-22T10:00:00Z"));
        let line = text.lines().nth(1).unwrap();
        assert_eq!(line, "**KAN-12** \\@\\<6f1\\> \\| \\[x\\]\\(http://y\\) \\#12 \\<\\!-- --\\> \\`a\\` \\| new \\| row \\|");
    }
}
