//! Two routes: the stations, and the heights at one of them.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::station::{self, Station};
use crate::tide;

/// A week: planners look further than the berth board does.
const MAX_HOURS: f64 = 7.0 * 24.0;

#[derive(Deserialize)]
pub struct Stations {
    pub station: Vec<Station>,
}

#[derive(Deserialize)]
struct Range {
    from: f64,
    hours: f64,
}

pub fn routes(stations: Stations) -> Router {
    Router::new()
        .route("/stations", get(list))
        .route("/stations/{code}/heights", get(heights))
        .with_state(Arc::new(stations))
}

async fn list(State(all): State<Arc<Stations>>) -> Json<Vec<String>> {
    Json(all.station.iter().map(|s| s.code.clone()).collect())
}

async fn heights(
    State(all): State<Arc<Stations>>,
    Path(code): Path<String>,
    Query(range): Query<Range>,
) -> Result<Json<Vec<(f64, f64)>>, StatusCode> {
    let station = station::find(&all.station, &code).ok_or(StatusCode::NOT_FOUND)?;
    if !(0.0..=MAX_HOURS).contains(&range.hours) {
        return Err(StatusCode::BAD_REQUEST);
    }
    // Coarser steps keep a week about as long as a day.
    let step = if range.hours > 24.0 { 1.0 } else { 0.25 };
    Ok(Json(tide::series(station, range.from, range.hours, step)))
}
