//! The receiver's figures in the OpenMetrics text format, for Prometheus.
//!
//! They name projects by the prefix of their keys, organisations by a number, and nobody and nothing else. A figure that is not known is
//! left out.

use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::handle::{Desk, READ_APART};
use crate::domain::health::{HookHealth, Live};
use crate::domain::hook::DeliveryState;
use crate::store::{InboxFigures, Kept};

pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = [(&'static str, &'static str); 1];
type ProjectLabels = [(&'static str, String); 1];

/// What is counted as it happens.
pub struct Figures {
    answers: Family<[(&'static str, String); 1], Counter>,
    deliveries: Family<Labels, Counter>,
    seconds: Histogram,
    bytes: Counter,
    strangers: Counter,
    /// The figures of the projects as they were last read.
    projects: Mutex<Option<(Instant, Vec<Project>)>>,
}

/// By its prefix.
type Project = (String, HookHealth);

impl Default for Figures {
    fn default() -> Self {
        let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        Self {
            answers: Family::default(),
            deliveries: Family::default(),
            seconds: Histogram::new(bounds),
            bytes: Counter::default(),
            strangers: Counter::default(),
            projects: Mutex::new(None),
        }
    }
}

impl Figures {
    /// A request was answered; a delivery's took this long.
    pub fn answered(&self, status: StatusCode, delivery: Option<Duration>) {
        self.answers.get_or_create(&[("status", status.as_str().to_owned())]).inc();
        if let Some(took) = delivery {
            self.seconds.observe(took.as_secs_f64());
        }
    }

    pub fn stranger(&self) {
        self.strangers.inc();
    }

    /// A delivery is on the disk.
    pub fn kept(&self, kept: Kept, state: DeliveryState, bytes: usize) {
        let outcome = match (kept, state) {
            (Kept::Again(_), _) => "again",
            (Kept::New(_), DeliveryState::Test) => "test",
            (Kept::New(_), DeliveryState::Quarantined) => "quarantined",
            (Kept::New(_), DeliveryState::Dead) => "dead",
            (Kept::New(_), _) => "new",
        };
        self.deliveries.get_or_create(&[("outcome", outcome)]).inc();
        self.bytes.inc_by(bytes as u64);
    }

    /// Everything as text.
    pub async fn text(&self, desk: &Desk) -> String {
        let mut registry = Registry::with_prefix("kanado");
        registry.register("hook_answers", "Requests by the status of their answer", self.answers.clone());
        registry.register("hook_deliveries", "Deliveries kept, by what they were taken for", self.deliveries.clone());
        registry.register_with_unit("hook_answer", "How long deliveries took to answer", Unit::Seconds, self.seconds.clone());
        registry.register_with_unit("hook_bodies", "Size of the bodies kept", Unit::Bytes, self.bytes.clone());
        registry.register("hook_strangers", "Requests without an accepted secret", self.strangers.clone());
        registry.register("hook_connections", "Connections open", gauge(desk.seats.taken() as i64));
        inbox(&mut registry, desk.store.inbox());
        self.projects(&mut registry, desk).await;
        desk.delivery.register(&mut registry, desk.clock.now());
        desk.asking.register(&mut registry, desk.clock.now()).await;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }

    async fn projects(&self, registry: &mut Registry, desk: &Desk) {
        let now = desk.clock.now();
        let mut remembered = self.projects.lock().await;
        if remembered.as_ref().is_none_or(|(at, _)| at.elapsed() >= READ_APART) {
            let read = async {
                let mut found = Vec::new();
                for project in desk.store.projects().await? {
                    found.push((project.prefix, desk.store.hook_health(project.id, now).await?));
                }
                Ok::<_, crate::store::Error>(found)
            };
            match read.await {
                Ok(found) => *remembered = Some((Instant::now(), found)),
                Err(error) => {
                    tracing::warn!("the figures of the projects are left out: {error}");
                    return;
                }
            }
        }
        let Some((_, found)) = &*remembered else { return };
        let mut family = |name: &str, help: &str, value: &dyn Fn(&HookHealth) -> Option<i64>| {
            let family = Family::<ProjectLabels, Gauge>::default();
            for (prefix, health) in found {
                if let Some(value) = value(health) {
                    family.get_or_create(&[("project", prefix.clone())]).set(value);
                }
            }
            registry.register(name, help, family);
        };
        family("project_live", "1 where changes arrive by themselves, 0 where they do not", &|health| {
            Some(i64::from(health.live == Live::Now))
        });
        family("project_receivers", "Processes that receive for the project", &|health| Some(health.receivers.len() as i64));
        family("project_last_delivery_age_seconds", "Since the last delivery arrived", &|health| {
            Some(now.duration_since(health.last_delivery_at?).as_secs())
        });
        family("project_deliveries_waiting", "Deliveries not applied yet", &|health| Some(health.waiting));
        family("project_deliveries_dead", "Deliveries that were not understood", &|health| Some(health.dead));
        family("project_deliveries_parked", "Deliveries that could not be applied", &|health| Some(health.parked));
        family("project_deliveries_quarantined", "Deliveries of another project", &|health| Some(health.quarantined));
        family("project_healed", "Differences that reconciliation found and hooks had missed", &|health| {
            health.reconciled.done_at.map(|_| health.reconciled.healed_total)
        });
        family("project_reconciled_age_seconds", "Since the last comparison with Azure DevOps", &|health| {
            Some(now.duration_since(health.reconciled.done_at?).as_secs())
        });
    }
}

fn inbox(registry: &mut Registry, figures: InboxFigures) {
    let counter = |value: u64| {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        counter
    };
    registry.register("inbox_waiting", "Deliveries that wait to be written", gauge(figures.waiting as i64));
    registry.register("inbox_room", "Deliveries that may wait to be written", gauge(figures.room as i64));
    registry.register("inbox_commits", "Transactions of the inbox", counter(figures.commits));
    registry.register("inbox_rows", "Deliveries in those transactions", counter(figures.rows));
    registry.register("inbox_failures", "Transactions of the inbox that failed", counter(figures.failures));
}

fn gauge(value: i64) -> ConstGauge<i64> {
    ConstGauge::new(value)
}
