//! A delivery, a request and a subscription in words, and times of day: what logs and the hooks' health are written with.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::style::Style;

use crate::domain::hook::{Delivery, DeliveryState, Purpose, SubscriptionState};
use crate::notice::inert;
use crate::tui::answer::RequestRow;
use crate::tui::theme::Theme;

/// `09:14:03`, with the day where it was another one. It does not grow old, so an idle list stands still.
pub fn clock(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (at.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let format = if at.date() == now.date() { "%H:%M:%S" } else { "%d %b %H:%M" };
    at.strftime(format).to_string()
}

/// The same with everything, for a place with room.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%d %b %Y %H:%M:%S %Z").to_string()
}

/// What a subscription is for, as a list says it.
pub fn purpose_words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::PullRequestCreated => "pull request created",
        Purpose::PullRequestMerged => "merge attempted",
        Purpose::PullRequestPush => "pull request pushed to",
        Purpose::PullRequestReviewers => "reviewers changed",
        Purpose::PullRequestStatus => "pull request status",
        Purpose::PullRequestVote => "vote",
        Purpose::PullRequestComment => "comment",
        Purpose::Push => "push",
        Purpose::RepositoryCreated => "repository created",
        Purpose::RepositoryRenamed => "repository renamed",
        Purpose::RepositoryDeleted => "repository deleted",
        Purpose::RepositoryStatus => "repository status",
        Purpose::BuildCompleted => "build completed",
        Purpose::RunState => "run state",
        Purpose::StageState => "stage state",
        Purpose::DeploymentCompleted => "deployment completed",
        Purpose::WorkItemCreated => "work item created",
        Purpose::WorkItemUpdated => "work item updated",
        Purpose::WorkItemDeleted => "work item deleted",
        Purpose::WorkItemRestored => "work item restored",
        Purpose::WorkItemCommented => "work item commented",
    }
}

/// What a delivery tells of: by the path it came to, else by its event type; an unknown type as it is.
pub fn event_words(delivery: &Delivery) -> String {
    if let Some(purpose) = delivery.purpose.as_deref().and_then(Purpose::parse) {
        return purpose_words(purpose).to_owned();
    }
    match delivery.event_type.as_deref() {
        None | Some("") => "no event type".to_owned(),
        Some("git.pullrequest.updated") => "pull request updated".to_owned(),
        Some(event_type) => match Purpose::ALL.into_iter().find(|purpose| purpose.event().event_type == event_type) {
            Some(purpose) => purpose_words(purpose).to_owned(),
            None => event_type.to_owned(),
        },
    }
}

pub fn state_words(delivery: &Delivery, theme: &Theme) -> (&'static str, Style) {
    match delivery.state {
        DeliveryState::Waiting if delivery.tries > 0 => ("retrying", theme.warn),
        DeliveryState::Waiting => ("waiting", theme.accent),
        DeliveryState::Applied => ("applied", theme.good),
        DeliveryState::Ignored => ("ignored", theme.dim),
        DeliveryState::Test => ("test", theme.dim),
        DeliveryState::Quarantined => ("quarantined", theme.warn),
        DeliveryState::Dead => ("dead", theme.bad),
        DeliveryState::Parked => ("parked", theme.bad),
    }
}

pub fn subscription_words(state: SubscriptionState, theme: &Theme) -> (&'static str, Style) {
    let style = match state {
        SubscriptionState::Making => theme.accent,
        SubscriptionState::Enabled => theme.good,
        SubscriptionState::OnProbation => theme.warn,
        SubscriptionState::DisabledByUser
        | SubscriptionState::DisabledBySystem
        | SubscriptionState::DisabledByInactiveIdentity
        | SubscriptionState::Missing => theme.bad,
        SubscriptionState::Removing => theme.dim,
    };
    (state.words(), style)
}

/// What stands above a delivery's body, line by line.
pub fn facts(delivery: &Delivery, zone: &TimeZone) -> Vec<String> {
    let state = match delivery.state {
        DeliveryState::Waiting => "waits to be applied",
        DeliveryState::Applied => "applied",
        DeliveryState::Ignored => "understood; nothing on the board depends on it",
        DeliveryState::Test => "a test; it changes nothing",
        DeliveryState::Quarantined => "of another project than its address says; believed in nothing",
        DeliveryState::Dead => "not to be understood",
        DeliveryState::Parked => "understood, but applying it failed again and again",
    };
    let mut lines = vec![format!("state         {state}")];
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            lines.push(format!("{name:<13} {}", inert(&value)));
        }
    };
    row("words", delivery.words.clone());
    row("tries", (delivery.tries > 0).then(|| delivery.tries.to_string()));
    row("received", Some(moment(delivery.received_at, zone)));
    row("settled", delivery.settled_at.map(|at| moment(at, zone)));
    row("event type", delivery.event_type.clone());
    row("event", delivery.event_id.clone());
    row("subscription", delivery.subscription.as_ref().map(ToString::to_string));
    row("notification", delivery.notification.map(|number| number.to_string()));
    row("came to", delivery.purpose.clone());
    row("bytes", Some(delivery.bytes.to_string()));
    lines.push(String::new());
    lines
}

/// A request with everything that is known of it.
pub fn request_facts(row: &RequestRow, zone: &TimeZone) -> Vec<String> {
    let answer = match (row.status, row.trouble) {
        (Some(status), _) => status.to_string(),
        (None, Some(trouble)) => format!("none: {trouble}"),
        (None, None) => "none".to_owned(),
    };
    let mut lines = vec![
        format!("path      {}", inert(&row.path)),
        format!("answer    {answer} after {} ms", row.duration_ms),
        format!("sent      {}", moment(row.at, zone)),
    ];
    lines.extend(row.activity_id.as_ref().map(|id| format!("activity  {}", inert(id))));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ProjectId;

    fn delivery(purpose: Option<&str>, event_type: Option<&str>) -> Delivery {
        Delivery {
            id: 1,
            project: ProjectId(1),
            purpose: purpose.map(str::to_owned),
            event_type: event_type.map(str::to_owned),
            event_id: None,
            subscription: None,
            notification: None,
            received_at: Timestamp::UNIX_EPOCH,
            bytes: 0,
            state: DeliveryState::Waiting,
            tries: 0,
            words: None,
            settled_at: None,
        }
    }

    #[test]
    fn a_delivery_is_named_by_its_path_then_by_its_event() {
        let named = |purpose, event_type| event_words(&delivery(purpose, event_type));
        assert_eq!(named(Some("pull-request-vote"), Some("git.pullrequest.updated")), "vote");
        assert_eq!(named(None, Some("git.pullrequest.updated")), "pull request updated");
        assert_eq!(named(Some("boards"), Some("workitem.created")), "work item created");
        assert_eq!(named(None, Some("build.started")), "build.started");
        assert_eq!(named(None, None), "no event type");
    }

    #[test]
    fn a_time_of_another_day_says_which() {
        let now = Timestamp::from_second(1_795_338_000).expect("a time");
        let ago = |seconds| clock(now - jiff::SignedDuration::from_secs(seconds), now, &TimeZone::UTC);
        assert_eq!(ago(3), "08:59:57");
        assert_eq!(ago(86_400), "21 Nov 09:00");
    }
}
