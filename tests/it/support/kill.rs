//! A receiver under load that is ended between two instructions again and again, and what is left in the store afterwards.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::kept::Database;
use super::load::{Load, Sample};
use super::receiver::{Receiver, Serve};
use super::template::{FIRST, Template};
use super::world::Person;

/// Numbers that are the same for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit
    }
}

/// What is ended how often, under which load.
pub struct Rounds<'a> {
    pub person: &'a Person,
    pub serve: Serve,
    /// Where the load goes, and under which secret.
    pub path: String,
    pub secret: String,
    pub template: Template,
    pub database: Database,
    pub count: u32,
    pub seed: u64,
    /// In each round up to so many are acknowledged before the end.
    pub most: u64,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub sample: Sample,
    /// Acknowledged and not in the store.
    pub lost: Vec<i64>,
    /// In the store more than once.
    pub twice: Vec<i64>,
    pub kept: usize,
    /// Starting until it listens, the longest.
    pub slowest_start: Duration,
    pub took: Duration,
}

impl Rounds<'_> {
    /// Ends the receiver at random moments under load of 64 connections; answers what was found, and a receiver that goes on.
    pub fn run(self, between: impl Fn(u32)) -> (Outcome, Receiver) {
        let started = Instant::now();
        let mut dice = Dice::new(self.seed);
        let mut slowest_start = Duration::ZERO;
        let mut start = || {
            let begun = Instant::now();
            let receiver = self.serve.start(self.person);
            slowest_start = slowest_start.max(begun.elapsed());
            receiver
        };
        let mut receiver = start();
        let load = Load::start(receiver.target(&self.path, &self.secret), self.template.clone(), 64, FIRST);
        for round in 0..self.count {
            let moment = load.acknowledged() + 1 + dice.below(self.most);
            load.wait_acknowledged(moment);
            // Somewhere within what happens to the next ones, too.
            let until = Instant::now() + Duration::from_micros(dice.below(4_000));
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            receiver.kill();
            between(round);
            receiver = start();
        }
        load.wait_acknowledged(load.acknowledged() + 1);
        let sample = load.finish();
        let kept = self.database.notifications();
        let acknowledged: BTreeSet<i64> = sample.acknowledged.iter().copied().collect();
        let lost = acknowledged.iter().filter(|notification| !kept.contains_key(notification)).copied().collect();
        let twice = kept.iter().filter(|(_, times)| **times != 1).map(|(notification, _)| *notification).collect();
        (Outcome { sample, lost, twice, kept: kept.len(), slowest_start, took: started.elapsed() }, receiver)
    }
}
