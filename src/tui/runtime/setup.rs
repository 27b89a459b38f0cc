//! Setup: checking and keeping a connection, repositories, members, review rules.

use crate::action::connect::{self, Choice};
use crate::action::{Error, credential, link_repositories, members, quality_comment};
use crate::ado::{Address, Need, ScopeOutcome as Outcome};
use crate::domain::id::{Guid, MemberId, ProjectId, RepositoryId};
use crate::domain::person::ReviewRules;
use crate::domain::quality::Posting;
use crate::notice::{Explain, Notice};
use crate::secret::{self, Found, Place};
use crate::store::{Linked, MemberChange as StoredChange};
use crate::tui::answer::{ConnectionReport, HiddenText, ProjectOption, ScopeLine, ScopeNeed, ScopeOutcome};
use crate::tui::effect::{Link, MemberChange};
use crate::tui::event::{Answer, Generation, What};

use super::{Runtime, answer, convert};

impl Runtime {
    /// The token that was typed, else the one the configured sources have.
    async fn token(&self, address: &Address, typed: &HiddenText) -> Result<Found, Error> {
        if typed.is_empty() {
            Ok(secret::find(&self.services.ctx.tokens, address.base.url()).await?)
        } else {
            Ok(secret::given(typed.reveal().as_bytes().to_vec())?)
        }
    }

    pub(super) async fn check_connection(&self, url: String, token: HiddenText, generation: Generation) {
        let report = self.connection_report(&url, &token).await.map(Box::new);
        self.tell(What::Connected { generation, report });
    }

    async fn connection_report(&self, url: &str, token: &HiddenText) -> Answer<ConnectionReport> {
        let address = answer(Address::parse(url))?;
        let found = answer(self.token(&address, token).await)?;
        let checked = answer(connect::check(&self.services.ctx, &address, &credential(&found)).await)?;
        let scope = |check: &crate::ado::ScopeCheck| ScopeLine {
            scope: check.scope.to_string(),
            needed_for: check.needed_for.to_string(),
            degrades: check.degrades.to_string(),
            need: match check.need {
                Need::Required => ScopeNeed::Required,
                Need::Expected => ScopeNeed::Expected,
                Need::Optional => ScopeNeed::Optional,
            },
            outcome: match &check.outcome {
                Outcome::Allowed => ScopeOutcome::Allowed,
                Outcome::Missing => ScopeOutcome::Missing,
                Outcome::Unknown(why) => ScopeOutcome::Unknown(why.clone()),
            },
        };
        // The project that the address names comes first.
        let mut projects = checked.projects.clone();
        projects.sort_by_key(|project| checked.project.as_ref().map(|named| &named.guid) != Some(&project.guid));
        let report = ConnectionReport {
            organisation: checked.organisation.clone(),
            url: checked.url.clone(),
            user: checked.connection.me.display_name.clone(),
            projects: projects.into_iter().map(|project| ProjectOption { guid: project.guid, name: project.name }).collect(),
            scopes: checked.scopes.iter().map(scope).collect(),
            tokens_page: crate::ado::tokens_page(&checked.url),
            token_source: if token.is_empty() { found.source.to_string() } else { "you".to_owned() },
        };
        *self.checked.lock().await = Some(checked);
        Ok(report)
    }

