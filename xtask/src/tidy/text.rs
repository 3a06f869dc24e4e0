//! What may not stand in a file, and how long one may be.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::project::Project;

const LONGEST_FILE: usize = 800;
/// A `mod.rs` says what its folder is for; what is big stands beside it.
const LONGEST_MOD: usize = 400;
const SQL_VERBS: [&str; 9] =
    ["select ", "insert into ", "update ", "delete from ", "create ", "alter ", "drop ", "truncate ", "grant "];

pub(super) fn findings(project: &Project, files: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in files {
        let Ok(text) = fs::read_to_string(project.root.join(file)) else { continue };
        findings.extend(machine_paths(project, file, &text));
        if file.extension().is_some_and(|kind| kind == "rs") {
            findings.extend(rust(file, &text));
        }
    }
    Ok(findings)
}

/// The machine this was written on is nobody's business.
fn machine_paths(project: &Project, file: &Path, text: &str) -> Vec<String> {
    let home = std::env::var("HOME").unwrap_or_default();
    let root = project.root.display().to_string();
    let private: Vec<String> = [home, root].into_iter().filter(|path| path.len() > 1).map(|path| path + "/").collect();
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| private.iter().any(|path| line.contains(path)))
        .map(|(number, _)| format!("{}:{}: a path of this machine", file.display(), number + 1))
        .collect()
}

fn rust(file: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    let most = if file.ends_with("mod.rs") { LONGEST_MOD } else { LONGEST_FILE };
    if lines > most {
        findings.push(format!("{}: {lines} lines, {most} are the most", file.display()));
    }
    if file.ends_with("src/lib.rs") && !text.starts_with("//!") {
        findings.push(format!("{}: a crate begins with what it is for", file.display()));
    }
    let product = file.starts_with("crates") && !file.starts_with("crates/testkit") && !is_test(file);
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    for (number, line) in code.lines().enumerate().filter(|_| product) {
        let place = || format!("{}:{}", file.display(), number + 1);
        if is_formatted_sql(line) {
            findings.push(format!("{}: SQL is not put together with format!: bind the values", place()));
        }
        if line.contains("AssertSqlSafe(") && !file.starts_with("crates/db/src") {
            findings.push(format!("{}: only `db` may vouch for SQL of its own making", place()));
        }
        if ["TODO", "FIXME", "XXX"].iter().any(|mark| line.contains(mark)) {
            findings.push(format!("{}: an unfinished thought belongs into an issue", place()));
        }
    }
    findings
}

fn is_test(file: &Path) -> bool {
    file.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// `format!("select ...` and its like.
fn is_formatted_sql(line: &str) -> bool {
    let lower = line.to_lowercase();
    let formatted = ["format!(", "concat!("].iter().filter_map(|made| lower.split_once(made)).map(|(_, rest)| rest);
    formatted
        .filter_map(|rest| rest.trim_start_matches(['r', '#']).strip_prefix('"'))
        .any(|text| SQL_VERBS.iter().any(|verb| text.trim_start().starts_with(verb)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_is_bound_and_not_formatted() {
        for (line, formatted) in [
            (r#"let q = format!("select * from {table}");"#, true),
            (r##"sqlx::query(&format!(r#"delete from lane where id = {id}"#))"##, true),
            (r#"format!("selected {n} of {m}")"#, false),
            (r#"sqlx::query!("select 1")"#, false),
            (r#"format!("updated: {n}")"#, false),
        ] {
            assert_eq!(is_formatted_sql(line), formatted, "{line}");
        }
    }

    #[test]
    fn a_file_that_is_too_long_or_vouches_for_its_sql_is_found() {
        let long = "//! x\n".repeat(LONGEST_FILE + 1);
        assert_eq!(rust(Path::new("crates/llm/src/a.rs"), &long).len(), 1);
        assert_eq!(rust(Path::new("crates/llm/src/a.rs"), "sqlx::raw_sql(AssertSqlSafe(text))").len(), 1);
        assert_eq!(rust(Path::new("crates/server/tests/it/a.rs"), "sqlx::raw_sql(AssertSqlSafe(text))").len(), 0);
        assert_eq!(rust(Path::new("crates/llm/src/lib.rs"), "mod a;").len(), 1);
    }
}
