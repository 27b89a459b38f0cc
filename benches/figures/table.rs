//! Figures beside their budgets, and whether each is kept.

/// What a figure is counted in.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    Milliseconds,
    Megabytes,
    Bytes,
    Requests,
    PerSecond,
    /// Of things that must not be: what was lost.
    Count,
    /// A statistic without a unit.
    Plain,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds => format!("{value:.2} ms"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::Bytes => format!("{value:.0} bytes"),
            Self::Requests | Self::Count => format!("{value:.0}"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Plain => format!("{value:.2}"),
        }
    }
}

struct Row {
    figure: String,
    budget: String,
    measured: String,
    /// Best and worst, where there are several.
    range: String,
    kept: bool,
}

#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Table {
    /// Judged by the median.
    pub fn row(&mut self, figure: &str, unit: Unit, budget: f64, measured: &[f64]) {
        let sorted = sorted(measured);
        self.push(figure, unit, budget, sorted[sorted.len() / 2], &sorted);
    }

    /// Judged by the worst.
    pub fn row_of_worst(&mut self, figure: &str, unit: Unit, budget: f64, measured: &[f64]) {
        let sorted = sorted(measured);
        self.push(figure, unit, budget, sorted[sorted.len() - 1], &sorted);
    }

    /// One that must be at least so much, judged by the median.
    pub fn row_at_least(&mut self, figure: &str, unit: Unit, least: f64, measured: &[f64]) {
        let sorted = sorted(measured);
        let judged = sorted[sorted.len() / 2];
        self.push_judged(figure, unit, &format!(">= {}", unit.show(least)), judged, &sorted, judged >= least);
    }

    fn push(&mut self, figure: &str, unit: Unit, budget: f64, judged: f64, sorted: &[f64]) {
        self.push_judged(figure, unit, &unit.show(budget), judged, sorted, judged <= budget);
    }

    fn push_judged(&mut self, figure: &str, unit: Unit, budget: &str, judged: f64, sorted: &[f64], kept: bool) {
        let range = match sorted {
            [_] => String::new(),
            [first, .., last] => format!("{} to {}", unit.show(*first), unit.show(*last)),
            [] => "nothing was measured".to_owned(),
        };
        let row = Row { figure: figure.to_owned(), budget: budget.to_owned(), measured: unit.show(judged), range, kept };
        println!("{:<72} {:>12}", row.figure, row.measured);
        self.rows.push(row);
    }

    pub fn note(&mut self, words: String) {
        self.notes.push(words);
    }

    pub fn missed(&self) -> bool {
        self.rows.iter().any(|row| !row.kept)
    }

    pub fn print(&self) {
        println!("\n| figure | budget | measured | of all runs | |\n|---|---|---|---|---|");
        for row in &self.rows {
            let verdict = if row.kept { "kept" } else { "**missed**" };
            println!("| {} | {} | {} | {} | {verdict} |", row.figure, row.budget, row.measured, row.range);
        }
        for note in &self.notes {
            println!("\n{note}");
        }
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}
