//! Why a pull request is where it is, in lines: its phases against those of others, what it waits for, when others landed, where its
//! commit is.
//!
//! Durations are those of the moment it was looked at, and times are of the day, so that an idle screen stands still.

use jiff::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::bars::bars;
use super::delivery::clock;
use super::figure::{duration, percent};
use super::text;
use crate::domain::pull_request::{KnownPullRequest, PullRequestStatus};
use crate::domain::run::DefinitionKind;
use crate::metrics::blocker::{Blocker, Turn};
use crate::metrics::departures::{StageState, Stop, WaitsFor};
use crate::metrics::figures::Phase;
use crate::metrics::landing::Landing;
use crate::metrics::waterfall::{Pace, Part};
use crate::tui::answer::Story;
use crate::tui::model::Model;

/// The lines, with a heading; none while nobody asked.
pub fn lines(model: &Model, known: &KnownPullRequest, width: u16) -> Vec<Line<'static>> {
    let theme = &model.theme;
    let Some(listed) = model.story.for_one(known.facts.repository, known.facts.number) else { return Vec::new() };
    let mut lines = vec![Line::default()];
    let heading = match known.facts.status {
        PullRequestStatus::Completed => "The way it took",
        _ => "Why it is not merged yet",
    };
    let Some(story) = &listed.rows else {
        lines.push(Line::styled(heading, theme.heading));
        let (words, style) = match &listed.problem {
            Some(problem) => (problem.to_string(), theme.dim),
            None => ("looking at reviews, policies and runs".to_owned(), theme.dim),
        };
        lines.extend(text::wrap(&words, width).into_iter().map(|line| Line::styled(line, style)));
        return lines;
    };
    let at = clock(story.read_at, model.now, &model.settings.zone);
    lines.push(Line::from(vec![Span::styled(heading, theme.heading), Span::styled(format!("  looked at {at}"), theme.faint)]));
    let mut page = Page { model, story, width, lines };
    page.blockers();
    page.phases();
    page.landing();
    page.stops();
    for missing in &story.missing {
        page.say(&format!("{missing}: what it waits for may be more"), theme.warn);
    }
    page.lines
}

struct Page<'a> {
    model: &'a Model,
    story: &'a Story,
    width: u16,
    lines: Vec<Line<'static>>,
}

