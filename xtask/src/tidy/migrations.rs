//! Every table of a tenant is walled off in the migration that makes it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::project::Project;

const KEYWORDS: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "GRANT", "REFERENCES"];

pub(super) fn findings(project: &Project, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.starts_with("crates/db/migrations")) {
        findings.extend(of_migration(file, &fs::read_to_string(project.root.join(file))?));
    }
    Ok(findings)
}

fn of_migration(file: &Path, text: &str) -> Vec<String> {
    let sql: String =
        text.lines().map(|line| line.split("--").next().unwrap_or_default()).flat_map(|line| [line, "\n"]).collect();
    let mut findings = Vec::new();
    for made in sql.split("\ncreate table ").skip(1) {
        let name = made.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let columns = made.split("\n)").next().unwrap_or_default();
        let partition = columns.trim_start_matches(name).trim_start().starts_with("partition of");
        if (columns.contains("tenant_id ") || partition) && !sql.contains(&format!("call protect('{name}')")) {
            findings.push(format!("{}: table {name} is not protected", file.display()));
        }
    }
    let shouted = sql.split(|c: char| !c.is_alphanumeric() && c != '_').find(|word| KEYWORDS.contains(word));
    findings.extend(shouted.map(|word| format!("{}: SQL is written small: {word}", file.display())));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_s_table_without_a_wall_is_found() {
        let walled = "\ncreate table a (\n    tenant_id uuid not null\n);\ncall protect('a');\n";
        let open = "\ncreate table a (\n    tenant_id uuid not null\n);\n";
        let global = "\ncreate table a (\n    a_id uuid not null\n);\n";
        let part = "\ncreate table b partition of a default;\n";
        for (sql, findings) in [(walled, 0), (open, 1), (global, 0), (part, 1), ("SELECT 1;", 1), ("-- SELECT 1\n", 0)]
        {
            assert_eq!(of_migration(Path::new("m.sql"), sql).len(), findings, "{sql}");
        }
    }
}
