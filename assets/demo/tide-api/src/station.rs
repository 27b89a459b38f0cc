//! Stations and their constituents, as `stations.toml` lists them.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
pub struct Station {
    pub code: String,
    pub name: String,
    /// Mean level above chart datum, in metres.
    pub mean_level: f64,
    pub constituents: Vec<Constituent>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Constituent {
    /// `M2`, `S2`, `K1` ...
    pub name: String,
    /// Degrees an hour.
    pub speed: f64,
    /// Metres.
    pub amplitude: f64,
    /// Degrees behind Greenwich.
    pub phase: f64,
}

pub fn find<'a>(stations: &'a [Station], code: &str) -> Option<&'a Station> {
    stations.iter().find(|station| station.code.eq_ignore_ascii_case(code))
}
