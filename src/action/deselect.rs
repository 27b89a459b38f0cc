//! Taking a project off the board: the tombstone first, so that nothing of it is shown or believed any more, then its webhooks, then what
//! was collected of it where that is wanted.
//!
//! Its tickets stay in the store; putting it back ([`connect::add_project`](super::connect::add_project)) brings them back. From the
//! tombstone on, the receiver answers that the project is gone, which makes Azure DevOps disable a hook that could not be deleted, or that
//! a person made.
//!
//! Where Azure DevOps can't be reached, everything here is done all the same, and the webhooks are marked: whatever receives for the team
//! deletes them when it can, and so does running this again. A project that is off the board already is taken for the rest only.

use serde::Serialize;

use super::context::Context;
use super::error::{Error, Result};
use super::hooks::{self, Removal, Removed};
use super::reporter::{Reporter, step};
use crate::domain::project::Project;
use crate::notice::{Explain as _, Notice};

/// What becomes of what was collected for delivery figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collected {
    Keep,
    Purge,
}

/// What deselecting would do.
#[derive(Debug, Clone, Serialize)]
pub struct Farewell {
    pub project: String,
    pub prefix: String,
    /// The problem where Azure DevOps could not be asked.
    pub hooks: Result<Removal, String>,
}

/// What deselecting did.
#[derive(Debug, Clone, Serialize)]
pub struct Deselected {
    pub project: String,
    /// The problem where Azure DevOps could not be asked.
    pub hooks: Result<Removed, String>,
    /// Webhooks that kanado made and that are still there.
    pub hooks_left: usize,
    /// Rows of facts that were deleted, where that was wanted.
    pub purged: Option<u64>,
}

impl Deselected {
    /// What was done, in a line.
    pub fn words(&self) -> String {
        let mut words = format!("{} is off the board", self.project);
        if let Ok(removed) = &self.hooks
            && removed.deleted > 0
        {
            words.push_str(&format!(", with {} of its webhooks", removed.deleted));
            if removed.others > 0 {
                words.push_str(&format!("; {} of others stay", removed.others));
            }
        }
        if self.purged.is_some() {
            words.push_str("; what was collected is deleted");
        }
        words
    }

    /// What is left to do, and how it gets done.
    pub fn unfinished(&self) -> Option<Notice> {
        let why = match &self.hooks {
            Err(_) if self.hooks_left == 0 => return None,
            Err(why) => why.clone(),
            Ok(removed) => removed.left.first().map(|(event, why)| format!("{event}: {why}"))?,
        };
        let count =
            if self.hooks_left == 1 { "1 of its webhooks is".to_owned() } else { format!("{} of its webhooks are", self.hooks_left) };
        let hint = format!(
            "nothing of them is believed any more; `kanado serve` or a board that receives deletes them when it can, and so does \
             `kanado projects remove {}`",
            self.project
        );
        Some(Notice::new(format!("{count} still there: {why}")).hint(hint))
    }
}

/// Finds a project that is on the board, or one that was on it and of which something may be left.
///
/// # Errors
/// Refused where several are meant.
pub async fn find(ctx: &Context, name: &str) -> Result<Option<Project>> {
    if let Some(project) = ctx.store.find_project(name).await? {
        return Ok(Some(project));
    }
    let is_meant = |project: &Project| project.prefix.eq_ignore_ascii_case(name.trim()) || project.name.eq_ignore_ascii_case(name.trim());
    let mut found: Vec<Project> = ctx.store.removed_projects().await?.into_iter().filter(is_meant).collect();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => {
            let prefixes: Vec<String> = found.into_iter().map(|project| project.prefix).collect();
            Err(Error::refused(
                format!("several projects off the board are called {name}"),
                format!("name one by its prefix: {}", prefixes.join(", ")),
            ))
        }
    }
}

/// Looks what would go; changes nothing.
pub async fn plan(ctx: &Context, project: &Project) -> Result<Farewell> {
    let hooks = hooks::plan_removal(ctx, project).await.map_err(|error| error.notice().text);
    Ok(Farewell { project: project.name.clone(), prefix: project.prefix.clone(), hooks })
}

/// Takes the project off the board, deletes all of our webhooks and none of the others', and what was collected where that is wanted.
///
/// # Errors
/// The store's trouble. What Azure DevOps refused or did not answer is in the result: [`Deselected::unfinished`].
pub async fn run(ctx: &Context, project: &Project, collected: Collected, reporter: &Reporter) -> Result<Deselected> {
    let mut steps = vec![step("board", format!("take {} off the board", project.name)), step("hooks", "delete its webhooks")];
    if collected == Collected::Purge {
        steps.push(step("facts", "delete what was collected of it"));
    }
    reporter.begin("deselect", None, steps);
    reporter.running("board");
    ctx.store.remove_project(project.id, ctx.clock.now()).await?;
    reporter.done("board", "its tickets stay");

    reporter.running("hooks");
    let hooks = hooks::remove(ctx, project).await.map_err(|error| error.notice().text);
    let rows = ctx.store.subscriptions(project.id).await?.len();
    let hooks_left = hooks.as_ref().map_or(rows, |removed| removed.left.len().max(rows));
    match &hooks {
        Ok(removed) if hooks_left == 0 && removed.deleted == 0 => reporter.already("hooks", "there are none"),
        Ok(removed) if hooks_left == 0 => reporter.done("hooks", format!("{} deleted", removed.deleted)),
        Ok(_) => reporter.failed("hooks", format!("{hooks_left} left")),
        Err(_) if hooks_left == 0 => reporter.skipped("hooks", "none is known here"),
        Err(why) => reporter.failed("hooks", why.clone()),
    }

    let purged = match collected {
        Collected::Keep => None,
        Collected::Purge => {
            reporter.running("facts");
            let rows = ctx.store.purge_facts(project.id).await?;
            reporter.done("facts", format!("{rows} rows"));
            Some(rows)
        }
    };
    Ok(Deselected { project: project.name.clone(), hooks, hooks_left, purged })
}
