//! Figures in words: durations, shares.

/// A duration in its two largest units: `3d 4h`, `2h 05m`, `45s`. A negative one has a minus.
pub fn duration(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let whole = seconds.abs().round() as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{rest}s"),
        (0, 0, _) => format!("{sign}{minutes}m"),
        (0, _, _) => format!("{sign}{hours}h {minutes:02}m"),
        _ => format!("{sign}{days}d {hours}h"),
    }
}

/// A fraction as a percentage with one decimal.
pub fn percent(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

/// `1 deployment`, `2 deployments`.
pub fn many(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}
