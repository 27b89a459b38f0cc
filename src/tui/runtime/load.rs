//! Reading what the store knows.

use std::collections::HashMap;

use crate::action::{quality_comment, sync_pull_requests};
use crate::domain::id::{Guid, ProjectId, RepositoryId, TicketKey};
use crate::domain::pull_request::KnownPullRequest;
use crate::domain::ticket::PullRequestRef;
use crate::notice::{Explain, Notice};
use crate::store::PullRequestFilter;
use crate::tui::answer::{MemberRow, PullRequestRow};
use crate::tui::effect::{Reread, SyncReason};
use crate::tui::event::{Answer, Generation, What};
use crate::{action, secret};

use super::{Runtime, answer, convert};

/// Checks and threads younger than this are not read again when a screen comes into view.
const DETAIL_SECONDS: i64 = 60;

impl Runtime {
    pub(super) async fn load_board(&self, project: ProjectId, generation: Generation) {
        let ctx = &self.services.ctx;
        let board = async {
            let me = self.me(project).await?;
            answer(ctx.store.board(project, me.as_ref()).await)
        };
        let board = board.await.map(Box::new);
        self.tell(What::BoardLoaded { generation, board });
    }

    /// Who the organisation's token belongs to.
    async fn me(&self, project: ProjectId) -> Answer<Option<Guid>> {
        let store = &self.services.ctx.store;
        let Some(project) = answer(store.project(project).await)? else { return Ok(None) };
        let organisation = answer(store.organisation(project.organisation).await)?;
        Ok(organisation.and_then(|organisation| organisation.me).map(|me| me.id))
    }

    pub(super) async fn load_ticket(&self, key: TicketKey, generation: Generation) {
        let detail = match self.services.ctx.store.ticket_view(&key).await {
            Ok(Some(view)) => Ok(Box::new(convert::ticket(view))),
            Ok(None) => Err(Notice::new(format!("{key} is gone: it was deleted elsewhere"))),
            Err(error) => Err(error.notice()),
        };
        self.tell(What::TicketLoaded { generation, key, detail });
    }

    pub(super) async fn load_pull_requests(&self, project: ProjectId, generation: Generation) {
        let rows = async {
            let store = &self.services.ctx.store;
            let known = answer(store.pull_requests(project, &PullRequestFilter::default()).await)?;
            let followers = answer(store.followers(project).await)?;
            let row = |pull_request: KnownPullRequest| {
                let followed = PullRequestRef { repository: pull_request.facts.repository, number: pull_request.facts.number };
                let ticket = followers.get(&followed).cloned();
                PullRequestRow { pull_request, ticket }
            };
            Ok(known.into_iter().map(row).collect())
        };
        let rows = rows.await;
        self.tell(What::PullRequestsLoaded { generation, rows });
    }

    pub(super) async fn load_projects(&self, generation: Generation) {
        let rows = async {
            let ctx = &self.services.ctx;
            let organisations = answer(ctx.store.organisations().await)?;
            let mut projects = answer(ctx.store.projects().await)?;
            // The one that was open last comes first: it is opened when nothing else says which.
            let last = answer(action::connect::default_project(ctx).await)?;
            projects.sort_by_key(|project| Some(project.id) != last);
            let organisation = |id| organisations.iter().find(|organisation| organisation.id == id);
            let mut rows = Vec::with_capacity(projects.len());
            for project in &projects {
                let comments = answer(quality_comment::policy(ctx, project).await)?;
                rows.push(convert::project(project, organisation(project.organisation), comments));
            }
            Ok(rows)
        };
        let rows = rows.await;
        self.tell(What::ProjectsLoaded { generation, rows });
    }

