//! The webhook card: what it is read from, the plans of its changes, and carrying them out as tasks.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::action::hooks::{self, Renew, Step as HookStep};
use crate::action::{self, Context, Reporter};
use crate::domain::hook::Purpose;
use crate::domain::id::ProjectId;
use crate::domain::progress::{Progress, Step, StepState};
use crate::domain::project::Project;
use crate::notice::{Explain, Notice};
use crate::tui::answer::{HiddenText, Plan, WebhookCard};
use crate::tui::event::{Answer, Generation, What};
use crate::tui::model::webhooks::HookVerb;
use crate::tui::widget::delivery::purpose_words;

use super::{Runtime, answer};

/// How long an old secret is taken besides the new one.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

impl Runtime {
    pub(super) async fn load_webhooks(&self, project: ProjectId, generation: Generation) {
        let card = self.webhook_card(project).await.map(Box::new);
        self.tell(What::WebhooksLoaded { generation, card });
    }

    async fn webhook_card(&self, id: ProjectId) -> Answer<WebhookCard> {
        let ctx = &self.services.ctx;
        let project = answer(ctx.project(id).await)?;
        let secrets = answer(ctx.store.shown_secrets(id).await)?;
        Ok(WebhookCard {
            url: answer(hooks::address_by_hand(ctx, &project).await),
            secrets: secrets.iter().map(|secret| (secret.created_at, secret.expires_at)).collect(),
            health: answer(ctx.store.hook_health(id, self.now()).await)?,
        })
    }

    pub(super) async fn plan_hooks(&self, project: ProjectId, verb: HookVerb, generation: Generation) {
        let ctx = &self.services.ctx;
        let plan = async {
            let project = ctx.project(project).await?;
            plan(ctx, &project, verb).await
        };
        let plan = plan.await.map(Box::new).map_err(|error| explained(&error));
        self.tell(What::HooksPlanned { generation, plan });
    }

    pub(super) fn change_hooks(&self, project: ProjectId, verb: HookVerb, generation: Generation) {
        let (ctx, runtime) = (self.services.ctx.clone(), self.clone());
        let work = move |reporter: Reporter| async move {
            let project = ctx.project(project).await?;
            let words = runtime.carry_out(&ctx, &project, verb, &reporter).await?;
            Ok(((), words))
        };
        self.task(generation, verb.title().to_lowercase(), None, work, |_, ()| {});
    }

    async fn carry_out(&self, ctx: &Context, project: &Project, verb: HookVerb, reporter: &Reporter) -> action::Result<String> {
        match verb {
            HookVerb::Register => Ok(registered(&hooks::register(ctx, project, Renew::Needed, reporter).await?)),
            HookVerb::Remove => {
                let removed = hooks::remove(ctx, project).await?;
                match removed.left.first() {
                    None => Ok(format!("{} webhooks deleted; {} of others stay", removed.deleted, removed.others)),
                    Some((event, why)) => {
                        let words = format!("{} webhooks are still there; {event}: {why}", removed.left.len());
                        Err(action::Error::refused(words, "remove them again: what is gone stays gone"))
                    }
                }
            }
            HookVerb::Generate => {
                self.show(ctx, project, &hooks::generate(ctx, project).await?).await;
                Ok(format!("{} has a webhook secret", project.name))
            }
            HookVerb::Rotate => {
                let before = ctx.clock.now();
                let made = ctx.store.subscriptions(project.id).await?.len();
                self.show(ctx, project, &hooks::rotate(ctx, project, OVERLAP).await?).await;
                if made == 0 {
                    return Ok("the secret is a new one; the old one counts for 24 hours".to_owned());
                }
                Ok(registered(&hooks::register(ctx, project, Renew::Before(before), reporter).await?))
            }
            HookVerb::Revoke => {
                hooks::revoke(ctx, project).await?;
                Ok(format!("the webhook secret of {} is refused from now on", project.name))
            }
        }
    }

    /// The secret goes to the screen at once, before anything else may fail: it is nowhere else.
    async fn show(&self, ctx: &Context, project: &Project, fresh: &hooks::Fresh) {
        let url = hooks::address_by_hand(ctx, project).await.ok();
        self.tell(What::SecretMade { secret: HiddenText::new(fresh.show()), url });
    }

    pub(super) async fn load_steps(&self, project: ProjectId, generation: Generation) {
        let lines = async {
            let ctx = &self.services.ctx;
            let project = ctx.project(project).await?;
            let organisation = ctx.organisation(project.organisation).await?;
            let base = ctx.config.webhooks.public_url.as_deref();
            Ok::<_, action::Error>(hooks::manual(&organisation.url, &project.name, &project.guid, base).lines())
        };
        let lines = answer(lines.await);
        self.tell(What::StepsLoaded { generation, lines });
    }
}

/// Where rights are missing, somebody who has them can follow the steps.
fn explained(error: &action::Error) -> Notice {
    let notice = error.notice();
    if hooks::is_about_permission(error) {
        let steps = "somebody who has them can follow the steps by hand, which the setup shows";
        return Notice { hint: Some(notice.hint.map_or(steps.to_owned(), |hint| format!("{hint}; {steps}"))), ..notice };
    }
    notice
}

