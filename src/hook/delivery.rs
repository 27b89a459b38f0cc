//! Delivery figures of the measured projects for `/metrics`: computed beside the receiver, at most once a minute and only when facts
//! changed; a request reads what was computed last, and waits for nothing.
//!
//! The window is the last 30 days, the definition the configuration's. What is not measured has no value, only its sample and what was
//! left out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::broadcast::error::RecvError;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::config::Metrics;
use crate::domain::change::Change;
use crate::domain::collection::Collection;
use crate::metrics::figures::{Figures, Metric, Value};
use crate::metrics::query::Query;
use crate::metrics::{period, production, summarise, telling};
use crate::store::{self, Store};

/// Computed not more often than this.
const APART: Duration = Duration::from_secs(60);
/// The window moves on although nothing changes.
const AGAIN: Duration = Duration::from_secs(15 * 60);
const DAYS: u16 = 30;

type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Gauge<f64, std::sync::atomic::AtomicU64>>;

/// A project by its prefix, with its figures once they were computed.
#[derive(Debug, Clone)]
struct Measured {
    prefix: String,
    collection: Collection,
    figures: Arc<Figures>,
}

/// What was computed last.
#[derive(Default)]
pub struct Delivery {
    last: Mutex<Vec<Measured>>,
}

impl Delivery {
    /// Computes now and whenever facts have changed. Ends only with the store.
    pub async fn follow(&self, store: Store, clock: Clock, settings: Metrics) {
        let mut changes = store.subscribe();
        loop {
            match self.compute(&store, &clock, &settings).await {
                Ok(measured) => *self.last.lock().unwrap_or_else(PoisonError::into_inner) = measured,
                Err(error) => tracing::warn!("the delivery figures stay as they were: {error}"),
            }
            tokio::time::sleep(APART).await;
            let changed = async {
                loop {
                    match changes.recv().await {
                        Ok(Change::Facts(_) | Change::Project(_) | Change::Elsewhere) | Err(RecvError::Lagged(_)) => return,
                        Ok(_) => {}
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            // Whichever comes first: both mean that it is worth looking again.
            let _ = tokio::time::timeout(AGAIN, changed).await;
        }
    }

    async fn compute(&self, store: &Store, clock: &Clock, settings: &Metrics) -> store::Result<Vec<Measured>> {
        let now = clock.now();
        let projects = store.projects().await?;
        let mut all = Vec::new();
        for (id, _) in store.measured_projects().await? {
            let Some(project) = projects.iter().find(|project| project.id == id) else { continue };
            let zone = store.zone_of(&[id], &settings.time_zone).await?.zone;
            let mut query = Query::new(vec![id], period::Span::Days(DAYS).window(&zone, now), settings.rules.clone());
            query.zone = zone;
            query.definition = settings.definition;
            let kinds = store.stage_kinds(&[id]).await?;
            let input = store.metric_input(&query, &production::wanted(&kinds, &query)).await?;
            let collection = store.collection(id).await?;
            let computed = tokio::task::spawn_blocking(move || summarise(&input, &query, now)).await;
            match computed {
                Ok(figures) => all.push(Measured { prefix: project.prefix.clone(), collection, figures: Arc::new(figures) }),
                Err(error) => tracing::warn!("the figures of {} could not be computed: {error}", project.prefix),
            }
        }
        Ok(all)
    }

    /// Adds what was computed last.
    pub fn register(&self, registry: &mut Registry, now: Timestamp) {
        let measured = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if measured.is_empty() {
            return;
        }
        let mut put = |name: &str, help: &str, rows: Vec<(Labels, f64)>| {
            let family = Numbers::default();
            for (labels, value) in rows {
                family.get_or_create(&labels).set(value);
            }
            registry.register(name, help, family);
        };
        let tiles = || measured.iter().flat_map(|one| one.figures.tiles.iter().map(move |tile| (&one.prefix, tile)));
        let of = |prefix: &str, metric: Metric| vec![("project", prefix.to_owned()), ("metric", metric.name().to_owned())];
        let with = |mut labels: Labels, name: &'static str, value: &str| {
            labels.push((name, value.to_owned()));
            labels
        };
        let values = tiles().filter_map(|(prefix, tile)| {
            let labels = with(of(prefix, tile.metric), "unit", unit(&tile.value)?);
            Some((with(labels, "definition", tile.definition.name()), telling::scalar(&tile.value)?))
        });
        put("delivery_value", "Figures of the last 30 days: seconds (median), ratio, per_day or count", values.collect());
        let samples = tiles().map(|(prefix, tile)| (of(prefix, tile.metric), tile.n as f64));
        put("delivery_sample", "How many each figure rests on", samples.collect());
        let excluded = tiles().flat_map(|(prefix, tile)| {
            let labels = of(prefix, tile.metric);
            tile.excluded.iter().map(move |one| {
                let reason = serde_json::to_value(one.reason).ok().and_then(|word| word.as_str().map(str::to_owned));
                (with(labels.clone(), "reason", &reason.unwrap_or_default()), one.count as f64)
            })
        });
        put("delivery_excluded", "What was left out of each figure, by reason", excluded.collect());
        let coverage = tiles().filter_map(|(prefix, tile)| {
            let coverage = tile.coverage.as_ref().filter(|coverage| coverage.n > 0)?;
            Some((of(prefix, tile.metric), coverage.k as f64 / coverage.n as f64))
        });
        put("delivery_coverage_ratio", "How much of what could be measured each figure covers", coverage.collect());
        let sources = || measured.iter().flat_map(|one| one.collection.sources.iter().map(move |state| (&one.prefix, state)));
        let source = |prefix: &str, name: &str| vec![("project", prefix.to_owned()), ("source", name.to_owned())];
        let ages = sources()
            .filter_map(|(prefix, state)| Some((source(prefix, state.source.name()), now.duration_since(state.synced_at?).as_secs_f64())));
        put("collection_age_seconds", "Since each source of facts was last read in full", ages.collect());
        let refused = sources().map(|(prefix, state)| (source(prefix, state.source.name()), f64::from(u8::from(state.refused.is_some()))));
        put("collection_refused", "1 where a scope or permission for the source is missing", refused.collect());
        let failed = sources().map(|(prefix, state)| (source(prefix, state.source.name()), f64::from(u8::from(state.failed.is_some()))));
        put("collection_failed", "1 where the last attempt to read the source failed", failed.collect());
        let done = measured.iter().map(|one| (vec![("project", one.prefix.clone())], f64::from(one.collection.percent()) / 100.0));
        put("collection_done_ratio", "How much of the first collection is done", done.collect());
    }
}

fn unit(value: &Value) -> Option<&'static str> {
    match value {
        Value::Times { .. } | Value::Censored { .. } | Value::AtLeast { .. } => Some("seconds"),
        Value::Rate { .. } => Some("ratio"),
        Value::Frequency { .. } => Some("per_day"),
        Value::Count { .. } => Some("count"),
        Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. } | Value::Few { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::domain::collection::{Source, SourceState};
    use crate::metrics::fixture;

    #[test]
    fn what_is_not_measured_has_no_value_but_its_sample_and_what_was_left_out() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let figures = fixture::figures(vec![
            fixture::tile(Metric::LeadTime, Value::Times { median: 90_000.0, low: 1.0, high: 2.0, p85: None, p95: None }),
            fixture::tile(Metric::ChangeFailRate, Value::NotMeasured { why: "no source".to_owned() }),
        ]);
        let states = [
            SourceState {
                synced_at: Some(now - jiff::SignedDuration::from_secs(90)),
                backfilled_at: Some(now),
                ..SourceState::new(Source::Builds)
            },
            SourceState { refused: Some("the token lacks Work Items (read)".to_owned()), ..SourceState::new(Source::WorkItems) },
        ];
        let collection = Collection { sources: states.to_vec(), from: None };
        let delivery = Delivery::default();
        *delivery.last.lock().unwrap() = vec![Measured { prefix: "KAN".to_owned(), collection, figures: Arc::new(figures) }];
        let mut registry = Registry::with_prefix("kanado");
        delivery.register(&mut registry, now);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "kanado_delivery_value{project=\"KAN\",metric=\"lead_time\",unit=\"seconds\",definition=\"ours\"} 90000.0",
            "kanado_delivery_sample{project=\"KAN\",metric=\"change_fail_rate\"} 41.0",
            "kanado_delivery_excluded{project=\"KAN\",metric=\"lead_time\",reason=\"not_deployed\"} 7.0",
            "kanado_delivery_coverage_ratio{project=\"KAN\",metric=\"lead_time\"} 0.75",
            "kanado_collection_age_seconds{project=\"KAN\",source=\"builds\"} 90.0",
            "kanado_collection_refused{project=\"KAN\",source=\"work_items\"} 1.0",
            "kanado_collection_done_ratio{project=\"KAN\"} 1.0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("kanado_delivery_value{project=\"KAN\",metric=\"change_fail_rate\""));
        assert!(!text.contains("collection_age_seconds{project=\"KAN\",source=\"work_items\""), "it was never read");
    }

    #[test]
    fn nothing_is_said_before_anything_was_computed() {
        let mut registry = Registry::with_prefix("kanado");
        Delivery::default().register(&mut registry, Timestamp::UNIX_EPOCH);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert_eq!(text, "# EOF\n");
    }
}
