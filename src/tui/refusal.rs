//! Why an action cannot be carried out just now, in words with a way out. The help and the palette show the same words.

use super::answer::TaskState;
use super::intent::Intent;
use super::model::Model;
use super::model::ticket::Tab;
use crate::domain::id::TicketKey;
use crate::domain::status::{Cause, Status, Transition, transition};
use crate::notice::Notice;

/// What is known of the ticket an intent is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub key: TicketKey,
    pub title: String,
    pub status: Status,
    pub branch: Option<String>,
    pub pull_request: Option<i64>,
    pub assigned_to_me: bool,
    pub version: i64,
}

/// The facts about [`Model::subject`]: from the open ticket, else from its card.
pub fn subject(model: &Model) -> Option<Subject> {
    let key = model.subject()?;
    let open = model.ticket.as_ref().filter(|ticket| ticket.key == key).and_then(|ticket| ticket.detail.as_ref());
    if let Some(detail) = open {
        let ticket = &detail.ticket;
        return Some(Subject {
            key,
            title: ticket.title.clone(),
            status: ticket.status,
            branch: ticket.branch.clone(),
            pull_request: ticket.pull_request.map(|pr| pr.number),
            assigned_to_me: model.board.card(&ticket.key).is_some_and(|card| card.assigned_to_me),
            version: ticket.version,
        });
    }
    let card = model.board.card(&key)?;
    Some(Subject {
        key,
        title: card.title.clone(),
        status: card.status,
        branch: card.branch.clone(),
        pull_request: card.pull_request.as_ref().map(|chip| chip.number),
        assigned_to_me: card.assigned_to_me,
        version: card.version,
    })
}

/// Why the intent is refused, if it is.
pub fn refusal(model: &Model, intent: Intent) -> Option<Notice> {
    use Intent::*;
    let no = |text: &str| Some(Notice::new(text));
    let no_hint = |text: String, hint: &str| Some(Notice::new(text).hint(hint));
    if let (true, Some(why)) = (changes_the_remote(intent), &model.settings.readonly) {
        return Some(Notice::new(why.clone()));
    }
    match intent {
        NewTicket | SyncAll | ShowBoard | ShowPullRequests | ShowMetrics | ShowActivity if model.project.is_none() => {
            return no_hint("no project is connected".into(), "connect an organisation first: press 5");
        }
        CancelTask if model.running_tasks().next().is_none() => return no("no task is running"),
        Formula | ExportMetrics | CopyMetric | OpenMetricRow | CollectNow => return super::update::metrics::refusal(model, intent),
        Deselect | Comments if model.setup.selected_project().is_none() => {
            return no_hint("no project is selected".into(), "they are listed under Projects: press ]");
        }
        ReplayDelivery => return super::update::activity::replay_refusal(model),
        HooksRegister | HooksRemove | SecretGenerate | SecretRotate | SecretRevoke | CopyWebhookUrl => {
            return super::update::webhooks::refusal(model, intent);
        }
        HookSteps if model.project.is_none() => return super::update::webhooks::refusal(model, intent),
        OpenOutside if subject(model).is_some_and(|subject| subject.pull_request.is_none()) => {
            return no_hint("no pull request to open in the browser".into(), "P opens one");
        }
        TogglePreview if model.width < super::layout::PREVIEW_ALLOWED => {
            return no_hint(format!("a preview needs {} columns", super::layout::PREVIEW_ALLOWED), "Enter opens the ticket");
        }
        _ => {}
    }
    if !about_a_ticket(intent) {
        return None;
    }
    let Some(subject) = subject(model) else {
        return no("no ticket is selected");
    };
    let key = &subject.key;
    match intent {
        StartWork | PullRequest | PushSpec | PullSpec if model.task_on(key).is_some_and(|task| task.state == TaskState::Running) => {
            let what = model.task_on(key).map_or_else(String::new, |task| task.progress.summary());
            no_hint(format!("{key}: {what} is still running"), "wait for it, or cancel it: Ctrl+X")
        }
        StartWork => match (subject.status, &subject.branch) {
            (Status::Todo, _) => None,
            (Status::InProgress, Some(branch)) => {
                no_hint(format!("work on {key} has started, on {branch}"), "e edits the spec, P opens the pull request")
            }
            (status, _) => no(&format!("{key} is {}: its work is under way", status.title())),
        },
        PullRequest => match subject.status {
            Status::Todo => no_hint(format!("{key} has no branch yet"), "start work first: press s"),
            _ => None,
        },
        PushSpec | PullSpec | DiffSpec if subject.branch.is_none() => {
            no_hint(format!("{key} has no branch yet"), "starting work pushes the spec: press s")
        }
        TakeIt if subject.assigned_to_me => no(&format!("{key} is yours already")),
        SyncThis if subject.branch.is_none() => no_hint(format!("{key} has no branch, so no pull request"), "start work first: press s"),
        MoveLeft | MoveRight => next_status(model, &subject, intent).err(),
        Delete if subject.status != Status::Todo => {
            no_hint(format!("work on {key} has started; it is not deleted"), "archive it instead: press Z")
        }
        ToggleCriterion => match &model.ticket {
            Some(ticket) if ticket.tab != Tab::Criteria => no_hint("criteria are ticked on their tab".into(), "press ] for it"),
            Some(ticket) if ticket.detail.as_ref().is_none_or(|detail| detail.ticket.criteria.is_empty()) => {
                no_hint("the spec has no acceptance criteria".into(), "write some under `## Acceptance criteria`: press e")
            }
            _ => None,
        },
        _ => None,
    }
}

