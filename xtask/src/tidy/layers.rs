//! A crate depends on crates below it alone.

use anyhow::Result;
use serde_json::Value;

use crate::project::Project;

/// From the ground up. What is not built yet has its place already.
const ORDER: [&str; 16] = [
    "kernel",
    "db",
    "infra",
    "durable",
    "tenancy",
    "billing",
    "llm",
    "knowledge",
    "channels",
    "integrations",
    "workflows",
    "agents",
    "apply",
    "api",
    "server",
    "testkit",
];
/// Tools beside the house: nothing depends on them.
const TOOLS: [&str; 2] = ["bench", "xtask"];

pub(super) fn findings(project: &Project) -> Result<Vec<String>> {
    let metadata = project.metadata()?;
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    Ok(packages.iter().flat_map(of_package).collect())
}

fn of_package(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(height) = height(name) else {
        return vec![format!("crate {name} has no place in the order of the house (xtask/src/tidy/layers.rs)")];
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let inside = dependencies.filter(|dependency| dependency["path"].is_string());
    inside
        .filter_map(|dependency| {
            let on = dependency["name"].as_str().unwrap_or_default();
            // Tests stand on the testkit, whatever they test.
            let for_tests = dependency["kind"] == "dev" && on == "testkit";
            (!for_tests && is_upward(height, on, name)).then(|| format!("crate {name} depends upwards on {on}"))
        })
        .collect()
}

fn is_upward(height: usize, on: &str, name: &str) -> bool {
    let product = !TOOLS.contains(&name);
    self::height(on).is_none_or(|other| other >= height) || product && (on == "testkit" || TOOLS.contains(&on))
}

fn height(name: &str) -> Option<usize> {
    ORDER.iter().chain(&TOOLS).position(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, on: &str, kind: Option<&str>) -> Value {
        json!({"name": name, "dependencies": [{"name": on, "path": "somewhere", "kind": kind}]})
    }

    #[test]
    fn only_what_lies_below_may_be_leaned_on() {
        for (name, on, kind, allowed) in [
            ("db", "kernel", None, true),
            ("kernel", "db", None, false),
            ("channels", "agents", None, false),
            ("durable", "testkit", Some("dev"), true),
            ("durable", "testkit", None, false),
            ("testkit", "db", None, true),
            ("bench", "testkit", None, true),
            ("server", "xtask", None, false),
            ("stranger", "kernel", None, false),
        ] {
            assert_eq!(of_package(&package(name, on, kind)).is_empty(), allowed, "{name} -> {on} ({kind:?})");
        }
    }
}
