//! Specs: saving drafts, pushing, pulling, comparing, settling conflicts.

use crate::action::edit_spec::{self, Conflict, PullOutcome, PushOutcome};
use crate::action::{Error, tickets};
use crate::domain::id::TicketKey;
use crate::domain::merge::{Merge, three_way};
use crate::domain::progress::{Progress, Step, StepState};
use crate::domain::ticket::{SpecBadge, SpecState};
use crate::notice::{Explain, Notice};
use crate::store;
use crate::tui::answer::{Plan, SaveFailure, SpecConflict};
use crate::tui::event::{Generation, What};

use super::{Runtime, answer};

fn conflict(conflict: Conflict) -> SpecConflict {
    let conflicts = match three_way(&conflict.base, &conflict.mine, &conflict.theirs) {
        Merge::Conflicts { hunks, .. } => hunks.len(),
        Merge::Clean(_) => 0,
    };
    SpecConflict {
        base: conflict.base,
        mine: conflict.mine,
        theirs: conflict.theirs,
        merged: conflict.marked,
        conflicts,
        object: Some(conflict.theirs_object),
    }
}

impl Runtime {
    pub(super) async fn save_spec(&self, key: TicketKey, expected_revision: i64, text: String, generation: Generation) {
        let saved = edit_spec::save(&self.services.ctx, &key, expected_revision, &text).await;
        self.tell_saved(key, saved, generation).await;
    }

    async fn tell_saved(&self, key: TicketKey, saved: Result<SpecState, Error>, generation: Generation) {
        let saved = match saved {
            Ok(state) => Ok(Box::new(state)),
            Err(Error::Store(store::Error::RevisionConflict { .. })) => match self.services.ctx.store.spec(&key).await {
                Ok(theirs) => Err(SaveFailure::Conflict(Box::new(theirs))),
                Err(error) => Err(SaveFailure::Refused(error.notice())),
            },
            Err(error) => Err(SaveFailure::Refused(error.notice())),
        };
        self.tell(What::SpecSaved { generation, key, saved });
    }

    /// What a push would do, from what is known here; the push itself looks at the branch.
    pub(super) async fn plan_push(&self, key: TicketKey, generation: Generation) {
        let plan = async {
            let view = answer(self.services.ctx.store.ticket_view(&key).await)?;
            let view = view.ok_or_else(|| Notice::new(format!("there is no ticket {key}")))?;
            let branch = view.ticket.branch.clone().ok_or_else(|| Notice::new(format!("{key} has no branch yet")))?;
            let step = Step { id: "push", words: format!("push {} to {branch}", key.spec_path()), state: StepState::Waiting };
            let badge = view.spec.badge();
            let warning = (badge == SpecBadge::ChangedOnBranch)
                .then(|| Notice::new("somebody changed it on the branch").hint("both texts are merged; where they disagree you are asked"));
            let refused = (badge == SpecBadge::Pushed).then(|| Notice::new(format!("{branch} holds this text already")));
            let progress = Progress { action: "spec push", subject: Some(key.clone()), steps: vec![step] };
            Ok(Box::new(Plan { progress, warnings: warning.into_iter().collect(), refused }))
        };
        let plan = plan.await;
        self.tell(What::Planned { generation, plan });
    }

    pub(super) fn push_spec(&self, key: TicketKey, generation: Generation) {
        let (ctx, subject) = (self.services.ctx.clone(), key.clone());
        let work = move |reporter| async move {
            let outcome = edit_spec::push(&ctx, &subject, &reporter).await?;
            let words = match &outcome {
                PushOutcome::Pushed { merged: false, .. } => format!("pushed the spec of {subject}"),
                PushOutcome::Pushed { merged: true, .. } => format!("merged the spec of {subject} with the branch, and pushed it"),
                PushOutcome::Unchanged => "the branch holds this text already".to_owned(),
                PushOutcome::Conflict(_) => String::new(),
            };
            Ok((outcome, words))
        };
        self.task(generation, format!("push the spec of {key}"), Some(key.clone()), work, move |runtime, outcome| {
            if let PushOutcome::Conflict(found) = outcome {
                runtime.tell(What::SpecConflicted { key, conflict: Box::new(conflict(*found)) });
            }
        });
    }

    pub(super) fn pull_spec(&self, key: TicketKey, generation: Generation) {
        let (ctx, subject) = (self.services.ctx.clone(), key.clone());
        let work = move |reporter: crate::action::Reporter| async move {
            let words = format!("pull {}", subject.spec_path());
            reporter.begin("spec pull", Some(&subject), vec![Step { id: "pull", words, state: StepState::Waiting }]);
            reporter.running("pull");
            let outcome = edit_spec::pull(&ctx, &subject).await.inspect_err(|error| reporter.failed("pull", error.to_string()))?;
            let words = match &outcome {
                PullOutcome::Pulled { merged: false } => format!("{subject} has the branch's spec now"),
                PullOutcome::Pulled { merged: true } => format!("merged the branch's spec into the draft of {subject}"),
                PullOutcome::Unchanged => "both are the same".to_owned(),
                PullOutcome::Conflict(_) => String::new(),
            };
            reporter.done("pull", words.clone());
            Ok((outcome, words))
        };
        self.task(generation, format!("pull the spec of {key}"), Some(key.clone()), work, move |runtime, outcome| {
            if let PullOutcome::Conflict(found) = outcome {
                runtime.tell(What::SpecConflicted { key, conflict: Box::new(conflict(*found)) });
            }
        });
    }

    pub(super) async fn diff_spec(&self, key: TicketKey, generation: Generation) {
        let rows = answer(edit_spec::diff(&self.services.ctx, &key).await).map(|diff| diff.lines);
        self.tell(What::SpecCompared { generation, key, rows });
    }

    pub(super) async fn resolve_spec(&self, key: TicketKey, text: String, conflict: SpecConflict, generation: Generation) {
        let ctx = &self.services.ctx;
        let saved = async {
            let revision = ctx.store.spec(&key).await?.revision;
            match &conflict.object {
                Some(object) => edit_spec::resolve(ctx, &key, revision, &text, &conflict.theirs, object).await,
                None => edit_spec::save(ctx, &key, revision, &text).await,
            }
        };
        let saved = saved.await;
        self.tell_saved(key, saved, generation).await;
    }

    pub(super) fn toggle_criterion(&self, key: TicketKey, index: usize) {
        let ctx = self.services.ctx.clone();
        self.small(async move {
            tickets::toggle_criterion(&ctx, &key, index).await?;
            Ok(None)
        });
    }
}
