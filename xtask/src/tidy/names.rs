//! Names of modules that say nothing.

use std::path::{Path, PathBuf};

const SAY_NOTHING: [&str; 7] = ["util", "helper", "common", "misc", "manager", "service", "shared"];

pub(super) fn findings(files: &[PathBuf]) -> Vec<String> {
    files.iter().filter_map(|file| of_file(file)).collect()
}

fn of_file(file: &Path) -> Option<String> {
    let code = file.extension().is_some_and(|kind| kind == "rs");
    let parts = file.with_extension("");
    let empty = parts
        .iter()
        .filter_map(|part| part.to_str())
        .find(|part| SAY_NOTHING.iter().any(|name| part.to_lowercase().trim_end_matches('s') == *name));
    empty.filter(|_| code).map(|name| format!("{}: the name `{name}` says nothing", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_is_inside() {
        for (file, fine) in [
            ("crates/llm/src/retry.rs", true),
            ("crates/llm/src/utils.rs", false),
            ("crates/llm/src/helpers/mod.rs", false),
            ("crates/llm/src/common/retry.rs", false),
            ("deploy/systemd/konstruct.service", true),
        ] {
            assert_eq!(of_file(Path::new(file)).is_none(), fine, "{file}");
        }
    }
}
