use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use toml::{Table, Value};

use super::keys::{KEYS, Key, Kind};
use super::{Config, Role};

const PREFIX: &str = "KONSTRUCT_";
/// Variables that begin like configuration and are none: what a command is given, and switches of tests.
const OTHERS: [&str; 3] = ["KONSTRUCT_API_KEY", "KONSTRUCT_FAILPOINT", "KONSTRUCT_TEST_"];
/// Read where it exists and no other file is named.
const DEFAULT_FILE: &str = "konstruct.toml";

/// Where configuration comes from, in rising order of precedence.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// `--config`; without it, `konstruct.toml` in the working directory where there is one.
    pub file: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    pub data_dir: Option<PathBuf>,
    pub listen: Option<String>,
    pub roles: Vec<Role>,
}

/// Reads the configuration and checks what can be checked without doing anything.
pub(crate) fn load(sources: Sources) -> anyhow::Result<Config> {
    let mut table = read_file(sources.file)?;
    for (name, value) in sources.environment {
        if name.starts_with(PREFIX) && !OTHERS.iter().any(|other| name.starts_with(other)) {
            apply_variable(&mut table, &name, &value)?;
        }
    }
    if let Some(data_dir) = sources.data_dir {
        let data_dir = data_dir.to_str().context("--data-dir is not valid UTF-8")?;
        table.insert("data_dir".to_owned(), Value::String(data_dir.to_owned()));
    }
    if let Some(listen) = sources.listen {
        table.insert("listen".to_owned(), Value::String(listen));
    }
    if !sources.roles.is_empty() {
        table.insert("roles".to_owned(), Value::try_from(sources.roles)?);
    }
    let config: Config = table.try_into().context("the configuration cannot be used")?;
    check(&config)?;
    Ok(config)
}

fn read_file(named: Option<PathBuf>) -> anyhow::Result<Table> {
    let path = match named {
        Some(path) => path,
        None if PathBuf::from(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
        None => return Ok(Table::new()),
    };
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: Table = text.parse().with_context(|| format!("{} is not valid TOML", path.display()))?;
    for path_of_key in leaves(&table, "") {
        find_key(&path_of_key).with_context(|| format!("in {}", path.display()))?;
    }
    Ok(table)
}

fn leaves(table: &Table, prefix: &str) -> Vec<String> {
    let of = |(name, value): (&String, &Value)| match value {
        Value::Table(inner) => leaves(inner, &format!("{prefix}{name}.")),
        _ => vec![format!("{prefix}{name}")],
    };
    table.iter().flat_map(of).collect()
}

fn apply_variable(table: &mut Table, name: &str, text: &str) -> anyhow::Result<()> {
    let path = name.strip_prefix(PREFIX).unwrap_or(name).to_ascii_lowercase().replace("__", ".");
    let key = find_key(&path).with_context(|| format!("the environment variable {name} means nothing"))?;
    let value = match key.kind {
        Kind::Text => Value::String(text.to_owned()),
        Kind::Number => Value::Integer(text.trim().parse().with_context(|| format!("{name} must be a number"))?),
        Kind::Switch => Value::Boolean(
            text.trim().parse().with_context(|| format!("{name} must be true or false, not \"{text}\""))?,
        ),
        Kind::List => Value::Array(text.split(',').map(|item| Value::String(item.trim().to_owned())).collect()),
    };
    set(table, key.path, value)
}

fn set(table: &mut Table, path: &str, value: Value) -> anyhow::Result<()> {
    match path.split_once('.') {
        None => drop(table.insert(path.to_owned(), value)),
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            set(inner.as_table_mut().with_context(|| format!("`{section}` must be a table"))?, rest, value)?;
        }
    }
    Ok(())
}

