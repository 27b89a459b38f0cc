//! The statistics behind figures: percentiles, intervals and tests, each stated exactly.
//!
//! | what | how |
//! |---|---|
//! | percentile | linear interpolation between order statistics (type 7): position `q * (n - 1)` of the ascending sample |
//! | lower median | the greatest value whose percent rank is at most 0.5: index `floor((n - 1) / 2)` |
//! | interval of a median | order statistics at `floor((n - z * sqrt(n)) / 2)` and `ceil((n + z * sqrt(n)) / 2) + 1` (from 1), 95 % |
//! | interval of a rate | Wilson, 95 %: 0 of 10 is at most 27.8 %, 0 of 73 at most 5 % |
//! | interval of a count | Byar's approximation of the Poisson interval, 95 % |
//! | difference of times | Mann-Whitney, two-sided, normal approximation with ties and continuity correction |
//! | difference of counts | the binomial test of one count given both (ratio of two Poisson rates), two-sided by doubling |
//! | difference of rates | two proportions, pooled, two-sided |
//! | median with open cases | Kaplan-Meier: the first time at which the share still open is at most one half |
//!
//! Samples are ascending and finite. No function panics on an empty one.

/// Two-sided 95 %.
pub const Z: f64 = 1.959_963_984_540_054;
/// A difference that chance makes less often than this is called one.
pub const SIGNIFICANT: f64 = 0.05;

/// Sorts a sample; the functions here want it ascending.
pub fn ascending(mut sample: Vec<f64>) -> Vec<f64> {
    sample.sort_unstable_by(f64::total_cmp);
    sample
}

/// The percentile `q` (0 to 1) of an ascending sample, type 7.
pub fn percentile(sample: &[f64], q: f64) -> Option<f64> {
    let last = sample.len().checked_sub(1)?;
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    Some(sample[below] + (sample[above] - sample[below]) * (position - below as f64))
}

pub fn median(sample: &[f64]) -> Option<f64> {
    percentile(sample, 0.5)
}

/// The greatest value with a percent rank of at most 0.5, as Apache DevLake takes it.
pub fn lower_median(sample: &[f64]) -> Option<f64> {
    // Rows of the same value share the rank of the first of them; the greatest value of at most one half is at this index all the same.
    sample.get(sample.len().checked_sub(1)? / 2).copied()
}

/// Where the median lies with 95 %; absent under six values, where no two of them bound it.
pub fn median_interval(sample: &[f64]) -> Option<(f64, f64)> {
    let n = sample.len();
    if n < 6 {
        return None;
    }
    let reach = Z * (n as f64).sqrt();
    let low = (((n as f64 - reach) / 2.0).floor() as usize).max(1);
    let high = (((n as f64 + reach) / 2.0).ceil() as usize + 1).min(n);
    Some((sample[low - 1], sample[high - 1]))
}

/// Wilson's interval of `k` of `n`, as fractions.
pub fn wilson(k: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (k, n) = (k as f64, n as f64);
    let share = k / n;
    let square = Z * Z;
    let middle = share + square / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    let scale = 1.0 + square / n;
    let low = if k == 0.0 { 0.0 } else { ((middle - reach) / scale).max(0.0) };
    let high = if k == n { 1.0 } else { ((middle + reach) / scale).min(1.0) };
    (low, high)
}

/// The interval of what a count of `k` stands for.
pub fn poisson(k: u64) -> (f64, f64) {
    let bound = |k: f64, z: f64| k * (1.0 - 1.0 / (9.0 * k) + z / (3.0 * k.sqrt())).powi(3);
    let low = if k == 0 { 0.0 } else { bound(k as f64, -Z).max(0.0) };
    (low, bound(k as f64 + 1.0, Z))
}

