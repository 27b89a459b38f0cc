//! What can be looked at behind the scene, over HTTP.
//!
//! `GET /_sim/requests`: requests by route and in all; how many arrived, were refused with 429, were under way at once.
//! `GET /_sim/rate`: what everybody spent, the most in a window, how many requests were delayed and refused. `GET /_sim/faults`. `GET /_sim/pullRequests`: number, state,
//! merge, votes. `GET /_sim/branches/{repository}`: names and tips. `GET /_sim/clock`. `GET /_sim/cast`.
//! `GET /_sim/hooks/deliveries`: what was sent and what came back. `GET /_sim/hooks/subscriptions`: everybody's, without secrets.

use serde_json::{Value, json};
use uuid::Uuid;

use super::verb::unknown;
use super::{Control, short};
use crate::sim::cast::Cast;
use crate::sim::reply::Failure;

impl Control {
    /// The answer to `GET /_sim/{what}`.
    pub(super) async fn look(&self, what: &str) -> Result<Value, Failure> {
        match what.split_once('/').unwrap_or((what, "")) {
            ("requests", _) => Ok(self.requests().json()),
            ("rate", _) => Ok(self.rate_json().await),
            ("faults", _) => {
                let rows: Vec<_> = self
                    .sim
                    .faults
                    .list()
                    .iter()
                    .map(|armed| {
                        json!({
                            "id": armed.id, "spec": armed.spec.to_string(),
                            "seen": armed.seen, "hit": armed.hit,
                        })
                    })
                    .collect();
                Ok(json!({ "faults": rows }))
            }
            ("pullRequests", _) => {
                let world = self.sim.read().await;
                let name = |id: Uuid| world.user(id).map_or_else(|| id.to_string(), |user| user.alias().to_owned());
                let rows: Vec<_> = world
                    .pull_requests
                    .values()
                    .map(|row| {
                        let votes: serde_json::Map<String, Value> =
                            row.reviewers.iter().map(|reviewer| (name(reviewer.id), reviewer.vote.into())).collect();
                        json!({
                            "pullRequest": row.id, "title": row.title, "state": row.state.word(),
                            "repository": world.repository(row.repository).map(|place| place.name.clone()),
                            "source": short(&row.source_ref), "target": short(&row.target_ref),
                            "merge": row.merge.status.word(), "commit": row.merge.commit,
                            "draft": row.is_draft, "by": name(row.created_by), "votes": votes,
                        })
                    })
                    .collect();
                Ok(json!({ "pullRequests": rows }))
            }
            ("branches", repository) => {
                let place = self.repository(repository).await?;
                let refs = self.with_git(place.id, |repo| repo.refs("heads/")).await?;
                let rows: serde_json::Map<String, Value> = refs.into_iter().map(|row| (short(&row.name), row.object_id.into())).collect();
                Ok(json!({ "branches": rows }))
            }
            ("hooks", "deliveries") => Ok(json!({ "deliveries": self.deliveries() })),
            ("hooks", "subscriptions") => {
                let rows: Vec<_> = self
                    .subscriptions()
                    .iter()
                    .map(|row| {
                        json!({
                            "id": row.id, "publisher": row.publisher, "eventType": row.event_type, "status": row.status.word(),
                            "project": row.project, "url": row.url(), "publisherInputs": row.publisher_inputs,
                            "consumerInputs": row.masked_consumer_inputs(), "createdBy": row.created_by, "lost": row.lost,
                            "notifications": row.last_notification, "probationRetries": row.probation_retries,
                        })
                    })
                    .collect();
                Ok(json!({ "subscriptions": rows }))
            }
            ("cast", _) => {
                let word = match self.cast() {
                    Cast::Off => "off",
                    Cast::Paused => "paused",
                    Cast::Running => "running",
                };
                Ok(json!({ "state": word }))
            }
            ("clock", _) => Ok(json!({ "now": self.sim.read().await.now().to_string() })),
            (other, _) => Err(unknown(other)),
        }
    }
}