    pub(super) async fn select_project(&self, id: ProjectId) {
        let ctx = &self.services.ctx;
        let selected = async {
            let project = answer(ctx.project(id).await)?;
            let organisation = answer(ctx.organisation(project.organisation).await)?;
            answer(ctx.store.set_setting("board.project", &id.to_string()).await)?;
            let expires = secret::expires(&ctx.tokens, &organisation.url);
            let token_days_left = expires.map(|date| i64::from(secret::days_left(date, ctx.clock.now())));
            let comments = answer(quality_comment::policy(ctx, &project).await)?;
            Ok((convert::project(&project, Some(&organisation), comments), token_days_left))
        };
        match selected.await {
            Ok((project, token_days_left)) => {
                self.tell(What::ProjectSelected { project: Box::new(project), token_days_left });
                self.follow_waits(id).await;
            }
            Err(notice) => self.tell(What::Done { words: Err(notice) }),
        }
    }

    pub(super) async fn load_repositories(&self, project: ProjectId, generation: Generation) {
        let rows = answer(self.services.ctx.store.repositories(project).await);
        let rows = rows.map(|rows| rows.iter().map(convert::repository).collect());
        self.tell(What::RepositoriesLoaded { generation, rows });
    }

    pub(super) async fn load_members(&self, project: ProjectId, generation: Generation) {
        let rows = self.members(project).await;
        self.tell(What::MembersLoaded { generation, rows });
    }

    /// The members with how many open reviews each has, as far as pull requests are known here.
    pub(super) async fn members(&self, project: ProjectId) -> Answer<Vec<MemberRow>> {
        let store = &self.services.ctx.store;
        let members = answer(store.members(project).await)?;
        let active = answer(store.pull_requests(project, &PullRequestFilter::active()).await)?;
        let mut reviews: HashMap<&Guid, u32> = HashMap::new();
        for reviewer in active.iter().flat_map(|known| &known.facts.reviewers).filter(|reviewer| !reviewer.is_group) {
            *reviews.entry(&reviewer.identity.id).or_default() += 1;
        }
        Ok(members.iter().map(|member| convert::member(member, Some(reviews.get(&member.identity.id).copied().unwrap_or(0)))).collect())
    }

    pub(super) async fn sync(&self, project: ProjectId, why: SyncReason, generation: Generation) {
        let synced = sync_pull_requests::project(&self.services.ctx, project, &action::Reporter::silent()).await;
        let outcome = answer(synced).map(|synced| {
            let moved = match synced.moved.as_slice() {
                [] => None,
                [one] => Some(format!("{} is now {}", one.key, one.to.title())),
                many => Some(format!("{} tickets moved", many.len())),
            };
            moved
                .or_else(|| (why == SyncReason::Asked).then(|| format!("{} open pull requests, {} changed", synced.active, synced.changed)))
        });
        self.tell(What::Synced { generation, outcome });
    }

    pub(super) fn sync_ticket(&self, key: TicketKey) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let synced = sync_pull_requests::ticket(&ctx, &key, &action::Reporter::silent()).await?;
            Ok(Some(match synced.moved.first() {
                Some(moved) => format!("{} is now {}", moved.key, moved.to.title()),
                None if synced.active + synced.changed == 0 => format!("{key}: nothing new"),
                None => format!("{key} is up to date"),
            }))
        });
    }

    /// Reads policies and threads of pull requests on the screen, where what is known of them is old or a person asked. It goes on in
    /// the background; a failure shows when somebody asks for one ticket.
    pub(super) async fn load_details(
        &self,
        project: ProjectId,
        keys: Vec<TicketKey>,
        mut wanted: Vec<(RepositoryId, i64)>,
        reread: Reread,
    ) {
        let ctx = &self.services.ctx;
        for key in keys {
            let Ok(Some(view)) = ctx.store.ticket_view(&key).await else { continue };
            let Some(known) = view.pull_request.filter(|_| view.project.id == project) else { continue };
            let old = known.detail_at.is_none_or(|at| ctx.clock.now().duration_since(at).as_secs() >= DETAIL_SECONDS);
            if old || reread == Reread::All {
                wanted.push((known.facts.repository, known.facts.number));
            }
        }
        if !wanted.is_empty()
            && let Err(error) = sync_pull_requests::details(ctx, project, wanted).await
        {
            tracing::info!(%error, "details of pull requests were not read");
        }
    }
}
