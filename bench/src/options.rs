use anyhow::{Context as _, Result, bail};

/// The command line behind the benchmark's name: `--name value` pairs, each numeric.
pub(crate) struct Options {
    words: Vec<String>,
    pairs: Vec<(String, u64)>,
}

impl Options {
    /// Takes the options a benchmark knows, with their defaults; refuses all others.
    pub(crate) fn parse(words: Vec<String>, known: &[(&str, u64)]) -> Result<Self> {
        let mut pairs: Vec<(String, u64)> =
            [("seed", 1)].iter().chain(known).map(|(name, value)| ((*name).to_owned(), *value)).collect();
        for pair in words.get(1..).unwrap_or_default().chunks(2) {
            let name = pair[0].strip_prefix("--").unwrap_or_default();
            let Some(known) = pairs.iter_mut().find(|(known, _)| known == name) else {
                let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
                bail!("no option {}; there are --{}", pair[0], names.join(", --"));
            };
            let value = pair.get(1).with_context(|| format!("--{name} needs a value"))?;
            known.1 = value.parse().with_context(|| format!("--{name} must be a number, not {value}"))?;
        }
        Ok(Self { words, pairs })
    }

    pub(crate) fn get(&self, name: &str) -> u64 {
        self.pairs.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.get("seed")
    }

    /// How the run is repeated.
    pub(crate) fn command(&self) -> String {
        let given = self.words.get(1..).unwrap_or_default().join(" ");
        format!("cargo xtask bench {} {given}", self.words[0]).trim_end().to_owned()
    }

    /// What was in force, defaults included.
    pub(crate) fn all(&self) -> serde_json::Value {
        self.pairs.iter().map(|(name, value)| (name.clone(), serde_json::Value::from(*value))).collect()
    }
}