fn find_key(path: &str) -> anyhow::Result<&'static Key> {
    if let Some(key) = KEYS.iter().find(|key| key.path == path) {
        return Ok(key);
    }
    match KEYS.iter().map(|key| (distance(path, key.path), key.path)).min() {
        Some((distance, near)) if distance <= 4 => bail!("there is no key `{path}`; did you mean `{near}`?"),
        _ => bail!("there is no key `{path}`; `konstruct config-reference` lists all of them"),
    }
}

/// The Levenshtein distance of two words.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn check(config: &Config) -> anyhow::Result<()> {
    let database = &config.database;
    match (&database.url, &database.system_url) {
        (Some(_), None) => {
            bail!("database.url needs database.system_url beside it: the same database as konstruct_system")
        }
        (None, Some(_)) => {
            bail!("database.system_url needs database.url beside it: the same database as konstruct_app")
        }
        _ => {}
    }
    if config.tls.cert_file.is_some() != config.tls.key_file.is_some() {
        bail!("tls.cert_file and tls.key_file belong together");
    }
    if !(2..=1000).contains(&database.max_connections) {
        bail!("database.max_connections must be between 2 and 1000, not {}", database.max_connections);
    }
    if config.engine.max_running == 0 {
        bail!("engine.max_running must be at least 1");
    }
    if !(1..=llm::usage::MOST_DAYS).contains(&config.usage.keep_days) {
        bail!("usage.keep_days must be between 1 and {}, not {}", llm::usage::MOST_DAYS, config.usage.keep_days);
    }
    if config.roles.is_empty() {
        bail!("roles must name at least one role");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn from_env(variables: &[(&str, &str)]) -> Result<Config, String> {
        let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        load(Sources { environment, ..Sources::default() }).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn the_environment_overrides_the_file_and_flags_override_both() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"listen = '127.0.0.1:1'\nlog = 'debug'\n[database]\nmax_connections = 7\n").unwrap();
        let config = load(Sources {
            file: Some(file.path().to_owned()),
            environment: vec![
                ("KONSTRUCT_LISTEN".into(), "127.0.0.1:2".into()),
                ("KONSTRUCT_EGRESS__ALLOW_PRIVATE".into(), "true".into()),
                ("KONSTRUCT_ROLES".into(), "gateway, worker".into()),
                ("PATH".into(), "/bin".into()),
            ],
            listen: Some("127.0.0.1:3".into()),
            ..Sources::default()
        })
        .unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.log, "debug");
        assert_eq!(config.database.max_connections, 7);
        assert!(config.egress.allow_private);
        assert_eq!(config.roles, [Role::Gateway, Role::Worker]);
    }

    #[test]
    fn a_key_that_does_not_exist_is_an_error_with_a_hint() {
        let hint = from_env(&[("KONSTRUCT_DATABASE__URI", "x")]).unwrap_err();
        assert!(hint.contains("there is no key `database.uri`; did you mean `database.url`?"), "{hint}");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"[smoke]\nsignals = 1\n").unwrap();
        let error = load(Sources { file: Some(file.path().to_owned()), ..Sources::default() }).unwrap_err();
        assert!(format!("{error:#}").contains("there is no key `smoke.signals`"), "{error:#}");
    }

    #[test]
    fn what_cannot_work_is_said_before_anything_is_done() {
        for (variables, expected) in [
            (&[("KONSTRUCT_DATABASE__URL", "postgres://x")][..], "database.url needs database.system_url"),
            (&[("KONSTRUCT_TLS__CERT_FILE", "x")], "tls.cert_file and tls.key_file belong together"),
            (&[("KONSTRUCT_DATABASE__MAX_CONNECTIONS", "many")], "must be a number"),
            (&[("KONSTRUCT_EGRESS__ALLOW_PRIVATE", "yes")], "must be true or false, not \"yes\""),
            (&[("KONSTRUCT_ROLES", "boss")], "unknown variant `boss`"),
            (&[("KONSTRUCT_LISTEN", "8080")], "invalid socket address"),
        ] {
            let error = from_env(variables).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
