//! Results: a table for the terminal, a file for the repository.
#![expect(clippy::print_stdout, reason = "a tool speaks to its terminal")]

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use chrono::Utc;
use serde_json::{Value, json};

use crate::options::Options;
use crate::{machine, process};

/// What a benchmark gathers while it runs.
pub(crate) struct Report {
    name: &'static str,
    whole: Value,
    load: Vec<f64>,
    rows: Vec<[String; 3]>,
}

impl Report {
    #[expect(clippy::disallowed_methods, reason = "a result bears the date it was measured on")]
    pub(crate) fn new(name: &'static str, options: &Options) -> Self {
        let whole = json!({
            "benchmark": name, "commit": machine::commit(), "date": Utc::now().to_rfc3339(),
            "command": options.command(), "seed": options.seed(), "machine": machine::facts(),
        });
        let mut report = Self { name, whole, load: Vec::new(), rows: Vec::new() };
        report.look();
        report
    }

    /// Notes the load average: what else the machine is doing.
    pub(crate) fn look(&mut self) {
        self.load.push(process::load_average());
    }

    /// Puts `value` into the result file under `key`.
    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.whole[key] = value;
    }

    /// A line of the table: what, how much, and the aim or a remark.
    pub(crate) fn row(&mut self, what: &str, how_much: impl Into<String>, aim: &str) {
        self.rows.push([what.to_owned(), how_much.into(), aim.to_owned()]);
    }

    /// Prints the table and writes `bench/results/<name>.json`.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.look();
        self.whole["load_average"] = json!(self.load);
        let table: Vec<Value> = self.rows.iter().map(|row| json!(row)).collect();
        self.whole["table"] = table.into();
        let [first, second] = [0, 1].map(|column| self.rows.iter().map(|row| row[column].chars().count()).max());
        let (first, second) = (first.unwrap_or(0), second.unwrap_or(0));
        say(&format!("\n== {} (load average {:.2?})", self.name, self.load));
        for [what, how_much, aim] in &self.rows {
            say(format!("{what:<first$}  {how_much:>second$}  {aim}").trim_end());
        }
        let path = Path::new("bench/results").join(format!("{}.json", self.name));
        let text = serde_json::to_string_pretty(&self.whole)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        say(&format!("\nwritten to {}", path.display()));
        Ok(())
    }
}

/// Progress.
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// The middle one; 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// Three significant digits, for result files.
pub(crate) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let scale = 10_f64.powi(2 - value.abs().log10().floor() as i32);
    (value * scale).round() / scale
}