async fn plan(ctx: &Context, project: &Project, verb: HookVerb) -> action::Result<Plan> {
    let mut lines: Vec<String> = Vec::new();
    let mut warnings = Vec::new();
    let mut refused = None;
    match verb {
        HookVerb::Register => {
            let plan = hooks::plan_registration(ctx, project, Renew::Needed).await?;
            lines.push(format!("deliver to {}, as {}", plan.url, plan.identity));
            (warnings, refused) = registration(&plan, &mut lines);
        }
        HookVerb::Remove => {
            let plan = hooks::plan_removal(ctx, project).await?;
            lines.push(format!("delete the {} webhooks that kanado made for {}", plan.doomed.len(), plan.project));
            lines.push(format!("leave the {} of others", plan.others));
            if plan.doomed.is_empty() && plan.stale.is_empty() {
                refused = Some(Notice::new("there is nothing to remove"));
            }
        }
        HookVerb::Generate => {
            lines.push("make up 256 bits, and keep only what tells them from others".to_owned());
            lines.push("show the secret once".to_owned());
        }
        HookVerb::Rotate => {
            lines.push("make a new secret, and show it once".to_owned());
            lines.push("take the old one for 24 hours more".to_owned());
            let made = ctx.store.subscriptions(project.id).await?.len();
            if made > 0 {
                let plan = hooks::plan_registration(ctx, project, Renew::Before(ctx.clock.now())).await?;
                // That all are as they should be is no reason against a new secret.
                (warnings, _) = registration(&plan, &mut lines);
            }
        }
        HookVerb::Revoke => {
            lines.push("refuse the secret from now on: hooks made by hand stop".to_owned());
            lines.push("let those that kanado made go on; their secrets are their own".to_owned());
        }
    }
    let steps = lines.into_iter().map(|words| Step { id: "hooks", words, state: StepState::Waiting }).collect();
    Ok(Plan { progress: Progress { action: "hooks", subject: None, steps }, warnings, refused })
}

/// The steps of a registration, those of a kind in one line, with what to warn of and why there is nothing to do.
fn registration(plan: &hooks::Plan, lines: &mut Vec<String>) -> (Vec<Notice>, Option<Notice>) {
    let mut groups: BTreeMap<(u8, String), Vec<Purpose>> = BTreeMap::new();
    let mut warnings = plan.warnings.clone();
    let mut kept = 0;
    for step in &plan.steps {
        let (rank, words) = match step {
            HookStep::Keep { .. } => {
                kept += 1;
                continue;
            }
            HookStep::Foreign { overlap } => {
                let who = overlap.created_by.as_deref().unwrap_or("somebody");
                let words = format!("a webhook of {who} ({}) delivers here too: {}", overlap.event_type, overlap.words);
                warnings.push(Notice::new(words).hint("it does no harm; delete it in the web page if nobody needs it"));
                continue;
            }
            HookStep::Create { .. } => (0, "make".to_owned()),
            HookStep::Adopt { .. } => (1, "take over, as an interrupted run made them".to_owned()),
            HookStep::Recreate { why, .. } => (2, format!("replace ({why})")),
            HookStep::Delete { why, .. } => (3, format!("delete ({why})")),
            HookStep::Leave { why, .. } => (4, format!("leave as it is ({why})")),
            HookStep::Skip { why, .. } => (5, format!("leave out ({why})")),
        };
        groups.entry((rank, words)).or_default().extend(step.purpose());
    }
    for ((_, words), purposes) in groups {
        let names: Vec<&str> = purposes.iter().map(|purpose| purpose_words(*purpose)).collect();
        lines.push(format!("{words}: {}", names.join(", ")));
    }
    let refused = plan.is_done().then(|| Notice::new(format!("nothing to do: {kept} webhooks are there and enabled")));
    (warnings, refused)
}

fn registered(done: &hooks::Registered) -> String {
    let counts = [
        (done.made.len(), "made"),
        (done.replaced.len(), "replaced"),
        (done.adopted.len(), "taken over"),
        (done.kept, "kept"),
        (done.deleted, "deleted"),
    ];
    let counts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let mut words = format!("webhooks: {}; they belong to {}", counts.join(", "), done.identity);
    if let Some((purpose, why)) = done.unverified.first() {
        words.push_str(&format!(". {} could not be tested; {}: {why}", done.unverified.len(), purpose_words(*purpose)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::hooks::Why;

    #[test]
    fn steps_of_a_kind_share_a_line_and_a_finished_registration_says_so() {
        let plan = |steps| hooks::Plan {
            project: "Atlas".into(),
            url: "https://kanado.example.com".into(),
            identity: "Alice".into(),
            account: crate::action::Account::Person,
            steps,
            warnings: Vec::new(),
        };
        let mut lines = Vec::new();
        let steps = vec![
            HookStep::Keep { purpose: Purpose::Push, row: 1 },
            HookStep::Create { purpose: Purpose::PullRequestVote, stale: Vec::new() },
            HookStep::Create { purpose: Purpose::PullRequestComment, stale: Vec::new() },
            HookStep::Recreate { purpose: Purpose::BuildCompleted, why: Why::OnProbation, old: Vec::new(), stale: Vec::new() },
        ];
        let (_, refused) = registration(&plan(steps), &mut lines);
        assert_eq!(lines, ["make: vote, comment", "replace (it is on probation: events are lost meanwhile): build completed"]);
        assert_eq!(refused, None);
        let (_, refused) = registration(&plan(vec![HookStep::Keep { purpose: Purpose::Push, row: 1 }]), &mut lines);
        assert!(refused.is_some_and(|why| why.text == "nothing to do: 1 webhooks are there and enabled"));
    }
}