impl Page<'_> {
    fn say(&mut self, words: &str, style: Style) {
        self.lines.extend(text::wrap(words, self.width).into_iter().map(|line| Line::styled(line, style)));
    }

    /// A mark and words, wrapped below themselves.
    fn marked(&mut self, mark: &str, mark_style: Style, words: &str, style: Style) {
        for (at, line) in text::wrap(words, self.width.saturating_sub(2)).into_iter().enumerate() {
            let mark = if at == 0 { mark } else { " " };
            self.lines.push(Line::from(vec![Span::styled(format!("{mark} "), mark_style), Span::styled(line, style)]));
        }
    }

    fn time(&self, at: Timestamp) -> String {
        clock(at, self.model.now, &self.model.settings.zone)
    }

    fn since(&self, at: Option<Timestamp>) -> String {
        at.map_or_else(String::new, |at| {
            let seconds = self.story.read_at.duration_since(at).as_secs_f64().max(0.0);
            format!(", for {} now", duration(seconds))
        })
    }

    fn blockers(&mut self) {
        let (theme, story) = (&self.model.theme, self.story);
        for blocker in &story.waterfall.blockers {
            let (mark, style, words) = match blocker {
                Blocker::Conflict => (theme.marks.cross, theme.bad, "it conflicts with its target branch".to_owned()),
                Blocker::VotedAgainst { by, is_me, since, rejected } => {
                    let who = if *is_me { "you" } else { by.as_str() };
                    let what = if *rejected { "rejected it" } else { "asked for changes" };
                    (theme.marks.cross, theme.bad, format!("{who} {what}{}", self.since(*since)))
                }
                Blocker::Policy { name, status } => (theme.marks.cross, theme.bad, format!("policy {name}: {status}")),
                Blocker::Reviewer { name, is_me, idle_since } => {
                    let who = if *is_me { "you, who must review it, have" } else { "has" };
                    let words = if *is_me { format!("{who} not voted") } else { format!("{name}, who must review it, {who} not voted") };
                    (theme.marks.open, theme.warn, format!("{words}{}", self.since(*idle_since)))
                }
                Blocker::Build { definition, number, since, running, ahead } => {
                    let what = if *running { "runs" } else { "waits for an agent" };
                    let ahead = match ahead {
                        Some(1) => ", one run before it".to_owned(),
                        Some(count) if *count > 1 => format!(", {count} runs before it"),
                        _ => String::new(),
                    };
                    (theme.marks.running, theme.accent, format!("{definition} {number} {what}{}{ahead}", self.since(*since)))
                }
                Blocker::FailedChecks { count } => {
                    let words = if *count == 1 { "1 check failed".to_owned() } else { format!("{count} checks failed") };
                    (theme.marks.cross, theme.bad, words)
                }
                Blocker::PendingChecks { count } => {
                    let words = if *count == 1 { "1 check is not finished".to_owned() } else { format!("{count} checks are not finished") };
                    (theme.marks.running, theme.accent, words)
                }
                Blocker::OpenComments { count } => {
                    let words =
                        if *count == 1 { "1 comment is not resolved".to_owned() } else { format!("{count} comments are not resolved") };
                    (theme.marks.open, theme.warn, words)
                }
                Blocker::Draft => (theme.marks.open, theme.warn, "it is a draft".to_owned()),
                Blocker::NobodyAsked => (theme.marks.open, theme.warn, "nobody is asked to review it".to_owned()),
                Blocker::You { to } => {
                    let words = match to {
                        Turn::Publish => "it is your draft: publish it",
                        Turn::Answer => "it is your turn: answer, or change it",
                        Turn::Review => "it waits for your review",
                        Turn::Complete => "it is your turn: complete it",
                    };
                    (theme.marks.right, theme.accent, words.to_owned())
                }
            };
            self.marked(mark, style, &words, theme.text);
        }
        if story.waterfall.blockers.is_empty() && story.waterfall.current.is_some_and(|phase| phase != Phase::DeployWait) {
            self.say("nothing that is known holds it up", theme.dim);
        }
    }

    fn phases(&mut self) {
        let theme = &self.model.theme;
        let parts = &self.story.waterfall.parts;
        let lengths: Vec<Option<f64>> = parts.iter().map(|part| Some(part.seconds)).collect();
        // Names, a bar, how long, and how that compares.
        let cells = self.width.saturating_sub(NAME + LONG + 34).clamp(8, 40);
        for (part, bar) in parts.iter().zip(bars(&lengths, cells)) {
            let (from, to) = bar.unwrap_or((0, 0));
            let style = match part.pace {
                Pace::Slow => theme.bad,
                Pace::Long => theme.warn,
                Pace::Usual | Pace::Unknown => theme.info,
            };
            let line = format!(
                "{}{}{}",
                " ".repeat(usize::from(from)),
                theme.marks.block.repeat(usize::from(to.saturating_sub(from))),
                " ".repeat(usize::from(cells.saturating_sub(to)))
            );
            let goes_on = part.to.is_none();
            let mark = if goes_on { theme.marks.running } else { theme.marks.tick };
            let name = part.phase.map_or("reviews", Phase::words);
            self.lines.push(Line::from(vec![
                Span::styled(format!("{mark} "), if goes_on { theme.accent } else { theme.good }),
                Span::styled(format!("{name:<width$}", width = usize::from(NAME)), if goes_on { theme.strong } else { theme.text }),
                Span::styled(line, style),
                Span::styled(format!(" {:<width$}", duration(part.seconds), width = usize::from(LONG)), theme.text),
                Span::styled(compared(part), if goes_on { style } else { theme.dim }),
            ]));
            // Below its duration; on a narrow screen, which is a low one mostly, the duration alone.
            let before = 2 + NAME + cells + 1;
            if let Some(words) = of_which(part).filter(|_| self.width >= WIDE) {
                self.lines.push(Line::styled(format!("{}{words}", " ".repeat(usize::from(before))), theme.dim));
            }
        }
    }

    fn landing(&mut self) {
        if let Some(landing) = &self.story.landing {
            self.say(&landed(landing), self.model.theme.text);
        }
    }

    fn stops(&mut self) {
        let (theme, story) = (&self.model.theme, self.story);
        for stop in &story.stops {
            let (mark, style, words) = match stop {
                Stop::Merged { at } => (theme.marks.tick, theme.good, format!("merged {}", self.time(*at))),
                Stop::Run { service, pipeline, run, at, .. } => {
                    let at = at.map_or_else(String::new, |at| format!(", began {}", self.time(at)));
                    let what = match service.kind {
                        DefinitionKind::Pipeline => "run",
                        DefinitionKind::Release => "release",
                    };
                    (theme.marks.arrow, theme.info, format!("in {what} {run} of {pipeline}{at}"))
                }
                Stop::Stage { stage, environment, production, state } => {
                    let name = match environment {
                        Some(environment) if environment != stage && !stage.is_empty() => format!("{stage} to {environment}"),
                        Some(environment) => environment.clone(),
                        // What a pipeline without stages is called by the service.
                        None if stage == "__default" => "the whole run".to_owned(),
                        None => stage.clone(),
                    };
                    let name = if *production { format!("{name} (production)") } else { name };
                    let at = |at: Option<Timestamp>| at.map_or_else(String::new, |at| format!(" {}", self.time(at)));
                    match state {
                        StageState::Done { at: end } => (theme.marks.tick, theme.good, format!("  {name}{}", at(*end))),
                        StageState::Failed { at: end } => (theme.marks.cross, theme.bad, format!("  {name} failed{}", at(*end))),
                        StageState::Running { since } => {
                            (theme.marks.running, theme.accent, format!("  {name} runs{}", self.since(*since)))
                        }
                        StageState::Waiting { since, on } => {
                            let on: Vec<String> = on.iter().map(WaitsFor::words).collect();
                            let on = if on.is_empty() { "an approval, a check or an agent".to_owned() } else { on.join(" and ") };
                            (theme.marks.open, theme.warn, format!("  {name} waits for {on}{}", self.since(*since)))
                        }
                        StageState::Later => (theme.marks.open, theme.dim, format!("  {name} comes later")),
                        StageState::Not { at: end } => (theme.marks.open, theme.dim, format!("  {name} was left out{}", at(*end))),
                    }
                }
            };
            let words = words.strip_prefix("  ").map_or(words.clone(), str::to_owned);
            self.marked(mark, style, &words, theme.text);
        }
    }
}

