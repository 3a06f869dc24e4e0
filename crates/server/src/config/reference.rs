use std::fmt::Write as _;

use super::keys::{KEYS, Kind};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `konstruct config-reference`; change the keys in crates/server/src/config/keys.rs. -->

Konstruct runs without any configuration. What you want otherwise stands in `konstruct.toml` in the working directory
(or in the file named with `--config`), is overridden by environment variables, and those by flags of the command line.

A key's environment variable is `KONSTRUCT_` and the key in capitals, with two underscores where the key has a dot.
Lists are comma-separated there. A key or a `KONSTRUCT_` variable that does not exist is an error.

```toml
listen = \"0.0.0.0:443\"
public_url = \"https://konstruct.example.com\"

[tls]
cert_file = \"/etc/konstruct/tls/fullchain.pem\"
key_file = \"/etc/konstruct/tls/privkey.pem\"
```
";

/// The page `docs/configuration.md`.
pub(crate) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    for key in KEYS {
        let variable = format!("KONSTRUCT_{}", key.path.to_ascii_uppercase().replace('.', "__"));
        let kind = match key.kind {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Switch => "`true` or `false`",
            Kind::List => "list",
        };
        // Writing into a string cannot fail.
        _ = write!(
            page,
            "\n## `{}`\n\n{}\n\n- Type: {kind}\n- Default: {}\n- Environment: `{variable}`\n",
            key.path, key.about, key.default
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::config::Config;

    fn leaves(value: &Value, prefix: &str) -> Vec<String> {
        match value {
            Value::Object(fields) => {
                fields.iter().flat_map(|(name, value)| leaves(value, &format!("{prefix}.{name}"))).collect()
            }
            _ => vec![prefix.trim_start_matches('.').to_owned()],
        }
    }

    #[test]
    fn every_key_of_the_configuration_is_described_and_no_other() {
        let config: BTreeSet<String> =
            leaves(&serde_json::to_value(Config::default()).unwrap(), "").into_iter().collect();
        let described: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        assert_eq!(config, described);
    }
}
