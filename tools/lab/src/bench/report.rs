//! Rows of a benchmark: percentiles, goals, references; a table and a JSON object. Pure.

use std::fmt::Write as _;

use serde::Serialize;

/// What was measured again and again, and its reference in the same run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Row {
    pub(crate) metric: String,
    pub(crate) unit: &'static str,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) max: f64,
    pub(crate) runs: usize,
    /// The 95th percentile is not to be larger.
    pub(crate) goal: f64,
    pub(crate) holds: bool,
    pub(crate) reference: Option<Reference>,
    /// Median by median: how many times the reference it costs.
    pub(crate) ratio: Option<f64>,
}

/// The same thing done in the barest way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Reference {
    pub(crate) name: &'static str,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
}

/// A benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    pub(crate) rows: Vec<Row>,
}

impl Row {
    /// A row from its samples; there must be some.
    pub(crate) fn new(metric: &str, unit: &'static str, goal: f64, samples: &[f64]) -> Self {
        let p95 = percentile(samples, 95);
        Self {
            metric: metric.to_owned(),
            unit,
            p50: percentile(samples, 50),
            p95,
            max: percentile(samples, 100),
            runs: samples.len(),
            goal,
            holds: p95 <= goal,
            reference: None,
            ratio: None,
        }
    }

    /// The same row beside its reference.
    pub(crate) fn against(mut self, name: &'static str, samples: &[f64]) -> Self {
        let reference = Reference { name, p50: percentile(samples, 50), p95: percentile(samples, 95) };
        self.ratio = (reference.p50 > 0.0).then(|| rounded(self.p50 / reference.p50));
        self.reference = Some(reference);
        self
    }
}

/// The nearest-rank percentile; not a number without samples, so that no goal holds by silence.
fn percentile(samples: &[f64], pct: usize) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * pct).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().map_or(f64::NAN, rounded)
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

impl Report {
    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "  {:<58} {:>4} {:>9} {:>9} {:>9} {:>5} {:>8}  {:<5} {}\n",
            self.bench, "unit", "p50", "p95", "max", "runs", "goal", "holds", "reference (p50, p95, ratio)"
        );
        for row in &self.rows {
            write!(
                text,
                "  {:<58} {:>4} {:>9} {:>9} {:>9} {:>5} {:>8}  {:<5}",
                row.metric,
                row.unit,
                row.p50,
                row.p95,
                row.max,
                row.runs,
                row.goal,
                if row.holds { "yes" } else { "NO" }
            )
            .expect("a String takes every write");
            if let Some(Reference { name, p50, p95 }) = &row.reference {
                let ratio = row.ratio.map_or("-".to_owned(), |ratio| ratio.to_string());
                write!(text, " {name} ({p50}, {p95}, {ratio}x)").expect("a String takes every write");
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_were_measured() {
        let samples: Vec<f64> = (1..=40).rev().map(f64::from).collect();
        let row = Row::new("gap", "ms", 38.0, &samples);
        assert_eq!((row.p50, row.p95, row.max, row.runs, row.holds), (20.0, 38.0, 40.0, 40, true));
        assert!(!Row::new("gap", "ms", 37.9, &samples).holds);
    }

    #[test]
    fn no_samples_hold_no_goal() {
        assert!(!Row::new("gap", "ms", 1e9, &[]).holds);
    }

    #[test]
    fn a_reference_gives_a_ratio_of_medians() {
        let row = Row::new("gap", "ms", 9.0, &[2.0, 4.0, 9.0]).against("bare", &[1.0, 2.0, 8.0]);
        assert_eq!(row.ratio, Some(2.0));
        assert_eq!(row.reference.unwrap().p95, 8.0);
    }

    #[test]
    fn the_object_has_the_agreed_members() {
        let report = Report { bench: "first-light", rows: vec![Row::new("gap", "ms", 9.0, &[2.0])] };
        let object = serde_json::to_value(&report).unwrap();
        let row = object["rows"][0].as_object().unwrap();
        let members = ["metric", "unit", "p50", "p95", "max", "runs", "goal", "holds", "reference", "ratio"];
        assert!(members.iter().all(|member| row.contains_key(*member)), "{row:?}");
        assert_eq!(row.len(), members.len());
        assert!(report.table().contains("gap"));
    }
}
