//! When a pull request will land: what became of those that were in the same phase at the same age.
//!
//! Of the pull requests of people that are over (abandoned ones too: they never landed), those that were still in the phase after as much
//! time as this one now; how many of them were completed within four hours from that point, and within a day. Silent under 19.

use serde::{Deserialize, Serialize};

use super::figures::Phase;
use super::waterfall::{Typical, Waterfall, place};

/// Fewer say nothing.
const ENOUGH: usize = 19;
const HOURS_4: f64 = 4.0 * 3_600.0;
const DAY: f64 = 86_400.0;

/// "Of 41 that were in review this long, 26 landed within a day."
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Landing {
    pub phase: Phase,
    /// How long it has been in the phase, seconds.
    pub age: f64,
    pub n: u64,
    pub within_4h: u64,
    pub within_day: u64,
}

/// What became of those before it; absent while it is in no phase, or too few were as long in it.
pub fn of(waterfall: &Waterfall, typical: &Typical) -> Option<Landing> {
    let part = waterfall.now()?;
    let phase = part.phase.filter(|phase| *phase != Phase::DeployWait)?;
    let stays = &typical.stays[place(phase)];
    let still = &stays[stays.partition_point(|(stay, _)| *stay < part.seconds)..];
    if still.len() < ENOUGH {
        return None;
    }
    let within = |limit: f64| still.iter().filter(|(_, rest)| rest.is_some_and(|rest| rest - part.seconds <= limit)).count() as u64;
    Some(Landing { phase, age: part.seconds, n: still.len() as u64, within_4h: within(HOURS_4), within_day: within(DAY) })
}
