//! The figures twice: by the program, and by a script of SQL that shares no line with it, over the same generated organisations.

use kanado::metrics::figures::{Metric, Value};
use kanado::metrics::query::{Query, Rules, Window};
use kanado::metrics::{production, summarise};
use kanado::sim::generate::Size;
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection};

use crate::support::measured::Measured;

const SCRIPT: &str = include_str!("second/figures.sql");

/// The median in seconds, or the count that is asked about.
fn said_by(value: &Value) -> Option<f64> {
    let middle = |seconds: &[f64]| {
        let (low, high) = ((seconds.len() - 1) / 2, seconds.len() / 2);
        (seconds[low] + seconds[high]) / 2.0
    };
    match value {
        Value::Times { median, .. } => Some(*median),
        Value::Few { seconds } if !seconds.is_empty() => Some(middle(seconds)),
        Value::Rate { k, .. } => Some(*k as f64),
        Value::Frequency { count, .. } | Value::Count { count } => Some(*count as f64),
        _ => None,
    }
}

async fn second(measured: &Measured, window: Window, now: jiff::Timestamp) -> Vec<(String, u64, Option<f64>)> {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", measured.database().display())).await.unwrap();
    let asked = format!(
        "CREATE TEMP TABLE asked AS SELECT {} AS f, {} AS t, {} AS now;\n",
        window.from.as_millisecond(),
        window.to.as_millisecond(),
        now.as_millisecond()
    );
    connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(asked))).await.unwrap();
    connection.execute(sqlx::raw_sql(SCRIPT)).await.unwrap();
    let rows = connection.fetch_all("SELECT metric, n, CAST(value AS REAL) AS value FROM figures ORDER BY metric").await.unwrap();
    rows.iter().map(|row| (row.get::<String, _>(0), u64::try_from(row.get::<i64, _>(1)).unwrap(), row.get::<Option<f64>, _>(2))).collect()
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
        for (name, n, value) in second(&measured, query.window, now).await {
            let metric = Metric::ALL.into_iter().find(|metric| metric.name() == name);
            let (said_n, said) = match (metric, name.as_str()) {
                (Some(metric), _) => {
                    let tile = figures.tile(metric).unwrap();
                    (tile.n, said_by(&tile.value))
                }
                (None, "pickup") => {
                    let phase = figures.phases.iter().find(|phase| phase.phase == kanado::metrics::figures::Phase::Pickup).unwrap();
                    (phase.n, said_by(&phase.value))
                }
                (None, name) => panic!("the script has a figure {name}"),
            };
            let is_time = matches!(name.as_str(), "lead_time" | "cycle_time" | "pickup");
            let value = value.map(|value| if is_time { value / 1000.0 } else { value });
            let close = match (said, value) {
                (Some(a), Some(b)) => (a - b).abs() < 0.01,
                (a, b) => a.is_none() && b.unwrap_or_default() == 0.0,
            };
            if !close || said_n != n {
                differences.push(format!(
                    "from {start} {name} of {days} days: the program says {said:?} of {said_n}, the script {value:?} of {n}"
                ));
            }
            compared += usize::from(said.is_some_and(|value| value > 0.0));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared >= 24, "only {compared} figures had something to compare");
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
