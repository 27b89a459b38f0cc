//! A budget per person over a sliding window, in the service's unit (TSTU), and what happens near its end and past it.
//!
//! Written `TSTU[/SECONDS]`: `200` is the service's own budget over five minutes, `8/2` one for a test.
//!
//! | spent in the window | answer |
//! |---|---|
//! | under three quarters | as if there were no budget |
//! | up to the limit | the real one, later (milliseconds at first, 30 s at the limit), with `Retry-After` and `X-RateLimit-*` |
//! | past it | 429 (TF400733) with the same headers; it costs nothing |
//!
//! | cost | requests |
//! |---|---|
//! | 0.5 | lists over a project, a repository or the organisation: pull requests, builds, commits, pushes, deployments; queries; git |
//! | 0.1 | what hangs on one object: threads, timelines, iterations, a pull request with its commits; whatever is written |
//! | 0.05 | everything else |
//!
//! Limits: the costs are ours, the service publishes none; the window is on the wall clock, whatever the world's clock
//! shows, and the longest delay shrinks with it; tokens of one person share a budget.

use std::collections::{BTreeMap, VecDeque};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Response};
use uuid::Uuid;

/// What may be spent in which time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// In TSTU.
    pub limit: f64,
    pub window: Duration,
}

/// Why a budget could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rate {0:?}: wanted is TSTU[/SECONDS], both above zero, such as 200 or 8/2")]
pub struct RateError(String);

/// The window of the service.
const WINDOW: Duration = Duration::from_secs(300);
/// The service delays one answer by no more than this.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// The share of the limit from which the service warns and delays.
const NEAR: f64 = 0.75;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Rate, RateError> {
        let wrong = || RateError(text.to_owned());
        let number = |part: &str| part.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0).ok_or_else(wrong);
        let (limit, window) = match text.split_once('/') {
            Some((limit, seconds)) => (number(limit)?, Duration::try_from_secs_f64(number(seconds)?).map_err(|_| wrong())?),
            None => (number(text)?, WINDOW),
        };
        if window.is_zero() { Err(wrong()) } else { Ok(Rate { limit, window }) }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.limit, self.window.as_secs_f64())
    }
}

/// In hundredths of a TSTU, so that sums are exact.
type Cost = u64;

const LIGHT: Cost = 5;
const MIDDLE: Cost = 10;
const HEAVY: Cost = 50;

/// What a git fetch or push costs.
pub const GIT: Cost = HEAVY;

/// Endings of the templates that answer lists over something large, or run a query.
const LISTS: [&str; 14] = [
    "git/pullrequests",
    "/pullrequests",
    "/pullrequestquery",
    "/commits",
    "/commitsbatch",
    "/pushes",
    "/diffs/commits",
    "build/builds",
    "/runs",
    "/environmentdeploymentrecords",
    "release/deployments",
    "wit/wiql",
    "wit/workitemsbatch",
    "/artifacturiquery",
];

/// Endings of the templates about one object that the service collects first.
const PARTS: [&str; 8] =
    ["/threads", "/timeline", "/iterations", "/changes", "pullrequests/{pull}", "/statuses", "/stats/branches", "/evaluations"];

/// What a request to a resource costs.
pub fn cost(method: &Method, template: &str) -> u64 {
    // The commits of one pull request are few.
    let of_pull_request = template.contains("pullrequests/{pull}");
    if !of_pull_request && LISTS.iter().any(|ending| template.ends_with(ending)) {
        HEAVY
    } else if (*method != Method::GET && *method != Method::HEAD)
        || of_pull_request
        || PARTS.iter().any(|ending| template.ends_with(ending))
    {
        MIDDLE
    } else {
        LIGHT
    }
}

/// What one person spent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spent {
    /// In TSTU, since the start or the last reset.
    pub total: f64,
    /// In TSTU, in the window that ends now.
    pub now: f64,
    /// The most in any window, since the start or the last reset.
    pub peak: f64,
    /// The most in any window since it had come down to half of the limit after the first warning; absent until then.
    pub settled: Option<f64>,
    /// Requests that were let through, and of these the ones that were held up.
    pub requests: u64,
    pub delayed: u64,
    /// Requests answered with 429.
    pub refused: u64,
}

/// Whether a request may pass, and what its answer says about the budget.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Free,
    Late { by: Duration, hint: Hint },
    Refused { hint: Hint },
}

/// The headers of an answer near the limit or past it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    limit: f64,
    remaining: f64,
    delay: Duration,
    /// Until the next request would pass undisturbed.
    retry_after: Duration,
    /// Until nothing is left of what was spent.
    reset: Duration,
}