/// How often chance alone makes two samples differ so much: Mann-Whitney, two-sided. Absent when one is empty or all values are equal.
pub fn mann_whitney(a: &[f64], b: &[f64]) -> Option<f64> {
    let (n, m) = (a.len() as f64, b.len() as f64);
    if a.is_empty() || b.is_empty() {
        return None;
    }
    // Walks both ascending samples together, giving tied values the mean of their ranks.
    let (mut i, mut j, mut rank, mut rank_sum, mut ties) = (0, 0, 1.0, 0.0, 0.0);
    while i < a.len() || j < b.len() {
        let value = match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) => x.min(*y),
            (Some(x), None) => *x,
            (None, Some(y)) => *y,
            (None, None) => break,
        };
        let of_a = a[i..].iter().take_while(|x| **x <= value).count();
        let of_b = b[j..].iter().take_while(|x| **x <= value).count();
        let tied = (of_a + of_b) as f64;
        rank_sum += of_a as f64 * (rank + (tied - 1.0) / 2.0);
        ties += tied.powi(3) - tied;
        rank += tied;
        i += of_a;
        j += of_b;
    }
    let all = n + m;
    let u = rank_sum - n * (n + 1.0) / 2.0;
    let mean = n * m / 2.0;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return None;
    }
    let z = ((u - mean).abs() - 0.5).max(0.0) / variance.sqrt();
    Some(two_sided(z))
}

/// How often chance alone makes `k` events in `t` and `l` in `s` differ so much, if both come at the same rate.
pub fn poisson_ratio(k: u64, t: f64, l: u64, s: f64) -> Option<f64> {
    let n = k + l;
    if n == 0 || t <= 0.0 || s <= 0.0 {
        return None;
    }
    let p = t / (t + s);
    let mean = n as f64 * p;
    if n > 10_000 {
        let z = ((k as f64 - mean).abs() - 0.5).max(0.0) / (mean * (1.0 - p)).sqrt();
        return Some(two_sided(z));
    }
    // P(X <= k) and P(X >= k) for X ~ Binomial(n, p), summed in logarithms.
    let mut log_pmf = n as f64 * (1.0 - p).ln();
    let (mut below, mut at) = (0.0, 0.0);
    for i in 0..=k {
        at = log_pmf.exp();
        below += at;
        log_pmf += ((n - i) as f64 / (i + 1) as f64).ln() + (p / (1.0 - p)).ln();
    }
    Some((2.0 * below.min(1.0 - below + at)).min(1.0))
}

/// How often chance alone makes `k` of `n` and `l` of `m` differ so much, if both are of one rate. Absent when nothing varies.
pub fn two_proportions(k: u64, n: u64, l: u64, m: u64) -> Option<f64> {
    if n == 0 || m == 0 {
        return None;
    }
    let (nf, mf) = (n as f64, m as f64);
    let pooled = (k + l) as f64 / (nf + mf);
    let spread = (pooled * (1.0 - pooled) * (1.0 / nf + 1.0 / mf)).sqrt();
    if spread <= 0.0 {
        return None;
    }
    Some(two_sided((k as f64 / nf - l as f64 / mf).abs() / spread))
}

/// A case of the Kaplan-Meier median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lasted {
    /// It ended after so long.
    Ended(f64),
    /// It has lasted so long and goes on.
    Open(f64),
}

impl Lasted {
    pub fn seconds(self) -> f64 {
        match self {
            Self::Ended(seconds) | Self::Open(seconds) => seconds,
        }
    }
}

/// The first time at which at most half are still open; absent when the share does not fall that far.
pub fn kaplan_meier_median(cases: &[Lasted]) -> Option<f64> {
    let mut cases: Vec<(f64, bool)> = cases.iter().map(|case| (case.seconds(), matches!(case, Lasted::Open(_)))).collect();
    // Ends come before cases that are open at the same time: those were still at risk.
    cases.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut at_risk = cases.len();
    // The share as numerator and denominator of the current step, compared without rounding where nobody left early.
    let mut share = 1.0;
    let mut at = 0;
    while at < cases.len() {
        let time = cases[at].0;
        let group = cases[at..].iter().take_while(|case| case.0 == time).count();
        let ended = cases[at..at + group].iter().filter(|case| !case.1).count();
        if ended > 0 {
            share *= 1.0 - ended as f64 / at_risk as f64;
            if share <= 0.5 + 1e-12 {
                return Some(time);
            }
        }
        at_risk -= group;
        at += group;
    }
    None
}

/// The two-sided probability of a standard normal beyond `z`.
fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2).clamp(0.0, 1.0)
}

/// The complementary error function to about 1e-7 (Chebyshev fit of Numerical Recipes), for `x >= 0`.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.5 * x);
    let fit = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let sum = fit.iter().rev().fold(0.0, |sum, c| sum * t + c);
    t * (-x * x + sum).exp()
}
