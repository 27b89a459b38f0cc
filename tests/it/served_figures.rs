//! What `serve` says of delivery under `/metrics`, over HTTP: well formed, and the same as the figures themselves.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kanado::action::hooks;
use kanado::domain::project::Project;
use kanado::domain::rate_limit::RateLimit;
use kanado::hook::{HookOptions, Server};
use kanado::metrics::figures::{Figures, Value};
use kanado::metrics::query::{Query, Window};
use kanado::metrics::{production, summarise};
use kanado::sim;
use kanado::sim::generate::Size;
use kanado::sync::wake::Wake;
use tokio_util::sync::CancellationToken;

use crate::support::measured::Measured;
use crate::support::open_metrics::Exposition;
use crate::support::patience::until;
use crate::support::receiver::free_address;

fn start() -> Timestamp {
    "2026-11-20T15:30:00Z".parse().unwrap()
}

/// The receiver of a measured organisation.
struct Serving {
    url: String,
    http: reqwest::Client,
    end: CancellationToken,
    server: tokio::task::JoinHandle<Result<(), kanado::hook::Error>>,
}

impl Serving {
    async fn of(measured: &Measured) -> Self {
        let ctx = &measured.services.ctx;
        hooks::generate(ctx, &measured.projects[0]).await.unwrap();
        let server = Server::bind(HookOptions::on(free_address()), &measured.services, Wake::default()).await.unwrap();
        let (url, end) = (format!("{}/metrics", server.url()), CancellationToken::new());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { url, http, server: tokio::spawn(server.serve_until(end.clone())), end }
    }

