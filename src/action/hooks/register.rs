//! Registering: one subscription a purpose, made, tried and written down; repeated it finds all done.
//!
//! The row and the digest of the secret are written before the request, so that the receiver takes what arrives at once and a crash in
//! between is found again by the user name that goes with the secret.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::look::{Events, Overlap, Place};
use super::plan::{self, Old, Step, Wanted, Why};
use super::secret::{Fresh, user};
use super::trial::{Trial, trial};
use super::turn::in_turn;
use super::{ACTION, is_about_permission};
use crate::action::context::{Account, Context};
use crate::action::error::{Error, Result};
use crate::action::journal::{Journal, at_step, kill_point};
use crate::action::reporter::{Reporter, step};
use crate::ado::{self, ErrorKind};
use crate::domain::fact::HookSubscription;
use crate::domain::hook::{Purpose, SubscriptionState};
use crate::domain::id::Guid;
use crate::domain::progress;
use crate::domain::project::Project;
use crate::notice::Notice;
use crate::store::NewSubscription;

/// Which secrets are made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Renew {
    /// Those that have to be.
    Needed,
    /// All that were made before this moment.
    Before(Timestamp),
    /// Only those that Azure DevOps gave up on; what a person disabled or deleted, and what was never made, stays as it is. For a
    /// process that looks after them by itself.
    Broken,
}

impl Renew {
    fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Needed | Self::Broken => None,
            Self::Before(moment) => Some(moment),
        }
    }
}

/// What registering would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub project: String,
    /// Where events will be delivered to.
    pub url: String,
    /// Who the hooks will belong to: they tell only of what this account may see.
    pub identity: String,
    pub account: Account,
    pub steps: Vec<Step>,
    #[serde(skip)]
    pub warnings: Vec<Notice>,
}

impl Plan {
    /// Whether everything is as it should be.
    pub fn is_done(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Keep { .. } | Step::Leave { .. } | Step::Foreign { .. } | Step::Skip { .. }))
    }
}

/// What registering did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Registered {
    pub made: Vec<Purpose>,
    pub adopted: Vec<Purpose>,
    pub replaced: Vec<Purpose>,
    pub kept: usize,
    /// Those of ours that were too many.
    pub deleted: usize,
    pub verified: usize,
    /// Made, and whether it works is not known, or it does not yet.
    pub unverified: Vec<(Purpose, String)>,
    pub skipped: Vec<(Purpose, String)>,
    pub overlaps: Vec<Overlap>,
    pub identity: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Intent {
    renew: Renew,
}

/// Everything that a run needs, after a look.
struct Scene {
    place: Place,
    base: String,
    identity: String,
    wanted: Vec<Wanted>,
    steps: Vec<Step>,
    warnings: Vec<Notice>,
}

async fn survey(ctx: &Context, project: &Project, renew: Renew) -> Result<Scene> {
    let place = Place::of(ctx, project).await?;
    let url = place.public_url(ctx)?;
    let identity = place.identity().await?;
    let wanted = place.wanted(&url.base);
    let remote = place.remote(ctx, Events::Ask).await?;
    let mut steps = plan::plan(&wanted, &place.known(ctx).await?, &remote, &url.base, renew.moment());
    if renew == Renew::Broken {
        steps.retain(plan::Step::is_repair);
    }
    Ok(Scene { place, base: url.base, identity, wanted, steps, warnings: url.warnings })
}

/// Looks what is to be done; changes nothing.
///
/// # Errors
/// Refused with words where there is no address that Azure DevOps would deliver to.
pub async fn plan(ctx: &Context, project: &Project, renew: Renew) -> Result<Plan> {
    // What an interrupted run set out to renew is still to be renewed.
    let interrupted = Journal::<Intent>::interrupted(&ctx.store, ACTION, &project.prefix).await?;
    let renew = interrupted.map_or(renew, |intent| widest(renew, intent.renew));
    let scene = survey(ctx, project, renew).await?;
    Ok(Plan {
        project: project.name.clone(),
        url: scene.base,
        identity: scene.identity,
        account: scene.place.acting.account,
        steps: scene.steps,
        warnings: scene.warnings,
    })
}

fn widest(one: Renew, other: Renew) -> Renew {
    match (one.moment(), other.moment()) {
        (Some(a), Some(b)) => Renew::Before(a.max(b)),
        (Some(moment), None) | (None, Some(moment)) => Renew::Before(moment),
        (None, None) if one == Renew::Broken => Renew::Broken,
        (None, None) => Renew::Needed,
    }
}

/// Carries it out, one process at a time.
///
/// # Errors
/// A step that fails names itself; what was made before it stays, and the next run goes on.
pub async fn run(ctx: &Context, project: &Project, renew: Renew, reporter: &Reporter) -> Result<Registered> {
    in_turn(ctx, project, carry_out(ctx, project, renew, reporter)).await
}

