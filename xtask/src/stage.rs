//! What the reader of the terminal sees: which stage is under way, and how long each took.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool speaks to its terminal")]

use std::time::{Duration, Instant};

use anyhow::Result;

/// The stages of one command.
pub(crate) struct Stages {
    begun: Instant,
    done: Vec<(String, Duration)>,
}

impl Stages {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), done: Vec::new() }
    }

    /// Does one stage's work under its name.
    pub(crate) fn stage<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n== {name}");
        let begun = Instant::now();
        let outcome = work()?;
        let took = begun.elapsed();
        println!("-- {name}: {}", seconds(took));
        self.done.push((name.to_owned(), took));
        Ok(outcome)
    }

    /// All stages with their times.
    pub(crate) fn summary(&self) -> String {
        let width = self.done.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let lines = self.done.iter().map(|(name, took)| format!("   {name:<width$}  {:>8}\n", seconds(*took)));
        let total = format!("   {:<width$}  {:>8}", "together", seconds(self.begun.elapsed()));
        lines.chain([total]).collect()
    }
}

pub(crate) fn say(text: &str) {
    println!("{text}");
}

pub(crate) fn failed(error: &anyhow::Error) {
    eprintln!("\nfailed: {error:#}");
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