    pub(super) fn activate(&self, url: String, token: HiddenText, project: Guid, generation: Generation) {
        let (runtime, ctx) = (self.clone(), self.services.ctx.clone());
        let inner = self.clone();
        let work = move |reporter| async move {
            let address = Address::parse(&url)?;
            let found = inner.token(&address, &token).await?;
            let checked = inner.checked.lock().await.clone();
            let fact = checked.and_then(|checked| checked.projects.into_iter().find(|known| known.guid == project));
            let fact = fact.ok_or_else(|| Error::refused("the check is not known any more", "check the connection again: Ctrl+S"))?;
            let name = fact.name.clone();
            let choice = Choice { projects: vec![(fact, None)], link: Vec::new(), keep_token: (!token.is_empty()).then_some(Place::Best) };
            let connected = connect::activate(&ctx, &address, &found, &choice, &reporter).await?;
            // The next request must go out with this token, and not with the one the client was made with.
            ctx.clients.forget(connected.organisation.id).await;
            let row = match connected.projects.first() {
                Some(project) => {
                    let comments = quality_comment::policy(&ctx, project).await?;
                    Some(convert::project(project, Some(&connected.organisation), comments))
                }
                None => None,
            };
            Ok((row, format!("{name} is connected")))
        };
        let task = self.services.tasks.start("connect", None, work);
        self.spawn(async move {
            let project = match task.outcome().await {
                Some(Ok(row)) => row.map(Box::new).ok_or_else(|| Notice::new("no project was connected")),
                Some(Err(error)) => Err(error.notice()),
                None => Err(Notice::new("connecting was cancelled")),
            };
            runtime.tell(What::Activated { generation, project });
        });
    }

    pub(super) async fn discover_repositories(&self, project: ProjectId, generation: Generation) {
        let ctx = &self.services.ctx;
        let found = async {
            let project = ctx.project(project).await?;
            let client = ctx.client(&project).await?;
            link_repositories::discover(ctx, &client, &project).await
        };
        let rows = answer(found.await).map(|rows| rows.iter().map(convert::repository).collect());
        self.tell(What::RepositoriesLoaded { generation, rows });
    }

    pub(super) async fn discover_members(&self, project: ProjectId, generation: Generation) {
        let ctx = &self.services.ctx;
        let found = async {
            let project = ctx.project(project).await?;
            let client = ctx.client(&project).await?;
            members::discover(ctx, &client, &project, None).await
        };
        let rows = match answer(found.await) {
            Ok(_) => self.members(project).await,
            Err(notice) => Err(notice),
        };
        self.tell(What::MembersLoaded { generation, rows });
    }

    pub(super) fn link_repository(&self, repository: RepositoryId, link: Link) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let (linked, words) = match link {
                Link::Linked => (Linked::Yes, "takes tickets now"),
                Link::Unlinked => (Linked::No, "takes no new tickets"),
            };
            let repository = ctx.store.set_linked(repository, linked).await?;
            Ok(Some(format!("{} {words}", repository.name)))
        });
    }

    pub(super) fn set_member(&self, id: MemberId, change: MemberChange) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let change = match change {
                MemberChange::CanReview(can) => StoredChange { can_review: Some(can), ..StoredChange::default() },
                MemberChange::DefaultReviewer(reviewer) => StoredChange { default_reviewer: Some(reviewer), ..StoredChange::default() },
            };
            let member = ctx.store.member(id).await?;
            let member = member.ok_or_else(|| Error::refused("that member is not known any more", "discover the members again: d"))?;
            members::set(&ctx, &member, &change).await?;
            Ok(None)
        });
    }

    pub(super) fn set_comments(&self, project: ProjectId, posting: Option<Posting>) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let project = ctx.project(project).await?;
            quality_comment::set_policy(&ctx, project.id, posting).await?;
            let words = match (posting, quality_comment::policy(&ctx, &project).await?.posting()) {
                (Some(Posting::On), _) => "are commented, by whatever receives webhooks",
                (Some(Posting::Off), _) => "are not commented by themselves",
                (None, Posting::On) => "are commented where the configuration says so, as it does here",
                (None, Posting::Off) => "are commented where the configuration says so; here it does not",
            };
            Ok(Some(format!("pull requests of {} {words}", project.name)))
        });
    }

    pub(super) fn set_review_rules(&self, project: ProjectId, rules: ReviewRules) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            let project = ctx.project(project).await?;
            members::set_rules(&ctx, &project, &rules).await?;
            Ok(None)
        });
    }
}