impl Hint {
    /// Writes the headers on an answer; `unix` is the wall clock in seconds.
    pub fn write(&self, answer: &mut Response<Body>, unix: i64) {
        let reset = unix.saturating_add_unsigned(self.reset.as_secs_f64().ceil() as u64);
        let rows = [
            ("retry-after", whole_seconds(self.retry_after).to_string()),
            ("x-ratelimit-resource", "simulator/User".to_owned()),
            ("x-ratelimit-delay", format!("{:.3}", self.delay.as_secs_f64())),
            ("x-ratelimit-limit", format!("{}", self.limit)),
            ("x-ratelimit-remaining", format!("{:.2}", self.remaining)),
            ("x-ratelimit-reset", reset.to_string()),
        ];
        for (name, value) in rows {
            if let Ok(value) = HeaderValue::from_str(&value) {
                answer.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
    }

    pub fn retry_after_s(&self) -> u64 {
        whole_seconds(self.retry_after)
    }
}

/// At least one: `Retry-After: 0` would be no hint.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs_f64().ceil() as u64).max(1)
}

/// What one person spent, request by request.
#[derive(Debug, Default)]
struct Account {
    /// When and how much, oldest first; what fell out of the window is gone.
    entries: VecDeque<(Duration, Cost)>,
    used: Cost,
    total: Cost,
    peak: Cost,
    was_warned: bool,
    settled: Option<Cost>,
    requests: u64,
    delayed: u64,
    refused: u64,
}

impl Account {
    fn forget(&mut self, rate: Rate, now: Duration) {
        while let Some((at, cost)) = self.entries.front().copied()
            && at + rate.window <= now
        {
            self.used -= cost;
            self.entries.pop_front();
        }
    }

    fn charge(&mut self, rate: Rate, cost: Cost, now: Duration) -> Verdict {
        self.forget(rate, now);
        if self.was_warned && tstu(self.used) <= rate.limit / 2.0 {
            self.settled.get_or_insert(0);
        }
        let after = tstu(self.used + cost);
        self.was_warned |= after >= rate.limit * NEAR;
        if after > rate.limit {
            self.refused += 1;
            return Verdict::Refused { hint: self.hint(rate, Duration::ZERO, now) };
        }
        self.entries.push_back((now, cost));
        self.used += cost;
        self.total += cost;
        self.peak = self.peak.max(self.used);
        self.settled = self.settled.map(|settled| settled.max(self.used));
        self.requests += 1;
        let share = after / rate.limit;
        if share < NEAR {
            return Verdict::Free;
        }
        let steep = ((share - NEAR) / (1.0 - NEAR)).powi(2);
        let longest = LONGEST_DELAY.min(LONGEST_DELAY.mul_f64(rate.window.as_secs_f64() / WINDOW.as_secs_f64()));
        let by = longest.mul_f64(steep).max(Duration::from_millis(1));
        self.delayed += 1;
        Verdict::Late { by, hint: self.hint(rate, by, now) }
    }

    fn hint(&self, rate: Rate, delay: Duration, now: Duration) -> Hint {
        let left = |at: Duration| (at + rate.window).saturating_sub(now);
        let mut rest = self.used;
        let mut retry_after = Duration::ZERO;
        for (at, cost) in &self.entries {
            if tstu(rest) < rate.limit * NEAR {
                break;
            }
            rest -= cost;
            retry_after = left(*at);
        }
        Hint {
            limit: rate.limit,
            remaining: (rate.limit - tstu(self.used)).max(0.0),
            delay,
            retry_after,
            reset: self.entries.back().map_or(Duration::ZERO, |(at, _)| left(*at)),
        }
    }

    fn spent(&self) -> Spent {
        Spent {
            total: tstu(self.total),
            now: tstu(self.used),
            peak: tstu(self.peak),
            settled: self.settled.map(tstu),
            requests: self.requests,
            delayed: self.delayed,
            refused: self.refused,
        }
    }
}

fn tstu(cost: Cost) -> f64 {
    cost as f64 / 100.0
}

/// Everybody's budget, if there is one.
#[derive(Debug)]
pub struct Budgets {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rate: Option<Rate>,
    accounts: BTreeMap<Uuid, Account>,
}

impl Budgets {
    pub fn new(rate: Option<Rate>) -> Budgets {
        Budgets { begun: Instant::now(), state: Mutex::new(State { rate, accounts: BTreeMap::new() }) }
    }

    /// Charges a person for a request, and says whether it may pass and when.
    pub fn charge(&self, who: Uuid, cost: u64) -> Verdict {
        let now = self.begun.elapsed();
        let mut state = self.lock();
        let State { rate, accounts } = &mut *state;
        let account = accounts.entry(who).or_default();
        match rate {
            Some(rate) => account.charge(*rate, cost, now),
            None => {
                account.total += cost;
                account.requests += 1;
                Verdict::Free
            }
        }
    }

    pub fn rate(&self) -> Option<Rate> {
        self.lock().rate
    }

    /// Another budget from now on; what was spent is forgotten.
    pub fn set(&self, rate: Option<Rate>) {
        *self.lock() = State { rate, accounts: BTreeMap::new() };
    }