/// The status that `H` and `L` move to: the nearest column in that direction that the rules allow.
pub fn next_status(model: &Model, subject: &Subject, intent: Intent) -> Result<Status, Notice> {
    let columns = &model.settings.columns;
    let at = columns.iter().position(|column| column.statuses.contains(&subject.status)).unwrap_or(0);
    let order: Vec<usize> = match intent {
        Intent::MoveLeft => (0..at).rev().collect(),
        _ => (at + 1..columns.len()).collect(),
    };
    let mut first_refusal = None;
    for column in order {
        for status in &columns[column].statuses {
            match moved(model, subject, *status) {
                Ok(()) => return Ok(*status),
                Err(why) => {
                    first_refusal.get_or_insert(why);
                }
            }
        }
    }
    let nothing = || Notice::new(format!("there is no column on that side of {}", subject.status.title()));
    Err(first_refusal.map_or_else(nothing, |why| Notice::new(format!("{}: {why}", subject.key))))
}

/// Whether a ticket may be moved to a status by hand, and why not.
pub fn moved(model: &Model, subject: &Subject, to: Status) -> Result<(), String> {
    if subject.status == to {
        return Err("it is there already".into());
    }
    if let Transition::Refused(why) = transition(subject.status, subject.pull_request, &Cause::MovedTo(to)) {
        return Err(why);
    }
    let columns = &model.settings.columns;
    if let Some((at, column)) = columns.iter().enumerate().find(|(_, column)| column.statuses.contains(&to))
        && let Some(limit) = column.wip_limit
        && model.board.total(columns, at) >= usize::try_from(limit).unwrap_or(usize::MAX)
        && !column.statuses.contains(&subject.status)
    {
        return Err(format!("{} holds {limit} already, its limit", column.name));
    }
    Ok(())
}

/// Whether an intent needs a ticket.
pub fn about_a_ticket(intent: Intent) -> bool {
    use Intent::*;
    matches!(
        intent,
        StartWork
            | EditSpec
            | EditSpecOutside
            | DiffSpec
            | PushSpec
            | PullSpec
            | PullRequest
            | MoveLeft
            | MoveRight
            | MovePicker
            | Assign
            | TakeIt
            | ToggleCriterion
            | Archive
            | Delete
            | CopyKey
            | CopyMenu
            | SyncThis
            | Watch
    )
}

fn changes_the_remote(intent: Intent) -> bool {
    use Intent::*;
    matches!(
        intent,
        StartWork
            | PushSpec
            | SaveAndPush
            | HooksRegister
            | HooksRemove
            | SecretGenerate
            | SecretRotate
            | SecretRevoke
            | Deselect
            | Comments
    )
}
