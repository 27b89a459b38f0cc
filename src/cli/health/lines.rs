//! How a project is kept up with, as lines for a person. What does not apply is left out, and what a person can do is said.

use jiff::Timestamp;

use super::Report;
use crate::action::Account;
use crate::cli::frame::{fit, widest};
use crate::domain::board::age_step;
use crate::domain::health::{DeliverySource, HookHealth, Live, Reconciled};
use crate::domain::hook::{Subscription, SubscriptionState};
use crate::domain::rate_limit::Times;
use crate::notice::inert;

pub(super) fn of(report: &Report, now: Timestamp) -> Vec<String> {
    let hooks = &report.hooks;
    let live = match &hooks.live {
        Live::Now => "live: changes arrive by themselves".to_owned(),
        Live::Off => "no webhooks: changes are seen when a board looks; `kanado hooks register` lets them arrive by themselves".to_owned(),
        Live::Broken(why) => format!("NOT live: {}", inert(why)),
    };
    let mut lines = vec![format!("{} ({}): {live}", inert(&report.project), report.prefix)];
    let mut say = |name: &str, words: String| lines.push(format!("  {name:<15} {words}"));
    say("connection", report.connection.words(now));
    report.connection.lines().into_iter().for_each(|(name, words)| say(name, words));
    say("rate limit", report.rate_limit.known.words(now, &Times::Ages));
    say("asks as", account(report));
    let has_hooks = hooks.live != Live::Off || !hooks.subscriptions.is_empty() || hooks.last_delivery_at.is_some();
    if has_hooks {
        match hooks.receivers.as_slice() {
            [] => say("receivers", "none: nobody takes what webhooks send; start one with `kanado serve`".to_owned()),
            some => some.iter().for_each(|receiver| say("receiver", inert(&receiver.name))),
        }
        say("deliveries", deliveries(hooks, now));
    }
    if has_hooks || hooks.reconciled.attempted_at.is_some() {
        say("compared", compared(&hooks.reconciled, has_hooks, now));
    }
    report.collected.lines(now).into_iter().for_each(|(name, words)| say(name, words));
    if !report.other_lists.is_empty() {
        let words = inert(&report.other_lists.join("; "));
        say("LISTS", format!("figures are made with {words}, other than the configuration here; `kanado backfill` takes the lists here"));
    }
    lines.extend(hook_lines(hooks, now));
    lines
}

/// `just now`, `3m ago`.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    match age_step(at, now).as_str() {
        "now" => "just now".to_owned(),
        age => format!("{age} ago"),
    }
}

/// Whose token it is, and how long it lasts where a person said so.
fn account(report: &Report) -> String {
    let whose = match report.account {
        Account::Service => "the service account",
        Account::Person => "you",
    };
    let identity = report.identity.as_ref().map_or(String::new(), |who| format!(", {}", inert(who)));
    let token = match report.token_days_left {
        None => String::new(),
        Some(days) if days < 0 => "; the token HAS ENDED: `kanado token rotate`".to_owned(),
        Some(0) => "; the token ends today: `kanado token rotate`".to_owned(),
        Some(1) => "; the token ends tomorrow".to_owned(),
        Some(days) => format!("; the token ends in {days} days"),
    };
    format!("{whose}{identity}{token}")
}

fn deliveries(hooks: &HookHealth, now: Timestamp) -> String {
    let last = hooks.last_delivery_at.map_or("none ever arrived".to_owned(), |at| format!("the last arrived {}", ago(at, now)));
    let trouble = [
        (hooks.dead, "not understood (dead)"),
        (hooks.parked, "could not be applied (parked)"),
        (hooks.quarantined, "of other projects (quarantined)"),
    ];
    let mut parts = vec![last];
    if hooks.waiting > 0 {
        parts.push(format!("{} waiting to be applied", hooks.waiting));
    }
    parts.extend(trouble.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")));
    if trouble.iter().any(|(count, _)| *count > 0) {
        parts.push("the board lists them under Activity".to_owned());
    }
    parts.join("; ")
}

/// When everything was last compared with Azure DevOps, and what that found beside what hooks had told.
fn compared(known: &Reconciled, has_hooks: bool, now: Timestamp) -> String {
    let done = known.done_at.map_or("never yet: whatever receives webhooks does it, such as `kanado serve`".to_owned(), |at| {
        format!("with Azure DevOps {}", ago(at, now))
    });
    let healed = match (known.done_at, has_hooks) {
        (Some(_), true) if known.healed_total == 0 => "; webhooks never missed anything".to_owned(),
        (Some(_), true) => {
            format!("; changes that webhooks had missed: {} the last time, {} in all", known.healed_last, known.healed_total)
        }
        _ => String::new(),
    };
    let since = known.failed.as_ref().map_or(String::new(), |words| format!("; since then: {}", inert(words)));
    format!("{done}{healed}{since}")
}

/// A webhook a line: what it is for, how it stands, what came.
fn hook_lines(hooks: &HookHealth, now: Timestamp) -> Vec<String> {
    let width = widest(hooks.subscriptions.iter().map(|one| one.purpose.word())).max(16);
    let source =
        |one: &Subscription| hooks.sources.iter().find(|source| source.subscription.is_some() && source.subscription == one.remote);
    let states = widest(hooks.subscriptions.iter().map(|one| one.state.words()));
    let line = |name: &str, state: &str, words: &str| format!("  {}  {}  {words}", fit(name, width), fit(state, states));
    let mut lines: Vec<String> = hooks
        .subscriptions
        .iter()
        .map(|one| {
            let told = source(one).map_or("nothing came yet".to_owned(), |source| told(source, now));
            let problem = one.problem.as_ref().map_or(String::new(), |words| format!("; {}", inert(words)));
            let words = one.state.words();
            // Of one that is to deliver and does not, events are lost.
            let delivers = matches!(one.state, SubscriptionState::Enabled | SubscriptionState::Making | SubscriptionState::Removing);
            let state = if delivers { words.to_owned() } else { words.to_uppercase() };
            line(one.purpose.word(), &state, &format!("{told}{problem}"))
        })
        .collect();
    for source in &hooks.sources {
        if !hooks.subscriptions.iter().any(|one| one.remote.is_some() && one.remote == source.subscription) {
            lines.push(line("made by a person", "", &told(source, now)));
        }
    }
    if !lines.is_empty() {
        lines.insert(0, "  webhooks".to_owned());
    }
    lines
}

fn told(source: &DeliverySource, now: Timestamp) -> String {
    let count = if source.deliveries == 1 { "1 delivery".to_owned() } else { format!("{} deliveries", source.deliveries) };
    let gaps = if source.gaps > 0 { format!("; {} in between are missing, perhaps lost", source.gaps) } else { String::new() };
    format!("{count}, the last {}{gaps}", ago(source.last_at, now))
}
