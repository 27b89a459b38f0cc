//! Bars that lie one behind the other, as the times of phases do.

/// From where to where each phase's bar reaches, of `cells` cells. What took any time has a cell at least.
pub fn bars(lengths: &[Option<f64>], cells: u16) -> Vec<Option<(u16, u16)>> {
    let total: f64 = lengths.iter().flatten().filter(|length| length.is_finite() && **length > 0.0).sum();
    let mut before = 0.0;
    let place = |share: f64| (share * f64::from(cells)).round().clamp(0.0, f64::from(cells)) as u16;
    lengths
        .iter()
        .map(|length| {
            let length = length.filter(|length| length.is_finite() && *length > 0.0 && total > 0.0)?;
            let from = place(before / total).min(cells.saturating_sub(1));
            before += length;
            Some((from, place(before / total).max(from + 1).min(cells)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn each_bar_begins_where_the_one_before_ends_and_what_took_time_is_seen() {
        assert_eq!(bars(&[Some(1.0), None, Some(3.0)], 8), [Some((0, 2)), None, Some((2, 8))]);
        assert_eq!(bars(&[Some(1_000.0), Some(1.0)], 10), [Some((0, 10)), Some((9, 10))]);
        assert_eq!(bars(&[Some(0.0), None], 10), [None, None]);
        assert_eq!(bars(&[Some(f64::NAN), Some(2.0)], 4), [None, Some((0, 4))]);
    }
}