    /// What everybody spent. Peak and window are known only while there is a budget.
    pub fn spent(&self) -> Vec<(Uuid, Spent)> {
        let now = self.begun.elapsed();
        let mut state = self.lock();
        let State { rate, accounts } = &mut *state;
        let rows = accounts.iter_mut().map(|(who, account)| {
            if let Some(rate) = rate {
                account.forget(*rate, now);
            }
            (*who, account.spent())
        });
        rows.collect()
    }

    /// Totals and peaks begin anew; what is in the window stays spent.
    pub fn reset_counts(&self) {
        for account in self.lock().accounts.values_mut() {
            let (entries, used) = (std::mem::take(&mut account.entries), account.used);
            *account = Account { entries, used, peak: used, ..Account::default() };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is valid between any two statements: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::route::RESOURCES;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn a_budget_is_read_as_it_is_written() {
        assert_eq!(rate("200"), Rate { limit: 200.0, window: Duration::from_secs(300) });
        assert_eq!(rate("0.5/2"), Rate { limit: 0.5, window: Duration::from_secs(2) });
        assert_eq!(rate(" 8 / 1.5 ").to_string(), "8/1.5");
        for wrong in ["", "no", "-1", "0", "200/0", "200/", "1/x", "inf", "NaN/2", "1/1e-30", "1/1e30"] {
            assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_cost_most_and_single_things_least() {
        assert_eq!(cost(&Method::GET, "git/pullrequests"), HEAVY);
        assert_eq!(cost(&Method::GET, "git/repositories/{repository}/pullrequests"), HEAVY);
        assert_eq!(cost(&Method::POST, "wit/wiql"), HEAVY);
        assert_eq!(cost(&Method::GET, "git/repositories/{repository}/pullrequests/{pull}/threads"), MIDDLE);
        assert_eq!(cost(&Method::GET, "git/repositories/{repository}/pullrequests/{pull}/commits"), MIDDLE);
        assert_eq!(cost(&Method::PATCH, "git/repositories/{repository}"), MIDDLE);
        assert_eq!(cost(&Method::GET, "projects"), LIGHT);
        assert!(RESOURCES.iter().any(|row| cost(&Method::GET, row.template) == HEAVY));
    }

    #[test]
    fn spending_is_free_then_late_then_refused_and_time_heals() {
        let rate = rate("10/2");
        let mut account = Account::default();
        let mut verdicts = Vec::new();
        for n in 0..24 {
            verdicts.push(account.charge(rate, HEAVY, Duration::from_millis(n)));
        }
        // 14 times half a unit is under 7.5, 20 times is the limit.
        assert!(verdicts[..14].iter().all(|verdict| *verdict == Verdict::Free));
        let delays: Vec<_> = verdicts[14..20]
            .iter()
            .map(|verdict| match verdict {
                Verdict::Late { by, hint } => {
                    assert!(hint.retry_after > Duration::ZERO && hint.retry_after <= rate.window);
                    *by
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(delays.is_sorted() && delays[0] < delays[5]);
        assert_eq!(delays[5], Duration::from_millis(200), "30 s over five minutes are 0.2 s over two seconds");
        for verdict in &verdicts[20..] {
            let Verdict::Refused { hint } = verdict else { panic!("{verdict:?}") };
            assert_eq!(hint.remaining, 0.0);
            assert_eq!(hint.retry_after_s(), 2);
        }
        let spent = account.spent();
        assert_eq!((spent.total, spent.peak, spent.now), (10.0, 10.0, 10.0));
        assert_eq!((spent.requests, spent.delayed, spent.refused), (20, 6, 4));
        assert_eq!(spent.settled, None, "it has not come down yet");
        // The first 15 requests have left the window: there is room again.
        assert_eq!(account.charge(rate, HEAVY, Duration::from_millis(2014)), Verdict::Free);
        account.charge(rate, HEAVY, Duration::from_millis(2015));
        assert_eq!(account.spent().settled, Some(account.spent().now), "from where it came down to half");
        account.forget(rate, Duration::from_secs(9));
        assert_eq!(account.spent().now, 0.0);
    }

    #[test]
    fn people_do_not_spend_each_others_budget() {
        let budgets = Budgets::new(Some(rate("1/60")));
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        assert_eq!(budgets.charge(one, HEAVY), Verdict::Free);
        assert!(matches!(budgets.charge(one, HEAVY), Verdict::Late { .. }));
        assert!(matches!(budgets.charge(one, LIGHT), Verdict::Refused { .. }));
        assert_eq!(budgets.charge(other, HEAVY), Verdict::Free);
        budgets.reset_counts();
        assert!(matches!(budgets.charge(one, LIGHT), Verdict::Refused { .. }), "the window does not forget");
        let spent: BTreeMap<_, _> = budgets.spent().into_iter().collect();
        assert_eq!((spent[&one].refused, spent[&one].total), (1, 0.0));
        budgets.set(None);
        assert_eq!(budgets.charge(one, HEAVY), Verdict::Free);
    }
}
