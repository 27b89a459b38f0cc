//! Opening the pull request of a ticket: preflight, create, add the chosen reviewer, link.
//!
//! If the branch has an active pull request already, that one is shown and linked; a second one is never made. When adding the reviewer
//! fails, the pull request stays, and running the action again does the rest with the reviewer that was chosen first.

use serde::{Deserialize, Serialize};

use crate::ado::{self, At, ErrorKind, In, NewPullRequest, PullRequestQuery, StatusFilter};
use crate::domain::fact;
use crate::domain::id::{Guid, MemberId, TicketKey};
use crate::domain::person::Member;
use crate::domain::progress::Step;
use crate::domain::pull_request::Source;
use crate::domain::pull_request_body::{self, Parts};
use crate::domain::reviewer::{self, Choice, Pool};
use crate::domain::status::Status;
use crate::notice::Notice;
use crate::store::Listing;
use crate::sync;

use super::context::{Context, Whereabouts};
use super::error::{Error, Result};
use super::journal::{Journal, at_step, close_interrupted};
use super::reporter::{Reporter, step};

const ACTION: &str = "pr";

/// Who reviews.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReviewerWish {
    /// By the project's rules.
    #[default]
    Automatic,
    /// This member.
    Named(MemberId),
    Nobody,
}

/// What the caller may decide; what is absent comes from the ticket.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub title: Option<String>,
    pub description: Option<String>,
    /// Without `refs/heads/`.
    pub target: Option<String>,
    pub draft: bool,
    pub reviewer: ReviewerWish,
    /// Ids of Azure DevOps work items to link.
    pub work_items: Vec<String>,
}

/// What would be opened.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub key: TicketKey,
    pub repository: String,
    pub source_branch: String,
    pub target_branch: String,
    pub title: String,
    pub description: String,
    pub draft: bool,
    pub reviewer: Option<Member>,
    /// Why that one, or why nobody.
    pub reviewer_sentence: String,
    /// Commits on the branch that the target lacks.
    pub ahead: u32,
    pub behind: u32,
    /// An active pull request of this branch; it is linked instead of making another.
    pub existing: Option<i64>,
    /// An interrupted run opened it, and is being finished.
    pub resumes: bool,
    pub steps: Vec<Step>,
    #[serde(skip)]
    pub warnings: Vec<Notice>,
}

