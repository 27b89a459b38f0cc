//! The way of a ticket: making it, starting work, opening its pull request, moving, assigning, putting it away.

use crate::action::open_pull_request::{self, ReviewerWish};
use crate::action::{start_work, tickets};
use crate::domain::id::{MemberId, RepositoryId, TicketKey};
use crate::domain::progress::Progress;
use crate::domain::status::Status;
use crate::domain::ticket::Priority;
use crate::notice::{Explain, Notice};
use crate::tui::answer::{
    ExistingBranch, NewAssignee, NewPullRequestState, NewTicketRequest, Preflight, PreflightState, PullRequestDraft, PullRequestRequest,
    ReviewerChoice, StartPlan,
};
use crate::tui::event::{Answer, Generation, What};

use super::{Runtime, answer, convert};

impl Runtime {
    pub(super) async fn plan_start(&self, key: TicketKey, repository: Option<RepositoryId>, generation: Generation) {
        let plan = self.start_plan(&key, repository).await.map(Box::new);
        self.tell(What::StartPlanned { generation, plan });
    }

    async fn start_plan(&self, key: &TicketKey, wanted: Option<RepositoryId>) -> Answer<StartPlan> {
        let ctx = &self.services.ctx;
        let mut ticket = answer(ctx.ticket(key).await)?;
        if let Some(wanted) = wanted
            && ticket.repository != Some(wanted)
        {
            // A choice of the person, kept on the ticket; nothing leaves this machine.
            let edit = tickets::Edit { repository: Some(wanted), ..tickets::Edit::default() };
            ticket = answer(tickets::edit(ctx, key, &edit).await)?;
        }
        let all = answer(ctx.store.repositories(ticket.project).await)?;
        let repositories: Vec<_> = all.iter().filter(|repository| repository.linked).map(convert::repository).collect();
        let progress = |steps| Progress { action: "start", subject: Some(key.clone()), steps };
        if ticket.repository.is_none() && repositories.len() > 1 {
            return Ok(StartPlan {
                progress: progress(Vec::new()),
                warnings: Vec::new(),
                refused: Some(Notice::new("in which repository?").hint("h and l choose one")),
                existing_branch: None,
                repository: None,
                repositories,
            });
        }
        let plan = answer(start_work::plan(ctx, key, &start_work::Options::default()).await)?;
        let existing_branch = plan.found.as_ref().map(|found| {
            let who = found.creator.as_ref().map_or_else(String::new, |creator| format!(", made by {}", creator.display_name));
            format!("{} is there already, at {}{who}.", plan.branch, found.tip.short())
        });
        let mut warnings = plan.warnings;
        if plan.resumes {
            warnings.insert(0, Notice::new("An interrupted start is finished: what is done is not done again."));
        }
        let only = if let [only] = repositories.as_slice() { Some(only.id) } else { None };
        let repository = ticket.repository.or(only);
        Ok(StartPlan { progress: progress(plan.steps), warnings, refused: None, existing_branch, repository, repositories })
    }

    pub(super) fn start_work(&self, key: TicketKey, existing: ExistingBranch, generation: Generation) {
        let (ctx, subject) = (self.services.ctx.clone(), key.clone());
        let existing = match existing {
            ExistingBranch::Refuse => start_work::ExistingBranch::Refuse,
            ExistingBranch::Reuse => start_work::ExistingBranch::Reuse,
        };
        let options = start_work::Options { existing, ..start_work::Options::default() };
        let work = move |reporter| async move {
            let started = start_work::run(&ctx, &subject, &options, &reporter).await?;
            Ok(((), format!("work on {subject} has started, on {}", started.branch)))
        };
        self.task(generation, format!("start work on {key}"), Some(key), work, |_, ()| {});
    }

    pub(super) async fn plan_pull_request(&self, key: TicketKey, target: Option<String>, generation: Generation) {
        let draft = self.pull_request_draft(&key, target).await.map(Box::new);
        self.tell(What::PullRequestPlanned { generation, draft });
    }

