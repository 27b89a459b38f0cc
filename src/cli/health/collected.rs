//! How the collection of a project's facts stands: how far, how fresh, what fails, what may not be read.

use jiff::Timestamp;
use serde::Serialize;

use super::lines::ago;
use crate::domain::collection::{Collection, SourceState};
use crate::domain::lack::Lack;
use crate::metrics::telling::grouped;
use crate::notice::inert;

/// A project's sources in sum, for scripts.
#[derive(Debug, Clone, Serialize)]
pub struct Collected {
    pub measured: bool,
    /// Of the first collection.
    pub percent: u8,
    pub complete: bool,
    pub last_sync: Option<Timestamp>,
    /// Names of sources that were complete once and were not read for over half an hour.
    pub stale: Vec<&'static str>,
    #[serde(flatten)]
    pub collection: Collection,
}

impl Collected {
    pub fn of(collection: Collection, now: Timestamp) -> Self {
        let is_stale = |state: &&SourceState| state.backfilled_at.is_some() && state.is_stale(now);
        Self {
            measured: !collection.sources.is_empty(),
            percent: collection.percent(),
            complete: collection.is_complete(),
            last_sync: collection.last_sync(),
            stale: collection.sources.iter().filter(is_stale).map(|state| state.source.name()).collect(),
            collection,
        }
    }

    /// Whether nothing is behind and nothing fails. What may not be read is told, and is no failure: the rest goes on without it.
    pub fn is_well(&self) -> bool {
        self.stale.is_empty() && self.collection.sources.iter().all(|state| state.failed.is_none())
    }

    pub fn lines(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        if !self.measured {
            return vec![("collected", "nothing: `kanado backfill` begins".to_owned())];
        }
        if self.collection.sources.iter().all(|state| state.attempted_at.is_none() && state.done == 0) {
            return vec![("collected", "nothing yet: a board or `kanado serve` begins by itself, `kanado backfill` now".to_owned())];
        }
        let sum = match (self.complete, self.last_sync) {
            (true, Some(at)) => format!("complete; last sync {}", ago(at, now)),
            (true, None) => "complete; nothing may be read".to_owned(),
            (false, _) => {
                let sources = &self.collection.sources;
                let (done, total) = (sources.iter().map(|s| s.done).sum::<i64>(), sources.iter().filter_map(|s| s.total).sum::<i64>());
                let operations = if total > 0 { format!(", {} of {} operations", count(done), count(total)) } else { String::new() };
                format!("{} %{operations}", self.percent)
            }
        };
        let mut lines = vec![("collected", sum)];
        lines.extend(self.syncs(now).map(|words| ("last syncs", words)));
        let refused = self.collection.sources.iter().filter_map(|state| Some(("", state.source, state.refused.as_deref()?)));
        lines.extend(Lack::of(refused).iter().map(|lack| ("without", format!("{}: {}", lack.what(), inert(&lack.words)))));
        for state in self.collection.sources.iter().filter(|state| state.refused.is_none()) {
            let name = state.source.words();
            if let Some(words) = &state.failed {
                lines.push(("FAILED", format!("{name}: {}", inert(words))));
            }
            if let (Some(at), true) = (state.synced_at, self.stale.contains(&state.source.name())) {
                lines.push(("STALE", format!("{name}: last sync {}", ago(at, now))));
            }
        }
        lines
    }
}

impl Collected {
    /// When which sources were read last, where that is not the same for all.
    fn syncs(&self, now: Timestamp) -> Option<String> {
        let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
        for state in &self.collection.sources {
            let Some(at) = state.synced_at else { continue };
            let (age, name) = (ago(at, now), state.source.words());
            match groups.iter_mut().find(|(known, _)| *known == age) {
                Some((_, names)) => names.push(name),
                None => groups.push((age, vec![name])),
            }
        }
        let words: Vec<String> = groups.iter().map(|(age, names)| format!("{age}: {}", names.join(", "))).collect();
        (groups.len() > 1).then(|| words.join("; "))
    }
}

fn count(number: i64) -> String {
    grouped(number.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::collection::Source;
    use jiff::SignedDuration;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    fn state(source: Source, minutes: Option<i64>) -> SourceState {
        let at = minutes.map(|minutes| now() - SignedDuration::from_mins(minutes));
        SourceState { backfilled_at: at, synced_at: at, attempted_at: at, ..SourceState::new(source) }
    }

    fn collected(sources: Vec<SourceState>) -> Collected {
        Collected::of(Collection { sources, from: None }, now())
    }

    fn told(collected: &Collected) -> Vec<String> {
        collected.lines(now()).into_iter().map(|(name, words)| format!("{name}: {words}")).collect()
    }

    #[test]
    fn a_source_is_stale_after_half_an_hour_and_not_while_it_was_never_complete() {
        let fresh = collected(vec![state(Source::Builds, Some(30)), state(Source::Threads, Some(30))]);
        assert!(fresh.is_well() && fresh.complete);
        assert_eq!(told(&fresh), ["collected: complete; last sync 30m ago"]);
        let stale = collected(vec![state(Source::Builds, Some(31)), state(Source::Threads, Some(1))]);
        assert!(!stale.is_well());
        let lines = [
            "collected: complete; last sync 31m ago",
            "last syncs: 31m ago: pipeline runs; 1m ago: reviews and comments",
            "STALE: pipeline runs: last sync 31m ago",
        ];
        assert_eq!(told(&stale), lines);
        let half = SourceState { done: 42, total: Some(1_000), ..state(Source::Threads, None) };
        let begun = collected(vec![state(Source::Builds, Some(1)), half]);
        assert!(begun.is_well() && !begun.complete, "on its way is well");
        assert_eq!(told(&begun), ["collected: 52 %, 42 of 1,000 operations"]);
    }

    #[test]
    fn what_may_not_be_read_is_told_and_is_no_failure() {
        let refused = SourceState { refused: Some("the token lacks Build (read)".to_owned()), ..state(Source::Builds, None) };
        let collected = collected(vec![refused, state(Source::Threads, Some(1))]);
        assert!(collected.is_well() && collected.complete);
        assert!(told(&collected).contains(&"without: pipeline runs: the token lacks Build (read)".to_owned()));
    }

    #[test]
    fn what_fails_is_not_well_even_when_it_is_fresh() {
        let failed = SourceState { failed: Some("Azure DevOps is out of reach".to_owned()), ..state(Source::Builds, Some(5)) };
        let collected = collected(vec![failed]);
        assert!(!collected.is_well());
        assert!(told(&collected).contains(&"FAILED: pipeline runs: Azure DevOps is out of reach".to_owned()));
        assert_eq!(told(&Collected::of(Collection::default(), now())), ["collected: nothing: `kanado backfill` begins"]);
    }
}
