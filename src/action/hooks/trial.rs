//! Trying a subscription: Azure DevOps delivers a sample event, and tells whether it was taken.

use std::time::Duration;

use serde::Serialize;

use crate::ado::{Client, HookSecret, NewHook};
use crate::domain::fact::HookNotification;
use crate::domain::id::Guid;

/// What a trial showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "words")]
pub enum Trial {
    Arrived,
    /// It was sent and not taken.
    Failed(String),
    /// It could not be tried, or its outcome is not told: nothing is known.
    Unknown(String),
}

/// How often an outcome that is still open is asked for.
const LOOKS: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(500);

/// How long a receiver in another process may take to hear of a new secret.
const HEARS_WITHIN: Duration = Duration::from_millis(1_200);

/// Sends a sample event through a subscription. Without its secret Azure DevOps uses the one it holds. A secret that was just made up and
/// is refused is tried once more.
pub(super) async fn trial(client: &Client, hook: &NewHook, id: &Guid, secret: Option<&HookSecret>) -> Trial {
    match once(client, hook, id, secret).await {
        Trial::Failed(words) if secret.is_some() && words.contains("401") => {
            tokio::time::sleep(HEARS_WITHIN).await;
            once(client, hook, id, secret).await
        }
        other => other,
    }
}

async fn once(client: &Client, hook: &NewHook, id: &Guid, secret: Option<&HookSecret>) -> Trial {
    let sent = match client.test_hook_subscription(hook, id, secret).await {
        Ok(sent) => sent,
        // Whether a test is allowed depends on rights that making a hook does not need.
        Err(error) => return Trial::Unknown(error.to_string()),
    };
    if let Some(outcome) = outcome(&sent) {
        return outcome;
    }
    for _ in 0..LOOKS {
        tokio::time::sleep(BETWEEN).await;
        let Ok(history) = client.hook_notifications(hook.event.publisher, id, 20).await else { break };
        if let Some(outcome) = history.iter().find(|known| known.number == sent.number).and_then(outcome) {
            return outcome;
        }
    }
    Trial::Unknown("Azure DevOps has not told yet what came of the test".to_owned())
}

fn outcome(notification: &HookNotification) -> Option<Trial> {
    match notification.result.to_ascii_lowercase().as_str() {
        "succeeded" => Some(Trial::Arrived),
        "failed" => {
            let words = notification.error.as_deref().unwrap_or("the receiver did not take it");
            Some(Trial::Failed(crate::notice::inert(words).chars().take(300).collect()))
        }
        "filtered" => Some(Trial::Unknown("the test was filtered out".to_owned())),
        _ => None,
    }
}
