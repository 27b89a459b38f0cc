//! The figures twice: by the program, and by a script of SQL that shares no line with it, over the same generated organisations.

use kanado::metrics::figures::{Metric, Phase, Value};
use kanado::metrics::query::{Query, Rules, Window};
use kanado::metrics::{production, summarise};
use kanado::sim::generate::Size;
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection};

use crate::support::measured::Measured;

const SCRIPT: &str = include_str!("second/figures.sql");

/// What the program and the script both say of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Said {
    n: u64,
    /// The median in seconds, or the count that is asked about.
    value: Option<f64>,
    /// Of times, from 19 on.
    p85: Option<f64>,
}

impl Said {
    fn by(value: &Value, n: u64) -> Self {
        let middle = |seconds: &[f64]| {
            let (low, high) = ((seconds.len() - 1) / 2, seconds.len() / 2);
            (seconds[low] + seconds[high]) / 2.0
        };
        let (value, p85) = match value {
            Value::Times { median, p85, .. } => (Some(*median), *p85),
            Value::Few { seconds } if !seconds.is_empty() => (Some(middle(seconds)), None),
            Value::Censored { median, .. } => (Some(*median), None),
            Value::Rate { k, .. } => (Some(*k as f64), None),
            Value::Frequency { count, .. } | Value::Count { count } => (Some(*count as f64), None),
            _ => (None, None),
        };
        Self { n, value, p85 }
    }

    fn agrees(self, other: Self) -> bool {
        let close = |one: Option<f64>, other: Option<f64>| match (one, other) {
            (Some(one), Some(other)) => (one - other).abs() < 0.01,
            (one, other) => one.or(other).unwrap_or_default() == 0.0,
        };
        self.n == other.n && close(self.value, other.value) && close(self.p85, other.p85)
    }
}

async fn second(measured: &Measured, window: Window, now: jiff::Timestamp) -> Vec<(String, Said)> {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", measured.database().display())).await.unwrap();
    let asked = format!(
        "CREATE TEMP TABLE asked AS SELECT {} AS f, {} AS t, {} AS now;\n",
        window.from.as_millisecond(),
        window.to.as_millisecond(),
        now.as_millisecond()
    );
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(asked))).await.unwrap();
    connection.execute(sqlx::raw_sql(SCRIPT)).await.unwrap();
    let rows = connection
        .fetch_all("SELECT metric, n, CAST(value AS REAL) AS value, CAST(p85 AS REAL) AS p85 FROM figures ORDER BY metric")
        .await
        .unwrap();
    let said = |row: &sqlx::sqlite::SqliteRow| {
        let name: String = row.get(0);
        let n = u64::try_from(row.get::<i64, _>(1)).unwrap();
        let of = |column: usize| row.get::<Option<f64>, _>(column);
        let is_time = is_time(&name);
        let seconds = |value: Option<f64>| value.map(|value| if is_time { value / 1000.0 } else { value });
        (name, Said { n, value: seconds(of(2)), p85: seconds(of(3)).filter(|_| n >= 19) })
    };
    rows.iter().map(said).collect()
}

/// Whether a figure of the script is in milliseconds.
fn is_time(name: &str) -> bool {
    matches!(name, "lead_time" | "cycle_time" | "recovery_time") || Phase::ALL.iter().any(|phase| phase.words() == name)
}

/// The hour and the weekday at which an organisation begins decide what its people happened to do.
async fn agree(size: Size, start: &str) {
    let start: jiff::Timestamp = start.parse().unwrap();
    let measured = Measured::generated(size, start).await;
    let ended = measured.collect().await;
    assert!(ended.is_complete());
    let now = measured.services.ctx.clock.now();
    let store = &measured.services.ctx.store;
    let projects: Vec<_> = measured.projects.iter().map(|project| project.id).collect();
    let kinds = store.stage_kinds(&projects).await.unwrap();
    let mut compared = 0;
    let mut differences = Vec::new();
    for days in [7, 30, 90] {
        let query = Query::new(projects.clone(), Window::last(days, now), Rules::default());
        let input = store.metric_input(&query, &production::wanted(&kinds, &query)).await.unwrap();
        let figures = summarise(&input, &query, now);
        for (name, theirs) in second(&measured, query.window, now).await {
            let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name);
            let phase = figures.phases.iter().find(|figure| figure.phase.words() == name);
            let ours = match (metric.and_then(|metric| figures.tile(metric)), phase) {
                (Some(tile), _) => Said::by(&tile.value, tile.n),
                (None, Some(figure)) => Said::by(&figure.value, figure.n),
                (None, None) => panic!("the script has a figure {name}"),
            };
            if !ours.agrees(theirs) {
                differences.push(format!("from {start} {name} of {days} days: the program says {ours:?}, the script {theirs:?}"));
            }
            compared += usize::from(ours.value.is_some_and(|value| value > 0.0));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared >= 36, "only {compared} figures had something to compare");
}

#[test]
fn the_script_is_short_enough_to_be_read() {
    assert!(SCRIPT.lines().count() <= 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_way_of_counting_agrees_on_a_small_organisation() {
    for start in ["2026-11-16T09:20:31Z", "2026-11-18T23:59:59Z", "2026-11-21T14:05:00Z", "2026-12-30T06:13:27Z"] {
        agree(Size::S, start).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_way_of_counting_agrees_on_ten_projects() {
    agree(Size::M, "2026-11-19T22:13:27Z").await;
}
