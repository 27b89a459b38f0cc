//! What is asked of Azure DevOps, for `/metrics`: how many requests this process sent and how they ended, and what is left of the rate
//! limit, as any process was told last.
//!
//! Organisations are named by the number that the store gave them (`kanado health --json` has it beside the name): anybody may ask for
//! the figures. What the service has not said, or what is over, has no value.

use std::collections::BTreeMap;

use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::handle::READ_APART;
use crate::domain::id::OrganisationId;
use crate::domain::rate_limit::{RateLimit, Requests};
use crate::services::Services;

type Numbers = Family<[(&'static str, String); 1], Gauge<f64, std::sync::atomic::AtomicU64>>;
type Limits = BTreeMap<OrganisationId, RateLimit>;

/// Reads what there is to tell.
pub struct Asking {
    services: Services,
    /// As they were last read.
    limits: Mutex<Option<(Instant, Limits)>>,
}

impl Asking {
    pub fn new(services: Services) -> Self {
        Self { services, limits: Mutex::new(None) }
    }

    /// Adds the figures as they are now.
    pub async fn register(&self, registry: &mut Registry, now: Timestamp) {
        requests(registry, self.services.ctx.clients.requests());
        let mut remembered = self.limits.lock().await;
        if remembered.as_ref().is_none_or(|(at, _)| at.elapsed() >= READ_APART) {
            match self.services.rate_limits().await {
                Ok(found) => *remembered = Some((Instant::now(), found)),
                Err(error) => {
                    tracing::warn!("the rate limits are left out: {error}");
                    return;
                }
            }
        }
        if let Some((_, found)) = &*remembered {
            limits(registry, found, now);
        }
    }
}

/// All outcomes, also those that never came: what rises from nothing is seen only so.
fn requests(registry: &mut Registry, requests: Requests) {
    let family = Family::<[(&'static str, &'static str); 1], Counter>::default();
    for (outcome, count) in [("answered", requests.answered), ("throttled", requests.throttled), ("failed", requests.failed)] {
        family.get_or_create(&[("outcome", outcome)]).inc_by(count);
    }
    registry.register("azure_devops_requests", "Requests that this process sent to Azure DevOps, by how they ended", family);
}

fn limits(registry: &mut Registry, found: &Limits, now: Timestamp) {
    let mut put = |name: &str, help: &str, value: &dyn Fn(&RateLimit) -> Option<f64>| {
        let family = Numbers::default();
        for (organisation, said) in found {
            if let Some(value) = value(said) {
                family.get_or_create(&[("organisation", organisation.to_string())]).set(value);
            }
        }
        registry.register(name, help, family);
    };
    let seconds = |at: Timestamp| at.as_millisecond() as f64 / 1_000.0;
    put("azure_devops_rate_limit_tstu", "What Azure DevOps allows in its window, while it says so", &|said| Some(said.left(now)?.1));
    put("azure_devops_rate_limit_remaining_tstu", "What is left of it; said only near the limit", &|said| Some(said.left(now)?.0));
    put("azure_devops_rate_limit_wait_until_timestamp_seconds", "Until when Azure DevOps told us to wait, while that lasts", &|said| {
        Some(seconds(said.waits_until(now)?))
    });
    put("azure_devops_rate_limit_said_timestamp_seconds", "When Azure DevOps said something of its limit last", &|said| {
        Some(seconds(said.said_at))
    });
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn text(said: RateLimit, now: Timestamp) -> String {
        let mut registry = Registry::with_prefix("kanado");
        requests(&mut registry, Requests { answered: 7, throttled: 2, failed: 0 });
        limits(&mut registry, &Limits::from([(OrganisationId(3), said)]), now);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn what_is_over_or_was_never_said_has_no_value() {
        let at = |seconds| now() + SignedDuration::from_secs(seconds);
        let said =
            RateLimit { limit: Some(200.0), remaining: Some(81.5), reset_at: Some(at(200)), told_to_wait: Some(at(12)), said_at: at(-60) };
        let told = text(said, now());
        for line in [
            "kanado_azure_devops_requests_total{outcome=\"answered\"} 7",
            "kanado_azure_devops_requests_total{outcome=\"throttled\"} 2",
            "kanado_azure_devops_requests_total{outcome=\"failed\"} 0",
            "kanado_azure_devops_rate_limit_tstu{organisation=\"3\"} 200.0",
            "kanado_azure_devops_rate_limit_remaining_tstu{organisation=\"3\"} 81.5",
            "kanado_azure_devops_rate_limit_wait_until_timestamp_seconds{organisation=\"3\"} 1795341612.0",
            "kanado_azure_devops_rate_limit_said_timestamp_seconds{organisation=\"3\"} 1795341540.0",
        ] {
            assert!(told.lines().any(|found| found == line), "{line}\n{told}");
        }
        let over = text(said, at(200));
        assert!(!over.contains("tstu{") && !over.contains("wait_until_timestamp_seconds{"), "{over}");
        assert!(over.contains("said_timestamp_seconds{organisation=\"3\"}"), "{over}");
        let bare = text(RateLimit { limit: None, remaining: None, ..said }, now());
        assert!(!bare.contains("tstu{") && bare.contains("wait_until_timestamp_seconds{"), "{bare}");
    }
}
