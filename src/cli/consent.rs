//! Plans, and whether they may be carried out: shown first, confirmed by `y` or `--yes`, only shown with `--dry-run`.

use std::io::{BufRead, Write};

use serde::Serialize;

use super::exit::{Exit, Failure};
use super::frame::Frame;
use crate::config::Access;
use crate::notice::{Notice, inert_lines};

/// What a plan would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only the board, and easily changed back: no question on a terminal.
    Board,
    /// The board, and not easily changed back.
    Lasting,
    /// Azure DevOps.
    Remote,
}

/// A plan as lines for people; scripts get the value behind it.
pub struct Outline<'a, P> {
    pub reach: Reach,
    pub lines: Vec<String>,
    pub warnings: &'a [Notice],
    pub plan: &'a P,
}

/// What is to happen with a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Go,
    /// Nothing is to be changed; the command ends like this.
    Stop(Exit),
}

#[derive(Serialize)]
struct Shown<'a, P> {
    applied: bool,
    plan: &'a P,
    warnings: Vec<String>,
}

impl Frame<'_> {
    /// Shows the plan where it must be shown, asks where somebody can be asked, and decides.
    pub fn settle<P: Serialize>(&mut self, outline: &Outline<'_, P>) -> Result<Decision, Failure> {
        if self.globals.dry_run {
            self.show(outline)?;
            return Ok(Decision::Stop(Exit::Done));
        }
        if outline.reach == Reach::Remote && self.globals.access() == Access::ReadOnly {
            return Err(Failure::refused(
                "this would change Azure DevOps, and --readonly forbids it",
                "leave --readonly out; --dry-run shows the plan",
            ));
        }
        if self.globals.yes {
            for warning in outline.warnings {
                self.output.warn(warning);
            }
            return Ok(Decision::Go);
        }
        let somebody_is_there = self.output.stdio.stdin_is_terminal && self.output.stdio.stderr_is_terminal && !self.output.is_json();
        if !somebody_is_there {
            self.show(outline)?;
            let notice =
                Notice::new("nothing was changed: nobody is there to confirm").hint("confirm with --yes; --dry-run only shows the plan");
            return Err(Failure::new(Exit::Failed, "not_confirmed", notice));
        }
        for warning in outline.warnings {
            self.output.warn(warning);
        }
        if outline.reach == Reach::Board {
            return Ok(Decision::Go);
        }
        for line in &outline.lines {
            self.output.note(line);
        }
        if self.ask("Do this? [y/N] ")?.is_some_and(|answer| answer.eq_ignore_ascii_case("y") || answer.eq_ignore_ascii_case("yes")) {
            return Ok(Decision::Go);
        }
        self.output.note("Nothing was changed.");
        Ok(Decision::Stop(Exit::Failed))
    }

    /// Settles a change of the board that is told in one line; answers how the command ends where it must not go on.
    pub fn stop<P: Serialize>(&mut self, line: String, plan: &P) -> Result<Option<Exit>, Failure> {
        let outline = Outline { reach: Reach::Board, lines: vec![line], warnings: &[], plan };
        Ok(match self.settle(&outline)? {
            Decision::Go => None,
            Decision::Stop(exit) => Some(exit),
        })
    }

    fn show<P: Serialize>(&mut self, outline: &Outline<'_, P>) -> Result<(), Failure> {
        let warnings: Vec<String> = outline.warnings.iter().map(|warning| warning.text.clone()).collect();
        self.output.json(&Shown { applied: false, plan: outline.plan, warnings })?;
        for line in &outline.lines {
            self.output.say(line)?;
        }
        if !self.output.is_json() {
            for warning in outline.warnings {
                self.output.warn(warning);
            }
        }
        Ok(())
    }

    /// One line typed on the terminal; nothing at the end of input.
    pub fn ask(&mut self, question: &str) -> Result<Option<String>, Failure> {
        self.output.flush()?;
        let _ = write!(self.output.stdio.err, "{}", inert_lines(question));
        let _ = self.output.stdio.err.flush();
        let mut line = Vec::new();
        let read = self.output.stdio.input.read_until(b'\n', &mut line);
        read.map_err(|error| Failure::local("cannot read the answer", &error))?;
        Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).trim().to_owned()))
    }
}