/// Cells of a phase's name, and of how long it took.
const NAME: u16 = 12;
const LONG: u16 = 8;

/// From how many cells on there is room for what went on in a phase.
const WIDE: u16 = 84;

/// `of which CI 1h 20m`, where something of it is known to have gone on.
fn of_which(part: &Part) -> Option<String> {
    let inside = part.of_which.filter(|inside| inside.seconds > 0.0)?;
    Some(format!("of which {} {}", inside.overlay.words(), duration(inside.seconds)))
}

/// `slower than 85 % of 41 (2d)`.
fn compared(part: &Part) -> String {
    match (part.pace, part.median, part.p85) {
        (Pace::Slow, _, Some(p85)) => format!("slower than 85 % of {}: {}", part.n, duration(p85)),
        (Pace::Long, Some(median), _) => format!("longer than half of {}: {}", part.n, duration(median)),
        (Pace::Usual, Some(median), _) => format!("half of {} take {}", part.n, duration(median)),
        _ => String::new(),
    }
}

/// "Of 41 that were in review for as long as this one, 63 % landed within a day."
fn landed(landing: &Landing) -> String {
    let share = |k: u64| percent(k as f64 / landing.n.max(1) as f64);
    format!(
        "Of {} that were in {} for {}, {} landed within 4 hours and {} within a day.",
        landing.n,
        landing.phase.words(),
        duration(landing.age),
        share(landing.within_4h),
        share(landing.within_day)
    )
}