async fn carry_out(ctx: &Context, project: &Project, renew: Renew, reporter: &Reporter) -> Result<Registered> {
    let mut journal = Journal::begin(&ctx.store, &ctx.clock, ACTION, &project.prefix, Intent { renew }).await?;
    let renew = widest(renew, journal.intent.renew);
    let scene = match survey(ctx, project, renew).await {
        Ok(scene) => scene,
        Err(error) => {
            // Nothing was begun, so nothing is left to finish; an earlier run's intent stays.
            if !journal.resumed {
                journal.finish().await?;
            }
            return Err(error);
        }
    };
    reporter.begin(ACTION, None, announced(&scene.steps));
    let mut run = Run { ctx, scene: &scene, done: Registered { identity: scene.identity.clone(), ..Registered::default() }, trying: true };
    for step in &scene.steps {
        let outcome = run.one(step, reporter).await;
        match (step.purpose(), outcome) {
            (_, Ok(())) => {}
            (Some(purpose), Err(error)) if is_about_permission(&error) && run.done.made.is_empty() && run.done.replaced.is_empty() => {
                reporter.failed(purpose.word(), error.to_string());
                if !journal.resumed {
                    journal.finish().await?;
                }
                return Err(error);
            }
            (Some(purpose), Err(error)) => return at_step(reporter, ACTION, purpose.word(), Err(error)),
            (None, Err(error)) => return Err(error),
        }
        if let (Some(purpose), true) = (step.purpose(), step.changes()) {
            at_step(reporter, ACTION, purpose.word(), journal.record(purpose.word(), "done").await)?;
        }
    }
    let done = run.done;
    journal.finish().await?;
    Ok(done)
}

/// One line a purpose; what goes besides is told with it.
fn announced(steps: &[Step]) -> Vec<progress::Step> {
    let words = |item: &Step| match item {
        Step::Keep { purpose, .. } => format!("keep the webhook for {}", purpose.word()),
        Step::Adopt { purpose, .. } => format!("take over the webhook for {}", purpose.word()),
        Step::Create { purpose, .. } => format!("make the webhook for {}", purpose.word()),
        Step::Recreate { purpose, why, .. } => format!("make the webhook for {} anew: {why}", purpose.word()),
        Step::Delete { purpose, why, .. } => format!("delete a webhook for {}: {why}", purpose.word()),
        Step::Leave { purpose, why } => format!("leave the webhook for {} alone: {why}", purpose.word()),
        Step::Skip { purpose, why } => format!("leave out {}: {why}", purpose.word()),
        Step::Foreign { .. } => String::new(),
    };
    let mut lines: Vec<progress::Step> = Vec::new();
    for item in steps {
        if let Some(purpose) = item.purpose()
            && !lines.iter().any(|line| line.id == purpose.word())
        {
            lines.push(step(purpose.word(), words(item)));
        }
    }
    lines
}

struct Run<'a> {
    ctx: &'a Context,
    scene: &'a Scene,
    done: Registered,
    /// Whether new subscriptions are tried: once one fails, the others would fail as slowly.
    trying: bool,
}

