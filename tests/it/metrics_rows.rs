//! Figures read from rows as the benchmark makes them, at a small size: the same code, and what it must find.

#[path = "../../benches/metrics/data.rs"]
#[allow(dead_code)]
mod data;

use data::{Size, fill, now};
use kanado::metrics;
use kanado::metrics::figures::Metric;
use kanado::metrics::production::wanted;
use kanado::metrics::query::{Query, Rules, Window};
use kanado::store::{Location, Store};

const SMALL: Size = Size { projects: 3, repositories: 6, pull_requests: 120, builds: 600, days: 30 };

#[tokio::test(flavor = "multi_thread")]
async fn what_was_filled_in_is_what_figures_are_read_from() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(&Location::in_directory(directory.path())).await.expect("a store");
    fill(&store, SMALL).await;
    let rows = store.rows().await.expect("counts");

    let query = Query::new(Vec::new(), Window::last(30, now()), Rules::default());
    let projects: Vec<_> = store.measured_projects().await.expect("projects").into_iter().map(|(id, _)| id).collect();
    assert_eq!(projects.len(), 3);
    let kinds = store.stage_kinds(&projects).await.expect("kinds");
    // Each repository has a pipeline: its runs as wholes, and where it deployed, two stages.
    assert_eq!(kinds.iter().filter(|kind| kind.stage.is_empty()).count(), 6);
    let input = store.metric_input(&query, &wanted(&kinds, &query)).await.expect("rows");
    // One run of ten deploys, and has one production stage of two.
    assert_eq!(input.stages.len(), 60);
    assert_eq!(input.flows.len(), 120);
    assert_eq!(input.tips.len(), 120);
    assert_eq!(input.incidents.len(), 3);
    assert!(input.linkage.linked_pull_requests > 0 && input.linkage.linked_commits > 0 && !input.linkage.items.is_empty());

    let figures = metrics::summarise(&input, &query, now());
    let n = |metric| figures.tile(metric).map_or(0, |tile| tile.n);
    assert!(n(Metric::DeploymentFrequency) > 0 && n(Metric::LeadTime) > 0 && n(Metric::CycleTime) > 0, "{figures:?}");

    // Filled in once more: everything is known already.
    fill(&store, SMALL).await;
    let again = store.metric_input(&query, &wanted(&kinds, &query)).await.expect("rows");
    assert_eq!(store.rows().await.expect("counts"), rows);
    assert_eq!(metrics::summarise(&again, &query, now()), figures);
}
