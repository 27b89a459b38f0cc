//! From the store's and the actions' shapes to those of the screen.

use crate::domain::person::Member;
use crate::domain::project::{Organisation, Project, Repository};
use crate::domain::quality;
use crate::domain::ticket_view::TicketView;
use crate::tasks::{self, TaskView};
use crate::tui::answer::{HistoryLine, MemberRow, ProjectRow, RepositoryRow, RequestRow, TaskRow, TaskState, TicketDetail};

pub fn task(view: &TaskView) -> TaskRow {
    let state = match &view.state {
        tasks::TaskState::Running => TaskState::Running,
        tasks::TaskState::Done(words) => TaskState::Done(words.clone()),
        tasks::TaskState::Failed(notice) => TaskState::Failed(notice.clone()),
        tasks::TaskState::Cancelled => TaskState::Cancelled,
    };
    TaskRow {
        id: view.id.0,
        title: view.title.clone(),
        subject: view.subject.clone(),
        progress: view.progress.clone(),
        state,
        started_at: view.started_at,
        finished_at: view.finished_at,
    }
}

pub fn request(row: &crate::ado::LoggedRequest) -> RequestRow {
    RequestRow {
        at: row.at,
        method: row.method.clone(),
        path: row.path.clone(),
        status: row.status,
        duration_ms: row.duration_ms,
        activity_id: row.activity_id.clone(),
        trouble: row.trouble,
    }
}

pub fn project(project: &Project, organisation: Option<&Organisation>, comments: quality::Policy) -> ProjectRow {
    let me = organisation.and_then(|organisation| organisation.me.as_ref());
    ProjectRow {
        id: project.id,
        name: project.name.clone(),
        organisation: organisation.map_or_else(String::new, |organisation| organisation.name.clone()),
        prefix: project.prefix.clone(),
        me: me.map(|me| me.id.clone()),
        me_name: me.map(|me| me.display_name.clone()),
        rules: project.review_rules.clone(),
        comments,
    }
}

pub fn repository(repository: &Repository) -> RepositoryRow {
    RepositoryRow {
        id: repository.id,
        name: repository.name.clone(),
        target_branch: repository.target().map(str::to_owned),
        linked: repository.linked,
        disabled: repository.disabled,
    }
}

pub fn member(member: &Member, active_reviews: Option<u32>) -> MemberRow {
    MemberRow {
        id: member.id,
        identity: member.identity.id.clone(),
        name: member.identity.display_name.clone(),
        account: member.identity.unique_name.clone(),
        can_review: member.can_review,
        default_reviewer: member.default_reviewer,
        active_reviews,
    }
}

pub fn ticket(view: TicketView) -> TicketDetail {
    TicketDetail {
        repository_name: view.repository.as_ref().map(|repository| repository.name.clone()),
        target_branch: view.repository.as_ref().and_then(|repository| repository.target()).map(str::to_owned),
        assignee_name: view.assignee.as_ref().map(|member| member.identity.display_name.clone()),
        pull_request: view.pull_request,
        history: view.history.into_iter().map(|row| HistoryLine { at: row.at, words: row.words }).collect(),
        ticket: view.ticket,
        spec: view.spec,
    }
}