impl Run<'_> {
    async fn one(&mut self, item: &Step, reporter: &Reporter) -> Result<()> {
        let store = &self.ctx.store;
        match item {
            Step::Keep { purpose, row } => {
                store.set_subscription_state(*row, SubscriptionState::Enabled, None, self.ctx.clock.now()).await?;
                self.done.kept += 1;
                reporter.already(purpose.word(), "there and enabled");
            }
            Step::Adopt { purpose, row, remote } => {
                store.made_subscription(*row, remote, self.ctx.clock.now()).await?;
                self.done.adopted.push(*purpose);
                reporter.done(purpose.word(), "taken over from an interrupted run");
            }
            Step::Create { purpose, stale } => {
                reporter.running(purpose.word());
                match self.make(*purpose).await {
                    Ok(_) => {
                        self.forget(stale).await?;
                        self.done.made.push(*purpose);
                        reporter.done(purpose.word(), self.words_of(*purpose, "made"));
                    }
                    Err(error) if !purpose.moves_cards() && is_refusal_of_the_event(&error) => {
                        self.done.skipped.push((*purpose, error.to_string()));
                        reporter.skipped(purpose.word(), error.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
            Step::Recreate { purpose, why, old, stale } => {
                reporter.running(purpose.word());
                self.replace(*purpose, *why, old).await?;
                self.forget(stale).await?;
                if old.iter().all(|old| !old.works) {
                    let words = format!("the webhook for {} did not work: {why}", purpose.word());
                    store.owe_reconciliation(self.scene.place.project.id, &words, self.ctx.clock.now()).await?;
                }
                self.done.replaced.push(*purpose);
                reporter.done(purpose.word(), self.words_of(*purpose, "made anew"));
            }
            Step::Delete { old, .. } => {
                self.delete(old).await?;
                self.done.deleted += 1;
            }
            Step::Foreign { overlap } => self.done.overlaps.push(overlap.clone()),
            Step::Skip { purpose, why } | Step::Leave { purpose, why } => {
                self.done.skipped.push((*purpose, why.clone()));
                reporter.skipped(purpose.word(), why);
            }
        }
        Ok(())
    }

    fn words_of(&self, purpose: Purpose, verb: &str) -> String {
        match self.done.unverified.iter().find(|(other, _)| *other == purpose) {
            Some((_, words)) => format!("{verb}, not tested: {words}"),
            None => format!("{verb} and tested"),
        }
    }

    /// Rows that stand for nothing. Only after a new one was made: that shows that this account may see what there is.
    async fn forget(&self, rows: &[i64]) -> Result<()> {
        for row in rows {
            self.ctx.store.drop_subscription(*row).await?;
        }
        Ok(())
    }

    async fn delete(&self, old: &Old) -> Result<()> {
        if let Some(remote) = &old.remote {
            self.scene.place.client().delete_hook_subscription(old.publisher, remote).await?;
        }
        match old.row {
            Some(row) => Ok(self.ctx.store.drop_subscription(row).await?),
            None => Ok(()),
        }
    }

    /// New, tried, then the old ones go. One that works is not given up for one that does not.
    async fn replace(&mut self, purpose: Purpose, why: Why, old: &[Old]) -> Result<()> {
        let (row, remote, outcome) = self.make(purpose).await?;
        if let Trial::Failed(words) = &outcome
            && old.iter().any(|old| old.works)
        {
            let event = purpose.event();
            self.delete(&Old { row: Some(row), remote: Some(remote), publisher: event.publisher, works: false }).await?;
            self.done.unverified.retain(|(other, _)| *other != purpose);
            return Err(Error::refused(
                format!("the new webhook for {} ({why}) does not arrive: {words}", purpose.word()),
                "the old one stays and works on; start the receiver with `kanado serve`, check webhooks.public_url, then run it again",
            ));
        }
        for old in old {
            self.delete(old).await?;
        }
        Ok(())
    }

    /// Makes a subscription with a secret of its own, and tries it.
    async fn make(&mut self, purpose: Purpose) -> Result<(i64, Guid, Trial)> {
        let Some(want) = self.scene.wanted.iter().find(|want| want.purpose == purpose) else {
            return Err(Error::refused(
                format!("{} is not to be registered", purpose.word()),
                "this is a fault of kanado: please report it",
            ));
        };
        let (store, clock, place) = (&self.ctx.store, &self.ctx.clock, &self.scene.place);
        let fresh = Fresh::make()?;
        let mut hook = want.hook.clone();
        hook.user = user(&fresh.digest);
        let inputs = serde_json::json!({ "publisherInputs": hook.publisher_inputs, "consumerInputs": hook.consumer_inputs() });
        let new = NewSubscription {
            project: place.project.id,
            purpose,
            url: hook.url.clone(),
            inputs: inputs.to_string(),
            digest: fresh.digest,
            identity: Some(self.scene.identity.clone()),
        };
        let row = store.begin_subscription(&new, clock.now()).await?.id;
        kill_point(ACTION, purpose.word(), "begun");
        let made = match place.client().create_hook_subscription(&hook, &fresh.password()).await {
            Ok(made) => made,
            Err(error) if is_definite(&error) => {
                store.drop_subscription(row).await?;
                return Err(error.into());
            }
            Err(error) => match self.find(want, &hook.user).await {
                Some(found) => found,
                // The row stays: the next run looks again.
                None => return Err(error.into()),
            },
        };
        kill_point(ACTION, purpose.word(), "sent");
        store.made_subscription(row, &made.id, clock.now()).await?;
        let outcome = if self.trying {
            trial(place.client(), &hook, &made.id, Some(&fresh.password())).await
        } else {
            Trial::Unknown("the one before did not arrive".to_owned())
        };
        match &outcome {
            Trial::Arrived => {
                store.verified_subscription(row, clock.now()).await?;
                self.done.verified += 1;
            }
            Trial::Failed(words) => {
                self.trying = false;
                self.done.unverified.push((purpose, words.clone()));
            }
            Trial::Unknown(words) => self.done.unverified.push((purpose, words.clone())),
        }
        Ok((row, made.id, outcome))
    }

    /// The subscription whose making was not answered.
    async fn find(&self, want: &Wanted, user: &str) -> Option<HookSubscription> {
        let place = &self.scene.place;
        let found = place.client().find_hook_subscriptions(&place.project.guid, &want.hook.event).await.ok()?;
        found.into_iter().find(|found| found.consumer_inputs.get("basicAuthUsername").is_some_and(|name| name == user))
    }
}

/// Whether the service has said no, so that nothing was made.
fn is_definite(error: &ado::Error) -> bool {
    use ErrorKind::{
        BadRequest, BadToken, CollectionMissing, NotAMember, NotFound, PermissionMissing, PlainHttp, ProjectMissing, ReadOnly,
        ScopeMissing, TokenExpired, UntrustedHost,
    };
    matches!(
        error.kind(),
        BadRequest
            | BadToken
            | CollectionMissing
            | NotAMember
            | NotFound
            | PermissionMissing { .. }
            | PlainHttp
            | ProjectMissing
            | ReadOnly
            | ScopeMissing { .. }
            | TokenExpired
            | UntrustedHost
    )
}

/// Whether this event cannot be subscribed to here, while others can.
fn is_refusal_of_the_event(error: &Error) -> bool {
    matches!(error.ado_kind(), Some(ErrorKind::BadRequest | ErrorKind::NotFound))
}