    async fn text(&self) -> String {
        let answer = self.http.get(&self.url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
        answer.text().await.unwrap()
    }

    async fn read(&self) -> Exposition {
        let text = self.text().await;
        Exposition::read(&text).unwrap_or_else(|why| panic!("{why}\n{text}"))
    }

    async fn stop(self) {
        self.end.cancel();
        self.server.await.unwrap().unwrap();
    }
}

/// The figures of the last 30 days, asked for here and now.
async fn figures(measured: &Measured, project: &Project) -> Figures {
    let ctx = &measured.services.ctx;
    let now = ctx.clock.now();
    let query = Query::new(vec![project.id], Window::last(30, now), ctx.config.metrics.rules.clone());
    let kinds = ctx.store.stage_kinds(&[project.id]).await.unwrap();
    let input = ctx.store.metric_input(&query, &production::wanted(&kinds, &query)).await.unwrap();
    summarise(&input, &query, now)
}

/// Number and unit of a figure; nothing where nothing is measured.
fn number(value: &Value) -> Option<(f64, &'static str)> {
    match value {
        Value::Times { median, .. } | Value::Censored { median, .. } => Some((*median, "seconds")),
        Value::AtLeast { seconds, .. } => Some((*seconds, "seconds")),
        Value::Rate { k, n, .. } => (*n > 0).then(|| (*k as f64 / *n as f64, "ratio")),
        Value::Frequency { per_day, .. } => Some((*per_day, "per_day")),
        Value::Count { count } => Some((*count as f64, "count")),
        Value::NotMeasured { .. } | Value::NoProduction | Value::Backfilling { .. } | Value::Few { .. } => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_served_are_those_of_the_store() {
    let measured = Measured::generated(Size::S, start()).await;
    assert!(measured.collect().await.is_complete());
    let project = &measured.projects[0];
    let serving = Serving::of(&measured).await;
    until("the figures are served", async || serving.text().await.contains("kanado_delivery_value{")).await;
    let served = serving.read().await;
    let figures = figures(&measured, project).await;
    let prefix = project.prefix.as_str();

    assert_eq!(figures.tiles.len(), 10);
    let mut values = 0;
    for tile in &figures.tiles {
        let of = [("project", prefix), ("metric", tile.metric.name())];
        if let Some((value, unit)) = number(&tile.value) {
            let labels = [of[0], of[1], ("unit", unit), ("definition", "ours")];
            assert_eq!(served.value("kanado_delivery_value", &labels), Some(value), "{:?}", tile.metric);
            values += 1;
        }
        assert_eq!(served.value("kanado_delivery_sample", &of), Some(tile.n as f64), "{:?}", tile.metric);
        let covered = tile.coverage.as_ref().filter(|coverage| coverage.n > 0).map(|coverage| coverage.k as f64 / coverage.n as f64);
        assert_eq!(served.value("kanado_delivery_coverage_ratio", &of), covered, "{:?}", tile.metric);
        let left_out: f64 = tile.excluded.iter().map(|one| one.count as f64).sum();
        let reasons: Vec<_> = served.of("kanado_delivery_excluded").filter(|(labels, _)| labels["metric"] == tile.metric.name()).collect();
        assert_eq!(reasons.len(), tile.excluded.len(), "{reasons:?}");
        assert_eq!(reasons.iter().map(|(_, count)| count).sum::<f64>(), left_out, "{reasons:?}");
    }
    assert!(values >= 8, "only {values} figures of a whole organisation have a value");
    assert_eq!(served.of("kanado_delivery_value").count(), values, "and nothing beside them");

    let collection = measured.services.ctx.store.collection(project.id).await.unwrap();
    let sources: BTreeSet<&str> = collection.sources.iter().map(|state| state.source.name()).collect();
    for (name, expected) in [("kanado_collection_age_seconds", 0.0), ("kanado_collection_refused", 0.0), ("kanado_collection_failed", 0.0)]
    {
        let said: Vec<_> = served.of(name).collect();
        assert_eq!(said.iter().map(|(labels, _)| labels["source"].as_str()).collect::<BTreeSet<_>>(), sources, "{name}");
        assert!(said.iter().all(|(_, value)| *value == expected), "{name}: {said:?}");
    }
    assert_eq!(served.value("kanado_collection_done_ratio", &[("project", prefix)]), Some(1.0));
    serving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_collected_is_served_without_a_value() {
    let measured = Measured::generated(Size::S, start()).await;
    let serving = Serving::of(&measured).await;
    until("the samples are served", async || serving.text().await.contains("kanado_delivery_sample{")).await;
    let served = serving.read().await;
    assert_eq!(served.of("kanado_delivery_value").count(), 0, "never zero by accident: {served:?}");
    assert!(served.of("kanado_delivery_sample").all(|(_, n)| n == 0.0));
    assert_eq!(served.of("kanado_collection_age_seconds").count(), 0);
    assert_eq!(served.value("kanado_collection_done_ratio", &[("project", measured.projects[0].prefix.as_str())]), Some(0.0));
    serving.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_azure_devops_is_served_as_it_was_counted_and_said() {
    let measured = Measured::of(sim::Options::default()).await;
    let (ctx, control) = (&measured.services.ctx, measured.control());
    let before = ctx.clients.requests();
    control.reset_requests();
    assert!(measured.collect().await.is_complete());
    assert!(ctx.store.rate_limits().await.unwrap().is_empty(), "nothing is written while the service says nothing");
    for fault in ["429:times=2:retry-after=none:bare", "cut:at=9", "503:at=12", "200-retry-after:at=15:retry-after=1"] {
        control.add_fault(fault.parse().unwrap());
    }
    assert!(measured.collect().await.is_complete());
    let hit: Vec<_> = control.faults().into_iter().map(|armed| armed.hit).collect();
    assert_eq!(hit, [2, 1, 1, 1]);
    let organisation = measured.projects[0].organisation;
    let kept = ctx.store.rate_limits().await.unwrap();
    assert_eq!(kept[&organisation].limit, Some(200.0), "{kept:?}");

    // Another process is told of more.
    let now = ctx.clock.now();
    let at = |seconds| now + jiff::SignedDuration::from_secs(seconds);
    let said =
        RateLimit { limit: Some(200.0), remaining: Some(81.5), reset_at: Some(at(300)), told_to_wait: Some(at(120)), said_at: at(9) };
    assert!(ctx.store.put_rate_limit(organisation, &said).await.unwrap());
    let serving = Serving::of(&measured).await;
    let served = serving.read().await;
    let requests = |outcome| served.value("kanado_azure_devops_requests_total", &[("outcome", outcome)]).unwrap();
    assert_eq!((requests("throttled"), requests("failed")), (2.0, 2.0), "{served:?}");
    let sent = (requests("answered") + requests("throttled") + requests("failed")) as u64;
    assert_eq!(sent - before.answered, control.requests().arrived, "{served:?}");
    let number = organisation.to_string();
    let limit = |name: &str| served.value(&format!("kanado_azure_devops_rate_limit_{name}"), &[("organisation", number.as_str())]);
    let seconds = |at: Timestamp| Some(at.as_millisecond() as f64 / 1_000.0);
    assert_eq!((limit("tstu"), limit("remaining_tstu")), (Some(200.0), Some(81.5)));
    assert_eq!((limit("wait_until_timestamp_seconds"), limit("said_timestamp_seconds")), (seconds(at(120)), seconds(at(9))));
    serving.stop().await;
}

#[test]
fn the_reader_refuses_what_no_scraper_should_be_given() {
    let good = "# HELP a_b Help.\n# TYPE a_b gauge\na_b{x=\"1\",y=\"q\\\"\\\\\\n\"} 2.5\na_b{x=\"2\"} 3\n# EOF\n";
    let read = Exposition::read(good).unwrap();
    assert_eq!(read.value("a_b", &[("y", "q\"\\\n"), ("x", "1")]), Some(2.5));
    let head = "# HELP a Help.\n# TYPE a gauge\n";
    for (bad, why) in [
        (format!("{head}a 1\n"), "# EOF"),
        (format!("{head}a 1\na 2\n# EOF\n"), "twice"),
        (format!("{head}a{{x=\"1\",x=\"2\"}} 1\n# EOF\n"), "twice"),
        (format!("{head}a{{x=\"1\"y\"}} 1\n# EOF\n"), "comma"),
        (format!("{head}a{{x=\"\\t\"}} 1\n# EOF\n"), "escape"),
        (format!("{head}a{{x=\"1}} 1\n# EOF\n"), "without an end"),
        (format!("{head}b 1\n# EOF\n"), "no sample of the gauge a"),
        (format!("{head}a NaN\n# EOF\n"), "no number"),
        (format!("{head}{head}# EOF\n"), "twice"),
        ("# HELP a Help.\n# EOF\n".to_owned(), "no type"),
        ("# TYPE a gauge\na 1\n# EOF\n".to_owned(), "out of place"),
        ("a 1\n# EOF\n".to_owned(), "before its family"),
        ("# HELP a Help.\n# TYPE a counter\na 1\n# EOF\n".to_owned(), "no sample of the counter"),
    ] {
        let told = Exposition::read(&bad).unwrap_err();
        assert!(told.contains(why), "{bad}: {told}");
    }
}
