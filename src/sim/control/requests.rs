//! What was asked of the simulator and what it cost, for a test to assert on.
//!
//! Limits: the control routes themselves are not counted.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Control;
use crate::sim::rate::{Rate, Spent};

/// Requests since the start or the last reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// `(route, count)`, by route.
    pub by_route: Vec<(String, u64)>,
    /// The sum of these.
    pub total: u64,
    /// All that came to the door, also what a fault answered or nobody was recognised for.
    pub arrived: u64,
    /// Answered with 429, by a budget or by a fault.
    pub refused: u64,
    /// The most that were under way at once.
    pub most_in_flight: u64,
    /// The most that came in one stretch of time in which answers had told to wait; what was on its way then is among them.
    pub most_early: u64,
}

impl Requests {
    /// How often a route was asked, such as `GET build/builds`.
    pub fn of(&self, route: &str) -> u64 {
        self.by_route.iter().find(|(known, _)| known == route).map_or(0, |(_, count)| *count)
    }

    pub(super) fn json(&self) -> Value {
        let by_route: Map<String, Value> = self.by_route.iter().map(|(route, count)| (route.clone(), (*count).into())).collect();
        json!({
            "total": self.total, "byRoute": by_route, "arrived": self.arrived, "refused": self.refused,
            "mostInFlight": self.most_in_flight, "mostEarly": self.most_early,
        })
    }
}

impl Control {
    pub fn requests(&self) -> Requests {
        let figures = self.sim.traffic.figures();
        let total = figures.by_route.values().sum();
        Requests {
            by_route: figures.by_route.into_iter().collect(),
            total,
            arrived: figures.arrived,
            refused: figures.refused,
            most_in_flight: figures.most_in_flight,
            most_early: figures.most_early,
        }
    }

    /// Counters, totals and peaks begin anew; what is in a budget's window stays spent.
    pub fn reset_requests(&self) {
        self.sim.traffic.reset();
        self.sim.budgets.reset_counts();
    }

    /// Another budget for everybody from now on, or none; what was spent is forgotten.
    pub fn set_rate(&self, rate: Option<Rate>) {
        self.sim.budgets.set(rate);
    }

    /// What everybody spent who asked for something, in TSTU.
    pub fn spent(&self) -> Vec<(Uuid, Spent)> {
        self.sim.budgets.spent()
    }

    /// What one person spent, by alias or unique name.
    pub async fn spent_by(&self, who: &str) -> Spent {
        let id = self.sim.read().await.user_named(who).map(|user| user.id);
        self.spent().into_iter().find(|(known, _)| Some(*known) == id).map_or_else(Spent::default, |(_, spent)| spent)
    }

    pub(super) async fn rate_json(&self) -> Value {
        let world = self.sim.read().await;
        let name = |id: Uuid| world.user(id).map_or_else(|| id.to_string(), |user| user.alias().to_owned());
        let rows: Map<String, Value> = self
            .spent()
            .into_iter()
            .map(|(id, spent)| {
                let row = json!({
                    "total": spent.total, "now": spent.now, "peak": spent.peak, "settled": spent.settled,
                    "requests": spent.requests, "delayed": spent.delayed, "refused": spent.refused,
                });
                (name(id), row)
            })
            .collect();
        let rate = self.sim.budgets.rate();
        json!({ "limit": rate.map(|rate| rate.limit), "seconds": rate.map(|rate| rate.window.as_secs_f64()), "spent": rows })
    }
}
