//! The height of the tide: mean level plus one cosine a constituent.

use crate::station::Station;

/// Metres above chart datum, `hours` after the epoch of the phases.
pub fn height(station: &Station, hours: f64) -> f64 {
    station
        .constituents
        .iter()
        .map(|c| c.amplitude * (c.speed * hours - c.phase).to_radians().cos())
        .sum::<f64>()
        + station.mean_level
}

/// Heights at equal steps, both ends included.
pub fn series(station: &Station, from: f64, hours: f64, step: f64) -> Vec<(f64, f64)> {
    let count = (hours / step).floor() as usize;
    (0..=count)
        .map(|i| from + i as f64 * step)
        .map(|at| (at, height(station, at)))
        .collect()
}