/// What was opened, or found.
#[derive(Debug, Clone, Serialize)]
pub struct Opened {
    pub key: TicketKey,
    pub number: i64,
    pub url: Option<String>,
    pub title: String,
    pub draft: bool,
    /// It was there already.
    pub existing: bool,
    /// Display name of the reviewer that was added.
    pub reviewer: Option<String>,
    pub reviewer_sentence: String,
    pub status: Status,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intent {
    title: String,
    description: String,
    source_branch: String,
    target_branch: String,
    draft: bool,
    reviewer: Option<(Guid, String)>,
    reviewer_sentence: String,
    work_items: Vec<String>,
}

/// Looks at branch, target, open pull requests and reviewers; changes nothing.
///
/// # Errors
/// Refused when the title is empty or too long, the branch is missing, is not ahead of the target, or is the target itself.
pub async fn plan(ctx: &Context, key: &TicketKey, options: &Options) -> Result<Plan> {
    let at = ctx.whereabouts(key).await?;
    let survey = survey(ctx, &at, options).await?;
    let interrupted = interrupted(ctx, &at, options, &survey).await?;
    let Survey { intent, member, existing, ahead, behind, warnings } = survey;
    let (steps, resumes) = match interrupted {
        Some(intent) => (steps(&intent, None), true),
        None => (steps(&intent, existing.as_ref()), false),
    };
    Ok(Plan {
        key: key.clone(),
        repository: at.repository.name.clone(),
        steps,
        resumes,
        source_branch: intent.source_branch,
        target_branch: intent.target_branch,
        title: intent.title,
        description: intent.description,
        draft: intent.draft,
        reviewer: member,
        reviewer_sentence: intent.reviewer_sentence,
        ahead,
        behind,
        existing: existing.map(|pr| pr.number),
        warnings,
    })
}

/// Opens the pull request, or links the one that is open.
pub async fn run(ctx: &Context, key: &TicketKey, options: &Options, reporter: &Reporter) -> Result<Opened> {
    let at = ctx.whereabouts(key).await?;
    let survey = survey(ctx, &at, options).await?;
    let interrupted = interrupted(ctx, &at, options, &survey).await?;
    if let (Some(existing), None) = (&survey.existing, &interrupted) {
        close_interrupted(&ctx.store, &ctx.clock, ACTION, &key.to_string()).await?;
        reporter.begin(ACTION, Some(key), vec![step("link", format!("link pull request !{}", existing.number))]);
        let status = link(ctx, &at, existing, reporter).await?;
        return Ok(opened(key, &at, existing, None, "it was open already".to_owned(), true, status));
    }
    let subject = key.to_string();
    let (mut journal, intent) = match &interrupted {
        Some(intent) => (Journal::begin(&ctx.store, &ctx.clock, ACTION, &subject, intent.clone()).await?, intent.clone()),
        None => (Journal::begin_anew(&ctx.store, &ctx.clock, ACTION, &subject, survey.intent.clone()).await?, survey.intent),
    };
    reporter.begin(ACTION, Some(key), steps(&intent, None));

    reporter.running("create");
    let (pull_request, existing) = match survey.existing {
        Some(existing) => {
            reporter.already("create", format!("!{} is open", existing.number));
            (existing, true)
        }
        None => {
            let created = create(&at, &intent).await;
            let (created, existing) = match created {
                Err(error) => {
                    // Refused before anything was made: there is nothing to resume. Where that is not sure, the next look tells.
                    if !error.may_have_happened() {
                        journal.finish().await?;
                    }
                    return at_step(reporter, ACTION, "create", Err(error));
                }
                Ok(created) => created,
            };
            reporter.done("create", format!("!{}", created.number));
            (created, existing)
        }
    };
    at_step(reporter, ACTION, "create", journal.record("create", &pull_request.number.to_string()).await)?;

    // Linked before the reviewer is added: whatever happens next, the board shows the pull request.
    let status = link(ctx, &at, &pull_request, reporter).await?;
    at_step(reporter, ACTION, "link", journal.record("link", &pull_request.number.to_string()).await)?;

    let added = add_reviewer(ctx, &at, &intent, &pull_request, reporter).await;
    let added = at_step(reporter, ACTION, "reviewer", added)?;
    at_step(reporter, ACTION, "reviewer", journal.record("reviewer", added.as_deref().unwrap_or("nobody")).await)?;
    journal.finish().await?;
    if added.is_some() {
        // The chip shows the reviewer at once; a failed look costs nothing, the next one will see it.
        if let Ok(fresh) = at.client.pull_request(at.repo(), pull_request.number).await {
            sync::ingest::facts(
                &ctx.store,
                &at.project,
                &[fresh],
                Listing::Some,
                Source::Action,
                ctx.config.board.done_on_merge,
                ctx.clock.now(),
            )
            .await?;
        }
    }
    Ok(opened(key, &at, &pull_request, added, intent.reviewer_sentence, existing && interrupted.is_none(), status))
}

/// What an interrupted run set out to do, if the pull request that is open now is the one it opened. The reviewer is the one that was
/// chosen then, unless another is named now.
async fn interrupted(ctx: &Context, at: &Whereabouts, options: &Options, survey: &Survey) -> Result<Option<Intent>> {
    let Some(open) = &survey.existing else { return Ok(None) };
    let Some(entry) = ctx.store.open_journal(ACTION, &at.ticket.key.to_string()).await? else { return Ok(None) };
    let created = entry.steps.iter().find(|(step, _)| step == "create").and_then(|(_, number)| number.parse::<i64>().ok());
    let ours = match created {
        Some(number) => open.number == number,
        // Its answer was never seen: one of our own on this branch can only be it.
        None => at.organisation.me.as_ref().is_none_or(|me| me.id == open.author.id),
    };
    let intent: Option<Intent> = serde_json::from_str(&entry.payload).ok();
    Ok(intent.filter(|_| ours).map(|mut intent| {
        if options.reviewer != ReviewerWish::Automatic {
            intent.reviewer.clone_from(&survey.intent.reviewer);
            intent.reviewer_sentence.clone_from(&survey.intent.reviewer_sentence);
        }
        intent
    }))
}

fn opened(
    key: &TicketKey,
    at: &Whereabouts,
    pr: &fact::PullRequest,
    reviewer: Option<String>,
    sentence: String,
    existing: bool,
    status: Status,
) -> Opened {
    Opened {
        key: key.clone(),
        number: pr.number,
        url: sync::ingest::web_url(&at.repository, pr.number),
        title: pr.title.clone(),
        draft: pr.is_draft,
        existing,
        reviewer,
        reviewer_sentence: sentence,
        status,
    }
}

struct Survey {
    intent: Intent,
    member: Option<Member>,
    existing: Option<fact::PullRequest>,
    ahead: u32,
    behind: u32,
    warnings: Vec<Notice>,
}

async fn survey(ctx: &Context, at: &Whereabouts, options: &Options) -> Result<Survey> {
    let key = &at.ticket.key;
    let source = at.ticket.branch.clone().ok_or_else(|| {
        Error::refused(format!("{key} has no branch yet"), format!("start work first: `kanado start {key}`, on the board `s`"))
    })?;
    let target = match options.target.clone().or_else(|| at.repository.target().map(str::to_owned)) {
        Some(target) => target,
        None => {
            return Err(Error::refused(format!("repository {} has no target branch", at.repository.name), "give one: `--target BRANCH`"));
        }
    };
    if source == target {
        return Err(Error::refused(
            format!("{source} is both the ticket's branch and the target"),
            "give another target: `--target BRANCH`",
        ));
    }
    if at.client.branch(at.repo(), &source).await?.is_none() {
        let hint = closed_hint(at).unwrap_or_else(|| format!("`kanado start {key}` makes it again and pushes the spec"));
        return Err(Error::refused(format!("branch {source} is not in {} any more", at.repository.name), hint));
    }
    // One listing says both whether the branch has a pull request and how loaded everybody is.
    let query = PullRequestQuery { status: StatusFilter::Active, ..PullRequestQuery::default() };
    let active = at.client.pull_requests(In::Project(&at.project.guid), &query).await?;
    let of_branch = active.iter().filter(|pr| pr.repository == at.repository.guid && pr.source_branch == source);
    let existing = of_branch.max_by_key(|pr| (pr.created_at, pr.number)).cloned();

    if at.client.branch(at.repo(), &target).await?.is_none() {
        return Err(Error::refused(
            format!("the target branch {target} does not exist in {}", at.repository.name),
            format!("give another: `--target BRANCH`, or set it: `kanado repos target {} BRANCH`", at.repository.name),
        ));
    }
    let (ahead, behind) = at.client.ahead_behind(at.repo(), &target, &source).await?;
    if ahead == 0 && existing.is_none() {
        let hint = closed_hint(at).unwrap_or_else(|| "push your work first; `git push`, or `kanado spec push`".to_owned());
        return Err(Error::refused(format!("{source} has no commit that {target} lacks"), hint));
    }
    let title = options.title.clone().unwrap_or_else(|| pull_request_body::title_for(key, &at.ticket.title));
    let title = title.trim().to_owned();
    if title.is_empty() {
        return Err(Error::refused("a pull request needs a title", "give one: `--title TEXT`"));
    }
    let length = title.encode_utf16().count();
    if length > pull_request_body::TITLE_LIMIT {
        return Err(Error::refused(
            format!("the title has {length} characters; Azure DevOps takes {}", pull_request_body::TITLE_LIMIT),
            "shorten it: `--title TEXT`",
        ));
    }
    let mut warnings = Vec::new();
    let description = match &options.description {
        Some(text) => text.clone(),
        None => {
            let template = template(ctx, at, &target).await?;
            let parts = Parts {
                description: &at.ticket.description,
                criteria: &at.ticket.criteria,
                spec_path: &key.spec_path(),
                template: template.as_deref(),
            };
            let body = pull_request_body::compose(&parts, pull_request_body::BODY_LIMIT);
            if body.dropped_description {
                warnings.push(Notice::new("the description was shortened to Azure DevOps' limit; every criterion is in it"));
            }
            body.text
        }
    };
    let length = description.encode_utf16().count();
    if length > pull_request_body::BODY_LIMIT {
        return Err(Error::refused(
            format!("the description has {length} characters; Azure DevOps takes {}", pull_request_body::BODY_LIMIT),
            "shorten it; the rest can go into the spec",
        ));
    }
    let state = ctx.store.spec(key).await?;
    if state.base_text.as_ref().is_some_and(|base| *base != state.text) {
        warnings.push(Notice::new("the spec has changes that are not on the branch").hint(format!("`kanado spec push {key}` pushes them")));
    }
    let (member, reviewer_sentence) = choose(ctx, at, options, &active).await?;
    let intent = Intent {
        title,
        description,
        source_branch: source,
        target_branch: target,
        draft: options.draft,
        reviewer: member.as_ref().map(|m| (m.identity.id.clone(), m.identity.display_name.clone())),
        reviewer_sentence,
        work_items: options.work_items.clone(),
    };
    Ok(Survey { intent, member, existing, ahead, behind, warnings })
}

/// What to do where a pull request is known that is not open any more.
fn closed_hint(at: &Whereabouts) -> Option<String> {
    let known = at.ticket.pull_request?;
    Some(format!("!{} is not open any more; `kanado sync {}` looks what became of it", known.number, at.ticket.key))
}

async fn template(ctx: &Context, at: &Whereabouts, target: &str) -> Result<Option<String>> {
    let Some(path) = &ctx.config.pull_request.template else { return Ok(None) };
    let file = at.client.file(at.repo(), &At::Branch(target), path).await?;
    Ok(file.and_then(|file| String::from_utf8(file.bytes).ok()))
}

async fn choose(ctx: &Context, at: &Whereabouts, options: &Options, active: &[fact::PullRequest]) -> Result<(Option<Member>, String)> {
    let members = ctx.store.members(at.project.id).await?;
    let by_id = |id: MemberId| members.iter().find(|m| m.id == id).cloned();
    match &options.reviewer {
        ReviewerWish::Nobody => Ok((None, "no reviewer, as asked".to_owned())),
        ReviewerWish::Named(id) => {
            let member = by_id(*id)
                .ok_or_else(|| Error::refused("that reviewer is not a member of the project", "`kanado members ls` lists them"))?;
            let sentence = format!("{}: as asked", member.identity.display_name);
            Ok((Some(member), sentence))
        }
        ReviewerWish::Automatic => {
            let Some(me) = &at.organisation.me else { return Ok((None, "no reviewer: it is not known who you are".to_owned())) };
            let active_reviews = reviewer::count_active(active);
            let pool = Pool { members: &members, author: &me.id, rules: &at.project.review_rules, active_reviews: &active_reviews };
            Ok(match reviewer::choose(&pool) {
                Choice::Chosen { member, sentence } => (by_id(member), sentence),
                Choice::Nobody { sentence } => (None, sentence),
            })
        }
    }
}

async fn create(at: &Whereabouts, intent: &Intent) -> Result<(fact::PullRequest, bool)> {
    let new = NewPullRequest {
        title: intent.title.clone(),
        description: intent.description.clone(),
        source_branch: intent.source_branch.clone(),
        target_branch: intent.target_branch.clone(),
        is_draft: intent.draft,
        work_items: intent.work_items.clone(),
        labels: at.ticket.labels.clone(),
    };
    match at.client.create_pull_request(at.repo(), &new).await {
        Ok(created) => Ok((created, false)),
        // Somebody was faster, or our answer was lost: the one that is open is the one to follow.
        Err(error) if matches!(error.kind(), ErrorKind::PullRequestExists | ErrorKind::OutcomeUnknown) => {
            let exists = matches!(error.kind(), ErrorKind::PullRequestExists);
            match find_active(&at.client, at, &intent.source_branch).await {
                Ok(Some(found)) => Ok((found, exists)),
                // Of the two failures the first says what it is about.
                Ok(None) | Err(_) => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn find_active(client: &ado::Client, at: &Whereabouts, source: &str) -> Result<Option<fact::PullRequest>> {
    let query = PullRequestQuery { status: StatusFilter::Active, source_branch: Some(source.to_owned()), ..PullRequestQuery::default() };
    let found = client.pull_requests(In::Repository(at.repo()), &query).await?;
    Ok(found.into_iter().max_by_key(|pr| (pr.created_at, pr.number)))
}

async fn link(ctx: &Context, at: &Whereabouts, pr: &fact::PullRequest, reporter: &Reporter) -> Result<Status> {
    reporter.running("link");
    let facts = std::slice::from_ref(pr);
    let ingested =
        sync::ingest::facts(&ctx.store, &at.project, facts, Listing::Some, Source::Action, ctx.config.board.done_on_merge, ctx.clock.now())
            .await;
    at_step(reporter, ACTION, "link", ingested.map_err(Error::from))?;
    let ticket = ctx.ticket(&at.ticket.key).await?;
    reporter.done("link", format!("{} follows !{}", ticket.key, pr.number));
    Ok(ticket.status)
}

async fn add_reviewer(
    ctx: &Context,
    at: &Whereabouts,
    intent: &Intent,
    pr: &fact::PullRequest,
    reporter: &Reporter,
) -> Result<Option<String>> {
    reporter.running("reviewer");
    let Some((guid, name)) = &intent.reviewer else {
        reporter.skipped("reviewer", &intent.reviewer_sentence);
        return Ok(None);
    };
    let present = pr.reviewers.iter().any(|r| r.identity.id == *guid) || {
        let reviewers = at.client.reviewers(at.repo(), pr.number).await?;
        reviewers.iter().any(|r| r.identity.id == *guid)
    };
    if present {
        reporter.already("reviewer", name);
    } else {
        at.client.add_reviewer(at.repo(), pr.number, guid, ado::Duty::Optional).await?;
        reporter.done("reviewer", name);
    }
    if let Some(member) = ctx.store.member_by_identity(at.project.id, guid).await? {
        ctx.store.record_assigned(member.id, ctx.clock.now()).await?;
    }
    Ok(Some(name.clone()))
}

fn steps(intent: &Intent, existing: Option<&fact::PullRequest>) -> Vec<Step> {
    if let Some(existing) = existing {
        return vec![step("link", format!("link pull request !{}, which is open already", existing.number))];
    }
    let draft = if intent.draft { "draft pull request" } else { "pull request" };
    let reviewer = match &intent.reviewer {
        Some((_, name)) => format!("add reviewer {name}"),
        None => "no reviewer".to_owned(),
    };
    vec![
        step("create", format!("open {draft} {} -> {}", intent.source_branch, intent.target_branch)),
        step("link", "follow it"),
        step("reviewer", reviewer),
    ]
}
