//! Keeps station metadata for a while, so that the registry is not asked for every height.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::station::Station;

const KEEP: Duration = Duration::from_secs(3600);

#[derive(Default)]
pub struct Cache {
    rows: HashMap<String, (Instant, Station)>,
}

impl Cache {
    pub fn get(&self, code: &str) -> Option<&Station> {
        self.rows
            .get(code)
            .filter(|(at, _)| at.elapsed() < KEEP)
            .map(|(_, station)| station)
    }

    pub fn put(&mut self, station: Station) {
        self.rows.insert(station.code.clone(), (Instant::now(), station));
    }
}