    async fn pull_request_draft(&self, key: &TicketKey, target: Option<String>) -> Answer<PullRequestDraft> {
        let ctx = &self.services.ctx;
        let options = open_pull_request::Options { target, ..open_pull_request::Options::default() };
        let plan = answer(open_pull_request::plan(ctx, key, &options).await)?;
        let ticket = answer(ctx.ticket(key).await)?;
        let project = answer(ctx.project(ticket.project).await)?;
        let me = answer(ctx.organisation(project.organisation).await)?.me.map(|me| me.id);
        let reviewers = self.members(ticket.project).await?;
        let reviewers = reviewers
            .into_iter()
            .filter(|member| member.can_review && Some(&member.identity) != me.as_ref())
            .map(|member| ReviewerChoice { member: member.id, name: member.name, active_reviews: member.active_reviews.unwrap_or(0) })
            .collect();
        let check = |words: String, state| Preflight { words, state };
        let mut preflight = Vec::new();
        preflight.push(match plan.existing {
            Some(number) => check(format!("pull request {number} is open for the branch; it will be linked"), PreflightState::Warning),
            None => check("no pull request is open for the branch".into(), PreflightState::Ok),
        });
        let commits = |count| if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
        preflight.push(check(format!("{} ahead of {}", commits(plan.ahead), plan.target_branch), PreflightState::Ok));
        if plan.behind > 0 {
            preflight.push(check(format!("{} behind {}", commits(plan.behind), plan.target_branch), PreflightState::Warning));
        }
        preflight.extend(plan.warnings.iter().map(|warning| check(warning.text.clone(), PreflightState::Warning)));
        Ok(PullRequestDraft {
            title: plan.title,
            body: plan.description,
            source_branch: plan.source_branch,
            target_branch: plan.target_branch,
            reviewers,
            chosen: plan.reviewer.map(|member| member.id),
            reviewer_reason: plan.reviewer_sentence,
            work_items: Vec::new(),
            preflight,
            existing: plan.existing,
        })
    }

    pub(super) fn open_pull_request(&self, request: PullRequestRequest, generation: Generation) {
        let (ctx, key) = (self.services.ctx.clone(), request.key.clone());
        let options = open_pull_request::Options {
            title: Some(request.title),
            description: Some(request.body),
            target: Some(request.target_branch),
            draft: request.state == NewPullRequestState::Draft,
            reviewer: request.reviewer.map_or(ReviewerWish::Nobody, ReviewerWish::Named),
            work_items: request.work_items,
        };
        let subject = key.clone();
        let work = move |reporter| async move {
            let opened = open_pull_request::run(&ctx, &subject, &options, &reporter).await?;
            let verb = if opened.existing { "is linked" } else { "is open" };
            let words = match opened.reviewer {
                Some(name) => format!("pull request {} {verb}; {name} reviews it", opened.number),
                None => format!("pull request {} {verb}", opened.number),
            };
            Ok(((), words))
        };
        self.task(generation, format!("open the pull request of {key}"), Some(key), work, |_, ()| {});
    }

    pub(super) async fn create_ticket(&self, request: NewTicketRequest, generation: Generation) {
        let ctx = &self.services.ctx;
        let key = async {
            let assignee = match request.assignee {
                NewAssignee::Nobody => None,
                NewAssignee::Me => {
                    let project = ctx.project(request.project).await?;
                    let organisation = ctx.organisation(project.organisation).await?;
                    ctx.me(&organisation, project.id).await?.map(|member| member.id)
                }
            };
            let new = tickets::New {
                title: request.title,
                description: request.description,
                criteria: request.criteria,
                repository: request.repository,
                assignee,
                labels: request.labels,
                priority: request.priority.and_then(Priority::new),
                ..tickets::New::default()
            };
            tickets::new(ctx, request.project, new).await
        };
        let key = key.await.map(|ticket| ticket.key).map_err(|error| error.notice());
        self.tell(What::TicketCreated { generation, key });
    }

    pub(super) fn assign(&self, key: TicketKey, version: i64, member: Option<MemberId>) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let ticket = tickets::assign(&ctx, &key, member, version).await?;
            let name = match ticket.assignee {
                Some(id) => ctx.store.member(id).await?.map_or_else(|| "somebody".to_owned(), |member| member.identity.display_name),
                None => "nobody".to_owned(),
            };
            Ok(Some(format!("{key} is assigned to {name}")))
        });
    }

    pub(super) fn assign_to_me(&self, key: TicketKey, version: i64) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let ticket = ctx.ticket(&key).await?;
            let project = ctx.project(ticket.project).await?;
            let organisation = ctx.organisation(project.organisation).await?;
            let me = ctx.me(&organisation, project.id).await?;
            let me = me.ok_or_else(|| crate::action::Error::refused("it is not known who you are", "check the connection: press 5"))?;
            tickets::assign(&ctx, &key, Some(me.id), version).await?;
            Ok(Some(format!("{key} is yours")))
        });
    }

    pub(super) fn move_to(&self, key: TicketKey, to: Status) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            tickets::move_to(&ctx, &key, to).await?;
            Ok(Some(format!("{key} is now {}", to.title())))
        });
    }

    pub(super) fn archive(&self, key: TicketKey) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            tickets::archive(&ctx, &key, true).await?;
            Ok(Some(format!("{key} is archived; `kanado archive {key} --undo` brings it back")))
        });
    }

    pub(super) fn delete(&self, key: TicketKey) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            tickets::delete(&ctx, &key).await?;
            Ok(Some(format!("{key} is deleted")))
        });
    }
}
